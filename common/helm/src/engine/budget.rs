//! What a render may use.

use std::time::{Duration, Instant};

use crate::value::Value;

/// Bounds of one render.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Actions, calls of functions and turns of loops.
    pub steps: u64,
    /// Templates, and bodies of theirs that are heavy or deep, inside one another: each takes stack. Helm itself stops
    /// includes of one name at 1000.
    pub depth: u32,
    /// Items of one list.
    pub items: usize,
    /// Bytes of one text, and of all output.
    pub text: usize,
    /// Bytes of all texts, maps and lists that functions make, whether still in use or not.
    pub made: u64,
    /// Time that a render may take.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 5_000_000,
            depth: 3000,
            items: 1_000_000,
            text: 16 << 20,
            made: 80 << 20,
            time: Duration::from_mins(1),
        }
    }
}

/// A bound that a render has met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exhausted {
    /// Too many steps.
    #[error("rendering takes more than {0} steps")]
    Steps(u64),
    /// Templates too deep inside one another.
    #[error("templates are nested more than {0} deep")]
    Depth(u32),
    /// A list with too many items.
    #[error("a list would have more than {0} items")]
    Items(usize),
    /// A text, or the output, that is too long.
    #[error("a text would be longer than {0} bytes")]
    Text(usize),
    /// Too much made.
    #[error("functions make more than {0} bytes")]
    Made(u64),
    /// Too much time.
    #[error("rendering takes longer than {0:?}")]
    Time(Duration),
}

/// What is left of the limits of a render.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    limits: Limits,
    steps: u64,
    made: u64,
    until: Instant,
}

/// Steps between two looks at the clock.
const CLOCK: u64 = 1024;
/// Nanoseconds that a step takes, more or less.
const STEP: u128 = 100;
/// Bytes that a text takes besides its own.
const TEXT: u64 = 32;

impl Budget {
    /// All of these limits; time runs from now.
    pub fn new(limits: Limits) -> Self {
        Self { limits, steps: 0, made: 0, until: Instant::now() + limits.time }
    }

    /// The limits.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// One step.
    ///
    /// # Errors
    /// [`Exhausted::Steps`], [`Exhausted::Time`]
    #[inline]
    pub fn step(&mut self) -> Result<(), Exhausted> {
        self.steps += 1;
        if self.steps.is_multiple_of(CLOCK) { self.look() } else { Ok(()) }
    }

    /// Many steps at once, for instance one for each item that a function visits.
    ///
    /// # Errors
    /// [`Exhausted::Steps`], [`Exhausted::Time`]
    pub fn steps(&mut self, count: usize) -> Result<(), Exhausted> {
        let before = self.steps / CLOCK;
        self.steps = self.steps.saturating_add(count as u64);
        if self.steps / CLOCK > before { self.look() } else { Ok(()) }
    }

    #[cold]
    fn look(&self) -> Result<(), Exhausted> {
        if self.steps > self.limits.steps {
            return Err(Exhausted::Steps(self.limits.steps));
        }
        if Instant::now() > self.until { Err(Exhausted::Time(self.limits.time)) } else { Ok(()) }
    }

    /// Asks for a text of this many bytes, before it is made.
    ///
    /// # Errors
    /// [`Exhausted::Text`], [`Exhausted::Made`]
    pub fn text(&mut self, bytes: usize) -> Result<(), Exhausted> {
        if bytes > self.limits.text {
            return Err(Exhausted::Text(self.limits.text));
        }
        self.make(bytes as u64)
    }

    /// Asks for a list of this many items, before it is made.
    ///
    /// # Errors
    /// [`Exhausted::Items`], [`Exhausted::Made`]
    pub const fn items(&self, items: usize) -> Result<(), Exhausted> {
        if items > self.limits.items {
            return Err(Exhausted::Items(self.limits.items));
        }
        self.beside((items * size_of::<Value>()) as u64)
    }

    /// Asks for one more item or entry of what is being read.
    ///
    /// # Errors
    /// [`Exhausted::Made`]
    pub fn value(&mut self) -> Result<(), Exhausted> {
        self.make(size_of::<Value>() as u64)
    }

    /// Asks for what a document becomes while it is read: so many bytes for each of its values, which separators tell.
    ///
    /// # Errors
    /// [`Exhausted::Made`], [`Exhausted::Steps`], [`Exhausted::Time`]
    pub fn document(&mut self, text: &[u8], each: u64) -> Result<(), Exhausted> {
        self.steps(text.len() / 16)?;
        self.text(text.len())?;
        let separators = memchr::memchr3_iter(b',', b':', b'\n', text).count() as u64;
        self.beside(separators * each)
    }

    /// Steps for time that went by in code that takes none.
    ///
    /// # Errors
    /// [`Exhausted::Steps`], [`Exhausted::Time`]
    pub fn spent(&mut self, time: Duration) -> Result<(), Exhausted> {
        self.steps(usize::try_from(time.as_nanos() / STEP).unwrap_or(usize::MAX))
    }

    /// Heeds what maps and lists take besides the texts that were asked for.
    ///
    /// # Errors
    /// [`Exhausted::Made`]
    pub const fn beside(&self, held: u64) -> Result<(), Exhausted> {
        let limit = self.limits.made;
        if self.made.saturating_add(held) > limit { Err(Exhausted::Made(limit)) } else { Ok(()) }
    }

    fn make(&mut self, bytes: u64) -> Result<(), Exhausted> {
        self.made = self.made.saturating_add(bytes).saturating_add(TEXT);
        self.beside(0)
    }
}
