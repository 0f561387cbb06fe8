//! TLS by the material of a Secret.

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::hidden::Secret;

/// PEM material for TLS; verification is never off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// Authorities that are trusted, besides the system's or in their place.
    pub authority: Option<Vec<u8>>,
    /// Certificate chain and private key to show.
    pub identity: Option<(Vec<u8>, Secret<Vec<u8>>)>,
}

/// The material cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The CA has no certificate, or one that is malformed.
    #[error("failed to parse CA certificate")]
    Authority,
    /// Certificate or key is malformed.
    #[error("failed to parse TLS certificate and key: {0}")]
    Pem(rustls_pki_types::pem::Error),
    /// Certificate and key do not fit, or TLS cannot be set up.
    #[error("failed to parse TLS certificate and key")]
    Config(#[source] rustls::Error),
}

impl TlsSettings {
    /// The configuration of a client, over `system` roots and the settings' own.
    ///
    /// # Errors
    /// [`TlsError`] if the material is malformed.
    pub(crate) fn client_config(&self, system: &RootCertStore) -> Result<ClientConfig, TlsError> {
        let mut roots = system.clone();
        if let Some(pem) = &self.authority {
            roots.roots.extend(parse_authority(pem)?.roots);
        }
        let builder = ClientConfig::builder().with_root_certificates(roots);
        let mut config = match &self.identity {
            Some((chain, key)) => {
                let chain: Vec<_> =
                    CertificateDer::pem_slice_iter(chain).collect::<Result<_, _>>().map_err(TlsError::Pem)?;
                let key = PrivateKeyDer::from_pem_slice(key.expose()).map_err(TlsError::Pem)?;
                builder.with_client_auth_cert(chain, key).map_err(TlsError::Config)?
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    /// Checks the material without keeping anything.
    ///
    /// # Errors
    /// [`TlsError`] if it is malformed.
    pub fn check(&self) -> Result<(), TlsError> {
        self.client_config(&RootCertStore::empty()).map(drop)
    }
}

fn parse_authority(pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| TlsError::Authority)?;
        roots.add(certificate).map_err(|_| TlsError::Authority)?;
    }
    if roots.is_empty() { Err(TlsError::Authority) } else { Ok(roots) }
}
