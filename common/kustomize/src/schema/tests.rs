use super::*;

fn keys(schema: &Schema, api_version: &str, kind: &str, path: &[&str]) -> Option<Vec<String>> {
    let mut found = schema.resource(api_version, kind)?;
    for part in path {
        found = if *part == "[]" { found.elements() } else { found.field(part) }?;
    }
    found.merge_keys().map(|keys| keys.0.into_iter().map(str::to_owned).collect())
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn built_in_lists_merge_by_the_keys_of_the_documents() {
    let schema = Schema::built_in();
    let pod = ["spec", "template", "spec"];
    let container = ["spec", "template", "spec", "containers", "[]"];
    let deployment = |prefix: &[&str], field: &str| {
        let path: Vec<&str> = prefix.iter().copied().chain([field]).collect();
        keys(&schema, "apps/v1", "Deployment", &path).map(|keys| keys.join(","))
    };
    for (field, expected) in [
        ("containers", "name"),
        ("initContainers", "name"),
        ("ephemeralContainers", "name"),
        ("volumes", "name"),
        ("imagePullSecrets", "name"),
        ("hostAliases", "ip"),
        ("topologySpreadConstraints", "topologyKey,whenUnsatisfiable"),
    ] {
        assert_eq!(deployment(&pod, field).as_deref(), Some(expected), "{field}");
    }
    for (field, expected) in [
        ("env", "name"),
        ("ports", "containerPort,protocol"),
        ("volumeMounts", "mountPath"),
        ("volumeDevices", "devicePath"),
    ] {
        assert_eq!(deployment(&container, field).as_deref(), Some(expected), "{field}");
    }
    for field in ["envFrom", "command", "args"] {
        assert_eq!(deployment(&container, field), None, "{field}");
    }
    assert_eq!(deployment(&pod, "tolerations"), None);
    let all = |api_version: &str, kind: &str, path: &[&str]| keys(&schema, api_version, kind, path);
    let one = |key: &str| Some(vec![key.to_owned()]);
    assert_eq!(
        all("v1", "Service", &["spec", "ports"]),
        Some(vec!["port".to_owned(), "protocol".to_owned()])
    );
    assert_eq!(all("v1", "ServiceAccount", &["secrets"]), one("name"));
    assert_eq!(all("v1", "ServiceAccount", &["imagePullSecrets"]), None);
    assert_eq!(all("v1", "Pod", &["metadata", "ownerReferences"]), one("uid"));
    assert_eq!(all("v1", "Pod", &["metadata", "finalizers"]), Some(vec![]));
    assert_eq!(all("v1", "Node", &["spec", "podCIDRs"]), Some(vec![]));
    assert_eq!(all("v1", "Node", &["status", "addresses"]), one("type"));
    assert_eq!(all("v1", "Pod", &["status", "podIPs"]), one("ip"));
    for version in ["v1", "v1beta1"] {
        let api = format!("admissionregistration.k8s.io/{version}");
        assert_eq!(all(&api, "MutatingWebhookConfiguration", &["webhooks"]), one("name"));
        assert_eq!(all(&api, "ValidatingWebhookConfiguration", &["webhooks"]), one("name"));
        let api = format!("storage.k8s.io/{version}");
        assert_eq!(all(&api, "CSINode", &["spec", "drivers"]), one("name"));
        let api = format!("batch/{version}");
        let path = ["spec", "jobTemplate", "spec", "template", "spec", "containers"];
        assert_eq!(all(&api, "CronJob", &path), one("name"));
    }
    assert_eq!(all("kustomize.config.k8s.io/v1beta1", "Kustomization", &["configMapGenerator"]), one("name"));
    for (api_version, kind) in [
        ("apps/v1", "DaemonSet"),
        ("apps/v1", "ReplicaSet"),
        ("apps/v1", "StatefulSet"),
        ("batch/v1", "Job"),
        ("v1", "ComponentStatus"),
        ("v1", "Namespace"),
        ("policy/v1", "PodDisruptionBudget"),
        ("apiregistration.k8s.io/v1", "APIService"),
    ] {
        let path: &[&str] =
            if kind == "ComponentStatus" { &["conditions"] } else { &["status", "conditions"] };
        assert_eq!(all(api_version, kind, path), one("type"), "{kind}");
    }
    for (api_version, kind, path) in [
        ("apps/v1", "StatefulSet", &["spec", "volumeClaimTemplates"][..]),
        ("networking.k8s.io/v1", "Ingress", &["spec", "rules"]),
        ("networking.k8s.io/v1", "Ingress", &["spec", "tls"]),
        ("rbac.authorization.k8s.io/v1", "Role", &["rules"]),
        ("rbac.authorization.k8s.io/v1", "RoleBinding", &["subjects"]),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", &["spec", "versions"]),
        ("certificates.k8s.io/v1", "CertificateSigningRequest", &["status", "conditions"]),
    ] {
        assert!(schema.resource(api_version, kind).is_some(), "{kind}");
        assert_eq!(all(api_version, kind, path), None, "{kind}");
    }
    assert!(schema.resource("extensions/v1beta1", "Deployment").is_none());
    assert!(schema.resource("example.com/v1", "Thing").is_none());
}

#[test]
fn only_the_listed_kinds_are_cluster_scoped() {
    let schema = Schema::built_in();
    let both = |group: &str| [format!("{group}/v1"), format!("{group}/v1beta1")];
    for kind in ["Namespace", "Node", "NodeProxyOptions", "PersistentVolume", "ComponentStatus"] {
        assert!(schema.is_cluster_scoped("v1", kind), "{kind}");
    }
    for (group, kinds) in [
        (
            "admissionregistration.k8s.io",
            &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"][..],
        ),
        ("apiextensions.k8s.io", &["CustomResourceDefinition"]),
        ("apiregistration.k8s.io", &["APIService"]),
        ("certificates.k8s.io", &["CertificateSigningRequest"]),
        ("networking.k8s.io", &["IngressClass"]),
        ("node.k8s.io", &["RuntimeClass"]),
        ("rbac.authorization.k8s.io", &["ClusterRole", "ClusterRoleBinding"]),
        ("scheduling.k8s.io", &["PriorityClass"]),
    ] {
        for (api, kind) in both(group).iter().flat_map(|api| kinds.iter().map(move |kind| (api, kind))) {
            assert!(schema.is_cluster_scoped(api, kind), "{api} {kind}");
        }
    }
    for kind in ["CSIDriver", "StorageClass", "VolumeAttachment"] {
        assert!(both("storage.k8s.io").iter().all(|api| schema.is_cluster_scoped(api, kind)), "{kind}");
    }
    for (api, kind) in [
        ("v1", "Pod"),
        ("apps/v1", "Deployment"),
        ("flowcontrol.apiserver.k8s.io/v1", "FlowSchema"),
        ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"),
        ("cert-manager.io/v1", "ClusterIssuer"),
    ] {
        assert!(!schema.is_cluster_scoped(api, kind), "{api} {kind}");
    }
}

const CUSTOM: &str = r##"
definitions:
  example.v1.Thing:
    type: object
    properties:
      parts:
        type: array
        items: {$ref: "#/definitions/example.v1.Part"}
        x-kubernetes-patch-strategy: merge
        x-kubernetes-patch-merge-key: id
      only-keys:
        type: array
        items: {$ref: "#/definitions/example.v1.Part"}
        x-kubernetes-list-map-keys: [id]
      pod: {$ref: "#/definitions/io.k8s.api.core.v1.PodSpec"}
      loop: {$ref: "#/definitions/loop"}
      again: {$ref: "#/definitions/example.v1.Thing/properties/parts"}
    x-kubernetes-group-version-kind:
    - {group: example.com, version: v1, kind: Thing}
  example.v1.Part:
    type: object
    additionalProperties:
      type: array
      items: {type: object}
      x-kubernetes-patch-strategy: retainKeys,merge
  loop: {$ref: "#/definitions/loop"}
  io.k8s.api.core.v1.Container:
    type: object
    properties: {}
paths:
  /apis/example.com/v1/things/{name}:
    get:
      x-kubernetes-group-version-kind: {group: example.com, version: v1, kind: Thing}
"##;

#[test]
fn a_custom_document_adds_to_the_built_in_types() {
    let mut schema = Schema::built_in();
    schema.set(None, Some(CUSTOM.as_bytes()), Precedence::Nested).unwrap();
    let thing = |path: &[&str]| keys(&schema, "example.com/v1", "Thing", path);
    assert_eq!(thing(&["parts"]), Some(vec!["id".to_owned()]));
    assert_eq!(thing(&["again"]), Some(vec!["id".to_owned()]));
    assert_eq!(thing(&["only-keys"]), None);
    assert_eq!(thing(&["parts", "[]", "anything"]), Some(vec![]));
    assert_eq!(thing(&["pod", "volumes"]), Some(vec!["name".to_owned()]));
    assert!(schema.resource("example.com/v1", "Thing").unwrap().field("loop").is_none());
    assert!(schema.is_cluster_scoped("example.com/v1", "Thing"));
    // built-in types see custom definitions of their parts
    let env = ["spec", "template", "spec", "containers", "[]", "env"];
    assert_eq!(keys(&schema, "apps/v1", "Deployment", &env), None);
    let containers = keys(&schema, "apps/v1", "Deployment", &["spec", "template", "spec", "containers"]);
    assert_eq!(containers, Some(vec!["name".to_owned()]));
}

#[test]
fn the_root_setting_wins_and_then_the_first_nested_one() {
    let other = CUSTOM.replace("kind: Thing", "kind: Other");
    let has = |schema: &Schema, kind: &str| schema.resource("example.com/v1", kind).is_some();
    let mut schema = Schema::built_in();
    schema.set(None, None, Precedence::Root).unwrap();
    schema.set(None, Some(CUSTOM.as_bytes()), Precedence::Nested).unwrap();
    schema.set(None, Some(other.as_bytes()), Precedence::Nested).unwrap();
    assert!(has(&schema, "Thing") && !has(&schema, "Other"));
    schema.set(None, Some(other.as_bytes()), Precedence::Root).unwrap();
    assert!(has(&schema, "Other") && !has(&schema, "Thing"));
}

#[test]
fn wrong_settings_have_kustomize_texts() {
    let text = |version, document: Option<&str>| {
        let error =
            Schema::built_in().set(version, document.map(str::as_bytes), Precedence::Root).unwrap_err();
        error.message()
    };
    assert_eq!(text(Some("v1.20.4"), None), "the specified OpenAPI version is not built in");
    assert_eq!(
        text(Some("v1.21.2"), Some("{}")),
        "builtin version and custom schema provided, cannot use both"
    );
    assert!(
        text(None, Some("- a")).starts_with("recovered from kustomize build panic: invalid schema file: ")
    );
    assert!(Schema::built_in().set(Some("v1.21.2"), None, Precedence::Root).is_ok());
}
