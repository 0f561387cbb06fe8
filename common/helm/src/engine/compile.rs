//! From trees to Tera templates and closures.
//!
//! Delimiters are control bytes, since texts of charts may hold any of Tera's own. Variables and dot are numbered slots of
//! a frame; Go's scopes are lexical, so the compiler knows which slot a name means.

use crate::functions::{Type, function};
use crate::value::{Text, Value};

use super::code::{Base, Call, Code, Expression, Fields, Leave, Logic, PipeCode, Slot, Target};
use super::parse::{Branch, Command, Node, Number, Operand, Pipe, Place, Tree, Variable};
use super::typing;

/// Tera parses 40 tags inside one another; deeper bodies become templates of their own.
const MAX_TAGS: usize = 30;

/// What a tree becomes.
#[derive(Debug, Default)]
pub(super) struct Compiled {
    /// Tera sources; the first is the template itself, the others its parts, numbered from 1.
    pub(super) sources: Vec<String>,
    /// Slots of its frame.
    pub(super) slots: usize,
    /// Loops of its frame.
    pub(super) loops: usize,
}

/// Compiles one tree; closures get numbers from the length of `codes` on.
pub(super) fn compile(tree: &Tree, prefix: &str, codes: &mut Vec<Code>) -> Compiled {
    let mut compiler = Compiler {
        prefix,
        codes,
        compiled: Compiled { sources: vec![String::new()], slots: 1, loops: 0 },
        source: 0,
        variables: vec![(b"$".to_vec(), 0)],
        dot: 0,
        tags: 0,
        open_loops: 0,
    };
    compiler.nodes(&tree.root);
    compiler.compiled
}

struct Compiler<'a> {
    prefix: &'a str,
    codes: &'a mut Vec<Code>,
    compiled: Compiled,
    /// The source that is being written.
    source: usize,
    variables: Vec<(Vec<u8>, Slot)>,
    dot: Slot,
    /// Tags around the place in this source.
    tags: usize,
    /// Loops around the place in this source.
    open_loops: usize,
}

