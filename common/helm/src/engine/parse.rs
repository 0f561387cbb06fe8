//! Go's `text/template/parse`: from text to trees, with its errors.

mod lexer;
mod number;
mod parser;
mod print;
mod tree;
mod unquote;

pub(crate) use number::Number;
pub(crate) use parser::{ParseError, parse};
pub(crate) use print::{is_blank, operand_text, text_of};
pub(crate) use tree::{
    Branch, Command, Node, NodeId, Nodes, Operand, Parts, Pipe, PipeId, Place, Span, Template, Tree,
};
