//! The driver against an API server: a simulated one that misbehaves by a seed, on a paused clock.
#![cfg(test)]

mod simulation;
