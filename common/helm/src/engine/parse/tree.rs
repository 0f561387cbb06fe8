//! Trees of templates.
//!
//! Those of one file lie in a few lists that all of its nodes share, and refer to them and to the file's text by ranges.

use std::sync::Arc;

use super::Number;
use crate::value::Text;

/// Number of a node within its file; errors name the node that was last looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NodeId(pub(crate) u32);

/// Where a node stands: its number and its offset in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    pub(crate) id: NodeId,
    pub(crate) at: u32,
}

/// A range of the file's text or of a list.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    pub(super) start: u32,
    pub(super) length: u32,
}

impl Span {
    pub(super) fn new(start: usize, length: usize) -> Self {
        Self { start: small(start), length: small(length) }
    }

    /// What it spans, or nothing if it lies outside.
    pub(super) fn of<T>(self, list: &[T]) -> Option<&[T]> {
        let start = self.start as usize;
        list.get(start..start + self.length as usize)
    }

    /// What lies between a quote at its start and one at its end.
    pub(super) const fn without_quotes(self) -> Self {
        Self { start: self.start + 1, length: self.length.saturating_sub(2) }
    }

    /// Takes in what follows.
    pub(super) const fn extend(&mut self, following: Self) {
        self.length = self.length.saturating_add(following.length);
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.length == 0
    }
}

/// An offset as it is kept: what lies beyond 4 GiB is out of reach.
pub(super) fn small(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// Nodes one after another.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Nodes(pub(super) Span);

/// Number of a pipeline within its file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PipeId(pub(super) u32);

/// A named template.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    /// Its name.
    pub(crate) name: Vec<u8>,
    /// What it consists of.
    pub(crate) root: Nodes,
}

/// All templates of one file, that of the file itself last.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    /// Name of the file.
    pub(crate) file: Arc<str>,
    /// What it defines.
    pub(crate) trees: Vec<Tree>,
    /// What they consist of.
    pub(crate) parts: Parts,
}

/// What the trees of a file consist of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts {
    /// The file's text.
    pub(crate) text: Text,
    /// What string constants stand for that say it otherwise; spans go on here after the end of the text.
    pub(super) unquoted: Vec<u8>,
    pub(super) nodes: Vec<Node>,
    pub(super) pipes: Vec<Pipe>,
    pub(super) commands: Vec<Command>,
    pub(super) operands: Vec<Operand>,
    /// Names of variables on left sides, with the `$`.
    pub(super) variables: Vec<Span>,
    pub(super) numbers: Vec<Number>,
}

impl Parts {
    /// A piece of the text, or what a constant stands for.
    pub(crate) fn text(&self, span: Span) -> &[u8] {
        let unquoted = || {
            let start = (span.start as usize).checked_sub(self.text.len())?;
            Span::new(start, span.length as usize).of(&self.unquoted)
        };
        span.of(&self.text).or_else(unquoted).unwrap_or_default()
    }

    /// The names in `.a.b`.
    pub(crate) fn names(&self, fields: Span) -> impl Iterator<Item = &[u8]> {
        self.text(fields).split(|byte| *byte == b'.').skip(1)
    }

    pub(crate) fn nodes(&self, Nodes(span): Nodes) -> &[Node] {
        span.of(&self.nodes).unwrap_or_default()
    }

    pub(crate) fn pipe(&self, PipeId(number): PipeId) -> Pipe {
        self.pipes.get(number as usize).copied().unwrap_or_default()
    }

    pub(crate) fn commands(&self, pipe: &Pipe) -> &[Command] {
        pipe.commands.of(&self.commands).unwrap_or_default()
    }

    /// Names of the variables that a pipeline sets, with the `$`.
    pub(crate) fn variables(&self, pipe: &Pipe) -> &[Span] {
        pipe.variables.of(&self.variables).unwrap_or_default()
    }

    pub(crate) fn operands(&self, command: &Command) -> &[Operand] {
        command.operands.of(&self.operands).unwrap_or_default()
    }

    /// What fields are taken of in a chain.
    pub(crate) fn base(&self, number: u32) -> Operand {
        self.operands.get(number as usize).copied().unwrap_or_default()
    }

    pub(crate) fn number(&self, number: u32) -> Number {
        self.numbers.get(number as usize).cloned().unwrap_or_default()
    }

    /// Gives back room that is not used.
    pub(super) fn shrink(&mut self) {
        self.unquoted.shrink_to_fit();
        self.nodes.shrink_to_fit();
        self.pipes.shrink_to_fit();
        self.commands.shrink_to_fit();
        self.operands.shrink_to_fit();
        self.variables.shrink_to_fit();
        self.numbers.shrink_to_fit();
    }
}

/// Something that is walked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Node {
    Text(Span),
    Action { place: Place, pipe: PipeId },
    If(Branch),
    With(Branch),
    Range(Branch),
    Template { place: Place, name: Span, pipe: Option<PipeId> },
    Break,
    Continue,
}

/// `if`, `with` or `range`
#[derive(Clone, Copy, Debug)]
pub(crate) struct Branch {
    pub(crate) pipe: PipeId,
    pub(crate) body: Nodes,
    pub(crate) otherwise: Option<Nodes>,
}

/// Commands, each of which gets the value of the one before.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pipe {
    pub(crate) place: Place,
    pub(crate) is_assignment: bool,
    pub(super) variables: Span,
    pub(super) commands: Span,
}

/// A function or value with arguments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Command {
    pub(crate) place: Place,
    pub(super) operands: Span,
}

/// What a command consists of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operand {
    Bool {
        place: Place,
        value: bool,
    },
    Dot {
        place: Place,
    },
    Nil {
        place: Place,
    },
    Number {
        place: Place,
        number: u32,
        text: Span,
    },
    String {
        place: Place,
        quoted: Span,
        text: Span,
    },
    Identifier {
        place: Place,
        name: Span,
    },
    /// `.a.b`
    Field {
        place: Place,
        fields: Span,
    },
    /// `$x.a.b`
    Variable {
        place: Place,
        name: Span,
        fields: Span,
    },
    /// `(...)`
    Pipe {
        place: Place,
        pipe: PipeId,
    },
    /// `(...).a` or `f.a`
    Chain {
        place: Place,
        of: u32,
        fields: Span,
    },
}

impl Default for Operand {
    fn default() -> Self {
        Self::Nil { place: Place::default() }
    }
}

impl Operand {
    /// Where it stands.
    pub(crate) const fn place(&self) -> Place {
        match self {
            Self::Bool { place, .. }
            | Self::Dot { place }
            | Self::Nil { place }
            | Self::Number { place, .. }
            | Self::String { place, .. }
            | Self::Identifier { place, .. }
            | Self::Field { place, .. }
            | Self::Variable { place, .. }
            | Self::Pipe { place, .. }
            | Self::Chain { place, .. } => *place,
        }
    }
}
