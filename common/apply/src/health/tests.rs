use super::*;
use serde_json::json;

const NOW: i64 = 1_800_000_000;

fn of(object: Value) -> Health {
    health(&object, NOW).unwrap()
}

fn typed(api_version: &str, kind: &str, mut rest: Value) -> Value {
    rest["apiVersion"] = api_version.into();
    rest["kind"] = kind.into();
    rest
}

#[test]
fn generic_steps_come_in_order() {
    let custom = |rest| typed("example.io/v1", "Widget", rest);
    assert_eq!(of(custom(json!({}))), Health::Current);
    let deleted = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
    assert_eq!(of(custom(deleted)), Health::Terminating);
    let lagging = json!({"metadata": {"generation": 2}, "status": {"observedGeneration": 1}});
    assert_eq!(of(custom(lagging)), Health::InProgress);
    let conditions = |list: Value| custom(json!({"status": {"conditions": list}}));
    assert_eq!(of(conditions(json!([{"type": "Stalled", "status": "True"}]))), Health::Failed);
    assert_eq!(
        of(conditions(
            json!([{"type": "Reconciling", "status": "True"}, {"type": "Stalled", "status": "True"}])
        )),
        Health::InProgress
    );
    assert_eq!(of(conditions(json!([{"type": "Ready", "status": "False"}]))), Health::InProgress);
    assert_eq!(of(conditions(json!([{"type": "Ready", "status": "Unknown"}]))), Health::InProgress);
    assert_eq!(of(conditions(json!([{"type": "Ready", "status": "True"}]))), Health::Current);
}

#[test]
fn kinds_without_readiness_are_current() {
    for (version, kind) in
        [("v1", "Secret"), ("v1", "ConfigMap"), ("batch/v1", "CronJob"), ("policy/v1", "PodDisruptionBudget")]
    {
        let unready = json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}});
        assert_eq!(of(typed(version, kind, unready)), Health::Current, "{kind}");
    }
}

#[test]
fn services_and_claims_wait_for_their_address_and_volume() {
    let service = |spec| typed("v1", "Service", json!({ "spec": spec }));
    assert_eq!(of(service(json!({"type": "ClusterIP"}))), Health::Current);
    assert_eq!(of(service(json!({"type": "LoadBalancer"}))), Health::InProgress);
    assert_eq!(of(service(json!({"type": "LoadBalancer", "clusterIP": "10.0.0.1"}))), Health::Current);
    let claim = |phase: &str| typed("v1", "PersistentVolumeClaim", json!({"status": {"phase": phase}}));
    assert_eq!(of(claim("Bound")), Health::Current);
    assert_eq!(of(claim("Pending")), Health::InProgress);
}

