//! What templates learn of the cluster and of Helm.

mod defaults;

use flux_gotext::quote;

/// `.Capabilities`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Version of the API server.
    pub kube_version: KubeVersion,
    /// `group/version`, and from a cluster also `group/version/Kind`, of all that it serves.
    pub api_versions: Vec<String>,
    /// Version of Helm.
    pub helm_version: HelmVersion,
}

/// `.Capabilities.KubeVersion`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeVersion {
    /// As the server gives it, for instance `v1.33.4-gke.1245000`.
    pub version: String,
    /// Without suffixes, where it is not the server that gives it.
    pub normalized: Option<String>,
    /// First number; may have a suffix.
    pub major: String,
    /// Second number; may have a suffix.
    pub minor: String,
}

/// `.Capabilities.HelmVersion`
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those that templates see")]
pub struct HelmVersion {
    pub version: String,
    pub git_commit: String,
    pub git_tree_state: String,
    pub go_version: String,
    pub kube_client_version: String,
}

/// Why a text is not a version of Kubernetes, in its own words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKubeVersion {
    /// Not a version at all.
    #[error("could not parse {} as version", quote(.0))]
    NotAVersion(String),
    /// One number only.
    #[error("illegal version string {}", quote(.0))]
    TooShort(String),
    /// A first number with a leading zero.
    #[error("illegal zero-prefixed version component {} in {}", quote(.0), quote(.1))]
    LeadingZero(String, String),
    /// A number that is too large.
    #[error(
        "illegal non-numeric version component {} in {}: strconv.ParseUint: parsing {}: value out of range",
        quote(.0), quote(.1), quote(.0)
    )]
    OutOfRange(String, String),
}

impl Default for Capabilities {
    /// What `helm template` takes for granted without a cluster.
    fn default() -> Self {
        Self {
            kube_version: KubeVersion {
                version: "v1.36.0".to_owned(),
                normalized: Some("v1.36.0".to_owned()),
                major: "1".to_owned(),
                minor: "36".to_owned(),
            },
            api_versions: defaults::API_VERSIONS.iter().map(|version| (*version).to_owned()).collect(),
            helm_version: HelmVersion::default(),
        }
    }
}

impl Default for HelmVersion {
    /// That of a program which embeds Helm 4.2.4 as a library.
    fn default() -> Self {
        Self {
            version: "v4.2".to_owned(),
            git_commit: String::new(),
            git_tree_state: String::new(),
            go_version: "go1.26.8".to_owned(),
            kube_client_version: "v1.36".to_owned(),
        }
    }
}

impl KubeVersion {
    /// What a server says of itself.
    pub fn of_server(git_version: &str, major: &str, minor: &str) -> Self {
        Self {
            version: git_version.to_owned(),
            normalized: None,
            major: major.to_owned(),
            minor: minor.to_owned(),
        }
    }

    /// A version that a person gives: at least two numbers, then anything.
    ///
    /// # Errors
    /// [`InvalidKubeVersion`].
    pub fn parse(text: &str) -> Result<Self, InvalidKubeVersion> {
        let trimmed = text.trim_start();
        let trimmed = trimmed.strip_prefix('v').unwrap_or(trimmed);
        let numbers = numbers(trimmed);
        let first = numbers.first().copied().unwrap_or_default();
        if first.is_empty() {
            return Err(InvalidKubeVersion::NotAVersion(text.to_owned()));
        }
        if numbers.len() < 2 {
            return Err(InvalidKubeVersion::TooShort(text.to_owned()));
        }
        if first.starts_with('0') && first != "0" {
            return Err(InvalidKubeVersion::LeadingZero(first.to_owned(), text.to_owned()));
        }
        let parse = |number: &&str| {
            let problem = |_| InvalidKubeVersion::OutOfRange((*number).to_owned(), text.to_owned());
            number.parse::<u64>().map(|number| number.to_string()).map_err(problem)
        };
        let numbers = numbers.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            version: if text.starts_with('v') { text.to_owned() } else { format!("v{text}") },
            normalized: Some(format!("v{}", numbers.join("."))),
            major: numbers.first().cloned().unwrap_or_default(),
            minor: numbers.get(1).cloned().unwrap_or_default(),
        })
    }
}

impl std::fmt::Display for KubeVersion {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.normalized.as_ref().unwrap_or(&self.version))
    }
}

/// The numbers with dots between them that a text starts with.
fn numbers(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for part in text.split('.') {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let digits = part.get(..end).unwrap_or_default();
        if digits.is_empty() {
            break;
        }
        found.push(digits);
        if end < part.len() {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_normalized() {
        for (text, version, normalized) in [
            ("1.28", "v1.28", "v1.28"),
            ("v1.33.4-gke.1", "v1.33.4-gke.1", "v1.33.4"),
            ("1.2.3.4", "v1.2.3.4", "v1.2.3.4"),
            ("1.28.0+k3s1", "v1.28.0+k3s1", "v1.28.0"),
            ("1.08.x", "v1.08.x", "v1.8"),
        ] {
            let parsed = KubeVersion::parse(text).unwrap();
            assert_eq!((parsed.version.as_str(), parsed.to_string().as_str()), (version, normalized));
        }
    }

    #[test]
    fn errors_are_those_of_kubernetes() {
        for (text, want) in [
            ("abc", "could not parse \"abc\" as version"),
            ("1", "illegal version string \"1\""),
            ("1.x", "illegal version string \"1.x\""),
            ("01.2", "illegal zero-prefixed version component \"01\" in \"01.2\""),
        ] {
            assert_eq!(KubeVersion::parse(text).unwrap_err().to_string(), want);
        }
    }
}
