//! API client stack, limiter, identities, watch hub, leader election.
