//! The server that webhooks are sent to (contract, section 10).

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use flux_api::notification::{EventSourceKind, Receiver, ReceiverResource};
use flux_api::well_known::REQUESTED_AT;
use flux_api::{ConditionStatus, find_condition};
use flux_driver::{Store, message};
use flux_kube::{ListOptions, Merge, ObjectName, Resource, Target};
use http::{StatusCode, header};
use jiff::Timestamp;
use serde_json::json;
use tracing::{debug, error, info};

use crate::dispatch::CrossNamespace;
use crate::http_metrics::HttpMetrics;
use crate::provider::read_secret;
use crate::receiver::signature;
use crate::request::{clean_path, read_body};

/// Name under which the annotation is written.
const FIELD_MANAGER: &str = "notification-controller";

/// An object could not be asked to reconcile; the text is for the log only.
#[derive(Debug, thiserror::Error)]
enum ResourceError {
    #[error("access denied to resource in namespace '{0}': cross-namespace references have been blocked")]
    CrossNamespace(String),
    #[error("apiVersion must be specified for kind \"{0}\"")]
    NoVersion(EventSourceKind),
    #[error("matchLabels field not set when using wildcard '*' as name")]
    NoLabels,
    #[error("failed to reach the API server")]
    Api(#[from] flux_kube::Error),
}

/// What the handler needs.
#[derive(Debug)]
pub(crate) struct WebhookServer {
    pub(crate) receivers: Arc<Store>,
    pub(crate) target: Target,
    pub(crate) cross_namespace: CrossNamespace,
    pub(crate) metrics: HttpMetrics,
    /// When the process started, for the annotation's value.
    pub(crate) started: Instant,
}

impl WebhookServer {
    /// Takes webhooks below `/hook/`, by any method.
    pub(crate) fn router(self) -> Router {
        let server = Arc::new(self);
        Router::new().fallback(move |request: Request| {
            let server = Arc::clone(&server);
            async move {
                let (method, path) = (request.method().clone(), request.uri().path().to_owned());
                server.metrics.measure(method, path, server.handle(request)).await
            }
        })
    }

