//! Values that are one node upstream: a change of one of them is a change of all.

use flux_yaml::Node;

/// Shared values that were changed.
#[derive(Debug, Default)]
pub(crate) struct Shares(Vec<Node>);

impl Shares {
    /// Notes a value that may be shared, after its change.
    pub(crate) fn note(&mut self, value: &Node) {
        if value.share() != 0 {
            self.0.push(value.clone());
        }
    }

    /// Gives all values of the resource that are shared with a changed one the same content.
    pub(crate) fn spread(self, resource: &mut Node) {
        self.0.iter().for_each(|value| resource.spread_share(value));
    }
}
