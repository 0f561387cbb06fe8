//! An API server of one kind in memory, which misbehaves: it is slow, refuses, loses answers, ends watches, and forgets
//! old versions. It speaks HTTP, so that client, watch and driver are the real ones.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use flux_kube::{RequestBody, ResponseBody, Transport, TransportError};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// How often each fault happens, of 1000 requests.
const REFUSED: u32 = 15;
const LOST_ANSWER: u32 = 15;
const NO_ANSWER: u32 = 10;
const PANIC: u32 = 5;

/// What goes wrong with a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    Refused,
    LostAnswer,
    NoAnswer,
    Panic,
}

#[derive(Clone)]
pub(super) struct Server {
    state: Arc<Mutex<State>>,
}

struct State {
    /// Objects of the kind under test, by name.
    objects: BTreeMap<String, Value>,
    /// Sources, by name.
    sources: BTreeMap<String, Value>,
    version: u64,
    /// Changes since `oldest`, for watches that start there.
    history: Vec<(u64, &'static str, Bytes)>,
    oldest: u64,
    watches: Vec<(&'static str, mpsc::UnboundedSender<Bytes>)>,
    /// The greatest number of runs that anyone has tried to write into the status of each object, by uid. What was told by
    /// a run whose status got lost may be heard later.
    attempted: BTreeMap<String, u64>,
    random: SmallRng,
    faulty: bool,
    violations: Violations,
}

/// What must not happen, with what happened. An assertion would not do: the driver catches panics of what it runs.
pub(super) type Violations = Arc<Mutex<Vec<String>>>;

/// Plurals of what is served.
const OBJECTS: &str = "simulateds";
const SOURCES: &str = "sources";

impl Server {
    pub(super) fn new(seed: u64, violations: Violations) -> Self {
        let state = State {
            objects: BTreeMap::new(),
            sources: BTreeMap::new(),
            version: 1,
            history: Vec::new(),
            oldest: 0,
            watches: Vec::new(),
            attempted: BTreeMap::new(),
            random: SmallRng::seed_from_u64(seed),
            faulty: true,
            violations,
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    pub(super) fn transport(&self) -> Transport {
        Transport::new(self.clone())
    }

    /// No more faults from now on.
    pub(super) fn behave(&self) {
        self.state.lock().faulty = false;
    }

    pub(super) fn object(&self, name: &str) -> Option<Value> {
        self.state.lock().objects.get(name).cloned()
    }

    /// Creates or changes the spec, as a user does.
    pub(super) fn put_spec(&self, name: &str, spec: Value) {
        let mut state = self.state.lock();
        let mut object = state.objects.get(name).cloned().unwrap_or_else(|| {
            let uid = format!("uid-{name}-{}", state.version);
            json!({ "apiVersion": "test/v1", "kind": "Simulated", "metadata": {
                "name": name, "namespace": "test", "uid": uid, "generation": 0,
            } })
        });
        if object["metadata"]["deletionTimestamp"].is_string() || object["spec"] == spec {
            return;
        }
        object["spec"] = spec;
        let generation = object["metadata"]["generation"].as_i64().unwrap_or_default();
        object["metadata"]["generation"] = json!(generation + 1);
        state.store(name, object);
    }

    /// Creates a source, or gives it a new revision.
    pub(super) fn put_source(&self, name: &str, revision: &str) {
        let mut state = self.state.lock();
        state.version += 1;
        let object = json!({ "apiVersion": "test/v1", "kind": "Source", "metadata": {
            "name": name, "namespace": "test", "uid": format!("uid-{name}"), "generation": 1,
            "resourceVersion": state.version.to_string(),
        }, "status": { "revision": revision } });
        let kind = if state.sources.contains_key(name) { "MODIFIED" } else { "ADDED" };
        state.tell(SOURCES, kind, &object);
        state.sources.insert(name.to_owned(), object);
    }

    /// The greatest number of runs that a write of this object's status has told of; `None` if there is no such object.
    pub(super) fn attempted(&self, uid: &str) -> Option<u64> {
        let state = self.state.lock();
        let exists = state.objects.values().any(|object| object["metadata"]["uid"] == uid);
        exists.then(|| state.attempted.get(uid).copied().unwrap_or_default())
    }

    /// What goes wrong with a request to someone else, and how long it takes to get there and back.
    pub(super) fn weather(&self) -> (Fault, Duration, Duration) {
        let mut state = self.state.lock();
        (state.fault(), state.delay(), state.delay())
    }

    /// Asks for a run, as `flux reconcile` does.
    pub(super) fn request(&self, name: &str, token: u32) {
        let mut state = self.state.lock();
        let Some(mut object) = state.objects.get(name).cloned() else { return };
        object["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"] = json!(token.to_string());
        state.store(name, object);
    }

    /// Deletes an object, as a user does; a finalizer holds it.
    pub(super) fn delete(&self, name: &str) {
        let mut state = self.state.lock();
        let Some(mut object) = state.objects.get(name).cloned() else { return };
        if object["metadata"]["finalizers"].as_array().is_none_or(Vec::is_empty) {
            state.remove(name);
        } else if !object["metadata"]["deletionTimestamp"].is_string() {
            object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
            let generation = object["metadata"]["generation"].as_i64().unwrap_or_default();
            object["metadata"]["generation"] = json!(generation + 1);
            state.store(name, object);
        }
    }

    /// Ends all watches; with `forget`, their versions are too old to go on from.
    pub(super) fn drop_watches(&self, forget: Forget) {
        let mut state = self.state.lock();
        state.watches.clear();
        if forget == Forget::History {
            state.oldest = state.version;
            state.history.clear();
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Forget {
    Nothing,
    History,
}

impl State {
    fn store(&mut self, name: &str, mut object: Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let kind = if self.objects.contains_key(name) { "MODIFIED" } else { "ADDED" };
        self.tell(OBJECTS, kind, &object);
        self.objects.insert(name.to_owned(), object);
    }

    fn remove(&mut self, name: &str) {
        self.version += 1;
        if let Some(mut object) = self.objects.remove(name) {
            object["metadata"]["resourceVersion"] = json!(self.version.to_string());
            self.tell(OBJECTS, "DELETED", &object);
        }
    }

    fn tell(&mut self, plural: &'static str, kind: &str, object: &Value) {
        let line = Bytes::from(format!("{}\n", json!({ "type": kind, "object": object })));
        self.history.push((self.version, plural, line.clone()));
        self.watches.retain(|(watched, watch)| *watched != plural || watch.send(line.clone()).is_ok());
    }

    fn fault(&mut self) -> Fault {
        if !self.faulty {
            return Fault::None;
        }
        let mut roll = self.random.random_range(0..1000_u32);
        for (share, fault) in [
            (REFUSED, Fault::Refused),
            (LOST_ANSWER, Fault::LostAnswer),
            (NO_ANSWER, Fault::NoAnswer),
            (PANIC, Fault::Panic),
        ] {
            match roll.checked_sub(share) {
                Some(rest) => roll = rest,
                None => return fault,
            }
        }
        Fault::None
    }

    fn delay(&mut self) -> Duration {
        Duration::from_millis(self.random.random_range(0..60))
    }

    /// Notes what a request would write, before anything goes wrong with it.
    fn attempt(&mut self, uri: &http::Uri, body: &[u8]) {
        let Some(name) = uri.path().strip_suffix("/status").and_then(|path| path.rsplit('/').next()) else {
            return;
        };
        let written: Value = serde_json::from_slice(body).expect("bodies are JSON");
        let uid = self.objects.get(name).and_then(|object| object["metadata"]["uid"].as_str());
        if let (Some(uid), Some(runs)) = (uid, written["status"]["runs"].as_u64()) {
            let attempted = self.attempted.entry(uid.to_owned()).or_default();
            *attempted = runs.max(*attempted);
        }
    }

    fn answer(&mut self, method: &Method, uri: &http::Uri, body: &[u8]) -> Response<ResponseBody> {
        let segments: Vec<&str> = uri.path().split('/').skip(1).collect();
        let query = uri.query().unwrap_or_default();
        match (method.as_str(), segments.as_slice()) {
            ("GET", ["apis", "test", "v1", OBJECTS]) if query.contains("watch=true") => {
                self.watch(OBJECTS, query)
            }
            ("GET", ["apis", "test", "v1", SOURCES]) if query.contains("watch=true") => {
                self.watch(SOURCES, query)
            }
            ("GET", ["apis", "test", "v1", OBJECTS]) => self.list(&self.objects),
            ("GET", ["apis", "test", "v1", SOURCES]) => self.list(&self.sources),
            ("GET", ["apis", "test", "v1", "namespaces", "test", "simulateds", name]) => {
                self.objects.get(*name).map_or_else(not_found, |object| whole(StatusCode::OK, object))
            }
            ("PATCH", ["apis", "test", "v1", "namespaces", "test", "simulateds", name]) => {
                let finalizers = |object: &mut Value, patch: Value| {
                    object["metadata"]["finalizers"] = patch["metadata"]["finalizers"].clone();
                };
                self.write(name, body, finalizers)
            }
            ("PUT", ["apis", "test", "v1", "namespaces", "test", "simulateds", name, "status"]) => {
                self.write(name, body, |object, new| object["status"] = new["status"].clone())
            }
            ("POST", ["api", "v1", "namespaces", "test", "events"]) => whole(StatusCode::CREATED, &json!({})),
            ("PATCH", ["api", "v1", "namespaces", "test", "events", _]) => whole(StatusCode::OK, &json!({})),
            other => {
                self.violations.lock().push(format!("unexpected request {other:?}"));
                not_found()
            }
        }
    }

    fn list(&self, objects: &BTreeMap<String, Value>) -> Response<ResponseBody> {
        let items: Vec<&Value> = objects.values().collect();
        let metadata = json!({ "resourceVersion": self.version.to_string() });
        whole(StatusCode::OK, &json!({ "metadata": metadata, "items": items }))
    }

    fn watch(&mut self, plural: &'static str, query: &str) -> Response<ResponseBody> {
        let start = query.split('&').find_map(|pair| pair.strip_prefix("resourceVersion="));
        let start: u64 = start.and_then(|version| version.parse().ok()).expect("a watch names its version");
        if start < self.oldest {
            return status(StatusCode::GONE, "Expired");
        }
        let (watch, lines) = mpsc::unbounded_channel();
        let later = |(version, of, _): &&(u64, &str, Bytes)| *version > start && *of == plural;
        for (_, _, line) in self.history.iter().filter(later) {
            watch.send(line.clone()).expect("the receiver is here");
        }
        self.watches.push((plural, watch));
        let lines = futures::stream::unfold(lines, |mut lines| async move {
            lines.recv().await.map(|line| (line, lines))
        });
        let frames = lines.map(|line| Ok::<_, TransportError>(Frame::data(line)));
        Response::new(StreamBody::new(frames).boxed_unsync())
    }

    fn write(&mut self, name: &str, body: &[u8], change: fn(&mut Value, Value)) -> Response<ResponseBody> {
        let Some(mut object) = self.objects.get(name).cloned() else { return not_found() };
        let new: Value = serde_json::from_slice(body).expect("bodies are JSON");
        if new["metadata"]["resourceVersion"] != object["metadata"]["resourceVersion"] {
            return status(StatusCode::CONFLICT, "Conflict");
        }
        change(&mut object, new);
        let held =
            object["metadata"]["finalizers"].as_array().is_some_and(|finalizers| !finalizers.is_empty());
        if object["metadata"]["deletionTimestamp"].is_string() && !held {
            self.remove(name);
            return whole(StatusCode::OK, &object);
        }
        self.store(name, object);
        self.objects.get(name).map_or_else(not_found, |object| whole(StatusCode::OK, object))
    }
}

fn whole(code: StatusCode, value: &Value) -> Response<ResponseBody> {
    let body = Full::new(Bytes::from(value.to_string())).map_err(|never| match never {}).boxed_unsync();
    Response::builder().status(code).body(body).expect("a valid answer")
}

fn status(code: StatusCode, reason: &str) -> Response<ResponseBody> {
    whole(code, &json!({ "kind": "Status", "code": code.as_u16(), "reason": reason, "message": reason }))
}

fn not_found() -> Response<ResponseBody> {
    status(StatusCode::NOT_FOUND, "NotFound")
}

impl tower::Service<Request<RequestBody>> for Server {
    type Response = Response<ResponseBody>;
    type Error = TransportError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let state = Arc::clone(&self.state);
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let (fault, before, after) = {
                let mut state = state.lock();
                (state.fault(), state.delay(), state.delay())
            };
            tokio::time::sleep(before).await;
            state.lock().attempt(&parts.uri, &body);
            match fault {
                Fault::None | Fault::LostAnswer => {}
                Fault::Refused => return Ok(status(StatusCode::INTERNAL_SERVER_ERROR, "InternalError")),
                Fault::NoAnswer => return Err("connection reset".into()),
                Fault::Panic => panic!("{}", super::INJECTED),
            }
            let answer = state.lock().answer(&parts.method, &parts.uri, &body);
            tokio::time::sleep(after).await;
            if fault == Fault::LostAnswer { Err("connection reset".into()) } else { Ok(answer) }
        })
    }
}
