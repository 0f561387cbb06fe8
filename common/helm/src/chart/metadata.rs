//! Chart.yaml.

use std::collections::{BTreeMap, BTreeSet};

use flux_gotext::{Version, quote};
use flux_yaml::Value;

use super::path::base;
use crate::decode::{DecodeError, Decoder, Structure, read};

/// What Chart.yaml says. Texts are empty where it says nothing.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of Chart.yaml, by the same names")]
pub struct Metadata {
    pub name: String,
    pub home: String,
    pub sources: Vec<String>,
    pub version: String,
    pub description: String,
    pub keywords: Vec<String>,
    pub maintainers: Vec<Maintainer>,
    pub icon: String,
    /// `v1`, `v2`, or whatever else the file says.
    pub api_version: String,
    pub condition: String,
    pub tags: String,
    pub app_version: String,
    pub deprecated: bool,
    pub annotations: BTreeMap<String, String>,
    pub kube_version: String,
    /// `None` if the file does not name any, which is not the same as an empty list.
    pub dependencies: Option<Vec<Dependency>>,
    /// `application`, `library`, or empty: key `type`.
    pub kind: String,
}

/// Who looks after a chart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of Chart.yaml, by the same names")]
pub struct Maintainer {
    pub name: String,
    pub email: String,
    pub url: String,
}

/// A chart that another one needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dependency {
    /// Name of the chart; of its alias, once dependencies are processed.
    pub name: String,
    /// Range of versions, or one version in a lock.
    pub version: String,
    /// Where it comes from.
    pub repository: String,
    /// Paths of values that switch it on or off, separated by commas.
    pub condition: String,
    /// Tags that switch it on or off.
    pub tags: Vec<String>,
    /// Whether it is on; set when dependencies are processed.
    pub enabled: bool,
    /// Which of its values the parent takes over.
    pub import_values: Vec<ImportValue>,
    /// Name to use instead of the chart's.
    pub alias: String,
}

/// An entry of `import-values`.
#[derive(Clone, Debug, PartialEq)]
pub enum ImportValue {
    /// As the file has it; anything but a text or an object has no effect.
    Declared(Value),
    /// A table of the child and the path it has in the parent, once dependencies are processed.
    Resolved {
        /// Path in the child's values.
        child: String,
        /// Path in the parent's; `.` is the root.
        parent: String,
    },
}

/// What is wrong with Chart.yaml.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("validation: {0}")]
pub struct Validation(String);

type Parsed = (Metadata, Nulls);

/// Lists whose nulls are found at validation.
#[derive(Clone, Debug, Default)]
pub(super) struct Nulls {
    maintainers: Option<Vec<Option<Maintainer>>>,
    dependencies: Option<Vec<Option<Dependency>>>,
}

/// What the files say so far: Chart.yaml, and requirements.yaml on top of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Unchecked {
    parsed: Parsed,
}

