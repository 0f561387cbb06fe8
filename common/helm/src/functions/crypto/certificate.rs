//! X.509 certificates, with the contents that Sprig's and Go's defaults give them.

use std::net::IpAddr;
use std::time::Duration;

use aws_lc_rs::digest;
use flux_gotext::{GoTime, Shown, quote_bytes};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::certificate::{CertificateInner, TbsCertificate, Version};
use x509_cert::der::asn1::{
    Any, BitString, GeneralizedTime, Ia5String, Null, ObjectIdentifier, OctetString, SetOfVec, UtcTime,
};
use x509_cert::der::flagset::FlagSet;
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::{Decode as _, Encode, Tag};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName,
    SubjectKeyIdentifier,
};
use x509_cert::name::{RdnSequence, RelativeDistinguishedName};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::time::{Time, Validity};

use super::key::PrivateKey;
use super::pem;
use crate::engine::{FunctionError as Error, Render};
use crate::functions::arguments::Arguments;
use crate::functions::encoding::decode_base64;
use crate::functions::format::to_text;
use crate::value::Value;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const SERVER_AUTHENTICATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const CLIENT_AUTHENTICATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

/// First second of the year 2050, from which on times have four digits for the year.
const YEAR_2050: u64 = 2_524_608_000;

/// A certificate and its key, both in PEM.
pub(super) struct Certificate {
    pub(super) certificate: Vec<u8>,
    pub(super) key: Vec<u8>,
}

/// Who signs.
pub(super) struct Signer {
    name: RdnSequence,
    key_identifier: Option<Vec<u8>>,
    key: PrivateKey,
}

impl Certificate {
    /// A certificate and a key that are given in Base64.
    pub(super) fn custom(certificate: &[u8], key: &[u8]) -> Result<Self, Error> {
        let certificate =
            decode_base64(certificate).map_err(|_| Error::new("unable to decode base64 certificate"))?;
        let key = decode_base64(key).map_err(|_| Error::new("unable to decode base64 private key"))?;
        parse(&certificate)?;
        PrivateKey::parse(&key).map_err(|error| error.within("error parsing private key"))?;
        Ok(Self { certificate, key })
    }

    /// Its name and key, to sign others with.
    pub(super) fn signer(&self) -> Result<Signer, Error> {
        let parsed = parse(&self.certificate)?.tbs_certificate;
        let key = PrivateKey::parse(&self.key).map_err(|error| error.within("error parsing private key"))?;
        let public_key = parsed.subject_public_key_info.to_der().map_err(creating)?;
        if public_key != key.public_key().map_err(|error| error.within(CREATING))? {
            let problem = "x509: provided PrivateKey doesn't match parent's PublicKey";
            return Err(Error::new(problem).within(CREATING));
        }
        let extensions = parsed.extensions.unwrap_or_default();
        let identifier = extensions.iter().find(|extension| extension.extn_id == SubjectKeyIdentifier::OID);
        let key_identifier = identifier
            .and_then(|extension| SubjectKeyIdentifier::from_der(extension.extn_value.as_bytes()).ok())
            .map(|identifier| identifier.0.as_bytes().to_vec());
        Ok(Signer { name: parsed.subject, key_identifier, key })
    }
}

fn parse(text: &[u8]) -> Result<CertificateInner, Error> {
    let block = pem::decode(text).ok_or_else(|| Error::new("unable to decode certificate"))?;
    CertificateInner::from_der(&block.bytes)
        .map_err(|error| Error::new(format!("error parsing certificate: decodedCert.Bytes: {error}")))
}

const CREATING: &str = "error creating certificate";

fn creating(error: impl std::fmt::Display) -> Error {
    Error::new(error).within(CREATING)
}

/// What kind of certificate is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Usage {
    Authority,
    Server,
}

/// A certificate to be made.
pub(super) struct Request {
    name: Vec<u8>,
    addresses: Vec<IpAddr>,
    host_names: Vec<Vec<u8>>,
    days: i64,
    usage: Usage,
}

impl Request {
    /// For an authority.
    pub(super) fn authority(name: &[u8], days: i64) -> Self {
        Self {
            name: name.to_vec(),
            addresses: Vec::new(),
            host_names: Vec::new(),
            days,
            usage: Usage::Authority,
        }
    }

