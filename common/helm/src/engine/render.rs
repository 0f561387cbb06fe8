//! The state of one render.

use std::fmt;
use std::sync::Arc;

use flux_gotext::{GoTime, Shown, quote_bytes};

use super::code::Slot;
use super::error::Stop;
use super::lookup::Lookup;
use super::parse::{Place, text_of};
use super::program::Program;
use super::turns::Turns;
use super::{Budget, Limits};
use crate::value::{Arena, Value};

/// What a function may see and change.
pub struct Render {
    /// Maps, lists and structs of this render.
    pub arena: Arena,
    /// What is left to use.
    pub budget: Budget,
    /// The time that `now` gives.
    pub now: Arc<GoTime>,
    pub(super) machine: Machine,
}

impl fmt::Debug for Render {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Render").field("depth", &self.machine.depth).finish_non_exhaustive()
    }
}

/// A value, and whether Go knows it as an `interface {}`: an item of a map or list of any values, not yet looked into.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    pub(super) value: Value,
    pub(super) is_interface: bool,
}

impl Held {
    /// A value with its own type.
    pub(super) const fn of(value: Value) -> Self {
        Self { value, is_interface: false }
    }
}

/// What only the evaluator sees.
pub(super) struct Machine {
    /// Programs whose templates there are, later ones first: that of the chart, then of texts that `tpl` runs.
    pub(super) programs: Vec<Arc<Program>>,
    /// Program of the template that runs, and its number there.
    pub(super) running: Option<(Arc<Program>, usize)>,
    /// The node that was looked at last.
    pub(super) node: Place,
    /// Variables and dots of all frames; the last frame starts at `frame`.
    pub(super) slots: Vec<Held>,
    pub(super) frame: usize,
    /// Loops of all frames; those of the last start at `loop_frame`.
    pub(super) turns: Vec<Turns>,
    pub(super) loop_frame: usize,
    pub(super) output: Vec<u8>,
    pub(super) depth: u32,
    /// Includes that are under way: address of the program, and number of the template.
    pub(super) included: Vec<(usize, usize)>,
    /// Why Tera was made to stop.
    pub(super) stop: Option<Box<Stop>>,
    /// Whether the part that ran last ended with `continue`.
    pub(super) continues: bool,
    pub(super) lookup: Option<Arc<dyn Lookup>>,
    /// What `call` calls.
    pub(super) callee: Option<String>,
}

impl Machine {
    pub(super) fn new(programs: Vec<Arc<Program>>, lookup: Option<Arc<dyn Lookup>>) -> Self {
        Self {
            programs,
            running: None,
            node: Place::default(),
            slots: Vec::new(),
            frame: 0,
            turns: Vec::new(),
            loop_frame: 0,
            output: Vec::new(),
            depth: 0,
            included: Vec::new(),
            stop: None,
            continues: false,
            lookup,
            callee: None,
        }
    }
}

impl Render {
    /// A render with nothing made or used yet, and no templates; time runs from now.
    pub fn new(limits: Limits, now: GoTime) -> Self {
        let machine = Machine::new(Vec::new(), None);
        Self { arena: Arena::default(), budget: Budget::new(limits), now: Arc::new(now), machine }
    }

    /// Remembers a node for errors.
    #[inline]
    pub(super) const fn at(&mut self, place: Place) {
        self.machine.node = place;
    }

    /// What a slot of the current frame holds.
    #[inline]
    pub(super) fn held(&self, slot: Slot) -> &Held {
        static NOTHING: Held = Held { value: Value::Nil, is_interface: false };
        self.machine.slots.get(self.machine.frame + slot).unwrap_or(&NOTHING)
    }

    /// Puts a value into a slot of the current frame.
    #[inline]
    pub(super) fn put(&mut self, slot: Slot, held: Held) {
        if let Some(place) = self.machine.slots.get_mut(self.machine.frame + slot) {
            *place = held;
        }
    }

    /// What every error of the template package starts with: where it happens.
    pub(super) fn prefix(&self) -> String {
        let source = self.machine.running.as_ref().and_then(|(program, number)| program.source_of(*number));
        let Some((name, file, text)) = source else { return String::new() };
        let name = quote_bytes(name, Shown::Printable);
        let before = text.get(..self.machine.node.at as usize).unwrap_or(text);
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        let column = before.len() - memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        let node = self.text_of_node();
        format!("template: {file}:{line}:{column}: executing {name} at <{node}>: ")
    }

    /// Whether Go takes a value for true.
    pub(crate) fn is_true(&self, value: &Value) -> bool {
        super::typing::truth(value, &self.arena)
    }

    /// What `call` was told to call, as it stands in the template.
    pub(crate) fn callee(&self) -> &str {
        self.machine.callee.as_deref().unwrap_or_default()
    }

    /// The text of the current node.
    pub(super) fn text_of_node(&self) -> String {
        let template =
            self.machine.running.as_ref().and_then(|(program, number)| program.parsed_again(*number));
        template.map_or_else(String::new, |template| text_of(&template, self.machine.node.id))
    }
}
