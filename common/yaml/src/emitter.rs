//! Scalars and indentation on the page, as libyaml's emitter writes them.

use std::fmt::Write as _;

use crate::node::Style;
use crate::quote::{Analysis, Tabs, analyze, is_break, is_printable};

/// Indentation per level.
pub(crate) const INDENT: usize = 2;

/// A page under the pen.
pub(crate) struct Page<'a> {
    out: &'a mut String,
    /// Where the current line starts in `out`.
    line_start: usize,
    /// The last character was a blank or an indicator that needs none after it.
    whitespace: bool,
    /// Only indentation and indicators stand on the line so far.
    indention: bool,
    /// Lines longer than this fold at the next space.
    width: usize,
    tabs: Tabs,
}

/// Where a scalar stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Key before a colon on the same line: never folded.
    SimpleKey,
    /// Anywhere else in block context.
    Block,
    /// Inside brackets.
    Flow,
    /// A key inside brackets.
    FlowKey,
}

/// Whether a text may go on in the next line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Folds {
    Never,
    /// At a space beyond the width.
    AtWidth,
}

impl<'a> Page<'a> {
    /// Appends to a text that is empty or ends with a line break. `width` is in characters.
    pub(crate) fn new(out: &'a mut String, width: usize, tabs: Tabs) -> Self {
        let line_start = out.len();
        Self { out, line_start, whitespace: true, indention: true, width, tabs }
    }

    /// Characters on the current line. Bytes are an upper bound, and nearly always enough to know.
    fn is_beyond(&self, width: usize) -> bool {
        let bytes = self.out.len() - self.line_start;
        bytes > width && self.column() > width
    }

    /// Characters on the current line.
    pub(crate) fn column(&self) -> usize {
        self.out.get(self.line_start..).map_or(0, |line| line.chars().count())
    }

    /// Whether only indentation and indicators stand on the line so far.
    pub(crate) fn at_indention(&self) -> bool {
        self.indention
    }

    pub(crate) fn line_break(&mut self) {
        self.out.push('\n');
        self.line_start = self.out.len();
        self.indention = true;
    }

    /// Ends the line unless it is empty.
    pub(crate) fn line_break_if_open(&mut self) {
        if self.out.len() > self.line_start {
            self.line_break();
        }
    }

    /// Whether nothing stands on the line.
    pub(crate) fn at_line_start(&self) -> bool {
        self.out.len() == self.line_start
    }

    /// An empty line above the current one, on which only this indentation stands.
    pub(crate) fn empty_line(&mut self, indent: usize) {
        self.out.truncate(self.line_start);
        self.line_break();
        self.spaces(indent);
        self.whitespace = true;
    }

    /// The rest of a line that is a comment.
    pub(crate) fn comment_line(&mut self, text: &str) {
        self.out.push_str(text);
        self.line_break();
        self.whitespace = true;
    }

    /// A bracket that opens a flow collection.
    pub(crate) fn open(&mut self, bracket: &str) {
        self.word(bracket);
        self.whitespace = true;
    }

    /// Goes to this indentation, on the current line if nothing stands there yet.
    pub(crate) fn indent(&mut self, indent: usize) {
        let column = if self.indention { self.column() } else { usize::MAX };
        if column > indent || (column == indent && !self.whitespace) {
            self.line_break();
        }
        let column = self.out.len() - self.line_start;
        self.spaces(indent.saturating_sub(column));
        self.whitespace = true;
        self.indention = true;
    }

    fn spaces(&mut self, count: usize) {
        const SPACES: &str = "                                                                ";
        let mut left = count;
        while left > 0 {
            let step = left.min(SPACES.len());
            self.out.push_str(SPACES.get(..step).unwrap_or_default());
            left -= step;
        }
    }

    /// `-`, `?` or `:` at the start of a line: what follows may open a block on the same line.
    pub(crate) fn block_indicator(&mut self, text: &str) {
        let indention = self.indention;
        self.word(text);
        self.whitespace = false;
        self.indention = indention;
    }

    /// A word, after a blank if need be.
    pub(crate) fn word(&mut self, text: &str) {
        if !self.whitespace {
            self.out.push(' ');
        }
        self.out.push_str(text);
        self.whitespace = false;
        self.indention = false;
    }

    /// Text right after what stands there.
    pub(crate) fn glue(&mut self, text: &str) {
        self.out.push_str(text);
        self.whitespace = false;
        self.indention = false;
    }