    async fn handle(&self, request: Request) -> Response {
        if let Some(location) = clean_path(request.uri()) {
            return (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, location)]).into_response();
        }
        if request.uri().path() == "/hook" {
            return (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/hook/")]).into_response();
        }
        if !request.uri().path().starts_with("/hook/") {
            return (StatusCode::NOT_FOUND, "404 page not found\n").into_response();
        }
        let (parts, body) = request.into_parts();
        let body = match read_body(body).await {
            Ok(body) => body,
            Err(status) => return status.into_response(),
        };
        // the query belongs to the key, so that a request with one finds nothing
        let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
        info!(logger = "receiver-server", path, "handling request");
        let Some(receiver) = self.find(path) else { return StatusCode::NOT_FOUND.into_response() };
        if receiver.spec.suspend || !is_ready(&receiver) {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        if let Err(failure) = self.authenticate(&receiver, &parts.headers, &body).await {
            error!(
                logger = "receiver-server",
                "reconciler kind" = "Receiver",
                name = receiver.metadata.name,
                namespace = receiver.metadata.namespace,
                error = failure,
                "unable to validate payload"
            );
            return StatusCode::BAD_REQUEST.into_response();
        }
        self.touch(&receiver).await.into_response()
    }

    fn find(&self, path: &str) -> Option<Receiver> {
        self.receivers.list().iter().find_map(|object| {
            // most objects are told apart without being parsed
            let may_match = std::str::from_utf8(&object.json).is_ok_and(|json| json.contains(path));
            let receiver: Receiver = may_match.then(|| serde_json::from_slice(&object.json).ok())??;
            let found =
                receiver.status.as_ref().and_then(|status| status.webhook_path.as_deref()) == Some(path);
            found.then_some(receiver)
        })
    }

    async fn authenticate(
        &self,
        receiver: &Receiver,
        headers: &http::HeaderMap,
        body: &[u8],
    ) -> Result<(), String> {
        let namespace = receiver.metadata.namespace.as_deref().unwrap_or_default();
        let secret = receiver.spec.secret_ref.as_ref().map(|secret| secret.name.as_str()).unwrap_or_default();
        let secret = read_secret(&self.target, &ObjectName::new(namespace, secret))
            .await
            .map_err(|error| message(&error))?;
        let token = secret.require("token").map_err(|error| message(&error))?;
        signature::check(&receiver.spec, token, headers, body).map_err(|refused| refused.to_string())
    }

    /// Asks all objects to reconcile; one that fails does not keep the others from it.
    async fn touch(&self, receiver: &Receiver) -> StatusCode {
        let namespace = receiver.metadata.namespace.as_deref().unwrap_or_default();
        let mut status = StatusCode::OK;
        for resource in &receiver.spec.resources {
            if let Err(failure) = self.touch_resource(namespace, resource).await {
                status = StatusCode::INTERNAL_SERVER_ERROR;
                error!(
                    logger = "receiver-server",
                    "reconciler kind" = "Receiver",
                    name = receiver.metadata.name,
                    namespace,
                    error = message(&failure),
                    "unable to request reconciliation"
                );
            }
        }
        status
    }

    async fn touch_resource(&self, own: &str, wanted: &ReceiverResource) -> Result<(), ResourceError> {
        let namespace = wanted.namespace.as_deref().filter(|namespace| !namespace.is_empty()).unwrap_or(own);
        if self.cross_namespace == CrossNamespace::Refused && namespace != own {
            return Err(ResourceError::CrossNamespace(namespace.to_owned()));
        }
        let version = match wanted.api_version.as_deref().filter(|version| !version.is_empty()) {
            Some(version) => version,
            None => default_version(wanted.kind).ok_or(ResourceError::NoVersion(wanted.kind))?,
        };
        let resource = self.target.resource(version, wanted.kind.as_str()).await?;
        if wanted.name != "*" {
            return self.annotate(&resource, &ObjectName::new(namespace, &wanted.name)).await;
        }
        if wanted.match_labels.is_empty() {
            return Err(ResourceError::NoLabels);
        }
        let labels: Vec<_> =
            wanted.match_labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let options = ListOptions {
            namespace: namespace.to_owned(),
            label_selector: labels.join(","),
            metadata_only: true,
            ..ListOptions::default()
        };
        let found = self.target.list(&resource, &options).await?;
        if found.objects.is_empty() {
            debug!(logger = "receiver-server", kind = %wanted.kind, "no object has the labels");
        }
        for object in found.objects {
            self.annotate(&resource, &object.metadata.object_name()).await?;
        }
        Ok(())
    }

    async fn annotate(&self, resource: &Resource, name: &ObjectName) -> Result<(), ResourceError> {
        let patch = json!({"metadata": {"annotations": {REQUESTED_AT: self.now()}}});
        let merge = Merge { field_manager: FIELD_MANAGER, ..Merge::default() };
        self.target.merge(resource, name, &patch, &merge).await?;
        info!(logger = "receiver-server", "reconciler kind" = %resource.kind, name = name.name,
            namespace = name.namespace, "resource annotated");
        Ok(())
    }

    /// The time as Go prints it: the wall clock's, and that since the start.
    fn now(&self) -> String {
        let now = Timestamp::now().strftime("%Y-%m-%d %H:%M:%S.%9f +0000 UTC");
        format!("{now} m=+{:.9}", self.started.elapsed().as_secs_f64())
    }
}

fn is_ready(receiver: &Receiver) -> bool {
    let conditions = receiver.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let is_true = |condition_type: &str| {
        find_condition(conditions, condition_type).is_some_and(|found| found.status == ConditionStatus::True)
    };
    is_true("Ready") && !is_true("Stalled") && !is_true("Reconciling")
}

fn default_version(kind: EventSourceKind) -> Option<&'static str> {
    match kind {
        EventSourceKind::Bucket
        | EventSourceKind::HelmChart
        | EventSourceKind::HelmRepository
        | EventSourceKind::GitRepository
        | EventSourceKind::OciRepository => Some("source.toolkit.fluxcd.io/v1"),
        EventSourceKind::ImageRepository => Some("image.toolkit.fluxcd.io/v1"),
        EventSourceKind::ArtifactGenerator => Some("source.extensions.fluxcd.io/v1beta1"),
        EventSourceKind::Kustomization
        | EventSourceKind::HelmRelease
        | EventSourceKind::ImagePolicy
        | EventSourceKind::ImageUpdateAutomation
        | EventSourceKind::ExternalArtifact => None,
    }
}
