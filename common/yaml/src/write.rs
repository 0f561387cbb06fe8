//! The output of kustomize and of `sigs.k8s.io/yaml`: JSON, then YAML by go-yaml v2.
//!
//! Both steps are one here: keys are sorted and scalars typed while they are written.

use std::cmp::Ordering;

use crate::duplicates;
use crate::emitter::{INDENT, Page, Place, select};
use crate::error::Error;
use crate::input::is_allowed;
use crate::json::{push_display, push_float, push_float_g};
use crate::node::{Entry, Kind, Node, Style};
use crate::quote::{Analysis, Tabs, analyze};
use crate::resolve::{Resolved, Schema, is_base_60, resolve};
use crate::value::{Context, Scalar, Value, key_text, scalar_value};

/// Longest key in bytes that goes on one line with its colon.
const LONGEST_SIMPLE_KEY: usize = 128;

/// Where go-yaml v2 folds.
const WIDTH: usize = 80;

/// The document as kustomize prints it: sorted keys, go-yaml v2's quoting, one final line break.
///
/// # Errors
/// As [`Node::to_value`].
pub fn to_sorted_yaml(node: &Node) -> Result<String, Error> {
    let mut out = String::new();
    write_sorted_yaml(node, &mut out)?;
    Ok(out)
}

/// Appends [`to_sorted_yaml`] to a text that is empty or ends with a line break. On an error the text has a broken tail.
///
/// # Errors
/// As [`Node::to_value`].
pub fn write_sorted_yaml(node: &Node, out: &mut String) -> Result<(), Error> {
    let mut writer = Writer { page: Page::new(out, WIDTH, Tabs::Special), buffer: String::new() };
    let root = Position { indent: 0, parent: Parent::Root, around: Context::Root };
    writer.node(node, root).map_err(|error| duplicates::complete(error, node))?;
    writer.page.line_break_if_open();
    Ok(())
}

impl Value {
    /// The value as `sigs.k8s.io/yaml` marshals it.
    ///
    /// # Errors
    /// [`Error::UnsupportedValue`] for NaN and infinity.
    pub fn to_yaml(&self) -> Result<String, Error> {
        to_sorted_yaml(&self.to_node())
    }
}

struct Writer<'a> {
    page: Page<'a>,
    /// Text of the number in hand.
    buffer: String,
}

/// Where a node stands.
#[derive(Clone, Copy)]
struct Position {
    /// Indentation of the block around it.
    indent: usize,
    parent: Parent,
    around: Context,
}

/// Where the entries of a mapping stand.
#[derive(Clone, Copy)]
struct Inner {
    indent: usize,
    keys: Context,
    values: Context,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Parent {
    Root,
    Mapping,
    Sequence,
}

impl Writer<'_> {
    fn node(&mut self, node: &Node, at: Position) -> Result<(), Error> {
        match node.kind() {
            Kind::Scalar => {
                let scalar = scalar_value(node, at.around)?;
                self.scalar(&scalar, at.indent + INDENT)
            }
            Kind::Alias => Err(Error::UnknownAnchor(node.alias_of().unwrap_or_default().to_owned())),
            Kind::Sequence if node.is_empty() => {
                self.page.word("[]");
                Ok(())
            }
            Kind::Mapping if node.is_empty() => {
                self.page.word("{}");
                Ok(())
            }
            Kind::Sequence => {
                // a list in a map is not indented, unless it opens on the line of an indicator
                let indentless = at.parent == Parent::Mapping && !self.page.at_indention();
                let indent = if indentless { at.indent } else { child_indent(at) };
                let within = Position { indent, parent: Parent::Sequence, around: at.around.within(node) };
                for item in node.items() {
                    self.page.indent(indent);
                    self.page.block_indicator("-");
                    self.node(item, within)?;
                }
                Ok(())
            }
            Kind::Mapping => self.mapping(node, at),
        }
    }

