//! The fault proxy: each fault as a client sees it.

use std::time::Duration;

use flux_lab::{Fault, FaultProxy, SinkAnswer, WebhookSink};
use http::StatusCode;

#[tokio::test]
async fn every_fault_reaches_the_client() {
    let sink = WebhookSink::start().await.expect("sink");
    sink.answer_with(SinkAnswer { body: "x".repeat(100_000), ..SinkAnswer::default() });
    let target = sink.url().replace("http://", "");
    let proxy = FaultProxy::start(&target).await.expect("proxy");
    let url = format!("http://{}/", proxy.address());
    let get = || async {
        let client =
            reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(1)).build().expect("client");
        let answer = client.get(&url).send().await?;
        let status = answer.status();
        Ok::<_, reqwest::Error>((status, answer.bytes().await?.len()))
    };

    assert_eq!(get().await.expect("passed on"), (StatusCode::OK, 100_000));
    proxy.set(Fault::ServerError);
    assert_eq!(get().await.expect("the proxy's own answer"), (StatusCode::INTERNAL_SERVER_ERROR, 0));
    proxy.set(Fault::Hang);
    assert!(get().await.expect_err("no answer").is_timeout());
    proxy.set(Fault::Reset);
    assert!(get().await.expect_err("reset").is_request());
    proxy.set(Fault::DropAfter(50_000));
    assert!(get().await.expect_err("half an answer").is_body() || sink.requests().len() == 2);
    assert_eq!(sink.requests().len(), 2, "only whole and half answers came from the server");
    proxy.set(Fault::Delay(Duration::from_millis(50)));
    let began = std::time::Instant::now();
    assert_eq!(get().await.expect("late, but whole"), (StatusCode::OK, 100_000));
    assert!(began.elapsed() >= Duration::from_millis(100), "there and back");
    assert!(!proxy.sent().is_empty());
    proxy.set(Fault::Pass);
    assert_eq!(get().await.expect("passed on again"), (StatusCode::OK, 100_000));
}
