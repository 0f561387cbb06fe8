//! Nodes as error messages show them.

use flux_gotext::{Shown, quote_bytes};

use super::{Branch, Command, Node, NodeId, Operand, Pipe, Tree};

/// Whether a template holds nothing but blanks: it then takes no other's place.
pub(crate) fn is_blank(nodes: &[Node]) -> bool {
    nodes.iter().all(|node| match node {
        Node::Text(text) => text.trim_ascii().is_empty(),
        _ => false,
    })
}

/// The text of a node, found by its number.
pub(crate) fn text_of(trees: &[Tree], id: NodeId) -> String {
    let found = trees.iter().find_map(|tree| in_nodes(&tree.root, id));
    String::from_utf8_lossy(&found.unwrap_or_default()).into_owned()
}

fn in_nodes(nodes: &[Node], id: NodeId) -> Option<Vec<u8>> {
    nodes.iter().find_map(|node| in_node(node, id))
}

fn in_node(node: &Node, id: NodeId) -> Option<Vec<u8>> {
    match node {
        Node::Text(_) | Node::Break | Node::Continue => None,
        Node::Action { place, pipe } => {
            if place.id == id {
                return Some([b"{{".as_slice(), &pipe_text(pipe), b"}}"].concat());
            }
            in_pipe(pipe, id)
        }
        Node::If(branch) | Node::With(branch) | Node::Range(branch) => in_branch(branch, id),
        Node::Template { place, name, pipe } => {
            if place.id != id {
                return pipe.as_ref().and_then(|pipe| in_pipe(pipe, id));
            }
            let mut text = b"{{template ".to_vec();
            text.extend(quote_bytes(name, Shown::Printable).bytes());
            if let Some(pipe) = pipe {
                text.push(b' ');
                text.extend(pipe_text(pipe));
            }
            text.extend(b"}}");
            Some(text)
        }
    }
}

fn in_branch(branch: &Branch, id: NodeId) -> Option<Vec<u8>> {
    let inside = in_pipe(&branch.pipe, id).or_else(|| in_nodes(&branch.body, id));
    inside.or_else(|| in_nodes(branch.otherwise.as_deref().unwrap_or_default(), id))
}

fn in_pipe(pipe: &Pipe, id: NodeId) -> Option<Vec<u8>> {
    if pipe.place.id == id {
        return Some(pipe_text(pipe));
    }
    pipe.commands.iter().find_map(|command| {
        if command.place.id == id {
            return Some(command_text(command));
        }
        command.operands.iter().find_map(|operand| in_operand(operand, id))
    })
}

fn in_operand(operand: &Operand, id: NodeId) -> Option<Vec<u8>> {
    match operand {
        Operand::Pipe(pipe) => in_pipe(pipe, id),
        _ if operand.place().id == id => Some(operand_text(operand)),
        Operand::Chain { of, .. } => in_operand(of, id),
        _ => None,
    }
}

fn pipe_text(pipe: &Pipe) -> Vec<u8> {
    let mut text = pipe.declarations.iter().map(|v| v.name.clone()).collect::<Vec<_>>().join(&b", "[..]);
    if !text.is_empty() {
        text.extend(if pipe.is_assignment { b" = ".as_slice() } else { b" := " });
    }
    text.extend(pipe.commands.iter().map(command_text).collect::<Vec<_>>().join(&b" | "[..]));
    text
}

fn command_text(command: &Command) -> Vec<u8> {
    command.operands.iter().map(inner_text).collect::<Vec<_>>().join(&b" "[..])
}

/// The text of an operand within a command or a chain.
fn inner_text(operand: &Operand) -> Vec<u8> {
    match operand {
        Operand::Pipe(pipe) => [b"(".as_slice(), &pipe_text(pipe), b")"].concat(),
        operand => operand_text(operand),
    }
}

/// The text of an operand by itself.
pub(crate) fn operand_text(operand: &Operand) -> Vec<u8> {
    match operand {
        Operand::Bool { value, .. } => value.to_string().into_bytes(),
        Operand::Dot { .. } => b".".to_vec(),
        Operand::Nil { .. } => b"nil".to_vec(),
        Operand::Number { text, .. } => text.clone(),
        Operand::String { quoted, .. } => quoted.clone(),
        Operand::Identifier { name, .. } => name.clone(),
        Operand::Field { names, .. } => dotted(Vec::new(), names),
        Operand::Variable { name, fields, .. } => dotted(name.clone(), fields),
        Operand::Pipe(pipe) => pipe_text(pipe),
        Operand::Chain { of, fields, .. } => dotted(inner_text(of), fields),
    }
}

fn dotted(mut text: Vec<u8>, names: &[Vec<u8>]) -> Vec<u8> {
    for name in names {
        text.push(b'.');
        text.extend(name);
    }
    text
}
