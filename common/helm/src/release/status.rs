//! States of a release.

/// State of a revision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, strum::Display, strum::EnumString)]
#[strum(serialize_all = "kebab-case")]
pub enum Status {
    /// Nobody knows.
    #[default]
    Unknown,
    /// Deployed.
    Deployed,
    /// Deleted, with its history kept.
    Uninstalled,
    /// A later revision took its place.
    Superseded,
    /// An action failed.
    Failed,
    /// Being deleted.
    Uninstalling,
    /// Being installed.
    PendingInstall,
    /// Being upgraded.
    PendingUpgrade,
    /// Being rolled back.
    PendingRollback,
}

impl Status {
    /// Whether an action is under way.
    pub fn is_pending(self) -> bool {
        matches!(self, Self::PendingInstall | Self::PendingUpgrade | Self::PendingRollback)
    }
}

/// How objects were applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::EnumString)]
pub enum ApplyMethod {
    /// Server-side apply.
    #[strum(serialize = "ssa")]
    ServerSide,
    /// Client-side apply.
    #[strum(serialize = "csa")]
    ClientSide,
}
