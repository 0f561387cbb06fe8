//! Compiled templates.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use flux_gotext::{Re2Error, compile_re2_bytes};
use lru::LruCache;
use parking_lot::Mutex;
use regex::bytes::Regex;

use super::compile::Source;
use super::error::RenderError;
use super::parse::{ParseError, Template, Tree, is_blank, parse};
use super::unit::{Ready, Unit};
use crate::functions::function;
use crate::value::Text;

/// A set of templates that may run on any thread, any number of times.
pub struct Program {
    files: Vec<File>,
    templates: Vec<Entry>,
    by_name: HashMap<Vec<u8>, usize>,
    /// Texts that `tpl` has run.
    texts: Kept<Self>,
    /// Regular expressions that functions were called with.
    patterns: Kept<Regex>,
}

impl fmt::Debug for Program {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Program").field("templates", &self.templates.len()).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct File {
    name: Arc<str>,
    text: Text,
}

/// A template of a program.
#[derive(Debug)]
struct Entry {
    name: Vec<u8>,
    file: usize,
    unit: Unit,
}

/// Texts of `tpl` that a program keeps compiled.
const TEXTS: usize = 256;
/// Longest text of `tpl` that is kept.
const LONGEST_TEXT: usize = 64 << 10;
/// Regular expressions that a program keeps compiled: each takes 10 MiB at most.
const PATTERNS: usize = 8;

/// What was last made of texts.
struct Kept<T> {
    made: Mutex<LruCache<Vec<u8>, Arc<T>>>,
    most: usize,
}

impl<T> Kept<T> {
    fn new(most: usize) -> Self {
        // one with a bound takes its memory at once, and most programs never need any
        Self { made: Mutex::new(LruCache::unbounded()), most }
    }

    fn get_or_make<E>(&self, text: &[u8], make: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        if let Some(made) = self.made.lock().get(text) {
            return Ok(Arc::clone(made));
        }
        let new = Arc::new(make()?);
        let mut made = self.made.lock();
        made.put(text.to_vec(), Arc::clone(&new));
        if made.len() > self.most {
            made.pop_lru();
        }
        Ok(new)
    }
}

impl Program {
    /// Parses the files of a chart and its subcharts, in the order in which Helm does. What they become is compiled when
    /// it is first run.
    ///
    /// # Errors
    /// [`RenderError::Parse`] for the first file that is malformed.
    pub fn compile<'a>(files: impl IntoIterator<Item = (&'a str, &'a Text)>) -> Result<Self, RenderError> {
        Self::build(files).map_err(|error| RenderError::Parse(cleaned(&error)))
    }

    fn build<'a>(files: impl IntoIterator<Item = (&'a str, &'a Text)>) -> Result<Self, ParseError> {
        let mut sources = Vec::new();
        let mut templates: Vec<Entry> = Vec::new();
        let mut by_name: HashMap<Vec<u8>, usize> = HashMap::new();
        for (name, text) in files {
            let template = parse(name, text, &is_function)?;
            let file = sources.len();
            let parts = Arc::new(template.parts);
            sources.push(File { name: template.file, text: parts.text.clone() });
            for Tree { name: tree, root } in template.trees {
                let existing = by_name.get(&tree).copied();
                if existing.is_some() && is_blank(&parts, root) {
                    // blank definitions take no other's place
                    continue;
                }
                let unit = Unit::new(Source::of_template(Arc::clone(&parts), root));
                let entry = Entry { name: tree, file, unit };
                match existing.and_then(|number| templates.get_mut(number)) {
                    Some(place) => *place = entry,
                    None => {
                        by_name.insert(entry.name.clone(), templates.len());
                        templates.push(entry);
                    }
                }
            }
        }
        let (texts, patterns) = (Kept::new(TEXTS), Kept::new(PATTERNS));
        Ok(Self { files: sources, templates, by_name, texts, patterns })
    }

    /// Number of a template.
    pub(super) fn find(&self, name: &[u8]) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Name of a template, and name and text of its file.
    pub(super) fn source_of(&self, number: usize) -> Option<(&[u8], &str, &Text)> {
        let entry = self.templates.get(number)?;
        let file = self.files.get(entry.file)?;
        Some((&entry.name, &file.name, &file.text))
    }

    /// A template, ready to be run.
    ///
    /// # Errors
    /// Tera's message, if there is a mistake in the compiler.
    pub(super) fn ready(&self, number: usize) -> Result<Arc<Ready>, String> {
        let entry = self.templates.get(number).ok_or("no such template")?;
        entry.unit.ready(|| self.source_again(number, entry))
    }

    /// Lets go what a template was compiled to.
    pub(super) fn let_go(&self, number: usize) {
        if let Some(entry) = self.templates.get(number) {
            entry.unit.let_go();
        }
    }

    /// The file of a template, whose trees are not kept: its nodes get the same numbers.
    pub(super) fn parsed_again(&self, number: usize) -> Option<Template> {
        let (_, file, text) = self.source_of(number)?;
        parse(file, text, &is_function).ok()
    }

    fn source_again(&self, number: usize, entry: &Entry) -> Source {
        let Some(template) = self.parsed_again(number) else { return Source::default() };
        let tree = template.trees.iter().find(|tree| tree.name == entry.name);
        let root = tree.map_or_else(Default::default, |tree| tree.root);
        Source::of_template(Arc::new(template.parts), root)
    }

    /// A text that `tpl` runs, compiled.
    ///
    /// # Errors
    /// What the text is malformed with, in Go's words.
    pub(super) fn text(&self, text: &[u8]) -> Result<Arc<Self>, String> {
        let build = || Self::build([(TEXT_NAME, &Text::from(text))]).map_err(|error| error.to_string());
        if text.len() > LONGEST_TEXT { build().map(Arc::new) } else { self.texts.get_or_make(text, build) }
    }

    /// A regular expression, compiled.
    ///
    /// # Errors
    /// [`Re2Error`].
    pub(super) fn pattern(&self, pattern: &[u8]) -> Result<Arc<Regex>, Re2Error> {
        self.patterns.get_or_make(pattern, || compile_re2_bytes(pattern))
    }
}

/// Name of the template set, and of every text that `tpl` runs.
pub(super) const TEXT_NAME: &str = "gotpl";

fn is_function(name: &str) -> bool {
    function(name).is_some()
}

/// A parse error as Helm reports it: place, and what follows the last colon.
fn cleaned(error: &ParseError) -> String {
    let text = error.to_string();
    let tokens: Vec<_> = text.split(": ").collect();
    match tokens.as_slice() {
        [_, location, .., message] => format!("parse error at ({location}): {message}"),
        [_, location] => format!("parse error at ({location}): {location}"),
        _ => format!("parse error in ({}): {text}", error.file),
    }
}
