//! Threads with a large stack, for work that recurses as deeply as its input nests.

/// Stack of such a thread. Memory is reserved, not used: a thousand nested includes take the most of it where code is not
/// optimized.
const STACK: usize = 512 << 20;

/// Why there is no outcome.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StackError {
    /// No thread.
    #[error(transparent)]
    Spawn(#[from] std::io::Error),
    /// A mistake of ours.
    #[error("panic")]
    Panic,
}

/// Does this work on a thread with a large stack, and waits for it.
///
/// # Errors
/// [`StackError`]
pub(crate) fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, StackError> {
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().name("helm-render".to_owned()).stack_size(STACK);
        builder.spawn_scoped(scope, work)?.join().map_err(|_| StackError::Panic)
    })
}
