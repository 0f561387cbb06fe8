//! Reproducible archives, digests, ignore rules, storage, file server and reader.
