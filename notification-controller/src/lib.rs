//! notification-controller: dispatches events and receives webhooks.
