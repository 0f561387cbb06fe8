//! From tokens to trees.

mod pipeline;

use flux_gotext::{Shown, quote_bytes, rune_pieces};

use super::lexer::{Kind, Lexer, Token};
use super::print::is_blank;
use super::unquote::unquote;
use super::{Branch, Command, Node, NodeId, Nodes, Operand, Parts, Place, Span, Template, Tree};
use crate::value::Text;

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
    text: &Text,
    is_function: &dyn Fn(&str) -> bool,
) -> Result<Template, ParseError> {
    let mut parser = Parser {
        file,
        text,
        lexer: Lexer::new(text),
        is_function,
        ahead: None,
        behind: Vec::new(),
        last: 0,
        action: None,
        scopes: vec![Scope::default()],
        depth: 0,
        nodes: 0,
        trees: Vec::new(),
        open: Open::default(),
        parts: Parts { text: text.clone(), ..Parts::default() },
    };
    let root = parser.top()?;
    parser.add(file.as_bytes().to_vec(), root)?;
    let Parser { trees, mut parts, .. } = parser;
    parts.shrink();
    Ok(Template { file: file.into(), trees, parts })
}

/// Lists that are not complete yet, each one on top of those around it.
#[derive(Default)]
struct Open {
    nodes: Vec<Node>,
    commands: Vec<Command>,
    operands: Vec<Operand>,
}

/// Moves what lies above `bottom` to where it stays.
fn close<T: Copy>(open: &mut Vec<T>, bottom: usize, into: &mut Vec<T>) -> Span {
    let list = open.get(bottom..).unwrap_or_default();
    let span = Span::new(into.len(), list.len());
    into.extend_from_slice(list);
    open.truncate(bottom);
    span
}

/// What a template sees that is being parsed.
#[derive(Default)]
struct Scope<'a> {
    /// Those that it declares; `$` is always there.
    variables: Vec<&'a [u8]>,
    ranges: usize,
}

impl Scope<'_> {
    fn knows(&self, variable: &[u8]) -> bool {
        variable == b"$" || self.variables.iter().rev().any(|known| *known == variable)
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

struct Parser<'a> {
    file: &'a str,
    text: &'a [u8],
    lexer: Lexer<'a>,
    is_function: &'a dyn Fn(&str) -> bool,
    /// The next token, if it was looked at or given back.
    ahead: Option<Token>,
    /// Tokens that were given back and come after that, the next one last.
    behind: Vec<Token>,
    /// Where the token stands that was read last from the text.
    last: u32,
    /// Where the action started that is being parsed.
    action: Option<u32>,
    scopes: Vec<Scope<'a>>,
    depth: usize,
    nodes: u32,
    trees: Vec<Tree>,
    open: Open,
    parts: Parts,
}

type Parsed<T> = Result<T, ParseError>;

impl<'a> Parser<'a> {
    fn read(&mut self) -> Token {
        let token = self.lexer.next_token();
        self.last = token.span.start;
        token
    }

    fn next(&mut self) -> Token {
        let Some(token) = self.ahead else { return self.read() };
        self.ahead = self.behind.pop();
        token
    }

    fn back(&mut self, token: Token) {
        self.behind.extend(self.ahead.replace(token));
    }

    fn peek(&mut self) -> Token {
        if let Some(token) = self.ahead {
            return token;
        }
        let token = self.read();
        self.ahead = Some(token);
        token
    }

    fn next_non_space(&mut self) -> Token {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    fn peek_non_space(&mut self) -> Token {
        loop {
            let token = self.peek();
            if token.kind != Kind::Space {
                return token;
            }
            self.next();
        }
    }

    fn text(&self, token: Token) -> &'a [u8] {
        token.span.of(self.text).unwrap_or_default()
    }

    fn place(&mut self, at: u32) -> Place {
        self.nodes += 1;
        Place { id: NodeId(self.nodes), at }
    }

    fn error<T>(&self, message: impl Into<String>) -> Parsed<T> {
        Err(ParseError { file: self.file.to_owned(), line: self.line(self.last), message: message.into() })
    }

    /// The line of an offset.
    fn line(&self, at: u32) -> usize {
        let before = self.text.get(..at as usize).unwrap_or(self.text);
        1 + memchr::memchr_iter(b'\n', before).count()
    }

    fn unexpected<T>(&self, token: Token, context: &str) -> Parsed<T> {
        if token.kind != Kind::Error {
            return self.error(format!("unexpected {} in {context}", shown(token.kind, self.text(token))));
        }
        let message = self.lexer.message();
        match self.action.map(|at| self.line(at)) {
            Some(line) if line != self.line(token.span.start) => {
                let word = if message.ends_with(" action") { "" } else { " in action" };
                self.error(format!("{message}{word} started at {}:{line}", self.file))
            }
            _ => self.error(message),
        }
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parsed<Token> {
        let token = self.next_non_space();
        if token.kind == kind { Ok(token) } else { self.unexpected(token, context) }
    }

    /// What a string constant stands for.
    fn unquote(&mut self, token: Token) -> Parsed<Span> {
        let start = self.parts.unquoted.len();
        match unquote(self.text(token), &mut self.parts.unquoted) {
            Ok(false) => Ok(token.span.without_quotes()),
            Ok(true) => Ok(Span::new(self.text.len() + start, self.parts.unquoted.len() - start)),
            Err(message) => self.error(message),
        }
    }

    fn scope(&mut self) -> Parsed<&mut Scope<'a>> {
        if self.scopes.is_empty() {
            self.scopes.push(Scope::default());
        }
        match self.scopes.last_mut() {
            Some(scope) => Ok(scope),
            None => Err(ParseError { file: String::new(), line: 0, message: String::new() }),
        }
    }

