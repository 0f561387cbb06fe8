//! notification-controller as a process under its own account on a real control plane.
#![cfg(test)]

mod alerts;
mod receivers;
mod support;
