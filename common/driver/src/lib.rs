//! The reconcile driver: queue, lanes, permits, conditions, finalizers, outbox.
