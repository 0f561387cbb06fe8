//! Which commit of a repository is asked for, and how its revision is written.

use flux_artifact::Revision;
use flux_gotext::{Constraint, Version};

use crate::error::GitError;
use crate::wire::RemoteReference;

/// A way to choose a commit. Names are checked: they hold nothing that no Git reference may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReferenceSelector {
    /// The tip of a branch, by short name.
    Branch(String),
    /// A tag, by short name.
    Tag(String),
    /// The tag with the highest version in a range, as written.
    SemVer(String),
    /// A reference by full name, such as `refs/pull/1/head`.
    Name(String),
    /// A commit by its 40 digits, looked for in a branch or in all.
    Commit {
        /// Lower-case hex.
        commit: String,
        /// Where to look; everywhere if `None`.
        branch: Option<String>,
    },
}

/// A name that no Git reference can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReference {
    /// Begins or ends with a slash.
    #[error("ref {0} is invalid; Git refs cannot begin or end with a slash '/'")]
    Slash(String),
    /// Otherwise malformed.
    #[error("ref {0:?} is invalid")]
    Name(String),
    /// Not the 40 digits of a commit.
    #[error("commit {0:?} is invalid: 40 hex digits are needed")]
    Commit(String),
}

/// What is listed to find references.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    /// Beginnings of the names that the server should list.
    pub(crate) prefixes: Vec<String>,
}

impl Query {
    /// Every reference.
    pub(crate) fn everything() -> Self {
        Self { prefixes: vec![String::new()] }
    }

    /// What any of `queries` asks for, each prefix once.
    pub(crate) fn of_all(queries: impl IntoIterator<Item = Self>) -> Self {
        let mut wanted: Vec<String> = queries.into_iter().flat_map(|query| query.prefixes).collect();
        wanted.sort_unstable();
        let mut prefixes: Vec<String> = Vec::new();
        for prefix in wanted {
            // sorted, what begins with a prefix follows it
            if !prefixes.last().is_some_and(|last| prefix.starts_with(last.as_str())) {
                prefixes.push(prefix);
            }
        }
        Self { prefixes }
    }

    /// Whether it asks for the reference of this full name.
    pub(crate) fn matches(&self, name: &str) -> bool {
        self.prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
    }

    /// Whether it asks for all that `other` asks for.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        other.prefixes.iter().all(|prefix| self.matches(prefix))
    }
}

/// A reference that was chosen from a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Full name.
    pub(crate) name: String,
    /// What the reference says: a commit or a tag object.
    pub(crate) object: String,
    /// The commit.
    pub(crate) commit: String,
}

impl ReferenceSelector {
    /// A branch by its short name.
    ///
    /// # Errors
    /// [`InvalidReference`].
    pub fn branch(name: &str) -> Result<Self, InvalidReference> {
        check(name).map(|()| Self::Branch(name.to_owned()))
    }

    /// A tag by its short name.
    ///
    /// # Errors
    /// [`InvalidReference`].
    pub fn tag(name: &str) -> Result<Self, InvalidReference> {
        check(name).map(|()| Self::Tag(name.to_owned()))
    }

    /// A reference by its full name; `^{}` at the end is dropped.
    ///
    /// # Errors
    /// [`InvalidReference`].
    pub fn name(name: &str) -> Result<Self, InvalidReference> {
        let name = name.strip_suffix("^{}").unwrap_or(name);
        check(name).map(|()| Self::Name(name.to_owned()))
    }

