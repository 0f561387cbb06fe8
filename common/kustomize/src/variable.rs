//! Vars: `$(NAME)` expansion.
