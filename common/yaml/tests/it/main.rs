//! flux-yaml against recordings of the Go libraries, and against itself.
#![cfg(test)]

mod golden;
