//! Git over the network: wire protocol, mirrors, refs per access.
