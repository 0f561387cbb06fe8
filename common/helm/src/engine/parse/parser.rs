//! From tokens to trees.

use std::sync::Arc;

use flux_gotext::{Shown, quote_bytes, rune_pieces};

use super::lexer::{Kind, Lexer, Token};
use super::print::{is_blank, operand_text};
use super::unquote::unquote;
use super::{Branch, Command, Node, NodeId, Number, Operand, Pipe, Place, Template, Tree, Variable};

/// Why a text is no template, with its file and line, as Go's parser says it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template: {file}:{line}: {message}")]
pub(crate) struct ParseError {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) message: String,
}

/// Parentheses inside parentheses, and actions inside actions. Go's own limit for the former is 10 000.
const MAX_DEPTH: usize = 1000;

/// Parses a file. `is_function` tells which functions there are.
pub(crate) fn parse(
    file: &str,
    text: &[u8],
    is_function: &dyn Fn(&str) -> bool,
) -> Result<Template, ParseError> {
    let mut parser = Parser {
        file,
        lexer: Lexer::new(text),
        is_function,
        pending: Vec::new(),
        last_line: 1,
        action_line: 0,
        scopes: vec![Scope::new()],
        depth: 0,
        nodes: 0,
        trees: Vec::new(),
    };
    let root = parser.top()?;
    parser.add(file.as_bytes().to_vec(), root)?;
    let trees = parser.trees;
    Ok(Template { file: file.into(), text: Arc::from(text), trees })
}

/// What a template sees that is being parsed.
struct Scope {
    variables: Vec<Vec<u8>>,
    ranges: usize,
}

impl Scope {
    fn new() -> Self {
        Self { variables: vec![b"$".to_vec()], ranges: 0 }
    }
}

/// How a list of nodes ends.
enum End {
    /// `{{end}}`
    Close,
    /// `{{else}}`
    Else,
    /// `{{else if`, with the `if` still to come
    ElseIf,
    /// `{{else with`
    ElseWith,
}

impl End {
    const fn text(&self) -> &'static str {
        match self {
            Self::Close => "{{end}}",
            Self::Else | Self::ElseIf | Self::ElseWith => "{{else}}",
        }
    }
}

enum Item {
    Node(Node),
    End(End),
}

struct Parser<'a> {
    file: &'a str,
    lexer: Lexer<'a>,
    is_function: &'a dyn Fn(&str) -> bool,
    /// Tokens that were given back, the next one last.
    pending: Vec<Token>,
    /// Line of the token that was read last from the text.
    last_line: usize,
    action_line: usize,
    scopes: Vec<Scope>,
    depth: usize,
    nodes: u32,
    trees: Vec<Tree>,
}

type Parsed<T> = Result<T, ParseError>;

