//! The diagrams, end to end.
#![cfg(test)]

mod cli;
mod delivery;
mod helm_cli;
mod kill;
mod objects;
mod outage;
mod standby;
mod tenant;
