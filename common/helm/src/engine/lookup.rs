//! The cluster, as `lookup` sees it.

use flux_yaml::Value;

/// Reads objects of a cluster for a render.
pub trait Lookup: Send + Sync {
    /// An object by name, or all of them as a List for an empty name; an empty namespace means all. `None` where there is
    /// none. Runs on the thread of the render and may block.
    ///
    /// # Errors
    /// What Helm's `lookup` fails with, in its words.
    fn lookup(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, String>;
}