const METADATA: Structure<Parsed> = Structure {
    name: "Metadata",
    kind: "v2.Metadata",
    fields: &[
        ("name", |decoder, value, (metadata, _)| decoder.string(value, &mut metadata.name)),
        ("home", |decoder, value, (metadata, _)| decoder.string(value, &mut metadata.home)),
        ("sources", |decoder, value, (metadata, _)| decoder.strings(value, &mut metadata.sources)),
        ("version", |decoder, value, (metadata, _)| decoder.string(value, &mut metadata.version)),
        ("description", |decoder, value, (metadata, _)| decoder.string(value, &mut metadata.description)),
        ("keywords", |decoder, value, (metadata, _)| decoder.strings(value, &mut metadata.keywords)),
        ("maintainers", |decoder, value, (_, nulls)| {
            nulls.maintainers = decoder.list(value, "[]*v2.Maintainer", |decoder, value, into| {
                *into = (!value.is_null()).then(Maintainer::default);
                if let Some(maintainer) = into {
                    decoder.structure(value, maintainer, &MAINTAINER);
                }
            });
        }),
        ("icon", |decoder, value, (metadata, _)| decoder.string(value, &mut metadata.icon)),
        ("apiVersion", |decoder, value, (metadata, _)| decoder.string(value, &mut metadata.api_version)),
        ("condition", |decoder, value, (metadata, _)| decoder.string(value, &mut metadata.condition)),
        ("tags", |decoder, value, (metadata, _)| decoder.string(value, &mut metadata.tags)),
        ("appVersion", |decoder, value, (metadata, _)| decoder.string(value, &mut metadata.app_version)),
        ("deprecated", |decoder, value, (metadata, _)| decoder.boolean(value, &mut metadata.deprecated)),
        ("annotations", |decoder, value, (metadata, _)| {
            for (key, value) in decoder.object(value, "map[string]string").into_iter().flatten() {
                let text = metadata.annotations.entry(key.to_string()).or_default();
                text.clear();
                decoder.string(value, text);
            }
        }),
        ("kubeVersion", |decoder, value, (metadata, _)| decoder.string(value, &mut metadata.kube_version)),
        ("dependencies", |decoder, value, (_, nulls)| {
            nulls.dependencies = decoder.list(value, "[]*v2.Dependency", dependency);
        }),
        ("type", |decoder, value, (metadata, _)| decoder.string(value, &mut metadata.kind)),
    ],
};

const MAINTAINER: Structure<Maintainer> = Structure {
    name: "Maintainer",
    kind: "v2.Maintainer",
    fields: &[
        ("name", |decoder, value, maintainer| decoder.string(value, &mut maintainer.name)),
        ("email", |decoder, value, maintainer| decoder.string(value, &mut maintainer.email)),
        ("url", |decoder, value, maintainer| decoder.string(value, &mut maintainer.url)),
    ],
};

const DEPENDENCY: Structure<Dependency> = Structure {
    name: "Dependency",
    kind: "v2.Dependency",
    fields: &[
        ("name", |decoder, value, dependency| decoder.string(value, &mut dependency.name)),
        ("version", |decoder, value, dependency| decoder.string(value, &mut dependency.version)),
        ("repository", |decoder, value, dependency| decoder.string(value, &mut dependency.repository)),
        ("condition", |decoder, value, dependency| decoder.string(value, &mut dependency.condition)),
        ("tags", |decoder, value, dependency| decoder.strings(value, &mut dependency.tags)),
        ("enabled", |decoder, value, dependency| decoder.boolean(value, &mut dependency.enabled)),
        ("import-values", |decoder, value, dependency| {
            let values = decoder.list(value, "[]interface {}", |_, value, into| *into = value.clone());
            let values = values.into_iter().flatten();
            dependency.import_values = values.map(ImportValue::Declared).collect();
        }),
        ("alias", |decoder, value, dependency| decoder.string(value, &mut dependency.alias)),
    ],
};

/// A dependency, or nothing for `null`.
pub(super) fn dependency(decoder: &mut Decoder, value: &Value, into: &mut Option<Dependency>) {
    *into = (!value.is_null()).then(Dependency::default);
    if let Some(dependency) = into {
        decoder.structure(value, dependency, &DEPENDENCY);
    }
}

impl Unchecked {
    /// Adds what another file says: Chart.yaml, or requirements.yaml, which may say the same.
    pub(super) fn add(&mut self, text: &[u8]) -> Result<(), DecodeError> {
        let value = read(text)?;
        let mut decoder = Decoder::default();
        decoder.structure(&value, &mut self.parsed, &METADATA);
        decoder.finish()
    }

    /// A chart without API version is one of version 1.
    pub(super) fn default_api_version(&mut self) {
        let version = &mut self.parsed.0.api_version;
        if version.is_empty() {
            "v1".clone_into(version);
        }
    }

    pub(super) fn api_version(&self) -> &str {
        &self.parsed.0.api_version
    }

