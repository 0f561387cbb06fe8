//! The field specs that are built in.
//!
//! Facts recorded from kustomize api v0.21.1, omissions and misspelt groups included.

use super::{NameReference, Ranks, Tables};
use crate::gvk::Gvk;
use crate::transform::FieldSpec;

/// A kind, with `group/version`, `/version` or `group/` after an `@` where these count.
type Kind = &'static str;

const TEMPLATE: &str = "spec/template/spec";
const CRON_TEMPLATE: &str = "spec/jobTemplate/spec/template/spec";
/// Kinds that contain pods, and where.
const POD_ROOTS: [(Kind, &str); 8] = [
    ("Deployment", TEMPLATE),
    ("StatefulSet", TEMPLATE),
    ("CronJob", CRON_TEMPLATE),
    ("Pod@/v1", "spec"),
    ("DaemonSet", TEMPLATE),
    ("Job", TEMPLATE),
    ("PodTemplate", "template/spec"),
    ("ReplicaSet", TEMPLATE),
];

/// Kinds that contain pods in the other tables, and where; each table has one kind more.
const WORKLOADS: [(Kind, &str); 6] = [
    ("Deployment", TEMPLATE),
    ("StatefulSet", TEMPLATE),
    ("CronJob", CRON_TEMPLATE),
    ("DaemonSet", TEMPLATE),
    ("Job", TEMPLATE),
    ("Pod", "spec"),
];

/// All tables, sorted as they are after a merge.
pub(super) fn tables() -> Tables {
    let any = |path: &str, create: Create| vec![spec("", path, create)];
    let mut tables = Tables {
        name_prefix: any("metadata/name", Create::No),
        name_suffix: any("metadata/name", Create::No),
        namespace: namespace(),
        common_labels: common_labels(),
        labels: Vec::new(),
        template_labels: template_labels(),
        common_annotations: common_annotations(),
        name_reference: name_reference(),
        var_reference: var_reference(),
        images: images(),
        replicas: ["Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"]
            .map(|kind| spec(kind, "spec/replicas", Create::Yes))
            .to_vec(),
    };
    let ranks = Ranks::legacy();
    let lists = [
        &mut tables.namespace,
        &mut tables.common_labels,
        &mut tables.template_labels,
        &mut tables.common_annotations,
        &mut tables.var_reference,
        &mut tables.replicas,
    ];
    for list in lists {
        super::sort_specs(list, &ranks);
    }
    tables.sort_references(&ranks);
    tables
}

/// Whether a field is created where it is missing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Create {
    Yes,
    No,
}

fn spec(kind: Kind, path: &str, create: Create) -> FieldSpec {
    FieldSpec::new(gvk(kind), path, create == Create::Yes)
}

fn gvk(kind: Kind) -> Gvk {
    let (kind, api) = kind.split_once('@').unwrap_or((kind, ""));
    let (group, version) = api.split_once('/').unwrap_or(("", ""));
    Gvk::new(group, version, kind)
}

fn namespace() -> Vec<FieldSpec> {
    vec![
        spec("Namespace", "metadata/name", Create::Yes),
        spec("APIService@apiregistration.k8s.io/", "spec/service/namespace", Create::Yes),
        spec(
            "CustomResourceDefinition@apiextensions.k8s.io/",
            "spec/conversion/webhook/clientConfig/service/namespace",
            Create::No,
        ),
    ]
}

fn common_labels() -> Vec<FieldSpec> {
    let mut specs = vec![
        spec("Service@/v1", "spec/selector", Create::Yes),
        spec("ReplicationController@/v1", "spec/selector", Create::Yes),
    ];
    for kind in ["Deployment", "ReplicaSet", "DaemonSet", "StatefulSet@apps/"] {
        specs.push(spec(kind, "spec/selector/matchLabels", Create::Yes));
    }
    for kind in ["Deployment@apps/", "StatefulSet@apps/"] {
        for affinity in ["podAffinity", "podAntiAffinity"] {
            let terms = [
                "preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
                "requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
            ];
            for term in terms {
                specs.push(spec(kind, &format!("{TEMPLATE}/affinity/{affinity}/{term}"), Create::No));
            }
        }
        let spread = format!("{TEMPLATE}/topologySpreadConstraints/labelSelector/matchLabels");
        specs.push(spec(kind, &spread, Create::No));
    }
    let others = [
        ("Job@batch/", "spec/selector/matchLabels"),
        ("PodDisruptionBudget@policy/", "spec/selector/matchLabels"),
        ("CronJob@batch/", "spec/jobTemplate/spec/selector/matchLabels"),
        ("NetworkPolicy@networking.k8s.io/", "spec/podSelector/matchLabels"),
        ("NetworkPolicy@networking.k8s.io/", "spec/ingress/from/podSelector/matchLabels"),
        ("NetworkPolicy@networking.k8s.io/", "spec/egress/to/podSelector/matchLabels"),
    ];
    specs.extend(others.map(|(kind, path)| spec(kind, path, Create::No)));
    specs.extend(template_labels());
    specs
}

