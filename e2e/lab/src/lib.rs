//! The lab: control plane, Git server, sinks and `Env` for integration tests.
