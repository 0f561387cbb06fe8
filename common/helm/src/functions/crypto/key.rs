//! Private keys.

use aws_lc_rs::encoding::{AsDer, EcPrivateKeyRfc5915Der, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::asn1::OctetStringRef;
use x509_cert::der::{Decode as _, Reader as _, SliceReader};
use x509_cert::spki::AlgorithmIdentifierRef;

use super::{dsa, pem};
use crate::engine::FunctionError as Error;

/// Lengths of new RSA keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RsaSize {
    Bits2048,
    Bits4096,
}

/// Curves that certificates are signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Curve {
    P256,
    P384,
    P521,
}

const CURVES: [Curve; 3] = [Curve::P256, Curve::P384, Curve::P521];

impl Curve {
    const fn algorithm(self) -> &'static EcdsaSigningAlgorithm {
        match self {
            Self::P256 => &ECDSA_P256_SHA256_ASN1_SIGNING,
            Self::P384 => &ECDSA_P384_SHA384_ASN1_SIGNING,
            Self::P521 => &ECDSA_P521_SHA512_ASN1_SIGNING,
        }
    }
}

/// A private key.
pub(super) enum PrivateKey {
    Rsa(rsa::KeyPair),
    Ecdsa(EcdsaKeyPair, CurveName),
    Ed25519(Ed25519KeyPair),
    /// In DER: such keys are written, but sign nothing.
    Dsa(Vec<u8>),
}

/// The curve of a key.
pub(super) struct CurveName(Curve);

const SHA256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_WITH_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ECDSA_WITH_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(format!("failed to generate private key: {error}"))
}

impl PrivateKey {
    /// A new key of a type; nothing for a type that is not known.
    pub(super) fn generate(kind: &[u8]) -> Option<Result<Self, Error>> {
        Some(match kind {
            b"" | b"rsa" => Self::generate_rsa(RsaSize::Bits4096),
            b"dsa" => Ok(Self::Dsa(dsa::generate())),
            b"ecdsa" => EcdsaKeyPair::generate(Curve::P256.algorithm())
                .map(|key| Self::Ecdsa(key, CurveName(Curve::P256)))
                .map_err(failed),
            b"ed25519" => Ed25519KeyPair::generate().map(Self::Ed25519).map_err(failed),
            _ => return None,
        })
    }

    /// A new RSA key.
    pub(super) fn generate_rsa(size: RsaSize) -> Result<Self, Error> {
        let size = match size {
            RsaSize::Bits2048 => KeySize::Rsa2048,
            RsaSize::Bits4096 => KeySize::Rsa4096,
        };
        rsa::KeyPair::generate(size).map(Self::Rsa).map_err(failed)
    }

    /// A key in PEM.
    pub(super) fn parse(text: &[u8]) -> Result<Self, Error> {
        let block = pem::decode(text).ok_or_else(|| Error::new("no PEM data in input"))?;
        if block.label == "PRIVATE KEY" {
            return Self::from_pkcs8(&block.bytes).map_err(|error| error.within("decoding PEM as PKCS#8"));
        }
        let Some(kind) = block.label.strip_suffix(" PRIVATE KEY") else {
            return Err(Error::new(format!("no private key data in PEM block of type {}", block.label)));
        };
        match kind {
            "RSA" => rsa::KeyPair::from_der(&block.bytes)
                .map(Self::Rsa)
                .map_err(|error| rejected(&block.bytes, error).within("parsing RSA private key from PEM")),
            "EC" => Self::from_ec(&block.bytes).map_err(|error| {
                error.within("parsing EC private key from PEM: x509: failed to parse EC private key")
            }),
            "DSA" if block.bytes.len() > 1 => Ok(Self::Dsa(block.bytes)),
            "DSA" => Err(truncated().within("parsing DSA private key from PEM")),
            _ => Err(Error::new(format!("invalid private key type {}", block.label))),
        }
    }

