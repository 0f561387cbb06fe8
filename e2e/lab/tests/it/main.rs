//! The lab, proved part by part.
#![cfg(test)]

mod cluster;
mod faults;
mod git;
mod lifetime;
mod sinks;
