//! Changes of Secrets that wake the repositories that name them.

use flux_api::source::GitRepository;
use flux_driver::{Reference, SourceWatch, version_changed};
use flux_kube::{Content, Resource, Watch};

use super::GitRepositories;

/// Which Secrets are watched; the others are read when a run needs them.
#[derive(Clone, Debug)]
pub(crate) struct SecretSelection {
    /// Label selector (`--watch-configs-label-selector`); empty for all.
    pub(crate) labels: String,
    /// Namespace; empty for all.
    pub(crate) namespace: String,
}

impl SecretSelection {
    /// Only the metadata is kept: that a Secret changed is enough.
    pub(super) fn watch(&self) -> SourceWatch<GitRepositories> {
        let watch = Watch {
            namespace: self.namespace.clone(),
            label_selector: self.labels.clone(),
            content: Content::Metadata,
            ..Watch::all(Resource::SECRET)
        };
        SourceWatch {
            watch,
            project: |_| serde_json::Value::Null,
            passes: version_changed,
            concerns: |_, _| true,
        }
    }
}

/// The Secrets that a repository names.
pub(super) fn references(object: &GitRepository) -> Vec<Reference> {
    let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
    let secrets = [&object.spec.secret_ref, &object.spec.proxy_secret_ref];
    secrets.into_iter().flatten().map(|secret| Reference::new("Secret", namespace, &secret.name)).collect()
}
