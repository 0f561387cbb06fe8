//! Apply and prune on a real API server.

#![cfg(test)]

mod apply;
mod cluster;
mod prune;
