//! Feature gates (platform contract, section 3.4).

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::pflag::parse_bool;

/// A gate that a controller knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Name on the command line.
    pub name: &'static str,
    /// Value if it is not given.
    pub default: bool,
}

/// `Gate=true` or `Gate=false` from the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateSetting {
    /// Name of the gate.
    pub name: String,
    /// Its value.
    pub enabled: bool,
}

/// Settings of gates separated by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GateSettings(pub(crate) Vec<GateSetting>);

impl FromStr for GateSettings {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let pairs = text.split(',').filter(|pair| !pair.is_empty());
        let settings = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').ok_or("malformed pair, expect string=bool")?;
            let (name, value) = (name.trim(), value.trim());
            let enabled = parse_bool(value)
                .map_err(|failure| format!("invalid value of {name}: {value}, err: {failure}"))?;
            Ok(GateSetting { name: name.to_owned(), enabled })
        });
        settings.collect::<Result<_, String>>().map(Self)
    }
}

/// A gate was given that the controller does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("feature-gate '{0}' not supported")]
pub struct GateError(String);

/// The values of a controller's gates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gates {
    values: BTreeMap<&'static str, bool>,
}

impl Gates {
    /// The defaults of `known`, changed by `settings`; the last setting of a gate wins.
    ///
    /// # Errors
    /// [`GateError`] for the first gate that is not known.
    pub fn resolve<'s>(
        known: &[Gate],
        settings: impl IntoIterator<Item = &'s GateSetting>,
    ) -> Result<Self, GateError> {
        let mut values: BTreeMap<&'static str, bool> =
            known.iter().map(|gate| (gate.name, gate.default)).collect();
        for setting in settings {
            let value =
                values.get_mut(setting.name.as_str()).ok_or_else(|| GateError(setting.name.clone()))?;
            *value = setting.enabled;
        }
        Ok(Self { values })
    }

    /// Whether a gate is on; one that the controller does not know is off.
    pub fn enabled(&self, name: &str) -> bool {
        self.values.get(name).copied().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Gate; 2] = [Gate { name: "On", default: true }, Gate { name: "Off", default: false }];

    fn setting(name: &str, value: &str) -> Vec<GateSetting> {
        format!("{name}={value}").parse::<GateSettings>().unwrap().0
    }

    #[test]
    fn settings_go_before_defaults() {
        let gates = Gates::resolve(&KNOWN, &setting("On", "false")).unwrap();
        assert!(!gates.enabled("On") && !gates.enabled("Off"));
        assert!(Gates::resolve(&KNOWN, &[]).unwrap().enabled("On"));
    }

    #[test]
    fn an_unknown_gate_is_refused() {
        let error = Gates::resolve(&KNOWN, &setting("X", "true")).unwrap_err();
        assert_eq!(error.to_string(), "feature-gate 'X' not supported");
    }
}
