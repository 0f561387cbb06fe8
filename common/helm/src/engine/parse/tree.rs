//! Trees of templates.

use std::sync::Arc;

use super::Number;

/// Number of a node within its file; errors name the node that was last looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NodeId(pub(crate) u32);

/// Where a node stands: its number and its offset in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    pub(crate) id: NodeId,
    pub(crate) at: u32,
}

/// A named template.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    /// Its name.
    pub(crate) name: Vec<u8>,
    /// What it consists of.
    pub(crate) root: Vec<Node>,
}

/// All templates of one file, that of the file itself last.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    /// Name of the file.
    pub(crate) file: Arc<str>,
    /// Its text.
    pub(crate) text: Arc<[u8]>,
    /// What it defines.
    pub(crate) trees: Vec<Tree>,
}

/// Something that is walked.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Text(Vec<u8>),
    Action { place: Place, pipe: Pipe },
    If(Branch),
    With(Branch),
    Range(Branch),
    Template { place: Place, name: Vec<u8>, pipe: Option<Pipe> },
    Break,
    Continue,
}

/// `if`, `with` or `range`
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    pub(crate) pipe: Pipe,
    pub(crate) body: Vec<Node>,
    pub(crate) otherwise: Option<Vec<Node>>,
}

/// Commands, each of which gets the value of the one before.
#[derive(Clone, Debug)]
pub(crate) struct Pipe {
    pub(crate) place: Place,
    pub(crate) is_assignment: bool,
    pub(crate) declarations: Vec<Variable>,
    pub(crate) commands: Vec<Command>,
}

/// A variable on the left side.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    /// With the `$`.
    pub(crate) name: Vec<u8>,
}

/// A function or value with arguments.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) place: Place,
    pub(crate) operands: Vec<Operand>,
}

/// What a command consists of.
#[derive(Clone, Debug)]
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
        number: Box<Number>,
        text: Vec<u8>,
    },
    String {
        place: Place,
        quoted: Vec<u8>,
        text: Vec<u8>,
    },
    Identifier {
        place: Place,
        name: Vec<u8>,
    },
    /// `.a.b`
    Field {
        place: Place,
        names: Vec<Vec<u8>>,
    },
    /// `$x.a.b`
    Variable {
        place: Place,
        name: Vec<u8>,
        fields: Vec<Vec<u8>>,
    },
    /// `(...)`
    Pipe(Box<Pipe>),
    /// `(...).a` or `f.a`
    Chain {
        place: Place,
        of: Box<Self>,
        fields: Vec<Vec<u8>>,
    },
}

impl Operand {
    /// Where it stands.
    pub(crate) fn place(&self) -> Place {
        match self {
            Self::Bool { place, .. }
            | Self::Dot { place }
            | Self::Nil { place }
            | Self::Number { place, .. }
            | Self::String { place, .. }
            | Self::Identifier { place, .. }
            | Self::Field { place, .. }
            | Self::Variable { place, .. }
            | Self::Chain { place, .. } => *place,
            Self::Pipe(pipe) => pipe.place,
        }
    }
}
