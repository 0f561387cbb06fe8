//! What every reconciler shares: the queue, the run, conditions, finalizers, status, events.
//!
//! A controller implements [`Kind`] for each of its kinds and hands it to [`Controller::start`]. The driver watches the
//! kind, queues what has to be looked at ([`Lane`]), and carries out each run: finalizer, suspension, the kind's
//! [`plan`](Kind::plan) and [`reconcile`](Kind::reconcile), then conditions by the kind's [`Rules`], one status update, and
//! notices to users. Steps state what they find out ([`Fact`], [`Phase`], [`Failure`]); only the driver makes conditions,
//! events, metrics and a requeue of it.

mod backoff;
mod conditions;
mod controller;
mod dispatcher;
mod failure;
mod finalise;
mod kind;
mod merge_patch;
mod metrics;
mod notice;
mod order;
mod outbox;
mod permit;
#[cfg_attr(
    not(feature = "planted"),
    expect(unreachable_pub, reason = "public for the crate's own tests only")
)]
mod planted;
mod queue;
mod run;
mod services;
mod session;
mod store;
mod trigger;
mod watched;

pub use backoff::{Backoff, InvalidJitter, Jitter};
pub use controller::{Controller, Triggers};
pub use failure::{Class, Failure, Report, Verdict, message};
pub use kind::{
    ConditionChange, Course, Deletion, Ending, Fact, Kind, Measured, Next, Outcome, Phase, Profile,
    Reference, Rules, Schedule, Summary, Suspend,
};
pub use metrics::Metrics;
pub use notice::{Notice, NoticeType};
pub use order::{Cycle, sort};
pub use outbox::{Outbox, OutboxError, Post, PostError};
pub use permit::{CpuPermit, Permits, RemotePermit, Reservation, SharedReservation};
#[cfg(feature = "planted")]
pub use planted::{Planted, is_planted, plant};
pub use run::{Run, Settled};
pub use services::{EventSettings, ServiceSettings, Services, ServicesError, Settings};
pub use session::CommitError;
pub use store::Store;
pub use trigger::{Lane, Trigger, TriggerObject};
pub use watched::{Projection, SourceWatch, Sources, revision_changed, version_changed};
