//! What can go wrong; the texts are those of go-yaml and Go's encoding/json.

/// Failure to read, convert or write YAML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not YAML. Go counts lines in its own way: a parser problem is reported one line early, and a problem
    /// on the first line has no line at all.
    #[error("yaml: {}{problem}", Line(*.line))]
    Syntax {
        /// Line as go-yaml v3 reports it; 0 if it reports none.
        line: u64,
        /// Line as go-yaml v2 reports it: it prefers where the problem showed to where the construct began.
        v2_line: u64,
        /// What go-yaml calls the problem.
        problem: String,
    },
    /// An alias names no anchor that precedes it.
    #[error("yaml: unknown anchor '{0}' referenced")]
    UnknownAnchor(String),
    /// An anchored node contains an alias of itself.
    #[error("yaml: anchor '{0}' value contains itself")]
    RecursiveAnchor(String),
    /// Expansion of aliases multiplies the document beyond Go's ratio or the node limit.
    #[error("yaml: document contains excessive aliasing")]
    ExcessiveAliasing,
    /// Collections are nested deeper than the limit.
    #[error("yaml: exceeded max depth of {0}")]
    TooDeep(usize),
    /// The input is longer than the limit, in bytes.
    #[error("yaml: input of {size} bytes exceeds the limit of {limit} bytes")]
    TooLarge {
        /// Length of the input.
        size: usize,
        /// Longest input accepted.
        limit: usize,
    },
    /// The input holds more nodes than the limit.
    #[error("yaml: document exceeds the limit of {0} nodes")]
    TooManyNodes(usize),
    /// A `<<` key whose value cannot be merged; the text is kyaml's.
    #[error("{0}")]
    Merge(&'static str),
    /// A scalar does not have the type its explicit tag claims.
    #[error("yaml: cannot decode {actual} `{text}` as a {wanted}")]
    WrongTag {
        /// Tag that resolution of the text gives.
        actual: &'static str,
        /// The scalar.
        text: String,
        /// Tag written in the document.
        wanted: String,
    },
    /// Mappings have the same key twice or more often.
    #[error("yaml: unmarshal errors:{}", .0.iter().map(ToString::to_string).collect::<String>())]
    DuplicateKeys(Vec<DuplicateKey>),
    /// A mapping key is not a string, which JSON cannot hold.
    #[error("json: unsupported type: map[interface {{}}]interface {{}}")]
    KeyNotString,
    /// A key of the outermost mapping is a collection.
    #[error("yaml: unmarshal errors:\n  line {line}: cannot unmarshal {tag} into string")]
    KeyNotText {
        /// Line of the key, from 1.
        line: u32,
        /// `!!seq` or `!!map`.
        tag: &'static str,
    },
    /// A mapping key is null.
    #[error("unsupported map key of type: %!s(<nil>), key: <nil>, value: {0}")]
    NullKey(String),
    /// A mapping key is a collection.
    #[error("yaml: invalid map key: {0}")]
    KeyNotScalar(String),
    /// NaN and infinity have no JSON form.
    #[error("json: unsupported value: {0}")]
    UnsupportedValue(&'static str),
    /// A `!!binary` scalar is not base64.
    #[error("yaml: !!binary value contains invalid base64 data")]
    InvalidBinary,
}

/// A key that a mapping has more than once; lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\n  line {line}: mapping key {key:?} already defined at line {first}")]
pub struct DuplicateKey {
    /// The key.
    pub key: String,
    /// Line of the later occurrence.
    pub line: u32,
    /// Line of the earlier one.
    pub first: u32,
}

/// `line N: `, or nothing for line 0.
struct Line(u64);

impl Error {
    /// A problem of the text as a whole, without a line.
    pub(crate) fn syntax(problem: &str) -> Self {
        Self::Syntax { line: 0, v2_line: 0, problem: problem.to_owned() }
    }

    /// The error as go-yaml v2 words it.
    #[must_use]
    pub fn in_v2(self) -> Self {
        if let Self::Syntax { v2_line, problem, .. } = self {
            return Self::Syntax { line: v2_line, v2_line, problem };
        }
        self
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            0 => Ok(()),
            line => write!(formatter, "line {line}: "),
        }
    }
}
