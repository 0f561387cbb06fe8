//! The definitions that lie in the repository, and the types against objects as the API server stores them.
#![cfg(test)]

mod generated_files;
