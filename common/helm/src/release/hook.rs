//! Hooks: documents that run at certain events instead of belonging to the release.

use jiff::Timestamp;

/// A hook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hook {
    /// `metadata.name`
    pub name: String,
    /// `kind`
    pub kind: String,
    /// Path of the template that it comes from.
    pub path: String,
    /// Its text.
    pub manifest: String,
    /// When it runs.
    pub events: Vec<HookEvent>,
    /// Order among the hooks of an event.
    pub weight: i64,
    /// When its objects are deleted: `before-hook-creation`, `hook-succeeded`, `hook-failed`; other words have no effect.
    pub delete_policies: Vec<String>,
    /// When its logs are kept: `hook-succeeded`, `hook-failed`.
    pub output_log_policies: Vec<String>,
    /// How it went the last time.
    pub last_run: HookExecution,
}

/// What a hook runs at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display, strum::EnumString)]
#[strum(serialize_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum HookEvent {
    PreInstall,
    PostInstall,
    PreDelete,
    PostDelete,
    PreUpgrade,
    PostUpgrade,
    PreRollback,
    PostRollback,
    Test,
}

/// One run of a hook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookExecution {
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// How it went; `None` if it never ran.
    pub phase: Option<HookPhase>,
}

/// How a run of a hook went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::EnumString)]
#[expect(missing_docs, reason = "the names say it")]
pub enum HookPhase {
    Unknown,
    Running,
    Succeeded,
    Failed,
}

impl HookEvent {
    /// The event of an annotation; `test-success` is Helm 2's name of [`Self::Test`].
    pub fn parse(text: &str) -> Option<Self> {
        if text == "test-success" { Some(Self::Test) } else { text.parse().ok() }
    }
}