    fn from_ec(der: &[u8]) -> Result<Self, Error> {
        let found = CURVES.into_iter().find_map(|curve| {
            let key = EcdsaKeyPair::from_private_key_der(curve.algorithm(), der).ok()?;
            Some(Self::Ecdsa(key, CurveName(curve)))
        });
        found.ok_or_else(|| rejected(der, "asn1: structure error: unknown curve or malformed key"))
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        if let Ok(key) = rsa::KeyPair::from_pkcs8(der) {
            return Ok(Self::Rsa(key));
        }
        if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
            return Ok(Self::Ed25519(key));
        }
        let found = CURVES.into_iter().find_map(|curve| {
            let key = EcdsaKeyPair::from_pkcs8(curve.algorithm(), der).ok()?;
            Some(Self::Ecdsa(key, CurveName(curve)))
        });
        found.ok_or_else(|| {
            rejected(der, "x509: PKCS#8 wrapping contained private key with unknown algorithm")
        })
    }

    /// The key in PEM, in the form that is usual for its type.
    pub(super) fn to_pem(&self) -> Vec<u8> {
        match self {
            Self::Rsa(key) => {
                let der = AsDer::<Pkcs8V1Der<'_>>::as_der(key).ok();
                let inner = der.as_ref().and_then(|der| inside_pkcs8(der.as_ref()));
                pem::encode("RSA PRIVATE KEY", inner.unwrap_or_default())
            }
            Self::Ecdsa(key, _) => {
                let der = AsDer::<EcPrivateKeyRfc5915Der<'_>>::as_der(&key.private_key()).ok();
                let der: Option<&[u8]> = der.as_ref().map(|der| (**der).as_ref());
                pem::encode("EC PRIVATE KEY", der.unwrap_or_default())
            }
            Self::Ed25519(key) => {
                let der = key.to_pkcs8v1().ok();
                pem::encode("PRIVATE KEY", der.as_ref().map(AsRef::as_ref).unwrap_or_default())
            }
            Self::Dsa(der) => pem::encode("DSA PRIVATE KEY", der),
        }
    }

    /// The public key with its algorithm, in DER.
    pub(super) fn public_key(&self) -> Result<Vec<u8>, Error> {
        let der = match self {
            Self::Rsa(key) => AsDer::<PublicKeyX509Der<'_>>::as_der(key.public_key()),
            Self::Ecdsa(key, _) => AsDer::<PublicKeyX509Der<'_>>::as_der(key.public_key()),
            Self::Ed25519(key) => AsDer::<PublicKeyX509Der<'_>>::as_der(key.public_key()),
            Self::Dsa(_) => return Err(no_signer()),
        };
        der.map(|der| der.as_ref().to_vec()).map_err(Error::new)
    }

    /// Which algorithm [`Self::sign`] signs by.
    pub(super) fn signature_algorithm(&self) -> Result<ObjectIdentifier, Error> {
        match self {
            Self::Rsa(_) => Ok(SHA256_WITH_RSA),
            Self::Ecdsa(_, CurveName(Curve::P256)) => Ok(ECDSA_WITH_SHA256),
            Self::Ecdsa(_, CurveName(Curve::P384)) => Ok(ECDSA_WITH_SHA384),
            Self::Ecdsa(_, CurveName(Curve::P521)) => Ok(ECDSA_WITH_SHA512),
            Self::Ed25519(_) => Ok(ED25519),
            Self::Dsa(_) => Err(no_signer()),
        }
    }

    /// Whether the algorithm of its signatures has a null for its parameters.
    pub(super) const fn has_null_parameters(&self) -> bool {
        matches!(self, Self::Rsa(_))
    }

    /// The signature of a message.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(Error::new)?;
                Ok(signature)
            }
            Self::Ecdsa(key, _) => Ok(key.sign(&random, message).map_err(Error::new)?.as_ref().to_vec()),
            Self::Ed25519(key) => Ok(key.sign(message).as_ref().to_vec()),
            Self::Dsa(_) => Err(no_signer()),
        }
    }
}

fn no_signer() -> Error {
    Error::new("x509: certificate private key does not implement crypto.Signer")
}

fn truncated() -> Error {
    Error::new("asn1: syntax error: truncated tag or length")
}

/// Why a key is refused; of what is no DER at all Go says that.
fn rejected(der: &[u8], problem: impl std::fmt::Display) -> Error {
    if der.len() < 2 { truncated() } else { Error::new(problem) }
}

/// The key inside of its PKCS #8 form.
fn inside_pkcs8(der: &[u8]) -> Option<&[u8]> {
    let mut reader = SliceReader::new(der).ok()?;
    let inside = reader.sequence(|reader| {
        u8::decode(reader)?;
        AlgorithmIdentifierRef::decode(reader)?;
        let key = OctetStringRef::decode(reader)?;
        Ok(key.as_bytes())
    });
    inside.ok()
}
