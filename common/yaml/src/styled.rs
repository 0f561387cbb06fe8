//! The style-preserving writer: a tree as go-yaml v3 writes its nodes, with comments, anchors and tags.

use crate::emitter::{INDENT, Page, Place, select};
use crate::node::{Kind, Node, Style, Tag};
use crate::quote::{Analysis, Tabs, analyze};
use crate::resolve::{Schema, resolve};

/// Longest key in bytes that goes on one line with its colon.
const LONGEST_SIMPLE_KEY: usize = 128;

/// How lists in maps are indented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lists {
    /// The dash stands below the key, as kyaml has it.
    Compact,
    /// The dash stands two columns further, as go-yaml v3 does by itself.
    Indented,
}

/// Appends a document in its own styles, as go-yaml v3 with an indentation of 2 writes a node. There is no limit on the
/// width of lines, and no separator before or after.
pub fn write_styled(node: &Node, lists: Lists, out: &mut String) {
    let page = Page::new(out, usize::MAX, Tabs::InBlocks);
    let mut writer = Writer { page, lists, foot: None, tail: String::new(), in_block: false };
    writer.head(node, 0);
    writer.node(node, Position { indent: 0, parent: Parent::Root });
    writer.line_comment_of(node);
    if !node.foot_comment().is_empty() {
        // what stands below a document keeps a line's distance
        writer.foot = Some(0);
        writer.foot(node.foot_comment(), 0);
    }
    if node.as_str() == Some("") {
        writer.page.line_break();
    }
    writer.page.line_break_if_open();
}

/// [`write_styled`] into a new text.
pub fn to_styled_yaml(node: &Node, lists: Lists) -> String {
    let mut out = String::new();
    write_styled(node, lists, &mut out);
    out
}

struct Writer<'a> {
    page: Page<'a>,
    lists: Lists,
    /// Indentation of a comment below a node that was just written: what follows there keeps a line's distance.
    foot: Option<usize>,
    /// Comment below the previous entry, which waits for the next one.
    tail: String,
    /// The scalar just written was literal or folded, and has its comment behind its header.
    in_block: bool,
}

/// Where a node stands.
#[derive(Clone, Copy)]
struct Position {
    /// Indentation of the block around it.
    indent: usize,
    parent: Parent,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Parent {
    Root,
    Mapping,
    Key,
    SimpleKey,
    Sequence,
    FlowMapping,
    FlowKey,
    FlowSequence,
}

impl Parent {
    fn is_flow(self) -> bool {
        matches!(self, Self::FlowMapping | Self::FlowKey | Self::FlowSequence)
    }
}

impl Writer<'_> {
    fn indent(&mut self, indent: usize) {
        self.page.indent(indent);
        if self.foot.take() == Some(indent) {
            self.page.empty_line(indent);
        }
    }

    fn comment(&mut self, comment: &str, indent: usize) {
        for (index, line) in comment.lines().enumerate() {
            if index > 0 && !line.is_empty() {
                self.indent(indent);
            }
            if !line.is_empty() && !line.starts_with('#') {
                self.page.word("#");
            }
            self.page.comment_line(line);
        }
    }

    fn head(&mut self, node: &Node, indent: usize) {
        let tail = std::mem::take(&mut self.tail);
        if !tail.is_empty() {
            self.indent(indent);
            self.comment(&tail, indent);
            self.foot = Some(indent);
        }
        if !node.head_comment().is_empty() {
            self.indent(indent);
            self.comment(node.head_comment(), indent);
        }
    }

    fn line_comment(&mut self, comment: &str) {
        if !comment.is_empty() {
            self.page.word("");
            self.comment(comment, 0);
        }
    }

    /// The line comment of a node that does not have it already.
    fn line_comment_of(&mut self, node: &Node) {
        let said = node.is_scalar() && self.in_block;
        if !said && !is_block(node) {
            self.line_comment(node.line_comment());
        }
    }

