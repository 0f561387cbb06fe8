//! The trace of a rollout: one trace per source and revision, without anything carried through the API.
//!
//! The trace id is a hash of the source's uid and the revision, and so is the id of its root span, `git pull`. Every
//! controller can compute both, and so joins the trace. A webhook's trace is named by what it wrote in the same way.

use std::cell::Cell;

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};
use sha2::{Digest as _, Sha256};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The ids of the trace of one revision of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rollout {
    trace: TraceId,
    root: SpanId,
}

thread_local! {
    /// Ids for the root span that is being started on this thread.
    static NEXT_ROOT: Cell<Option<Rollout>> = const { Cell::new(None) };
}

impl Rollout {
    /// The rollout of `revision` of the source with the unique id `source_uid`.
    pub fn of(source_uid: &str, revision: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(source_uid.as_bytes());
        hash.update([0]);
        hash.update(revision.as_bytes());
        let bytes: [u8; 32] = hash.finalize().into();
        let mut trace = [0; 16];
        let mut root = [0; 8];
        for (to, from) in trace.iter_mut().chain(root.iter_mut()).zip(bytes) {
            *to = from;
        }
        // ids of zeros only are invalid
        let [.., last] = &mut trace;
        *last |= 1;
        let [.., last] = &mut root;
        *last |= 1;
        Self { trace: TraceId::from_bytes(trace), root: SpanId::from_bytes(root) }
    }

    /// The trace of a webhook that wrote this value of `requestedAt`, which the runs that it set off link to.
    pub fn of_request(requested_at: &str) -> Self {
        Self::of("requestedAt", requested_at)
    }

    /// Links `span` to the root of this trace, which is another one's.
    pub fn link(self, span: &Span) {
        span.add_link(SpanContext::new(self.trace, self.root, TraceFlags::SAMPLED, true, TraceState::NONE));
    }

    /// Makes `span`, which has not been entered yet, the root of this rollout. Called where the revision is first known.
    pub fn begin(self, span: &Span) {
        NEXT_ROOT.set(Some(self));
        // asking for the context starts the span, here and now
        let _ = span.context();
        NEXT_ROOT.set(None);
    }

    /// Makes `span`, which has not been entered yet, a child of the root of this rollout.
    pub fn join(self, span: &Span) {
        // fails only for spans that have been entered, or are not recorded
        let _ = span.set_parent(remote(self.trace, self.root));
    }

    /// The header `traceparent` (W3C) of the rollout's root.
    pub fn traceparent(self) -> String {
        format!("00-{}-{}-01", self.trace, self.root)
    }

    /// The id of the trace in hexadecimal digits.
    pub fn trace_id(self) -> String {
        self.trace.to_string()
    }
}

fn remote(trace: TraceId, span: SpanId) -> opentelemetry::Context {
    let context = SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::NONE);
    opentelemetry::Context::new().with_remote_span_context(context)
}

/// The header `traceparent` (W3C) that continues the trace of `span` elsewhere; `None` if it is not recorded.
pub fn traceparent(span: &Span) -> Option<String> {
    let context = span.context();
    let span = context.span();
    let context = span.span_context();
    context
        .is_valid()
        .then(|| format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags()))
}

/// Makes `span`, which has not been entered yet, continue the trace of a `traceparent` header; whether it is valid.
pub fn join_traceparent(span: &Span, header: &str) -> bool {
    let Some(context) = parse(header) else { return false };
    span.set_parent(context).is_ok()
}

fn parse(header: &str) -> Option<opentelemetry::Context> {
    let mut parts = header.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if version.len() != 2 || version == "ff" || trace.len() != 32 || span.len() != 16 || flags.len() != 2 {
        return None;
    }
    let trace = TraceId::from_hex(trace).ok().filter(|id| *id != TraceId::INVALID)?;
    let span = SpanId::from_hex(span).ok().filter(|id| *id != SpanId::INVALID)?;
    Some(remote(trace, span))
}

