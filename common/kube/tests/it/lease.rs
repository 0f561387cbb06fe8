//! Leadership by a real Lease: handed over, taken over from a silent leader, and lost to a thief.

use std::time::Duration;

use flux_kube::{Cluster, Lead, LeaseSettings, Merge, ObjectName, Recorder, Resource};
use flux_lab::Env;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_mins(1);

struct Candidate {
    cluster: Cluster,
    recorder: Recorder,
    lease: ObjectName,
}

impl Candidate {
    async fn new(env: &Env) -> Self {
        let cluster = crate::cluster(env.lab()).await;
        let (recorder, _writer) = Recorder::start(cluster.controller(), "test");
        Self { cluster, recorder, lease: ObjectName::new(env.namespace(), "test-leader-election") }
    }

    async fn lead(&self, identity: &str, lease_duration: Duration) -> Lead {
        let settings = LeaseSettings {
            lease: self.lease.clone(),
            identity: identity.to_owned(),
            lease_duration,
            renew_deadline: lease_duration.mul_f64(0.8),
            retry_period: Duration::from_millis(200),
            release_on_cancel: true,
        };
        let target = self.cluster.dedicated().expect("a connection");
        let never = CancellationToken::new();
        let won = Lead::acquire(target, settings, &self.recorder, &never);
        timeout(PATIENCE, won).await.expect("leadership in time").expect("leadership")
    }

    async fn spec(&self) -> Value {
        let lease: Value =
            self.cluster.controller().get_as(&Resource::LEASE, &self.lease).await.expect("a Lease");
        lease["spec"].clone()
    }
}

#[tokio::test]
async fn clean_stop_hands_over_long_before_the_lease_expires() {
    let env = Env::start().await;
    let candidate = Candidate::new(&env).await;
    let hour = Duration::from_hours(1);
    let first = candidate.lead("first", hour).await;
    let spec = candidate.spec().await;
    assert_eq!((&spec["holderIdentity"], &spec["leaseDurationSeconds"]), (&json!("first"), &json!(3600)));
    first.stop().await;
    let second = candidate.lead("second", hour).await;
    let spec = candidate.spec().await;
    assert_eq!((&spec["holderIdentity"], &spec["leaseTransitions"]), (&json!("second"), &json!(1)));
    second.stop().await;
    assert_eq!(candidate.spec().await["leaseDurationSeconds"], 1);
}

#[tokio::test]
async fn silent_leader_is_followed_when_its_lease_has_expired() {
    let env = Env::start().await;
    let candidate = Candidate::new(&env).await;
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": { "name": candidate.lease.name },
        "spec": {
            "holderIdentity": "dead", "leaseDurationSeconds": 2, "leaseTransitions": 4,
            "acquireTime": "2026-01-01T00:00:00.000000Z", "renewTime": "2026-01-01T00:00:00.000000Z",
        },
    });
    let target = candidate.cluster.controller();
    target.create(&Resource::LEASE, env.namespace(), &lease, "test").await.expect("a Lease");
    let lead = candidate.lead("next", Duration::from_secs(20)).await;
    let spec = candidate.spec().await;
    assert_eq!((&spec["holderIdentity"], &spec["leaseTransitions"]), (&json!("next"), &json!(5)));
    lead.stop().await;
}

#[tokio::test]
async fn leader_whose_lease_is_stolen_hears_of_it() {
    let env = Env::start().await;
    let candidate = Candidate::new(&env).await;
    let mut lead = candidate.lead("first", Duration::from_secs(20)).await;
    let target = candidate.cluster.controller();
    let merge = Merge { field_manager: "thief", ..Merge::default() };
    let theft = json!({ "spec": { "holderIdentity": "thief", "renewTime": "2999-01-01T00:00:00.000000Z" } });
    target.merge(&Resource::LEASE, &candidate.lease, &theft, &merge).await.expect("theft");
    timeout(PATIENCE, lead.lost()).await.expect("the leader hears of it");
    assert_eq!(candidate.spec().await["holderIdentity"], "thief", "the old leader took it back");
}
