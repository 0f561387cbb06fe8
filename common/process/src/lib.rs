//! What every controller's `main` is made of: flags as pflag parses them, feature gates, logs in Flux's JSON form,
//! metrics, probes, traces, leader election, and a stop that lets work end.
//!
//! A controller's `main.rs` parses its flags, which contain [`CommonFlags`], and hands a function to [`Program::run`].

mod environment;
mod flags;
mod gates;
mod listen;
mod log;
mod metrics;
mod probe;
mod program;
mod rollout;
mod server;
mod telemetry;

pub use environment::Environment;
pub use flags::{
    AclFlags, ClientFlags, CommonFlags, JitterFlags, KubeconfigFlags, LeaderElectionFlags, LogFlags,
    RateLimitFlags, TokenFlags, WatchLabelFlags, parse_bool, parse_flags,
};
pub use gates::{Gate, GateError, GateSetting, Gates};
pub use listen::{ListenError, listen};
pub use log::{Encoding, LogSettings};
pub use metrics::{Metrics, MetricsError};
pub use program::{Context, Program};
pub use rollout::{Rollout, join_traceparent, traceparent};
pub use server::{ServerLimits, serve};

/// Gives pages back to the system, which the memory budgets of the controllers count on.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
