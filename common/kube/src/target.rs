use std::pin::Pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::ServiceExt as _;

use crate::cluster::Cluster;
use crate::error::Error;
use crate::identity::Identity;
use crate::limiter::Class;
use crate::name::ObjectName;
use crate::resource::{Resource, Scope};
use crate::transport::{RequestBody, ResponseBody, Transport};

mod options;
pub(crate) use options::Accept;
pub(crate) use options::Query;
pub use options::{Apply, Delete, DryRun, List, ListOptions, Merge, Page, Propagation, ReviewedAccess};

/// An answer larger than this is refused: etcd holds objects of up to 1.5 MiB, and pages hold 100 of them.
const ANSWER_LIMIT: usize = 192 * 1024 * 1024;
/// The server ends requests after 60 s itself.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(70);
/// Retries of one request that the server itself asks to send again later.
const BUSY_RETRIES: u32 = 10;

/// A cluster as an identity sees it. Cheap to clone.
#[derive(Clone)]
pub struct Target {
    cluster: Cluster,
    transport: Transport,
    identity: Option<(header::HeaderName, header::HeaderValue)>,
    /// Whether requests count against the cluster's limit; those for leases do not.
    limited: bool,
}

/// An answer, and when the server gave it. A time that the server set while it carried the request out is at most
/// `took` before `date`, but for a second by which each of the two may be rounded.
#[derive(Debug, Clone)]
pub struct Dated {
    /// The object.
    pub body: Bytes,
    /// The server's clock, in whole seconds; `None` if it did not say.
    pub date: Option<Timestamp>,
    /// From sending the request to the end of its answer.
    pub took: Duration,
}

/// One request, before identity and user agent are added.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) content_type: &'static str,
    pub(crate) accept: Accept,
    pub(crate) body: Bytes,
}

impl Call {
    pub(crate) fn get(path: String) -> Self {
        Self { method: Method::GET, path, content_type: "", accept: Accept::Json, body: Bytes::new() }
    }

    fn send(method: Method, path: String, content_type: &'static str, body: Bytes) -> Self {
        Self { method, path, content_type, accept: Accept::Json, body }
    }

    /// Class by which the request waits for its turn.
    fn class(&self) -> Class {
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        if path.ends_with("/status") {
            Class::Status
        } else if query.contains("dryRun=All") {
            Class::DryRun
        } else if self.method == Method::POST && path.ends_with("/events") {
            Class::Event
        } else {
            Class::Apply
        }
    }
}

impl Target {
    pub(crate) fn new(cluster: Cluster, transport: Transport, identity: &Identity) -> Result<Self, Error> {
        Ok(Self { cluster, transport, identity: identity.header()?, limited: true })
    }

    pub(crate) fn controller(cluster: Cluster, transport: Transport) -> Self {
        Self { cluster, transport, identity: None, limited: true }
    }

    /// The same, not counted against the cluster's limit.
    pub(crate) fn unlimited(mut self) -> Self {
        self.limited = false;
        self
    }

    /// The cluster behind this target.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The user that is impersonated; `None` for the controller itself.
    pub fn user(&self) -> Option<String> {
        self.identity.as_ref().map(|(_, user)| String::from_utf8_lossy(user.as_bytes()).into_owned())
    }

