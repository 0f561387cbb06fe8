//! Tests on a real control plane, with the controller as a process of its own, and artifacts from a real file server.
#![cfg(test)]

mod world;

mod access;
mod apply;
mod budget;
mod build;
mod definition;
mod epoch;
mod gates;
mod health;
mod intent;
mod prune;
mod queue;
mod run;
mod source;
mod start;
mod substitution;
mod supersession;
mod takeover;