    /// Adds a template to those of the file.
    fn add(&mut self, name: Vec<u8>, root: Nodes) -> Parsed<()> {
        let existing = self.trees.iter_mut().find(|tree| tree.name == name);
        match existing {
            None => self.trees.push(Tree { name, root }),
            Some(tree) if is_blank(&self.parts, tree.root) => tree.root = root,
            Some(_) if is_blank(&self.parts, root) => {}
            Some(_) => {
                let name = quote_bytes(&name, Shown::Printable);
                return self.error(format!("template: multiple definition of template {name}"));
            }
        }
        Ok(())
    }

    fn top(&mut self) -> Parsed<Nodes> {
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
            if let Some(end) = self.item()? {
                return self.error(format!("unexpected {}", end.text()));
            }
        }
        Ok(self.close_nodes(0))
    }

    fn close_nodes(&mut self, bottom: usize) -> Nodes {
        Nodes(close(&mut self.open.nodes, bottom, &mut self.parts.nodes))
    }

    fn definition(&mut self) -> Parsed<()> {
        const CONTEXT: &str = "define clause";
        // Go parses a definition with a fresh tree, which knows no start of the action
        self.action = None;
        let token = self.next_non_space();
        if !matches!(token.kind, Kind::String | Kind::RawString) {
            return self.unexpected(token, CONTEXT);
        }
        let name = self.unquote(token)?;
        self.expect(Kind::RightDelim, CONTEXT)?;
        self.scopes.push(Scope::default());
        let (root, end) = self.list()?;
        if !matches!(end, End::Close) {
            return self.error(format!("unexpected {} in {CONTEXT}", end.text()));
        }
        self.scopes.pop();
        self.add(self.parts.text(name).to_vec(), root)
    }

    fn list(&mut self) -> Parsed<(Nodes, End)> {
        if self.depth >= MAX_DEPTH {
            return self.error("max expression depth exceeded");
        }
        self.depth += 1;
        let bottom = self.open.nodes.len();
        while self.peek_non_space().kind != Kind::Eof {
            if let Some(end) = self.item()? {
                self.depth -= 1;
                return Ok((self.close_nodes(bottom), end));
            }
        }
        self.error("unexpected EOF")
    }

    /// Adds the next node, unless the list ends.
    fn item(&mut self) -> Parsed<Option<End>> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Text => {
                self.open.nodes.push(Node::Text(token.span));
                Ok(None)
            }
            Kind::LeftDelim => {
                self.action = Some(token.span.start);
                let end = self.action()?;
                self.action = None;
                Ok(end)
            }
            _ => self.unexpected(token, "input"),
        }
    }

    fn action(&mut self) -> Parsed<Option<End>> {
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
            Kind::Else => return self.otherwise().map(Some),
            Kind::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Some(End::Close));
            }
            Kind::If => Node::If(self.control(Kind::If)?),
            Kind::Range => Node::Range(self.control(Kind::Range)?),
            Kind::With => Node::With(self.control(Kind::With)?),
            Kind::Template => self.template()?,
            _ => {
                self.back(token);
                let place = self.place(token.span.start);
                Node::Action { place, pipe: self.pipeline("command", Kind::RightDelim)? }
            }
        };
        self.open.nodes.push(node);
        Ok(None)
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
                let nested = Node::If(self.nested(kind)?);
                Some(self.alone(nested))
            }
            (End::ElseWith, Kind::With) => {
                self.next();
                let nested = Node::With(self.nested(kind)?);
                Some(self.alone(nested))
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

    /// A list of one node.
    fn alone(&mut self, node: Node) -> Nodes {
        let span = Span::new(self.parts.nodes.len(), 1);
        self.parts.nodes.push(node);
        Nodes(span)
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

    fn name(&mut self, context: &str) -> Parsed<(Token, Span)> {
        let token = self.next_non_space();
        if !matches!(token.kind, Kind::String | Kind::RawString) {
            return self.unexpected(token, context);
        }
        let name = self.unquote(token)?;
        Ok((token, name))
    }

    fn block(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "block clause";
        let (token, name) = self.name(CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelim)?;
        self.scopes.push(Scope::default());
        let (root, end) = self.list()?;
        if !matches!(end, End::Close) {
            return self.error(format!("unexpected {} in {CONTEXT}", end.text()));
        }
        self.scopes.pop();
        self.add(self.parts.text(name).to_vec(), root)?;
        let place = self.place(token.span.start);
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
        let place = self.place(token.span.start);
        Ok(Node::Template { place, name, pipe })
    }
}

/// A token as messages show it.
fn shown(kind: Kind, text: &[u8]) -> String {
    match kind {
        Kind::Eof => "EOF".to_owned(),
        kind if kind.is_keyword() => format!("<{}>", String::from_utf8_lossy(text)),
        _ if text.len() > 10 => {
            // ten characters, not bytes
            let start = rune_pieces(text).take(10).map(|(_, bytes)| bytes).collect::<Vec<_>>().concat();
            format!("{}...", quote_bytes(&start, Shown::Printable))
        }
        _ => quote_bytes(text, Shown::Printable),
    }
}
