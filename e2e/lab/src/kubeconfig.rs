//! Kubeconfig files of the lab.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::certificates::Certificate;

/// How a user of the API server proves who they are.
pub(crate) enum Credentials<'a> {
    Certificate(&'a Certificate),
    /// A file that is read again when it changes, as Pods have it.
    TokenFile(&'a str),
}

/// A kubeconfig with one cluster and one user, as JSON, which every YAML reader takes.
pub(crate) fn kubeconfig(server: &str, authority: &str, credentials: &Credentials<'_>) -> String {
    let user: Value = match credentials {
        Credentials::Certificate(pair) => json!({
            "client-certificate-data": STANDARD.encode(&pair.certificate),
            "client-key-data": STANDARD.encode(&pair.key),
        }),
        Credentials::TokenFile(path) => json!({"tokenFile": path}),
    };
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "lab", "cluster": {
            "server": server,
            "certificate-authority-data": STANDARD.encode(authority),
        }}],
        "users": [{"name": "user", "user": user}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "user"}}],
        "current-context": "lab",
    });
    format!("{config:#}\n")
}
