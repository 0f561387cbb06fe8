//! Labels, annotations and finalizers that Flux gives a meaning (Flux 2.9, `apis/meta` and the controllers).

/// Finalizer of every reconciled kind but ArtifactGenerator.
pub const FINALIZER: &str = "finalizers.fluxcd.io";
/// Finalizer of ArtifactGenerator.
pub const ARTIFACT_GENERATOR_FINALIZER: &str = "source.extensions.fluxcd.io/finalizer";

/// Annotation: a change of its value asks for a run; the value is copied to `status.lastHandledReconcileAt`.
pub const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";
/// Annotation on HelmRelease: a release is forced once, if it equals [`REQUESTED_AT`].
pub const FORCE_AT: &str = "reconcile.fluxcd.io/forceAt";
/// Annotation on HelmRelease: failures are forgotten once, if it equals [`REQUESTED_AT`].
pub const RESET_AT: &str = "reconcile.fluxcd.io/resetAt";
/// Label on Secrets and ConfigMaps: with the value `Enabled`, a change wakes the objects that refer to them.
pub const WATCH: &str = "reconcile.fluxcd.io/watch";
/// Label that picks the shard of an object.
pub const SHARD_KEY: &str = "sharding.fluxcd.io/key";
/// Annotation on ArtifactGenerator: with the value `disabled`, it is suspended.
pub const ARTIFACT_GENERATOR_RECONCILE: &str = "source.extensions.fluxcd.io/reconcile";
/// Start of annotations whose rest becomes a key of an event's metadata.
pub const EVENT_PREFIX: &str = "event.toolkit.fluxcd.io/";

/// Group of the kinds in [`crate::source`] but ArtifactGenerator.
pub const SOURCE_GROUP: &str = "source.toolkit.fluxcd.io";
/// Group of Kustomization; its labels and annotations on applied objects start with it.
pub const KUSTOMIZE_GROUP: &str = "kustomize.toolkit.fluxcd.io";
/// Group of HelmRelease; its labels and annotations on applied objects start with it.
pub const HELM_GROUP: &str = "helm.toolkit.fluxcd.io";
/// Group of the kinds in [`crate::notification`].
pub const NOTIFICATION_GROUP: &str = "notification.toolkit.fluxcd.io";
/// Group of the kinds in [`crate::image`].
pub const IMAGE_GROUP: &str = "image.toolkit.fluxcd.io";

/// Label on applied objects: name of the Kustomization that owns them.
pub const KUSTOMIZE_NAME: &str = "kustomize.toolkit.fluxcd.io/name";
/// Label on applied objects: namespace of the Kustomization that owns them.
pub const KUSTOMIZE_NAMESPACE: &str = "kustomize.toolkit.fluxcd.io/namespace";
/// Label or annotation on applied objects: with `disabled`, the object is left alone.
pub const KUSTOMIZE_RECONCILE: &str = "kustomize.toolkit.fluxcd.io/reconcile";
/// Label or annotation on applied objects: with `disabled`, the object is never deleted.
pub const KUSTOMIZE_PRUNE: &str = "kustomize.toolkit.fluxcd.io/prune";
/// Label or annotation on applied objects: with `disabled`, substitution leaves the object alone.
pub const KUSTOMIZE_SUBSTITUTE: &str = "kustomize.toolkit.fluxcd.io/substitute";
/// Label or annotation on applied objects: how the object is applied (`Override`, `Merge`, `IfNotPresent`, `Ignore`).
pub const KUSTOMIZE_SSA: &str = "kustomize.toolkit.fluxcd.io/ssa";
/// Label or annotation on applied objects: with `enabled`, the object is recreated if an immutable field changes.
pub const KUSTOMIZE_FORCE: &str = "kustomize.toolkit.fluxcd.io/force";
/// Label on applied objects: name of the HelmRelease that owns them.
pub const HELM_NAME: &str = "helm.toolkit.fluxcd.io/name";
/// Label on applied objects: namespace of the HelmRelease that owns them.
pub const HELM_NAMESPACE: &str = "helm.toolkit.fluxcd.io/namespace";
