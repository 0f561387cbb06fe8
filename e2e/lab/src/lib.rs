//! The lab: a real control plane, Git servers and sinks on one machine, and [`Env`] for integration tests.
//!
//! [`Lab`] is etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok, built from Go modules once per user
//! and started on free ports; it leaves nothing behind, not even when its owner is killed. [`Env`] is a namespace in the
//! lab that a test binary shares. [`GitServer`], [`WebhookSink`], [`TraceReceiver`], [`TunnelProxy`] and [`FaultProxy`]
//! stand for the world around the controllers.

mod accounts;
mod audit;
mod black_hole;
mod certificates;
mod control_plane;
mod controller;
mod env;
mod git_repository;
mod git_server;
mod kubeconfig;
mod lab;
mod objects;
mod ports;
mod profiles;
mod proxy;
mod record;
mod refusal;
mod server;
mod sink;
mod socks;
mod supervisor;
mod tools;
mod traces;
mod tunnel;

pub use accounts::Account;
pub use audit::{AuditEntry, AuditMark};
pub use black_hole::BlackHole;
pub use certificates::{Authority, Certificate};
pub use controller::{Controller, ControllerProcess};
pub use env::Env;
pub use git_repository::{Change, GitRepository};
pub use git_server::{GitRequest, GitServer, GitServerOptions, GoGitServer, ProtocolVersions};
pub use lab::{Lab, LabOptions, Parts};
pub use objects::{Condition, ObjectKey, gone, has_condition, is_ready, is_ready_at};
pub use proxy::{Fault, FaultProxy};
pub use record::Recorder;
pub use refusal::refused_start;
pub use sink::{ReceivedRequest, SinkAnswer, WebhookSink};
pub use socks::SocksProxy;
pub use supervisor::{Memory, ProcessOutcome};
pub use tools::{ControlPlaneBinaries, repository_root};
pub use traces::{ReceivedSpan, TraceReceiver};
pub use tunnel::TunnelProxy;
