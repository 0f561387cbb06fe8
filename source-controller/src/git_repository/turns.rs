//! Requests to Git servers take turns.

use flux_driver::Permits;
use flux_git::{Turn, Turns};
use futures::FutureExt as _;
use futures::future::BoxFuture;

/// Turns by the driver's permits: 8 at a time per host and credentials.
#[derive(Debug)]
pub(crate) struct RemoteTurns(pub(crate) Permits);

impl Turns for RemoteTurns {
    fn turn(&self, remote: &str) -> BoxFuture<'static, Turn> {
        let (permits, remote) = (self.0.clone(), remote.to_owned());
        async move { Box::new(permits.remote(&remote).await) as Turn }.boxed()
    }
}
