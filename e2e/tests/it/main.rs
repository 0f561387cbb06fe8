//! The diagrams, end to end.
#![cfg(test)]

mod delivery;
mod kill;