    /// Cleans the texts and checks them, in Helm's order.
    pub(super) fn check(self) -> Result<Metadata, Validation> {
        let (mut metadata, nulls) = self.parsed;
        metadata.sanitize();
        metadata.check_texts()?;
        let mut maintainers = Vec::new();
        for maintainer in nulls.maintainers.into_iter().flatten() {
            let problem = || Validation("maintainers must not contain empty or null nodes".to_owned());
            maintainers.push(maintainer.ok_or_else(problem)?.sanitized());
        }
        metadata.maintainers = maintainers;
        metadata.dependencies = nulls.dependencies.map(check_dependencies).transpose()?;
        Ok(metadata)
    }
}

impl Metadata {
    fn sanitize(&mut self) {
        let texts = [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ];
        texts.into_iter().chain(&mut self.sources).chain(&mut self.keywords).for_each(sanitize);
    }

    fn check_texts(&self) -> Result<(), Validation> {
        let Self { api_version, name, version, kind, .. } = self;
        let problem = if api_version.is_empty() {
            "chart.metadata.apiVersion is required".to_owned()
        } else if name.is_empty() {
            "chart.metadata.name is required".to_owned()
        } else if name == "." || name == ".." {
            format!("chart.metadata.name {} is not allowed", quote(name))
        } else if name != base(name) {
            format!("chart.metadata.name {} is invalid", quote(name))
        } else if version.is_empty() {
            "chart.metadata.version is required".to_owned()
        } else if version.parse::<Version>().is_err() {
            format!("chart.metadata.version {} is invalid", quote(version))
        } else if !matches!(kind.as_str(), "" | "application" | "library") {
            "chart.metadata.type must be application or library".to_owned()
        } else {
            return Ok(());
        };
        Err(Validation(problem))
    }
}

impl Maintainer {
    fn sanitized(mut self) -> Self {
        [&mut self.name, &mut self.email, &mut self.url].into_iter().for_each(sanitize);
        self
    }
}

impl Dependency {
    /// Name under which the parent knows it.
    pub fn alias_or_name(&self) -> &str {
        if self.alias.is_empty() { &self.name } else { &self.alias }
    }

    fn check(&mut self) -> Result<(), Validation> {
        let texts = [&mut self.name, &mut self.version, &mut self.repository, &mut self.condition];
        texts.into_iter().chain(&mut self.tags).for_each(sanitize);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if self.alias.bytes().all(allowed) {
            return Ok(());
        }
        Err(Validation(format!("dependency {} has disallowed characters in the alias", quote(&self.name))))
    }
}

fn check_dependencies(dependencies: Vec<Option<Dependency>>) -> Result<Vec<Dependency>, Validation> {
    let mut checked: Vec<Dependency> = Vec::new();
    let mut names = BTreeSet::new();
    for dependency in dependencies {
        let problem = || Validation("dependencies must not contain empty or null nodes".to_owned());
        let mut dependency = dependency.ok_or_else(problem)?;
        dependency.check()?;
        if !names.insert(dependency.alias_or_name().to_owned()) {
            let name = quote(dependency.alias_or_name());
            return Err(Validation(format!("more than one dependency with name or alias {name}")));
        }
        checked.push(dependency);
    }
    Ok(checked)
}

/// Makes every kind of space a blank, and drops what cannot be printed.
fn sanitize(text: &mut String) {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return;
    }
    let clean = |character: char| match character {
        _ if character.is_whitespace() => Some(' '),
        _ if is_printable(character) => Some(character),
        _ => None,
    };
    *text = text.chars().filter_map(clean).collect();
}

/// Whether Go's quoting leaves a character as it is.
fn is_printable(character: char) -> bool {
    let mut text = [0; 4];
    let text = &*character.encode_utf8(&mut text);
    matches!(character, '"' | '\\') || quote(text).len() == text.len() + 2
}
