//! Writes the custom resource definitions of all kinds into a directory, `charts/crds` if none is named.

use std::path::PathBuf;

use anyhow::Context as _;
use flux_api::crd;

/// Namespace and version in the labels of the files; an installation elsewhere replaces them.
const NAMESPACE: &str = "flux-system";
const VERSION: &str = "v2.9.0";

fn main() -> anyhow::Result<()> {
    let directory = PathBuf::from(std::env::args_os().nth(1).unwrap_or_else(|| "charts/crds".into()));
    fs_err::create_dir_all(&directory)?;
    for definition in crd::definitions(NAMESPACE, VERSION) {
        let path = directory.join(&definition.file_name);
        fs_err::write(&path, definition.to_yaml())
            .with_context(|| format!("writing {}", definition.file_name))?;
    }
    Ok(())
}
