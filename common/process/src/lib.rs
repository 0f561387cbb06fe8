//! What every main is made of: flags, start-up, shutdown, probes, metrics, logs, traces.
