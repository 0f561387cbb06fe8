//! Pieces of a program, as Tera runs them.

use std::sync::Arc;

use parking_lot::Mutex;
use tera::{Delimiters, Kwargs, State, Tera};

use super::compile::{Compiled, Source, compile};
use super::run::enter;

/// Name of a unit's only template.
pub(super) const TEMPLATE: &str = "t";

/// A template or a body within one, which is compiled when it is first run.
#[derive(Debug)]
pub(super) struct Unit {
    stage: Mutex<Stage>,
}

#[derive(Debug)]
enum Stage {
    Source(Source),
    Compiled(Result<Arc<Ready>, String>),
    /// Let go.
    Gone,
}

/// A unit that can be run.
#[derive(Debug)]
pub(super) struct Ready {
    /// With [`TEMPLATE`] and what it calls.
    pub(super) tera: Tera,
    /// Slots of the frame that it runs in.
    pub(super) slots: usize,
    /// Loops of that frame.
    pub(super) loops: usize,
}

impl Unit {
    pub(super) const fn new(source: Source) -> Self {
        Self { stage: Mutex::new(Stage::Source(source)) }
    }

    /// Compiles at the first call, and calls `again` for the source if it was let go.
    ///
    /// # Errors
    /// Tera's message, if there is a mistake in the compiler.
    pub(super) fn ready(&self, again: impl FnOnce() -> Source) -> Result<Arc<Ready>, String> {
        let mut stage = self.stage.lock();
        let source = match &mut *stage {
            Stage::Compiled(ready) => return ready.clone(),
            Stage::Source(source) => std::mem::take(source),
            Stage::Gone => again(),
        };
        let ready = Ready::new(compile(source)).map(Arc::new).map_err(|error| error.to_string());
        *stage = Stage::Compiled(ready.clone());
        ready
    }

    /// Lets go what it was made of.
    pub(super) fn let_go(&self) {
        *self.stage.lock() = Stage::Gone;
    }
}

impl Ready {
    fn new(Compiled { source, codes, slots, loops }: Compiled) -> Result<Self, tera::Error> {
        let mut tera = Tera::new();
        tera.autoescape_on(Vec::<&'static str>::new());
        tera.set_delimiters(Delimiters {
            variable_start: "\u{1}{".into(),
            variable_end: "\u{1}}".into(),
            block_start: "\u{2}{".into(),
            block_end: "\u{2}}".into(),
            comment_start: "\u{3}{".into(),
            comment_end: "\u{3}}".into(),
        })?;
        // functions come first: Tera checks that each one exists
        for (number, code) in codes.into_iter().enumerate() {
            tera.register_function(format!("e{number}"), move |_: Kwargs, _: &State| enter(&code));
        }
        tera.add_raw_template(TEMPLATE, &source)?;
        Ok(Self { tera, slots, loops })
    }
}
