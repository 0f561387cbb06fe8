//! Patches: which resources they are for, and what they do to them.

mod entry;
mod json;
mod label_selector;
mod pattern;
mod selector;
mod strategic;

pub(crate) use entry::{Inputs, PatchEntry};
pub(crate) use label_selector::LabelSelector;
pub(crate) use pattern::{Pattern, compile, is_literal};
pub(crate) use selector::Selector;