    /// Writes a scalar in the style that comes closest to the wanted one; `indent` is where its further lines go.
    pub(crate) fn scalar(&mut self, text: &str, wanted: Style, place: Place, indent: usize) {
        let analysis = analyze(text, self.tabs);
        let style = select(text, wanted, place, analysis);
        self.scalar_as(text, style, place, indent);
    }

    /// Writes a scalar in this style, which must be allowed.
    pub(crate) fn scalar_as(&mut self, text: &str, style: Style, place: Place, indent: usize) {
        let folds =
            if matches!(place, Place::SimpleKey | Place::FlowKey) { Folds::Never } else { Folds::AtWidth };
        match style {
            Style::Plain | Style::Flow => self.plain(text, folds, indent),
            Style::SingleQuoted => self.single_quoted(text, folds, indent),
            Style::DoubleQuoted => self.double_quoted(text, folds, indent),
            Style::Literal | Style::Folded => self.block_scalar(text, style, indent, ""),
        }
    }

    /// Writes a literal or folded scalar, with a comment behind its header.
    pub(crate) fn block_scalar(&mut self, text: &str, style: Style, indent: usize, comment: &str) {
        let sign = if style == Style::Folded { ">" } else { "|" };
        self.block_header(sign, text, comment);
        if style == Style::Folded {
            self.folded(text, indent);
        } else {
            self.literal(text, indent);
        }
    }

    fn plain(&mut self, text: &str, folds: Folds, indent: usize) {
        if text.is_empty() {
            return;
        }
        if self.fits(text) {
            self.word(text);
            return;
        }
        self.word("");
        self.flowing(text, folds, indent, |page, c| page.out.push(c));
        self.whitespace = false;
        self.indention = false;
    }

    fn single_quoted(&mut self, text: &str, folds: Folds, indent: usize) {
        self.word("'");
        if self.fits(text) && !text.contains('\'') {
            self.out.push_str(text);
        } else {
            self.flowing(text, folds, indent, |page, c| {
                if c == '\'' {
                    page.out.push('\'');
                }
                page.out.push(c);
            });
        }
        self.glue("'");
    }

    /// Whether no place of the text, appended here, can be beyond the width or hold a line break.
    fn fits(&self, text: &str) -> bool {
        self.out.len() - self.line_start + text.len() <= self.width && text.is_ascii() && !text.contains('\n')
    }

    /// Plain or single-quoted text: a single space beyond the width becomes a line break.
    fn flowing(&mut self, text: &str, folds: Folds, indent: usize, put: impl Fn(&mut Self, char)) {
        let (mut after_space, mut after_break) = (false, false);
        let last = text.len().saturating_sub(1);
        for (at, c) in text.char_indices() {
            if c == ' ' {
                let next_is_space = text.as_bytes().get(at + 1) == Some(&b' ');
                if folds == Folds::AtWidth
                    && !after_space
                    && at > 0
                    && at < last
                    && !next_is_space
                    && self.is_beyond(self.width)
                {
                    self.indention = false;
                    self.indent(indent);
                } else {
                    self.out.push(' ');
                }
                after_space = true;
            } else if is_break(c) {
                if !after_break && c == '\n' {
                    self.line_break();
                }
                self.text_break(c);
                after_break = true;
            } else {
                if after_break {
                    self.indent(indent);
                }
                put(self, c);
                self.indention = false;
                (after_space, after_break) = (false, false);
            }
        }
    }

    /// A line break of the text itself.
    fn text_break(&mut self, c: char) {
        self.out.push(c);
        self.line_start = self.out.len();
        self.indention = true;
        self.whitespace = true;
    }

    fn double_quoted(&mut self, text: &str, folds: Folds, indent: usize) {
        self.word("\"");
        let byte_order_mark = text.starts_with('\u{feff}');
        let plain = |c: char| is_printable(c) && !is_break(c) && !matches!(c, '"' | '\\');
        if self.fits(text) && text.chars().all(plain) {
            self.out.push_str(text);
            self.glue("\"");
            return;
        }
        let mut after_space = false;
        let last = text.len().saturating_sub(1);
        for (at, c) in text.char_indices() {
            // upstream looks for the mark at the start of the text, whatever character it is at
            if byte_order_mark || !plain(c) {
                self.escape(c);
                after_space = false;
            } else if c == ' ' {
                if folds == Folds::AtWidth
                    && !after_space
                    && at > 0
                    && at < last
                    && self.is_beyond(self.width)
                {
                    self.indention = false;
                    self.indent(indent);
                    if text.as_bytes().get(at + 1) == Some(&b' ') {
                        self.out.push('\\');
                    }
                } else {
                    self.out.push(' ');
                }
                after_space = true;
            } else {
                self.out.push(c);
                after_space = false;
            }
        }
        self.glue("\"");
    }

