//! Server-side apply, drift proofs, inventory, prune and health.
