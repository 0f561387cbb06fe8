//! Pipelines: declarations, commands and operands.

use flux_gotext::{Shown, quote_bytes};

use super::super::lexer::{Kind, Token};
use super::super::print::operand_text;
use super::super::tree::small;
use super::super::{Command, Number, Operand, Pipe, PipeId, Span};
use super::{MAX_DEPTH, Parsed, Parser, close};

impl Parser<'_> {
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Parsed<PipeId> {
        let at = self.peek_non_space().span.start;
        let place = self.place(at);
        let variables = self.parts.variables.len();
        let is_assignment = self.declarations(context)?;
        let variables = Span::new(variables, self.parts.variables.len() - variables);
        let bottom = self.open.commands.len();
        loop {
            let token = self.peek_non_space();
            if token.kind == end {
                self.next();
                break;
            }
            if !starts_operand(token.kind) {
                return self.unexpected(token, context);
            }
            let command = self.command()?;
            self.open.commands.push(command);
        }
        let commands = close(&mut self.open.commands, bottom, &mut self.parts.commands);
        if commands.is_empty() {
            return self.error(format!("missing value for {context}"));
        }
        let pipe = Pipe { place, is_assignment, variables, commands };
        for (index, command) in self.parts.commands(&pipe).iter().enumerate().skip(1) {
            let first = self.parts.operands(command).first();
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
        let id = PipeId(small(self.parts.pipes.len()));
        self.parts.pipes.push(pipe);
        Ok(id)
    }

    /// Reads the variables that a pipeline sets; whether they are there already.
    fn declarations(&mut self, context: &str) -> Parsed<bool> {
        let bottom = self.parts.variables.len();
        while self.peek_non_space().kind == Kind::Variable {
            let variable = self.next();
            let space = if self.peek().kind == Kind::Space { Some(self.next()) } else { None };
            let next = self.peek_non_space();
            match (next.kind, self.text(next)) {
                (kind @ (Kind::Assign | Kind::Declare), _) => {
                    self.next();
                    self.declare(variable)?;
                    return Ok(kind == Kind::Assign);
                }
                (Kind::Char, b",") => {
                    self.next();
                    self.declare(variable)?;
                    if context != "range" || self.parts.variables.len() >= bottom + 2 {
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
                    return Ok(false);
                }
            }
        }
        Ok(false)
    }

    fn declare(&mut self, variable: Token) -> Parsed<()> {
        self.parts.variables.push(variable.span);
        let name = self.text(variable);
        self.scope()?.variables.push(name);
        Ok(())
    }

    fn command(&mut self) -> Parsed<Command> {
        let at = self.peek_non_space().span.start;
        let place = self.place(at);
        let bottom = self.open.operands.len();
        loop {
            self.peek_non_space();
            if let Some(operand) = self.operand()? {
                self.open.operands.push(operand);
            }
            let token = self.peek();
            match token.kind {
                Kind::Space => {}
                Kind::RightDelim | Kind::RightParen => break,
                Kind::Pipe => {
                    self.next();
                    break;
                }
                _ => return self.unexpected(token, "operand"),
            }
        }
        let operands = close(&mut self.open.operands, bottom, &mut self.parts.operands);
        if operands.is_empty() {
            return self.error("empty command");
        }
        Ok(Command { place, operands })
    }

    fn operand(&mut self) -> Parsed<Option<Operand>> {
        let Some(mut operand) = self.term()? else { return Ok(None) };
        let field = self.peek();
        if field.kind != Kind::Field {
            return Ok(Some(operand));
        }
        let mut names = Span { length: 0, ..field.span };
        while self.peek().kind == Kind::Field {
            names.extend(self.next().span);
        }
        let place = self.place(field.span.start);
        match &mut operand {
            Operand::Field { place: old, fields } => {
                *old = place;
                fields.extend(names);
            }
            Operand::Variable { place: old, fields, .. } => {
                *old = place;
                *fields = names;
            }
            Operand::Bool { .. }
            | Operand::String { .. }
            | Operand::Number { .. }
            | Operand::Nil { .. }
            | Operand::Dot { .. } => {
                let text = quote_bytes(&operand_text(&self.parts, &operand), Shown::Printable);
                return self.error(format!("unexpected . after term {text}"));
            }
            Operand::Identifier { .. } | Operand::Pipe { .. } | Operand::Chain { .. } => {
                let of = small(self.parts.operands.len());
                self.parts.operands.push(operand);
                operand = Operand::Chain { place, of, fields: names };
            }
        }
        Ok(Some(operand))
    }

    fn term(&mut self) -> Parsed<Option<Operand>> {
        let token = self.next_non_space();
        let at = token.span.start;
        let operand = match token.kind {
            Kind::Identifier => {
                let name = self.text(token);
                if !str::from_utf8(name).is_ok_and(|name| (self.is_function)(name)) {
                    let name = quote_bytes(name, Shown::Printable);
                    return self.error(format!("function {name} not defined"));
                }
                Operand::Identifier { place: self.place(at), name: token.span }
            }
            Kind::Dot => Operand::Dot { place: self.place(at) },
            Kind::Nil => Operand::Nil { place: self.place(at) },
            Kind::Variable => {
                let name = self.text(token);
                if !self.scope()?.knows(name) {
                    let name = quote_bytes(name, Shown::Printable);
                    return self.error(format!("undefined variable {name}"));
                }
                Operand::Variable { place: self.place(at), name: token.span, fields: Span::default() }
            }
            Kind::Field => Operand::Field { place: self.place(at), fields: token.span },
            Kind::Bool => Operand::Bool { place: self.place(at), value: self.text(token) == b"true" },
            Kind::CharConstant | Kind::Complex | Kind::Number => {
                let number = match token.kind {
                    Kind::CharConstant => Number::of_character(self.text(token)),
                    Kind::Complex => Number::of_sum(self.text(token)),
                    _ => Number::parse(self.text(token)),
                };
                let number = number.or_else(|message| self.error(message))?;
                let index = small(self.parts.numbers.len());
                self.parts.numbers.push(number);
                Operand::Number { place: self.place(at), number: index, text: token.span }
            }
            Kind::LeftParen => {
                if self.depth >= MAX_DEPTH {
                    return self.error("max expression depth exceeded");
                }
                self.depth += 1;
                let pipe = self.pipeline("parenthesized pipeline", Kind::RightParen)?;
                self.depth -= 1;
                Operand::Pipe { place: self.parts.pipe(pipe).place, pipe }
            }
            Kind::String | Kind::RawString => {
                let text = self.unquote(token)?;
                Operand::String { place: self.place(at), quoted: token.span, text }
            }
            _ => {
                self.back(token);
                return Ok(None);
            }
        };
        Ok(Some(operand))
    }
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