impl Parser<'_> {
    fn next(&mut self) -> Token {
        if let Some(token) = self.pending.pop() {
            return token;
        }
        let token = self.lexer.next_token();
        self.last_line = token.line;
        token
    }

    fn back(&mut self, token: Token) {
        self.pending.push(token);
    }

    fn peek(&mut self) -> &Token {
        if self.pending.is_empty() {
            let token = self.next();
            self.pending.push(token);
        }
        // just filled
        self.pending.last().unwrap_or(&NOTHING)
    }

    fn next_non_space(&mut self) -> Token {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    fn peek_non_space(&mut self) -> &Token {
        while self.peek().kind == Kind::Space {
            self.next();
        }
        self.peek()
    }

    fn place(&mut self, at: usize) -> Place {
        self.nodes += 1;
        Place { id: NodeId(self.nodes), at: u32::try_from(at).unwrap_or(u32::MAX) }
    }

    fn error<T>(&self, message: impl Into<String>) -> Parsed<T> {
        Err(ParseError { file: self.file.to_owned(), line: self.last_line, message: message.into() })
    }

    fn unexpected<T>(&self, token: &Token, context: &str) -> Parsed<T> {
        if token.kind != Kind::Error {
            return self.error(format!("unexpected {} in {context}", shown(token)));
        }
        let mut message = String::from_utf8_lossy(&token.text).into_owned();
        if self.action_line != 0 && self.action_line != token.line {
            let word = if message.ends_with(" action") { "" } else { " in action" };
            message = format!("{message}{word} started at {}:{}", self.file, self.action_line);
        }
        self.error(message)
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parsed<Token> {
        let token = self.next_non_space();
        if token.kind == kind { Ok(token) } else { self.unexpected(&token, context) }
    }

    fn unquote(&self, token: &Token) -> Parsed<Vec<u8>> {
        unquote(&token.text).or_else(|message| self.error(message))
    }

    fn scope(&mut self) -> Parsed<&mut Scope> {
        if self.scopes.is_empty() {
            self.scopes.push(Scope::new());
        }
        match self.scopes.last_mut() {
            Some(scope) => Ok(scope),
            None => Err(ParseError { file: String::new(), line: 0, message: String::new() }),
        }
    }

    /// Adds a template to those of the file.
    fn add(&mut self, name: Vec<u8>, root: Vec<Node>) -> Parsed<()> {
        let existing = self.trees.iter_mut().find(|tree| tree.name == name);
        match existing {
            None => self.trees.push(Tree { name, root }),
            Some(tree) if is_blank(&tree.root) => tree.root = root,
            Some(_) if is_blank(&root) => {}
            Some(_) => {
                let name = quote_bytes(&name, Shown::Printable);
                return self.error(format!("template: multiple definition of template {name}"));
            }
        }
        Ok(())
    }

    fn top(&mut self) -> Parsed<Vec<Node>> {
        let mut nodes = Vec::new();
        while self.peek().kind != Kind::Eof {
            if self.peek().kind == Kind::LeftDelim {
                let delimiter = self.next();
                let token = self.next_non_space();
                if token.kind == Kind::Define {
                    self.definition()?;
                    continue;
                }
                self.back(token);
                self.back(delimiter);
            }
            match self.item()? {
                Item::Node(node) => nodes.push(node),
                Item::End(end) => return self.error(format!("unexpected {}", end.text())),
            }
        }
        Ok(nodes)
    }

    fn definition(&mut self) -> Parsed<()> {
        const CONTEXT: &str = "define clause";
        // Go parses a definition with a fresh tree, which knows no start of the action
        self.action_line = 0;
        let token = self.next_non_space();
        if !matches!(token.kind, Kind::String | Kind::RawString) {
            return self.unexpected(&token, CONTEXT);
        }
        let name = self.unquote(&token)?;
        self.expect(Kind::RightDelim, CONTEXT)?;
        self.scopes.push(Scope::new());
        let (root, end) = self.list()?;
        if !matches!(end, End::Close) {
            return self.error(format!("unexpected {} in {CONTEXT}", end.text()));
        }
        self.scopes.pop();
        self.add(name, root)
    }

    fn list(&mut self) -> Parsed<(Vec<Node>, End)> {
        if self.depth >= MAX_DEPTH {
            return self.error("max expression depth exceeded");
        }
        self.depth += 1;
        let mut nodes = Vec::new();
        while self.peek_non_space().kind != Kind::Eof {
            match self.item()? {
                Item::Node(node) => nodes.push(node),
                Item::End(end) => {
                    self.depth -= 1;
                    return Ok((nodes, end));
                }
            }
        }
        self.error("unexpected EOF")
    }

    fn item(&mut self) -> Parsed<Item> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Text => Ok(Item::Node(Node::Text(token.text))),
            Kind::LeftDelim => {
                self.action_line = token.line;
                let item = self.action()?;
                self.action_line = 0;
                Ok(item)
            }
            _ => self.unexpected(&token, "input"),
        }
    }

    fn action(&mut self) -> Parsed<Item> {
        let token = self.next_non_space();
        let node = match token.kind {
            Kind::Block => self.block()?,
            Kind::Break => {
                self.leave_range("{{break}}")?;
                Node::Break
            }
            Kind::Continue => {
                self.leave_range("{{continue}}")?;
                Node::Continue
            }
            Kind::Else => return self.otherwise().map(Item::End),
            Kind::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Item::End(End::Close));
            }
            Kind::If => Node::If(self.control(Kind::If)?),
            Kind::Range => Node::Range(self.control(Kind::Range)?),
            Kind::With => Node::With(self.control(Kind::With)?),
            Kind::Template => self.template()?,
            _ => {
                self.back(token);
                let at = self.peek().at;
                let place = self.place(at);
                Node::Action { place, pipe: self.pipeline("command", Kind::RightDelim)? }
            }
        };
        Ok(Item::Node(node))
    }

    fn leave_range(&mut self, action: &str) -> Parsed<()> {
        self.expect(Kind::RightDelim, action)?;
        if self.scope()?.ranges == 0 {
            return self.error(format!("{action} outside {{{{range}}}}"));
        }
        Ok(())
    }

    fn otherwise(&mut self) -> Parsed<End> {
        match self.peek_non_space().kind {
            Kind::If => Ok(End::ElseIf),
            Kind::With => Ok(End::ElseWith),
            _ => {
                self.expect(Kind::RightDelim, "else")?;
                Ok(End::Else)
            }
        }
    }

    fn control(&mut self, kind: Kind) -> Parsed<Branch> {
        let (context, is_range) = match kind {
            Kind::If => ("if", false),
            Kind::With => ("with", false),
            _ => ("range", true),
        };
        let known = self.scope()?.variables.len();
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        self.scope()?.ranges += usize::from(is_range);
        let (body, end) = self.list()?;
        self.scope()?.ranges -= usize::from(is_range);
        let otherwise = match (end, kind) {
            (End::Close, _) => None,
            (End::ElseIf, Kind::If) => {
                self.next();
                Some(vec![Node::If(self.nested(kind)?)])
            }
            (End::ElseWith, Kind::With) => {
                self.next();
                Some(vec![Node::With(self.nested(kind)?)])
            }
            _ => {
                let (nodes, end) = self.list()?;
                if !matches!(end, End::Close) {
                    return self.error(format!("expected end; found {}", end.text()));
                }
                Some(nodes)
            }
        };
        self.scope()?.variables.truncate(known);
        Ok(Branch { pipe, body, otherwise })
    }

    fn nested(&mut self, kind: Kind) -> Parsed<Branch> {
        if self.depth >= MAX_DEPTH {
            return self.error("max expression depth exceeded");
        }
        self.depth += 1;
        let branch = self.control(kind)?;
        self.depth -= 1;
        Ok(branch)
    }

    fn name(&mut self, context: &str) -> Parsed<(Token, Vec<u8>)> {
        let token = self.next_non_space();
        if !matches!(token.kind, Kind::String | Kind::RawString) {
            return self.unexpected(&token, context);
        }
        let name = self.unquote(&token)?;
        Ok((token, name))
    }

    fn block(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "block clause";
        let (token, name) = self.name(CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelim)?;
        self.scopes.push(Scope::new());
        let (root, end) = self.list()?;
        if !matches!(end, End::Close) {
            return self.error(format!("unexpected {} in {CONTEXT}", end.text()));
        }
        self.scopes.pop();
        self.add(name.clone(), root)?;
        let place = self.place(token.at);
        Ok(Node::Template { place, name, pipe: Some(pipe) })
    }

    fn template(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "template clause";
        let (token, name) = self.name(CONTEXT)?;
        let next = self.next_non_space();
        let pipe = if next.kind == Kind::RightDelim {
            None
        } else {
            self.back(next);
            Some(self.pipeline(CONTEXT, Kind::RightDelim)?)
        };
        let place = self.place(token.at);
        Ok(Node::Template { place, name, pipe })
    }

    fn pipeline(&mut self, context: &str, end: Kind) -> Parsed<Pipe> {
        let at = self.peek_non_space().at;
        let place = self.place(at);
        let mut pipe = Pipe { place, is_assignment: false, declarations: Vec::new(), commands: Vec::new() };
        self.declarations(&mut pipe, context)?;
        loop {
            let token = self.next_non_space();
            if token.kind == end {
                break;
            }
            if !starts_operand(token.kind) {
                return self.unexpected(&token, context);
            }
            self.back(token);
            let command = self.command()?;
            pipe.commands.push(command);
        }
        if pipe.commands.is_empty() {
            return self.error(format!("missing value for {context}"));
        }
        for (index, command) in pipe.commands.iter().enumerate().skip(1) {
            let first = command.operands.first();
            if let Some(
                Operand::Bool { .. }
                | Operand::Dot { .. }
                | Operand::Nil { .. }
                | Operand::Number { .. }
                | Operand::String { .. },
            ) = first
            {
                return self.error(format!("non executable command in pipeline stage {}", index + 1));
            }
        }
        Ok(pipe)
    }

    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Parsed<()> {
        while self.peek_non_space().kind == Kind::Variable {
            let variable = self.next();
            let space = if self.peek().kind == Kind::Space { Some(self.next()) } else { None };
            let next = self.peek_non_space();
            match (next.kind, next.text.as_slice()) {
                (kind @ (Kind::Assign | Kind::Declare), _) => {
                    pipe.is_assignment = kind == Kind::Assign;
                    self.next();
                    self.declare(pipe, variable.text)?;
                    return Ok(());
                }
                (Kind::Char, b",") => {
                    self.next();
                    self.declare(pipe, variable.text)?;
                    if context != "range" || pipe.declarations.len() >= 2 {
                        return self.error(format!("too many declarations in {context}"));
                    }
                    let next = self.peek_non_space().kind;
                    if !matches!(next, Kind::Variable | Kind::RightDelim | Kind::RightParen) {
                        return self.error("range can only initialize variables");
                    }
                }
                _ => {
                    if let Some(space) = space {
                        self.back(space);
                    }
                    self.back(variable);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn declare(&mut self, pipe: &mut Pipe, name: Vec<u8>) -> Parsed<()> {
        pipe.declarations.push(Variable { name: name.clone() });
        self.scope()?.variables.push(name);
        Ok(())
    }

    fn command(&mut self) -> Parsed<Command> {
        let at = self.peek_non_space().at;
        let place = self.place(at);
        let mut operands = Vec::new();
        loop {
            self.peek_non_space();
            if let Some(operand) = self.operand()? {
                operands.push(operand);
            }
            let token = self.next();
            match token.kind {
                Kind::Space => {}
                Kind::RightDelim | Kind::RightParen => {
                    self.back(token);
                    break;
                }
                Kind::Pipe => break,
                _ => return self.unexpected(&token, "operand"),
            }
        }
        if operands.is_empty() {
            return self.error("empty command");
        }
        Ok(Command { place, operands })
    }

    fn operand(&mut self) -> Parsed<Option<Operand>> {
        let Some(mut operand) = self.term()? else { return Ok(None) };
        if self.peek().kind != Kind::Field {
            return Ok(Some(operand));
        }
        let at = self.peek().at;
        let mut added = Vec::new();
        while self.peek().kind == Kind::Field {
            added.push(field_name(self.next()));
        }
        let place = self.place(at);
        match &mut operand {
            Operand::Field { place: old, names } => {
                *old = place;
                names.append(&mut added);
            }
            Operand::Variable { place: old, fields, .. } => {
                *old = place;
                fields.append(&mut added);
            }
            Operand::Bool { .. }
            | Operand::String { .. }
            | Operand::Number { .. }
            | Operand::Nil { .. }
            | Operand::Dot { .. } => {
                let text = quote_bytes(&operand_text(&operand), Shown::Printable);
                return self.error(format!("unexpected . after term {text}"));
            }
            Operand::Identifier { .. } | Operand::Pipe(_) | Operand::Chain { .. } => {
                operand = Operand::Chain { place, of: Box::new(operand), fields: added };
            }
        }
        Ok(Some(operand))
    }

    fn term(&mut self) -> Parsed<Option<Operand>> {
        let token = self.next_non_space();
        let at = token.at;
        let operand = match token.kind {
            Kind::Identifier => {
                if !str::from_utf8(&token.text).is_ok_and(|name| (self.is_function)(name)) {
                    let name = quote_bytes(&token.text, Shown::Printable);
                    return self.error(format!("function {name} not defined"));
                }
                Operand::Identifier { place: self.place(at), name: token.text }
            }
            Kind::Dot => Operand::Dot { place: self.place(at) },
            Kind::Nil => Operand::Nil { place: self.place(at) },
            Kind::Variable => {
                if !self.scope()?.variables.contains(&token.text) {
                    let name = quote_bytes(&token.text, Shown::Printable);
                    return self.error(format!("undefined variable {name}"));
                }
                Operand::Variable { place: self.place(at), name: token.text, fields: Vec::new() }
            }
            Kind::Field => Operand::Field { place: self.place(at), names: vec![field_name(token)] },
            Kind::Bool => Operand::Bool { place: self.place(at), value: token.text == b"true" },
            Kind::CharConstant | Kind::Complex | Kind::Number => {
                let number = match token.kind {
                    Kind::CharConstant => Number::of_character(&token.text),
                    Kind::Complex => Number::of_sum(&token.text),
                    _ => Number::parse(&token.text),
                };
                let number = number.or_else(|message| self.error(message))?;
                Operand::Number { place: self.place(at), number: Box::new(number), text: token.text }
            }
            Kind::LeftParen => {
                if self.depth >= MAX_DEPTH {
                    return self.error("max expression depth exceeded");
                }
                self.depth += 1;
                let pipe = self.pipeline("parenthesized pipeline", Kind::RightParen)?;
                self.depth -= 1;
                Operand::Pipe(Box::new(pipe))
            }
            Kind::String | Kind::RawString => {
                let text = self.unquote(&token)?;
                Operand::String { place: self.place(at), quoted: token.text, text }
            }
            _ => {
                self.back(token);
                return Ok(None);
            }
        };
        Ok(Some(operand))
    }
}

static NOTHING: Token = Token { kind: Kind::Eof, at: 0, text: Vec::new(), line: 0 };

fn field_name(token: Token) -> Vec<u8> {
    let mut name = token.text;
    name.remove(0);
    name
}

const fn starts_operand(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Bool
            | Kind::CharConstant
            | Kind::Complex
            | Kind::Dot
            | Kind::Field
            | Kind::Identifier
            | Kind::Number
            | Kind::Nil
            | Kind::RawString
            | Kind::String
            | Kind::Variable
            | Kind::LeftParen
    )
}

/// A token as messages show it.
fn shown(token: &Token) -> String {
    match token.kind {
        Kind::Eof => "EOF".to_owned(),
        Kind::Error => String::from_utf8_lossy(&token.text).into_owned(),
        kind if kind.is_keyword() => format!("<{}>", String::from_utf8_lossy(&token.text)),
        _ if token.text.len() > 10 => {
            // ten characters, not bytes
            let start =
                rune_pieces(&token.text).take(10).map(|(_, bytes)| bytes).collect::<Vec<_>>().concat();
            format!("{}...", quote_bytes(&start, Shown::Printable))
        }
        _ => quote_bytes(&token.text, Shown::Printable),
    }
}
