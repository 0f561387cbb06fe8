//! Logs on standard error: one JSON object a line, in the order and with the keys that `flux logs` and dashboards read
//! (platform contract, section 5).

use std::backtrace::Backtrace;
use std::collections::HashMap;
use std::io::Write as _;

use jiff::Timestamp;
use parking_lot::Mutex;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterFn, LevelFilter, filter_fn};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use self::entry::{Entry, Pairs};

mod entry;

/// Entries of one level and message that are written in a second before sampling starts.
const FIRST: u64 = 100;
/// Of those beyond, one in so many is written.
const THEREAFTER: u64 = 100;

/// Form of the entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// One JSON object a line.
    Json,
    /// Columns for a person.
    Console,
}

/// What is logged, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// Form of the entries.
    pub encoding: Encoding,
    /// The least important level that is written.
    pub level: Level,
}

impl LogSettings {
    /// As the flags say; unknown words mean JSON and `info`.
    pub fn of(encoding: &str, level: &str) -> Self {
        let encoding = if encoding == "console" { Encoding::Console } else { Encoding::Json };
        let level = match level {
            "trace" => Level::TRACE,
            "debug" => Level::DEBUG,
            "error" => Level::ERROR,
            _ => Level::INFO,
        };
        Self { encoding, level }
    }

    /// Errors are logged with their stacks if what is less important is logged as well.
    fn shows_stack(&self, level: Level) -> bool {
        level == Level::ERROR && self.level >= Level::DEBUG
    }
}

/// Who logs, the innermost function first, in the form of Go's stacks: a name, and the place on a line of its own.
fn stack() -> String {
    let mut frames: Vec<String> = Vec::new();
    for line in Backtrace::force_capture().to_string().lines() {
        match (line.trim_start().strip_prefix("at "), frames.last_mut()) {
            (Some(place), Some(frame)) => frame.extend(["\n\t", place]),
            _ => frames.push(line.split_once(": ").map_or(line, |(_, name)| name).to_owned()),
        }
    }
    let logs = |frame: &String| {
        let name = frame.trim_start_matches('<');
        ["std::backtrace", "flux_process::log::", "tracing"].iter().any(|own| name.starts_with(own))
    };
    frames.into_iter().skip_while(logs).collect::<Vec<_>>().join("\n")
}

/// Name of a level on the wire; there is no `warn`, whose entries need no action and are `info`.
fn level_name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN | Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

/// What passes: our own entries from the level up, warnings of libraries, and all spans that carry context.
pub(crate) fn filter(level: Level) -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    let hint = LevelFilter::from_level(level.max(Level::INFO));
    filter_fn(move |metadata| passes(metadata, level)).with_max_level_hint(hint)
}

fn passes(metadata: &Metadata<'_>, level: Level) -> bool {
    let library = ["hyper", "h2", "rustls", "tower", "reqwest", "opentelemetry", "tonic", "mio", "tokio"]
        .iter()
        .any(|name| metadata.target().starts_with(name));
    if library {
        return metadata.is_event() && *metadata.level() <= level.min(Level::WARN);
    }
    if metadata.is_span() { *metadata.level() <= level.max(Level::INFO) } else { *metadata.level() <= level }
}

/// Writes entries to standard error.
pub(crate) struct LogLayer {
    settings: LogSettings,
    sampler: Mutex<Sampler>,
}

impl LogLayer {
    pub(crate) fn new(settings: LogSettings) -> Self {
        Self { settings, sampler: Mutex::default() }
    }
}

/// Counts of the current second.
#[derive(Default)]
struct Sampler {
    second: i64,
    counts: HashMap<(Level, String), u64>,
}

impl Sampler {
    fn admits(&mut self, now: Timestamp, level: Level, message: &str) -> bool {
        if self.second != now.as_second() {
            self.second = now.as_second();
            self.counts.clear();
        }
        let count = self.counts.entry((level, message.to_owned())).or_insert(0);
        *count += 1;
        *count <= FIRST || (*count - FIRST).is_multiple_of(THEREAFTER)
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LogLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut pairs = Pairs::default();
            attributes.record(&mut pairs);
            span.extensions_mut().insert(pairs);
        }
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(pairs) = span.extensions_mut().get_mut::<Pairs>()
        {
            record.record(pairs);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let now = Timestamp::now();
        let mut own = Pairs::default();
        event.record(&mut own);
        let mut pairs = Pairs::default();
        for span in
            context.event_scope(event).into_iter().flat_map(tracing_subscriber::registry::Scope::from_root)
        {
            if let Some(of_span) = span.extensions().get::<Pairs>() {
                pairs.extend(of_span);
            }
        }
        pairs.extend(&own);
        let mut entry = Entry { level: *event.metadata().level(), at: now, pairs, stack: None };
        let sampled = self.settings.level < Level::TRACE;
        if sampled && !self.sampler.lock().admits(now, entry.level, entry.message()) {
            return;
        }
        entry.stack = self.settings.shows_stack(entry.level).then(stack);
        let line = match self.settings.encoding {
            Encoding::Json => entry.to_json(),
            Encoding::Console => entry.to_console(),
        };
        // nobody is left to tell if standard error is gone
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_words_mean_json_and_info() {
        assert_eq!(
            LogSettings::of("xml", "warn"),
            LogSettings { encoding: Encoding::Json, level: Level::INFO }
        );
        assert_eq!(
            LogSettings::of("console", "error"),
            LogSettings { encoding: Encoding::Console, level: Level::ERROR }
        );
    }

    #[test]
    fn errors_have_stacks_from_debug_on() {
        for (level, shows) in [("info", false), ("debug", true), ("trace", true)] {
            let settings = LogSettings::of("json", level);
            assert_eq!([Level::ERROR, Level::INFO].map(|level| settings.shows_stack(level)), [shows, false]);
        }
        let stack = stack();
        let (name, place) = stack.lines().zip(stack.lines().skip(1)).next().unwrap();
        assert!(!name.contains("backtrace") && place.starts_with('\t'), "{stack}");
    }

    #[test]
    fn a_flood_is_sampled_per_message_and_second() {
        let mut sampler = Sampler::default();
        let second = Timestamp::from_second(1).unwrap();
        let written = (0..350).filter(|_| sampler.admits(second, Level::INFO, "a")).count();
        assert_eq!(written, 102);
        assert!(sampler.admits(second, Level::INFO, "b"), "another message has its own count");
        assert!(
            sampler.admits(Timestamp::from_second(2).unwrap(), Level::INFO, "a"),
            "a new second starts anew"
        );
    }
}
