//! Post-build substitution: `${name}` in built resources, as Flux's `spec.postBuild` has it.
//!
//! A resource becomes its YAML text with sorted keys, the text is a [template](expand), and what comes out is read again by
//! the rules of YAML 1.1: a variable can make a number, a list or a whole mapping. Source: Flux 2.9,
//! kustomize-controller's `postBuild` and `github.com/fluxcd/pkg/envsubst`.

mod function;
mod glob;
mod template;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use flux_yaml::Node;

use crate::yaml_1_1::{Duplicates, read};

pub use template::{TemplateError, expand};

/// Label or annotation that can exclude a resource.
pub const SUBSTITUTE_KEY: &str = "kustomize.toolkit.fluxcd.io/substitute";

/// Value of [`SUBSTITUTE_KEY`] that excludes the resource.
pub const DISABLED_VALUE: &str = "disabled";

/// What a variable name must match.
const NAME_PATTERN: &str = "^[_[:alpha:]][_[:alpha:][:digit:]]*$";

/// Values by name; of two with one name the later counts.
///
/// ```
/// use flux_kustomize::substitution::{Unset, Variables, expand};
///
/// let mut variables = Variables::default();
/// variables.set("region", "eu-west-1\n");
/// assert_eq!(expand("${region%-*} ${tier:-small}", &variables, Unset::Empty)?, b"eu-west small");
/// # Ok::<(), flux_kustomize::substitution::TemplateError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, String>);

/// What a variable without value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unset {
    /// The empty text.
    Empty,
    /// An error, unless the expression has a default (feature gate `StrictPostBuildSubstitutions`).
    Fails,
}

/// When a resource goes through substitution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// If there are variables at all.
    #[default]
    WithVariables,
    /// Always, so that defaults and escapes take effect without variables too.
    Always,
}

/// Substitution failed; the sources say why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("envsubst error")]
pub struct Error(#[from] pub Cause);

/// Why substitution failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The resource has no YAML text.
    #[error("failed to write the resource as YAML")]
    Write(#[source] flux_yaml::Error),
    /// A variable has an impossible name.
    #[error("'{0}' var name is invalid, must match '{NAME_PATTERN}'")]
    Name(String),
    /// The text is no template, or a variable is unset in strict mode.
    #[error("variable substitution failed")]
    Template(#[source] TemplateError),
    /// What came out is no YAML.
    #[error("YAMLToJSON")]
    Read(#[source] flux_yaml::Error),
}

impl Variables {
    /// Sets a variable; line feeds are removed from the value.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let mut value = value.into();
        value.retain(|c| c != '\n');
        self.0.insert(name.into(), value);
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks the names, in their order.
    ///
    /// # Errors
    /// [`Cause::Name`] for a name that is no ASCII identifier.
    fn check_names(&self) -> Result<(), Cause> {
        let letter = |byte: u8| byte == b'_' || byte.is_ascii_alphabetic();
        let valid = |name: &str| {
            name.bytes().next().is_some_and(letter)
                && name.bytes().all(|byte| letter(byte) || byte.is_ascii_digit())
        };
        match self.0.keys().find(|name| !valid(name)) {
            Some(name) => Err(Cause::Name(name.clone())),
            None => Ok(()),
        }
    }
}

impl<N: Into<String>, V: Into<String>> Extend<(N, V)> for Variables {
    fn extend<T: IntoIterator<Item = (N, V)>>(&mut self, variables: T) {
        for (name, value) in variables {
            self.set(name, value);
        }
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Variables {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(variables: T) -> Self {
        let mut all = Self::default();
        all.extend(variables);
        all
    }
}

/// Whether a resource excludes itself from substitution, by label or annotation.
pub fn is_disabled(resource: &Node) -> bool {
    let value = |map: &str| resource.path(&["metadata", map, SUBSTITUTE_KEY]).and_then(Node::as_str);
    value("labels") == Some(DISABLED_VALUE) || value("annotations") == Some(DISABLED_VALUE)
}

/// The resource with its variables substituted, or `None` if it stays as it is: because it [excludes
/// itself](is_disabled), or because there are no variables and the strategy wants some.
///
/// # Errors
/// [`Error`], whose chain reads as Flux's message: an invalid name, a broken expression, an unset variable in strict
/// mode, or text that is no YAML any more.
pub fn substitute(
    resource: &Node,
    variables: &Variables,
    unset: Unset,
    strategy: Strategy,
) -> Result<Option<Node>, Error> {
    let idle = variables.is_empty() && strategy != Strategy::Always;
    if idle || is_disabled(resource) {
        return Ok(None);
    }
    variables.check_names()?;
    let text = flux_yaml::to_sorted_yaml(resource).map_err(Cause::Write)?;
    let expanded = expand(&text, variables, unset).map_err(Cause::Template)?;
    let value = read(&expanded, Duplicates::LastWins).map_err(Cause::Read)?;
    Ok(Some(value.to_node()))
}
