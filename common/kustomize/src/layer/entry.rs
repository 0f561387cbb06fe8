//! Entries of `resources` and `components`.

use super::{Accumulated, Layer, Session, merge_vars};
use crate::error::{Context as _, Error, Result};
use crate::go_syntax;
use crate::loader::Loader;
use crate::origin::Origin;
use crate::reader::load_resources;
use crate::schema::Precedence;

/// In which list a directory stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Resources,
    Components,
}

impl Layer<'_> {
    /// Accumulates entries that are files, or directories with a kustomization.
    pub(super) fn add_resources(
        &self,
        session: &mut Session,
        accumulated: &mut Accumulated,
        entries: &[String],
    ) -> Result<()> {
        for entry in entries {
            let Err(file_error) = self.add_file(session, accumulated, entry) else { continue };
            if matches!(file_error.root(), Error::Http { .. }) {
                return Err(file_error);
            }
            let loader = match self.loader.open(entry) {
                Ok(loader) => loader,
                // it is a file, if a broken one: that it is no directory says nothing
                Err(_) if matches!(file_error.root(), Error::MalformedYaml(_)) => return Err(file_error),
                Err(error) => return Err(error.within(both_failed(&file_error))),
            };
            let below = std::mem::take(accumulated);
            *accumulated = self
                .add_directory(session, below, &loader, (List::Resources, entry))
                .context(|| both_failed(&file_error))?;
        }
        Ok(())
    }

    fn add_file(&self, session: &Session, accumulated: &mut Accumulated, entry: &str) -> Result<()> {
        let mut resources = load_resources(self.loader, entry, &session.schema)
            .context(|| format!("accumulating resources from '{entry}'"))?;
        if let Some(origin) = &self.origin {
            let origin = origin.append(entry);
            resources.iter_mut().for_each(|resource| resource.set_origin(&origin));
        }
        accumulated.resources.append_all(resources).context(|| format!("merging resources from '{entry}'"))
    }

    /// Accumulates components on top of what there is.
    pub(super) fn add_components(
        &self,
        session: &mut Session,
        mut below: Accumulated,
    ) -> Result<Accumulated> {
        for entry in &self.kustomization.components {
            let loader = self.loader.open(entry).map_err(|error| {
                Error::invalid(format!("loader.New {}", go_syntax::quoted(&error.message())))
            })?;
            below = self
                .add_directory(session, below, &loader, (List::Components, entry))
                .map_err(|error| quoted(error, "accumulateDirectory"))?;
        }
        Ok(below)
    }

    fn add_directory(
        &self,
        session: &mut Session,
        mut accumulated: Accumulated,
        loader: &Loader<'_>,
        (list, entry): (List, &str),
    ) -> Result<Accumulated> {
        let root = loader.root();
        let origin = self.origin.as_ref().map(|origin| Origin::append(origin, entry));
        let layer = Layer::read(loader, origin, session)
            .context(|| format!("couldn't make target for path '{root}'"))?;
        session.use_schema(&layer, Precedence::Nested)?;
        match (list, layer.kustomization.is_component()) {
            (List::Components, false) => {
                let kind = &layer.kustomization.kind;
                return Err(Error::invalid(format!(
                    "expected kind 'Component' for path '{root}' but got '{kind}'"
                )));
            }
            (List::Resources, true) => {
                return Err(Error::invalid(format!("expected kind != 'Component' for path '{root}'")));
            }
            (List::Components, true) | (List::Resources, false) => {}
        }
        let attempt = || format!("recursed accumulation of path '{root}'");
        let merging = || format!("recursed merging from path '{root}'");
        if list == List::Components {
            let together = layer.accumulate(session, accumulated).context(attempt)?;
            let mut accumulated = Accumulated::default();
            accumulated.merge(together).context(merging)?;
            return Ok(accumulated);
        }
        let below = layer.accumulate(session, Accumulated::default()).context(attempt)?;
        accumulated.merge(below).context(merging)?;
        Ok(accumulated)
    }
}

impl Accumulated {
    /// Merges what a layer below accumulated.
    ///
    /// # Errors
    /// Resources with the same id, conflicting field specs, vars of the same name.
    fn merge(&mut self, below: Self) -> Result<()> {
        self.resources.append_all(below.resources)?;
        self.configuration.merge(below.configuration)?;
        merge_vars(&mut self.vars, below.vars)
    }
}

fn both_failed(file_error: &Error) -> String {
    format!("accumulation err='{}'", file_error.message())
}

/// The whole of an error, quoted as Go's `%q` does.
fn quoted(error: Error, attempt: &str) -> Error {
    if matches!(error, Error::Panic(_)) {
        return error;
    }
    Error::invalid(format!("{attempt}: {}", go_syntax::quoted(&error.message())))
}