#[test]
fn pods_by_phase() {
    let pod = |status: Value| {
        let created = jiff::Timestamp::from_second(NOW - 15).unwrap().to_string();
        typed("v1", "Pod", json!({"metadata": {"creationTimestamp": created}, "status": status}))
    };
    assert_eq!(of(pod(json!({}))), Health::InProgress);
    assert_eq!(of(pod(json!({"phase": "Succeeded"}))), Health::Current);
    assert_eq!(of(pod(json!({"phase": "Failed"}))), Health::Current);
    assert_eq!(of(pod(json!({"phase": "Running"}))), Health::InProgress);
    let ready = json!([{"type": "Ready", "status": "True"}]);
    assert_eq!(of(pod(json!({"phase": "Running", "conditions": ready}))), Health::Current);
    let looping = json!([{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]);
    assert_eq!(of(pod(json!({"phase": "Running", "containerStatuses": looping}))), Health::Failed);
    let stuck = pod(json!({"phase": "Pending", "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    ]}));
    assert_eq!(health(&stuck, NOW), Ok(Health::Failed));
    assert_eq!(health(&stuck, NOW - 1), Ok(Health::InProgress));
    assert_eq!(health(&pod(json!({"phase": "Odd"})), NOW), Err(HealthError::UnknownPhase("Odd".into())));
}

#[test]
fn deployments_wait_for_every_count() {
    let whole = json!({
        "spec": {"replicas": 2, "progressDeadlineSeconds": 600},
        "status": {
            "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "readyReplicas": 2,
            "conditions": [
                {"type": "Available", "status": "True"},
                {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
            ],
        },
    });
    let deployment = |pointer: &str, value: Value| {
        let mut object = typed("apps/v1", "Deployment", whole.clone());
        if let Some(place) = object.pointer_mut(pointer) {
            *place = value;
        }
        of(object)
    };
    assert_eq!(deployment("", typed("apps/v1", "Deployment", whole.clone())), Health::Current);
    for field in ["replicas", "updatedReplicas", "availableReplicas", "readyReplicas"] {
        assert_eq!(deployment(&format!("/status/{field}"), json!(1)), Health::InProgress, "{field}");
    }
    assert_eq!(deployment("/status/replicas", json!(3)), Health::InProgress);
    assert_eq!(deployment("/status/conditions/0/status", json!("False")), Health::InProgress);
    assert_eq!(deployment("/status/conditions/1/reason", json!("ReplicaSetUpdated")), Health::InProgress);
    assert_eq!(deployment("/status/conditions/1/reason", json!("ProgressDeadlineExceeded")), Health::Failed);
    assert_eq!(deployment("/spec/replicas", json!(3)), Health::InProgress);
}

#[test]
fn a_deployment_scaled_to_zero_is_current_without_a_deadline() {
    let object = typed(
        "apps/v1",
        "Deployment",
        json!({
            "spec": {"replicas": 0, "progressDeadlineSeconds": 2_147_483_647},
            "status": {"conditions": [{"type": "Available", "status": "True"}]},
        }),
    );
    assert_eq!(of(object), Health::Current);
}

#[test]
fn replica_sets_stateful_sets_and_daemon_sets() {
    let set = |status: Value| of(typed("apps/v1", "ReplicaSet", json!({ "status": status })));
    assert_eq!(set(json!({})), Health::InProgress);
    let full = json!({"replicas": 1, "fullyLabeledReplicas": 1, "availableReplicas": 1, "readyReplicas": 1});
    assert_eq!(set(full), Health::Current);

    let stateful = |spec: Value, status: Value| {
        of(typed("apps/v1", "StatefulSet", json!({"spec": spec, "status": status})))
    };
    assert_eq!(stateful(json!({"updateStrategy": {"type": "OnDelete"}}), json!({})), Health::Current);
    let running = json!({"replicas": 1, "readyReplicas": 1, "currentReplicas": 1, "currentRevision": "a", "updateRevision": "a"});
    assert_eq!(stateful(json!({}), running.clone()), Health::Current);
    let mut updating = running;
    updating["updateRevision"] = "b".into();
    assert_eq!(stateful(json!({}), updating.clone()), Health::InProgress);
    let partition = |n: i64| json!({"updateStrategy": {"rollingUpdate": {"partition": n}}});
    assert_eq!(stateful(partition(1), updating.clone()), Health::Current);
    assert_eq!(stateful(partition(0), updating), Health::InProgress);

    let daemon = |status: Value| {
        of(typed("apps/v1", "DaemonSet", json!({"metadata": {"generation": 1}, "status": status})))
    };
    assert_eq!(daemon(json!({"observedGeneration": 1})), Health::InProgress);
    assert_eq!(daemon(json!({"observedGeneration": 1, "desiredNumberScheduled": 0})), Health::Current);
    let one = json!({
        "observedGeneration": 1, "desiredNumberScheduled": 1, "currentNumberScheduled": 1,
        "updatedNumberScheduled": 1, "numberAvailable": 1, "numberReady": 0,
    });
    assert_eq!(daemon(one), Health::InProgress);
}

#[test]
fn definitions_follow_their_conditions() {
    let definition = |list: Value| {
        of(typed(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            json!({"status": {"conditions": list}}),
        ))
    };
    assert_eq!(definition(json!([])), Health::InProgress);
    assert_eq!(definition(json!([{"type": "NamesAccepted", "status": "False"}])), Health::Failed);
    assert_eq!(
        definition(json!([{"type": "Established", "status": "False", "reason": "Installing"}])),
        Health::InProgress
    );
    assert_eq!(
        definition(json!([{"type": "Established", "status": "False", "reason": "Odd"}])),
        Health::Failed
    );
    assert_eq!(definition(json!([{"type": "Established", "status": "True"}])), Health::Current);
}

#[test]
fn jobs_ignore_deletion_and_generation() {
    let job = |rest: Value| of(typed("batch/v1", "Job", rest));
    assert_eq!(job(json!({})), Health::InProgress);
    assert_eq!(job(json!({"spec": {"suspend": true}})), Health::Current);
    let done = json!({
        "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"},
        "status": {"conditions": [{"type": "Complete", "status": "True"}]},
    });
    assert_eq!(job(done), Health::Current);
    assert_eq!(
        job(json!({"status": {"conditions": [{"type": "Failed", "status": "True"}]}})),
        Health::Failed
    );
}

#[test]
fn pods_fail_unless_they_end_or_find_no_node() {
    let crashing = json!({"status": {"phase": "Running", "containerStatuses": [
        {"state": {"waiting": {"reason": "CrashLoopBackOff"}}},
    ]}});
    assert!(pod_failed(&crashing, 0));
    let mut ending = crashing;
    ending["metadata"] = json!({"deletionTimestamp": "2026-01-01T00:00:00Z"});
    assert!(!pod_failed(&ending, 0));
    let homeless = json!({
        "metadata": {"creationTimestamp": "1970-01-01T00:00:00Z"},
        "status": {"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"},
        ]},
    });
    assert!(!pod_failed(&homeless, 60));
}

#[test]
fn selectors_are_written_out() {
    let object = json!({"spec": {"selector": {
        "matchLabels": {"app": "db"},
        "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["a", "b"]}, {"key": "x", "operator": "DoesNotExist"},
        ],
    }}});
    assert_eq!(selector(&object).as_deref(), Some("app=db,tier in (a,b),!x"));
    assert_eq!(selector(&json!({"spec": {}})), None);
}