fn template_labels() -> Vec<FieldSpec> {
    let mut specs = templates("labels", "StatefulSet@apps/");
    specs.push(spec("StatefulSet@apps/", "spec/volumeClaimTemplates[]/metadata/labels", Create::Yes));
    specs
}

fn common_annotations() -> Vec<FieldSpec> {
    templates("annotations", "StatefulSet")
}

/// Metadata of resources and of the pods and jobs that they contain.
fn templates(field: &str, stateful_set: Kind) -> Vec<FieldSpec> {
    let mut specs = vec![spec("", &format!("metadata/{field}"), Create::Yes)];
    let kinds =
        ["ReplicationController@/v1", "Deployment", "ReplicaSet", "DaemonSet", stateful_set, "Job@batch/"];
    specs.extend(kinds.map(|kind| spec(kind, &format!("spec/template/metadata/{field}"), Create::Yes)));
    for path in ["spec/jobTemplate/metadata", "spec/jobTemplate/spec/template/metadata"] {
        specs.push(spec("CronJob@batch/", &format!("{path}/{field}"), Create::Yes));
    }
    specs
}

fn images() -> Vec<FieldSpec> {
    let mut specs = Vec::new();
    for root in ["spec", TEMPLATE] {
        for path in ["containers[]/image", "initContainers[]/image", "volumes[]/image/reference"] {
            specs.push(spec("", &[root, path].join("/"), Create::Yes));
        }
    }
    specs
}

fn name_reference() -> Vec<NameReference> {
    let mut references = vec![
        reference(
            "StorageClass@storage.k8s.io/v1",
            &[
                ("PersistentVolume", "spec/storageClassName"),
                ("PersistentVolumeClaim", "spec/storageClassName"),
                ("StatefulSet", "spec/volumeClaimTemplates/spec/storageClassName"),
            ],
        ),
        service_account(),
        reference(
            "Role@rbac.authorization.k8s.io/",
            &[("RoleBinding@rbac.authorization.k8s.io/", "roleRef/name")],
        ),
        reference(
            "ClusterRole@rbac.authorization.k8s.io/",
            &[
                ("RoleBinding@rbac.authorization.k8s.io/", "roleRef/name"),
                ("ClusterRoleBinding@rbac.authorization.k8s.io/", "roleRef/name"),
            ],
        ),
        config_map(),
        secret(),
        service(),
        in_pods("PriorityClass@scheduling.k8s.io/v1", "priorityClassName"),
        reference(
            "PersistentVolume@/v1",
            &[("PersistentVolumeClaim", "spec/volumeName"), ("ClusterRole", "rules/resourceNames")],
        ),
        in_pods("PersistentVolumeClaim@/v1", "volumes/persistentVolumeClaim/claimName"),
        reference(
            "ValidatingAdmissionPolicy@admissionregistration.k8s.io/",
            &[("ValidatingAdmissionPolicyBinding@admissionregistration.k8s.io/", "spec/policyName")],
        ),
    ];
    // the group of this one is malformed, so that it never matches
    let mut ingress_class = reference("IngressClass", &[("Ingress", "spec/ingressClassName")]);
    ingress_class.target = Gvk::new("networking.k8s.io/v1", "v1", "IngressClass");
    references.push(ingress_class);
    for kind in ["Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"] {
        references.push(reference(kind, &[("HorizontalPodAutoscaler", "spec/scaleTargetRef/name")]));
    }
    references
}

fn reference(target: Kind, referrers: &[(Kind, &str)]) -> NameReference {
    let referrers = referrers.iter().map(|(kind, path)| spec(kind, path, Create::No)).collect();
    NameReference { target: gvk(target), referrers }
}

/// References from pods and from most of what contains pods.
fn in_pods(target: Kind, path: &str) -> NameReference {
    let mut reference = reference(target, &[]);
    for (kind, root) in WORKLOADS.into_iter().chain([("ReplicationController", TEMPLATE)]) {
        reference.referrers.push(spec(kind, &[root, path].join("/"), Create::No));
    }
    reference
}

fn service_account() -> NameReference {
    let mut reference = in_pods("ServiceAccount@/v1", "serviceAccountName");
    for kind in ["RoleBinding@rbac.authorization.k8s.io/", "ClusterRoleBinding@rbac.authorization.k8s.io/"] {
        reference.referrers.push(spec(kind, "subjects", Create::No));
    }
    reference
}

/// References from all kinds that contain pods, at each of the paths.
fn in_pod_roots(target: Kind, paths: &[&str]) -> NameReference {
    let mut reference = reference(target, &[]);
    for (kind, root) in POD_ROOTS {
        for path in paths {
            reference.referrers.push(spec(kind, &[root, path].join("/"), Create::No));
        }
    }
    reference
}