    fn foot(&mut self, comment: &str, indent: usize) {
        if !comment.is_empty() {
            self.indent(indent);
            self.comment(comment, indent);
            self.foot = Some(indent);
        }
    }

    fn node(&mut self, node: &Node, at: Position) {
        if node.kind() == Kind::Alias {
            self.page.word(&format!("*{}", node.alias_of().unwrap_or_default()));
            return;
        }
        if !node.anchor().is_empty() {
            self.page.word(&format!("&{}", node.anchor()));
        }
        let presentation = presentation(node);
        if let Some(tag) = &presentation.tag {
            self.page.word(tag);
        }
        match node.kind() {
            Kind::Alias => {}
            Kind::Scalar => self.scalar(node, &presentation, at),
            Kind::Sequence if at.parent.is_flow() || !is_block(node) => self.flow_sequence(node, at),
            Kind::Mapping if at.parent.is_flow() || !is_block(node) => self.flow_mapping(node, at),
            Kind::Sequence => self.block_sequence(node, at),
            Kind::Mapping => self.block_mapping(node, at),
        }
    }

    fn scalar(&mut self, node: &Node, presentation: &Presentation, at: Position) {
        let text = node.as_str().unwrap_or_default();
        let place = match at.parent {
            Parent::SimpleKey => Place::SimpleKey,
            Parent::FlowKey => Place::FlowKey,
            Parent::FlowMapping | Parent::FlowSequence => Place::Flow,
            Parent::Root | Parent::Mapping | Parent::Key | Parent::Sequence => Place::Block,
        };
        let analysis = analyze(text, Tabs::InBlocks);
        let style = select(text, presentation.style, place, analysis);
        self.in_block = matches!(style, Style::Literal | Style::Folded);
        if self.in_block {
            self.page.block_scalar(text, style, at.indent + INDENT, node.line_comment());
        } else {
            self.page.scalar_as(text, style, place, at.indent + INDENT);
        }
    }

    /// What follows a node on its line and below; a block collection has said it already.
    fn after(&mut self, node: &Node, indent: usize) {
        self.line_comment_of(node);
        self.foot(node.foot_comment(), indent);
    }

    fn block_sequence(&mut self, node: &Node, at: Position) {
        let below_key =
            at.parent == Parent::Mapping && (self.page.at_line_start() || !self.page.at_indention());
        let outermost = at.parent == Parent::Root || (below_key && self.lists == Lists::Compact);
        let indent = if outermost { at.indent } else { at.indent + INDENT };
        for item in node.items() {
            self.head(item, indent);
            self.indent(indent);
            self.page.block_indicator("-");
            self.node(item, Position { indent, parent: Parent::Sequence });
            self.after(item, indent);
        }
    }

    fn block_mapping(&mut self, node: &Node, at: Position) {
        let indent = if at.parent == Parent::Root { at.indent } else { at.indent + INDENT };
        for entry in node.entries() {
            let (key, value) = (&entry.key, &entry.value);
            self.head(key, indent);
            self.indent(indent);
            if is_simple_key(key) {
                self.node(key, Position { indent, parent: Parent::SimpleKey });
                self.page.glue(":");
            } else {
                self.page.block_indicator("?");
                self.node(key, Position { indent, parent: Parent::Key });
                self.indent(indent);
                self.page.block_indicator(":");
            }
            if is_block(value) {
                self.line_comment(key.line_comment());
            }
            self.head(value, indent + INDENT);
            self.node(value, Position { indent, parent: Parent::Mapping });
            if value.line_comment().is_empty() && !is_block(value) {
                self.line_comment(key.line_comment());
            }
            self.after(value, indent);
            self.tail.push_str(key.foot_comment());
        }
        let tail = std::mem::take(&mut self.tail);
        self.foot(&tail, indent);
    }

    fn flow_sequence(&mut self, node: &Node, at: Position) {
        self.page.open("[");
        let indent = at.indent + INDENT;
        for (index, item) in node.items().iter().enumerate() {
            self.flow_item(item, index, indent);
            self.node(item, Position { indent, parent: Parent::FlowSequence });
            self.flow_comment(item, indent);
        }
        self.close(at.indent, "]");
    }