    /// The server's version, as in `v1.37.2`.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn version(&self) -> Result<String, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Version {
            git_version: String,
        }
        let version: Version = decode(&self.bytes(Call::get("/version".to_owned())).await?)?;
        Ok(version.git_version)
    }

    /// The object as the server has it.
    ///
    /// # Errors
    /// [`Error`]; [`Error::is_not_found`] tells an absent object.
    pub async fn get(&self, resource: &Resource, name: &ObjectName) -> Result<Bytes, Error> {
        self.bytes(Call::get(resource.path(name))).await
    }

    /// The object, decoded.
    ///
    /// # Errors
    /// As [`Self::get`], and [`Error::Decode`].
    pub async fn get_as<T: DeserializeOwned>(
        &self,
        resource: &Resource,
        name: &ObjectName,
    ) -> Result<T, Error> {
        decode(&self.get(resource, name).await?)
    }

    /// Only the metadata of the object, as `PartialObjectMetadata`.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn get_metadata(&self, resource: &Resource, name: &ObjectName) -> Result<Bytes, Error> {
        self.bytes(Call { accept: Accept::Metadata, ..Call::get(resource.path(name)) }).await
    }

    /// One page of a list; follow [`Page::next`] through [`ListOptions::after`].
    ///
    /// # Errors
    /// [`Error`]; [`Error::is_expired`] tells a continue token that is too old.
    pub async fn list_page(&self, resource: &Resource, options: &ListOptions) -> Result<Page, Error> {
        let mut path = resource.collection(&options.namespace);
        options.query().append_to(&mut path);
        let accept = if options.metadata_only { Accept::MetadataList } else { Accept::Json };
        let body = self.bytes(Call { accept, ..Call::get(path) }).await?;
        Page::parse(&body)
    }

    /// A whole list, page by page. An object that cannot be read is left out with a log line.
    ///
    /// # Errors
    /// As [`Self::list_page`].
    pub async fn list(&self, resource: &Resource, options: &ListOptions) -> Result<List, Error> {
        let mut options = options.clone();
        let mut list = List::default();
        loop {
            let page = self.list_page(resource, &options).await?;
            list.resource_version.clone_from(&page.resource_version);
            list.objects.extend(page.objects);
            match page.next {
                Some(next) => options.after = Some(next),
                None => return Ok(list),
            }
        }
    }

    /// Server-side apply of `body`, which is the object as JSON. Gives the object as stored, or as it would be.
    ///
    /// # Errors
    /// [`Error`]; [`Error::is_conflict`] tells fields of another manager, where not forced.
    pub async fn apply(
        &self,
        resource: &Resource,
        name: &ObjectName,
        body: Bytes,
        apply: &Apply<'_>,
    ) -> Result<Bytes, Error> {
        let mut path = resource.path(name);
        apply.query().append_to(&mut path);
        self.bytes(Call::send(Method::PATCH, path, "application/apply-patch+yaml", body)).await
    }

    /// As [`Self::apply`], with the server's time.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub async fn apply_dated(
        &self,
        resource: &Resource,
        name: &ObjectName,
        body: Bytes,
        apply: &Apply<'_>,
    ) -> Result<Dated, Error> {
        let mut path = resource.path(name);
        apply.query().append_to(&mut path);
        let call = Call::send(Method::PATCH, path, "application/apply-patch+yaml", body);
        Box::pin(self.with_retries(call)).await
    }

    /// JSON merge patch. Gives the object as stored.
    ///
    /// # Errors
    /// [`Error`]; [`Error::is_conflict`] tells that the patch named an older resourceVersion.
    pub async fn merge(
        &self,
        resource: &Resource,
        name: &ObjectName,
        patch: &Value,
        merge: &Merge<'_>,
    ) -> Result<Bytes, Error> {
        let mut url = resource.path(name);
        merge.query().append_to(&mut url);
        self.bytes(Call::send(Method::PATCH, url, "application/merge-patch+json", encode(patch)?)).await
    }

    /// JSON patch (RFC 6902). Gives the object as stored.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn json_patch(
        &self,
        resource: &Resource,
        name: &ObjectName,
        operations: &Value,
        merge: &Merge<'_>,
    ) -> Result<Bytes, Error> {
        let mut url = resource.path(name);
        merge.query().append_to(&mut url);
        self.bytes(Call::send(Method::PATCH, url, "application/json-patch+json", encode(operations)?)).await
    }

    /// Creates an object. Gives it as stored.
    ///
    /// # Errors
    /// [`Error`]; [`Error::is_already_exists`] tells a taken name.
    pub async fn create(
        &self,
        resource: &Resource,
        namespace: &str,
        object: &impl Serialize,
        field_manager: &str,
    ) -> Result<Bytes, Error> {
        let mut path = resource.collection(namespace);
        Query::write(field_manager).append_to(&mut path);
        self.bytes(Call::send(Method::POST, path, "application/json", encode(object)?)).await
    }

    /// Replaces an object; with a resourceVersion in it only that version. Gives it as stored.
    ///
    /// # Errors
    /// [`Error`]; [`Error::is_conflict`] tells that the object was changed since.
    pub async fn replace(
        &self,
        resource: &Resource,
        name: &ObjectName,
        object: &impl Serialize,
        field_manager: &str,
    ) -> Result<Bytes, Error> {
        self.put(resource.path(name), object, field_manager).await
    }

    /// Replaces the status of an object by that of `object`; its spec and metadata stay as they are. Gives it as stored.
    ///
    /// # Errors
    /// As [`Self::replace`].
    pub async fn replace_status(
        &self,
        resource: &Resource,
        name: &ObjectName,
        object: &impl Serialize,
        field_manager: &str,
    ) -> Result<Bytes, Error> {
        self.put(resource.path(name) + "/status", object, field_manager).await
    }

    async fn put(
        &self,
        mut path: String,
        object: &impl Serialize,
        field_manager: &str,
    ) -> Result<Bytes, Error> {
        Query::write(field_manager).append_to(&mut path);
        self.bytes(Call::send(Method::PUT, path, "application/json", encode(object)?)).await
    }

    /// Deletes an object. Gives the object, if a finalizer or the propagation keeps it, or a Status.
    ///
    /// # Errors
    /// [`Error`]; [`Error::is_not_found`] tells an absent object, [`Error::is_conflict`] a failed precondition.
    pub async fn delete(
        &self,
        resource: &Resource,
        name: &ObjectName,
        delete: &Delete<'_>,
    ) -> Result<Bytes, Error> {
        let body = encode(&delete.body())?;
        self.bytes(Call::send(Method::DELETE, resource.path(name), "application/json", body)).await
    }

    /// Whether this target's identity may do something, by a `SelfSubjectAccessReview` as that identity.
    ///
    /// # Errors
    /// [`Error`]; a refusal is no error.
    pub async fn may(&self, access: &ReviewedAccess<'_>) -> Result<bool, Error> {
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews".to_owned();
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": access.attributes() },
        });
        let body = self.bytes(Call::send(Method::POST, path, "application/json", encode(&review)?)).await?;
        let answer: Value = decode(&body)?;
        Ok(answer.pointer("/status/allowed").and_then(Value::as_bool).unwrap_or(false))
    }

    /// Looks a kind up in the server's discovery, as this identity; cached for the cluster.
    ///
    /// # Errors
    /// [`Error::UnknownKind`] if the server does not serve it; [`Error`] if discovery fails.
    pub async fn resource(&self, api_version: &str, kind: &str) -> Result<Resource, Error> {
        self.cluster.mapper().resource(self, api_version, kind).await
    }

    /// An arbitrary GET by path, for discovery and version.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn get_path(&self, path: &str) -> Result<Bytes, Error> {
        self.bytes(Call::get(path.to_owned())).await
    }

    /// Sends a call, waits as the server asks if it is busy, and reads the answer. Boxed: callers' futures stay small.
    pub(crate) fn bytes(
        &self,
        call: Call,
    ) -> Pin<Box<dyn Future<Output = Result<Bytes, Error>> + Send + '_>> {
        Box::pin(async { self.with_retries(call).await.map(|answer| answer.body) })
    }

    async fn with_retries(&self, call: Call) -> Result<Dated, Error> {
        let mut retries = 0;
        loop {
            let slot =
                if self.limited { Some(self.cluster.limiter().enter(call.class()).await) } else { None };
            // the wait for a place is not the server's time
            let attempt = self.once(&call);
            let answer = tokio::time::timeout(REQUEST_TIMEOUT, attempt).await.unwrap_or_else(|_| {
                self.cluster.availability().unanswered();
                Err(Error::Timeout(REQUEST_TIMEOUT))
            });
            match (slot, &answer) {
                (Some(slot), Err(error)) if error.is_too_many_requests() => slot.refused(),
                (Some(slot), _) => slot.answered(),
                (None, _) => {}
            }
            let delay = answer.as_ref().err().and_then(busy);
            match delay {
                Some(delay) if retries < BUSY_RETRIES => {
                    retries += 1;
                    tokio::time::sleep(delay).await;
                }
                Some(_) | None => return answer,
            }
        }
    }

    async fn once(&self, call: &Call) -> Result<Dated, Error> {
        let started = Instant::now();
        let response = self.send(call).await?;
        let date = date(&response);
        Ok(Dated { body: read(response.into_body()).await?, date, took: started.elapsed() })
    }

    /// Sends a call and gives the answer's body unread; an error code becomes an error.
    pub(crate) async fn send(&self, call: &Call) -> Result<http::Response<ResponseBody>, Error> {
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(&call.path)
            .header(header::ACCEPT, call.accept.header())
            .header(header::USER_AGENT, &self.cluster.options().user_agent);
        if !call.content_type.is_empty() {
            request = request.header(header::CONTENT_TYPE, call.content_type);
        }
        if let Some((name, value)) = &self.identity {
            request = request.header(name, value);
        }
        let request = request.body(RequestBody::new(call.body.clone())).map_err(Error::Request)?;
        let answer = self.transport.clone().oneshot(request).await;
        if let Some(metrics) = &self.cluster.options().metrics {
            let code = answer.as_ref().ok().map(http::Response::status);
            let code = code.as_ref().map_or("<error>", StatusCode::as_str);
            metrics.count(code, &call.method, self.cluster.host());
        }
        let availability = self.cluster.availability();
        let response = answer.map_err(|error| {
            availability.unanswered();
            Error::Transport(error)
        })?;
        let code = response.status();
        if code.is_success() {
            availability.answered();
            return Ok(response);
        }
        let retry_after = retry_after(&response);
        let body = read(response.into_body()).await?;
        let mut error = Error::from_answer(code, &body);
        if let (Error::Status(status), Some(seconds)) = (&mut error, retry_after) {
            status.details = json!({ "retryAfterSeconds": seconds });
        }
        Err(error)
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let user = self.identity.as_ref().map(|(_, user)| user);
        formatter
            .debug_struct("Target")
            .field("cluster", &self.cluster)
            .field("user", &user)
            .finish_non_exhaustive()
    }
}

