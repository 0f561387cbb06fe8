//! Nodes as error messages show them.

use flux_gotext::{Shown, quote_bytes};

use super::{Branch, Command, Node, NodeId, Nodes, Operand, Parts, Pipe, PipeId, Template};

/// Whether a template holds nothing but blanks: it then takes no other's place.
pub(crate) fn is_blank(parts: &Parts, nodes: Nodes) -> bool {
    parts.nodes(nodes).iter().all(|node| match node {
        Node::Text(text) => parts.text(*text).trim_ascii().is_empty(),
        _ => false,
    })
}

/// The text of a node, found by its number.
pub(crate) fn text_of(template: &Template, id: NodeId) -> String {
    let finder = Finder { parts: &template.parts, id };
    let found = template.trees.iter().find_map(|tree| finder.nodes(tree.root));
    String::from_utf8_lossy(&found.unwrap_or_default()).into_owned()
}

struct Finder<'a> {
    parts: &'a Parts,
    id: NodeId,
}

impl Finder<'_> {
    fn nodes(&self, nodes: Nodes) -> Option<Vec<u8>> {
        self.parts.nodes(nodes).iter().find_map(|node| self.node(node))
    }

    fn node(&self, node: &Node) -> Option<Vec<u8>> {
        match node {
            Node::Text(_) | Node::Break | Node::Continue => None,
            Node::Action { place, pipe } => {
                if place.id == self.id {
                    let pipe = pipe_text(self.parts, &self.parts.pipe(*pipe));
                    return Some([b"{{".as_slice(), &pipe, b"}}"].concat());
                }
                self.pipe(*pipe)
            }
            Node::If(branch) | Node::With(branch) | Node::Range(branch) => self.branch(branch),
            Node::Template { place, name, pipe } => {
                if place.id != self.id {
                    return pipe.and_then(|pipe| self.pipe(pipe));
                }
                let mut text = b"{{template ".to_vec();
                text.extend(quote_bytes(self.parts.text(*name), Shown::Printable).bytes());
                if let Some(pipe) = pipe {
                    text.push(b' ');
                    text.extend(pipe_text(self.parts, &self.parts.pipe(*pipe)));
                }
                text.extend(b"}}");
                Some(text)
            }
        }
    }

    fn branch(&self, branch: &Branch) -> Option<Vec<u8>> {
        let inside = self.pipe(branch.pipe).or_else(|| self.nodes(branch.body));
        inside.or_else(|| self.nodes(branch.otherwise?))
    }

    fn pipe(&self, pipe: PipeId) -> Option<Vec<u8>> {
        let pipe = self.parts.pipe(pipe);
        if pipe.place.id == self.id {
            return Some(pipe_text(self.parts, &pipe));
        }
        self.parts.commands(&pipe).iter().find_map(|command| {
            if command.place.id == self.id {
                return Some(command_text(self.parts, command));
            }
            self.parts.operands(command).iter().find_map(|operand| self.operand(operand))
        })
    }

    fn operand(&self, operand: &Operand) -> Option<Vec<u8>> {
        match operand {
            Operand::Pipe { pipe, .. } => self.pipe(*pipe),
            _ if operand.place().id == self.id => Some(operand_text(self.parts, operand)),
            Operand::Chain { of, .. } => self.operand(&self.parts.base(*of)),
            _ => None,
        }
    }
}

fn pipe_text(parts: &Parts, pipe: &Pipe) -> Vec<u8> {
    let variables = parts.variables(pipe).iter().map(|name| parts.text(*name));
    let mut text = variables.collect::<Vec<_>>().join(&b", "[..]);
    if !text.is_empty() {
        text.extend(if pipe.is_assignment { b" = ".as_slice() } else { b" := " });
    }
    let commands = parts.commands(pipe).iter().map(|command| command_text(parts, command));
    text.extend(commands.collect::<Vec<_>>().join(&b" | "[..]));
    text
}

fn command_text(parts: &Parts, command: &Command) -> Vec<u8> {
    let operands = parts.operands(command).iter().map(|operand| inner_text(parts, operand));
    operands.collect::<Vec<_>>().join(&b" "[..])
}

/// The text of an operand within a command or a chain.
fn inner_text(parts: &Parts, operand: &Operand) -> Vec<u8> {
    match operand {
        Operand::Pipe { .. } => [b"(".as_slice(), &operand_text(parts, operand), b")"].concat(),
        operand => operand_text(parts, operand),
    }
}

/// The text of an operand by itself.
pub(crate) fn operand_text(parts: &Parts, operand: &Operand) -> Vec<u8> {
    match operand {
        Operand::Bool { value, .. } => value.to_string().into_bytes(),
        Operand::Dot { .. } => b".".to_vec(),
        Operand::Nil { .. } => b"nil".to_vec(),
        Operand::Number { text, .. }
        | Operand::String { quoted: text, .. }
        | Operand::Identifier { name: text, .. }
        | Operand::Field { fields: text, .. } => parts.text(*text).to_vec(),
        Operand::Variable { name, fields, .. } => [parts.text(*name), parts.text(*fields)].concat(),
        Operand::Pipe { pipe, .. } => pipe_text(parts, &parts.pipe(*pipe)),
        Operand::Chain { of, fields, .. } => {
            [&inner_text(parts, &parts.base(*of)), parts.text(*fields)].concat()
        }
    }
}