    /// A commit, looked for in `branch` or, without one, in all branches.
    ///
    /// # Errors
    /// [`InvalidReference`].
    pub fn commit(commit: &str, branch: Option<&str>) -> Result<Self, InvalidReference> {
        if commit.len() != 40 || !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidReference::Commit(commit.chars().take(64).collect()));
        }
        if let Some(branch) = branch {
            check(branch)?;
        }
        Ok(Self::Commit { commit: commit.to_ascii_lowercase(), branch: branch.map(str::to_owned) })
    }

    /// What to ask the server for.
    pub(crate) fn query(&self) -> Query {
        let prefix = match self {
            Self::Branch(branch) | Self::Commit { branch: Some(branch), .. } => {
                format!("refs/heads/{branch}")
            }
            Self::Tag(tag) => format!("refs/tags/{tag}"),
            Self::SemVer(_) => "refs/tags/".to_owned(),
            Self::Name(name) => name.clone(),
            Self::Commit { branch: None, .. } => "refs/heads/".to_owned(),
        };
        Query { prefixes: vec![prefix] }
    }

    /// The full name that is needed, where there is exactly one.
    pub(crate) fn full_name(&self) -> Option<String> {
        match self {
            Self::Branch(branch) | Self::Commit { branch: Some(branch), .. } => {
                Some(format!("refs/heads/{branch}"))
            }
            Self::Tag(tag) => Some(format!("refs/tags/{tag}")),
            Self::Name(name) => Some(name.clone()),
            Self::SemVer(_) | Self::Commit { branch: None, .. } => None,
        }
    }

    /// The revision of `commit`, which was found under the full name `reference`.
    pub(crate) fn revision(&self, reference: &str, commit: &str) -> Revision {
        match self {
            Self::Name(name) => Revision::git(name, commit),
            Self::Commit { branch, .. } => Revision::git(branch.as_deref().unwrap_or_default(), commit),
            Self::Branch(_) | Self::Tag(_) | Self::SemVer(_) => {
                // the part after the second slash
                let short = reference.splitn(3, '/').nth(2).unwrap_or(reference);
                Revision::git(short, commit)
            }
        }
    }
}

/// Refuses what git's own rules for names refuse, and what would not fit a line of the protocol.
fn check(name: &str) -> Result<(), InvalidReference> {
    if name.starts_with('/') || name.ends_with('/') {
        return Err(InvalidReference::Slash(name.to_owned()));
    }
    let has_bad_character = name.chars().any(|c| c.is_control() || " ~^:?*[\\".contains(c));
    let is_bad = name.is_empty() || name.len() > 1024 || name.contains("..") || name.contains("@{");
    if has_bad_character || is_bad {
        return Err(InvalidReference::Name(name.chars().take(256).collect()));
    }
    Ok(())
}

/// The tags of the highest version in the range; several only if they differ in build metadata alone.
pub(crate) fn highest_versions<'a>(
    references: impl IntoIterator<Item = &'a RemoteReference>,
    range: &str,
) -> Result<Vec<Choice>, GitError> {
    let constraint: Constraint = range.parse().map_err(GitError::SemVer)?;
    let mut highest: Option<Version> = None;
    let mut choices = Vec::new();
    for reference in references {
        let Some(tag) = reference.name.strip_prefix("refs/tags/") else { continue };
        let Ok(version) = Version::parse_three_parts(tag) else { continue };
        if !constraint.admits(&version) || highest.as_ref().is_some_and(|highest| version < *highest) {
            continue;
        }
        if highest.as_ref().is_none_or(|highest| version > *highest) {
            choices.clear();
        }
        choices.push(Choice::from(reference));
        highest = Some(version);
    }
    if choices.is_empty() { Err(GitError::NoMatchingVersion(range.to_owned())) } else { Ok(choices) }
}

