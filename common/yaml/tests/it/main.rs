//! flux-yaml against recordings of the Go libraries, against libyaml, and against itself.
#![cfg(test)]

mod golden;
mod hostile;
mod identity;
mod libyaml;
