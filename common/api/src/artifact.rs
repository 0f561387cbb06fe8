//! Artifacts: what sources publish and appliers download.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::wire::wire_enum;

/// A file that a source controller serves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// Digest of the file, `<algorithm>:<checksum>`.
    #[schemars(extend("pattern" = DIGEST_PATTERN))]
    pub digest: String,
    /// When the file was made, in whole seconds.
    pub last_update_time: Time,
    /// Facts about the file, as OCI annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Path of the file below the root of the storage.
    pub path: String,
    /// Where in the origin's history the contents stand, such as `main@sha1:<commit>`.
    pub revision: String,
    /// Length of the file in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// Address the file is downloaded from.
    pub url: String,
}

/// What the API server admits as digest.
const DIGEST_PATTERN: &str = "^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$";

wire_enum! {
    /// Hash functions of digests.
    pub enum DigestAlgorithm {
        /// SHA-1, 40 digits.
        Sha1 = "sha1",
        /// SHA-256, 64 digits.
        Sha256 = "sha256",
        /// SHA-384, 96 digits.
        Sha384 = "sha384",
        /// SHA-512, 128 digits.
        Sha512 = "sha512",
        /// BLAKE3 with 256 bits, 64 digits.
        Blake3 = "blake3",
    }
}

impl DigestAlgorithm {
    /// Number of hexadecimal digits.
    pub const fn hex_len(self) -> usize {
        match self {
            Self::Sha1 => 40,
            Self::Sha256 | Self::Blake3 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        }
    }
}

/// A digest of known algorithm and right length, such as `sha256:…`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    algorithm: DigestAlgorithm,
    hex: String,
}

/// The text is not a digest of a known algorithm.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid digest {0:?}")]
pub struct InvalidDigest(String);

impl Digest {
    /// The hash function.
    pub const fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// The checksum in lower-case hexadecimal digits.
    pub fn hex(&self) -> &str {
        &self.hex
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let invalid = || InvalidDigest(text.to_owned());
        let (name, hex) = text.split_once(':').ok_or_else(invalid)?;
        let algorithm: DigestAlgorithm = name.parse().map_err(|_| invalid())?;
        let well_formed = hex.len() == algorithm.hex_len()
            && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        well_formed.then(|| Self { algorithm, hex: hex.to_owned() }).ok_or_else(invalid)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.algorithm, self.hex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_has_the_length_of_its_algorithm() {
        let text = format!("sha256:{}", "0a".repeat(32));
        let digest: Digest = text.parse().unwrap();
        assert_eq!((digest.algorithm(), digest.to_string()), (DigestAlgorithm::Sha256, text));
        for wrong in ["", "sha256", "sha256:", "md5:00", "sha1:abc"] {
            assert_eq!(wrong.parse::<Digest>(), Err(InvalidDigest(wrong.to_owned())));
        }
        assert!(
            format!("sha1:{}", "0A".repeat(20)).parse::<Digest>().is_err(),
            "upper case is not canonical"
        );
    }
}
