//! Compiled pipelines: what the closures of a program hold.

use crate::functions::{Function, Type};
use crate::value::{Hint, Text, Value};

use super::parse::Place;
use super::unit::Unit;

/// Number of a place in the frame of a template: 0 is `$`.
pub(super) type Slot = usize;

/// What one closure does.
#[derive(Debug)]
pub(super) enum Code {
    /// What stands between two of Tera's tags.
    Steps(Box<[Step]>),
    /// Tells whether the value is true.
    If(PipeCode),
    /// As `If`, and keeps the value as dot.
    With { pipe: PipeCode, dot: Slot },
    /// Starts a loop; gives as many items as it has turns.
    Range { pipe: PipeCode, loop_number: usize, variables: usize },
    /// Begins a turn of a loop.
    Next { loop_number: usize, dot: Slot, targets: Vec<Target> },
    /// Runs a body that is a unit of its own. Whether it ends with `break`.
    Unit(Unit),
    /// Whether the unit that ran last ended with `continue`.
    Continues,
    /// Leaves a unit.
    Leave(Leave),
}

/// A piece of a template that Tera need not know of.
#[derive(Debug)]
pub(super) enum Step {
    /// Writes a text.
    Text(Box<[u8]>),
    /// Evaluates, and writes the value.
    Print(PipeCode),
    /// Evaluates for the variables it sets.
    Set(PipeCode),
    /// Runs a template by name.
    Template { place: Place, name: Vec<u8>, pipe: Option<PipeCode> },
}

/// How a unit within a loop ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    Break,
    Continue,
}

/// A pipeline.
#[derive(Debug)]
pub(super) struct PipeCode {
    pub(super) place: Place,
    pub(super) commands: Vec<Expression>,
    pub(super) targets: Vec<Target>,
}

/// What a pipeline sets.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Slot(Slot),
    /// A variable that no scope has.
    Undefined(String),
}

/// A command or an operand. Each sets the node that errors name, before it does anything.
#[derive(Debug)]
pub(super) enum Expression {
    Constant {
        place: Place,
        value: Value,
    },
    Held {
        place: Place,
        slot: Slot,
    },
    /// Fields and methods one after another.
    Fields(Box<Fields>),
    Call(Box<Call>),
    Pipe(Box<PipeCode>),
    /// What is known to fail; without a place the node stays.
    Fail {
        place: Option<Place>,
        message: String,
    },
}

/// A chain of fields.
#[derive(Debug)]
pub(super) struct Fields {
    pub(super) place: Place,
    pub(super) base: Base,
    pub(super) names: Vec<Name>,
    /// Arguments of a method at the end.
    pub(super) arguments: Vec<Expression>,
}

/// Name of a field or a method.
#[derive(Debug)]
pub(super) struct Name {
    pub(super) text: Text,
    pub(super) hint: Hint,
    /// Whether a value of any type has a method of this name.
    pub(super) is_method: bool,
}

/// What fields are taken of.
#[derive(Debug)]
pub(super) enum Base {
    Slot(Slot),
    Undefined(String),
    Inner(Expression),
}

/// A call of a function.
#[derive(Debug)]
pub(super) struct Call {
    /// The function's name.
    pub(super) place: Place,
    /// What an error of the function itself names.
    pub(super) command: Place,
    pub(super) function: &'static Function,
    pub(super) arguments: Vec<(Expression, Type)>,
    /// Type of the piped argument.
    pub(super) piped: Option<Type>,
    /// Why the call fails before any argument is looked at.
    pub(super) fault: Option<String>,
    pub(super) logic: Option<Logic>,
    /// What `call` calls, as it stands in the template.
    pub(super) callee: Option<String>,
}

/// Functions that look at no more arguments than they need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Logic {
    And,
    Or,
}
