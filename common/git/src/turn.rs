//! Requests to one server take turns.

use std::fmt::Debug;

use futures::FutureExt as _;
use futures::future::BoxFuture;

/// The right to talk to a server; it ends when the value is dropped.
pub type Turn = Box<dyn Send>;

/// Deals out turns at servers.
pub trait Turns: Debug + Send + Sync {
    /// Waits for a turn at `remote` (host and credentials, as [`crate::Access::remote`] gives them).
    fn turn(&self, remote: &str) -> BoxFuture<'static, Turn>;
}

/// Everybody may talk at any time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unlimited;

impl Turns for Unlimited {
    fn turn(&self, _remote: &str) -> BoxFuture<'static, Turn> {
        std::future::ready(Box::new(()) as Turn).boxed()
    }
}
