//! Running programs: what Tera's calls do, and templates inside templates.
//!
//! Tera's functions get no context, so the render waits in a cell of its thread while Tera works. Each call takes it out,
//! and puts it back; a function that runs another template lends it to that one in the same way.

use std::cell::Cell;
use std::io::{self, Write};
use std::mem;
use std::sync::Arc;

use flux_gotext::{Re2Error, compile_re2_bytes};
use regex::bytes::Regex;
use tera::{Context, TeraResult, Value as Handle};

use super::code::{Code, Leave, PipeCode, Step};
use super::compile::Source;
use super::context::Keep;
use super::error::{ExecError, FunctionError, Outcome, Stop};
use super::program::{Program, TEXT_NAME};
use super::render::{Held, Machine, Render};
use super::turns::Turns;
use super::typing::truth;
use super::unit::{Ready, TEMPLATE, Unit};
use super::{Exhausted, methods};
use crate::functions::implicit;
use crate::value::{Arena, Text, Value};

thread_local! {
    static CURRENT: Cell<Option<Box<Render>>> = const { Cell::new(None) };
}

/// What Tera prints for a call: nothing, since calls write to the output themselves.
fn nothing() -> Handle {
    Handle::normal_string("")
}

/// Runs the code of a closure on the render of this thread.
pub(super) fn enter(code: &Code) -> TeraResult<Handle> {
    let Some(mut render) = CURRENT.take() else { return Err(tera::Error::message("no render")) };
    let result = render.run(code);
    let result = result.map_err(|stop| {
        render.machine.stop = Some(stop);
        tera::Error::message("stopped")
    });
    CURRENT.set(Some(render));
    result
}

/// Takes the texts that Tera writes.
struct Sink;

