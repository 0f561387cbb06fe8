//! Compiled templates.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use flux_gotext::{Re2Error, compile_re2_bytes};
use lru::LruCache;
use parking_lot::Mutex;
use regex::bytes::Regex;

use super::compile::Source;
use super::error::RenderError;
use super::parse::{ParseError, Tree, is_blank, parse};
use super::unit::{Ready, Unit};
use crate::functions::function;

/// A set of templates that may run on any thread, any number of times.
pub struct Program {
    files: Vec<File>,
    templates: Vec<Entry>,
    by_name: HashMap<Vec<u8>, usize>,
    /// Texts that `tpl` has run, compiled.
    texts: Mutex<LruCache<Vec<u8>, Arc<Self>>>,
    /// Regular expressions that functions were called with.
    patterns: Mutex<LruCache<Vec<u8>, Arc<Regex>>>,
}

impl fmt::Debug for Program {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Program").field("templates", &self.templates.len()).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct File {
    name: Arc<str>,
    text: Arc<[u8]>,
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

fn cache<T>(size: usize) -> Mutex<LruCache<Vec<u8>, T>> {
    Mutex::new(LruCache::new(NonZeroUsize::MIN.saturating_add(size - 1)))
}

impl Program {
    /// Parses the files of a chart and its subcharts, in the order in which Helm does. What they become is compiled when
    /// it is first run.
    ///
    /// # Errors
    /// [`RenderError::Parse`] for the first file that is malformed.
    pub fn compile<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Self, RenderError> {
        Self::build(files).map_err(|error| RenderError::Parse(cleaned(&error)))
    }

    fn build<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Self, ParseError> {
        let mut sources = Vec::new();
        let mut templates: Vec<Entry> = Vec::new();
        let mut by_name: HashMap<Vec<u8>, usize> = HashMap::new();
        for (name, text) in files {
            let template = parse(name, text, &is_function)?;
            let file = sources.len();
            let parts = Arc::new(template.parts);
            sources.push(File { name: template.file, text: Arc::clone(&parts.text) });
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
        let (texts, patterns) = (cache(TEXTS), cache(PATTERNS));
        Ok(Self { files: sources, templates, by_name, texts, patterns })
    }

    /// Number of a template.
    pub(super) fn find(&self, name: &[u8]) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Name of a template, and name and text of its file.
    pub(super) fn source_of(&self, number: usize) -> (&[u8], &str, &[u8]) {
        let Some(entry) = self.templates.get(number) else { return (b"", "", b"") };
        let Some(file) = self.files.get(entry.file) else { return (b"", "", b"") };
        (&entry.name, &file.name, &file.text)
    }

    /// A template, ready to be run.
    ///
    /// # Errors
    /// Tera's message, if there is a mistake in the compiler.
    pub(super) fn ready(&self, number: usize) -> Result<Arc<Ready>, String> {
        let entry = self.templates.get(number).ok_or("no such template")?;
        entry.unit.ready(|| self.source_again(entry))
    }

    /// Lets go what a template was compiled to.
    pub(super) fn let_go(&self, number: usize) {
        if let Some(entry) = self.templates.get(number) {
            entry.unit.let_go();
        }
    }

    fn source_again(&self, entry: &Entry) -> Source {
        let file = self.files.get(entry.file);
        let template = file.and_then(|file| parse(&file.name, &file.text, &is_function).ok());
        let Some(template) = template else { return Source::default() };
        let tree = template.trees.iter().find(|tree| tree.name == entry.name);
        let root = tree.map_or_else(Default::default, |tree| tree.root);
        Source::of_template(Arc::new(template.parts), root)
    }

    /// A text that `tpl` runs, compiled.
    ///
    /// # Errors
    /// What the text is malformed with, in Go's words.
    pub(super) fn text(&self, text: &[u8]) -> Result<Arc<Self>, String> {
        if let Some(program) = self.texts.lock().get(text) {
            return Ok(Arc::clone(program));
        }
        let program = Self::build([(TEXT_NAME, text)]).map_err(|error| error.to_string())?;
        let program = Arc::new(program);
        if text.len() <= LONGEST_TEXT {
            self.texts.lock().put(text.to_vec(), Arc::clone(&program));
        }
        Ok(program)
    }

    /// A regular expression, compiled.
    ///
    /// # Errors
    /// [`Re2Error`].
    pub(super) fn pattern(&self, pattern: &[u8]) -> Result<Arc<Regex>, Re2Error> {
        if let Some(regex) = self.patterns.lock().get(pattern) {
            return Ok(Arc::clone(regex));
        }
        let regex = Arc::new(compile_re2_bytes(pattern)?);
        self.patterns.lock().put(pattern.to_vec(), Arc::clone(&regex));
        Ok(regex)
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
