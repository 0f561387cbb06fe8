//! Versions and version ranges as the Masterminds `SemVer` library for Go (3.5) reads them.
//!
//! It is laxer than `SemVer` 2 in what it takes for a version (`v1`, `1.02`), and its ranges have rules of their own for
//! missing parts and pre-releases. Order is that of `SemVer` 2; build metadata does not count.

mod constraint;

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

pub use constraint::{Constraint, ParseConstraintError};

/// Longest text that is read as a version, in bytes.
const MAX_LENGTH: usize = 256;

/// A version, together with the text that it was read from.
///
/// `FromStr` reads loosely: an optional `v`, one to three numbers (missing ones are 0), leading zeros allowed.
#[derive(Clone, Debug)]
pub struct Version {
    major: u64,
    minor: u64,
    patch: u64,
    pre_release: String,
    metadata: String,
    original: String,
}

/// Why a text is not a version, in the words of the Go library.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseVersionError {
    /// Not the shape of a version.
    #[error("invalid semantic version")]
    Invalid,
    /// More than 256 bytes.
    #[error("version string is too long (max {MAX_LENGTH} bytes)")]
    TooLong,
    /// A numeric pre-release part with a leading zero; in strict reading any number with one.
    #[error("version segment starts with 0")]
    LeadingZero,
    /// Strict reading only: a number with other characters in it.
    #[error("invalid characters in version")]
    InvalidCharacters,
    /// An empty pre-release part, or one with other characters than letters, digits and `-`.
    #[error("invalid prerelease string")]
    InvalidPreRelease,
    /// The same of build metadata.
    #[error("invalid metadata string")]
    InvalidMetadata,
    /// Strict reading only: no text at all.
    #[error("version string empty")]
    Empty,
    /// A number past 64 bits.
    #[error("error parsing version segment: strconv.ParseUint: parsing {0:?}: value out of range")]
    OutOfRange(String),
}

impl Version {
    /// Reads a version that must have three parts, that is, at least two dots: how the Flux controllers read tags.
    ///
    /// # Errors
    /// [`ParseVersionError::Invalid`] for fewer parts, else as `FromStr`.
    pub fn parse_three_parts(text: &str) -> Result<Self, ParseVersionError> {
        // three parts by the count of dots in the whole text, so `1.0-a.b` passes: as upstream's check
        if text.matches('.').count() < 2 {
            return Err(ParseVersionError::Invalid);
        }
        text.parse()
    }

    /// Reads a version by the letter of `SemVer` 2: no `v`, three numbers, no leading zeros.
    ///
    /// # Errors
    /// What is wrong, in the words of the Go library.
    pub fn parse_strict(text: &str) -> Result<Self, ParseVersionError> {
        if text.is_empty() {
            return Err(ParseVersionError::Empty);
        }
        if text.len() > MAX_LENGTH {
            return Err(ParseVersionError::TooLong);
        }
        let mut parts = text.splitn(3, '.');
        let (Some(major), Some(minor), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(ParseVersionError::Invalid);
        };
        let (rest, metadata) = split_marked(rest, '+');
        check_metadata(metadata)?;
        let (patch, pre_release) = split_marked(rest, '-');
        check_pre_release(pre_release)?;
        for number in [major, minor, patch] {
            if !number.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(ParseVersionError::InvalidCharacters);
            }
            if number.len() > 1 && number.starts_with('0') {
                return Err(ParseVersionError::LeadingZero);
            }
        }
        Ok(Self {
            major: parse_number(major)?,
            minor: parse_number(minor)?,
            patch: parse_number(patch)?,
            pre_release: pre_release.unwrap_or_default().to_owned(),
            metadata: metadata.unwrap_or_default().to_owned(),
            original: text.to_owned(),
        })
    }

    /// First number.
    pub const fn major(&self) -> u64 {
        self.major
    }

    /// Second number.
    pub const fn minor(&self) -> u64 {
        self.minor
    }

    /// Third number.
    pub const fn patch(&self) -> u64 {
        self.patch
    }

    /// Text after `-`, empty if none.
    pub fn pre_release(&self) -> &str {
        &self.pre_release
    }

    /// Text after `+`, empty if none.
    pub fn metadata(&self) -> &str {
        &self.metadata
    }

    /// The text that this was read from, for instance a tag.
    pub fn original(&self) -> &str {
        &self.original
    }

    /// The same version with other build metadata, or with none where `metadata` is empty.
    ///
    /// # Errors
    /// [`ParseVersionError::InvalidMetadata`].
    pub fn with_metadata(&self, metadata: &str) -> Result<Self, ParseVersionError> {
        check_metadata((!metadata.is_empty()).then_some(metadata))?;
        let mut version = Self { metadata: metadata.to_owned(), ..self.clone() };
        let prefix = if self.original.starts_with('v') { "v" } else { "" };
        version.original = format!("{prefix}{version}");
        Ok(version)
    }
}

