//! Where the kinds that a Receiver names are served.

use std::borrow::Cow;

use flux_api::notification::EventSourceKind;
use flux_kube::{Resource, Scope};

/// Group and version of a kind for which a Receiver names none; `None` if it has to (contract, section 10.5).
pub(super) fn default_version(kind: EventSourceKind) -> Option<&'static str> {
    match kind {
        EventSourceKind::Bucket
        | EventSourceKind::HelmChart
        | EventSourceKind::HelmRepository
        | EventSourceKind::GitRepository
        | EventSourceKind::OciRepository => Some("source.toolkit.fluxcd.io/v1"),
        EventSourceKind::ImageRepository => Some("image.toolkit.fluxcd.io/v1"),
        EventSourceKind::ArtifactGenerator => Some("source.extensions.fluxcd.io/v1beta1"),
        EventSourceKind::Kustomization
        | EventSourceKind::HelmRelease
        | EventSourceKind::ImagePolicy
        | EventSourceKind::ImageUpdateAutomation
        | EventSourceKind::ExternalArtifact => None,
    }
}

/// The resource of a kind in its own group, which needs no discovery; `None` in another group.
pub(super) fn known(api_version: &str, kind: EventSourceKind) -> Option<Resource> {
    let (own, plural) = place(kind);
    let (group, version) = api_version.split_once('/')?;
    (group == own).then(|| Resource {
        group: Cow::Borrowed(own),
        version: Cow::Owned(version.to_owned()),
        kind: Cow::Borrowed(kind.as_str()),
        plural: Cow::Borrowed(plural),
        scope: Scope::Namespaced,
    })
}

/// Group and plural name.
const fn place(kind: EventSourceKind) -> (&'static str, &'static str) {
    match kind {
        EventSourceKind::Bucket => ("source.toolkit.fluxcd.io", "buckets"),
        EventSourceKind::GitRepository => ("source.toolkit.fluxcd.io", "gitrepositories"),
        EventSourceKind::HelmChart => ("source.toolkit.fluxcd.io", "helmcharts"),
        EventSourceKind::HelmRepository => ("source.toolkit.fluxcd.io", "helmrepositories"),
        EventSourceKind::OciRepository => ("source.toolkit.fluxcd.io", "ocirepositories"),
        EventSourceKind::ExternalArtifact => ("source.toolkit.fluxcd.io", "externalartifacts"),
        EventSourceKind::Kustomization => ("kustomize.toolkit.fluxcd.io", "kustomizations"),
        EventSourceKind::HelmRelease => ("helm.toolkit.fluxcd.io", "helmreleases"),
        EventSourceKind::ImageRepository => ("image.toolkit.fluxcd.io", "imagerepositories"),
        EventSourceKind::ImagePolicy => ("image.toolkit.fluxcd.io", "imagepolicies"),
        EventSourceKind::ImageUpdateAutomation => ("image.toolkit.fluxcd.io", "imageupdateautomations"),
        EventSourceKind::ArtifactGenerator => ("source.extensions.fluxcd.io", "artifactgenerators"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_known_in_their_own_group_in_any_version() {
        let resource = known("image.toolkit.fluxcd.io/v1beta2", EventSourceKind::ImagePolicy).unwrap();
        assert_eq!(resource.api_version(), "image.toolkit.fluxcd.io/v1beta2");
        assert_eq!(resource.plural, "imagepolicies");
        for elsewhere in ["other.example/v1", "v1", "image.toolkit.fluxcd.io"] {
            assert_eq!(known(elsewhere, EventSourceKind::ImagePolicy), None, "{elsewhere}");
        }
    }

    #[test]
    fn plurals_are_those_of_the_definitions() {
        use flux_api::notification::EventSourceKind as Kind;
        let definitions = flux_api::crd::definitions("flux-system", "v0");
        for kind in [
            Kind::Bucket,
            Kind::GitRepository,
            Kind::HelmChart,
            Kind::HelmRepository,
            Kind::OciRepository,
            Kind::ExternalArtifact,
            Kind::Kustomization,
            Kind::HelmRelease,
            Kind::ImageRepository,
            Kind::ImagePolicy,
            Kind::ImageUpdateAutomation,
            Kind::ArtifactGenerator,
        ] {
            let mut specs = definitions.iter().map(|definition| &definition.object["spec"]);
            let spec = specs.find(|spec| spec["names"]["kind"] == kind.as_str()).unwrap();
            let (group, plural) = place(kind);
            assert_eq!((&spec["group"], &spec["names"]["plural"]), (&group.into(), &plural.into()));
        }
    }
}
