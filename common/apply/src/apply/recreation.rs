//! Making an object anew where one of its immutable fields is to change.

use super::object::Place;
use super::{Applier, Desired, Force};
use crate::error::ObjectError;
use crate::object::text_at;
use crate::rules;
use flux_kube::{Delete, Error, Status};
use serde_json::Value;
use std::time::Duration;

/// How long an object that is made anew may take to go.
const DELETION_LIMIT: Duration = Duration::from_mins(1);
const FIRST_LOOK: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Texts by which the API server says that a field cannot be changed; validation errors have no code of their own.
const IMMUTABLE: [&str; 6] = [
    "is immutable",
    "immutable field",
    "updates to statefulset spec for fields other than",
    "cannot change roleRef",
    "may not be changed",
    "may not change once set",
];

impl Applier<'_> {
    /// Whether a refused object may be deleted and made anew.
    pub(super) fn recreates(&self, desired: &Value, live: &Value, error: &Error) -> bool {
        let forced = self.settings.force == Force::Always || rules::forced(desired, Some(live));
        forced && error.status().is_some_and(speaks_of_immutable_fields)
    }

    pub(super) async fn delete_and_wait(
        &self,
        desired: &Desired,
        place: &Place,
        live: &Value,
    ) -> Result<(), ObjectError> {
        let subject = || desired.id.subject();
        self.proofs.forget(&desired.id);
        let uid = text_at(live, "/metadata/uid");
        let delete = Delete { uid: Some(uid), ..Delete::default() };
        match self.target.delete(&place.resource, &place.name, &delete).await {
            Ok(_) => {}
            Err(error) if error.is_not_found() => return Ok(()),
            Err(source) => return Err(ObjectError::Delete { subject: subject(), source }),
        }
        let gone = async {
            let mut pause = FIRST_LOOK;
            while let Some(live) = self.live(desired, place).await? {
                if text_at(&live, "/metadata/uid") != uid {
                    break;
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Ok(())
        };
        tokio::time::timeout(DELETION_LIMIT, gone)
            .await
            .unwrap_or_else(|_| Err(ObjectError::NotDeleted { subject: subject() }))
    }
}

/// Whether immutable fields are all that is wrong: a new object with another fault would be refused as well, and the old
/// one would be gone.
fn speaks_of_immutable_fields(status: &Status) -> bool {
    let is_immutable = |text: &str| IMMUTABLE.iter().any(|known| text.contains(known));
    match status.details.get("causes").and_then(Value::as_array) {
        Some(causes) if !causes.is_empty() => {
            causes.iter().all(|cause| cause.get("message").and_then(Value::as_str).is_some_and(is_immutable))
        }
        Some(_) | None => is_immutable(&status.message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn verdict(message: &str, causes: &[&str]) -> bool {
        let causes: Vec<_> = causes.iter().map(|message| json!({"message": message})).collect();
        let status = json!({"message": message, "details": {"causes": causes}});
        speaks_of_immutable_fields(&serde_json::from_value(status).unwrap())
    }

    #[test]
    fn another_fault_keeps_the_object() {
        assert!(verdict("data: field is immutable", &[]));
        assert!(!verdict("data: Invalid value", &[]));
        assert!(verdict("both", &["field is immutable when `immutable` is set"]));
        assert!(!verdict("field is immutable", &["field is immutable", "a valid key must consist of"]));
    }
}
