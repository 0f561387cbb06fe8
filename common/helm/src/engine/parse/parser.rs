//! From tokens to trees.

mod pipeline;

use std::sync::Arc;

use flux_gotext::{Shown, quote_bytes, rune_pieces};

use super::lexer::{Kind, Lexer, Token};
use super::print::is_blank;
use super::unquote::unquote;
use super::{Branch, Node, NodeId, Place, Template, Tree};

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
}

static NOTHING: Token = Token { kind: Kind::Eof, at: 0, text: Vec::new(), line: 0 };

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
