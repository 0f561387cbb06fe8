//! Verification of OCI artifacts, as OCIRepository and HelmChart have it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::reference::LocalObjectReference;
use crate::wire::wire_enum;

wire_enum! {
    /// Technology of the signatures.
    pub enum VerificationProvider {
        /// Sigstore Cosign.
        Cosign = "cosign",
        /// Notary Project's Notation.
        Notation = "notation",
    }
}

/// Identity that a keyless signature has to show.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OidcIdentityMatch {
    /// RE2 expression for the issuer.
    pub issuer: String,
    /// RE2 expression for the subject.
    pub subject: String,
}

/// Verification of a chart's signature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChartVerification {
    /// Identities accepted for keyless signatures; one suffices.
    #[serde(rename = "matchOIDCIdentity", default, skip_serializing_if = "Vec::is_empty")]
    pub match_oidc_identity: Vec<OidcIdentityMatch>,
    /// Technology of the signatures.
    #[schemars(extend("default" = "cosign"))]
    pub provider: VerificationProvider,
    /// Secret with public keys or a trust policy; keyless if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
}

/// Verification of an OCI artifact's signature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArtifactVerification {
    /// Identities accepted for keyless signatures; one suffices.
    #[serde(rename = "matchOIDCIdentity", default, skip_serializing_if = "Vec::is_empty")]
    pub match_oidc_identity: Vec<OidcIdentityMatch>,
    /// Technology of the signatures.
    #[schemars(extend("default" = "cosign"))]
    pub provider: VerificationProvider,
    /// Secret with public keys or a trust policy; keyless if unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// Secret with a Sigstore trusted root, for a private instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_root_secret_ref: Option<LocalObjectReference>,
}
