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
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

/// How often each fault happens, of 1000 requests.
const REFUSED: u32 = 15;
const LOST_ANSWER: u32 = 15;
const NO_ANSWER: u32 = 10;
const PANIC: u32 = 5;

/// What goes wrong with a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
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
    objects: BTreeMap<String, Value>,
    version: u64,
    /// Changes since `oldest`, for watches that start there.
    history: Vec<(u64, Bytes)>,
    oldest: u64,
    watches: Vec<mpsc::UnboundedSender<Bytes>>,
    random: SmallRng,
    faulty: bool,
}

impl Server {
    pub(super) fn new(seed: u64) -> Self {
        let state = State {
            objects: BTreeMap::new(),
            version: 1,
            history: Vec::new(),
            oldest: 0,
            watches: Vec::new(),
            random: SmallRng::seed_from_u64(seed),
            faulty: true,
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
        self.tell(kind, &object);
        self.objects.insert(name.to_owned(), object);
    }

    fn remove(&mut self, name: &str) {
        self.version += 1;
        if let Some(mut object) = self.objects.remove(name) {
            object["metadata"]["resourceVersion"] = json!(self.version.to_string());
            self.tell("DELETED", &object);
        }
    }

    fn tell(&mut self, kind: &str, object: &Value) {
        let line = Bytes::from(format!("{}\n", json!({ "type": kind, "object": object })));
        self.history.push((self.version, line.clone()));
        self.watches.retain(|watch| watch.send(line.clone()).is_ok());
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

    fn answer(&mut self, method: &Method, uri: &http::Uri, body: &[u8]) -> Response<ResponseBody> {
        let segments: Vec<&str> = uri.path().split('/').skip(1).collect();
        let query = uri.query().unwrap_or_default();
        match (method.as_str(), segments.as_slice()) {
            ("GET", ["apis", "test", "v1", "simulateds"]) if query.contains("watch=true") => {
                self.watch(query)
            }
            ("GET", ["apis", "test", "v1", "simulateds"]) => {
                let items: Vec<&Value> = self.objects.values().collect();
                let metadata = json!({ "resourceVersion": self.version.to_string() });
                whole(StatusCode::OK, &json!({ "metadata": metadata, "items": items }))
            }
            ("GET", ["apis", "test", "v1", "namespaces", "test", "simulateds", name]) => {
                self.objects.get(*name).map_or_else(not_found, |object| whole(StatusCode::OK, object))
            }
            ("PATCH", ["apis", "test", "v1", "namespaces", "test", "simulateds", name, part @ ..]) => {
                self.patch(name, part, body)
            }
            ("POST", ["api", "v1", "namespaces", "test", "events"]) => whole(StatusCode::CREATED, &json!({})),
            ("PATCH", ["api", "v1", "namespaces", "test", "events", _]) => whole(StatusCode::OK, &json!({})),
            other => panic!("unexpected request {other:?}"),
        }
    }

    fn watch(&mut self, query: &str) -> Response<ResponseBody> {
        let start = query.split('&').find_map(|pair| pair.strip_prefix("resourceVersion="));
        let start: u64 = start.and_then(|version| version.parse().ok()).expect("a watch names its version");
        if start < self.oldest {
            return status(StatusCode::GONE, "Expired");
        }
        let (watch, lines) = mpsc::unbounded_channel();
        for (_, line) in self.history.iter().filter(|(version, _)| *version > start) {
            watch.send(line.clone()).expect("the receiver is here");
        }
        self.watches.push(watch);
        let lines = futures::stream::unfold(lines, |mut lines| async move {
            lines.recv().await.map(|line| (line, lines))
        });
        let frames = lines.map(|line| Ok::<_, TransportError>(Frame::data(line)));
        Response::new(StreamBody::new(frames).boxed_unsync())
    }

    fn patch(&mut self, name: &str, part: &[&str], body: &[u8]) -> Response<ResponseBody> {
        let Some(mut object) = self.objects.get(name).cloned() else { return not_found() };
        let patch: Value = serde_json::from_slice(body).expect("patches are JSON");
        if patch["metadata"]["resourceVersion"] != object["metadata"]["resourceVersion"] {
            return status(StatusCode::CONFLICT, "Conflict");
        }
        match part {
            ["status"] => {
                let mut status = object["status"].as_object().cloned().unwrap_or_default();
                merge(&mut status, patch["status"].as_object().expect("a status"));
                object["status"] = Value::Object(status);
            }
            [] => object["metadata"]["finalizers"] = patch["metadata"]["finalizers"].clone(),
            other => panic!("unexpected part {other:?}"),
        }
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

fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (key, value) in patch {
        match value {
            Value::Null => drop(target.remove(key)),
            Value::Object(inner) => {
                let slot = target.entry(key).or_insert_with(|| json!({}));
                merge(slot.as_object_mut().expect("objects stay objects"), inner);
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                target.insert(key.clone(), value.clone());
            }
        }
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
