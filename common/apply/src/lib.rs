//! Server-side apply, drift detection, inventory, prune and health, as kustomize-controller and helm-controller share
//! them.
//!
//! Decisions are pure functions over JSON: [`order`] (stages and ranks), [`rules`] (what users' labels ask for),
//! [`normalisation`] (the fields that Go would write), [`managed_fields`] (taking over former managers), [`drift`] and
//! [`ignore`] (what counts as a difference), [`health`] and [`wait`] (is an object ready), [`inventory`], [`intent`] and
//! [`change`] (what was done, and will be). Around them lie the two that write,
//! [`apply`] and [`prune`], and those that watch, [`hub`] and [`epoch`].

pub mod apply;
pub mod change;
pub mod drift;
pub mod epoch;
pub mod error;
pub mod health;
pub mod hub;
pub mod ignore;
pub mod intent;
pub mod inventory;
pub mod managed_fields;
pub mod normalisation;
pub mod object;
pub mod order;
pub mod proof;
pub mod prune;
pub mod rules;
pub mod selector;
pub mod wait;
