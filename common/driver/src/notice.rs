use std::borrow::Cow;
use std::collections::BTreeMap;

/// How grave a notice is, and who gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeType {
    /// Information, for the API and notification-controller.
    Normal,
    /// A failure, for the API and notification-controller.
    Warning,
    /// Information for the API only.
    Trace,
}

/// Something to tell about an object: a Kubernetes Event, and an event for notification-controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How grave it is.
    pub notice_type: NoticeType,
    /// Reason in one word.
    pub reason: Cow<'static, str>,
    /// Text.
    pub message: String,
    /// More facts by key; the driver puts the object's API group and a slash before each key, and adds those that the
    /// run was given ([`Run::annotate`](crate::Run::annotate)) and the object's own `event.toolkit.fluxcd.io/` annotations.
    pub metadata: BTreeMap<String, String>,
}

impl Notice {
    /// A notice without facts of its own.
    pub fn new(
        notice_type: NoticeType,
        reason: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self { notice_type, reason: reason.into(), message: message.into(), metadata: BTreeMap::new() }
    }

    /// The same with one more fact.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }
}
