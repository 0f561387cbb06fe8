//! Version ranges: `>=1.2 <2 || ~3.1`, `1.x`, `^0.3`, `1.0 - 2.0`.

use std::str::FromStr;

use super::{ParseVersionError, Version, is_identifier_byte};

/// Longest range that is read, in bytes.
const MAX_LENGTH: usize = 512;
/// Most alternatives of one range.
const MAX_GROUPS: usize = 32;

/// A version range: alternatives (`||`) of comparisons that must all hold (comma or space).
///
/// ```
/// use flux_gotext::{Constraint, Version};
/// let range: Constraint = ">=1.2 <2".parse()?;
/// assert!(range.admits(&Version::parse_three_parts("v1.10.0")?));
/// assert!(!range.admits(&Version::parse_three_parts("1.3.0-rc.1")?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Constraint {
    groups: Vec<Group>,
}

/// Why a text is not a version range, in the words of the Go library.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseConstraintError {
    /// Not the shape of a range.
    #[error("improper constraint: {0:?}")]
    Improper(String),
    /// The shape of a range, but the version in it is none, for instance `x1`.
    #[error("constraint parser error")]
    Version,
    /// More than 512 bytes.
    #[error("constraint string is too long (max {MAX_LENGTH} bytes)")]
    TooLong,
    /// More than 32 alternatives.
    #[error("too many constraint groups (max {MAX_GROUPS})")]
    TooManyGroups,
}

#[derive(Clone, Debug)]
struct Group {
    comparisons: Vec<Comparison>,
    /// A group with a pre-release in it admits pre-releases.
    admits_pre_releases: bool,
}

#[derive(Clone, Debug)]
struct Comparison {
    operator: Operator,
    operand: Operand,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

/// The version of a comparison; parts that are missing or wild are 0.
#[derive(Clone, Debug)]
struct Operand {
    version: Version,
    precision: Precision,
}

/// Which parts of an operand are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Precision {
    /// None: `*`.
    Any,
    /// `1`, `1.x`.
    Major,
    /// `1.2`, `1.2.x`.
    Minor,
    /// `1.2.3`.
    Full,
}

impl Constraint {
    /// Whether `version` lies in the range.
    pub fn admits(&self, version: &Version) -> bool {
        self.groups.iter().any(|group| {
            (group.admits_pre_releases || version.pre_release().is_empty())
                && group.comparisons.iter().all(|comparison| comparison.holds(version))
        })
    }
}

impl Comparison {
    fn holds(&self, version: &Version) -> bool {
        let Operand { version: bound, precision } = &self.operand;
        let same_major = version.major() == bound.major();
        let same_minor = same_major && version.minor() == bound.minor();
        let beyond_minor = same_major && version.minor() > bound.minor();
        match (self.operator, precision) {
            (Operator::Equal, Precision::Full) => version == bound,
            (Operator::Equal | Operator::Tilde, _) => self.holds_tilde(version),
            (Operator::NotEqual, Precision::Any | Precision::Full) => version != bound,
            (Operator::NotEqual, Precision::Major) => !same_major,
            (Operator::NotEqual, Precision::Minor) => {
                // equal unless the pre-releases differ: upstream's reading of `!=1.2-rc`
                !same_minor || version.pre_release() != bound.pre_release()
            }
            (Operator::Greater, Precision::Any | Precision::Full) => version > bound,
            (Operator::Greater, Precision::Major) => version.major() > bound.major(),
            (Operator::Greater, Precision::Minor) => version.major() > bound.major() || beyond_minor,
            (Operator::Less, _) => version < bound,
            (Operator::GreaterOrEqual, _) => version >= bound,
            (Operator::LessOrEqual, Precision::Full) => version <= bound,
            (Operator::LessOrEqual, Precision::Major) => version.major() <= bound.major(),
            (Operator::LessOrEqual, Precision::Any | Precision::Minor) => {
                version.major() <= bound.major() && !beyond_minor
            }
            (Operator::Caret, _) => self.holds_caret(version),
        }
    }

    /// `~1.2.3` is `>=1.2.3 <1.3.0`, `~1` is `>=1.0.0 <2.0.0`; `~0.0.0` and `*` are `>=0.0.0`.
    fn holds_tilde(&self, version: &Version) -> bool {
        let Operand { version: bound, precision } = &self.operand;
        let is_zero = bound.major() == 0 && bound.minor() == 0 && bound.patch() == 0;
        let unbounded = is_zero && matches!(precision, Precision::Any | Precision::Full);
        let in_range = version.major() == bound.major()
            && (*precision == Precision::Major || version.minor() == bound.minor());
        version >= bound && (unbounded || in_range)
    }

    /// Up to the next change of the first part that is not zero: `^1.2` is `<2`, `^0.2` is `<0.3`, `^0.0.3` is `<0.0.4`.
    fn holds_caret(&self, version: &Version) -> bool {
        let Operand { version: bound, precision } = &self.operand;
        if version < bound || version.major() != bound.major() {
            return false;
        }
        if bound.major() > 0 || *precision == Precision::Major {
            return true;
        }
        if version.minor() != bound.minor() {
            return false;
        }
        bound.minor() > 0 || *precision == Precision::Minor || version.patch() == bound.patch()
    }
}

impl FromStr for Constraint {
    type Err = ParseConstraintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > MAX_LENGTH {
            return Err(ParseConstraintError::TooLong);
        }
        let groups: Vec<&str> = text.split("||").collect();
        if groups.len() > MAX_GROUPS {
            return Err(ParseConstraintError::TooManyGroups);
        }
        Ok(Self { groups: groups.into_iter().map(parse_group).collect::<Result<_, _>>()? })
    }
}