    fn mapping(&mut self, node: &Node, at: Position) -> Result<(), Error> {
        let entries = node.entries();
        let inner = Inner { indent: child_indent(at), keys: at.around, values: at.around.within(node) };
        let rising = |(one, other): (&Entry, &Entry)| {
            one.name() < other.name() && natural_order(one.name(), other.name()) == Ordering::Less
        };
        if entries.iter().zip(entries.iter().skip(1)).all(rising) {
            return entries.iter().try_for_each(|entry| self.entry(entry, inner));
        }
        let mut sorted: Vec<&Entry> = entries.iter().collect();
        sorted.sort_by(|one, other| one.name().cmp(&other.name()));
        if sorted.iter().zip(sorted.iter().skip(1)).any(|(one, other)| one.name() == other.name()) {
            return Err(Error::DuplicateKeys(Vec::new()));
        }
        sort_naturally(sorted).into_iter().try_for_each(|entry| self.entry(entry, inner))
    }

    fn entry(&mut self, entry: &Entry, at: Inner) -> Result<(), Error> {
        let key = key_text(entry, at.keys)?;
        self.page.indent(at.indent);
        let value = Position { indent: at.indent, parent: Parent::Mapping, around: at.values };
        let analysis = analyze(key, Tabs::Special);
        if key.len() <= LONGEST_SIMPLE_KEY && !analysis.multiline {
            self.string(key, analysis, Place::SimpleKey, at.indent + INDENT)?;
            self.page.glue(":");
        } else {
            if key.contains('\u{85}') {
                // the JSON text in between breaks inside a key, which go-yaml then does not take for one
                return Err(Error::Syntax {
                    line: 1,
                    v2_line: 1,
                    problem: "did not find expected ',' or '}'".to_owned(),
                });
            }
            self.page.block_indicator("?");
            self.string(key, analysis, Place::Block, at.indent + INDENT)?;
            self.page.indent(at.indent);
            self.page.block_indicator(":");
        }
        self.node(&entry.value, value)
    }

    fn scalar(&mut self, scalar: &Scalar<'_>, indent: usize) -> Result<(), Error> {
        self.buffer.clear();
        match scalar {
            Scalar::Null => self.buffer.push_str("null"),
            Scalar::Bool(true) => self.buffer.push_str("true"),
            Scalar::Bool(false) => self.buffer.push_str("false"),
            Scalar::Int(value) => push_display(&mut self.buffer, value),
            Scalar::Uint(value) => push_display(&mut self.buffer, value),
            Scalar::Float(value) => push_number(&mut self.buffer, *value),
            Scalar::Str(text) => return self.value_string(text, indent),
            Scalar::Owned(text) => return self.value_string(text, indent),
        }
        self.page.word(&self.buffer);
        Ok(())
    }

    fn value_string(&mut self, text: &str, indent: usize) -> Result<(), Error> {
        let analysis = analyze(text, Tabs::Special);
        if !analysis.special || !text.contains('\u{85}') {
            return self.string(text, analysis, Place::Block, indent);
        }
        let folded = fold_next_lines(text);
        self.string(&folded, analyze(&folded, Tabs::Special), Place::Block, indent)
    }

    fn string(&mut self, text: &str, analysis: Analysis, place: Place, indent: usize) -> Result<(), Error> {
        if analysis.special && !text.chars().all(is_readable) {
            return Err(Error::syntax("control characters are not allowed"));
        }
        let wanted = if analysis.multiline && text.contains('\n') {
            Style::Literal
        } else if resolve(text, Schema::V2) == Resolved::Str && !is_base_60(text) {
            Style::Plain
        } else {
            Style::DoubleQuoted
        };
        self.page.scalar_as(text, select(text, wanted, place, analysis), place, indent);
        Ok(())
    }
}

/// Whether go-yaml's reader takes the character in JSON text, where those below U+0020 are escaped.
fn is_readable(c: char) -> bool {
    c < ' ' || is_allowed(c)
}

fn child_indent(at: Position) -> usize {
    if at.parent == Parent::Root { at.indent } else { at.indent + INDENT }
}

