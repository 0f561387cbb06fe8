//! AES-256 in CBC mode, with the vector before the text.

use aws_lc_rs::cipher::{
    AES_256, AES_CBC_IV_LEN, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext,
    UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use data_encoding::BASE64;

use crate::engine::FunctionError as Error;
use crate::functions::encoding::decode_base64;
use crate::value::Value;

const BLOCK: usize = 16;

/// A password, cut or filled up with zeros to the length of a key.
fn key(password: &[u8]) -> Result<UnboundCipherKey, Error> {
    let mut bytes = [0; 32];
    for (byte, from) in bytes.iter_mut().zip(password) {
        *byte = *from;
    }
    UnboundCipherKey::new(&AES_256, &bytes).map_err(Error::new)
}

pub(super) fn encrypt(password: &[u8], text: &[u8]) -> Result<Value, Error> {
    if text.is_empty() {
        return Ok("".into());
    }
    let padding = BLOCK - text.len() % BLOCK;
    let mut blocks = text.to_vec();
    blocks.extend(std::iter::repeat_n(u8::try_from(padding).unwrap_or_default(), padding));
    let mut vector = [0; AES_CBC_IV_LEN];
    rand::fill(&mut vector[..]);
    let context = EncryptionContext::Iv128(FixedLength::from(vector));
    let cipher = EncryptingKey::cbc(key(password)?).map_err(Error::new)?;
    cipher.less_safe_encrypt(&mut blocks, context).map_err(Error::new)?;
    Ok(BASE64.encode(&[vector.as_slice(), &blocks].concat()).into())
}

pub(super) fn decrypt(password: &[u8], text: &[u8]) -> Result<Value, Error> {
    if text.is_empty() {
        return Ok("".into());
    }
    let bytes = decode_base64(text).map_err(Error::new)?;
    let Some((vector, blocks)) = bytes.split_first_chunk::<AES_CBC_IV_LEN>() else {
        let capacity = text.len().div_ceil(4) * 3;
        return Err(Error::runtime(format!("slice bounds out of range [:16] with capacity {capacity}")));
    };
    if !blocks.len().is_multiple_of(BLOCK) {
        return Err(Error::new("crypto/cipher: input not full blocks"));
    }
    let mut blocks = blocks.to_vec();
    let context = DecryptionContext::Iv128(FixedLength::from(*vector));
    let cipher = DecryptingKey::cbc(key(password)?).map_err(Error::new)?;
    let plain = cipher.decrypt(&mut blocks, context).map_err(Error::new)?;
    let Some(padding) = plain.last() else { return Err(Error::runtime("index out of range [-1]")) };
    let padding = usize::from(*padding);
    let kept = plain.len().checked_sub(padding).and_then(|length| plain.get(..length));
    let out_of_range = || {
        let bound =
            i64::try_from(plain.len()).unwrap_or_default() - i64::try_from(padding).unwrap_or_default();
        Error::runtime(format!("slice bounds out of range [:{bound}]"))
    };
    Ok(Value::String(kept.ok_or_else(out_of_range)?.into()))
}