impl FromStr for Version {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > MAX_LENGTH {
            return Err(ParseVersionError::TooLong);
        }
        let (core, metadata) = split_marked(text.strip_prefix('v').unwrap_or(text), '+');
        let (core, pre_release) = split_marked(core, '-');
        let numbers: Vec<&str> = core.split('.').collect();
        let well_formed =
            |number: &&str| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let shape = numbers.len() <= 3 && numbers.iter().all(well_formed);
        if !shape || !is_dotted(pre_release) || !is_dotted(metadata) {
            return Err(ParseVersionError::Invalid);
        }
        let number = |index: usize| numbers.get(index).map_or(Ok(0), |number| parse_number(number));
        let version = Self {
            major: number(0)?,
            minor: number(1)?,
            patch: number(2)?,
            pre_release: pre_release.unwrap_or_default().to_owned(),
            metadata: metadata.unwrap_or_default().to_owned(),
            original: text.to_owned(),
        };
        check_pre_release(pre_release)?;
        Ok(version)
    }
}

impl fmt::Display for Version {
    /// The normal form: three numbers without `v`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.pre_release.is_empty() {
            write!(f, "-{}", self.pre_release)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let numbers = |version: &Self| (version.major, version.minor, version.patch);
        numbers(self)
            .cmp(&numbers(other))
            .then_with(|| compare_pre_releases(&self.pre_release, &other.pre_release))
    }
}

/// A version without pre-release is the higher one; parts compare as numbers where both are, and numbers are lower.
fn compare_pre_releases(left: &str, right: &str) -> Ordering {
    match (left.is_empty(), right.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut lefts, mut rights) = (left.split('.'), right.split('.'));
    loop {
        let order = match (lefts.next(), rights.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(left), Some(right)) => match (left.parse::<u64>(), right.parse::<u64>()) {
                (Ok(left), Ok(right)) => left.cmp(&right),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => left.cmp(right),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Splits at the first `mark`; `None` where there is none.
fn split_marked(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// Whether a text, if there is one, is dot-separated parts of letters, digits and `-`, none of them empty.
fn is_dotted(text: Option<&str>) -> bool {
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(is_identifier_byte);
    text.is_none_or(|text| text.split('.').all(is_part))
}

const fn is_identifier_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

fn check_metadata(metadata: Option<&str>) -> Result<(), ParseVersionError> {
    if is_dotted(metadata) { Ok(()) } else { Err(ParseVersionError::InvalidMetadata) }
}

fn check_pre_release(pre_release: Option<&str>) -> Result<(), ParseVersionError> {
    if !is_dotted(pre_release) {
        return Err(ParseVersionError::InvalidPreRelease);
    }
    let is_padded = |part: &str| {
        part.len() > 1 && part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if pre_release.is_some_and(|text| text.split('.').any(is_padded)) {
        return Err(ParseVersionError::LeadingZero);
    }
    Ok(())
}

/// Digits as a number.
fn parse_number(digits: &str) -> Result<u64, ParseVersionError> {
    if digits.is_empty() {
        return Err(ParseVersionError::Invalid);
    }
    digits.parse().map_err(|_| ParseVersionError::OutOfRange(digits.to_owned()))
}

#[cfg(test)]
mod tests;