    /// Of the arguments common name, addresses, host names and days.
    pub(super) fn of(arguments: &[Value], render: &mut Render) -> Result<Self, Error> {
        let list = |render: &Render, index: usize| {
            arguments.list(index).map(|list| render.arena.items(list).to_vec()).unwrap_or_default()
        };
        let mut addresses = Vec::new();
        for value in list(render, 1) {
            let Value::String(text) = &value else {
                return Err(not_a_string(render, &value, "error parsing ip"));
            };
            let text = text.to_string_lossy();
            let address = text.parse().map_err(|_| Error::new(format!("error parsing ip: {text}")))?;
            addresses.push(address);
        }
        let mut host_names = Vec::new();
        for value in list(render, 2) {
            let Value::String(text) = &value else {
                return Err(not_a_string(render, &value, "error processing alternate dns name"));
            };
            host_names.push(text.to_vec());
        }
        let (name, days) = (arguments.text(0).to_vec(), arguments.int(3));
        Ok(Self { name, addresses, host_names, days, usage: Usage::Server })
    }

    /// Signed by its own key.
    pub(super) fn self_signed(&self, key: &PrivateKey, render: &Render) -> Result<Certificate, Error> {
        let name = self.subject()?;
        self.make(key, &By { name, key_identifier: None, key }, render)
    }

    /// Signed by an authority.
    pub(super) fn signed(
        &self,
        key: &PrivateKey,
        signer: &Signer,
        render: &Render,
    ) -> Result<Certificate, Error> {
        let same_name = self.subject()? == signer.name;
        let key_identifier = signer.key_identifier.clone().filter(|_| !same_name);
        self.make(key, &By { name: signer.name.clone(), key_identifier, key: &signer.key }, render)
    }

    fn make(&self, key: &PrivateKey, by: &By<'_>, render: &Render) -> Result<Certificate, Error> {
        let to_be_signed = self.to_be_signed(key, by, render)?;
        let signature = by.key.sign(&to_be_signed.to_der().map_err(creating)?)?;
        let signed = CertificateInner {
            signature_algorithm: to_be_signed.signature.clone(),
            tbs_certificate: to_be_signed,
            signature: BitString::from_bytes(&signature).map_err(creating)?,
        };
        let certificate = pem::encode("CERTIFICATE", &signed.to_der().map_err(creating)?);
        Ok(Certificate { certificate, key: key.to_pem() })
    }

    fn to_be_signed(&self, key: &PrivateKey, by: &By<'_>, render: &Render) -> Result<TbsCertificate, Error> {
        let algorithm = by.key.signature_algorithm().map_err(|error| error.within(CREATING))?;
        let public_key = key.public_key().map_err(|error| error.within(CREATING))?;
        let mut serial = [0; 16];
        rand::fill(&mut serial[..]);
        // positive, and of full length
        serial[0] = serial[0] & 0x7f | 0x40;
        let parameters = by.key.has_null_parameters().then(|| Any::from(Null));
        Ok(TbsCertificate {
            version: Version::V3,
            serial_number: SerialNumber::new(&serial).map_err(creating)?,
            signature: AlgorithmIdentifierOwned { oid: algorithm, parameters },
            issuer: by.name.clone(),
            validity: self.validity(render)?,
            subject: self.subject()?,
            subject_public_key_info: SubjectPublicKeyInfoOwned::from_der(&public_key).map_err(creating)?,
            issuer_unique_id: None,
            subject_unique_id: None,
            extensions: Some(self.extensions(&public_key, by)?),
        })
    }

