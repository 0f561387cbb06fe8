//! The tree: what a document says, with tags and styles, in few bytes.
//!
//! A node takes 32 bytes. Texts of up to 15 bytes lie in it, longer ones are shared between clones. What most nodes do not
//! have (comments, an anchor, a tag of one's own, a share mark) lies in a box apart.

mod access;
mod details;

use std::fmt;

use ecow::EcoString;
use thin_vec::ThinVec;

use details::Details;

/// Text of a scalar: inline up to 15 bytes, else shared; a clone never copies.
pub type Text = EcoString;

/// Children of a collection; one word while empty.
pub type List<T> = ThinVec<T>;

/// A node of the tree.
#[derive(Clone)]
pub struct Node {
    content: Content,
    details: Option<Box<Details>>,
}

/// A key and its value in a mapping.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key; nearly always a scalar.
    pub key: Node,
    /// The value.
    pub value: Node,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text with a type.
    Scalar,
    /// A list of nodes.
    Sequence,
    /// A list of keys and values.
    Mapping,
    /// A reference to an anchored node; [`Node::expand`] replaces it.
    Alias,
}

/// Type of a node, as go-yaml's short tags name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Tag {
    /// Not determined yet: the type follows from the text at output.
    None,
    /// `!!null`
    Null,
    /// `!!bool`
    Bool,
    /// `!!int`
    Int,
    /// `!!float`
    Float,
    /// `!!str`
    Str,
    /// `!!timestamp`
    Timestamp,
    /// `!!binary`
    Binary,
    /// `!!merge`, of the key `<<`
    Merge,
    /// `!!seq`
    Seq,
    /// `!!map`
    Map,
    /// Any other tag; [`Node::tag_text`] gives its text.
    Other,
}

/// How a node is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Style {
    /// Scalar without quotes, or block collection.
    Plain,
    /// `'...'`
    SingleQuoted,
    /// `"..."`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
    /// `[...]` or `{...}`
    Flow,
}

#[derive(Clone)]
enum Content {
    Scalar(Head, Text),
    Alias(Head, Text),
    Sequence(Head, List<Node>),
    Mapping(Head, List<Entry>),
}

/// What every node has; byte-aligned, so that it fits beside the discriminant.
#[derive(Clone, Copy)]
struct Head {
    tag: Tag,
    style: Style,
    /// The tag stands in the document.
    explicit: bool,
    /// Line, from 1, little-endian; 0 if the node was not read from a document.
    line: [u8; 3],
}

impl Tag {
    /// The short text: `!!str` and so on; empty for [`Tag::None`] and [`Tag::Other`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None | Self::Other => "",
            Self::Null => "!!null",
            Self::Bool => "!!bool",
            Self::Int => "!!int",
            Self::Float => "!!float",
            Self::Str => "!!str",
            Self::Timestamp => "!!timestamp",
            Self::Binary => "!!binary",
            Self::Merge => "!!merge",
            Self::Seq => "!!seq",
            Self::Map => "!!map",
        }
    }

    /// The tag of a short (`!!str`) or long (`tag:yaml.org,2002:str`) text; [`Tag::Other`] for one of nobody's.
    pub fn parse(text: &str) -> Self {
        let Some(name) = text.strip_prefix("!!").or_else(|| text.strip_prefix("tag:yaml.org,2002:")) else {
            return if text.is_empty() || text == "!" { Self::None } else { Self::Other };
        };
        match name {
            "null" => Self::Null,
            "bool" => Self::Bool,
            "int" => Self::Int,
            "float" => Self::Float,
            "str" => Self::Str,
            "timestamp" => Self::Timestamp,
            "binary" => Self::Binary,
            "merge" => Self::Merge,
            "seq" => Self::Seq,
            "map" => Self::Map,
            _ => Self::Other,
        }
    }
}

impl Head {
    const fn new(tag: Tag) -> Self {
        Self { tag, style: Style::Plain, explicit: false, line: [0; 3] }
    }
}

