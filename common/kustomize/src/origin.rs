//! Where resources came from, and what transformed them.

use flux_yaml::{Object, Value};

use crate::decode::{Decode, Fields, Mode, Place, decode};
use crate::error::{Error, Result};
use crate::loader::RepositorySpec;
use crate::path;
use crate::resource::{ORIGIN, Resource, TRANSFORMATIONS};
use crate::yaml_1_1::{Duplicates, read};

/// Where a resource came from, or what a transformer or generator was configured by. Empty parts are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    path: String,
    repository: String,
    reference: String,
    configured_in: String,
    configured_by: Configuration,
}

/// The resource that configures a generator or transformer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Configuration {
    api_version: String,
    kind: String,
    name: String,
    namespace: String,
}

impl Origin {
    /// The origin of what an entry of a kustomization at this origin names.
    pub(crate) fn append(&self, entry: &str) -> Self {
        let Ok(spec) = RepositorySpec::parse(entry) else {
            return Self { path: path::join(&self.path, entry), ..self.clone() };
        };
        // upstream cuts the first element off the path of a clone; at the root of the repository nothing else is left
        let in_repository = path::clean(spec.directory());
        let path = if in_repository == "." { "notCloned".to_owned() } else { in_repository };
        Self {
            path,
            repository: spec.clone_url().to_owned(),
            reference: spec.reference().to_owned(),
            ..self.clone()
        }
    }

    /// The origin of what a built-in generator or transformer makes, configured in a kustomization file at this origin.
    pub(crate) fn of_builtin(&self, kind: &str, file_name: &str) -> Self {
        Self {
            path: String::new(),
            repository: self.repository.clone(),
            reference: self.reference.clone(),
            configured_in: path::join(&self.path, file_name),
            configured_by: Configuration {
                api_version: "builtin".to_owned(),
                kind: kind.to_owned(),
                ..Configuration::default()
            },
        }
    }

    /// The origin of what the generator or transformer that a resource configures makes; `None` if the resource has no
    /// origin itself.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the resource's origin is malformed.
    pub(crate) fn of_plugin(resource: &Resource) -> Result<Option<Self>> {
        let Some(text) = resource.annotation(ORIGIN) else { return Ok(None) };
        let value =
            read(text.as_bytes(), Duplicates::LastWins).map_err(|error| Error::invalid(error.to_string()))?;
        let origin: Self = decode(&value, Mode::LENIENT, "Origin")?;
        let own = |text: &str| text.to_owned();
        Ok(Some(Self {
            path: String::new(),
            repository: origin.repository,
            reference: origin.reference,
            configured_in: origin.path,
            configured_by: Configuration {
                api_version: own(resource.api_version()),
                kind: own(resource.kind()),
                name: own(resource.name()),
                namespace: own(resource.namespace()),
            },
        }))
    }

    /// The text of the annotation.
    pub(crate) fn to_yaml(&self) -> String {
        let by = &self.configured_by;
        let lines = |indent: &str, pairs: [(&str, &str); 4]| {
            let said = pairs.into_iter().filter(|(_, value)| !value.is_empty());
            said.fold(String::new(), |text, (key, value)| text + indent + key + ": " + &scalar(value) + "\n")
        };
        let mut text = lines(
            "",
            [
                ("path", &self.path),
                ("repo", &self.repository),
                ("ref", &self.reference),
                ("configuredIn", &self.configured_in),
            ],
        );
        if *by != Configuration::default() {
            text.push_str("configuredBy:\n");
            text.push_str(&lines(
                "  ",
                [
                    ("apiVersion", &by.api_version),
                    ("kind", &by.kind),
                    ("name", &by.name),
                    ("namespace", &by.namespace),
                ],
            ));
        }
        if text.is_empty() { "{}\n".to_owned() } else { text }
    }
}

impl Resource {
    /// Sets where the resource came from.
    pub(crate) fn set_origin(&mut self, origin: &Origin) {
        self.set_annotation(ORIGIN, Some(&origin.to_yaml()));
    }

    /// Sets where the resource came from, unless it is known.
    pub(crate) fn set_origin_if_unknown(&mut self, origin: &Origin) {
        if self.annotation(ORIGIN).is_none() {
            self.set_origin(origin);
        }
    }

    /// Notes a transformation. A resource without origin must have been made by the transformer.
    pub(crate) fn add_transformation(&mut self, origin: &Origin) {
        if self.annotation(ORIGIN).is_none() {
            self.set_origin(origin);
            return;
        }
        let mut text = self.annotation(TRANSFORMATIONS).unwrap_or_default().to_owned();
        for (number, line) in origin.to_yaml().lines().enumerate() {
            text.push_str(if number == 0 { "- " } else { "  " });
            text.push_str(line);
            text.push('\n');
        }
        self.set_annotation(TRANSFORMATIONS, Some(&text));
    }
}

impl Decode for Origin {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "Origin")?;
        Ok(Self {
            path: fields.take("path")?,
            repository: fields.take("repo")?,
            reference: fields.take("ref")?,
            configured_in: fields.take("configuredIn")?,
            configured_by: Configuration::default(),
        })
    }
}

/// A text as a YAML scalar on one line.
fn scalar(text: &str) -> String {
    let members = Object::from([(flux_yaml::Text::from("k"), Value::from(text))]);
    let yaml = Value::Object(members).to_yaml().unwrap_or_default();
    let written = yaml.trim_end().strip_prefix("k: ").unwrap_or_default().to_owned();
    // the writer of annotations does not fold
    if written.contains('\n') { format!("{text:?}") } else { written }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_join_and_repositories_start_anew() {
        let origin = Origin::default().append("../base").append("a.yaml");
        assert_eq!(origin.to_yaml(), "path: ../base/a.yaml\n");
        let remote = origin.append("https://github.com/org/repo/dir?ref=v1").append("b.yaml");
        assert_eq!(remote.to_yaml(), "path: dir/b.yaml\nrepo: https://github.com/org/repo\nref: v1\n");
    }

    #[test]
    fn generators_say_where_they_are_configured() {
        let origin =
            Origin::default().append("../base").of_builtin("ConfigMapGenerator", "kustomization.yaml");
        assert_eq!(
            origin.to_yaml(),
            "configuredIn: ../base/kustomization.yaml\nconfiguredBy:\n  apiVersion: builtin\n  kind: ConfigMapGenerator\n"
        );
    }
}
