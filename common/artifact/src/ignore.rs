//! Ignore rules: `.sourceignore` files and `spec.ignore`, in the dialect of go-git rather than of git.
//!
//! The last pattern that matches wins. Unlike git, a negated pattern brings back a file below an excluded directory, so
//! a walk must descend everywhere. Source: Flux 2.9, source-controller's ignore rules.

use flux_gotext::PathPattern;

/// Name of the files that hold ignore rules.
pub const FILE_NAME: &str = ".sourceignore";

/// Most lines that are read from all ignore files of a source together.
const MAX_PATTERNS: usize = 10_000;

const VERSION_CONTROL: &[&str] = &[".git/", ".gitignore", ".gitmodules", ".gitattributes"];
const DEFAULTS: &[&str] = &[
    "*.jpg",
    "*.jpeg",
    "*.gif",
    "*.png",
    "*.wmv",
    "*.flv",
    "*.tar.gz",
    "*.zip",
    ".github/",
    ".circleci/",
    ".travis.yml",
    ".gitlab-ci.yml",
    "appveyor.yml",
    ".drone.yml",
    "cloudbuild.yaml",
    "codeship-services.yml",
    "codeship-steps.yml",
    "**/.goreleaser.yml",
    "**/.sops.yaml",
    "**/.flux.yaml",
];

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file, or anything else that is no directory.
    File,
    /// A directory.
    Directory,
}

/// Collects patterns in the order in which they apply, then becomes [`IgnoreRules`].
#[derive(Debug, Default)]
pub struct IgnoreRulesBuilder {
    patterns: Vec<Pattern>,
}

/// Decides which entries of a tree are left out of its archive.
#[derive(Clone, Debug)]
pub struct IgnoreRules {
    patterns: Vec<Pattern>,
}

/// More patterns than are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {MAX_PATTERNS} ignore patterns")]
pub struct TooManyPatterns;

#[derive(Clone, Debug)]
struct Pattern {
    /// Directory that the pattern is written in, from the root of the tree.
    scope: Vec<String>,
    negated: bool,
    directories_only: bool,
    shape: Shape,
}

#[derive(Clone, Debug)]
enum Shape {
    /// Matches a component anywhere below the scope.
    Name(Segment),
    /// Matches components in order from the scope.
    Path(Vec<Segment>),
}

#[derive(Clone, Debug)]
enum Segment {
    /// What a leading slash leaves.
    Empty,
    /// `**`.
    AnyDirectories,
    Glob(PathPattern),
    /// Malformed, or `**` beside other characters.
    Never,
}

impl IgnoreRulesBuilder {
    /// Rules without any pattern.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the lines of an ignore file that lies in `directory`, a slash-separated path from the root (empty for the
    /// root itself).
    ///
    /// # Errors
    /// [`TooManyPatterns`].
    pub fn add(&mut self, directory: &str, text: &str) -> Result<(), TooManyPatterns> {
        let scope: Vec<String> = components(directory).map(str::to_owned).collect();
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
            if self.patterns.len() >= MAX_PATTERNS {
                return Err(TooManyPatterns);
            }
            self.patterns.push(Pattern::parse(&scope, line));
        }
        Ok(())
    }

    /// Only the patterns that were added: the rules of buckets.
    pub fn build(self) -> IgnoreRules {
        IgnoreRules { patterns: self.patterns }
    }

    /// With the built-in lists before the patterns: files of version control always, the rest (images, archives, CI
    /// configuration) only where no pattern was added.
    pub fn build_with_defaults(self) -> IgnoreRules {
        let defaults = if self.patterns.is_empty() { DEFAULTS } else { &[] };
        let built_in = VERSION_CONTROL.iter().chain(defaults);
        let mut patterns: Vec<Pattern> = built_in.map(|line| Pattern::parse(&[], line)).collect();
        patterns.extend(self.patterns);
        IgnoreRules { patterns }
    }
}

impl IgnoreRules {
    /// Whether the entry at `path` (slash-separated, from the root) is left out.
    pub fn ignores(&self, path: &str, kind: EntryKind) -> bool {
        let path: Vec<&str> = components(path).collect();
        let last_match = self.patterns.iter().rev().find(|pattern| pattern.matches(&path, kind));
        last_match.is_some_and(|pattern| !pattern.negated)
    }
}

fn components(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|component| !component.is_empty())
}

impl Pattern {
    fn parse(scope: &[String], line: &str) -> Self {
        let (negated, line) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
        let line = if line.ends_with("\\ ") { line } else { line.trim_end_matches(' ') };
        let (directories_only, line) = line.strip_suffix('/').map_or((false, line), |rest| (true, rest));
        let shape = if line.contains('/') {
            Shape::Path(line.split('/').map(Segment::parse).collect())
        } else {
            // a lone `**` is no path: it is a name that two stars match
            Shape::Name(PathPattern::new(line).map_or(Segment::Never, Segment::Glob))
        };
        Self { scope: scope.to_vec(), negated, directories_only, shape }
    }

    fn matches(&self, path: &[&str], kind: EntryKind) -> bool {
        let Some((scope, path)) = path.split_at_checked(self.scope.len()) else { return false };
        if path.is_empty() || scope != self.scope {
            return false;
        }
        match &self.shape {
            Shape::Name(name) => self.matches_name(name, path, kind),
            Shape::Path(segments) => self.matches_path(segments, path, kind),
        }
    }

    fn matches_name(&self, name: &Segment, path: &[&str], kind: EntryKind) -> bool {
        let Some(found) = path.iter().position(|component| name.matches(component)) else { return false };
        let is_last = found + 1 == path.len();
        !(self.directories_only && is_last && kind == EntryKind::File)
    }

    fn matches_path(&self, segments: &[Segment], path: &[&str], kind: EntryKind) -> bool {
        let mut rest = path.iter();
        let mut matched = false;
        let mut skips_directories = false;
        let mut segments = segments.iter().peekable();
        while let Some(segment) = segments.next() {
            match segment {
                Segment::Empty => skips_directories = false,
                Segment::AnyDirectories => skips_directories = segments.peek().is_some(),
                Segment::Never => return false,
                Segment::Glob(_) if rest.as_slice().is_empty() => return false,
                Segment::Glob(_) if skips_directories => {
                    skips_directories = false;
                    matched = rest.any(|component| segment.matches(component));
                }
                Segment::Glob(_) => {
                    if !rest.next().is_some_and(|component| segment.matches(component)) {
                        return false;
                    }
                    matched = true;
                }
            }
        }
        let is_whole = rest.as_slice().is_empty();
        matched && !(self.directories_only && is_whole && kind == EntryKind::File)
    }
}

impl Segment {
    fn parse(text: &str) -> Self {
        match text {
            "" => Self::Empty,
            "**" => Self::AnyDirectories,
            text if text.contains("**") => Self::Never,
            text => PathPattern::new(text).map_or(Self::Never, Self::Glob),
        }
    }

    fn matches(&self, component: &str) -> bool {
        match self {
            Self::Glob(pattern) => pattern.matches(component),
            Self::Empty | Self::AnyDirectories | Self::Never => false,
        }
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod check_ignore;
