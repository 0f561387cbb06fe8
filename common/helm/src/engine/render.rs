//! The state of one render.

use super::Budget;
use crate::value::Arena;

/// What a function may see and change.
#[derive(Debug)]
pub struct Render {
    /// Maps, lists and structs of this render.
    pub arena: Arena,
    /// What is left to use.
    pub budget: Budget,
}
