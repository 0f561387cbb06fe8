//! Proofs that an object is as desired, so that what is known to be unchanged costs no dry-run.

use crate::epoch::Stamp;
use crate::object::{ObjectId, text_at};
use parking_lot::Mutex;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

/// First half of a SHA-256: enough to tell objects apart, also against someone who searches for collisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 16]);

impl Hash {
    /// Hash of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let digest = Sha256::digest(bytes);
        let mut hash = [0; 16];
        hash.iter_mut().zip(digest.iter()).for_each(|(to, from)| *to = *from);
        Self(hash)
    }
}

/// What tells one state of a live object from another, without its fields.
///
/// Kinds with a generation count changes of their spec; in the others the resourceVersion is all there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveIdentity {
    hash: Hash,
    /// 0 for kinds without one.
    generation: i64,
}

/// Annotations by which the control plane keeps its own books on objects of users.
const BOOK_KEEPING: [&str; 4] =
    ["deployment.kubernetes.io/", "pv.kubernetes.io/", "volume.kubernetes.io/", "volume.beta.kubernetes.io/"];

impl LiveIdentity {
    /// Reads it from an object or from its metadata alone.
    pub fn of(object: &Value) -> Self {
        let generation = object.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(0).max(0);
        let version = if generation > 0 { "" } else { text_at(object, "/metadata/resourceVersion") };
        let mut text = format!("{}\n{generation}\n{version}", text_at(object, "/metadata/uid"));
        for place in ["/metadata/labels", "/metadata/annotations"] {
            text.push('\n');
            for (key, value) in object.pointer(place).and_then(Value::as_object).into_iter().flatten() {
                if !BOOK_KEEPING.iter().any(|prefix| key.starts_with(prefix)) {
                    // writing to a String cannot fail
                    let _ = write!(text, "{key}={value},");
                }
            }
        }
        Self { hash: Hash::of(text.as_bytes()), generation }
    }
}

/// How an object was left by the run that proved it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Proof {
    desired: Hash,
    live: LiveIdentity,
    /// The epoch in which it was made; `None` proves nothing.
    stamp: Option<Stamp>,
}

/// The proofs of one owner. Some 100 bytes an object; lost with the process, which then checks in full.
#[derive(Debug, Default)]
pub struct Proofs {
    proofs: Mutex<HashMap<Hash, Proof>>,
}

impl Proofs {
    /// Whether there is a proof of this desired state in an epoch, which a look at the live object's metadata can confirm.
    pub fn expects(&self, id: &ObjectId, desired: Hash, stamp: Option<Stamp>) -> Option<LiveIdentity> {
        let proofs = self.proofs.lock();
        let holds = |proof: &&Proof| proof.desired == desired && stamp.is_some() && proof.stamp == stamp;
        proofs.get(&key(id)).filter(holds).map(|proof| proof.live)
    }

    /// Whether there is a proof of this desired state, of whatever epoch.
    pub fn knows(&self, id: &ObjectId, desired: Hash) -> bool {
        self.proofs.lock().get(&key(id)).is_some_and(|proof| proof.desired == desired)
    }

    /// Whether a dry-run's answer shows that a new desired state changes the object: it counts its changes, and one more
    /// than when it was left.
    pub fn outgrown(&self, id: &ObjectId, desired: Hash, answer: LiveIdentity) -> bool {
        let proofs = self.proofs.lock();
        proofs.get(&key(id)).is_some_and(|proof| {
            proof.desired != desired && answer.generation > 0 && proof.live.generation != answer.generation
        })
    }

    /// Notes that the live object is as desired, as was found out in an epoch.
    pub fn record(&self, id: &ObjectId, (desired, live): (Hash, LiveIdentity), stamp: Option<Stamp>) {
        self.proofs.lock().insert(key(id), Proof { desired, live, stamp });
    }

    /// Forgets an object.
    pub fn forget(&self, id: &ObjectId) {
        self.proofs.lock().remove(&key(id));
    }

    /// Forgets everything but these objects.
    pub fn retain<'a>(&self, ids: impl Iterator<Item = &'a ObjectId>) {
        let kept: HashSet<Hash> = ids.map(key).collect();
        self.proofs.lock().retain(|key, _| kept.contains(key));
    }
}

fn key(id: &ObjectId) -> Hash {
    Hash::of(id.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn live(generation: i64, version: &str, labels: Value) -> LiveIdentity {
        LiveIdentity::of(&json!({"metadata": {
            "uid": "u", "generation": generation, "resourceVersion": version, "labels": labels
        }}))
    }

    #[test]
    fn a_generation_makes_the_version_irrelevant() {
        assert_eq!(live(1, "1", json!({})), live(1, "2", json!({})));
        assert_ne!(live(1, "1", json!({})), live(2, "1", json!({})));
        assert_ne!(live(1, "1", json!({})), live(1, "1", json!({"a": "b"})));
        assert_ne!(live(0, "1", json!({})), live(0, "2", json!({})));
    }

    #[test]
    fn a_proof_holds_for_one_desired_state_and_epoch() {
        let id: ObjectId = "a_b__ConfigMap".parse().unwrap();
        let (proofs, state) = (Proofs::default(), live(1, "1", json!({})));
        let (one, two) = (Hash::of(b"1"), Hash::of(b"2"));
        let [now, later] = [1, 2].map(|general| Some(Stamp::new(general)));
        proofs.record(&id, (one, state), now);
        assert_eq!(proofs.expects(&id, one, now), Some(state));
        assert_eq!(proofs.expects(&id, two, now), None);
        assert_eq!(proofs.expects(&id, one, later), None, "another epoch");
        assert!(proofs.knows(&id, one) && !proofs.knows(&id, two));
        assert!(proofs.outgrown(&id, two, live(2, "2", json!({}))));
        assert!(!proofs.outgrown(&id, one, live(2, "2", json!({}))), "others may change an object as well");
        assert!(!proofs.outgrown(&id, two, live(1, "2", json!({}))));
        proofs.record(&id, (one, state), None);
        assert_eq!(proofs.expects(&id, one, None), None, "no epoch is no proof");
        proofs.retain(std::iter::empty());
        assert!(!proofs.knows(&id, one));
    }

    #[test]
    fn the_books_of_the_control_plane_do_not_count() {
        let with = |key: &str| {
            LiveIdentity::of(&json!({"metadata": {"uid": "u", "generation": 1, "annotations": {key: "1"}}}))
        };
        assert_eq!(with("deployment.kubernetes.io/revision"), with("pv.kubernetes.io/bound"));
        assert_ne!(with("deployment.kubernetes.io/revision"), with("example.io/revision"));
    }
}
