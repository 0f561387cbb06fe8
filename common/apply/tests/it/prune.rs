use crate::cluster::{Fixture, actions};
use flux_apply::prune::{Owner, prune};
use serde_json::json;

const OWNER: Owner<'_> = Owner { name: "app", namespace: "flux-system" };

#[tokio::test]
async fn stale_objects_go_and_kept_ones_stay() {
    let fixture = Fixture::start().await;
    let objects = ["gone", "kept", "foreign"].map(|name| fixture.config_map(name, "1"));
    let applied = fixture.apply(&objects).await.unwrap();
    let keep = json!({"metadata": {"annotations": {"kustomize.toolkit.fluxcd.io/prune": "Disabled"}}});
    fixture.env.merge(&objects[1], keep).await;
    let other = json!({"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": "other"}}});
    fixture.env.merge(&objects[2], other).await;
    let pruned = prune(&fixture.target, &applied.inventory(), OWNER, &fixture.proofs).await;
    assert!(pruned.errors.is_empty());
    assert_eq!(actions(&pruned.changes), ["skipped", "deleted", "skipped"]);
    assert!(fixture.live("ConfigMap", "gone").await.is_none());
    assert!(fixture.live("ConfigMap", "kept").await.is_some());
    assert!(fixture.live("ConfigMap", "foreign").await.is_some());
    let again = prune(&fixture.target, &applied.inventory(), OWNER, &fixture.proofs).await;
    assert_eq!(actions(&again.changes), ["skipped", "deleted", "skipped"]);
}

#[tokio::test]
async fn objects_of_a_removed_kind_count_as_deleted() {
    let fixture = Fixture::start().await;
    let inventory = flux_apply::inventory::Inventory::parse([("a_b_example.io_Widget", "v1")]).unwrap();
    let pruned = prune(&fixture.target, &inventory, OWNER, &fixture.proofs).await;
    assert!(pruned.errors.is_empty());
    assert_eq!(actions(&pruned.changes), ["deleted"]);
}
