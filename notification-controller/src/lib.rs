//! notification-controller: sends events that Alerts select to Providers, and lets webhooks ask objects to reconcile.
//!
//! An event arrives at the [event server](event_server), is freed of foreign metadata and of duplicates, and goes to the
//! queue of each Provider whose Alert selects it: stored there before it is acknowledged, sent afterwards. A webhook
//! arrives at the [webhook server](webhook), is checked against its Receiver, and touches the objects named there.

pub mod alert;
pub mod app;
pub mod dispatch;
pub mod event_server;
pub mod flags;
pub mod metadata;
pub mod notifier;
pub mod provider;
pub mod queue;
pub mod rate_limit;
pub mod receiver;
pub mod sender;
pub mod spool;
pub mod webhook;

mod http_metrics;
mod request;
mod warnings;
