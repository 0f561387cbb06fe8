//! TLS, proxies, the conventions of Secrets, the HTTP client pool.
