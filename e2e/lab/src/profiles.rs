//! CPU profiles of the control plane, in the form that `go tool pprof` reads.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures::future::try_join_all;

use crate::control_plane::ControlPlane;

/// The answer comes when the time has passed, and this much later at most.
const MARGIN: Duration = Duration::from_secs(20);

/// The CPU profile of each process that serves one, by its name, over this time (in whole seconds).
pub(crate) async fn profiles(plane: &ControlPlane, time: Duration) -> Result<Vec<(String, Bytes)>> {
    let admin = plane.authority().client("lab-profiler", &["system:masters"])?;
    let identity = format!("{}{}", admin.certificate, admin.key);
    let client = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(plane.authority().pem().as_bytes())?])
        .identity(reqwest::Identity::from_pem(identity.as_bytes())?)
        .no_proxy()
        .timeout(time + MARGIN)
        .build()
        .context("failed to build the client for profiles")?;
    let profiles = plane.profiled().into_iter().map(|(name, address)| {
        let request = client.get(format!("{address}/debug/pprof/profile?seconds={}", time.as_secs()));
        async move {
            let answer = request.send().await.with_context(|| format!("failed to profile {name}"))?;
            let status = answer.status();
            let profile = answer.bytes().await?;
            ensure!(status.is_success(), "{name} refused a profile: {status}");
            Ok((name, profile))
        }
    });
    try_join_all(profiles).await
}
