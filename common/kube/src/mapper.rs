use std::collections::HashMap;
use std::time::Duration;

use parking_lot::RwLock;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::Error;
use crate::resource::{Resource, Scope};
use crate::target::{Accept, Call, Target};

/// A kind that is still missing is not asked for more often than this.
const MISS_INTERVAL: Duration = Duration::from_secs(1);

/// Which kinds a server serves, by what name and scope. Filled on the first miss from aggregated discovery (two
/// requests), refreshed on later misses, with one refresh at a time for all who wait.
#[derive(Debug, Default)]
pub struct Mapper {
    known: RwLock<HashMap<(String, String), Resource>>,
    /// When the last refresh ended.
    refreshed: Mutex<Option<Instant>>,
}

#[derive(Deserialize)]
struct Groups {
    #[serde(default)]
    items: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    metadata: GroupMetadata,
    #[serde(default)]
    versions: Vec<Version>,
}

#[derive(Default, Deserialize)]
struct GroupMetadata {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Version {
    version: String,
    #[serde(default)]
    resources: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    resource: String,
    #[serde(default)]
    response_kind: Option<ResponseKind>,
    #[serde(default)]
    scope: String,
}

#[derive(Deserialize)]
struct ResponseKind {
    kind: String,
}

impl Mapper {
    pub(crate) async fn resource(
        &self,
        target: &Target,
        api_version: &str,
        kind: &str,
    ) -> Result<Resource, Error> {
        let key = (api_version.to_owned(), kind.to_owned());
        if let Some(resource) = self.lookup(&key) {
            return Ok(resource);
        }
        let asked = Instant::now();
        let mut refreshed = self.refreshed.lock().await;
        // whoever held the lock meanwhile may have found it
        if let Some(resource) = self.lookup(&key) {
            return Ok(resource);
        }
        if refreshed.is_none_or(|last| last < asked && last.elapsed() >= MISS_INTERVAL) {
            self.refresh(target).await?;
            *refreshed = Some(Instant::now());
        }
        self.lookup(&key).ok_or(Error::UnknownKind { api_version: key.0, kind: key.1 })
    }

    fn lookup(&self, key: &(String, String)) -> Option<Resource> {
        self.known.read().get(key).cloned()
    }

    /// Forgets everything, so that the next look-up asks the server: after a CRD was applied or removed.
    pub async fn invalidate(&self) {
        *self.refreshed.lock().await = None;
        self.known.write().clear();
    }

    async fn refresh(&self, target: &Target) -> Result<(), Error> {
        let mut known = HashMap::new();
        for path in ["/api", "/apis"] {
            let call = Call { accept: Accept::Discovery, ..Call::get(path.to_owned()) };
            let body = target.bytes(call).await?;
            let groups: Groups = serde_json::from_slice(&body).map_err(Error::Decode)?;
            for group in groups.items {
                add(&mut known, group);
            }
        }
        *self.known.write() = known;
        Ok(())
    }
}

fn add(known: &mut HashMap<(String, String), Resource>, group: Group) {
    let name = group.metadata.name;
    for version in group.versions {
        for entry in version.resources {
            let Some(kind) = entry.response_kind.map(|response| response.kind) else { continue };
            let resource = Resource {
                group: name.clone().into(),
                version: version.version.clone().into(),
                kind: kind.clone().into(),
                plural: entry.resource.into(),
                scope: if entry.scope == "Cluster" { Scope::Cluster } else { Scope::Namespaced },
            };
            // the first resource of a kind is its main one
            known.entry((resource.api_version(), kind)).or_insert(resource);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aggregated_discovery_is_read() {
        let body = r#"{"items":[{"metadata":{"name":"apps"},"versions":[{"version":"v1","resources":[
            {"resource":"deployments","responseKind":{"group":"","version":"","kind":"Deployment"},
             "scope":"Namespaced","subresources":[{"subresource":"scale"}]}]}]}]}"#;
        let groups: Groups = serde_json::from_str(body).unwrap();
        let mut known = HashMap::new();
        groups.items.into_iter().for_each(|group| add(&mut known, group));
        let resource = known.get(&("apps/v1".into(), "Deployment".into())).unwrap();
        assert_eq!((resource.plural.as_ref(), resource.scope), ("deployments", Scope::Namespaced));
    }
}
