//! Looking at many unchanged objects at once: a list for each kind and namespace, instead of a GET for each object.

use super::{Applier, Check, Desired, Interest, State};
use crate::health::is_always_current;
use crate::object::{ObjectId, join_api_version};
use crate::proof::LiveIdentity;
use flux_kube::{Error, ListOptions};
use serde_json::Value;
use std::collections::HashMap;

/// Fewer objects of a kind and namespace are looked at one by one.
const WORTH_A_LIST: usize = 8;

/// What lists have shown: identity and state of each object.
pub(super) type Glimpses = HashMap<ObjectId, (LiveIdentity, State)>;

impl Applier<'_> {
    /// Lists those kinds of which many objects have a proof. What a list does not show, or an error hides, is looked at
    /// one by one.
    pub(super) async fn glimpse(&self, objects: &[Desired]) -> Glimpses {
        let mut glimpses = Glimpses::new();
        if self.check == Check::Full || self.target.user().is_some() {
            return glimpses;
        }
        let mut groups: HashMap<(&str, &str, &str, &str), usize> = HashMap::new();
        let proved = |desired: &&Desired| self.proofs.knows(&desired.id, desired.hash);
        for Desired { id, version, .. } in objects.iter().filter(proved) {
            *groups.entry((&id.group, version, &id.kind, &id.namespace)).or_default() += 1;
        }
        for ((group, version, kind, namespace), count) in groups {
            if count >= WORTH_A_LIST {
                let kind = ObjectId {
                    namespace: namespace.to_owned(),
                    name: String::new(),
                    group: group.to_owned(),
                    kind: kind.to_owned(),
                };
                // the GETs that follow tell of an error
                let _ = self.list(&kind, version, &mut glimpses).await;
            }
        }
        glimpses
    }

    async fn list(&self, kind: &ObjectId, version: &str, glimpses: &mut Glimpses) -> Result<(), Error> {
        let resource = self.target.resource(&join_api_version(&kind.group, version), &kind.kind).await?;
        let whole = self.settings.interest == Interest::Health && !is_always_current(&kind.group, &kind.kind);
        let mut options = ListOptions {
            namespace: kind.namespace.clone(),
            label_selector: self.settings.selector.clone(),
            metadata_only: !whole,
            ..ListOptions::default()
        };
        loop {
            let page = self.target.list_page(&resource, &options).await?;
            for object in &page.objects {
                let mut value = object.value().map_err(Error::Decode)?;
                let id = ObjectId { name: object.metadata.name.clone(), ..kind.clone() };
                let identity = LiveIdentity::of(&value);
                let state = if whole {
                    // built-in kinds do not say theirs in lists
                    if let Value::Object(fields) = &mut value {
                        fields.insert("apiVersion".into(), resource.api_version().into());
                        fields.insert("kind".into(), kind.kind.clone().into());
                    }
                    State::of(&value)
                } else {
                    State::of_plain(&value, &id)
                };
                glimpses.insert(id, (identity, state));
            }
            match page.next {
                Some(next) => options.after = Some(next),
                None => return Ok(()),
            }
        }
    }
}
