//! Revisions of sources: `main@sha1:<hex>`, `sha256:<hex>`, `6.5.0`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest text that is taken for a revision, in bytes.
const MAX_LENGTH: usize = 2048;

/// What a source stands at. Git and OCI revisions have a name (branch, tag, or nothing) and a digest; Helm charts have a
/// version only.
///
/// Revisions in the form that controllers before 2.0 stored (`main/<hex>`, `HEAD/<hex>`) are read as if they had the
/// present one.
///
/// ```
/// use flux_artifact::Revision;
/// let revision: Revision = "feat/x@sha1:7fd1a60b01f91b314f59955a4e4d4e80d8edf11d".parse()?;
/// assert_eq!(revision.name(), "feat/x");
/// assert_eq!(revision.digest_hex(), Some("7fd1a60b01f91b314f59955a4e4d4e80d8edf11d"));
/// # Ok::<(), flux_artifact::InvalidRevision>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Revision {
    text: String,
    /// Where the digest starts, if there is one: `sha1:...`.
    digest_start: Option<usize>,
}

/// An empty text, or one that is too long or has control characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid revision {0:?}")]
pub struct InvalidRevision(String);

impl Revision {
    /// A Git revision: the short or full name of a reference (empty for a bare commit), and the commit in hex.
    pub fn git(name: &str, commit: &str) -> Self {
        if name.is_empty() {
            return Self { text: format!("sha1:{commit}"), digest_start: Some(0) };
        }
        Self { text: format!("{name}@sha1:{commit}"), digest_start: Some(name.len() + 1) }
    }

    /// The revision as it stands in a status.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part before the digest: a branch, a tag, a full reference; the whole text where there is no digest, and empty
    /// for a bare digest.
    pub fn name(&self) -> &str {
        let end = self.digest_start.map_or(self.text.len(), |start| start.saturating_sub(1));
        self.text.get(..end).unwrap_or_default()
    }

    /// The digest with its algorithm, if there is one.
    pub fn digest(&self) -> Option<&str> {
        self.text.get(self.digest_start?..)
    }

    /// The digest without its algorithm: of a Git revision the commit.
    pub fn digest_hex(&self) -> Option<&str> {
        self.digest().and_then(|digest| digest.split_once(':')).map(|(_, hex)| hex)
    }
}

impl FromStr for Revision {
    type Err = InvalidRevision;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.len() > MAX_LENGTH || text.chars().any(char::is_control) {
            return Err(InvalidRevision(text.chars().take(64).collect()));
        }
        if let Some((name, commit)) = text.rsplit_once('/')
            && !text.contains(':')
            && is_commit(commit)
        {
            return Ok(Self::git(if name == "HEAD" { "" } else { name }, commit));
        }
        let start = text.rfind('@').map_or(0, |at| at + 1);
        let is_digest =
            text.get(start..).and_then(|digest| digest.split_once(':')).is_some_and(|(name, hex)| {
                !name.is_empty() && !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
            });
        Ok(Self { text: text.to_owned(), digest_start: is_digest.then_some(start) })
    }
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Revision {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Revision {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "7fd1a60b01f91b314f59955a4e4d4e80d8edf11d";

    #[test]
    fn forms_are_told_apart() {
        let table = [
            (format!("main@sha1:{COMMIT}"), "main", Some(COMMIT)),
            (format!("refs/pull/1/head@sha1:{COMMIT}"), "refs/pull/1/head", Some(COMMIT)),
            (format!("user@host@sha1:{COMMIT}"), "user@host", Some(COMMIT)),
            (format!("sha1:{COMMIT}"), "", Some(COMMIT)),
            ("6.5.0+build".to_owned(), "6.5.0+build", None),
            ("latest@sha256:abcd".to_owned(), "latest", Some("abcd")),
        ];
        for (text, name, hex) in table {
            let revision: Revision = text.parse().expect("a revision");
            assert_eq!((revision.name(), revision.digest_hex()), (name, hex), "{text}");
            assert_eq!(revision.to_string(), text);
        }
    }

    #[test]
    fn revisions_of_old_controllers_are_read_in_the_present_form() {
        let read = |text: String| text.parse::<Revision>().expect("a revision").to_string();
        assert_eq!(read(format!("feat/x/{COMMIT}")), format!("feat/x@sha1:{COMMIT}"));
        assert_eq!(read(format!("HEAD/{COMMIT}")), format!("sha1:{COMMIT}"));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "a\nb", &"x".repeat(3000)] {
            assert!(text.parse::<Revision>().is_err());
        }
    }
}