/// A float after the detour over JSON: one whose JSON text reads as an integer becomes one.
fn push_number(out: &mut String, value: f64) {
    push_float(out, value);
    match resolve(out, Schema::V2) {
        Resolved::Int(whole) => {
            out.clear();
            push_display(out, &whole);
        }
        Resolved::Float(value) => {
            out.clear();
            push_float_g(out, value);
        }
        Resolved::Null | Resolved::Bool(_) | Resolved::Uint(_) | Resolved::Timestamp(_) | Resolved::Str => {}
    }
}

/// What is left of a string on the detour over JSON: go-yaml folds U+0085, a line break for YAML but not for JSON.
fn fold_next_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut lines = text.split('\u{85}').enumerate().peekable();
    let mut empty_lines = 0;
    while let Some((index, line)) = lines.next() {
        let line = if index > 0 { line.trim_start_matches(' ') } else { line };
        let line = if lines.peek().is_some() { line.trim_end_matches(' ') } else { line };
        if line.is_empty() && index > 0 && lines.peek().is_some() {
            empty_lines += 1;
            continue;
        }
        match (index, empty_lines) {
            (0, _) => {}
            (_, 0) => out.push(' '),
            (_, empty) => out.extend(std::iter::repeat_n('\n', empty)),
        }
        empty_lines = 0;
        out.push_str(line);
    }
    out
}

/// Sorts by [`natural_order`], which is no order in the sense of the standard library's sort: `2`, `10` and `1a` go round
/// in a circle, and what upstream makes of such keys is chance. Merging runs takes any comparison.
fn sort_naturally(entries: Vec<&Entry>) -> Vec<&Entry> {
    let before = |one: &Entry, other: &Entry| natural_order(one.name(), other.name()) != Ordering::Greater;
    if entries.iter().zip(entries.iter().skip(1)).all(|(one, other)| before(one, other)) {
        return entries;
    }
    let mut entries = entries;
    let right = sort_naturally(entries.split_off(entries.len() / 2));
    let mut left = sort_naturally(entries).into_iter().peekable();
    let mut right = right.into_iter().peekable();
    let mut merged = Vec::with_capacity(left.len() + right.len());
    while let (Some(one), Some(other)) = (left.peek(), right.peek()) {
        merged.extend(if before(one, other) { left.next() } else { right.next() });
    }
    merged.extend(left);
    merged.extend(right);
    merged
}

/// go-yaml v2's order of keys: numbers within them by value, letters after all else.
pub(crate) fn natural_order(one: Option<&str>, other: Option<&str>) -> Ordering {
    let (one, other) = (one.unwrap_or_default(), other.unwrap_or_default());
    let common = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    // back to the start of the character that differs
    let start =
        (0..=common).rev().find(|at| one.is_char_boundary(*at) && other.is_char_boundary(*at)).unwrap_or(0);
    let (prefix, one_rest) = one.split_at(start);
    let other_rest = other.get(start..).unwrap_or_default();
    let (Some(a), Some(b)) = (one_rest.chars().next(), other_rest.chars().next()) else {
        return one.len().cmp(&other.len());
    };
    match (a.is_alphabetic(), b.is_alphabetic()) {
        (true, true) => return a.cmp(&b),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let digits_before = || prefix.chars().rev().take_while(|c| is_digit(*c)).any(|c| c != '0');
    let lead = i64::from((a == '0' || b == '0') && digits_before());
    let (one_value, one_run) = number_at(one_rest, lead);
    let (other_value, other_run) = number_at(other_rest, lead);
    one_value.cmp(&other_value).then(one_run.cmp(&other_run)).then(a.cmp(&b))
}

/// Value and length of the digits at the start; Go's arithmetic wraps.
fn number_at(text: &str, lead: i64) -> (i64, usize) {
    text.chars().take_while(|c| is_digit(*c)).fold((lead, 0), |(value, run), c| {
        let digit = i64::from(u32::from(c)) - i64::from(u32::from('0'));
        (value.wrapping_mul(10).wrapping_add(digit), run + 1)
    })
}

/// Go's `unicode.IsDigit` is category Nd; beyond ASCII that hardly occurs in keys.
fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}
