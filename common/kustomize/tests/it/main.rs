//! What the engine makes of whole trees, against what kustomize and Flux made of them.
#![cfg(test)]

mod case;
mod flux;
mod hostile;
mod isolation;
mod properties;
mod recorded;
mod remote;
