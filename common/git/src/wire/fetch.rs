//! Fetching a pack.

use bytes::Bytes;
use tokio::sync::mpsc;

use super::AGENT;
use super::advertisement::Advertisement;
use super::http::Session;
use super::packet::{Packet, PacketReader, PacketWriter, line_of};
use crate::error::TransportError;

/// How much history comes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum History {
    /// The wanted commits alone.
    Shallow,
    /// All their ancestors.
    Full,
}

/// What to fetch.
#[derive(Clone, Debug)]
pub(crate) struct FetchRequest {
    /// Objects that the server listed.
    pub(crate) wants: Vec<String>,
    /// Commits that we have, with all that their trees hold.
    pub(crate) haves: Vec<String>,
    /// Those of our commits whose parents we do not have.
    pub(crate) shallow: Vec<String>,
    pub(crate) history: History,
    /// Most bytes that may come.
    pub(crate) limit: u64,
}

/// What came besides the pack.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fetched {
    /// Commits that came without their parents.
    pub(crate) shallow: Vec<String>,
}

impl Session {
    /// Fetches into `pack`, whose receiver may end it at any time by going away.
    pub(crate) async fn fetch(
        &self,
        request: &FetchRequest,
        pack: mpsc::Sender<Bytes>,
    ) -> Result<Fetched, TransportError> {
        match &self.advertisement {
            Advertisement::V2(capabilities) => {
                let features = capabilities.iter().find_map(|capability| capability.strip_prefix("fetch="));
                let can_be_shallow =
                    features.unwrap_or_default().split(' ').any(|feature| feature == "shallow");
                if request.history == History::Shallow && !can_be_shallow {
                    return Err(TransportError::Protocol("no shallow fetches"));
                }
                let mut packets = self.post(body_v2(request), request.limit).await?;
                read_v2(&mut packets, &pack).await
            }
            Advertisement::V0(capabilities, _) => {
                if request.history == History::Shallow && !capabilities.iter().any(|c| c == "shallow") {
                    return Err(TransportError::Protocol("no shallow fetches"));
                }
                let mut packets = self.post(body_v0(request, capabilities), request.limit).await?;
                read_v0(&mut packets, request, &pack).await
            }
        }
    }
}

fn body_v2(request: &FetchRequest) -> PacketWriter {
    let mut body = PacketWriter::default();
    body.line("command=fetch");
    body.line(&format!("agent={AGENT}"));
    body.line("object-format=sha1");
    body.delimiter();
    body.line("ofs-delta");
    body.line("no-progress");
    if !request.haves.is_empty() {
        // of a shallow fetch only a thin pack leaves out what we have
        body.line("thin-pack");
    }
    for commit in &request.shallow {
        body.line(&format!("shallow {commit}"));
    }
    if request.history == History::Shallow {
        body.line("deepen 1");
    }
    for object in &request.wants {
        body.line(&format!("want {object}"));
    }
    for commit in &request.haves {
        body.line(&format!("have {commit}"));
    }
    // without negotiation: we say all that we have, and the server sends the rest
    body.line("done");
    body.flush();
    body
}

fn body_v0(request: &FetchRequest, capabilities: &[String]) -> PacketWriter {
    let mut body = PacketWriter::default();
    let mut wanted = vec!["side-band-64k", "ofs-delta", "no-progress"];
    if !request.haves.is_empty() {
        wanted.push("thin-pack");
    }
    wanted.retain(|name| capabilities.iter().any(|capability| capability == name));
    if request.history == History::Shallow {
        wanted.push("shallow");
    }
    for (index, object) in request.wants.iter().enumerate() {
        if index == 0 {
            body.line(&format!("want {object} {} agent={AGENT}", wanted.join(" ")));
        } else {
            body.line(&format!("want {object}"));
        }
    }
    for commit in &request.shallow {
        body.line(&format!("shallow {commit}"));
    }
    if request.history == History::Shallow {
        body.line("deepen 1");
    }
    body.flush();
    for commit in &request.haves {
        body.line(&format!("have {commit}"));
    }
    body.line("done");
    body
}

/// Reads the sections of a v2 answer.
pub(super) async fn read_v2(
    packets: &mut PacketReader,
    pack: &mpsc::Sender<Bytes>,
) -> Result<Fetched, TransportError> {
    let mut fetched = Fetched::default();
    let mut section = String::new();
    loop {
        match packets.next().await? {
            Some(Packet::Data(data)) => {
                let line = line_of(&data).unwrap_or_default();
                if let Some(message) = line.strip_prefix("ERR ") {
                    return Err(TransportError::Remote(message.chars().take(512).collect()));
                }
                match section.as_str() {
                    "" if line == "packfile" => {
                        read_side_band(packets, pack).await?;
                        return Ok(fetched);
                    }
                    "" => line.clone_into(&mut section),
                    "shallow-info" => fetched.add_shallow(line),
                    // acknowledgments and what later protocols may add
                    _ => {}
                }
            }
            Some(Packet::Delimiter) => section.clear(),
            Some(Packet::Flush | Packet::End) | None => {
                return Err(TransportError::Protocol("no pack"));
            }
        }
    }
}

/// Reads a v0 answer: shallow commits, acknowledgements, the pack.
pub(super) async fn read_v0(
    packets: &mut PacketReader,
    request: &FetchRequest,
    pack: &mpsc::Sender<Bytes>,
) -> Result<Fetched, TransportError> {
    let mut fetched = Fetched::default();
    let mut in_shallow_section = request.history == History::Shallow;
    loop {
        match packets.next().await? {
            Some(Packet::Data(data)) => {
                let line = line_of(&data).unwrap_or_default();
                if let Some(message) = line.strip_prefix("ERR ") {
                    return Err(TransportError::Remote(message.chars().take(512).collect()));
                }
                if in_shallow_section {
                    fetched.add_shallow(line);
                } else if line == "NAK" || line.starts_with("ACK ") {
                    // one acknowledgement precedes the pack
                    read_side_band(packets, pack).await?;
                    return Ok(fetched);
                } else {
                    return Err(TransportError::Protocol("no acknowledgement"));
                }
            }
            Some(Packet::Flush) if in_shallow_section => in_shallow_section = false,
            Some(Packet::Flush | Packet::Delimiter | Packet::End) | None => {
                return Err(TransportError::Protocol("no pack"));
            }
        }
    }
}

impl Fetched {
    fn add_shallow(&mut self, line: &str) {
        if let Some(commit) = line.strip_prefix("shallow ") {
            self.shallow.push(commit.to_owned());
        }
    }
}

/// Takes the pack out of the side band: 1 is data, 2 is progress, 3 is an error.
async fn read_side_band(
    packets: &mut PacketReader,
    pack: &mpsc::Sender<Bytes>,
) -> Result<(), TransportError> {
    loop {
        match packets.next().await? {
            Some(Packet::Data(mut data)) => match data.first() {
                Some(1) => {
                    let content = data.split_off(1);
                    if pack.send(content).await.is_err() {
                        return Err(TransportError::Interrupted);
                    }
                }
                Some(2) => {}
                Some(3) => {
                    let text = String::from_utf8_lossy(data.get(1..).unwrap_or_default());
                    return Err(TransportError::Remote(text.trim().chars().take(512).collect()));
                }
                _ => return Err(TransportError::Protocol("no side band")),
            },
            Some(Packet::Flush | Packet::End) => return Ok(()),
            Some(Packet::Delimiter) => return Err(TransportError::Protocol("no side band")),
            None => return Err(TransportError::Protocol("pack was cut off")),
        }
    }
}
