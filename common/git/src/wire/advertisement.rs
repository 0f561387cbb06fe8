//! What a server says about itself, and the references that it lists.

use super::packet::{Packet, PacketReader, line_of};
use crate::error::TransportError;

/// A reference on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemoteReference {
    /// Full name, `refs/heads/main`.
    pub(crate) name: String,
    /// The object it names, in hex: a commit or a tag object.
    pub(crate) object: String,
    /// The commit behind a tag object.
    pub(crate) peeled: Option<String>,
}

/// What the server answered to the first request.
#[derive(Debug)]
pub(crate) enum Advertisement {
    /// Protocol v2: the capabilities; references are listed on request.
    V2(Vec<String>),
    /// Protocol v0 or v1: the capabilities, and all references.
    V0(Vec<String>, Vec<RemoteReference>),
}

impl Advertisement {
    /// Reads the first answer.
    pub(crate) async fn read(packets: &mut PacketReader) -> Result<Self, TransportError> {
        let mut lines = Lines { packets };
        let mut first = lines.next().await?;
        if first.as_deref().is_some_and(|line| line.starts_with("# service=")) {
            // a flush follows, then the advertisement proper
            while lines.next().await?.is_some() {}
            first = lines.next().await?;
        }
        if first.as_deref() == Some("version 1") {
            first = lines.next().await?;
        }
        if first.as_deref() == Some("version 2") {
            let mut capabilities = Vec::new();
            while let Some(line) = lines.next().await? {
                capabilities.push(line);
            }
            return check_format(&capabilities).map(|()| Self::V2(capabilities));
        }
        let Some(first) = first else {
            // some servers say nothing about an empty repository
            return Ok(Self::V0(Vec::new(), Vec::new()));
        };
        let (line, capabilities) = first.split_once('\0').unwrap_or((&first, ""));
        let capabilities: Vec<String> = capabilities.split(' ').map(str::to_owned).collect();
        check_format(&capabilities)?;
        let mut references = Vec::new();
        // an empty repository is told by a reference of this name
        if !line.ends_with(" capabilities^{}") {
            add_v0(&mut references, line)?;
        }
        while let Some(line) = lines.next().await? {
            if !line.starts_with("shallow ") {
                add_v0(&mut references, &line)?;
            }
        }
        Ok(Self::V0(capabilities, references))
    }
}

/// Reads the answer to `ls-refs`.
pub(crate) async fn read_listing(packets: &mut PacketReader) -> Result<Vec<RemoteReference>, TransportError> {
    let mut lines = Lines { packets };
    let mut references = Vec::new();
    while let Some(line) = lines.next().await? {
        let mut words = line.split(' ');
        let (Some(object), Some(name)) = (words.next(), words.next()) else {
            return Err(TransportError::Protocol("malformed reference"));
        };
        // the branch that HEAD of an empty repository would be
        if object == "unborn" {
            continue;
        }
        let peeled = words.find_map(|word| word.strip_prefix("peeled:")).map(checked_object).transpose()?;
        references.push(RemoteReference { name: name.to_owned(), object: checked_object(object)?, peeled });
    }
    Ok(references)
}

/// Adds a line of the v0 listing; the commit behind a tag comes as a line of its own, `<name>^{}`.
fn add_v0(references: &mut Vec<RemoteReference>, line: &str) -> Result<(), TransportError> {
    let (object, name) = line.split_once(' ').ok_or(TransportError::Protocol("malformed reference"))?;
    let object = checked_object(object)?;
    match (name.strip_suffix("^{}"), references.last_mut()) {
        (Some(tag), Some(last)) if last.name == tag => last.peeled = Some(object),
        _ => references.push(RemoteReference { name: name.to_owned(), object, peeled: None }),
    }
    Ok(())
}

fn checked_object(hex: &str) -> Result<String, TransportError> {
    let is_hex = hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    match hex.len() {
        40 if is_hex => Ok(hex.to_owned()),
        64 if is_hex => Err(TransportError::ObjectFormat),
        _ => Err(TransportError::Protocol("malformed object name")),
    }
}

