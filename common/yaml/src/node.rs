//! The tree: what a document says, with tags and styles, in few bytes.
//!
//! A node takes 32 bytes. Texts of up to 15 bytes lie in it, longer ones are shared between clones. What most nodes do not
//! have (comments, an anchor, a tag of one's own, a share mark) lies in a box apart.

use std::fmt;

use ecow::EcoString;
use thin_vec::ThinVec;

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

/// What few nodes have.
#[derive(Clone, Default)]
struct Details {
    head_comment: Text,
    line_comment: Text,
    foot_comment: Text,
    anchor: Text,
    tag: Text,
    share: u32,
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
    pub fn mapping_of(entries: impl IntoIterator<Item = (Node, Node)>) -> Self {
        let entries = entries.into_iter().map(|(key, value)| Entry { key, value }).collect();
        Self::with(Content::Mapping(Head::new(Tag::Map), entries))
    }

    /// A sequence of these items.
    pub fn sequence_of(items: impl IntoIterator<Item = Node>) -> Self {
        Self::with(Content::Sequence(Head::new(Tag::Seq), items.into_iter().collect()))
    }

    /// A reference to the node with this anchor.
    pub fn alias(anchor: impl Into<Text>) -> Self {
        Self::with(Content::Alias(Head::new(Tag::None), anchor.into()))
    }

    pub(crate) fn from_entries(entries: List<Entry>) -> Self {
        Self::with(Content::Mapping(Head::new(Tag::Map), entries))
    }

