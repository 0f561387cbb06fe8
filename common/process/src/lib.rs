//! What every controller's `main` is made of: flags as pflag parses them, feature gates, logs in Flux's JSON form,
//! metrics, probes, traces, leader election, and a stop that lets work end.
//!
//! A controller's `main.rs` parses its flags, which contain [`CommonFlags`], and hands a function to [`Program::run`].

mod code_pages;
mod environment;
mod flags;
mod gates;
mod listen;
mod log;
mod metrics;
mod pflag;
mod probe;
mod program;
mod rollout;
mod server;
mod telemetry;

pub use environment::Environment;
pub use flags::{
    AclFlags, COMMON_FLAGS, ClientFlags, CommonFlags, JitterFlags, KubeconfigFlags, LeaderElectionFlags,
    LogFlags, RateLimitFlags, TokenFlags, WatchLabelFlags,
};
pub use gates::{Gate, GateError, GateSetting, GateSettings, Gates};
pub use listen::{ListenError, listen};
pub use log::{Encoding, LogSettings};
pub use metrics::{Metrics, MetricsError};
pub use pflag::{
    FlagError, Words, parse_bool, parse_count, parse_flags, parse_float, parse_int, parse_percentage,
    shown_flags,
};
pub use program::{Context, Program};
pub use rollout::{Rollout, join_traceparent, traceparent};
pub use server::{ServerLimits, serve};

/// Gives pages back to the system, which the memory budgets of the controllers count on.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
