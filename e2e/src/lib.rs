//! End-to-end tests of the diagrams, quickstart and benchmarks.
