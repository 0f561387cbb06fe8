//! A tenant acts as an account with `admin` in its own namespace, and gets no further.

use flux_e2e::Binaries;
use flux_lab::{Controller, Env, GitServer, ObjectKey, has_condition, is_ready};
use serde_json::{Value, json};

use crate::objects::{config_map, git_repository, kustomization, ready_message};

const BINDING: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: tenant-becomes-admin}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: tenant, namespace: NAMESPACE}]
";

#[tokio::test]
async fn tenant_keeps_to_its_namespace() {
    let binaries = Binaries::build().await.expect("the controllers");
    let (tenant, foreign) = (Env::start().await, Env::start().await);
    tenant.account("tenant").await;
    tenant.grant_here("tenant", "admin").await;
    let (own, other) = (tenant.namespace(), foreign.namespace());
    foreign.apply_yaml(&config_map(other, "private").replace("name: map", "name: healthy")).await;

    let git = GitServer::start().await.expect("Git server");
    let repository = git.repository("app").expect("repository");
    let binding = BINDING.replace("NAMESPACE", own);
    let files = [
        ("own/map.yaml", config_map(own, "mine")),
        ("foreign/map.yaml", config_map(other, "mine")),
        ("cluster/binding.yaml", binding),
    ];
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    repository.commit("main", &files).expect("commit");
    let _source = tenant.controller(&Controller::source(binaries.path("source-controller"))).await;
    let kustomize = Controller::kustomize(binaries.path("kustomize-controller"))
        .flag("--default-service-account=tenant")
        .flag("--no-cross-namespace-refs");
    let _kustomize = tenant.controller(&kustomize).await;
    tenant.apply(&git_repository(repository.url())).await;

    let mine = kustomization("own", Value::Null);
    tenant.apply(&mine).await;
    tenant.eventually(&mine, is_ready()).await;
    let map = ObjectKey::new("v1", "ConfigMap", "map");
    assert_eq!(tenant.get(&map).await.expect("applied")["data"]["text"], "mine");

    for (path, target) in [("foreign", map.within(other)), ("cluster", cluster_binding())] {
        let object = kustomization(path, Value::Null);
        tenant.apply(&object).await;
        let refused = has_condition("Ready", "False", "ReconciliationFailed");
        let refused = ready_message(&tenant.eventually(&object, refused).await);
        let account = format!("system:serviceaccount:{own}:tenant");
        assert!(refused.contains("forbidden") && refused.contains(&account), "{refused}");
        assert_eq!(tenant.get(&target).await, None, "{target} is not created");
    }

    let spy = json!({
        "path": "own", "timeout": "2s",
        "healthChecks": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "healthy", "namespace": other}],
    });
    let spy = kustomization("spy", spy);
    tenant.apply(&spy).await;
    let failed =
        ready_message(&tenant.eventually(&spy, has_condition("Ready", "False", "HealthCheckFailed")).await);
    let absent = json!({
        "path": "own", "timeout": "2s",
        "healthChecks": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "absent", "namespace": other}],
    });
    let absent = kustomization("absent", absent);
    tenant.apply(&absent).await;
    let same = ready_message(
        &tenant.eventually(&absent, has_condition("Ready", "False", "HealthCheckFailed")).await,
    );
    let anonymous = |message: &str, name: &str| {
        message.replace(name, "NAME").chars().filter(|char| !char.is_ascii_digit()).collect::<String>()
    };
    assert!(failed.contains("forbidden"), "{failed}");
    assert_eq!(anonymous(&failed, "healthy"), anonymous(&same, "absent"), "nothing tells which one exists");

    let borrowed = json!({
        "path": "own", "sourceRef": {"kind": "GitRepository", "name": "app", "namespace": other},
    });
    let borrowed = kustomization("borrowed", borrowed);
    tenant.apply(&borrowed).await;
    let denied = tenant.eventually(&borrowed, has_condition("Ready", "False", "AccessDenied")).await;
    let wanted =
        format!("can't access 'GitRepository/{other}/app', cross-namespace references have been blocked");
    assert_eq!(ready_message(&denied), wanted);
}

fn cluster_binding() -> ObjectKey {
    ObjectKey::new("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "tenant-becomes-admin")
}
