//! Pipelines: declarations, commands and operands.

use flux_gotext::{Shown, quote_bytes};

use super::super::lexer::{Kind, Token};
use super::super::print::operand_text;
use super::super::{Command, Number, Operand, Pipe, Variable};
use super::{MAX_DEPTH, Parsed, Parser};

impl Parser<'_> {
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Parsed<Pipe> {
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