impl Node {
    /// A plain scalar whose type follows from its text at output (tag [`Tag::None`]).
    pub fn scalar(text: impl Into<Text>) -> Self {
        Self::with(Content::Scalar(Head::new(Tag::None), text.into()))
    }

    /// A plain scalar with the tag `!!str`: quoted at output if it would read as something else.
    pub fn string(text: impl Into<Text>) -> Self {
        Self::tagged(text, Tag::Str)
    }

    /// A plain scalar with this tag.
    pub fn tagged(text: impl Into<Text>, tag: Tag) -> Self {
        Self::with(Content::Scalar(Head::new(tag), text.into()))
    }

    /// The plain scalar `null`.
    pub fn null() -> Self {
        Self::tagged("null", Tag::Null)
    }

    /// An empty mapping.
    pub fn mapping() -> Self {
        Self::with(Content::Mapping(Head::new(Tag::Map), List::new()))
    }

    /// An empty sequence.
    pub fn sequence() -> Self {
        Self::with(Content::Sequence(Head::new(Tag::Seq), List::new()))
    }

    /// A mapping of these entries, in this order.
    pub fn mapping_of(entries: impl IntoIterator<Item = (Self, Self)>) -> Self {
        let entries = entries.into_iter().map(|(key, value)| Entry { key, value }).collect();
        Self::with(Content::Mapping(Head::new(Tag::Map), entries))
    }

    /// A sequence of these items.
    pub fn sequence_of(items: impl IntoIterator<Item = Self>) -> Self {
        Self::with(Content::Sequence(Head::new(Tag::Seq), items.into_iter().collect()))
    }

    /// A reference to the node with this anchor.
    pub fn alias(anchor: impl Into<Text>) -> Self {
        Self::with(Content::Alias(Head::new(Tag::None), anchor.into()))
    }

    const fn with(content: Content) -> Self {
        Self { content, details: None }
    }

    /// What the node is.
    pub fn kind(&self) -> Kind {
        match self.content {
            Content::Scalar(..) => Kind::Scalar,
            Content::Alias(..) => Kind::Alias,
            Content::Sequence(..) => Kind::Sequence,
            Content::Mapping(..) => Kind::Mapping,
        }
    }

    fn head(&self) -> &Head {
        match &self.content {
            Content::Scalar(head, _)
            | Content::Alias(head, _)
            | Content::Sequence(head, _)
            | Content::Mapping(head, _) => head,
        }
    }

    fn head_mut(&mut self) -> &mut Head {
        match &mut self.content {
            Content::Scalar(head, _)
            | Content::Alias(head, _)
            | Content::Sequence(head, _)
            | Content::Mapping(head, _) => head,
        }
    }

    fn details_mut(&mut self) -> &mut Details {
        self.details.get_or_insert_default()
    }

    /// The type, as far as it is known.
    pub fn tag(&self) -> Tag {
        self.head().tag
    }

    /// Text of the tag: `!!str`, `!custom`; empty if there is none.
    pub fn tag_text(&self) -> &str {
        match (self.head().tag, &self.details) {
            (Tag::Other, Some(details)) => &details.tag,
            (tag, _) => tag.as_str(),
        }
    }

    /// Sets the type without writing it into the document.
    pub fn set_tag(&mut self, tag: Tag) {
        let head = self.head_mut();
        head.tag = tag;
        head.explicit = false;
    }

    /// Sets a tag that stands in the document, such as `!!int` or `!custom`.
    pub fn set_explicit_tag(&mut self, text: &str) {
        let tag = Tag::parse(text);
        if tag == Tag::Other {
            self.details_mut().tag = shorten(text);
        }
        let head = self.head_mut();
        head.tag = tag;
        head.explicit = tag != Tag::None;
    }

    /// Whether the tag stands in the document.
    pub fn has_explicit_tag(&self) -> bool {
        self.head().explicit
    }

    /// How the node is written.
    pub fn style(&self) -> Style {
        self.head().style
    }

    /// Sets how the node is written.
    pub fn set_style(&mut self, style: Style) {
        self.head_mut().style = style;
    }

    /// The node with this style.
    #[must_use]
    pub fn styled(mut self, style: Style) -> Self {
        self.set_style(style);
        self
    }

