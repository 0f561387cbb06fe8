//! Evaluation of pipelines, by Go's rules.

use crate::functions::{Function, Type};
use crate::value::Value;

use super::code::{Base, Call, Expression, Fields, Logic, Name, PipeCode, Target};
use super::error::{ExecError, FunctionError, Outcome, Stop};
use super::parse::Place;
use super::render::{Held, Render};
use super::typing::{fits, takes_nil, truth, zero_of};
use super::{methods, typing};

impl Render {
    /// An error of the template package at the current node.
    pub(super) fn fail<T>(&self, message: impl Into<String>) -> Outcome<T> {
        Err(Box::new(Stop::Error(ExecError::new(self.prefix(), message.into()))))
    }

    /// An error of a function at the current node.
    fn fail_call<T>(&self, name: &str, error: FunctionError) -> Outcome<T> {
        let error = match error {
            FunctionError::Message(message) => ExecError::of_function(message),
            FunctionError::Template(error) => *error,
            FunctionError::Exhausted(exhausted) => return Err(exhausted.into()),
        };
        Err(Box::new(Stop::Error(error.within(format!("{}error calling {name}: ", self.prefix())))))
    }

    /// Evaluates a pipeline and sets its variables.
    pub(super) fn pipeline(&mut self, pipe: &PipeCode) -> Outcome<Value> {
        self.at(pipe.place);
        let mut value = None;
        for command in &pipe.commands {
            value = Some(self.expression(command, value)?.value);
        }
        let value = value.unwrap_or_default();
        for target in &pipe.targets {
            self.set(target, Held::of(value.clone()))?;
        }
        Ok(value)
    }

    /// Sets a variable.
    pub(super) fn set(&mut self, target: &Target, held: Held) -> Outcome<()> {
        match target {
            Target::Slot(slot) => {
                self.put(*slot, held);
                Ok(())
            }
            Target::Undefined(name) => self.fail(format!("undefined variable: {name}")),
        }
    }

    fn expression(&mut self, expression: &Expression, piped: Option<Value>) -> Outcome<Held> {
        match expression {
            Expression::Constant { place, value } => {
                self.at(*place);
                Ok(Held::of(value.clone()))
            }
            Expression::Held { place, slot } => {
                self.at(*place);
                Ok(self.held(*slot).clone())
            }
            Expression::Fields(fields) => self.fields(fields, piped),
            Expression::Call(call) => self.call(call, piped).map(Held::of),
            Expression::Pipe(pipe) => self.pipeline(pipe).map(Held::of),
            Expression::Fail { place, message } => {
                if let Some(place) = place {
                    self.at(*place);
                }
                self.fail(message.clone())
            }
        }
    }

    fn fields(&mut self, fields: &Fields, piped: Option<Value>) -> Outcome<Held> {
        self.at(fields.place);
        let mut receiver = match &fields.base {
            Base::Slot(slot) => self.held(*slot).clone(),
            Base::Undefined(name) => return self.fail(format!("undefined variable: {name}")),
            Base::Inner(inner) => {
                self.at(place_of(inner).unwrap_or(fields.place));
                self.expression(inner, None)?
            }
        };
        let Some((last, names)) = fields.names.split_last() else { return Ok(receiver) };
        for name in names {
            receiver = self.field(fields.place, name, &[], None, &receiver)?;
        }
        self.field(fields.place, last, &fields.arguments, piped, &receiver)
    }

    #[expect(clippy::too_many_arguments, reason = "what Go's own evaluation of a field gets")]
    fn field(
        &mut self,
        place: Place,
        Name { text: name, hint, is_method }: &Name,
        arguments: &[Expression],
        piped: Option<Value>,
        receiver: &Held,
    ) -> Outcome<Held> {
        let value = &receiver.value;
        match value {
            Value::Nil if receiver.is_interface => {
                let name = name.to_string_lossy();
                return self.fail(format!("nil pointer evaluating interface {{}}.{name}"));
            }
            Value::Nil => return Ok(Held::default()),
            _ => {}
        }
        let has_arguments = !arguments.is_empty() || piped.is_some();
        if *is_method && let Some(method) = methods::of(value, &self.arena, name) {
            return self.method(place, method, arguments, piped, value.clone()).map(Held::of);
        }
        if let Value::Map(map) = value {
            if has_arguments {
                let name = name.to_string_lossy();
                return self.fail(format!("{name} is not a method but has arguments"));
            }
            let found = self.arena.map(*map).get_near(name, hint);
            let found = found.cloned().unwrap_or_else(|| zero_of(map.kind()));
            return Ok(Held { value: found, is_interface: map.kind().takes_any() });
        }
        let name = name.to_string_lossy().into_owned();
        let fields = value.fields(&self.arena);
        if let Some((found, inner)) = fields.into_iter().find(|(field, _)| *field == name) {
            if found.starts_with(|c: char| c.is_ascii_lowercase()) {
                let kind = receiver.value.type_name(&self.arena);
                return self.fail(format!("{name} is an unexported field of struct type {kind}"));
            }
            if has_arguments {
                return self.fail(format!("{name} has arguments but cannot be invoked as function"));
            }
            return Ok(Held::of(inner));
        }
        let kind =
            if receiver.is_interface { "interface {}".to_owned() } else { value.type_name(&self.arena) };
        self.fail(format!("can't evaluate field {name} in type {kind}"))
    }

