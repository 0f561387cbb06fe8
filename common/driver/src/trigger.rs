use std::fmt;

/// Why an object is looked at; earlier ones go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// A person asked: `requestedAt`, or a webhook.
    Asked,
    /// The object, or something it refers to, changed.
    Changed,
    /// A failed run is tried again.
    Retry,
    /// The interval passed.
    Interval,
    /// The object was found by the first list.
    Listed,
}

impl Lane {
    pub(crate) const ALL: [Self; 5] = [Self::Asked, Self::Changed, Self::Retry, Self::Interval, Self::Listed];

    /// The name, as a field of spans.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Changed => "changed",
            Self::Retry => "retry",
            Self::Interval => "interval",
            Self::Listed => "listed",
        }
    }

    /// Whether such a trigger ends a wait of a run that has begun before.
    pub(crate) const fn interrupts(self) -> bool {
        matches!(self, Self::Asked | Self::Changed)
    }
}

/// The object whose change set off a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TriggerObject {
    /// Kind.
    pub kind: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Unique id.
    pub uid: String,
    /// Version; empty if the object is gone.
    pub resource_version: String,
}

/// `Kind/namespace/name`.
impl fmt::Display for TriggerObject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}/{}", self.kind, self.namespace, self.name)
    }
}

/// What set off a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// How urgent it is.
    pub lane: Lane,
    /// The object that changed, if one did.
    pub object: Option<TriggerObject>,
}

impl Trigger {
    /// A trigger that no object's change stands behind.
    pub const fn new(lane: Lane) -> Self {
        Self { lane, object: None }
    }
}
