//! `/healthz` and `/readyz`, each with the one check `ping` (platform contract, section 4.4).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::RawQuery;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;

/// Whether whatever this replica serves can be reached. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Readiness(Arc<AtomicBool>);

impl Readiness {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn check(&self) -> Check {
        if self.0.load(Ordering::Acquire) { Check::Passes } else { Check::Fails }
    }
}

#[derive(Clone, Copy)]
enum Check {
    Passes,
    Fails,
}

/// Both probes: liveness passes as soon as the process serves, readiness once `ready` is set.
pub(crate) fn router(ready: &Readiness) -> Router {
    let (all_of, one) = (ready.clone(), ready.clone());
    Router::new()
        .route(
            "/healthz",
            get(|RawQuery(query): RawQuery| async move { all("healthz", query.as_deref(), Check::Passes) }),
        )
        .route(
            "/readyz",
            get(|RawQuery(query): RawQuery| async move { all("readyz", query.as_deref(), all_of.check()) }),
        )
        .route("/healthz/ping", get(|| async { ping(Check::Passes) }))
        .route("/readyz/ping", get(|| async move { ping(one.check()) }))
}

fn ping(check: Check) -> Response {
    match check {
        Check::Passes => (StatusCode::OK, "ok").into_response(),
        Check::Fails => {
            (StatusCode::INTERNAL_SERVER_ERROR, "internal server error: not listening yet\n").into_response()
        }
    }
}

fn all(name: &str, query: Option<&str>, check: Check) -> Response {
    let parameters: Vec<&str> = query.unwrap_or_default().split('&').collect();
    let line = match check {
        _ if parameters.contains(&"exclude=ping") => "[+]ping excluded: ok",
        Check::Passes => "[+]ping ok",
        Check::Fails => {
            let text = format!("[-]ping failed: reason withheld\n{name} check failed\n");
            return (StatusCode::INTERNAL_SERVER_ERROR, text).into_response();
        }
    };
    if !parameters.iter().any(|parameter| *parameter == "verbose" || parameter.starts_with("verbose=")) {
        return (StatusCode::OK, "ok").into_response();
    }
    (StatusCode::OK, format!("{line}\n{name} check passed\n")).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use http::Request;
    use tower::ServiceExt as _;

    use super::*;

    async fn answer(router: &Router, path: &str) -> (u16, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let code = response.status().as_u16();
        let body = to_bytes(response.into_body(), 1000).await.unwrap();
        (code, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn readiness_waits_for_the_listeners_and_liveness_does_not() {
        let ready = Readiness::default();
        let router = router(&ready);
        assert_eq!(answer(&router, "/healthz").await, (200, "ok".to_owned()));
        assert_eq!(answer(&router, "/healthz/ping").await, (200, "ok".to_owned()));
        let failed = "[-]ping failed: reason withheld\nreadyz check failed\n";
        assert_eq!(answer(&router, "/readyz").await, (500, failed.to_owned()));
        assert_eq!(answer(&router, "/readyz/ping").await.0, 500);
        assert_eq!(answer(&router, "/readyz?exclude=ping").await, (200, "ok".to_owned()));
        ready.set();
        assert_eq!(answer(&router, "/readyz").await, (200, "ok".to_owned()));
        assert_eq!(answer(&router, "/readyz/ping").await, (200, "ok".to_owned()));
        assert_eq!(
            answer(&router, "/readyz?verbose").await,
            (200, "[+]ping ok\nreadyz check passed\n".to_owned())
        );
    }
}
