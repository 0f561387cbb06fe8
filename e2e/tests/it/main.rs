//! The diagrams, end to end.
#![cfg(test)]

mod cli;
mod delivery;
mod helm_cli;
mod invariants;
mod kill;
mod objects;
mod outage;
mod process;
mod standby;
mod tenant;
