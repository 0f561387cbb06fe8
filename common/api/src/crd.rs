//! The custom resource definitions of all kinds.

use kube::CustomResourceExt;
use kube::core::object::{HasSpec, HasStatus};
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use crate::{helm, image, kustomize, notification, schema, source};

mod yaml;

/// A custom resource definition and the file it is kept in.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// `<group>_<plural>.yaml`.
    pub file_name: String,
    /// The object, ready to apply.
    pub object: Value,
}

impl Definition {
    /// The object as YAML, with keys in order.
    pub fn to_yaml(&self) -> String {
        let mut text = String::new();
        yaml::write(&mut text, &self.object, 0);
        text
    }
}

/// The definitions of all 15 kinds, with the labels that every object of an installation carries.
///
/// `namespace` is the one that the controllers run in, `version` that of the installation, such as `v2.9.0`.
pub fn definitions(namespace: &str, version: &str) -> Vec<Definition> {
    let source = Labels { namespace, version, component: "source-controller" };
    let watcher = Labels { component: "source-watcher", ..source };
    let kustomize = Labels { component: "kustomize-controller", ..source };
    let helm = Labels { component: "helm-controller", ..source };
    let notification = Labels { component: "notification-controller", ..source };
    let reflector = Labels { component: "image-reflector-controller", ..source };
    let automation = Labels { component: "image-automation-controller", ..source };
    vec![
        with_status::<source::GitRepository>(&source),
        with_status::<source::OciRepository>(&source),
        with_status::<source::Bucket>(&source),
        with_status::<source::HelmRepository>(&source),
        with_status::<source::HelmChart>(&source),
        with_status::<source::ExternalArtifact>(&source),
        with_status::<source::ArtifactGenerator>(&watcher),
        with_status::<kustomize::Kustomization>(&kustomize),
        with_status::<helm::HelmRelease>(&helm),
        without_status::<notification::Alert>(&notification),
        without_status::<notification::Provider>(&notification),
        with_status::<notification::Receiver>(&notification),
        with_status::<image::ImageRepository>(&reflector),
        with_status::<image::ImagePolicy>(&reflector),
        with_status::<image::ImageUpdateAutomation>(&automation),
    ]
}

/// What the labels of a definition say.
#[derive(Clone, Copy)]
struct Labels<'a> {
    namespace: &'a str,
    version: &'a str,
    component: &'static str,
}

fn with_status<K>(labels: &Labels<'_>) -> Definition
where
    K: CustomResourceExt + HasSpec + HasStatus,
    K::Spec: JsonSchema,
    K::Status: JsonSchema,
{
    definition::<K>(labels, schema::structural::<K::Spec>(), Some(schema::structural::<K::Status>()))
}

fn without_status<K>(labels: &Labels<'_>) -> Definition
where
    K: CustomResourceExt + HasSpec,
    K::Spec: JsonSchema,
{
    definition::<K>(labels, schema::structural::<K::Spec>(), None)
}

fn definition<K: CustomResourceExt>(labels: &Labels<'_>, spec: Value, status: Option<Value>) -> Definition {
    let derived = K::crd().spec;
    let names = derived.names;
    let columns: Vec<Value> = derived
        .versions
        .iter()
        .flat_map(|version| &version.additional_printer_columns)
        .map(|list| json!(list))
        .collect();
    let columns = columns.into_iter().next().unwrap_or_else(|| json!([]));
    let subresources = if status.is_some() { json!({"status": {}}) } else { json!({}) };
    let mut name_fields = json!({
        "categories": names.categories,
        "kind": names.kind,
        "listKind": format!("{}List", names.kind),
        "plural": names.plural,
        "singular": names.singular,
    });
    if let (Value::Object(fields), Some(short_names)) = (&mut name_fields, names.short_names)
        && !short_names.is_empty()
    {
        fields.insert("shortNames".to_owned(), json!(short_names));
    }
    let object = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            // descriptions may hold `${...}`, which post-build substitution would take for a variable
            "annotations": {"kustomize.toolkit.fluxcd.io/substitute": "disabled"},
            "labels": {
                "app.kubernetes.io/component": labels.component,
                "app.kubernetes.io/instance": labels.namespace,
                "app.kubernetes.io/part-of": "flux",
                "app.kubernetes.io/version": labels.version,
            },
            "name": K::crd_name(),
        },
        "spec": {
            "group": derived.group,
            "names": name_fields,
            "scope": derived.scope,
            "versions": [{
                "additionalPrinterColumns": columns,
                "name": derived.versions.first().map(|version| version.name.clone()),
                "schema": {"openAPIV3Schema": root_schema(spec, status)},
                "served": true,
                "storage": true,
                "subresources": subresources,
            }],
        },
    });
    Definition { file_name: format!("{}_{}.yaml", derived.group, names.plural), object }
}

fn root_schema(spec: Value, status: Option<Value>) -> Value {
    let mut properties = Map::new();
    let text = |description: &str| json!({"description": description, "type": "string"});
    properties.insert("apiVersion".to_owned(), text("Group and version of the object."));
    properties.insert("kind".to_owned(), text("Kind of the object."));
    properties.insert("metadata".to_owned(), json!({"type": "object"}));
    properties.insert("spec".to_owned(), spec);
    if let Some(status) = status {
        properties.insert("status".to_owned(), status);
    }
    json!({"properties": properties, "type": "object"})
}
