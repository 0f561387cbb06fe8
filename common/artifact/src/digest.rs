//! Digests of artifacts: `sha256:<hex>` and its kin.

use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use strum::{Display, EnumString};

/// The hash functions that artifacts are named by; the text is that of `--artifact-digest-algo`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Display, EnumString)]
#[strum(serialize_all = "lowercase")]
pub enum Algorithm {
    /// SHA-1, for old consumers only.
    Sha1,
    /// SHA-256, the default.
    #[default]
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// BLAKE3 with 32 bytes.
    Blake3,
}

/// A digest as it stands in a status: algorithm and lower-case hex.
///
/// ```
/// use flux_artifact::Digest;
/// let text = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// assert_eq!(text.parse::<Digest>()?.to_string(), text);
/// # Ok::<(), flux_artifact::InvalidDigest>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Digest {
    algorithm: Algorithm,
    hex: String,
}

/// A text that is no digest of an algorithm we know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid digest '{0}'")]
pub struct InvalidDigest(String);

impl Algorithm {
    const fn hex_length(self) -> usize {
        match self {
            Self::Sha1 => 40,
            Self::Sha256 | Self::Blake3 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        }
    }
}

impl Digest {
    /// The digest of `bytes`.
    pub fn of(algorithm: Algorithm, bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }

    /// The hash function.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Lower-case hex without the algorithm.
    pub fn hex(&self) -> &str {
        &self.hex
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    /// Without an algorithm a digest counts as SHA-256, as in artifacts of old controllers.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidDigest(text.to_owned());
        let (name, hex) = text.split_once(':').unwrap_or(("sha256", text));
        let algorithm: Algorithm = name.parse().map_err(|_| invalid())?;
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let well_formed = hex.len() == algorithm.hex_length() && hex.bytes().all(is_hex);
        well_formed.then(|| Self { algorithm, hex: hex.to_owned() }).ok_or_else(invalid)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm, self.hex)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Computes a [`Digest`] piece by piece.
pub struct Hasher {
    algorithm: Algorithm,
    state: State,
}

enum State {
    Sha(Context),
    Blake3(Box<blake3::Hasher>),
}

impl Hasher {
    /// A hasher that has seen nothing.
    pub fn new(algorithm: Algorithm) -> Self {
        let state = match algorithm {
            Algorithm::Sha1 => State::Sha(Context::new(&SHA1_FOR_LEGACY_USE_ONLY)),
            Algorithm::Sha256 => State::Sha(Context::new(&SHA256)),
            Algorithm::Sha384 => State::Sha(Context::new(&SHA384)),
            Algorithm::Sha512 => State::Sha(Context::new(&SHA512)),
            Algorithm::Blake3 => State::Blake3(Box::default()),
        };
        Self { algorithm, state }
    }

    /// Takes in `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Sha(context) => context.update(bytes),
            State::Blake3(hasher) => {
                hasher.update(bytes);
            }
        }
    }

    /// The digest of all that was taken in.
    pub fn finish(self) -> Digest {
        let hex = match self.state {
            State::Sha(context) => hex::encode(context.finish()),
            State::Blake3(hasher) => hasher.finalize().to_hex().to_string(),
        };
        Digest { algorithm: self.algorithm, hex }
    }

    /// Takes in all that `reader` gives.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn update_reader(&mut self, mut reader: impl Read) -> io::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = reader.read(&mut buffer)?;
            let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { return Ok(()) };
            self.update(bytes);
        }
    }
}

/// Hashes and counts what passes through to another writer.
pub(crate) struct HashingWriter<W> {
    inner: W,
    hasher: Hasher,
    size: u64,
}

impl<W: Write> HashingWriter<W> {
    pub(crate) fn new(inner: W, algorithm: Algorithm) -> Self {
        Self { inner, hasher: Hasher::new(algorithm), size: 0 }
    }

    /// The writer, the digest and the size in bytes.
    pub(crate) fn finish(self) -> (W, Digest, u64) {
        (self.inner, self.hasher.finish(), self.size)
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(buffer)?;
        self.hasher.update(buffer.get(..count).unwrap_or_default());
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Digests of `hello\n`: coreutils' shaNsum, and b3sum 1.5 for the last.
    const HELLO: &[&str] = &[
        "sha1:f572d396fae9206628714fb2ce00f72e94f2258f",
        "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
        "sha384:1d0f284efe3edea4b9ca3bd514fa134b17eae361ccc7a1eefeff801b9bd6604e01f21f6bf249ef030599f0c218f2ba8c",
        "sha512:e7c22b994c59d9cf2b48e549b1e24666636045930d3da7c1acb299d1c3b7f931f94aae41edda2c2b207a36e10f8bcb8d45223e54878f5b316e7ce3b6bc019629",
    ];

    #[test]
    fn each_algorithm_gives_its_known_digest() {
        for text in HELLO {
            let digest: Digest = text.parse().expect("a digest");
            assert_eq!(Digest::of(digest.algorithm(), b"hello\n").to_string(), *text);
        }
        let empty = "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!(Digest::of(Algorithm::Blake3, b"").to_string(), empty);
    }

    #[test]
    fn only_well_formed_digests_are_read() {
        let hex = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
        let bare: Digest = hex.parse().expect("SHA-256 is the default");
        assert_eq!(bare.to_string(), format!("sha256:{hex}"));
        for wrong in ["", "sha256:", "md5:d41d8cd98f00b204e9800998ecf8427e", "sha256:5891", "sha1:../x"] {
            assert_eq!(wrong.parse::<Digest>(), Err(InvalidDigest(wrong.to_owned())));
        }
        assert!(hex.to_uppercase().parse::<Digest>().is_err());
    }
}
