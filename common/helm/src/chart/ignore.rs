//! .helmignore: which files of a directory are not part of the chart. Archives do not heed it.

use flux_gotext::PathPattern;

use super::path::base;

/// Why a rule is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRule {
    /// `**` in a rule.
    #[error("double-star (**) syntax is not supported")]
    DoubleStar,
    /// Not a pattern of Go's `filepath.Match`.
    #[error("syntax error in pattern")]
    Pattern,
}

/// The rules of a .helmignore, and the implicit one: files in `templates/` that start with a dot.
#[derive(Clone, Debug)]
pub struct IgnoreRules {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    pattern: PathPattern,
    /// Matches the whole path, not only its last element.
    whole: bool,
    negated: bool,
    directories_only: bool,
}

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PathKind {
    Directory,
    File,
}

impl IgnoreRules {
    /// Rules of a .helmignore; an empty text gives the implicit one alone.
    ///
    /// # Errors
    /// A rule that Helm does not take.
    pub fn parse(text: &str) -> Result<Self, InvalidRule> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let rules = lines.chain(["templates/.?*"]).map(Rule::parse);
        Ok(Self { rules: rules.collect::<Result<_, _>>()? })
    }

    /// Whether a path relative to the chart, with slashes, is left out. The first rule that applies decides, and a
    /// negated rule leaves out all that it does not match.
    pub(super) fn ignores(&self, path: &str, kind: PathKind) -> bool {
        if matches!(path, "" | "." | "./") {
            return false;
        }
        for rule in &self.rules {
            let applies = !rule.directories_only || kind == PathKind::Directory;
            match (rule.negated, applies && rule.matches(path)) {
                (true, false) | (false, true) => return true,
                (true, true) | (false, false) => {}
            }
        }
        false
    }
}

impl Rule {
    fn parse(line: &str) -> Result<Self, InvalidRule> {
        if line.contains("**") {
            return Err(InvalidRule::DoubleStar);
        }
        let compile = |text: &str| PathPattern::new(text).map_err(|_| InvalidRule::Pattern);
        compile(line)?;
        let (negated, text) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
        let (directories_only, text) = text.strip_suffix('/').map_or((false, text), |rest| (true, rest));
        let (rooted, text) = text.strip_prefix('/').map_or((false, text), |rest| (true, rest));
        Ok(Self { pattern: compile(text)?, whole: rooted || text.contains('/'), negated, directories_only })
    }

    fn matches(&self, path: &str) -> bool {
        self.pattern.matches(if self.whole { path } else { base(path) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignores(rules: &str, path: &str) -> bool {
        IgnoreRules::parse(rules).unwrap().ignores(path, PathKind::File)
    }

    #[test]
    fn names_match_anywhere_and_paths_as_a_whole() {
        assert!(ignores("helm.txt", "a/helm.txt"));
        assert!(ignores("/*.txt", "rudder.txt"));
        assert!(!ignores("/*.txt", "mast/a.txt"));
        assert!(ignores("mast/*", "mast/a.txt"));
        assert!(!ignores("mast/*", "mast/b/a.txt"));
        assert!(ignores("# comment\n\n  t?g*.txt \n", "cargo/tag2.txt"));
    }

    #[test]
    fn a_trailing_slash_means_directories_only() {
        let rules = IgnoreRules::parse("cargo/").unwrap();
        assert!(rules.ignores("cargo", PathKind::Directory));
        assert!(!rules.ignores("cargo", PathKind::File));
    }

    #[test]
    fn a_negated_rule_ignores_everything_else() {
        assert!(ignores("!helm.txt", "rudder.txt"));
        assert!(!ignores("!helm.txt", "helm.txt"));
        assert!(ignores("!mast/", "mast"));
    }

    #[test]
    fn hidden_templates_are_ignored_by_default() {
        assert!(ignores("", "templates/.dotfile"));
        assert!(!ignores("", ".dotfile"));
    }

    #[test]
    fn rules_that_helm_refuses_are_refused() {
        assert_eq!(IgnoreRules::parse("a/**/b").unwrap_err(), InvalidRule::DoubleStar);
        assert_eq!(IgnoreRules::parse("[").unwrap_err(), InvalidRule::Pattern);
    }
}
