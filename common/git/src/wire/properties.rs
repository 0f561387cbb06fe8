//! Whatever a server sends, what reads it comes to an end, without a panic and within its bounds.

use bytes::Bytes;
use futures::stream;
use proptest::prelude::*;
use tokio::sync::mpsc;

use super::advertisement::{Advertisement, read_listing};
use super::fetch::{FetchRequest, History, read_v0, read_v2};
use super::packet::{Packet, PacketReader, PacketWriter};
use crate::error::TransportError;

const LIMIT: u64 = 1 << 20;

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(work)
}

/// The same bytes in pieces of this size.
fn reader(bytes: &[u8], piece: usize) -> PacketReader {
    let pieces: Vec<_> = bytes.chunks(piece.max(1)).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    PacketReader::new(stream::iter(pieces), LIMIT)
}

fn packets(bytes: &[u8], piece: usize) -> (Vec<Packet>, Option<String>) {
    wait(async {
        let (mut reader, mut packets) = (reader(bytes, piece), Vec::new());
        loop {
            match reader.next().await {
                Ok(Some(packet)) => packets.push(packet),
                Ok(None) => return (packets, None),
                Err(error) => return (packets, Some(error.to_string())),
            }
        }
    })
}

/// Lines as servers write them, and nonsense among them; an empty one stands for a flush.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let object = "[0-9a-f]{40}";
    let of = |pattern: String| prop::string::string_regex(&pattern).expect("a pattern");
    let line = prop_oneof![
        Just(String::new()),
        Just("version 2".to_owned()),
        Just("# service=git-upload-pack".to_owned()),
        Just("packfile".to_owned()),
        Just("shallow-info".to_owned()),
        Just("NAK".to_owned()),
        Just("ERR no".to_owned()),
        of(format!("{object} refs/(heads|tags)/[a-z^{{}}]{{0,6}}( peeled:{object})?")),
        of(format!("{object} HEAD\0[a-z =-]{{0,20}}")),
        of(format!("(shallow|ACK|unborn) {object}")),
        "[\u{1}\u{2}\u{3}][ -~]{0,30}",
        "\\PC{0,30}",
    ];
    prop::collection::vec(line, 0..20)
}

fn written(lines: &[String]) -> Vec<u8> {
    let mut writer = PacketWriter::default();
    for line in lines {
        if line.is_empty() { writer.flush() } else { writer.line(line) }
    }
    writer.finish()
}

/// Reads an answer to a fetch in both protocols; gives how many bytes of a pack came of it.
async fn fetched(bytes: &[u8], piece: usize) -> usize {
    let mut total = 0;
    for history in [History::Shallow, History::Full] {
        let request =
            FetchRequest { wants: Vec::new(), haves: Vec::new(), shallow: Vec::new(), history, limit: LIMIT };
        let (pack, mut received) = mpsc::channel(1024);
        let results: [Result<_, TransportError>; 2] = [
            read_v2(&mut reader(bytes, piece), &pack).await,
            read_v0(&mut reader(bytes, piece), &request, &pack).await,
        ];
        drop((pack, results));
        while let Some(bytes) = received.recv().await {
            total += bytes.len();
        }
    }
    total
}

proptest! {
    #[test]
    fn cutting_a_body_changes_nothing(bytes in prop::collection::vec(any::<u8>(), 0..300), piece in 1_usize..40) {
        prop_assert_eq!(packets(&bytes, piece), packets(&bytes, bytes.len()));
    }

    #[test]
    fn what_is_written_is_read(lines in lines(), piece in 1_usize..40) {
        let (packets, error) = packets(&written(&lines), piece);
        prop_assert_eq!(error, None);
        let want: Vec<Packet> = lines
            .iter()
            .map(|line| match line.as_str() {
                "" => Packet::Flush,
                line => Packet::Data(format!("{line}\n").into()),
            })
            .collect();
        prop_assert_eq!(packets, want);
    }

    #[test]
    fn every_introduction_and_listing_ends(lines in lines(), cut in any::<prop::sample::Index>()) {
        let bytes = written(&lines);
        let bytes = &bytes[..cut.index(bytes.len() + 1)];
        wait(async {
            if let Ok(Advertisement::V0(_, references)) = Advertisement::read(&mut reader(bytes, 7)).await {
                assert!(references.iter().all(|reference| reference.object.len() == 40));
            }
            if let Ok(references) = read_listing(&mut reader(bytes, 7)).await {
                assert!(references.iter().all(|reference| reference.object.len() == 40));
            }
        });
    }

    #[test]
    fn a_pack_is_never_longer_than_what_came(lines in lines(), piece in 1_usize..40) {
        let bytes = written(&lines);
        // four readings of the same bytes
        prop_assert!(wait(fetched(&bytes, piece)) <= 4 * bytes.len());
    }
}