fn config_map() -> NameReference {
    let mut reference = in_pod_roots(
        "ConfigMap@/v1",
        &[
            "volumes/configMap/name",
            "containers/env/valueFrom/configMapKeyRef/name",
            "initContainers/env/valueFrom/configMapKeyRef/name",
            "containers/envFrom/configMapRef/name",
            "initContainers/envFrom/configMapRef/name",
            "volumes/projected/sources/configMap/name",
        ],
    );
    let others = [
        ("Node", "spec/configSource/configMap"),
        ("Role", "rules/resourceNames"),
        ("ClusterRole", "rules/resourceNames"),
        ("Ingress", r"metadata/annotations/nginx.ingress.kubernetes.io\/fastcgi-params-configmap"),
    ];
    reference.referrers.extend(others.map(|(kind, path)| spec(kind, path, Create::No)));
    reference
}

fn secret() -> NameReference {
    let mut reference = in_pod_roots(
        "Secret@/v1",
        &[
            "volumes/secret/secretName",
            "containers/env/valueFrom/secretKeyRef/name",
            "initContainers/env/valueFrom/secretKeyRef/name",
            "containers/envFrom/secretRef/name",
            "initContainers/envFrom/secretRef/name",
            "imagePullSecrets/name",
            "volumes/projected/sources/secret/name",
        ],
    );
    let others = [
        ("Ingress", "spec/tls/secretName"),
        ("Ingress", r"metadata/annotations/ingress.kubernetes.io\/auth-secret"),
        ("Ingress", r"metadata/annotations/nginx.ingress.kubernetes.io\/auth-secret"),
        ("Ingress", r"metadata/annotations/nginx.ingress.kubernetes.io\/auth-tls-secret"),
        ("ServiceAccount", "imagePullSecrets/name"),
        ("StorageClass", "parameters/secretName"),
        ("StorageClass", "parameters/adminSecretName"),
        ("StorageClass", "parameters/userSecretName"),
        ("StorageClass", "parameters/secretRef"),
        ("Role", "rules/resourceNames"),
        ("ClusterRole", "rules/resourceNames"),
        ("PersistentVolume", "spec/azureFile/secretName"),
        ("Service@serving.knative.dev/v1", "spec/template/spec/containers/env/valueFrom/secretKeyRef/name"),
    ];
    reference.referrers.extend(others.map(|(kind, path)| spec(kind, path, Create::No)));
    reference
}

fn service() -> NameReference {
    reference(
        "Service@/v1",
        &[
            ("StatefulSet@apps/", "spec/serviceName"),
            ("Ingress", "spec/rules/http/paths/backend/serviceName"),
            ("Ingress", "spec/backend/serviceName"),
            ("Ingress", "spec/rules/http/paths/backend/service/name"),
            ("Ingress", "spec/defaultBackend/service/name"),
            ("APIService@apiregistration.k8s.io/", "spec/service/name"),
            ("ValidatingWebhookConfiguration@admissionregistration.k8s.io/", "webhooks/clientConfig/service"),
            ("MutatingWebhookConfiguration@admissionregistration.k8s.io/", "webhooks/clientConfig/service"),
        ],
    )
}

fn var_reference() -> Vec<FieldSpec> {
    let mut specs = Vec::new();
    for (kind, root) in WORKLOADS.into_iter().chain([("ReplicaSet", TEMPLATE)]) {
        for containers in ["containers", "initContainers"] {
            for field in ["args", "command", "env/value", "volumeMounts/mountPath"] {
                specs.push(spec(kind, &[root, containers, field].join("/"), Create::No));
            }
        }
    }
    let others = [
        ("Pod", "spec/volumes/nfs/server"),
        ("Deployment", "spec/template/spec/volumes/nfs/server"),
        ("DaemonSet", "spec/template/spec/volumes/nfs/server"),
        ("ReplicaSet", "spec/template/spec/volumes/nfs/server"),
        ("Job", "spec/template/spec/volumes/nfs/server"),
        ("CronJob", "spec/jobTemplate/spec/template/volumes/nfs/server"),
        ("StatefulSet", "spec/volumeClaimTemplates/spec/nfs/server"),
        ("Deployment", "spec/template/metadata/annotations"),
        ("Ingress", "spec/rules/host"),
        ("Ingress", "spec/tls/hosts"),
        ("Ingress", "spec/tls/secretName"),
        ("Service", "spec/ports/port"),
        ("Service", "spec/ports/targetPort"),
        ("PersistentVolume", "spec/nfs/server"),
        ("", "metadata/labels"),
        ("", "metadata/annotations"),
    ];
    specs.extend(others.map(|(kind, path)| spec(kind, path, Create::No)));
    specs
}
