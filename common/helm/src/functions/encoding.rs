//! Encodings and checksums.

use aws_lc_rs::digest;
use data_encoding::{BASE32, BASE64, DecodeKind, Encoding};

use super::arguments::Arguments;
use super::{Error, Function, Render, Type};
use crate::value::Value;

use Type::String;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("b64enc", &[String], |render, arguments| encode(render, arguments.text(0), &BASE64)),
    Function::new("b32enc", &[String], |render, arguments| encode(render, arguments.text(0), &BASE32)),
    Function::new("b64dec", &[String], |render, arguments| {
        render.budget.text(arguments.text(0).len())?;
        Ok(decode_base64(arguments.text(0)).unwrap_or_else(|error| error.to_string().into_bytes()).into())
    }),
    Function::new("b32dec", &[String], |render, arguments| {
        render.budget.text(arguments.text(0).len())?;
        Ok(decode_base32(arguments.text(0)).unwrap_or_else(|error| error.to_string().into_bytes()).into())
    }),
    Function::new("sha1sum", &[String], |_, arguments| {
        Ok(checksum(arguments.text(0), &digest::SHA1_FOR_LEGACY_USE_ONLY))
    }),
    Function::new("sha256sum", &[String], |_, arguments| Ok(checksum(arguments.text(0), &digest::SHA256))),
    Function::new("sha512sum", &[String], |_, arguments| Ok(checksum(arguments.text(0), &digest::SHA512))),
    Function::new("adler32sum", &[String], |_, arguments| Ok(adler32(arguments.text(0)).to_string().into())),
];

fn encode(render: &mut Render, text: &[u8], encoding: &Encoding) -> Result<Value, Error> {
    render.budget.text(encoding.encode_len(text.len()))?;
    Ok(encoding.encode(text).into())
}

/// What Go says of a text that is not encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("illegal {encoding} data at input byte {position}")]
pub(super) struct CorruptInput {
    encoding: &'static str,
    position: usize,
}

/// `base64.StdEncoding`, which passes over line breaks.
pub(super) fn decode_base64(text: &[u8]) -> Result<Vec<u8>, CorruptInput> {
    decode(text, "base64", 4, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'), &BASE64)
}

fn decode_base32(text: &[u8]) -> Result<Vec<u8>, CorruptInput> {
    decode(text, "base32", 8, |byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'), &BASE32)
}

fn decode(
    text: &[u8],
    name: &'static str,
    quantum: usize,
    is_digit: impl Fn(u8) -> bool,
    encoding: &Encoding,
) -> Result<Vec<u8>, CorruptInput> {
    let corrupt = |position| CorruptInput { encoding: name, position };
    let kept: Vec<(usize, u8)> =
        text.iter().copied().enumerate().filter(|(_, byte)| !matches!(byte, b'\r' | b'\n')).collect();
    let packed: Vec<u8> = kept.iter().map(|(_, byte)| *byte).collect();
    let position = |index: usize| kept.get(index).map_or(text.len(), |(position, _)| *position);
    let digits = packed.iter().take_while(|byte| is_digit(**byte)).count();
    let whole = digits / quantum * quantum;
    let is_padding_place = match quantum {
        4 => matches!(digits - whole, 2 | 3),
        _ => matches!(digits - whole, 2 | 4 | 5 | 7),
    };
    let rest = packed.get(digits..).unwrap_or_default();
    let padding = rest.iter().take_while(|byte| **byte == b'=').count();
    if rest.is_empty() {
        if digits != whole {
            return Err(corrupt(position(whole)));
        }
    } else if padding == 0 || !is_padding_place {
        return Err(corrupt(position(digits)));
    } else if digits - whole + padding < quantum {
        let end = digits + padding;
        let at = if end == packed.len() { text.len() } else { position(end) };
        return Err(corrupt(at));
    } else if digits - whole + padding > quantum || padding != rest.len() {
        return Err(corrupt(position(if quantum == 4 { whole + quantum } else { digits })));
    }
    let mut lenient = encoding.specification();
    lenient.check_trailing_bits = false;
    let lenient = lenient.encoding().map_err(|_| corrupt(0))?;
    lenient.decode(&packed).map_err(|error| match error.kind {
        DecodeKind::Length | DecodeKind::Symbol | DecodeKind::Trailing | DecodeKind::Padding => {
            corrupt(position(error.position))
        }
    })
}

fn checksum(text: &[u8], algorithm: &'static digest::Algorithm) -> Value {
    hex::encode(digest::digest(algorithm, text).as_ref()).into()
}

fn adler32(text: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    let (low, high) = text.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % MODULUS;
        (low, (high + low) % MODULUS)
    });
    high << 16 | low
}
