//! DSA keys. The parameters are the same for all of them: made once by `openssl
//! genpkey -genparam -algorithm DSA` (2048 and 256 bits), since to find new ones takes seconds, and keys may share
//! them.

use num_bigint::BigUint;

/// Modulus, 2048 bits.
const P: &[u8] = b"\
    e865c31326352ab8ee20b5dce6f7c57839db9b54d8b199b4227786233ef8e4838d4ab80702f4a1845a87e9ca6b9e85e4\
    e0225d0919d78862f946ed7c55dad3851862f07fb330cb60e33c47334b8450a74e3975868825062891d6a867565741cf\
    6af169ee97f379a8d1fe4beb9c65a27b9710b1b8ccaab7d77ce634a48f7cbf68bc5c38a5dcb7df1e79af814e14202aa5\
    7d6832886f277fdf99d4eeea7e9a10f21495582ad16d9a787efd98c61d474c5f90c86e1d8066be265fd9b0160e5428df\
    383db10ae2b8c3fbdb6f859d7e24a34ee68d05fa6b70410517b0e90478a761a782f8cfd38d695f954a86d9504962ea21\
    f695294d5c605fae72bf5e59ab9e9797";

/// Order of the subgroup, prime.
const Q: &[u8] = b"\
    c21983a25c31383dbf72e102231326810663aa68eebd6ea43bced3e4ce225ca3";

/// Generator.
const G: &[u8] = b"\
    37c93e9d6b2c38e0804a5fbdb45633da7531bbd292553c47de3b9213866911777a126ebf93b43be1f3dc04a601b015ea\
    3f54e888c9782ee32608ecbbdc7c11b0d65f1fba2fe7065f59a7ff04f58557397b440a45dca26f2fb47b087b6fed2ca5\
    535c9850f7e5c549ea55fb56be34caa04d9c6c736a841493b7e78c2cda80238b088018e2383b6fbac589c619641a12b4\
    d1fe20c7ec798c85e292c80484a09149e267d7077cd1c54b281c7e7e2671ac36a170b43cca5068242653c5e644dce401\
    76857bc4bcc3036280e9c9cf5aa98b837c5bd9472e5c747b7586d0a998c985826d49b392929aec58f46872068ac33d71\
    e54355c1d42bf548d4e73fe170492319";

fn number(digits: &[u8]) -> BigUint {
    BigUint::parse_bytes(digits, 16).unwrap_or_default()
}

/// Version, parameters, public and private number of a new key, in DER.
pub(super) fn generate() -> Vec<u8> {
    let (p, q, g) = (number(P), number(Q), number(G));
    let mut random = [0; 64];
    rand::fill(&mut random[..]);
    let private = BigUint::from_bytes_be(&random) % (&q - 1_u32) + 1_u32;
    let public = g.modpow(&private, &p);
    let numbers = [BigUint::ZERO, p, q, g, public, private];
    sequence(&numbers.iter().flat_map(integer).collect::<Vec<u8>>())
}

/// Tag, length and contents.
fn tagged(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len().to_be_bytes();
    let length: Vec<u8> = length.iter().copied().skip_while(|byte| *byte == 0).collect();
    let mut output = vec![tag];
    match contents.len() {
        short @ 0..=127 => output.push(u8::try_from(short).unwrap_or_default()),
        _ => {
            output.push(0x80 | u8::try_from(length.len()).unwrap_or_default());
            output.extend(length);
        }
    }
    output.extend_from_slice(contents);
    output
}

fn sequence(contents: &[u8]) -> Vec<u8> {
    tagged(0x30, contents)
}

fn integer(number: &BigUint) -> Vec<u8> {
    let mut bytes = number.to_bytes_be();
    // a first bit that is set would make it negative
    if bytes.first().is_some_and(|byte| byte & 0x80 != 0) {
        bytes.insert(0, 0);
    }
    tagged(0x02, &bytes)
}
