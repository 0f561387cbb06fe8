use std::path::PathBuf;

use kube::Config;
use kube::config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError};

/// Where the address and the credentials of the own cluster come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// The service account that is mounted into the Pod.
    InCluster,
    /// A kubeconfig file, as the variable `KUBECONFIG` names it.
    Kubeconfig {
        /// Path of the file.
        path: PathBuf,
        /// Context to use; the file's current one if absent.
        context: Option<String>,
    },
}

/// Why there is no access to the own cluster.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// No service account is mounted.
    #[error("failed to read the mounted service account")]
    InCluster(#[source] InClusterError),
    /// The kubeconfig cannot be used.
    #[error("failed to read kubeconfig '{}'", path.display())]
    Kubeconfig {
        /// Path of the file.
        path: PathBuf,
        /// What is wrong with it.
        source: KubeconfigError,
    },
}

impl Access {
    /// The file that `KUBECONFIG` names (a list is cut to its first entry), else the mounted service account.
    pub fn infer(kubeconfig: Option<&str>) -> Self {
        let first = kubeconfig.and_then(|list| list.split(':').find(|path| !path.is_empty()));
        first.map_or(Self::InCluster, |path| Self::Kubeconfig { path: PathBuf::from(path), context: None })
    }

    /// Reads the configuration. Token files are named in it, not read: the stack reads them again every minute, so that
    /// rotated tokens take effect.
    ///
    /// # Errors
    /// [`AccessError`] if the files are absent or malformed.
    pub async fn config(&self) -> Result<Config, AccessError> {
        match self {
            Self::InCluster => Config::incluster().map_err(AccessError::InCluster),
            Self::Kubeconfig { path, context } => {
                let failed = |source| AccessError::Kubeconfig { path: path.clone(), source };
                let kubeconfig = Kubeconfig::read_from(path).map_err(failed)?;
                let options = KubeConfigOptions { context: context.clone(), ..KubeConfigOptions::default() };
                Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(failed)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_wins_over_the_mounted_account() {
        assert_eq!(Access::infer(None), Access::InCluster);
        assert_eq!(Access::infer(Some("")), Access::InCluster);
        let file = Access::Kubeconfig { path: "/a".into(), context: None };
        assert_eq!(Access::infer(Some("/a:/b")), file);
    }
}
