//! The client on a real API server.

#![cfg(test)]

mod identity;
mod lease;
mod watch;

use flux_kube::{Access, Cluster, Options};
use flux_lab::Lab;

/// The lab's cluster as its administrator sees it.
async fn cluster(lab: &Lab) -> Cluster {
    let kubeconfig = lab.admin_kubeconfig();
    let config = Access::infer(kubeconfig.to_str()).config().await.expect("kubeconfig");
    Cluster::connect(config, Options { user_agent: "test".to_owned(), metrics: None }).expect("cluster")
}
