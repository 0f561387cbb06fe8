//! What OpenAPI says about types: fields, elements, merge keys and scope.
//!
//! The built-in documents are those of kyaml v0.21.1 (Kubernetes v1.21.2 and kustomize's own types); a custom document
//! of the `openapi` field adds to them or replaces them. A [`Schema`] belongs to one build, so nothing of it reaches the
//! next one.

mod custom;
mod table;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};
use custom::Document;
use table::{BUILT_IN, Scope};

/// The name of the built-in schema, the only one that `openapi.version` may ask for.
const BUILT_IN_VERSION: &str = "v1.21.2";

/// The types and scopes that hold in one build.
#[derive(Debug, Clone, Default)]
pub(crate) struct Schema {
    custom: Option<Arc<Document>>,
    chosen: bool,
    built_in: BuiltIn,
}

/// What becomes of the built-in types when a custom document comes.
#[derive(Debug, Clone, Default)]
enum BuiltIn {
    /// They stay.
    #[default]
    Kept,
    /// They stay if they were needed before, as upstream reads them at the first need.
    Replaceable { needed: Arc<AtomicBool> },
    /// There are none.
    Replaced,
}

/// Whether a setting replaces an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precedence {
    /// The root's setting: it always wins.
    Root,
    /// A nested kustomization's setting: it holds only if none was made before.
    Nested,
}

/// What is known of the type of a value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Type<'s> {
    schema: &'s Schema,
    kind: Kind<'s>,
}

#[derive(Debug, Clone, Copy)]
enum Kind<'s> {
    BuiltIn(table::Type),
    Custom(&'s custom::Definition),
}

/// How the elements of an associative list are told apart. A list of scalars has no keys: its values are their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MergeKeys<'s>(pub(crate) Vec<&'s str>);

impl Schema {
    /// The built-in schema alone.
    pub(crate) fn built_in() -> Self {
        Self::default()
    }

    /// The built-in schema, whose types a custom document replaces if it comes before they are needed.
    pub(crate) fn replaceable() -> Self {
        Self { built_in: BuiltIn::Replaceable { needed: Arc::default() }, ..Self::default() }
    }

    /// Applies the `openapi` field: `version`, or the bytes of the file that `path` named.
    ///
    /// # Errors
    /// Both are given, the version is not built in, or the document is not an OpenAPI document (kustomize panics at
    /// the first use of such a document).
    pub(crate) fn set(
        &mut self,
        version: Option<&str>,
        document: Option<&[u8]>,
        precedence: Precedence,
    ) -> Result<()> {
        if self.chosen && precedence == Precedence::Nested {
            return Ok(());
        }
        if let Some(bytes) = document {
            if version.is_some() {
                return Err(Error::invalid("builtin version and custom schema provided, cannot use both"));
            }
            self.custom = Some(Arc::new(Document::parse(bytes)?));
            self.chosen = true;
            if let BuiltIn::Replaceable { needed } = &self.built_in {
                let kept = needed.load(Ordering::Relaxed);
                self.built_in = if kept { BuiltIn::Kept } else { BuiltIn::Replaced };
            }
            return Ok(());
        }
        match version {
            None | Some("") => {}
            Some(BUILT_IN_VERSION) => {
                self.custom = None;
                self.chosen = true;
            }
            Some(_) => return Err(Error::invalid("the specified OpenAPI version is not built in")),
        }
        Ok(())
    }

    /// The type of resources of this API version and kind.
    pub(crate) fn resource(&self, api_version: &str, kind: &str) -> Option<Type<'_>> {
        if let Some(definition) = self.custom.as_ref().and_then(|custom| custom.resource(api_version, kind)) {
            return Some(Type { schema: self, kind: Kind::Custom(definition) });
        }
        self.need();
        if matches!(self.built_in, BuiltIn::Replaced) {
            return None;
        }
        let (target, _) = BUILT_IN.kind(api_version, kind)?;
        Some(Type { schema: self, kind: Kind::BuiltIn(target?) })
    }

    /// Whether the schema says that resources of this kind are never in a namespace. Unknown kinds are namespaced.
    pub(crate) fn is_cluster_scoped(&self, api_version: &str, kind: &str) -> bool {
        match BUILT_IN.kind(api_version, kind) {
            Some((_, Scope::Cluster)) => true,
            Some((_, Scope::Namespaced)) => false,
            Some((_, Scope::Unknown)) | None => {
                self.need();
                self.custom.as_ref().is_some_and(|custom| custom.is_cluster_scoped(api_version, kind))
            }
        }
    }

    /// Notes that the types are needed from here on.
    fn need(&self) {
        if let BuiltIn::Replaceable { needed } = &self.built_in {
            needed.store(true, Ordering::Relaxed);
        }
    }

    /// A built-in type as this build sees it: a custom definition of the same name replaces it.
    fn built_in_type(&self, found: table::Type) -> Kind<'_> {
        if let Some(custom) = &self.custom
            && let Some(name) = BUILT_IN.name(found)
            && let Some(definition) = custom.definition(name)
        {
            return Kind::Custom(definition);
        }
        Kind::BuiltIn(found)
    }

    /// Follows the references of a custom definition. A reference to nothing is no type.
    fn resolve<'s>(&'s self, mut definition: &'s custom::Definition) -> Option<Kind<'s>> {
        for _ in 0..custom::MAXIMUM_REFERENCES {
            let Some(pointer) = definition.reference() else { return Some(Kind::Custom(definition)) };
            match self.custom.as_ref().and_then(|custom| custom.referenced(pointer)) {
                Some(next) => definition = next,
                None if matches!(self.built_in, BuiltIn::Replaced) => return None,
                None => {
                    return custom::definition_name(pointer)
                        .and_then(|name| BUILT_IN.definition(&name))
                        .map(Kind::BuiltIn);
                }
            }
        }
        None
    }
}

impl<'s> Type<'s> {
    /// The type of a field, or of any value of a map.
    pub(crate) fn field(self, name: &str) -> Option<Self> {
        let kind = match self.kind {
            Kind::BuiltIn(found) => BUILT_IN.field(found, name).map(|next| self.schema.built_in_type(next)),
            Kind::Custom(definition) => definition.field(name).and_then(|next| self.schema.resolve(next)),
        }?;
        Some(Self { kind, ..self })
    }

    /// The type of the elements of a list.
    pub(crate) fn elements(self) -> Option<Self> {
        let kind = match self.kind {
            Kind::BuiltIn(found) => BUILT_IN.items(found).map(|next| self.schema.built_in_type(next)),
            Kind::Custom(definition) => definition.items().and_then(|next| self.schema.resolve(next)),
        }?;
        Some(Self { kind, ..self })
    }

    /// The keys by which a list of this type is merged, or nothing if a patch replaces it as a whole.
    pub(crate) fn merge_keys(self) -> Option<MergeKeys<'s>> {
        match self.kind {
            Kind::BuiltIn(found) => BUILT_IN.merge_keys(found).map(|keys| MergeKeys(keys.collect())),
            Kind::Custom(definition) => {
                definition.merge_keys().map(|keys| MergeKeys(keys.iter().map(String::as_str).collect()))
            }
        }
    }
}

#[cfg(test)]
mod tests;