fn check_format(capabilities: &[String]) -> Result<(), TransportError> {
    let format = capabilities.iter().find_map(|capability| capability.strip_prefix("object-format="));
    if format.is_none_or(|format| format == "sha1") { Ok(()) } else { Err(TransportError::ObjectFormat) }
}

/// The lines up to the next flush.
struct Lines<'a> {
    packets: &'a mut PacketReader,
}

impl Lines<'_> {
    async fn next(&mut self) -> Result<Option<String>, TransportError> {
        match self.packets.next().await? {
            Some(Packet::Data(data)) => {
                let line = line_of(&data).ok_or(TransportError::Protocol("not UTF-8"))?;
                if let Some(message) = line.strip_prefix("ERR ") {
                    return Err(TransportError::Remote(message.chars().take(512).collect()));
                }
                Ok(Some(line.to_owned()))
            }
            Some(Packet::Flush | Packet::Delimiter | Packet::End) | None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;
    use crate::wire::packet::PacketWriter;

    const ONE: &str = "1111111111111111111111111111111111111111";
    const TWO: &str = "2222222222222222222222222222222222222222";

    fn packets(lines: &[&str]) -> PacketReader {
        let mut writer = PacketWriter::default();
        for line in lines {
            if line.is_empty() { writer.flush() } else { writer.line(line) }
        }
        PacketReader::new(stream::iter([Ok(writer.finish().into())]), 1_000_000)
    }

    async fn read(lines: &[&str]) -> Result<Advertisement, TransportError> {
        Advertisement::read(&mut packets(lines)).await
    }

    #[tokio::test]
    async fn both_protocols_are_told_apart() {
        let v2 = read(&["# service=git-upload-pack", "", "version 2", "agent=x", "ls-refs=unborn", ""]).await;
        assert!(
            matches!(v2, Ok(Advertisement::V2(capabilities)) if capabilities == ["agent=x", "ls-refs=unborn"])
        );
        let head = format!("{ONE} HEAD\0ofs-delta shallow");
        let (tag, peeled) = (format!("{ONE} refs/tags/v1"), format!("{TWO} refs/tags/v1^{{}}"));
        let v0 = read(&["# service=git-upload-pack", "", &head, &tag, &peeled, ""]).await;
        let Ok(Advertisement::V0(capabilities, references)) = v0 else { panic!("not v0") };
        assert_eq!(capabilities, ["ofs-delta", "shallow"]);
        assert_eq!(references.len(), 2);
        assert_eq!(references[1].peeled.as_deref(), Some(TWO));
    }

    #[tokio::test]
    async fn an_empty_repository_has_no_references() {
        let line = format!("{} capabilities^{{}}\0agent=x", "0".repeat(40));
        let empty = read(&["# service=git-upload-pack", "", &line, ""]).await;
        assert!(matches!(empty, Ok(Advertisement::V0(_, references)) if references.is_empty()));
    }

    #[tokio::test]
    async fn errors_and_foreign_formats_are_told() {
        let error = read(&["# service=git-upload-pack", "", "ERR access denied", ""]).await;
        assert_eq!(error.expect_err("an error").to_string(), "remote error: access denied");
        let sha256 = read(&["version 2", "object-format=sha256", ""]).await;
        assert!(matches!(sha256, Err(TransportError::ObjectFormat)));
        assert!(read(&["<html>", ""]).await.is_err());
    }

    #[tokio::test]
    async fn a_listing_has_tags_with_their_commits() {
        let lines = [format!("{ONE} refs/heads/main"), format!("{ONE} refs/tags/v1 peeled:{TWO}")];
        let listing = read_listing(&mut packets(&[&lines[0], &lines[1], ""])).await.expect("a listing");
        assert_eq!(listing[0].name, "refs/heads/main");
        assert_eq!(listing[1].peeled.as_deref(), Some(TWO));
        assert!(read_listing(&mut packets(&["nonsense", ""])).await.is_err());
    }
}
