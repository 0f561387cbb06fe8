//! The packets ("pkt-line") that the protocol is made of.

use bytes::{Buf as _, Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _};

use crate::error::TransportError;

/// Longest packet of the protocol, its length included.
const MAX_PACKET: usize = 65520;

/// One packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Packet {
    /// A line or a piece of data.
    Data(Bytes),
    /// `0000`: the end of a message.
    Flush,
    /// `0001`: the end of a section.
    Delimiter,
    /// `0002`: the end of an answer.
    End,
}

/// Reads packets from the body of an answer.
pub(crate) struct PacketReader {
    body: BoxStream<'static, reqwest::Result<Bytes>>,
    buffer: BytesMut,
    left: u64,
    limit: u64,
}

impl PacketReader {
    /// Reads `body`, at most `limit` bytes of it.
    pub(crate) fn new(body: impl Stream<Item = reqwest::Result<Bytes>> + Send + 'static, limit: u64) -> Self {
        Self { body: body.boxed(), buffer: BytesMut::new(), left: limit, limit }
    }

    /// The next packet; `None` at the end of the body.
    pub(crate) async fn next(&mut self) -> Result<Option<Packet>, TransportError> {
        if !self.fill(4).await? {
            return if self.buffer.is_empty() { Ok(None) } else { Err(cut_off()) };
        }
        let digits = self.buffer.split_to(4);
        let length = std::str::from_utf8(&digits)
            .ok()
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|text| usize::from_str_radix(text, 16).ok())
            .ok_or(TransportError::Protocol("not a packet"))?;
        match length {
            0 => Ok(Some(Packet::Flush)),
            1 => Ok(Some(Packet::Delimiter)),
            2 => Ok(Some(Packet::End)),
            4..=MAX_PACKET => {
                if !self.fill(length - 4).await? {
                    return Err(cut_off());
                }
                Ok(Some(Packet::Data(self.buffer.split_to(length - 4).freeze())))
            }
            _ => Err(TransportError::Protocol("packet of impossible length")),
        }
    }

    /// Buffers at least `count` bytes; `false` where the body ends before.
    async fn fill(&mut self, count: usize) -> Result<bool, TransportError> {
        while self.buffer.len() < count {
            let Some(chunk) = self.body.next().await else { return Ok(false) };
            let mut chunk = chunk?;
            self.left =
                self.left.checked_sub(chunk.len() as u64).ok_or(TransportError::TooLarge(self.limit))?;
            self.buffer.extend_from_slice(&chunk);
            chunk.advance(chunk.len());
        }
        Ok(true)
    }
}

const fn cut_off() -> TransportError {
    TransportError::Protocol("cut off in the middle of a packet")
}

/// A line without its line feed, as text; servers write names in UTF-8, and we can ask for no others.
pub(crate) fn line_of(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data.strip_suffix(b"\n").unwrap_or(data)).ok()
}

/// Packets to be sent.
#[derive(Debug, Default)]
pub(crate) struct PacketWriter {
    bytes: Vec<u8>,
}

impl PacketWriter {
    /// Adds a line; it must be shorter than a packet, which all of ours are by far.
    pub(crate) fn line(&mut self, text: &str) {
        self.bytes.extend_from_slice(format!("{:04x}{text}\n", text.len() + 5).as_bytes());
    }

    pub(crate) fn flush(&mut self) {
        self.bytes.extend_from_slice(b"0000");
    }

    pub(crate) fn delimiter(&mut self) {
        self.bytes.extend_from_slice(b"0001");
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    fn reader(chunks: &[&'static str], limit: u64) -> PacketReader {
        let chunks: Vec<_> = chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk.as_bytes()))).collect();
        PacketReader::new(stream::iter(chunks), limit)
    }

    async fn all(chunks: &[&'static str]) -> Result<Vec<Packet>, TransportError> {
        let mut reader = reader(chunks, 1000);
        let mut packets = Vec::new();
        while let Some(packet) = reader.next().await? {
            packets.push(packet);
        }
        Ok(packets)
    }

    #[tokio::test]
    async fn packets_come_out_however_the_body_is_cut() {
        let want = [Packet::Data("hello\n".into()), Packet::Delimiter, Packet::Flush, Packet::End];
        assert_eq!(all(&["000ahello\n000100000002"]).await.expect("packets"), want);
        assert_eq!(all(&["0", "00ah", "ello\n00", "010000", "0002"]).await.expect("packets"), want);
    }

    #[tokio::test]
    async fn broken_bodies_are_errors() {
        for body in ["000ahel", "00", "zzzz", "0003", "fff1", "+00a12345"] {
            assert!(all(&[body]).await.is_err(), "{body}");
        }
        let mut reader = reader(&["000ahello\n", "000ahello\n"], 15);
        assert!(reader.next().await.is_ok());
        assert!(matches!(reader.next().await, Err(TransportError::TooLarge(15))));
    }

    #[test]
    fn lines_are_written_with_their_length() {
        let mut writer = PacketWriter::default();
        writer.line("command=ls-refs");
        writer.delimiter();
        writer.flush();
        assert_eq!(writer.finish(), b"0014command=ls-refs\n00010000");
    }
}
