//! notification-controller in memory: as unreliable as the API server, and suspicious of what it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use flux_api::Event;
use flux_driver::Post;
use parking_lot::Mutex;
use reqwest::StatusCode;

use super::server::{Fault, Server, Violations};

/// Key of the number that each event of the simulation has.
pub(super) const NUMBER: &str = "number";
/// Key of the runs that the object's status shows when the event may be told.
pub(super) const RUNS: &str = "runs";

#[derive(Clone)]
pub(super) struct Receiver {
    server: Server,
    violations: Violations,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The process whose events must not come early. What an older one has left behind, the next finds and sends.
    instance: String,
    received: BTreeSet<u64>,
    /// The last number of an object, by process and uid.
    last: BTreeMap<(String, String), u64>,
}

impl Receiver {
    pub(super) fn new(server: Server, violations: Violations) -> Self {
        Self { server, violations, state: Arc::default() }
    }

    pub(super) fn expect_from(&self, instance: &str) {
        instance.clone_into(&mut self.state.lock().instance);
    }

    pub(super) fn has(&self, number: u64) -> bool {
        self.state.lock().received.contains(&number)
    }

    pub(super) fn post(&self) -> Post {
        let receiver = self.clone();
        Arc::new(move |request| {
            let receiver = receiver.clone();
            Box::pin(async move {
                let (fault, before, after) = receiver.server.weather();
                tokio::time::sleep(before).await;
                match fault {
                    Fault::None | Fault::LostAnswer => {}
                    Fault::Refused | Fault::Panic => return Ok(answer(StatusCode::BAD_GATEWAY)),
                    Fault::NoAnswer => return Err("connection reset".into()),
                }
                let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
                receiver.take(&serde_json::from_slice(body).expect("events are JSON"));
                tokio::time::sleep(after).await;
                if fault == Fault::LostAnswer {
                    return Err("connection reset".into());
                }
                Ok(answer(StatusCode::ACCEPTED))
            })
        })
    }

    fn take(&self, event: &Event) {
        // the driver's own events of failures have no number
        let (Some(number), Some(runs)) = (fact(event, NUMBER), fact(event, RUNS)) else { return };
        let uid = event.involved_object.uid.clone();
        let mut state = self.state.lock();
        state.received.insert(number);
        if event.reporting_instance == state.instance
            && let Some(attempted) = self.server.attempted(&uid)
            && attempted < runs
        {
            let text = format!("event {number} of {uid} came before the status with run {runs}: {attempted}");
            self.violations.lock().push(text);
        }
        let last = state.last.entry((event.reporting_instance.clone(), uid)).or_default();
        if number < *last {
            self.violations.lock().push(format!("event {number} came after event {last}"));
        }
        *last = number;
    }
}

fn fact(event: &Event, key: &str) -> Option<u64> {
    let text = event.metadata.get(&format!("test/{key}"))?;
    Some(text.parse().expect("a number"))
}

fn answer(code: StatusCode) -> reqwest::Response {
    let mut response = http::Response::new(String::new());
    *response.status_mut() = code;
    response.into()
}