/// Reads the comparisons of one alternative.
fn parse_group(text: &str) -> Result<Group, ParseConstraintError> {
    let improper = || ParseConstraintError::Improper(text.to_owned());
    let mut comparisons = Vec::new();
    let mut rest = skip_space(text);
    loop {
        let (operator, after_operator) = split_operator(rest);
        let (operand, after_operand) = split_operand(skip_space(after_operator)).ok_or_else(improper)?;
        let (operand, after_operand) = (parse_operand(operand)?, after_operand);
        if let Some((upper, after_upper)) = split_hyphen_range(operator, after_operand) {
            comparisons.push(Comparison { operator: Operator::GreaterOrEqual, operand });
            comparisons.push(Comparison { operator: Operator::LessOrEqual, operand: parse_operand(upper)? });
            rest = after_upper;
        } else {
            comparisons.push(Comparison { operator: operator.unwrap_or(Operator::Equal), operand });
            rest = after_operand;
        }
        let next = skip_space(rest);
        if next.is_empty() {
            break;
        }
        let is_separated = next.len() < rest.len() || next.starts_with(',');
        if !is_separated {
            return Err(improper());
        }
        rest = skip_space(next.strip_prefix(',').unwrap_or(next));
    }
    let admits_pre_releases =
        comparisons.iter().any(|comparison| !comparison.operand.version.pre_release().is_empty());
    Ok(Group { comparisons, admits_pre_releases })
}

fn skip_space(text: &str) -> &str {
    text.trim_start_matches(['\t', '\n', '\x0c', '\r', ' '])
}

/// The operator that `text` begins with.
fn split_operator(text: &str) -> (Option<Operator>, &str) {
    // longest first
    let operators = [
        ("!=", Operator::NotEqual),
        (">=", Operator::GreaterOrEqual),
        ("=>", Operator::GreaterOrEqual),
        ("<=", Operator::LessOrEqual),
        ("=<", Operator::LessOrEqual),
        ("~>", Operator::Tilde),
        ("=", Operator::Equal),
        (">", Operator::Greater),
        ("<", Operator::Less),
        ("~", Operator::Tilde),
        ("^", Operator::Caret),
    ];
    let found = operators.iter().find_map(|(sign, operator)| Some((*operator, text.strip_prefix(sign)?)));
    found.map_or((None, text), |(operator, rest)| (Some(operator), rest))
}

/// The upper end of `1.0 - 2.0`, after its lower end; a range takes no operator.
fn split_hyphen_range(operator: Option<Operator>, after_lower: &str) -> Option<(&str, &str)> {
    let hyphen = skip_space(after_lower);
    let after_hyphen = hyphen.strip_prefix('-')?;
    let upper = skip_space(after_hyphen);
    let is_spaced = hyphen.len() < after_lower.len() && upper.len() < after_hyphen.len();
    if operator.is_some() || !is_spaced { None } else { split_operand(upper) }
}

/// The partial version that `text` begins with, `v` included.
fn split_operand(text: &str) -> Option<(&str, &str)> {
    let mut rest = skip_part(text.strip_prefix('v').unwrap_or(text))?;
    for _ in 0..2 {
        rest = rest.strip_prefix('.').and_then(skip_part).unwrap_or(rest);
    }
    for mark in ['-', '+'] {
        rest = rest.strip_prefix(mark).and_then(skip_identifiers).unwrap_or(rest);
    }
    text.strip_suffix(rest).map(|operand| (operand, rest))
}

/// Skips one number or wildcard; `None` where there is none.
fn skip_part(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, 'x' | 'X' | '*' | '|'));
    (rest.len() < text.len()).then_some(rest)
}

/// Skips dot-separated identifiers; `None` where there is none.
fn skip_identifiers(text: &str) -> Option<&str> {
    let skip = |text: &'_ str| -> Option<usize> {
        let length = text.bytes().take_while(|byte| is_identifier_byte(*byte)).count();
        (length > 0).then_some(length)
    };
    let mut rest = text.get(skip(text)?..)?;
    while let Some(after) = rest.strip_prefix('.')
        && let Some(length) = skip(after)
    {
        rest = after.get(length..)?;
    }
    Some(rest)
}

/// Fills the missing parts of a partial version with 0.
fn parse_operand(text: &str) -> Result<Operand, ParseConstraintError> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (core, metadata) = text.split_once('+').unwrap_or((text, ""));
    let (core, pre_release) = core.split_once('-').unwrap_or((core, ""));
    let given: Vec<&str> = core.split('.').take_while(|part| !matches!(*part, "x" | "X" | "*")).collect();
    let (precision, numbers) = match given.as_slice() {
        [] => (Precision::Any, "0.0.0".to_owned()),
        [major] => (Precision::Major, format!("{major}.0.0")),
        [major, minor] => (Precision::Minor, format!("{major}.{minor}.0")),
        [..] => (Precision::Full, core.to_owned()),
    };
    let pre_release = if pre_release.is_empty() { String::new() } else { format!("-{pre_release}") };
    let metadata = if metadata.is_empty() || precision != Precision::Full {
        String::new()
    } else {
        format!("+{metadata}")
    };
    let version = format!("{numbers}{pre_release}{metadata}").parse();
    let version = version.map_err(|_: ParseVersionError| ParseConstraintError::Version)?;
    Ok(Operand { version, precision })
}
