use std::error::Error;
use std::time::Duration;

/// What becomes of a failed object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Tried again with per-object backoff.
    Transient,
    /// Tried again after the retry interval of [`Schedule`](crate::Schedule).
    Retry,
    /// Waits for something; looked at again after this time, backoff reset.
    Waiting(Duration),
    /// A newer trigger ended the run; tried again at once.
    Superseded,
    /// A newer trigger came before there was anything to tell: conditions stay as they are, and the run starts over.
    Overtaken,
    /// Nothing helps but a change of the object.
    Stalled,
    /// As [`Self::Stalled`], and counted as terminal error.
    Terminal,
}

impl Class {
    /// Whether the object rests until it changes.
    pub const fn is_stalled(self) -> bool {
        match self {
            Self::Stalled | Self::Terminal => true,
            Self::Transient | Self::Retry | Self::Waiting(_) | Self::Superseded | Self::Overtaken => false,
        }
    }
}

/// Which event tells of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// A warning, also sent to notification-controller as error.
    Warning,
    /// A normal event, also sent to notification-controller as info.
    Normal,
    /// A normal event in the API only.
    Trace,
    /// None.
    Silent,
}

/// What follows from an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// What becomes of the object.
    pub class: Class,
    /// Reason in condition and event.
    pub reason: &'static str,
    /// Condition that becomes True, besides Ready, under [`Rules::Summary`](crate::Rules::Summary).
    pub condition: Option<&'static str>,
    /// Event.
    pub report: Report,
}

impl Verdict {
    /// A verdict that is reported as a warning and has no condition of its own.
    pub const fn new(class: Class, reason: &'static str) -> Self {
        Self { class, reason, condition: None, report: Report::Warning }
    }

    /// Tried again with backoff.
    pub const fn transient(reason: &'static str) -> Self {
        Self::new(Class::Transient, reason)
    }

    /// Tried again after the retry interval.
    pub const fn retry(reason: &'static str) -> Self {
        Self::new(Class::Retry, reason)
    }

    /// Nothing helps but a change of the object.
    pub const fn stalled(reason: &'static str) -> Self {
        Self::new(Class::Stalled, reason)
    }

    /// Waits for something.
    pub const fn waiting(delay: Duration, reason: &'static str) -> Self {
        Self::new(Class::Waiting(delay), reason)
    }

    /// The same with a condition that becomes True.
    #[must_use]
    pub const fn on(mut self, condition: &'static str) -> Self {
        self.condition = Some(condition);
        self
    }

    /// The same with another event.
    #[must_use]
    pub const fn report(mut self, report: Report) -> Self {
        self.report = report;
        self
    }
}

/// An error whose consequences are known.
pub trait Failure: Error + Send + Sync + 'static {
    /// What follows.
    fn verdict(&self) -> Verdict;

    /// Text of the condition; the error and its sources, unless a contract has it otherwise.
    fn condition_message(&self) -> String
    where
        Self: Sized,
    {
        message(self)
    }

    /// Text of the event; that of the condition, unless a contract has it otherwise.
    fn event_message(&self) -> String
    where
        Self: Sized,
    {
        self.condition_message()
    }
}

/// Kinds that cannot fail.
impl Failure for std::convert::Infallible {
    fn verdict(&self) -> Verdict {
        match *self {}
    }
}

/// Text of conditions and events: the error and its sources, joined by `: ` as Go's `%w` does.
pub fn message(error: &dyn Error) -> String {
    let chain = std::iter::successors(Some(error), |error| (*error).source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