    pub(crate) fn from_items(items: List<Node>) -> Self {
        Self::with(Content::Sequence(Head::new(Tag::Seq), items))
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
            Content::Scalar(head, _) | Content::Alias(head, _) => head,
            Content::Sequence(head, _) => head,
            Content::Mapping(head, _) => head,
        }
    }

    fn head_mut(&mut self) -> &mut Head {
        match &mut self.content {
            Content::Scalar(head, _) | Content::Alias(head, _) => head,
            Content::Sequence(head, _) => head,
            Content::Mapping(head, _) => head,
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

    /// Name of the anchor; empty if there is none.
    pub fn anchor(&self) -> &str {
        self.details.as_ref().map_or("", |details| &details.anchor)
    }

    /// Sets the anchor; the empty text removes it.
    pub fn set_anchor(&mut self, anchor: impl Into<Text>) {
        let anchor = anchor.into();
        if self.details.is_some() || !anchor.is_empty() {
            self.details_mut().anchor = anchor;
        }
    }

    /// Comment lines above the node, with their `#`; empty if there are none or they were not asked for.
    pub fn head_comment(&self) -> &str {
        self.details.as_ref().map_or("", |details| &details.head_comment)
    }

    /// Comment at the end of the node's line.
    pub fn line_comment(&self) -> &str {
        self.details.as_ref().map_or("", |details| &details.line_comment)
    }

    /// Comment lines below the node, apart from what follows.
    pub fn foot_comment(&self) -> &str {
        self.details.as_ref().map_or("", |details| &details.foot_comment)
    }

    /// Sets the comment above the node.
    pub fn set_head_comment(&mut self, comment: impl Into<Text>) {
        let comment = comment.into();
        if self.details.is_some() || !comment.is_empty() {
            self.details_mut().head_comment = comment;
        }
    }

    /// Sets the comment at the end of the node's line.
    pub fn set_line_comment(&mut self, comment: impl Into<Text>) {
        let comment = comment.into();
        if self.details.is_some() || !comment.is_empty() {
            self.details_mut().line_comment = comment;
        }
    }

    /// Sets the comment below the node.
    pub fn set_foot_comment(&mut self, comment: impl Into<Text>) {
        let comment = comment.into();
        if self.details.is_some() || !comment.is_empty() {
            self.details_mut().foot_comment = comment;
        }
    }

    /// Mark of the group of nodes that are one and the same node upstream; 0 for a node of its own.
    ///
    /// kustomize's label and annotation transformers put one node into several maps. Here each map has its own copy, and
    /// whoever changes one of them gives the others the same content with [`Node::spread_share`].
    pub fn share(&self) -> u32 {
        self.details.as_ref().map_or(0, |details| details.share)
    }

    /// Puts the node into a group; 0 takes it out.
    pub fn set_share(&mut self, share: u32) {
        if share != 0 || self.details.is_some() {
            self.details_mut().share = share;
        }
    }

    /// Gives every scalar below this node (and itself) with the share mark of `model` the text, tag and style of `model`.
    pub fn spread_share(&mut self, model: &Self) {
        if self.share() == model.share() && self.share() != 0 {
            self.content = model.content.clone();
        }
        match &mut self.content {
            Content::Scalar(..) | Content::Alias(..) => {}
            Content::Sequence(_, items) => items.iter_mut().for_each(|item| item.spread_share(model)),
            Content::Mapping(_, entries) => {
                entries.iter_mut().for_each(|entry| entry.value.spread_share(model))
            }
        }
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
                _ => false,
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

    /// Entries of a mapping in document order; none for any other node.
    pub fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Mapping(_, entries) => entries,
            Content::Scalar(..) | Content::Alias(..) | Content::Sequence(..) => &[],
        }
    }

    /// Entries of a mapping, to change them.
    pub fn entries_mut(&mut self) -> Option<&mut List<Entry>> {
        match &mut self.content {
            Content::Mapping(_, entries) => Some(entries),
            Content::Scalar(..) | Content::Alias(..) | Content::Sequence(..) => None,
        }
    }

    /// Items of a sequence; none for any other node.
    pub fn items(&self) -> &[Self] {
        match &self.content {
            Content::Sequence(_, items) => items,
            Content::Scalar(..) | Content::Alias(..) | Content::Mapping(..) => &[],
        }
    }

    /// Items of a sequence, to change them.
    pub fn items_mut(&mut self) -> Option<&mut List<Self>> {
        match &mut self.content {
            Content::Sequence(_, items) => Some(items),
            Content::Scalar(..) | Content::Alias(..) | Content::Mapping(..) => None,
        }
    }

    /// Number of entries or items; 0 for a scalar.
    pub fn len(&self) -> usize {
        match &self.content {
            Content::Mapping(_, entries) => entries.len(),
            Content::Sequence(_, items) => items.len(),
            Content::Scalar(..) | Content::Alias(..) => 0,
        }
    }

    /// Whether there are neither entries nor items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Place of the first entry with this key.
    pub fn position(&self, key: &str) -> Option<usize> {
        self.entries().iter().position(|entry| entry.is(key))
    }

    /// Value of the first entry with this key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.is(key)).map(|entry| &entry.value)
    }

    /// Value of the first entry with this key, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        self.entries_mut()?.iter_mut().find(|entry| entry.is(key)).map(|entry| &mut entry.value)
    }

    /// The node at a path of keys; `path(&["metadata", "name"])`.
    pub fn path(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The node at a path of keys, to change it.
    pub fn path_mut(&mut self, keys: &[&str]) -> Option<&mut Self> {
        keys.iter().try_fold(self, |node, key| node.get_mut(key))
    }

    /// Text of the scalar at this key.
    pub fn get_str(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// Replaces the value of this key (the whole node) or appends an entry; gives back the old value. Does nothing to a
    /// node that is not a mapping.
    pub fn insert(&mut self, key: impl Into<Text>, value: Self) -> Option<Self> {
        let key = key.into();
        if let Some(place) = self.get_mut(&key) {
            return Some(std::mem::replace(place, value));
        }
        self.entries_mut()?.push(Entry { key: Self::string(key), value });
        None
    }

    /// Value of this key; where it is missing, `value` is appended first. `None` if the node is not a mapping.
    pub fn get_or_insert(&mut self, key: &str, value: impl FnOnce() -> Self) -> Option<&mut Self> {
        let position = self.position(key);
        let entries = self.entries_mut()?;
        let position = position.unwrap_or_else(|| {
            entries.push(Entry { key: Self::string(key), value: value() });
            entries.len() - 1
        });
        entries.get_mut(position).map(|entry| &mut entry.value)
    }

    /// Removes the first entry with this key; the others keep their order.
    pub fn remove(&mut self, key: &str) -> Option<Self> {
        let position = self.position(key)?;
        Some(self.entries_mut()?.remove(position).value)
    }

    /// Appends an item to a sequence; does nothing to any other node.
    pub fn push(&mut self, item: Self) {
        if let Some(items) = self.items_mut() {
            items.push(item);
        }
    }

    /// Removes anchors, comments and share mark of this node alone.
    pub fn clear_details(&mut self) {
        match (self.head().tag, &mut self.details) {
            (Tag::Other, Some(details)) => {
                **details = Details { tag: std::mem::take(&mut details.tag), ..Details::default() };
            }
            (_, details) => *details = None,
        }
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