impl From<&RemoteReference> for Choice {
    fn from(reference: &RemoteReference) -> Self {
        Self {
            name: reference.name.clone(),
            object: reference.object.clone(),
            commit: reference.peeled.clone().unwrap_or_else(|| reference.object.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "7fd1a60b01f91b314f59955a4e4d4e80d8edf11d";

    fn tags(names: &[&str]) -> Vec<RemoteReference> {
        let reference = |name: &&str| RemoteReference {
            name: format!("refs/tags/{name}"),
            object: "0".repeat(40),
            peeled: Some(COMMIT.to_owned()),
        };
        names.iter().map(reference).collect()
    }

    #[test]
    fn revisions_have_the_form_of_their_reference() {
        let revision = |selector: Result<ReferenceSelector, InvalidReference>, reference: &str| {
            selector.expect("a selector").revision(reference, COMMIT).to_string()
        };
        let branch = revision(ReferenceSelector::branch("feat/x"), "refs/heads/feat/x");
        assert_eq!(branch, format!("feat/x@sha1:{COMMIT}"));
        let tag = revision(ReferenceSelector::tag("v1.0.0"), "refs/tags/v1.0.0");
        assert_eq!(tag, format!("v1.0.0@sha1:{COMMIT}"));
        let semver = revision(Ok(ReferenceSelector::SemVer("1.x".to_owned())), "refs/tags/1.2.3");
        assert_eq!(semver, format!("1.2.3@sha1:{COMMIT}"));
        let name = revision(ReferenceSelector::name("refs/pull/1/head"), "refs/pull/1/head");
        assert_eq!(name, format!("refs/pull/1/head@sha1:{COMMIT}"));
        let commit = revision(ReferenceSelector::commit(COMMIT, None), "");
        assert_eq!(commit, format!("sha1:{COMMIT}"));
        let commit = revision(ReferenceSelector::commit(COMMIT, Some("main")), "refs/heads/main");
        assert_eq!(commit, format!("main@sha1:{COMMIT}"));
    }

    #[test]
    fn names_that_git_refuses_are_refused() {
        for name in ["/main", "main/", "a b", "a..b", "a^b", "", "a\nb", "@{1}"] {
            assert!(ReferenceSelector::name(name).is_err(), "{name:?}");
        }
        let error = ReferenceSelector::name("/refs/heads/main").expect_err("a slash");
        assert_eq!(
            error.to_string(),
            "ref /refs/heads/main is invalid; Git refs cannot begin or end with a slash '/'"
        );
        assert!(ReferenceSelector::commit("7fd1a60", None).is_err());
        assert_eq!(
            ReferenceSelector::name("refs/tags/v1^{}"),
            Ok(ReferenceSelector::Name("refs/tags/v1".to_owned()))
        );
    }

    #[test]
    fn the_highest_version_in_the_range_is_taken() {
        let tags = tags(&["v1.0.0", "v1.2.0", "1.10.0", "v2.0.0", "v1.11.0-rc.1", "1.2", "latest"]);
        let names = |range: &str| {
            highest_versions(&tags, range)
                .map(|choices| choices.into_iter().map(|c| c.name).collect::<Vec<_>>())
        };
        assert_eq!(names("1.x").expect("a match"), ["refs/tags/1.10.0"]);
        assert_eq!(names(">=1.11.0-0 <2").expect("a match"), ["refs/tags/v1.11.0-rc.1"]);
        assert_eq!(names(">3").expect_err("none").to_string(), "no match found for semver: >3");
        assert!(matches!(names("one"), Err(GitError::SemVer(_))));
    }

    #[test]
    fn queries_are_joined_and_compared_by_prefix() {
        let query =
            |prefixes: &[&str]| Query { prefixes: prefixes.iter().map(ToString::to_string).collect() };
        let all = Query::of_all([
            query(&["refs/tags/v1"]),
            query(&["refs/heads/main"]),
            query(&["refs/tags/"]),
            query(&["refs/heads/main"]),
        ]);
        assert_eq!(all, query(&["refs/heads/main", "refs/tags/"]));
        assert!(all.covers(&query(&["refs/tags/v2"])) && all.covers(&query(&[])));
        assert!(!all.covers(&query(&["refs/heads/"])));
        assert!(Query::everything().covers(&all));
    }

    #[test]
    fn versions_that_differ_in_metadata_are_equal() {
        let choices = highest_versions(&tags(&["1.0.0+a", "1.0.0+b", "0.9.0"]), "*").expect("matches");
        assert_eq!(choices.len(), 2);
        assert_eq!(choices[0].commit, COMMIT);
    }
}
