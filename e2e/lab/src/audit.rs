//! The API server's audit log: who asked for what.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

/// A place in the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditMark {
    offset: u64,
}

/// One answered request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// The authenticated user.
    pub user: String,
    /// The user that the request acted as, if it impersonated one.
    pub impersonated: Option<String>,
    /// The program, from the User-Agent header.
    pub agent: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection` or a verb of plain paths.
    pub verb: String,
    /// The path and query as sent.
    pub uri: String,
    /// The API group; empty for the core group.
    pub group: String,
    /// The resource in plural, with `/subresource` if there is one; empty for plain paths.
    pub resource: String,
    /// The namespace; empty where there is none.
    pub namespace: String,
    /// The object's name; empty for lists and creations.
    pub name: String,
    /// The HTTP status of the answer.
    pub code: u16,
    /// When the request came, as the server wrote it (RFC 3339, microseconds).
    pub received: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    user: User,
    impersonated_user: Option<User>,
    #[serde(default)]
    user_agent: String,
    verb: String,
    #[serde(rename = "requestURI")]
    request_uri: String,
    object_ref: Option<ObjectReference>,
    response_status: Option<Value>,
    request_received_timestamp: String,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    username: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ObjectReference {
    api_group: String,
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

impl AuditMark {
    pub(crate) fn end_of(log: &Path) -> Result<Self> {
        // what the server is writing belongs to after the mark, with its whole line
        let mut file = fs_err::File::open(log)?;
        let mut offset = file.metadata()?.len();
        let mut block = [0; 4096];
        while offset > 0 {
            let start = offset.saturating_sub(block.len() as u64);
            let length = usize::try_from(offset - start)?;
            let part = block.get_mut(..length).context("a block is too short")?;
            file.seek(SeekFrom::Start(start))?;
            file.read_exact(part)?;
            if let Some(end) = part.iter().rposition(|byte| *byte == b'\n') {
                return Ok(Self { offset: start + end as u64 + 1 });
            }
            offset = start;
        }
        Ok(Self { offset })
    }

    pub(crate) fn entries(self, log: &Path) -> Result<Vec<AuditEntry>> {
        let mut file = fs_err::File::open(log)?;
        file.seek(SeekFrom::Start(self.offset))?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        // The last line may still be being written.
        let complete = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
        complete.lines().map(AuditEntry::parse).collect()
    }
}

impl AuditEntry {
    fn parse(line: &str) -> Result<Self> {
        let line: Line =
            serde_json::from_str(line).with_context(|| format!("failed to read audit line {line}"))?;
        let object = line.object_ref.unwrap_or_default();
        let separator = if object.subresource.is_empty() { "" } else { "/" };
        let code = line.response_status.and_then(|status| status.get("code")?.as_u64());
        Ok(Self {
            user: line.user.username,
            impersonated: line.impersonated_user.map(|user| user.username),
            agent: line.user_agent,
            verb: line.verb,
            uri: line.request_uri,
            group: object.api_group,
            resource: format!("{}{separator}{}", object.resource, object.subresource),
            namespace: object.namespace,
            name: object.name,
            code: code.and_then(|code| u16::try_from(code).ok()).unwrap_or_default(),
            received: line.request_received_timestamp,
        })
    }

    /// Whether the request asked only what would happen.
    pub fn is_dry_run(&self) -> bool {
        self.uri.contains("dryRun=All")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_stands_between_lines_even_while_one_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("audit.log");
        let offset = |text: &str| {
            fs_err::write(&log, text).unwrap();
            AuditMark::end_of(&log).unwrap().offset
        };
        assert_eq!(offset(""), 0);
        assert_eq!(offset("{}"), 0);
        assert_eq!(offset("{}\n"), 3);
        assert_eq!(offset("{}\n{\"user\""), 3);
        let long = "x".repeat(10_000);
        assert_eq!(offset(&format!("{long}\n{long}")), 10_001);
    }
}
