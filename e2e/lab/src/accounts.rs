//! ServiceAccounts with real tokens.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

use crate::lab::{Lab, client_from};

/// A ServiceAccount, its token file and a kubeconfig that names the file.
#[derive(Debug)]
pub struct Account {
    namespace: String,
    name: String,
    token_file: PathBuf,
    kubeconfig: PathBuf,
}

impl Account {
    pub(crate) async fn create(lab: &Lab, namespace: &str, name: &str) -> Result<Self> {
        let accounts: Api<ServiceAccount> = Api::namespaced(lab.admin().await?, namespace);
        let object = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}});
        let parameters = PatchParams::apply("flux-lab");
        accounts
            .patch(name, &parameters, &Patch::Apply(&object))
            .await
            .context("failed to apply a ServiceAccount")?;
        let token_file = lab.directory().join(format!("{namespace}.{name}.token"));
        let kubeconfig = lab.directory().join(format!("{namespace}.{name}.kubeconfig"));
        fs_err::write(&kubeconfig, lab.kubeconfig_for_token(&lab.server(), &token_file))?;
        let account = Self { namespace: namespace.to_owned(), name: name.to_owned(), token_file, kubeconfig };
        account.rotate(lab).await?;
        Ok(account)
    }

    /// Puts a fresh token, valid for an hour, into the token file; the old token stays valid until it expires.
    ///
    /// # Errors
    /// If the API server refuses or the file cannot be written.
    pub async fn rotate(&self, lab: &Lab) -> Result<()> {
        self.take_token(lab, None).await
    }

    /// The same, for a token that is void once the Secret of this name is deleted, which is made if need be.
    ///
    /// # Errors
    /// As [`Account::rotate`].
    pub async fn rotate_revocable(&self, lab: &Lab, secret: &str) -> Result<()> {
        let secrets: Api<Secret> = Api::namespaced(lab.admin().await?, &self.namespace);
        let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": secret}});
        let parameters = PatchParams::apply("flux-lab");
        let made = secrets
            .patch(secret, &parameters, &Patch::Apply(&object))
            .await
            .context("failed to apply a Secret")?;
        let bound = BoundObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Secret".to_owned()),
            name: Some(secret.to_owned()),
            uid: made.metadata.uid,
        };
        self.take_token(lab, Some(bound)).await
    }

    async fn take_token(&self, lab: &Lab, bound: Option<BoundObjectReference>) -> Result<()> {
        let accounts: Api<ServiceAccount> = Api::namespaced(lab.admin().await?, &self.namespace);
        let request = TokenRequest {
            spec: TokenRequestSpec {
                audiences: Vec::new(),
                expiration_seconds: Some(3600),
                bound_object_ref: bound,
            },
            ..TokenRequest::default()
        };
        let answer = accounts.create_token_request(&self.name, &PostParams::default(), &request).await;
        let status =
            answer.context("failed to request a token")?.status.context("failed to read the token")?;
        // Renamed, not rewritten: a reader never sees half a token.
        let fresh = self.token_file.with_extension("fresh");
        fs_err::write(&fresh, status.token)?;
        fs_err::rename(&fresh, &self.token_file)?;
        Ok(())
    }

    /// Has the kubeconfig name this address (`host:port`) as the API server's: that of a fault proxy, for instance.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn reach_through(&self, lab: &Lab, address: SocketAddr) -> Result<()> {
        let server = format!("https://{address}");
        Ok(fs_err::write(&self.kubeconfig, lab.kubeconfig_for_token(&server, &self.token_file))?)
    }

    /// The user name that the API server sees.
    pub fn user(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.name)
    }

    /// The file that holds the token.
    pub fn token_file(&self) -> &Path {
        &self.token_file
    }

    /// The kubeconfig: what a controller's KUBECONFIG is set to.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// A client that acts as the account.
    ///
    /// # Errors
    /// If the kubeconfig cannot be read.
    pub async fn client(&self) -> Result<Client> {
        client_from(&self.kubeconfig).await
    }
}