/// Random ids, but for the roots of rollouts.
#[derive(Debug, Default)]
pub(crate) struct RolloutIds(RandomIdGenerator);

impl IdGenerator for RolloutIds {
    fn new_trace_id(&self) -> TraceId {
        NEXT_ROOT.get().map_or_else(|| self.0.new_trace_id(), |rollout| rollout.trace)
    }

    fn new_span_id(&self) -> SpanId {
        NEXT_ROOT.get().map_or_else(|| self.0.new_span_id(), |rollout| rollout.root)
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::error::OTelSdkResult;
    use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
    use parking_lot::Mutex;
    use std::sync::Arc;
    use tracing::info_span;
    use tracing_subscriber::prelude::*;

    use super::*;

    /// Keeps what is exported.
    #[derive(Clone, Debug, Default)]
    struct Kept(Arc<Mutex<Vec<SpanData>>>);

    impl SpanExporter for Kept {
        async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
            self.0.lock().extend(batch);
            Ok(())
        }
    }

    /// The spans that `trace` makes, in the order of their ends.
    fn spans_of(trace: impl FnOnce()) -> Vec<SpanData> {
        let exporter = Kept::default();
        let provider = SdkTracerProvider::builder()
            .with_id_generator(RolloutIds::default())
            .with_simple_exporter(exporter.clone())
            .build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), trace);
        std::mem::take(&mut *exporter.0.lock())
    }

    #[test]
    fn ids_depend_on_source_and_revision() {
        let rollout = Rollout::of("uid", "main@sha1:1");
        assert_eq!(rollout, Rollout::of("uid", "main@sha1:1"));
        assert_ne!(rollout, Rollout::of("uid", "main@sha1:2"));
        assert_ne!(Rollout::of("a", "bc"), Rollout::of("ab", "c"));
    }

    #[test]
    fn two_processes_meet_in_one_trace() {
        let rollout = Rollout::of("uid", "main@sha1:1");
        let mut header = None;
        let spans = spans_of(|| {
            let root = info_span!(parent: None, "git pull");
            rollout.begin(&root);
            drop(root);
            let joined = info_span!(parent: None, "notify about new revision");
            rollout.join(&joined);
            joined.in_scope(|| header = traceparent(&Span::current()));
            drop(joined);
            let continued = info_span!(parent: None, "send alerts for revision");
            assert!(join_traceparent(&continued, header.as_deref().unwrap()));
        });
        let [pull, notify, send] = spans.as_slice() else { panic!("{spans:?}") };
        assert_eq!(pull.span_context.trace_id(), rollout.trace);
        assert_eq!((pull.span_context.span_id(), notify.parent_span_id), (rollout.root, rollout.root));
        assert_eq!(send.span_context.trace_id(), rollout.trace);
        assert_eq!(send.parent_span_id, notify.span_context.span_id());
        assert_ne!(notify.span_context.span_id(), rollout.root, "only the root has the computed id");
    }

    #[test]
    fn a_run_links_to_the_webhook_that_asked_for_it() {
        let spans = spans_of(|| {
            let webhook = info_span!(parent: None, "receive webhook");
            Rollout::of_request("2026-01-02 03:04:05").begin(&webhook);
            drop(webhook);
            let run = info_span!(parent: None, "reconcile");
            Rollout::of_request("2026-01-02 03:04:05").link(&run);
        });
        let [webhook, run] = spans.as_slice() else { panic!("{spans:?}") };
        let link = &run.links.iter().next().unwrap().span_context;
        assert_eq!(
            (link.trace_id(), link.span_id()),
            (webhook.span_context.trace_id(), webhook.span_context.span_id())
        );
        assert_ne!(run.span_context.trace_id(), webhook.span_context.trace_id());
    }

    #[test]
    fn malformed_headers_are_refused() {
        for wrong in ["", "00-x", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-0-0-0-0"] {
            assert!(!join_traceparent(&Span::none(), wrong), "{wrong}");
            assert!(parse(wrong).is_none(), "{wrong}");
        }
        assert!(parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").is_some());
    }
}
