//! Compiled templates.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use tera::{Delimiters, Kwargs, State, Tera};

use super::code::Code;
use super::compile::compile;
use super::error::RenderError;
use super::parse::{ParseError, Tree, is_blank, parse};
use super::run::enter;
use crate::functions::function;

/// A set of templates that may run on any thread, any number of times.
pub struct Program {
    tera: Tera,
    files: Vec<File>,
    templates: Vec<Entry>,
    by_name: HashMap<Vec<u8>, usize>,
    /// Texts that `tpl` has run, compiled.
    texts: Mutex<lru::LruCache<Vec<u8>, Arc<Self>>>,
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
    /// Its name in Tera.
    source: String,
    slots: usize,
    loops: usize,
}

/// Texts of `tpl` that a program keeps compiled.
const TEXTS: usize = 256;
/// Longest text of `tpl` that is kept.
const LONGEST_TEXT: usize = 64 << 10;

impl Program {
    /// Compiles the files of a chart and its subcharts, in the order in which Helm parses them.
    ///
    /// # Errors
    /// [`RenderError::Parse`] for the first file that is malformed.
    pub fn compile<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Self, RenderError> {
        Self::build(files).map_err(|problem| match problem {
            Problem::Parse(error) => RenderError::Parse(cleaned(&error)),
            Problem::Tera(message) => RenderError::Internal(message),
        })
    }

    fn build<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Self, Problem> {
        let mut sources = Vec::new();
        let mut trees: Vec<(Tree, usize)> = Vec::new();
        let mut by_name: HashMap<Vec<u8>, usize> = HashMap::new();
        for (name, text) in files {
            let template = parse(name, text, &|name| function(name).is_some()).map_err(Problem::Parse)?;
            let file = sources.len();
            sources.push(File { name: template.file, text: template.text });
            for tree in template.trees {
                match by_name.get(&tree.name).and_then(|number| trees.get_mut(*number)) {
                    // blank definitions take no other's place
                    Some(_) if is_blank(&tree.root) => {}
                    Some(place) => *place = (tree, file),
                    None => {
                        by_name.insert(tree.name.clone(), trees.len());
                        trees.push((tree, file));
                    }
                }
            }
        }
        let mut codes = Vec::new();
        let (mut texts, mut templates) = (Vec::new(), Vec::new());
        for (number, (tree, file)) in trees.into_iter().enumerate() {
            let source = format!("t{number}");
            let compiled = compile(&tree, &source, &mut codes);
            for (part, text) in compiled.sources.into_iter().enumerate() {
                texts.push((if part == 0 { source.clone() } else { format!("{source}.{part}") }, text));
            }
            let (slots, loops) = (compiled.slots, compiled.loops);
            templates.push(Entry { name: tree.name, file, source, slots, loops });
        }
        let tera = tera(codes, texts)?;
        let texts = Mutex::new(lru::LruCache::new(std::num::NonZeroUsize::MIN.saturating_add(TEXTS - 1)));
        Ok(Self { tera, files: sources, templates, by_name, texts })
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

    /// Slots and loops of a template's frame.
    pub(super) fn frame_of(&self, number: usize) -> (usize, usize) {
        self.templates.get(number).map_or((1, 0), |entry| (entry.slots, entry.loops))
    }

    /// Name of a template in Tera.
    pub(super) fn tera_name(&self, number: usize) -> &str {
        self.templates.get(number).map_or("", |entry| &entry.source)
    }

    pub(super) const fn tera(&self) -> &Tera {
        &self.tera
    }

    /// A text that `tpl` runs, compiled.
    ///
    /// # Errors
    /// What the text is malformed with, in Go's words.
    pub(super) fn text(&self, text: &[u8]) -> Result<Arc<Self>, String> {
        if let Some(program) = self.texts.lock().get(text) {
            return Ok(Arc::clone(program));
        }
        let program = Self::build([(TEXT_NAME, text)]).map_err(|problem| match problem {
            Problem::Parse(error) => error.to_string(),
            Problem::Tera(message) => message,
        })?;
        let program = Arc::new(program);
        if text.len() <= LONGEST_TEXT {
            self.texts.lock().put(text.to_vec(), Arc::clone(&program));
        }
        Ok(program)
    }
}

/// Name of the template set, and of every text that `tpl` runs.
pub(super) const TEXT_NAME: &str = "gotpl";

enum Problem {
    Parse(ParseError),
    Tera(String),
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

fn tera(codes: Vec<Code>, texts: Vec<(String, String)>) -> Result<Tera, Problem> {
    let problem = |error: tera::Error| Problem::Tera(error.to_string());
    let mut tera = Tera::new();
    tera.autoescape_on(Vec::<&'static str>::new());
    let delimiters = Delimiters {
        variable_start: "\u{1}{".into(),
        variable_end: "\u{1}}".into(),
        block_start: "\u{2}{".into(),
        block_end: "\u{2}}".into(),
        comment_start: "\u{3}{".into(),
        comment_end: "\u{3}}".into(),
    };
    tera.set_delimiters(delimiters).map_err(problem)?;
    // functions come first: Tera checks that each one exists
    for (number, code) in codes.into_iter().enumerate() {
        tera.register_function(format!("e{number}"), move |_: Kwargs, _: &State| enter(&code));
    }
    tera.add_raw_templates(texts).map_err(problem)?;
    Ok(tera)
}
