//! From a published artifact to the objects to apply.

use super::error::Error;
use super::manifests::{Manifests, Recipe, Substitution, Tree, manifests, unpacked};
use super::plan::Plan;
use super::run::{Revision, phase};
use super::source::Published;
use super::{Kustomizations, printed, variables};
use flux_artifact::{FetchError, FetchedArtifact};
use flux_driver::{Reservation, Run};
use tracing::{Instrument as _, info_span};

/// Memory for an artifact unpacked and built, by the size of its archive.
const MEMORY_FACTOR: u64 = 16;

/// The files of an artifact, with the memory that they take.
pub(super) struct Checkout<'r> {
    tree: Tree,
    memory: Reservation<'r>,
}

/// Downloads the artifact, or takes the copy that is here already, and unpacks it.
pub(super) async fn fetch_artifact_for_revision<'r>(
    kind: &Kustomizations,
    run: &'r Run<'_, Kustomizations>,
    plan: &Plan,
    revision: &Revision,
) -> Result<Checkout<'r>, Error> {
    run.progress(&phase("Fetching manifests", plan, revision));
    let span = revision.step(info_span!(parent: None, "fetch artifact for revision"));
    let work = async {
        let artifact = fetch(kind, revision).await?;
        let memory = run.reserve(artifact.size().saturating_mul(MEMORY_FACTOR)).await;
        let (shared, path) = (memory.share(), plan.path.clone());
        let permit = run.cpu().await;
        let unpack = move || {
            let tree = unpacked(&artifact, &path);
            drop(shared);
            tree
        };
        Ok(Checkout { tree: permit.run(unpack).await?, memory })
    };
    work.instrument(span).await
}

async fn fetch(kind: &Kustomizations, revision: &Revision) -> Result<FetchedArtifact, Error> {
    let Published { url, digest, .. } = &revision.published;
    kind.reader.fetch(url, digest).await.map_err(|error| {
        if matches!(error, FetchError::NotFound) {
            Error::ArtifactNotFound(printed(kind.settings.requeue_dependency))
        } else if matches!(error, FetchError::Mismatch(_)) {
            Error::Verify(error)
        } else {
            Error::Fetch(error)
        }
    })
}

/// Builds on a blocking thread, since it is CPU work.
pub(super) async fn build_manifests_to_objects(
    kind: &Kustomizations,
    run: &Run<'_, Kustomizations>,
    plan: &Plan,
    revision: &Revision,
    Checkout { tree, memory }: Checkout<'_>,
) -> Result<Manifests, Error> {
    run.progress(&phase("Building manifests", plan, revision));
    let span = revision.step(info_span!(parent: None, "build manifests to objects"));
    let work = async {
        let recipe = recipe(kind, run).await?;
        let shared = memory.share();
        let permit = run.cpu().await;
        let build = move || {
            let built = manifests(tree, &recipe);
            drop(shared);
            built
        };
        permit.run(build).await
    };
    work.instrument(span).await
}

/// The parts of the object that shape a build, with its variables read.
async fn recipe(kind: &Kustomizations, run: &Run<'_, Kustomizations>) -> Result<Recipe, Error> {
    let (object, name) = (run.object(), run.name());
    let substitution = match &object.spec.post_build {
        None => None,
        Some(post_build) => Some(Substitution {
            variables: variables::read(run, post_build).await?,
            strategy: variables::strategy(post_build),
            unset: kind.settings.unset_variables,
        }),
    };
    Ok(Recipe {
        owner: (name.name.clone(), name.namespace.clone()),
        spec: serde_json::to_vec(&object.spec).map_err(|error| Error::Build(error.to_string()))?,
        metadata: object.spec.common_metadata.clone(),
        substitution,
        remote_bases: kind.settings.remote_bases,
    })
}
