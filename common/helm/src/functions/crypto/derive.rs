//! Passwords by the public Master Password algorithm, version 3.

use aws_lc_rs::hmac;
use scrypt::{Params, scrypt};

use crate::engine::FunctionError as Error;
use crate::functions::arguments::Arguments;
use crate::value::Value;

const SEED: &[u8] = b"com.lyndir.masterpassword";

/// What the characters of passwords of a type are.
fn templates(kind: &[u8]) -> Option<&'static [&'static str]> {
    Some(match kind {
        b"maximum" => &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
        b"long" => &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
        b"medium" => &["CvcnoCvc", "CvcCvcno"],
        b"short" => &["Cvcn"],
        b"basic" => &["aaanaaan", "aannaaan", "aaannaaa"],
        b"pin" => &["nnnn"],
        _ => return None,
    })
}

/// What a letter of a template stands for.
const fn characters(class: u8) -> &'static [u8] {
    match class {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

fn length(text: &[u8]) -> [u8; 4] {
    u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes()
}

/// The password of a counter, and of the arguments after it: type, password, user and site.
pub(super) fn password(counter: u32, arguments: &[Value]) -> Result<Value, Error> {
    let [kind, secret, user, site] = [1, 2, 3, 4].map(|index| arguments.text(index));
    let Some(templates) = templates(kind) else {
        return Ok([b"cannot find password template ", kind].concat().into());
    };
    let salt = [SEED, &length(user), user].concat();
    let mut key = [0; 64];
    let parameters = Params::new(15, 8, 2).map_err(Error::new)?;
    scrypt(secret, &salt, &parameters, &mut key).map_err(Error::new)?;
    let message = [SEED, &length(site), site, &counter.to_be_bytes()].concat();
    let seed = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &message);
    let (first, rest) = seed.as_ref().split_first().ok_or_else(|| Error::new("empty seed"))?;
    let pick =
        |from: &'static [u8], by: u8| from.get(usize::from(by) % from.len()).copied().unwrap_or_default();
    let template = templates.get(usize::from(*first) % templates.len()).copied().unwrap_or_default();
    let password: Vec<u8> =
        template.bytes().zip(rest).map(|(class, byte)| pick(characters(class), *byte)).collect();
    Ok(password.into())
}
