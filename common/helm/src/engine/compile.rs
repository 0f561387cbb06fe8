//! From trees to Tera templates and closures.
//!
//! Delimiters are control bytes, since texts of charts may hold any of Tera's own. Variables and dot are numbered slots of
//! a frame; Go's scopes are lexical, so the compiler knows which slot a name means.

use std::sync::Arc;

use crate::functions::{Type, function};
use crate::value::{Hint, Text, Value};

use super::code::{Base, Call, Code, Expression, Fields, Leave, Logic, Name, PipeCode, Slot, Step, Target};
use super::parse::{Branch, Command, Node, Nodes, Number, Operand, Parts, PipeId, Place, Span, operand_text};
use super::unit::Unit;
use super::{methods, typing};

/// Tera parses 40 tags inside one another; deeper bodies become units of their own.
const MAX_TAGS: usize = 30;
/// Nodes of a body that is a unit of its own, compiled when it is first run: much of a chart never is.
const HEAVY: usize = 32;

/// Nodes, and what is known where they stand.
#[derive(Debug, Default)]
pub(super) struct Source {
    parts: Arc<Parts>,
    nodes: Nodes,
    variables: Vec<(Span, Slot)>,
    dot: Slot,
    slots: usize,
    loops: usize,
}

impl Source {
    /// A whole template.
    pub(super) const fn of_template(parts: Arc<Parts>, nodes: Nodes) -> Self {
        Self { parts, nodes, variables: Vec::new(), dot: 0, slots: 1, loops: 0 }
    }
}

/// What nodes become.
#[derive(Debug, Default)]
pub(super) struct Compiled {
    /// Tera's source.
    pub(super) source: String,
    /// What it calls: `e0()` is the first.
    pub(super) codes: Vec<Code>,
    /// Slots of the frame that it runs in.
    pub(super) slots: usize,
    /// Loops of that frame.
    pub(super) loops: usize,
}

/// Compiles nodes.
pub(super) fn compile(source: Source) -> Compiled {
    let Source { parts, nodes, variables, dot, slots, loops } = source;
    let compiled = Compiled { source: String::new(), codes: Vec::new(), slots, loops };
    let mut compiler = Compiler { parts: &parts, compiled, variables, dot, tags: 0, open_loops: 0 };
    compiler.nodes(nodes);
    compiler.compiled
}

struct Compiler<'a> {
    parts: &'a Arc<Parts>,
    compiled: Compiled,
    /// Those that templates declare: `$` is there without.
    variables: Vec<(Span, Slot)>,
    dot: Slot,
    /// Tags around the place in this source.
    tags: usize,
    /// Loops around the place in this source.
    open_loops: usize,
}