impl Compiler<'_> {
    fn push(&mut self, text: &str) {
        if let Some(source) = self.compiled.sources.get_mut(self.source) {
            source.push_str(text);
        }
    }

    fn code(&mut self, code: Code) -> String {
        let number = self.codes.len();
        self.codes.push(code);
        format!("e{number}()")
    }

    fn call(&mut self, code: Code) {
        let call = self.code(code);
        self.push(&format!("\u{1}{{{call}\u{1}}}"));
    }

    fn tag(&mut self, text: &str) {
        self.push(&format!("\u{2}{{ {text} \u{2}}}"));
    }

    fn new_slot(&mut self) -> Slot {
        self.compiled.slots += 1;
        self.compiled.slots - 1
    }

    fn nodes(&mut self, nodes: &[Node]) {
        for node in nodes {
            self.node(node);
        }
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Text(text) => match str::from_utf8(text) {
                Ok(text) if !text.contains(['\u{1}', '\u{2}', '\u{3}']) => self.push(text),
                _ => self.call(Code::Text(text.clone())),
            },
            Node::Action { pipe, .. } => {
                let code = self.pipe(pipe);
                let prints = code.targets.is_empty();
                self.call(if prints { Code::Print(code) } else { Code::Set(code) });
            }
            Node::If(branch) => self.condition(branch, false),
            Node::With(branch) => self.condition(branch, true),
            Node::Range(branch) => self.range(branch),
            Node::Template { place, name, pipe } => {
                let pipe = pipe.as_ref().map(|pipe| self.pipe(pipe));
                self.call(Code::Template { place: *place, name: name.clone(), pipe });
            }
            Node::Break if self.open_loops > 0 => self.tag("break"),
            Node::Continue if self.open_loops > 0 => self.tag("continue"),
            Node::Break => self.call(Code::Leave(Leave::Break)),
            Node::Continue => self.call(Code::Leave(Leave::Continue)),
        }
    }

    /// A body, in a source of its own if it is too deep in this one.
    fn body(&mut self, nodes: &[Node]) {
        if self.tags < MAX_TAGS {
            self.tags += 1;
            self.nodes(nodes);
            self.tags -= 1;
            return;
        }
        let number = self.compiled.sources.len();
        self.compiled.sources.push(String::new());
        let outer = (self.source, self.tags, self.open_loops);
        (self.source, self.tags, self.open_loops) = (number, 0, 0);
        self.nodes(nodes);
        (self.source, self.tags, self.open_loops) = outer;
        let part = self.code(Code::Part(format!("{}.{number}", self.prefix)));
        self.tag(&format!("if {part}"));
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

    fn condition(&mut self, branch: &Branch, is_with: bool) {
        let (known, outer_dot) = (self.variables.len(), self.dot);
        let mut branch = branch;
        let mut word = "if";
        loop {
            let pipe = self.pipe(&branch.pipe);
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
            self.body(&branch.body);
            // what a body declares ends with it
            self.variables.truncate(in_body);
            self.dot = outer_dot;
            // a chain of else-ifs is flat in Tera
            match (branch.otherwise.as_deref(), is_with) {
                (Some([Node::If(next)]), false) | (Some([Node::With(next)]), true) => branch = next,
                (Some(nodes), _) => {
                    self.tag("else");
                    self.body(nodes);
                    break;
                }
                (None, _) => break,
            }
            word = "elif";
        }
        self.tag("endif");
        self.variables.truncate(known);
        self.dot = outer_dot;
    }

    fn range(&mut self, branch: &Branch) {
        let (known, outer_dot) = (self.variables.len(), self.dot);
        let pipe = self.pipe(&branch.pipe);
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
        self.body(&branch.body);
        self.variables.truncate(in_body);
        self.open_loops -= 1;
        self.dot = outer_dot;
        if let Some(nodes) = &branch.otherwise {
            self.tag("else");
            self.body(nodes);
        }
        self.tag("endfor");
        self.variables.truncate(known);
    }

    fn variable(&self, name: &[u8]) -> Option<Slot> {
        self.variables.iter().rev().find(|(known, _)| known == name).map(|(_, slot)| *slot)
    }

    fn pipe(&mut self, pipe: &Pipe) -> PipeCode {
        let commands =
            pipe.commands.iter().enumerate().map(|(stage, command)| self.command(command, stage > 0));
        let commands = commands.collect();
        let targets = pipe.declarations.iter().map(|Variable { name }| {
            if pipe.is_assignment {
                return self.variable(name).map_or_else(|| Target::Undefined(lossy(name)), Target::Slot);
            }
            let slot = self.new_slot();
            self.variables.push((name.clone(), slot));
            Target::Slot(slot)
        });
        let targets = targets.collect();
        PipeCode { place: pipe.place, commands, targets }
    }

    fn command(&mut self, command: &Command, piped: bool) -> Expression {
        let Some((first, rest)) = command.operands.split_first() else {
            return Expression::Fail { place: Some(command.place), message: "empty command".to_owned() };
        };
        let has_arguments = !rest.is_empty() || piped;
        let fault = |place: Option<Place>| {
            let message = format!("can't give argument to non-function {}", lossy(&text_of_operand(first)));
            Expression::Fail { place, message }
        };
        match first {
            Operand::Field { .. } | Operand::Chain { .. } => self.fields(first, rest),
            Operand::Variable { fields, .. } if !fields.is_empty() => self.fields(first, rest),
            Operand::Identifier { place, name } => self.function(*place, command.place, name, rest, piped),
            Operand::Pipe(_) if has_arguments => fault(None),
            Operand::Pipe(pipe) => Expression::Pipe(Box::new(self.pipe(pipe))),
            _ if has_arguments => fault(Some(first.place())),
            Operand::Nil { place } => {
                Expression::Fail { place: Some(*place), message: "nil is not a command".to_owned() }
            }
            operand => self.operand(operand, Type::Any),
        }
    }

    /// Fields, and arguments for a method at their end.
    fn fields(&mut self, operand: &Operand, rest: &[Operand]) -> Expression {
        let (base, names) = match operand {
            Operand::Field { names, .. } => (Base::Slot(self.dot), names),
            Operand::Variable { name, fields, .. } => {
                let base = self.variable(name).map_or_else(|| Base::Undefined(lossy(name)), Base::Slot);
                (base, fields)
            }
            Operand::Chain { of, fields, .. } => (Base::Inner(self.operand(of, Type::Any)), fields),
            operand => return self.operand(operand, Type::Any),
        };
        let names = names.iter().map(|name| Text::from(name.as_slice())).collect();
        let arguments = rest.iter().map(|operand| self.operand(operand, Type::Any)).collect();
        Expression::Fields(Box::new(Fields { place: operand.place(), base, names, arguments }))
    }

    #[expect(clippy::too_many_arguments, reason = "what stands at a call, each part once")]
    fn function(
        &mut self,
        place: Place,
        command: Place,
        name: &[u8],
        rest: &[Operand],
        is_piped: bool,
    ) -> Expression {
        let Some(function) = str::from_utf8(name).ok().and_then(function) else {
            let message = format!("{:?} is not a defined function", lossy(name));
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
        let callee =
            (name == "call").then(|| rest.first().map_or_else(String::new, |f| lossy(&text_of_operand(f))));
        Expression::Call(Box::new(Call { place, command, function, arguments, piped, fault, logic, callee }))
    }

    /// An operand that is an argument of this type.
    fn operand(&mut self, operand: &Operand, kind: Type) -> Expression {
        let place = operand.place();
        let fail = |message| Expression::Fail { place: Some(place), message };
        match operand {
            Operand::Dot { .. } => Expression::Held { place, slot: self.dot },
            Operand::Nil { .. } if typing::takes_nil(kind) => {
                Expression::Constant { place, value: Value::Nil }
            }
            Operand::Nil { .. } => fail(format!("cannot assign nil to {}", kind.name())),
            Operand::Variable { name, fields, .. } if fields.is_empty() => match self.variable(name) {
                Some(slot) => Expression::Held { place, slot },
                None => fail(format!("undefined variable: {}", lossy(name))),
            },
            Operand::Field { .. } | Operand::Variable { .. } | Operand::Chain { .. } => {
                self.fields(operand, &[])
            }
            Operand::Pipe(pipe) => Expression::Pipe(Box::new(self.pipe(pipe))),
            Operand::Identifier { name, .. } => self.function(place, place, name, &[], false),
            Operand::Bool { value, .. } => constant(place, typing::boolean(*value, kind), operand, kind),
            Operand::String { text, .. } => constant(place, typing::text(text, kind), operand, kind),
            Operand::Number { number, text, .. } => match typing::number(number, text, kind) {
                Err(message) => fail(message),
                Ok(value) => constant(place, value, operand, kind),
            },
        }
    }
}

/// A constant, or the failure of one that does not fit.
fn constant(place: Place, value: Option<Value>, operand: &Operand, kind: Type) -> Expression {
    if let Some(value) = value {
        return Expression::Constant { place, value };
    }
    let text = lossy(&text_of_operand(operand));
    let message = match typing::expected(kind) {
        Some(expected) => format!("expected {expected}; found {text}"),
        None => format!("can't handle {text} for arg of type {}", kind.name()),
    };
    Expression::Fail { place: Some(place), message }
}

fn text_of_operand(operand: &Operand) -> Vec<u8> {
    super::parse::operand_text(operand)
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
