//! The file server of the artifacts.
//!
//! Plain HTTP without authentication, as consumers expect: ranges, `Last-Modified`, `If-Modified-Since`, HEAD. Unlike
//! upstream it lists no directories, since a listing shows tenants each other's artifacts, and it answers 416 to a
//! request for several ranges, which no client sends.

use std::convert::Infallible;
use std::path::PathBuf;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower::service_fn;
use tower_http::services::ServeDir;

/// Answers for the files below `root`: `GET /` says 200 for the readiness probe, files are served, all else is 404.
pub fn router(root: impl Into<PathBuf>) -> Router {
    let missing = service_fn(async |_: Request| Ok::<_, Infallible>(not_found()));
    let files = ServeDir::new(root.into()).append_index_html_on_directories(false).not_found_service(missing);
    Router::new()
        .route("/", get(async || "artifacts\n"))
        .fallback_service(files)
        .layer(middleware::from_fn(only_visible_files))
}

/// Hidden files are unfinished ones. Every method but HEAD is taken for GET, as upstream does.
async fn only_visible_files(mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path.split('/').any(|component| {
        component.starts_with('.')
            || component.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("%2e"))
    }) {
        return not_found();
    }
    if request.method() != Method::HEAD {
        *request.method_mut() = Method::GET;
    }
    next.run(request).await
}

fn not_found() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (StatusCode::NOT_FOUND, headers, Body::from("404 page not found\n")).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use tower::ServiceExt as _;

    use super::*;

    async fn ask(
        root: &std::path::Path,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
    ) -> (StatusCode, Response) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).expect("a request");
        let response = router(root).oneshot(request).await.expect("an answer");
        (response.status(), response)
    }

    async fn text(response: Response) -> String {
        let bytes = to_bytes(response.into_body(), 1000).await.expect("a body");
        String::from_utf8(bytes.to_vec()).expect("text")
    }

    fn storage() -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a directory");
        let directory = root.path().join("gitrepository/apps/web");
        fs_err::create_dir_all(&directory).expect("a directory");
        fs_err::write(directory.join("abc.tar.gz"), "0123456789").expect("a file");
        fs_err::write(directory.join(".tmp-abc"), "half").expect("a file");
        fs_err::write(directory.join("index.html"), "x").expect("a file");
        root
    }

    const FILE: &str = "/gitrepository/apps/web/abc.tar.gz";

    #[tokio::test]
    async fn files_are_served_whole_in_part_and_only_if_changed() {
        let root = storage();
        let (status, response) = ask(root.path(), Method::GET, FILE, &[]).await;
        assert_eq!(status, StatusCode::OK);
        let modified = response.headers()[header::LAST_MODIFIED].to_str().expect("a date").to_owned();
        assert_eq!(text(response).await, "0123456789");
        let (status, response) = ask(root.path(), Method::GET, FILE, &[("range", "bytes=2-4")]).await;
        assert_eq!((status, text(response).await.as_str()), (StatusCode::PARTIAL_CONTENT, "234"));
        for ranges in ["bytes=99-", "bytes=0-1,3-4"] {
            let (status, _) = ask(root.path(), Method::GET, FILE, &[("range", ranges)]).await;
            assert_eq!(status, StatusCode::RANGE_NOT_SATISFIABLE, "{ranges}");
        }
        let (status, _) = ask(root.path(), Method::GET, FILE, &[("if-modified-since", &modified)]).await;
        assert_eq!(status, StatusCode::NOT_MODIFIED);
        let (status, response) = ask(root.path(), Method::HEAD, FILE, &[]).await;
        assert_eq!((status, text(response).await.as_str()), (StatusCode::OK, ""));
        let (status, response) = ask(root.path(), Method::POST, FILE, &[]).await;
        assert_eq!((status, text(response).await.as_str()), (StatusCode::OK, "0123456789"));
    }

    #[tokio::test]
    async fn the_root_answers_and_nothing_is_listed() {
        let root = storage();
        assert_eq!(ask(root.path(), Method::GET, "/", &[]).await.0, StatusCode::OK);
        for path in ["/gitrepository", "/gitrepository/apps/web/", "/nothing"] {
            let (status, response) = ask(root.path(), Method::GET, path, &[]).await;
            let body = text(response).await;
            assert!(!body.contains("abc.tar.gz") && !body.contains("apps"), "{path}: {body}");
            assert!(status == StatusCode::NOT_FOUND || status.is_redirection(), "{path}: {status}");
        }
        let (status, response) = ask(root.path(), Method::GET, "/nothing", &[]).await;
        assert_eq!((status, text(response).await.as_str()), (StatusCode::NOT_FOUND, "404 page not found\n"));
    }

    #[tokio::test]
    async fn nothing_outside_and_nothing_unfinished_is_served() {
        let root = storage();
        let secret = root.path().parent().expect("a parent").join(format!("secret-{}", std::process::id()));
        fs_err::write(&secret, "secret").expect("a file");
        let name = secret.file_name().expect("a name").to_string_lossy().into_owned();
        for path in [
            format!("/../{name}"),
            format!("/%2e%2e/{name}"),
            format!("/gitrepository/../../{name}"),
            format!("//..//{name}"),
            format!("/%2e%2e%2f{name}"),
            "/gitrepository/apps/web/.tmp-abc".to_owned(),
            "/gitrepository/apps/web/%2Etmp-abc".to_owned(),
        ] {
            let (status, response) = ask(root.path(), Method::GET, &path, &[]).await;
            let body = text(response).await;
            assert!(
                status.is_client_error() && !body.contains("secret") && !body.contains("half"),
                "{path}: {status}"
            );
        }
        fs_err::remove_file(secret).expect("removed");
    }
}
