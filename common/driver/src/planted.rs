//! Faults of the driver itself, so that a test can prove that the simulation finds them. They exist only in builds with the
//! feature `planted`, which nothing but the crate's own tests asks for.

/// A fault. Each is switched on for the thread that simulates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planted {
    /// Events leave before the status is stored.
    EarlyEvents,
    /// A trigger that comes during a run is dropped.
    DeafRun,
    /// A run that panics is not repeated.
    LostPanic,
    /// Changes of sources wake nobody.
    SilentSources,
    /// Work on processors is not limited.
    FreeProcessors,
}

#[cfg(feature = "planted")]
mod switch {
    use std::cell::Cell;

    use super::Planted;

    std::thread_local! {
        static PLANTED: Cell<Option<Planted>> = const { Cell::new(None) };
    }

    /// Plants a fault in all that runs on this thread, or removes it.
    pub fn plant(fault: Option<Planted>) {
        PLANTED.set(fault);
    }

    /// Whether a fault is planted on this thread.
    pub fn is_planted() -> bool {
        PLANTED.get().is_some()
    }

    pub(crate) fn is(fault: Planted) -> bool {
        PLANTED.get() == Some(fault)
    }
}

#[cfg(not(feature = "planted"))]
mod switch {
    use super::Planted;

    pub(crate) const fn is(_: Planted) -> bool {
        false
    }
}

pub(crate) use switch::is;
#[cfg(feature = "planted")]
pub use switch::{is_planted, plant};
