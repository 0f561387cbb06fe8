//! The sources that Kustomizations build from: what is kept of them, and whom their changes wake.

use super::Kustomizations;
use super::error::Error;
use flux_api::kustomize::{Kustomization, KustomizationSourceKind};
use flux_api::{ConditionStatus, find_condition};
use flux_driver::{Projection, Run, SourceWatch, revision_changed};
use flux_kube::{Identity, Object, ObjectName, Resource, Watch};
use serde::Deserialize;
use serde_json::{Value, json};

/// Annotation of OCI artifacts that names the revision they were made from.
const ORIGIN_REVISION: &str = "org.opencontainers.image.revision";
const GROUP: &str = "source.toolkit.fluxcd.io";

/// What a source publishes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Published {
    /// Where the artifact is served.
    pub url: String,
    /// Digest of the artifact.
    pub digest: String,
    /// Revision.
    pub revision: String,
    /// Revision of what the artifact was made from; may be empty.
    pub origin_revision: String,
}

/// The resource of a kind of source.
pub fn resource(kind: &str) -> Option<Resource> {
    let plural = match kind {
        "GitRepository" => "gitrepositories",
        "OCIRepository" => "ocirepositories",
        "Bucket" => "buckets",
        "ExternalArtifact" => "externalartifacts",
        _ => return None,
    };
    Some(Resource {
        group: GROUP.into(),
        version: "v1".into(),
        kind: kind.to_owned().into(),
        plural: plural.into(),
        scope: flux_kube::Scope::Namespaced,
    })
}

/// What the API server says of a source that does not exist.
pub fn not_found(kind: KustomizationSourceKind, name: &str) -> String {
    let plural = resource(kind.as_str()).map(|resource| resource.plural.into_owned()).unwrap_or_default();
    format!("{plural}.{GROUP} \"{name}\" not found")
}

/// Reads a source's artifact, as [`project`] gives it, and its uid from the API server.
///
/// # Errors
/// [`Error::SourceNotFound`], [`Error::Source`] or [`Error::Client`].
pub(super) async fn read(
    run: &Run<'_, Kustomizations>,
    kind: KustomizationSourceKind,
    name: &ObjectName,
) -> Result<(Value, String), Error> {
    let failed = |source| Error::Source { name: name.to_string(), source };
    let target = run.target(&Identity::Controller).map_err(Error::Client)?;
    let Some(resource) = resource(kind.as_str()) else {
        return Err(Error::SourceNotFound(not_found(kind, &name.name)));
    };
    let answer = match target.get(&resource, name).await {
        Err(error) if error.is_not_found() => {
            return Err(Error::SourceNotFound(not_found(kind, &name.name)));
        }
        answer => answer.map_err(failed)?,
    };
    let object = Object::parse(&answer).map_err(|error| failed(flux_kube::Error::Decode(error)))?;
    Ok((project(&object), object.metadata.uid.clone()))
}

/// A watch of a kind of source that wakes those who have not tried its revision.
pub fn watch<K>(kind: &str, concerns: fn(&K::Object, &Projection) -> bool) -> Option<SourceWatch<K>>
where
    K: flux_driver::Kind,
{
    let resource = resource(kind)?;
    Some(SourceWatch { watch: Watch::all(resource), project, passes: revision_changed, concerns })
}

/// The artifact alone, as [`Published`]; null without one.
pub fn project(object: &Object) -> Value {
    let Ok(value) = object.value() else { return Value::Null };
    let Some(artifact) = value.pointer("/status/artifact") else { return Value::Null };
    let text = |key: &str| artifact.get(key).and_then(Value::as_str).unwrap_or_default();
    let origin = artifact.get("metadata").and_then(|metadata| metadata.get(ORIGIN_REVISION));
    json!({
        "url": text("url"),
        "digest": text("digest"),
        "revision": text("revision"),
        "origin_revision": origin.and_then(Value::as_str).unwrap_or_default(),
    })
}

/// Whether a Kustomization has yet to try the source's revision. Source: contract, section 4 (Flux 2.9).
pub fn concerns(object: &Kustomization, source: &Projection) -> bool {
    let Some(revision) = source.value.get("revision").and_then(Value::as_str) else { return false };
    let status = object.status.clone().unwrap_or_default();
    let is = |condition_type: &str| {
        find_condition(&status.conditions, condition_type).is_some_and(|c| c.status == ConditionStatus::True)
    };
    let ready = is("Ready") && !is("Stalled") && !is("Reconciling");
    let settled = ready || is("Reconciling");
    !(settled && status.last_attempted_revision.as_deref() == Some(revision))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kustomization(condition: &str, attempted: &str) -> Kustomization {
        serde_json::from_value(json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": {"name": "x"},
            "spec": {"interval": "1m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "app"}},
            "status": {"lastAttemptedRevision": attempted, "conditions": [{
                "type": condition, "status": "True", "reason": "X", "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }]},
        }))
        .unwrap()
    }

    fn source(revision: &str) -> Projection {
        let json = json!({
            "metadata": {"name": "app"},
            "status": {"artifact": {
                "url": "http://x/a.tar.gz", "digest": "sha256:00", "revision": revision,
                "metadata": {ORIGIN_REVISION: "v1@sha1:0"},
            }},
        });
        let object = Object::parse(json.to_string().as_bytes()).unwrap();
        Projection { value: project(&object), ..Projection::default() }
    }

    #[test]
    fn only_the_artifact_is_kept() {
        let published: Published = serde_json::from_value(source("main@sha1:1").value).unwrap();
        assert_eq!(published.revision, "main@sha1:1");
        assert_eq!(published.origin_revision, "v1@sha1:0");
        assert_eq!(project(&Object::parse(b"{\"metadata\":{\"name\":\"x\"}}").unwrap()), Value::Null);
    }

    #[test]
    fn those_who_tried_the_revision_are_left_alone() {
        assert!(!concerns(&kustomization("Ready", "1"), &source("1")));
        assert!(!concerns(&kustomization("Reconciling", "1"), &source("1")));
        assert!(concerns(&kustomization("Ready", "0"), &source("1")));
        assert!(concerns(&kustomization("Stalled", "1"), &source("1")));
        assert!(!concerns(&kustomization("Ready", "0"), &Projection::default()));
    }
}