    /// Line of the document on which the node starts, from 1; 0 if it was not read from one.
    pub fn line(&self) -> u32 {
        let [low, middle, high] = self.head().line;
        u32::from_le_bytes([low, middle, high, 0])
    }

    pub(crate) fn set_line(&mut self, line: u32) {
        // 24 bits: lines are for messages, and the size limit keeps them below this
        let [low, middle, high, _] = line.min(0x00ff_ffff).to_le_bytes();
        self.head_mut().line = [low, middle, high];
    }

    /// Text of a scalar, whatever its type.
    pub fn as_str(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar(_, text) => Some(text),
            Content::Alias(..) | Content::Sequence(..) | Content::Mapping(..) => None,
        }
    }

    /// Text of a scalar, for a cheap clone.
    pub fn text(&self) -> Option<&Text> {
        match &self.content {
            Content::Scalar(_, text) => Some(text),
            Content::Alias(..) | Content::Sequence(..) | Content::Mapping(..) => None,
        }
    }

    /// Anchor that an alias refers to.
    pub fn alias_of(&self) -> Option<&str> {
        match &self.content {
            Content::Alias(_, anchor) => Some(anchor),
            Content::Scalar(..) | Content::Sequence(..) | Content::Mapping(..) => None,
        }
    }

    /// Replaces the text of a scalar; tag and style stay. Any other node becomes a plain scalar without tag.
    pub fn set_text(&mut self, text: impl Into<Text>) {
        match &mut self.content {
            Content::Scalar(_, old) => *old = text.into(),
            Content::Alias(..) | Content::Sequence(..) | Content::Mapping(..) => {
                self.content = Content::Scalar(Head::new(Tag::None), text.into());
            }
        }
    }

    /// Whether this is a scalar of type null (by tag, or by text where the tag is open).
    pub fn is_null(&self) -> bool {
        match &self.content {
            Content::Scalar(head, text) => match head.tag {
                Tag::Null => true,
                Tag::None if head.style == Style::Plain => {
                    matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL")
                }
                Tag::None
                | Tag::Bool
                | Tag::Int
                | Tag::Float
                | Tag::Str
                | Tag::Timestamp
                | Tag::Binary
                | Tag::Merge
                | Tag::Seq
                | Tag::Map
                | Tag::Other => false,
            },
            Content::Alias(..) | Content::Sequence(..) | Content::Mapping(..) => false,
        }
    }

    /// Whether this is a scalar.
    pub fn is_scalar(&self) -> bool {
        self.kind() == Kind::Scalar
    }

    /// Whether this is a mapping.
    pub fn is_mapping(&self) -> bool {
        self.kind() == Kind::Mapping
    }

    /// Whether this is a sequence.
    pub fn is_sequence(&self) -> bool {
        self.kind() == Kind::Sequence
    }
}

impl Entry {
    /// Whether the key is a scalar with this text.
    pub fn is(&self, key: &str) -> bool {
        self.key.as_str() == Some(key)
    }

    /// Text of the key if it is a scalar.
    pub fn name(&self) -> Option<&str> {
        self.key.as_str()
    }
}

impl Default for Node {
    /// Null.
    fn default() -> Self {
        Self::null()
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.content {
            Content::Scalar(head, text) => {
                write!(formatter, "{:?}/{:?}({:?})", head.tag, head.style, text.as_str())
            }
            Content::Alias(_, anchor) => write!(formatter, "Alias({anchor})"),
            Content::Sequence(_, items) => formatter.debug_list().entries(items.iter()).finish(),
            Content::Mapping(_, entries) => {
                formatter.debug_map().entries(entries.iter().map(|entry| (&entry.key, &entry.value))).finish()
            }
        }
    }
}

/// go-yaml's short form of a tag: `tag:yaml.org,2002:x` becomes `!!x`.
fn shorten(tag: &str) -> Text {
    match tag.strip_prefix("tag:yaml.org,2002:") {
        Some(name) => Text::from(format!("!!{name}")),
        None => Text::from(tag),
    }
}
