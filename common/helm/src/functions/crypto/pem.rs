//! PEM, as Go's `encoding/pem` reads and writes it.

use data_encoding::BASE64;

/// A label, and the bytes under it.
pub(super) struct Block {
    pub(super) label: String,
    pub(super) bytes: Vec<u8>,
}

/// The first block of a text.
pub(super) fn decode(text: &[u8]) -> Option<Block> {
    let text = String::from_utf8_lossy(text);
    let mut rest = text.as_ref();
    loop {
        let (_, after) = rest.split_once("-----BEGIN ")?;
        let (label, body) = after.split_once("-----")?;
        let end = format!("-----END {label}-----");
        let Some((inside, _)) = body.split_once(&end) else {
            rest = after;
            continue;
        };
        // headers end at an empty line
        let payload = inside.split_once("\n\n").filter(|(headers, _)| headers.contains(':'));
        let payload = payload.map_or(inside, |(_, payload)| payload);
        let packed: String = payload.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let Ok(bytes) = BASE64.decode(packed.as_bytes()) else {
            rest = after;
            continue;
        };
        return Some(Block { label: label.to_owned(), bytes });
    }
}

/// A block with lines of 64 characters.
pub(super) fn encode(label: &str, bytes: &[u8]) -> Vec<u8> {
    let encoded = BASE64.encode(bytes);
    let mut output = format!("-----BEGIN {label}-----\n").into_bytes();
    for line in encoded.as_bytes().chunks(64) {
        output.extend_from_slice(line);
        output.push(b'\n');
    }
    output.extend(format!("-----END {label}-----\n").bytes());
    output
}
