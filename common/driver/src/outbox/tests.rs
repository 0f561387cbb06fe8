//! What is sent when, and how often, on a paused clock.

use std::sync::atomic::{AtomicBool, Ordering};

use http::Response;
use tokio::sync::mpsc;

use super::*;

/// A receiver that answers with these codes, one after the other, and with 202 from then on.
struct Receiver {
    outbox: Outbox,
    attempts: mpsc::UnboundedReceiver<(Instant, serde_json::Value)>,
    _directory: tempfile::TempDir,
}

impl Receiver {
    fn new(answers: impl IntoIterator<Item = (u16, Option<&'static str>)>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (tell, attempts) = mpsc::unbounded_channel();
        let answers = Mutex::new(answers.into_iter().collect::<std::collections::VecDeque<_>>());
        let post: Post = Arc::new(move |request| {
            let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
            // nobody listens any more when a test has ended
            let _ = tell.send((Instant::now(), serde_json::from_slice(body).unwrap()));
            let (code, retry_after) = answers.lock().pop_front().unwrap_or((202, None));
            let mut answer = Response::builder().status(code);
            if let Some(seconds) = retry_after {
                answer = answer.header("retry-after", seconds);
            }
            let answer = answer.body(Vec::new()).unwrap();
            Box::pin(async move { Ok(answer.into()) })
        });
        let path = directory.path().join("outbox");
        let outbox = Outbox::start_with("http://receiver/", "host", post, &path).unwrap();
        Self { outbox, attempts, _directory: directory }
    }

    fn tell(&self, notice: &Notice, metadata: &[(&str, &str)]) {
        let metadata = metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        self.outbox.append("some-controller", &regarding(), notice, (&metadata, None));
    }

    fn release(&self) {
        self.outbox.release(&regarding().uid, self.outbox.mark());
    }

    /// Whole seconds after `start` of the attempts until nothing comes for an hour.
    async fn seconds(&mut self, start: Instant) -> Vec<u64> {
        let mut seconds = Vec::new();
        let hour = Duration::from_hours(1);
        while let Ok(Some((at, _))) = tokio::time::timeout(hour, self.attempts.recv()).await {
            seconds.push((at - start).as_secs());
        }
        seconds
    }
}

fn regarding() -> Regarding {
    Regarding {
        api_version: "kustomize.toolkit.fluxcd.io/v1".to_owned(),
        kind: "Kustomization".to_owned(),
        namespace: "apps".to_owned(),
        name: "app".to_owned(),
        uid: "1".to_owned(),
        resource_version: "7".to_owned(),
    }
}

fn notice(notice_type: NoticeType) -> Notice {
    Notice { notice_type, reason: "Reason".into(), message: "text".to_owned(), metadata: BTreeMap::new() }
}

#[tokio::test(start_paused = true)]
async fn an_event_is_sent_again_until_it_is_taken_with_growing_pauses() {
    let mut receiver = Receiver::new([(500, None), (503, None), (502, None), (500, None), (500, None)]);
    let start = Instant::now();
    receiver.tell(&notice(NoticeType::Normal), &[]);
    receiver.release();
    assert_eq!(receiver.seconds(start).await, [0, 1, 3, 7, 15, 31]);
}

#[tokio::test(start_paused = true)]
async fn what_the_receiver_refuses_or_knows_is_not_sent_again() {
    for code in [200, 202, 400, 404, 413, 429, 501] {
        let mut receiver = Receiver::new([(code, None)]);
        let start = Instant::now();
        receiver.tell(&notice(NoticeType::Warning), &[]);
        receiver.release();
        assert_eq!(receiver.seconds(start).await, [0], "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_may_say_when_to_come_again() {
    let mut receiver = Receiver::new([(503, Some("12")), (500, None)]);
    let start = Instant::now();
    receiver.tell(&notice(NoticeType::Normal), &[]);
    receiver.release();
    assert_eq!(receiver.seconds(start).await, [0, 12, 14]);
}

#[tokio::test(start_paused = true)]
async fn runs_do_not_wait_for_a_receiver_that_is_down() {
    let receiver = Receiver::new(std::iter::repeat_n((500, None), 100));
    receiver.tell(&notice(NoticeType::Normal), &[]);
    receiver.release();
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_secs(7)).await;
        let start = Instant::now();
        receiver.tell(&notice(NoticeType::Normal), &[]);
        receiver.outbox.stored().await;
        receiver.release();
        assert_eq!(start.elapsed(), Duration::ZERO, "storing takes no part in the pauses");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_says_who_what_and_how_grave() {
    for (notice_type, severity) in [(NoticeType::Normal, "info"), (NoticeType::Warning, "error")] {
        let mut receiver = Receiver::new([]);
        receiver.tell(&notice(notice_type), &[("event.toolkit.fluxcd.io/team", "red")]);
        receiver.release();
        let (_, event) = receiver.attempts.recv().await.unwrap();
        assert_eq!(event["severity"], severity);
        assert_eq!(event["involvedObject"]["kind"], "Kustomization");
        assert_eq!((&event["reason"], &event["message"]), (&"Reason".into(), &"text".into()));
        assert_eq!(event["metadata"]["event.toolkit.fluxcd.io/team"], "red");
        assert_eq!(event["reportingController"], "some-controller");
        assert_eq!(event["reportingInstance"], "host");
    }
}

#[tokio::test]
async fn stored_events_outlive_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("outbox");
    let sent = Arc::new(AtomicBool::new(false));
    let post: Post = {
        let sent = Arc::clone(&sent);
        Arc::new(move |_| {
            sent.store(true, Ordering::Relaxed);
            Box::pin(std::future::pending())
        })
    };
    let outbox = Outbox::start_with("http://receiver/", "host", Arc::clone(&post), &path).unwrap();
    outbox.append("some-controller", &regarding(), &notice(NoticeType::Normal), (&BTreeMap::new(), None));
    outbox.stored().await;
    // as a kill at this moment would leave it
    let copy = directory.path().join("copy");
    fs_err::copy(&path, &copy).unwrap();
    let mut next = Spool::open(&copy, LIMIT).unwrap();
    let pending = next.take().unwrap().unwrap();
    assert!(String::from_utf8(pending.body).unwrap().contains("\"reason\":\"Reason\""));
    assert!(!sent.load(Ordering::Relaxed), "it is held until the status tells of it");
}

#[tokio::test(start_paused = true)]
async fn events_that_fail_together_pause_once() {
    let mut receiver = Receiver::new(std::iter::repeat_n((500, None), 4));
    let start = Instant::now();
    for uid in 0..4 {
        let regarding = Regarding { uid: uid.to_string(), ..regarding() };
        let (none, notice) = (BTreeMap::new(), notice(NoticeType::Normal));
        receiver.outbox.append("some-controller", &regarding, &notice, (&none, None));
        receiver.outbox.release(&regarding.uid, receiver.outbox.mark());
    }
    // one probes, and then all go
    assert_eq!(receiver.seconds(start).await, [0, 0, 0, 0, 1, 1, 1, 1]);
}