    #[expect(clippy::too_many_arguments, reason = "what Go's own evaluation of a method gets")]
    fn method(
        &mut self,
        place: Place,
        method: &'static Function,
        expressions: &[Expression],
        piped: Option<Value>,
        receiver: Value,
    ) -> Outcome<Value> {
        let given = expressions.len() + usize::from(piped.is_some());
        let wanted = method.parameters.len();
        if given != wanted && (method.variadic.is_none() || given < wanted) {
            let message = format!("wrong number of args for {}: want {wanted} got {given}", method.name);
            return self.fail(message);
        }
        let mut arguments = vec![receiver];
        for (index, expression) in expressions.iter().enumerate() {
            let kind = method.parameter(index).unwrap_or(Type::Any);
            if let Expression::Constant { place, value } = expression {
                self.at(*place);
                // a constant was compiled for any type
                if !fits(value, kind, &self.arena)
                    && let Some(expected) = typing::expected(kind)
                {
                    let text = self.text_of_node();
                    return self.fail(format!("expected {expected}; found {text}"));
                }
            }
            arguments.push(self.argument(expression, kind)?);
        }
        if let Some(value) = piped {
            let kind = method.parameter(expressions.len()).unwrap_or(Type::Any);
            arguments.push(self.checked(Held::of(value), kind)?);
        }
        self.budget.step()?;
        match (method.body)(self, &arguments) {
            Ok(value) => Ok(value),
            Err(error) => {
                self.at(place);
                self.fail_call(method.name, error)
            }
        }
    }

    fn call(&mut self, call: &Call, piped: Option<Value>) -> Outcome<Value> {
        self.at(call.place);
        if let Some(fault) = &call.fault {
            return self.fail(fault.clone());
        }
        if let Some(logic) = call.logic {
            return self.logic(logic, call, piped);
        }
        let mut arguments = Vec::with_capacity(call.arguments.len() + 1);
        for (expression, kind) in &call.arguments {
            arguments.push(self.argument(expression, *kind)?);
        }
        if let (Some(value), Some(kind)) = (piped, call.piped) {
            arguments.push(self.checked(Held::of(value), kind)?);
        }
        self.budget.step()?;
        if call.callee.is_some() {
            self.machine.callee.clone_from(&call.callee);
        }
        match (call.function.body)(self, &arguments) {
            Ok(value) => {
                self.budget.beside(self.arena.size())?;
                self.budget.steps(self.arena.take_steps())?;
                Ok(value)
            }
            Err(error) => {
                self.at(call.command);
                self.fail_call(call.function.name, error)
            }
        }
    }

    fn logic(&mut self, logic: Logic, call: &Call, piped: Option<Value>) -> Outcome<Value> {
        let mut value = Value::Nil;
        for (expression, kind) in &call.arguments {
            value = self.argument(expression, *kind)?;
            if truth(&value, &self.arena) == (logic == Logic::Or) {
                return Ok(value);
            }
        }
        Ok(piped.unwrap_or(value))
    }

    fn argument(&mut self, expression: &Expression, kind: Type) -> Outcome<Value> {
        match expression {
            Expression::Constant { place, value } => {
                self.at(*place);
                Ok(value.clone())
            }
            expression => {
                let held = self.expression(expression, None)?;
                self.checked(held, kind)
            }
        }
    }

    /// A value that is assigned to a parameter.
    fn checked(&self, held: Held, kind: Type) -> Outcome<Value> {
        match &held.value {
            Value::Nil if matches!(kind, Type::Any | Type::Reflected) => Ok(held.value),
            Value::Nil if held.is_interface => {
                self.fail(format!("wrong type for value; expected {}; got interface {{}}", kind.name()))
            }
            Value::Nil if takes_nil(kind) => Ok(held.value),
            Value::Nil => self.fail(format!("invalid value; expected {}", kind.name())),
            value if fits(value, kind, &self.arena) => Ok(held.value),
            value => {
                let found = value.type_name(&self.arena);
                self.fail(format!("wrong type for value; expected {}; got {found}", kind.name()))
            }
        }
    }
}

/// Where an expression stands.
fn place_of(expression: &Expression) -> Option<Place> {
    match expression {
        Expression::Constant { place, .. } | Expression::Held { place, .. } => Some(*place),
        Expression::Fields(fields) => Some(fields.place),
        Expression::Call(call) => Some(call.place),
        Expression::Pipe(pipe) => Some(pipe.place),
        Expression::Fail { place, .. } => *place,
    }
}
