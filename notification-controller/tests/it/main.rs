//! notification-controller as a process under its own account on a real control plane.
#![cfg(test)]

mod alerts;
mod definitions;
mod delivery;
mod hostile;
mod metrics;
mod migration;
mod providers;
mod receivers;
mod selection;
mod start;
mod support;
mod tls;
mod webhooks;