    fn escape(&mut self, c: char) {
        let short = match c {
            '\0' => "\\0",
            '\u{7}' => "\\a",
            '\u{8}' => "\\b",
            '\t' => "\\t",
            '\n' => "\\n",
            '\u{b}' => "\\v",
            '\u{c}' => "\\f",
            '\r' => "\\r",
            '\u{1b}' => "\\e",
            '"' => "\\\"",
            '\\' => "\\\\",
            '\u{85}' => "\\N",
            '\u{a0}' => "\\_",
            '\u{2028}' => "\\L",
            '\u{2029}' => "\\P",
            _ => "",
        };
        let code = u32::from(c);
        // writing to a String cannot fail
        let _ = match (short, code) {
            ("", ..=0xff) => write!(self.out, "\\x{code:02X}"),
            ("", 0x100..=0xffff) => write!(self.out, "\\u{code:04X}"),
            ("", _) => write!(self.out, "\\U{code:08X}"),
            (short, _) => self.out.write_str(short),
        };
    }

    fn block_header(&mut self, sign: &str, text: &str, comment: &str) {
        self.word(sign);
        if text.starts_with(|c| c == ' ' || is_break(c)) {
            self.out.push('2');
        }
        let mut backwards = text.chars().rev();
        match (backwards.next().map(is_break), backwards.next().map(is_break)) {
            (Some(true), Some(false)) => {}
            (Some(true), _) => self.out.push('+'),
            (Some(false) | None, _) => self.out.push('-'),
        }
        if !comment.is_empty() {
            self.word(comment);
        }
        self.line_break();
        self.whitespace = true;
    }

    fn literal(&mut self, text: &str, indent: usize) {
        for line in text.split_inclusive(is_break) {
            let content = line.trim_end_matches(is_break);
            if !content.is_empty() {
                self.indent(indent);
                self.out.push_str(content);
                self.indention = false;
            }
            if let Some(line_break) = line.get(content.len()..).and_then(|rest| rest.chars().next()) {
                self.text_break(line_break);
            }
        }
    }

    fn folded(&mut self, text: &str, indent: usize) {
        let (mut after_break, mut leading_blank) = (true, true);
        let starts_dark = text.trim_start_matches(is_break).starts_with(|c| c != ' ' && c != '\t');
        for (at, c) in text.char_indices() {
            if is_break(c) {
                // upstream looks behind the breaks at the start of the whole text
                if !after_break && !leading_blank && c == '\n' && starts_dark {
                    self.line_break();
                }
                self.text_break(c);
                after_break = true;
                continue;
            }
            if after_break {
                self.indent(indent);
                leading_blank = matches!(c, ' ' | '\t');
            }
            let next_is_space = text.as_bytes().get(at + 1) == Some(&b' ');
            if !after_break && c == ' ' && !next_is_space && self.is_beyond(self.width) {
                self.indention = false;
                self.indent(indent);
            } else {
                self.out.push(c);
            }
            self.indention = false;
            after_break = false;
        }
    }
}

/// Appends a scalar as go-yaml v3 writes the value of a key at the left margin.
pub(crate) fn write_value(out: &mut String, text: &str, style: Style) {
    let mut page = Page::new(out, usize::MAX, Tabs::InBlocks);
    page.scalar(text, style, Place::Block, INDENT);
}

/// The style that comes closest to the wanted one.
pub(crate) fn select(text: &str, wanted: Style, place: Place, analysis: Analysis) -> Style {
    let key = matches!(place, Place::SimpleKey | Place::FlowKey);
    let flow = matches!(place, Place::Flow | Place::FlowKey);
    let mut style = wanted;
    if key && analysis.multiline {
        style = Style::DoubleQuoted;
    }
    if matches!(style, Style::Plain | Style::Flow) {
        let allowed = if flow { analysis.flow_plain } else { analysis.block_plain };
        if !allowed || (text.is_empty() && (flow || key)) {
            style = Style::SingleQuoted;
        }
    }
    if style == Style::SingleQuoted && !analysis.single_quoted {
        style = Style::DoubleQuoted;
    }
    if matches!(style, Style::Literal | Style::Folded) && (!analysis.block || flow || key) {
        style = Style::DoubleQuoted;
    }
    style
}