    fn flow_mapping(&mut self, node: &Node, at: Position) {
        self.page.open("{");
        let indent = at.indent + INDENT;
        for (index, entry) in node.entries().iter().enumerate() {
            self.flow_item(&entry.key, index, indent);
            if is_simple_key(&entry.key) {
                self.node(&entry.key, Position { indent, parent: Parent::FlowKey });
                self.page.glue(":");
            } else {
                self.page.word("?");
                self.node(&entry.key, Position { indent, parent: Parent::FlowMapping });
                self.page.word(":");
            }
            self.node(&entry.value, Position { indent, parent: Parent::FlowMapping });
            self.flow_comment(&entry.value, indent);
        }
        self.close(at.indent, "}");
    }

    fn flow_item(&mut self, node: &Node, index: usize, indent: usize) {
        if index > 0 && !self.page.at_line_start() {
            self.page.glue(",");
        }
        self.head(node, indent);
        if self.page.at_line_start() {
            self.indent(indent);
        }
    }

    fn flow_comment(&mut self, node: &Node, indent: usize) {
        if !node.line_comment().is_empty() || !node.foot_comment().is_empty() {
            self.page.glue(",");
            self.line_comment(node.line_comment());
            self.foot(node.foot_comment(), indent);
        }
    }

    fn close(&mut self, indent: usize, bracket: &str) {
        if self.page.at_line_start() {
            self.indent(indent);
        }
        self.page.glue(bracket);
    }
}

/// Whether a node takes lines of its own.
fn is_block(node: &Node) -> bool {
    matches!(node.kind(), Kind::Sequence | Kind::Mapping) && !node.is_empty() && node.style() != Style::Flow
}

fn is_simple_key(key: &Node) -> bool {
    let properties = key.anchor().len() + presentation(key).tag.map_or(0, |tag| tag.len());
    match key.kind() {
        Kind::Scalar => {
            let text = key.as_str().unwrap_or_default();
            let Analysis { multiline, .. } = analyze(text, Tabs::InBlocks);
            !multiline && properties + text.len() <= LONGEST_SIMPLE_KEY
        }
        Kind::Alias => true,
        Kind::Sequence | Kind::Mapping => key.is_empty() && properties <= LONGEST_SIMPLE_KEY,
    }
}

/// Tag and style that a node is written with.
struct Presentation {
    tag: Option<String>,
    style: Style,
}

/// A tag that the text implies is left out; a string that would read as something else gets quotes.
fn presentation(node: &Node) -> Presentation {
    let tag = node.tag();
    let mut forced = false;
    let implied = match node.kind() {
        _ if tag == Tag::None => true,
        _ if node.has_explicit_tag() => false,
        Kind::Mapping => tag == Tag::Map,
        Kind::Sequence => tag == Tag::Seq,
        Kind::Alias => true,
        Kind::Scalar => {
            let plain = !matches!(
                node.style(),
                Style::SingleQuoted | Style::DoubleQuoted | Style::Literal | Style::Folded
            );
            let reads_as = || resolve(node.as_str().unwrap_or_default(), Schema::V3).tag();
            if tag == Tag::Str && plain {
                forced = reads_as() != Tag::Str;
            }
            tag == Tag::Str || reads_as() == tag
        }
    };
    let style = match node.style() {
        Style::Plain | Style::Flow if node.is_scalar() => {
            if node.as_str().is_some_and(|text| text.contains('\n')) {
                Style::Literal
            } else if forced {
                Style::DoubleQuoted
            } else {
                Style::Plain
            }
        }
        style @ (Style::Plain
        | Style::SingleQuoted
        | Style::DoubleQuoted
        | Style::Literal
        | Style::Folded
        | Style::Flow) => style,
    };
    let text = node.tag_text();
    Presentation {
        tag: (!implied).then(|| if text.starts_with('!') { text.to_owned() } else { format!("!<{text}>") }),
        style,
    }
}
