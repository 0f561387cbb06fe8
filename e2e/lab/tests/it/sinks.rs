//! The webhook sink and the receiver of traces.

use std::time::Duration;

use flux_lab::{SinkAnswer, TraceReceiver, WebhookSink};
use http::StatusCode;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message as _;
use serde_json::json;

#[tokio::test]
async fn sink_records_requests_and_answers_as_told() {
    let sink = WebhookSink::start().await.expect("sink");
    let client = reqwest::Client::new();
    let post = || client.post(format!("{}/hook?a=b", sink.url())).json(&json!({"n": 1})).send();
    assert_eq!(post().await.expect("answer").status(), StatusCode::OK);
    let answer = SinkAnswer {
        status: StatusCode::TOO_MANY_REQUESTS,
        headers: vec![("retry-after", "7")],
        body: "slow down".to_owned(),
        delay: Duration::from_millis(100),
    };
    sink.answer_with(answer);
    let began = std::time::Instant::now();
    let refused = post().await.expect("answer");
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["retry-after"], "7");
    assert_eq!(refused.text().await.expect("text"), "slow down");
    assert!(began.elapsed() >= Duration::from_millis(100));

    let seen = sink.requests().wait_for(Duration::from_secs(5), |request| request.path == "/hook?a=b").await;
    let seen = seen.expect("recorded");
    assert_eq!(seen.json(), json!({"n": 1}));
    assert_eq!(seen.headers["content-type"], "application/json");
    assert_eq!(sink.requests().len(), 2);
    let none = sink.requests().wait_for(Duration::from_millis(10), |request| request.path == "/other").await;
    assert_eq!(
        none.expect_err("nothing else came").to_string(),
        "nothing matching came in 10ms among 2 received"
    );
}

#[tokio::test]
async fn receiver_takes_spans_while_a_test_waits() {
    let receiver = TraceReceiver::start().await.expect("receiver");
    let service = attribute("service.name", "source-controller");
    let span = Span {
        trace_id: vec![0xab; 16],
        span_id: vec![1; 8],
        parent_span_id: vec![2; 8],
        name: "git pull".to_owned(),
        start_time_unix_nano: 5,
        end_time_unix_nano: 9,
        attributes: vec![attribute("revision", "main@sha1:1")],
        status: Some(Status { message: String::new(), code: 2 }),
        ..Span::default()
    };
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource { attributes: vec![service], ..Resource::default() }),
            scope_spans: vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }],
            ..ResourceSpans::default()
        }],
    };
    let export = async {
        let url = format!("{}/v1/traces", receiver.endpoint());
        let client = reqwest::Client::new();
        let broken = client.post(&url).body("no protobuf").send().await.expect("answer");
        assert_eq!(broken.status(), StatusCode::BAD_REQUEST);
        let answer = client.post(url).body(request.encode_to_vec()).send().await.expect("answer");
        assert_eq!(answer.headers()["content-type"], "application/x-protobuf");
    };
    let (seen, ()) = tokio::join!(receiver.span("git pull", Duration::from_secs(10)), export);
    let seen = seen.expect("the span came");
    assert_eq!(seen.service, "source-controller");
    assert_eq!(seen.trace_id, "ab".repeat(16));
    assert_eq!(
        (seen.parent_id.as_str(), seen.start, seen.end, seen.failed),
        ("0202020202020202", 5, 9, true)
    );
    assert_eq!(seen.attributes["revision"], "main@sha1:1");
    assert_eq!(receiver.spans().len(), 1);
}

fn attribute(key: &str, value: &str) -> KeyValue {
    let value = AnyValue { value: Some(any_value::Value::StringValue(value.to_owned())) };
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}