impl Write for Sink {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let Some(mut render) = CURRENT.take() else { return Err(io::ErrorKind::NotFound.into()) };
        let result = render.write(text);
        let result = result.map_err(|stop| {
            render.machine.stop = Some(stop);
            io::Error::from(io::ErrorKind::StorageFull)
        });
        CURRENT.set(Some(render));
        result.map(|()| text.len())
    }

    fn write_all(&mut self, text: &[u8]) -> io::Result<()> {
        if text.is_empty() { Ok(()) } else { self.write(text).map(|_| ()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Render {
    /// What stands in for a render that is lent to Tera.
    fn stand_in(&self) -> Self {
        let machine = Machine::new(Vec::new(), None);
        Self { arena: Arena::default(), budget: self.budget, now: Arc::clone(&self.now), machine }
    }

    fn write(&mut self, text: &[u8]) -> Outcome<()> {
        let limit = self.budget.limits().text;
        if self.machine.output.len() + text.len() > limit {
            return Err(Exhausted::Text(limit).into());
        }
        self.machine.output.extend_from_slice(text);
        Ok(())
    }

    fn run(&mut self, code: &Code) -> Outcome<Handle> {
        self.budget.step()?;
        match code {
            Code::Steps(steps) => steps.iter().try_for_each(|step| self.step(step))?,
            Code::If(pipe) => {
                let value = self.pipeline(pipe)?;
                return Ok(Handle::from(truth(&value, &self.arena)));
            }
            Code::With { pipe, dot } => {
                let value = self.pipeline(pipe)?;
                let is_true = truth(&value, &self.arena);
                self.put(*dot, Held::of(value));
                return Ok(Handle::from(is_true));
            }
            Code::Range { pipe, loop_number, variables } => {
                return self.range(pipe, *loop_number, *variables);
            }
            Code::Next { loop_number, dot, targets } => {
                let at = self.machine.loop_frame + loop_number;
                let turns = self.machine.turns.get_mut(at).map(|turns| turns.next(&self.arena));
                let (key, item) = turns.unwrap_or_default();
                match targets.as_slice() {
                    [only] => self.set(only, item.clone())?,
                    [first, second] => {
                        self.set(first, key)?;
                        self.set(second, item.clone())?;
                    }
                    _ => {}
                }
                self.put(*dot, item);
            }
            Code::Unit(unit) => return self.body(unit),
            Code::Continues => return Ok(Handle::from(mem::take(&mut self.machine.continues))),
            Code::Leave(leave) => return Err(Box::new(Stop::Leave(*leave))),
        }
        Ok(nothing())
    }

    fn step(&mut self, step: &Step) -> Outcome<()> {
        self.budget.step()?;
        match step {
            Step::Text(text) => self.write(text),
            Step::Print(pipe) => {
                let value = self.pipeline(pipe)?;
                self.print(&value)
            }
            Step::Set(pipe) => self.pipeline(pipe).map(drop),
            Step::Template { place, name, pipe } => {
                self.at(*place);
                let Some((program, number)) = self.template(name) else {
                    let name = flux_gotext::quote_bytes(name, flux_gotext::Shown::Printable);
                    return self.fail(format!("template {name} not defined"));
                };
                let data = match pipe {
                    Some(pipe) => self.pipeline(pipe)?,
                    None => Value::Nil,
                };
                self.execute(program, number, data)
            }
        }
    }

    fn print(&mut self, value: &Value) -> Outcome<()> {
        match value {
            Value::String(text) => self.write(text),
            // its method has a pointer receiver, and only an action prints through the pointer
            Value::Struct(_) if methods::is_kube_version(value, &self.arena) => {
                let version = methods::kube_version(value, &self.arena);
                self.print(&version)
            }
            value => {
                let text = implicit(self, value).map_err(|error| Box::new(self.stopped(error)))?;
                self.write(&text)
            }
        }
    }

    /// An error of printing, which has no name of a function.
    fn stopped(&self, error: FunctionError) -> Stop {
        match error {
            FunctionError::Exhausted(exhausted) => Stop::Exhausted(exhausted),
            FunctionError::Message(message) => Stop::Error(ExecError::new(self.prefix(), message)),
            FunctionError::Template(error) => Stop::Error(*error),
        }
    }

    fn range(&mut self, pipe: &PipeCode, loop_number: usize, variables: usize) -> Outcome<Handle> {
        self.at(pipe.place);
        let value = self.pipeline(pipe)?;
        let Some(turns) = Turns::over(&value, &self.arena) else {
            let text = implicit(self, &value).map_err(|error| Box::new(self.stopped(error)))?;
            return self.fail(format!("range can't iterate over {}", text.to_string_lossy()));
        };
        if let Turns::Integers { count, .. } = &turns
            && variables > 1
        {
            return self.fail(format!("can't use {count} to iterate over more than one variable"));
        }
        let count = turns.count();
        self.budget.items(count)?;
        let at = self.machine.loop_frame + loop_number;
        if let Some(place) = self.machine.turns.get_mut(at) {
            *place = turns;
        }
        Ok(Handle::bytes(vec![0; count]))
    }

    /// Runs a body of the current template. Whether the loop around it is to be left.
    fn body(&mut self, unit: &Unit) -> Outcome<Handle> {
        match unit.ready(Source::default).or_else(internal).and_then(|ready| self.tera(&ready)) {
            Ok(()) => Ok(Handle::from(false)),
            Err(stop) => match *stop {
                Stop::Leave(Leave::Break) => Ok(Handle::from(true)),
                Stop::Leave(Leave::Continue) => {
                    self.machine.continues = true;
                    Ok(Handle::from(false))
                }
                stop => Err(Box::new(stop)),
            },
        }
    }

    /// The template of a name that is in force: a text of `tpl` may define its own.
    fn template(&self, name: &[u8]) -> Option<(Arc<Program>, usize)> {
        let programs = self.machine.programs.iter().rev();
        let mut found = programs.filter_map(|program| Some((Arc::clone(program), program.find(name)?)));
        found.next()
    }

    /// Runs a template with a frame of its own; it writes to the current output.
    pub(super) fn execute(&mut self, program: Arc<Program>, number: usize, data: Value) -> Outcome<()> {
        let machine = &mut self.machine;
        let (frame, loop_frame) = (machine.frame, machine.loop_frame);
        machine.frame = machine.slots.len();
        machine.loop_frame = machine.turns.len();
        machine.slots.push(Held::of(data));
        let running = machine.running.replace((Arc::clone(&program), number));
        let node = machine.node;
        let result = program.ready(number).or_else(internal).and_then(|ready| self.tera(&ready));
        let machine = &mut self.machine;
        machine.slots.truncate(machine.frame);
        machine.turns.truncate(machine.loop_frame);
        (machine.frame, machine.loop_frame, machine.node, machine.running) =
            (frame, loop_frame, node, running);
        result
    }

    /// Lends the render to Tera for a unit, which runs in the last frame.
    fn tera(&mut self, ready: &Ready) -> Outcome<()> {
        let limit = self.budget.limits().depth;
        if self.machine.depth >= limit {
            return Err(Exhausted::Depth(limit).into());
        }
        self.machine.depth += 1;
        let machine = &mut self.machine;
        let (slots, loops) = (machine.frame + ready.slots, machine.loop_frame + ready.loops);
        if machine.slots.len() < slots {
            machine.slots.resize(slots, Held::default());
        }
        if machine.turns.len() < loops {
            machine.turns.resize_with(loops, Turns::default);
        }
        let stand_in = self.stand_in();
        let lent = mem::replace(self, stand_in);
        CURRENT.set(Some(Box::new(lent)));
        let result = ready.tera.render_to(TEMPLATE, &Context::new(), Sink);
        if let Some(render) = CURRENT.take() {
            *self = *render;
        }
        self.machine.depth -= 1;
        match (result, self.machine.stop.take()) {
            (_, Some(stop)) => Err(stop),
            (Ok(()), None) => Ok(()),
            (Err(error), None) => internal(error),
        }
    }

    /// Runs a template and gives what it writes.
    fn captured(&mut self, program: Arc<Program>, number: usize, data: Value) -> Result<Text, FunctionError> {
        let start = self.machine.output.len();
        let result = self.execute(program, number, data);
        let output = self.machine.output.get(start..).map(Text::from).unwrap_or_default();
        self.machine.output.truncate(start);
        match result.map_err(|stop| *stop) {
            Ok(()) => {
                self.budget.text(output.len())?;
                Ok(output)
            }
            Err(Stop::Error(error)) => Err(error.into()),
            Err(Stop::Exhausted(exhausted)) => Err(exhausted.into()),
            Err(Stop::Leave(_)) => Ok(output),
        }
    }

    /// `include`
    pub(crate) fn include(&mut self, name: &[u8], data: Value) -> Result<Text, FunctionError> {
        let shown = || String::from_utf8_lossy(name).into_owned();
        let Some((program, number)) = self.template(name) else {
            let name = flux_gotext::quote_bytes(name, flux_gotext::Shown::Printable);
            let message = format!("template: no template {name} associated with template \"{TEXT_NAME}\"");
            return Err(message.into());
        };
        // templates of one name are one template, or some text of `tpl` gives the name another meaning meanwhile
        let included = (Arc::as_ptr(&program).addr(), number);
        let count = self.machine.included.iter().filter(|other| **other == included).count();
        if count > MOST_INCLUDES {
            let message = "rendering template has a nested reference name";
            return Err(format!("{message}: {}: unable to execute template", shown()).into());
        }
        self.machine.included.push(included);
        let result = self.captured(program, number, data);
        self.machine.included.pop();
        result
    }

    /// `tpl`
    pub(crate) fn run_text(&mut self, text: &[u8], data: Value) -> Result<Text, FunctionError> {
        let quoted = || flux_gotext::quote_bytes(text, flux_gotext::Shown::Printable);
        let Some(chart) = self.machine.programs.first().cloned() else { return Ok(Text::default()) };
        let program =
            chart.text(text).map_err(|message| format!("cannot parse template {}: {message}", quoted()))?;
        let Some(number) = program.find(TEXT_NAME.as_bytes()) else { return Ok(Text::default()) };
        self.machine.programs.push(Arc::clone(&program));
        let result = self.captured(program, number, data);
        self.machine.programs.pop();
        match result {
            Ok(output) => Ok(without_no_value(output.as_bytes()).map_or(output, Text::from)),
            Err(FunctionError::Template(error)) => {
                let prefix = format!("error during tpl function execution for {}: ", quoted());
                Err(error.within(prefix).into())
            }
            Err(error) => Err(error),
        }
    }

    /// A regular expression, which the chart's program keeps.
    pub(crate) fn pattern(&self, pattern: &[u8]) -> Result<Arc<Regex>, Re2Error> {
        match self.machine.programs.first() {
            Some(program) => program.pattern(pattern),
            None => compile_re2_bytes(pattern).map(Arc::new),
        }
    }

    /// `lookup`
    pub(crate) fn look_up(
        &mut self,
        [api_version, kind, namespace, name]: [&str; 4],
    ) -> Result<Option<flux_yaml::Value>, FunctionError> {
        let Some(lookup) = self.machine.lookup.clone() else { return Ok(None) };
        Ok(lookup.lookup(api_version, kind, namespace, name)?)
    }

    /// Runs a file of the chart.
    pub(super) fn file(&mut self, name: &str, data: Value, keep: Keep) -> Outcome<Vec<u8>> {
        let Some((program, number)) = self.template(name.as_bytes()) else { return Ok(Vec::new()) };
        self.machine.output.clear();
        self.execute(Arc::clone(&program), number, data)?;
        if keep == Keep::Nothing {
            program.let_go(number);
        }
        let output = mem::take(&mut self.machine.output);
        Ok(without_no_value(&output).unwrap_or(output))
    }
}

/// A mistake in the compiler, with Tera's message.
fn internal<T>(message: impl std::fmt::Display) -> Outcome<T> {
    Err(Box::new(Stop::Error(ExecError::of_function(format!("tera: {message}")))))
}

/// Includes of one name inside one another.
const MOST_INCLUDES: usize = 1000;

const NO_VALUE: &[u8] = b"<no value>";

/// A text without what Go prints for nil; `None` if there is none in it.
fn without_no_value(text: &[u8]) -> Option<Vec<u8>> {
    memchr::memmem::find(text, NO_VALUE)?;
    let (mut kept, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some(at) = memchr::memmem::find(rest, NO_VALUE) {
        let (before, after) = rest.split_at(at);
        kept.extend_from_slice(before);
        rest = after.get(NO_VALUE.len()..).unwrap_or_default();
    }
    kept.extend_from_slice(rest);
    Some(kept)
}
