//! The server that webhooks are sent to (contract, section 10).

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use flux_api::notification::{EventSourceKind, Receiver, ReceiverResource};
use flux_api::well_known::REQUESTED_AT;
use flux_api::{ConditionStatus, find_condition};
use flux_driver::{Store, message};
use flux_kube::{ListOptions, Merge, ObjectName, Resource, Target};
use flux_process::Rollout;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::request::Parts;
use http::{StatusCode, header};
use jiff::Timestamp;
use serde_json::json;
use tracing::{Instrument as _, error, info, info_span};

use crate::dispatch::CrossNamespace;
use crate::http_metrics::HttpMetrics;
use crate::provider::read_secret;
use crate::receiver::signature;
use crate::request::{Handler, router};

mod kinds;
use kinds::{default_version, known};

/// Objects of one webhook that are asked at once.
const AT_ONCE: usize = 16;
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
        let metrics = self.metrics.clone();
        router(self, metrics)
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
        let ObjectName { namespace, name } = &receiver_name(receiver);
        let now = self.now();
        let span = info_span!(parent: None, "receive webhook", kind = "Receiver", namespace, name);
        // the runs that this sets off link to the span by the value of the annotation
        Rollout::of_request(&now).begin(&span);
        let wanted = receiver.spec.resources.iter();
        let touching: Vec<_> =
            wanted.map(|resource| self.touch_resource(namespace, resource, &now)).collect();
        let touched: Vec<_> =
            stream::iter(touching).buffer_unordered(AT_ONCE).collect().instrument(span).await;
        let mut status = StatusCode::OK;
        for failure in touched.into_iter().filter_map(Result::err) {
            status = StatusCode::INTERNAL_SERVER_ERROR;
            let (logger, text) = ("receiver-server", message(&failure));
            error!(
                logger,
                "reconciler kind" = "Receiver",
                name,
                namespace,
                error = text,
                "unable to request reconciliation"
            );
        }
        status
    }

    async fn touch_resource(
        &self,
        own: &str,
        wanted: &ReceiverResource,
        now: &str,
    ) -> Result<(), ResourceError> {
        let namespace = wanted.namespace.as_deref().filter(|namespace| !namespace.is_empty()).unwrap_or(own);
        if self.cross_namespace == CrossNamespace::Refused && namespace != own {
            return Err(ResourceError::CrossNamespace(namespace.to_owned()));
        }
        let version = match wanted.api_version.as_deref().filter(|version| !version.is_empty()) {
            Some(version) => version,
            None => default_version(wanted.kind).ok_or(ResourceError::NoVersion(wanted.kind))?,
        };
        let resource = match known(version, wanted.kind) {
            Some(resource) => resource,
            None => self.target.resource(version, wanted.kind.as_str()).await?,
        };
        if wanted.name != "*" {
            return self.annotate(&resource, &ObjectName::new(namespace, &wanted.name), now).await;
        }
        let labels = wanted.match_labels.as_ref().ok_or(ResourceError::NoLabels)?;
        let labels: Vec<_> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let options = ListOptions {
            namespace: namespace.to_owned(),
            label_selector: labels.join(","),
            metadata_only: true,
            ..ListOptions::default()
        };
        let found = self.target.list(&resource, &options).await?;
        if found.objects.is_empty() {
            info!(logger = "receiver-server", kind = %wanted.kind, namespace, "no object has the labels");
        }
        let names: Vec<_> = found.objects.iter().map(|object| object.metadata.object_name()).collect();
        let annotating: Vec<_> = names.iter().map(|name| self.annotate(&resource, name, now)).collect();
        stream::iter(annotating).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn annotate(&self, resource: &Resource, name: &ObjectName, now: &str) -> Result<(), ResourceError> {
        let patch = json!({"metadata": {"annotations": {REQUESTED_AT: now}}});
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

impl Handler for WebhookServer {
    fn refuse(&self, path: &str) -> Option<Response> {
        if path == "/hook" {
            return Some((StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/hook/")]).into_response());
        }
        let is_ours = path.starts_with("/hook/");
        (!is_ours).then(|| (StatusCode::NOT_FOUND, "404 page not found\n").into_response())
    }

    async fn handle(&self, parts: Parts, body: Bytes) -> Response {
        // the query belongs to the key, so that a request with one finds nothing
        let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
        info!(logger = "receiver-server", path, "handling request");
        let Some(receiver) = self.find(path) else { return StatusCode::NOT_FOUND.into_response() };
        if receiver.spec.suspend || !is_ready(&receiver) {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        if let Err(failure) = self.authenticate(&receiver, &parts.headers, &body).await {
            let ObjectName { namespace, name } = receiver_name(&receiver);
            let logger = "receiver-server";
            error!(
                logger,
                "reconciler kind" = "Receiver",
                name,
                namespace,
                error = failure,
                "unable to validate payload"
            );
            return StatusCode::BAD_REQUEST.into_response();
        }
        drop(body);
        self.touch(&receiver).await.into_response()
    }
}

fn receiver_name(receiver: &Receiver) -> ObjectName {
    let metadata = &receiver.metadata;
    ObjectName::new(metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default())
}

fn is_ready(receiver: &Receiver) -> bool {
    let conditions = receiver.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let is_true = |condition_type: &str| {
        find_condition(conditions, condition_type).is_some_and(|found| found.status == ConditionStatus::True)
    };
    is_true("Ready") && !is_true("Stalled") && !is_true("Reconciling")
}