    fn subject(&self) -> Result<RdnSequence, Error> {
        let name = std::str::from_utf8(&self.name).map_err(|_| creating("asn1: string not valid UTF-8"))?;
        let is_printable =
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte));
        let tag = if is_printable { Tag::PrintableString } else { Tag::Utf8String };
        let value = Any::new(tag, name.as_bytes()).map_err(creating)?;
        // Go leaves an empty name out
        if name.is_empty() {
            return Ok(RdnSequence::default());
        }
        let attribute = AttributeTypeAndValue { oid: COMMON_NAME, value };
        let attributes = SetOfVec::try_from(vec![attribute]).map_err(creating)?;
        Ok(RdnSequence(vec![RelativeDistinguishedName(attributes)]))
    }

    /// From now on for some days, which wrap around in Go's count of nanoseconds.
    fn validity(&self, render: &Render) -> Result<Validity, Error> {
        const DAY: i64 = 86_400_000_000_000;
        let end = GoTime::clone(&render.now).add_nanoseconds(self.days.wrapping_mul(DAY));
        Ok(Validity { not_before: time(render.now.unix_seconds())?, not_after: time(end.unix_seconds())? })
    }

    fn extensions(&self, public_key: &[u8], by: &By<'_>) -> Result<Vec<Extension>, Error> {
        let mut usages: FlagSet<KeyUsages> = KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment;
        let is_authority = self.usage == Usage::Authority;
        if is_authority {
            usages |= KeyUsages::KeyCertSign;
        }
        let mut extensions = vec![
            extension(&KeyUsage(usages), Critical::Yes)?,
            extension(&ExtendedKeyUsage(vec![SERVER_AUTHENTICATION, CLIENT_AUTHENTICATION]), Critical::No)?,
            extension(&BasicConstraints { ca: is_authority, path_len_constraint: None }, Critical::Yes)?,
        ];
        if is_authority {
            let identifier = OctetString::new(key_identifier(public_key)?).map_err(creating)?;
            extensions.push(extension(&SubjectKeyIdentifier(identifier), Critical::No)?);
        }
        if let Some(identifier) = &by.key_identifier {
            let key_identifier = Some(OctetString::new(identifier.as_slice()).map_err(creating)?);
            let identifier = AuthorityKeyIdentifier { key_identifier, ..AuthorityKeyIdentifier::default() };
            extensions.push(extension(&identifier, Critical::No)?);
        }
        let names = self.alternative_names()?;
        if !names.is_empty() {
            // a certificate whose subject is empty is about these names
            let critical = if self.name.is_empty() { Critical::Yes } else { Critical::No };
            extensions.push(extension(&SubjectAltName(names), critical)?);
        }
        Ok(extensions)
    }

    fn alternative_names(&self) -> Result<Vec<GeneralName>, Error> {
        let mut names = Vec::new();
        for name in &self.host_names {
            let refused = |_| {
                let quoted = quote_bytes(name, Shown::Printable);
                creating(format!("x509: {quoted} cannot be encoded as an IA5String"))
            };
            names.push(GeneralName::DnsName(Ia5String::new(name).map_err(refused)?));
        }
        for address in &self.addresses {
            let bytes = match address.to_canonical() {
                IpAddr::V4(address) => address.octets().to_vec(),
                IpAddr::V6(address) => address.octets().to_vec(),
            };
            names.push(GeneralName::IpAddress(OctetString::new(bytes).map_err(creating)?));
        }
        Ok(names)
    }
}

/// Who signs a certificate, and what it says of that.
struct By<'a> {
    name: RdnSequence,
    key_identifier: Option<Vec<u8>>,
    key: &'a PrivateKey,
}

/// Whether readers that do not know an extension refuse the certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Critical {
    Yes,
    No,
}

fn extension(contents: &(impl Encode + AssociatedOid), critical: Critical) -> Result<Extension, Error> {
    let value = contents.to_der().map_err(creating)?;
    Ok(Extension {
        extn_id: extension_oid(contents),
        critical: critical == Critical::Yes,
        extn_value: OctetString::new(value).map_err(creating)?,
    })
}

const fn extension_oid<T: AssociatedOid>(_contents: &T) -> ObjectIdentifier {
    T::OID
}

/// The first 20 bytes of the SHA-256 of a public key, as RFC 7093 has it.
fn key_identifier(public_key: &[u8]) -> Result<Vec<u8>, Error> {
    let parsed = SubjectPublicKeyInfoOwned::from_der(public_key).map_err(creating)?;
    let hash = digest::digest(&digest::SHA256, parsed.subject_public_key.raw_bytes());
    Ok(hash.as_ref().iter().copied().take(20).collect())
}

/// A time in seconds since 1970. Earlier ones, which only overflow gives, count as that: long ago.
fn time(seconds: i64) -> Result<Time, Error> {
    let seconds = u64::try_from(seconds).unwrap_or(0);
    let since = Duration::from_secs(seconds);
    if seconds < YEAR_2050 {
        UtcTime::from_unix_duration(since).map(Time::UtcTime).map_err(creating)
    } else {
        GeneralizedTime::from_unix_duration(since).map(Time::GeneralTime).map_err(creating)
    }
}

fn not_a_string(render: &mut Render, value: &Value, attempted: &str) -> Error {
    match to_text(render, value) {
        Ok(text) => Error::new(format!(
            "{attempted}: {} is not a string",
            std::string::String::from_utf8_lossy(&text)
        )),
        Err(error) => error,
    }
}
