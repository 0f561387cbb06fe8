//! What a Git host does when a push has come: it tells the Receiver. It also exports the push as a span.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use flux_lab::{GitRequest, Recorder};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use reqwest::Client;

/// Announces every push from now on; never ends by itself.
pub(crate) async fn announce_pushes(
    requests: Recorder<GitRequest>,
    traces: String,
    webhook: String,
) -> Result<()> {
    let client = Client::builder().no_proxy().build().context("failed to build the host's client")?;
    let mut count = requests.len();
    loop {
        requests.more_than(count).await;
        let received = requests.after(count);
        count += received.len();
        for push in received.iter().filter(|request| request.is_push()) {
            let announcement = client.post(&webhook).body("{}").send();
            let (announced, exported) = tokio::join!(announcement, export(&client, &traces, push));
            announced.and_then(reqwest::Response::error_for_status).context("failed to announce a push")?;
            exported?;
        }
    }
}

async fn export(client: &Client, traces: &str, push: &GitRequest) -> Result<()> {
    let service = AnyValue { value: Some(any_value::Value::StringValue("git".to_owned())) };
    let service = KeyValue { key: "service.name".to_owned(), value: Some(service), ..KeyValue::default() };
    let span = Span {
        trace_id: rand::random::<[u8; 16]>().to_vec(),
        span_id: rand::random::<[u8; 8]>().to_vec(),
        name: "git push".to_owned(),
        start_time_unix_nano: nanoseconds(push.started),
        end_time_unix_nano: nanoseconds(push.ended),
        ..Span::default()
    };
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource { attributes: vec![service], ..Resource::default() }),
            scope_spans: vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }],
            ..ResourceSpans::default()
        }],
    };
    let answer = client.post(format!("{traces}/v1/traces")).body(request.encode_to_vec()).send().await;
    answer.and_then(reqwest::Response::error_for_status).context("failed to export the push")?;
    Ok(())
}

fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
