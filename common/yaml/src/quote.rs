//! How a scalar may be written: libyaml's analysis of its text.

/// Which styles a text allows.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent findings")]
pub(crate) struct Analysis {
    /// Has a line break.
    pub(crate) multiline: bool,
    /// Plain is allowed inside brackets.
    pub(crate) flow_plain: bool,
    /// Plain is allowed outside brackets.
    pub(crate) block_plain: bool,
    /// Single quotes are allowed.
    pub(crate) single_quoted: bool,
    /// `|` and `>` are allowed.
    pub(crate) block: bool,
    /// Has characters that only double quotes can hold.
    pub(crate) special: bool,
}

/// Which writer: v3 treats a tab as an ordinary character of a literal block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tabs {
    /// go-yaml v2: not printable.
    Special,
    /// go-yaml v3: printable, but only in double quotes and blocks.
    InBlocks,
}

/// What the characters of a text are.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent findings")]
struct Findings {
    block_indicator: bool,
    flow_indicator: bool,
    line_break: bool,
    special: bool,
    tab: bool,
    edge_space: bool,
    edge_break: bool,
    trailing_space: bool,
    break_space: bool,
    space_break: bool,
}

/// CR, LF, NEL, LS or PS.
pub(crate) const fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What go-yaml writes raw: nothing above U+FFFF.
pub(crate) const fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}

/// Whether a byte never matters for the analysis, wherever it stands after the first place.
const fn is_ordinary(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'/' | b'=' | b'+' | b'(' | b')' | b'$')
}

/// Examines a text.
pub(crate) fn analyze(text: &str, tabs: Tabs) -> Analysis {
    let bytes = text.as_bytes();
    match bytes.first() {
        None => Analysis {
            multiline: false,
            flow_plain: false,
            block_plain: true,
            single_quoted: true,
            block: false,
            special: false,
        },
        Some(first) if *first != b'-' && *first != b'.' && bytes.iter().all(|byte| is_ordinary(*byte)) => {
            Analysis {
                multiline: false,
                flow_plain: true,
                block_plain: true,
                single_quoted: true,
                block: true,
                special: false,
            }
        }
        Some(_) => find(text).allowed(tabs),
    }
}

fn find(text: &str) -> Findings {
    let mut found = Findings::default();
    if text.starts_with("---") || text.starts_with("...") {
        found.block_indicator = true;
        found.flow_indicator = true;
    }
    let (mut previous_space, mut previous_break, mut after_blank) = (false, false, true);
    let mut characters = text.chars().peekable();
    let mut first = true;
    while let Some(c) = characters.next() {
        let last = characters.peek().is_none();
        let before_blank = characters.peek().is_none_or(|next| matches!(next, ' ' | '\t'));
        found.indicator(c, first, after_blank, before_blank);
        if c == '\t' {
            found.tab = true;
        } else if !is_printable(c) {
            found.special = true;
        }
        let (space, line_break) = (c == ' ', is_break(c));
        found.edge_space |= space && (first || last);
        found.trailing_space |= space && last;
        found.edge_break |= line_break && (first || last);
        found.break_space |= space && previous_break;
        found.space_break |= line_break && previous_space;
        found.line_break |= line_break;
        (previous_space, previous_break) = (space, line_break);
        after_blank = line_break || matches!(c, ' ' | '\t');
        first = false;
    }
    found
}

impl Findings {
    #[expect(clippy::fn_params_excessive_bools, reason = "what surrounds the character")]
    fn indicator(&mut self, c: char, first: bool, after_blank: bool, before_blank: bool) {
        let (flow, block) = match c {
            '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@'
            | '`'
                if first =>
            {
                (true, true)
            }
            '?' if first => (true, before_blank),
            '-' if first => (before_blank, before_blank),
            ':' => (true, before_blank),
            ',' | '?' | '[' | ']' | '{' | '}' => (true, false),
            '#' => (after_blank, after_blank),
            _ => (false, false),
        };
        self.flow_indicator |= flow;
        self.block_indicator |= block;
    }

    fn allowed(&self, tabs: Tabs) -> Analysis {
        let special = self.special || (self.tab && tabs == Tabs::Special);
        let quoted_only = self.space_break || special;
        let unplain = self.edge_space
            || self.edge_break
            || self.break_space
            || self.line_break
            || quoted_only
            || self.tab;
        Analysis {
            multiline: self.line_break,
            flow_plain: !unplain && !self.flow_indicator,
            block_plain: !unplain && !self.block_indicator,
            single_quoted: !self.break_space && !quoted_only && !self.tab,
            block: !self.trailing_space && !quoted_only,
            special,
        }
    }
}