/// Reads a body to its end, up to the limit.
async fn read(mut body: ResponseBody) -> Result<Bytes, Error> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(Error::Body)?.into_data() else { continue };
        if first.len() + rest.len() + data.len() > ANSWER_LIMIT {
            return Err(Error::Body("the answer is too large".into()));
        }
        // most answers are one frame, which is not copied
        if first.is_empty() {
            first = data;
        } else {
            rest.extend_from_slice(&data);
        }
    }
    if rest.is_empty() {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(first.len() + rest.len());
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&rest);
    Ok(whole.freeze())
}

fn date(response: &http::Response<ResponseBody>) -> Option<Timestamp> {
    let text = response.headers().get(header::DATE)?.to_str().ok()?;
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// Seconds of a `Retry-After` header.
fn retry_after(response: &http::Response<ResponseBody>) -> Option<u64> {
    response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

/// How long to wait before sending again what the server was too busy for; `None` if that is for the caller to decide.
fn busy(error: &Error) -> Option<Duration> {
    let status = error.status()?;
    let code = StatusCode::from_u16(status.code).ok()?;
    if code != StatusCode::TOO_MANY_REQUESTS && !code.is_server_error() {
        return None;
    }
    error.retry_after().map(|delay| delay.min(Duration::from_secs(30)))
}

fn encode(value: &impl Serialize) -> Result<Bytes, Error> {
    serde_json::to_vec(value).map(Bytes::from).map_err(Error::Encode)
}

fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(Error::Decode)
}

impl Resource {
    /// The object's name as this resource's URLs take it: without namespace where the scope is the cluster.
    pub fn name(&self, namespace: &str, name: &str) -> ObjectName {
        match self.scope {
            Scope::Namespaced => ObjectName::new(namespace, name),
            Scope::Cluster => ObjectName::cluster(name),
        }
    }
}
