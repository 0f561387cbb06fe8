//! Traces by OTLP over HTTP: off unless the standard `OTEL_*` variables ask for them.

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::runtime::Tokio;
use opentelemetry_sdk::trace::span_processor_with_async_runtime::BatchSpanProcessor;
use opentelemetry_sdk::trace::{SdkTracerProvider, Tracer};

use crate::environment::Environment;
use crate::rollout::RolloutIds;

/// Whether the environment asks for traces.
pub(crate) fn wanted(environment: &Environment) -> bool {
    let is =
        |name: &str, value: &str| environment.get(name).is_some_and(|set| set.eq_ignore_ascii_case(value));
    if is("OTEL_SDK_DISABLED", "true") || is("OTEL_TRACES_EXPORTER", "none") {
        return false;
    }
    is("OTEL_TRACES_EXPORTER", "otlp")
        || environment.get("OTEL_EXPORTER_OTLP_ENDPOINT").is_some()
        || environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").is_some()
}

/// Starts the export; `service` is the name unless the environment gives one. Needs the Tokio runtime.
///
/// # Errors
/// The exporter's, if the endpoint is malformed.
pub(crate) fn start(
    environment: &Environment,
    service: &'static str,
) -> Result<(SdkTracerProvider, Tracer), opentelemetry_otlp::ExporterBuildError> {
    let exporter = SpanExporter::builder().with_http().build()?;
    let resource = Resource::builder();
    let resource = match environment.get("OTEL_SERVICE_NAME") {
        Some(_) => resource,
        None => resource.with_service_name(service),
    };
    let provider = SdkTracerProvider::builder()
        .with_id_generator(RolloutIds::default())
        .with_resource(resource.build())
        // the plain batch processor exports from a thread without a reactor
        .with_span_processor(BatchSpanProcessor::builder(exporter, Tokio).build())
        .build();
    let tracer = provider.tracer(service);
    Ok((provider, tracer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn off_unless_asked_for() {
        assert!(!wanted(&environment(&[])));
        assert!(!wanted(&environment(&[("OTEL_SERVICE_NAME", "x"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "")])));
        assert!(wanted(&environment(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")])));
        assert!(!wanted(&environment(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
            ("OTEL_TRACES_EXPORTER", "none")
        ])));
    }
}
