//! `/healthz` and `/readyz`, each with the one check `ping` (platform contract, section 4.4).

use axum::Router;
use axum::extract::RawQuery;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;

/// Both probes; they pass as soon as the process serves.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/healthz", get(|RawQuery(query): RawQuery| async move { all("healthz", query.as_deref()) }))
        .route("/readyz", get(|RawQuery(query): RawQuery| async move { all("readyz", query.as_deref()) }))
        .route("/healthz/ping", get(|| async { "ok" }))
        .route("/readyz/ping", get(|| async { "ok" }))
}

fn all(name: &str, query: Option<&str>) -> Response {
    let parameters: Vec<&str> = query.unwrap_or_default().split('&').collect();
    if !parameters.iter().any(|parameter| *parameter == "verbose" || parameter.starts_with("verbose=")) {
        return (StatusCode::OK, "ok").into_response();
    }
    let ping = if parameters.contains(&"exclude=ping") { "[+]ping excluded: ok" } else { "[+]ping ok" };
    (StatusCode::OK, format!("{ping}\n{name} check passed\n")).into_response()
}
