//! The functions that Go's template package itself has.

use super::Function;

/// What is here.
pub(super) const FUNCTIONS: &[Function] = &[];
