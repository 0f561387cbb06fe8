//! Prints the YAML documents of standard input as `kustomize build` would print them.

use std::io::{Read as _, Write as _};

use anyhow::Context as _;

fn main() -> anyhow::Result<()> {
    let mut input = Vec::new();
    std::io::stdin().read_to_end(&mut input).context("failed to read standard input")?;
    let mut output = String::new();
    for mut document in flux_yaml::parse_documents(&input)? {
        document.expand(&flux_yaml::Limits::default())?;
        if !output.is_empty() {
            output.push_str("---\n");
        }
        flux_yaml::write_sorted_yaml(&document, &mut output)?;
    }
    std::io::stdout().write_all(output.as_bytes()).context("failed to write standard output")
}