impl Compiler<'_> {
    fn push(&mut self, text: &str) {
        self.compiled.source.push_str(text);
    }

    fn code(&mut self, code: Code) -> String {
        let number = self.compiled.codes.len();
        self.compiled.codes.push(code);
        format!("e{number}()")
    }

    fn call(&mut self, code: Code) {
        let call = self.code(code);
        for part in ["\u{1}{", &call, "\u{1}}"] {
            self.push(part);
        }
    }

    fn tag(&mut self, text: &str) {
        for part in ["\u{2}{ ", text, " \u{2}}"] {
            self.push(part);
        }
    }

    fn new_slot(&mut self) -> Slot {
        self.compiled.slots += 1;
        self.compiled.slots - 1
    }

    fn nodes(&mut self, nodes: Nodes) {
        let mut steps = Vec::new();
        for node in self.parts.nodes(nodes) {
            let step = match *node {
                Node::Text(text) => Step::Text(self.parts.text(text).into()),
                Node::Action { pipe, .. } => {
                    let code = self.pipe(pipe);
                    if code.targets.is_empty() { Step::Print(code) } else { Step::Set(code) }
                }
                Node::Template { place, name, pipe } => {
                    let pipe = pipe.map(|pipe| self.pipe(pipe));
                    Step::Template { place, name: self.parts.text(name).to_vec(), pipe }
                }
                tag => {
                    self.steps(&mut steps);
                    self.node(tag);
                    continue;
                }
            };
            steps.push(step);
        }
        self.steps(&mut steps);
    }

    /// Texts alone are Tera's; with pipelines among them, one closure is cheaper than a call for each.
    fn steps(&mut self, steps: &mut Vec<Step>) {
        match steps.as_slice() {
            [] => {}
            [Step::Text(text)] => match str::from_utf8(text) {
                Ok(text) if !text.contains(['\u{1}', '\u{2}', '\u{3}']) => {
                    self.push(text);
                    steps.clear();
                }
                _ => self.call(Code::Steps(std::mem::take(steps).into())),
            },
            _ => self.call(Code::Steps(std::mem::take(steps).into())),
        }
    }

    /// What Tera has a tag for.
    fn node(&mut self, node: Node) {
        match node {
            Node::Text(_) | Node::Action { .. } | Node::Template { .. } => {}
            Node::If(branch) => self.condition(branch, false),
            Node::With(branch) => self.condition(branch, true),
            Node::Range(branch) => self.range(branch),
            Node::Break if self.open_loops > 0 => self.tag("break"),
            Node::Continue if self.open_loops > 0 => self.tag("continue"),
            Node::Break => self.call(Code::Leave(Leave::Break)),
            Node::Continue => self.call(Code::Leave(Leave::Continue)),
        }
    }

    /// A body: a unit of its own if it is too deep in this one, or heavy.
    fn body(&mut self, nodes: Nodes) {
        if self.tags < MAX_TAGS && (self.tags > 0 || self.weight(nodes) < HEAVY) {
            self.tags += 1;
            self.nodes(nodes);
            self.tags -= 1;
            return;
        }
        // what the unit keeps in slots ends with it, as all that this one has slots for later begins later
        let Compiled { slots, loops, .. } = self.compiled;
        let (parts, variables) = (Arc::clone(self.parts), self.variables.clone());
        let source = Source { parts, nodes, variables, dot: self.dot, slots, loops };
        let unit = self.code(Code::Unit(Unit::new(source)));
        self.tag(&format!("if {unit}"));
        if self.open_loops > 0 {
            self.tag("break");
        }
        self.tag("endif");
        if self.open_loops > 0 {
            let continues = self.code(Code::Continues);
            self.tag(&format!("if {continues}"));
            self.tag("continue");
            self.tag("endif");
        }
    }

    fn condition(&mut self, mut branch: Branch, is_with: bool) {
        let (known, outer_dot) = (self.variables.len(), self.dot);
        let mut word = "if";
        loop {
            let pipe = self.pipe(branch.pipe);
            let code = if is_with {
                let dot = self.new_slot();
                self.dot = dot;
                Code::With { pipe, dot }
            } else {
                Code::If(pipe)
            };
            let call = self.code(code);
            self.tag(&format!("{word} {call}"));
            let in_body = self.variables.len();
            self.body(branch.body);
            // what a body declares ends with it
            self.variables.truncate(in_body);
            self.dot = outer_dot;
            let Some(otherwise) = branch.otherwise else { break };
            // a chain of else-ifs is flat in Tera
            match (self.parts.nodes(otherwise), is_with) {
                ([Node::If(next)], false) | ([Node::With(next)], true) => branch = *next,
                _ => {
                    self.tag("else");
                    self.body(otherwise);
                    break;
                }
            }
            word = "elif";
        }
        self.tag("endif");
        self.variables.truncate(known);
        self.dot = outer_dot;
    }

    fn range(&mut self, branch: Branch) {
        let (known, outer_dot) = (self.variables.len(), self.dot);
        let pipe = self.pipe(branch.pipe);
        let loop_number = self.compiled.loops;
        self.compiled.loops += 1;
        let targets = pipe.targets.clone();
        let variables = targets.len();
        let call = self.code(Code::Range { pipe, loop_number, variables });
        self.tag(&format!("for x in {call}"));
        let dot = self.new_slot();
        self.dot = dot;
        self.call(Code::Next { loop_number, dot, targets });
        self.open_loops += 1;
        let in_body = self.variables.len();
        self.body(branch.body);
        self.variables.truncate(in_body);
        self.open_loops -= 1;
        self.dot = outer_dot;
        if let Some(nodes) = branch.otherwise {
            self.tag("else");
            self.body(nodes);
        }
        self.tag("endfor");
        self.variables.truncate(known);
    }

    fn variable(&self, name: Span) -> Option<Slot> {
        let name = self.parts.text(name);
        let declared = self.variables.iter().rev().find(|(known, _)| self.parts.text(*known) == name);
        declared.map(|(_, slot)| *slot).or_else(|| (name == b"$").then_some(0))
    }

    fn pipe(&mut self, pipe: PipeId) -> PipeCode {
        let pipe = self.parts.pipe(pipe);
        let commands = self.parts.commands(&pipe).iter().enumerate();
        let commands = commands.map(|(stage, command)| self.command(command, stage > 0));
        let commands = commands.collect();
        let targets = self.parts.variables(&pipe).iter().map(|name| {
            if pipe.is_assignment {
                return self
                    .variable(*name)
                    .map_or_else(|| Target::Undefined(self.lossy(*name)), Target::Slot);
            }
            let slot = self.new_slot();
            self.variables.push((*name, slot));
            Target::Slot(slot)
        });
        let targets = targets.collect();
        PipeCode { place: pipe.place, commands, targets }
    }

    fn command(&mut self, command: &Command, piped: bool) -> Expression {
        let Some((first, rest)) = self.parts.operands(command).split_first() else {
            return Expression::Fail { place: Some(command.place), message: "empty command".to_owned() };
        };
        let has_arguments = !rest.is_empty() || piped;
        let parts = self.parts;
        let fault = |place: Option<Place>| {
            let message =
                format!("can't give argument to non-function {}", lossy(&operand_text(parts, first)));
            Expression::Fail { place, message }
        };
        match *first {
            Operand::Field { .. } | Operand::Chain { .. } => self.fields(first, rest),
            Operand::Variable { fields, .. } if !fields.is_empty() => self.fields(first, rest),
            Operand::Identifier { place, name } => self.function(place, command.place, name, rest, piped),
            Operand::Pipe { .. } if has_arguments => fault(None),
            Operand::Pipe { pipe, .. } => Expression::Pipe(Box::new(self.pipe(pipe))),
            _ if has_arguments => fault(Some(first.place())),
            Operand::Nil { place } => {
                Expression::Fail { place: Some(place), message: "nil is not a command".to_owned() }
            }
            _ => self.operand(first, Type::Any),
        }
    }

    /// Fields, and arguments for a method at their end.
    fn fields(&mut self, operand: &Operand, rest: &[Operand]) -> Expression {
        let (base, fields) = match *operand {
            Operand::Field { fields, .. } => (Base::Slot(self.dot), fields),
            Operand::Variable { name, fields, .. } => {
                let base = self.variable(name).map_or_else(|| Base::Undefined(self.lossy(name)), Base::Slot);
                (base, fields)
            }
            Operand::Chain { of, fields, .. } => {
                (Base::Inner(self.operand(&self.parts.base(of), Type::Any)), fields)
            }
            _ => return self.operand(operand, Type::Any),
        };
        let names = self.parts.names(fields).map(|name| Name {
            text: Text::from(name),
            hint: Hint::default(),
            is_method: methods::is_name(name),
        });
        let names = names.collect();
        let arguments = rest.iter().map(|operand| self.operand(operand, Type::Any)).collect();
        Expression::Fields(Box::new(Fields { place: operand.place(), base, names, arguments }))
    }

    #[expect(clippy::too_many_arguments, reason = "what stands at a call, each part once")]
    fn function(
        &mut self,
        place: Place,
        command: Place,
        name: Span,
        rest: &[Operand],
        is_piped: bool,
    ) -> Expression {
        let Some(function) = str::from_utf8(self.parts.text(name)).ok().and_then(function) else {
            let message = format!("{:?} is not a defined function", self.lossy(name));
            return Expression::Fail { place: Some(place), message };
        };
        let (given, fixed) = (rest.len() + usize::from(is_piped), function.parameters.len());
        let name = function.name;
        let fault = match function.variadic {
            Some(_) if given < fixed => {
                Some(format!("wrong number of args for {name}: want at least {fixed} got {}", rest.len()))
            }
            None if given != fixed => {
                Some(format!("wrong number of args for {name}: want {fixed} got {given}"))
            }
            _ => None,
        };
        let arguments = rest.iter().enumerate().map(|(index, operand)| {
            let kind = function.parameter(index).unwrap_or(Type::Any);
            (self.operand(operand, kind), kind)
        });
        let arguments = arguments.collect();
        let piped = is_piped.then(|| function.parameter(rest.len()).unwrap_or(Type::Any));
        let logic = match name {
            "and" => Some(Logic::And),
            "or" => Some(Logic::Or),
            _ => None,
        };
        let text = |operand| lossy(&operand_text(self.parts, operand));
        let callee = (name == "call").then(|| rest.first().map_or_else(String::new, text));
        Expression::Call(Box::new(Call { place, command, function, arguments, piped, fault, logic, callee }))
    }

    /// An operand that is an argument of this type.
    fn operand(&mut self, operand: &Operand, kind: Type) -> Expression {
        let place = operand.place();
        let fail = |message| Expression::Fail { place: Some(place), message };
        match *operand {
            Operand::Dot { .. } => Expression::Held { place, slot: self.dot },
            Operand::Nil { .. } if typing::takes_nil(kind) => {
                Expression::Constant { place, value: Value::Nil }
            }
            Operand::Nil { .. } => fail(format!("cannot assign nil to {}", kind.name())),
            Operand::Variable { name, fields, .. } if fields.is_empty() => match self.variable(name) {
                Some(slot) => Expression::Held { place, slot },
                None => fail(format!("undefined variable: {}", self.lossy(name))),
            },
            Operand::Field { .. } | Operand::Variable { .. } | Operand::Chain { .. } => {
                self.fields(operand, &[])
            }
            Operand::Pipe { pipe, .. } => Expression::Pipe(Box::new(self.pipe(pipe))),
            Operand::Identifier { name, .. } => self.function(place, place, name, &[], false),
            Operand::Bool { value, .. } => self.constant(typing::boolean(value, kind), operand, kind),
            Operand::String { text, .. } => {
                self.constant(typing::text(self.parts.text(text), kind), operand, kind)
            }
            Operand::Number { number, text, .. } => {
                match typing::number(&self.parts.number(number), self.parts.text(text), kind) {
                    Err(message) => fail(message),
                    Ok(value) => self.constant(value, operand, kind),
                }
            }
        }
    }

    /// A constant, or the failure of one that does not fit.
    fn constant(&self, value: Option<Value>, operand: &Operand, kind: Type) -> Expression {
        let place = operand.place();
        if let Some(value) = value {
            return Expression::Constant { place, value };
        }
        let text = lossy(&operand_text(self.parts, operand));
        let message = match typing::expected(kind) {
            Some(expected) => format!("expected {expected}; found {text}"),
            None => format!("can't handle {text} for arg of type {}", kind.name()),
        };
        Expression::Fail { place: Some(place), message }
    }

    /// How many nodes there are, those inside others too, as far as it matters.
    fn weight(&self, nodes: Nodes) -> usize {
        let inside = |branch: &Branch| {
            1 + self.weight(branch.body) + branch.otherwise.map_or(0, |nodes| self.weight(nodes))
        };
        self.parts.nodes(nodes).iter().fold(0, |sum, node| match node {
            _ if sum >= HEAVY => sum,
            Node::If(branch) | Node::With(branch) | Node::Range(branch) => sum + inside(branch),
            _ => sum + 1,
        })
    }

    fn lossy(&self, text: Span) -> String {
        lossy(self.parts.text(text))
    }
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

/// A number where any value will do: its spelling tells its type.
pub(super) fn ideal(number: &Number, text: &[u8]) -> Result<Option<Value>, String> {
    let is_rune = text.starts_with(b"'");
    let is_hexadecimal = text.len() > 2
        && (text.starts_with(b"0x") || text.starts_with(b"0X"))
        && !text.iter().any(|byte| matches!(byte, b'p' | b'P'));
    let looks_float = text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E' | b'p' | b'P'));
    if number.is_complex {
        return Err(format!("complex number {} is not supported", lossy(text)));
    }
    match (number.float, number.int) {
        (Some(float), _) if !is_hexadecimal && !is_rune && looks_float => Ok(Some(Value::Float64(float))),
        (_, Some(int)) => Ok(Some(Value::Int(int))),
        _ => Err(format!("{} overflows int", lossy(text))),
    }
}
