use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tracing::warn;

use crate::error::Error;
use crate::object::Object;
use crate::resource::{Resource, push_segment};

/// Objects per page: kept small, since a page is held twice while it is read.
const PAGE_SIZE: u32 = 100;

/// Form in which the server shall answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accept {
    Json,
    Metadata,
    MetadataList,
    Discovery,
}

impl Accept {
    pub(crate) const fn header(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Metadata => "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
            Self::MetadataList => "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
            Self::Discovery => {
                "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
            }
        }
    }
}

/// Query parameters in the order they were given.
#[derive(Debug, Default)]
pub(crate) struct Query(String);

impl Query {
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.0.push(if self.0.is_empty() { '?' } else { '&' });
        self.0.push_str(name);
        self.0.push('=');
        push_segment(&mut self.0, value);
        self
    }

    pub(crate) fn with_some(self, name: &str, value: &str) -> Self {
        if value.is_empty() { self } else { self.with(name, value) }
    }

    pub(crate) fn append_to(self, path: &mut String) {
        path.push_str(&self.0);
    }
}

/// Whether a request is carried out, or only tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DryRun {
    /// Carry it out.
    #[default]
    No,
    /// Validate, admit and default, but store nothing.
    All,
}

impl Query {
    /// A write by this manager. Unknown and repeated fields are not searched for: the server would tell of them in a
    /// header that nobody reads, and parse the body of an apply a second time for that. An apply with a field that its
    /// schema lacks fails all the same.
    pub(crate) fn write(field_manager: &str) -> Self {
        Self::default().with("fieldManager", field_manager).with("fieldValidation", "Ignore")
    }
}

impl DryRun {
    fn add(self, query: Query) -> Query {
        match self {
            Self::No => query,
            Self::All => query.with("dryRun", "All"),
        }
    }
}

/// What happens with the fields of other managers in a server-side apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Apply<'a> {
    /// Name under which the fields are owned.
    pub field_manager: &'a str,
    /// Whether fields of other managers are taken over instead of being a conflict.
    pub force: bool,
    /// Whether to store.
    pub dry_run: DryRun,
}

impl Apply<'_> {
    pub(crate) fn query(&self) -> Query {
        let force = if self.force { "true" } else { "false" };
        self.dry_run.add(Query::write(self.field_manager).with("force", force))
    }
}

/// Options of a JSON merge patch or a JSON patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Merge<'a> {
    /// Name under which the fields are owned.
    pub field_manager: &'a str,
    /// Whether to store.
    pub dry_run: DryRun,
}

impl Merge<'_> {
    pub(crate) fn query(&self) -> Query {
        self.dry_run.add(Query::write(self.field_manager))
    }
}

/// How dependants of a deleted object go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Propagation {
    /// Afterwards, by the garbage collector.
    #[default]
    Background,
    /// Before the object itself.
    Foreground,
    /// Not at all.
    Orphan,
}

/// Options of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delete<'a> {
    /// How dependants go.
    pub propagation: Propagation,
    /// Delete only the object of this uid, if given.
    pub uid: Option<&'a str>,
    /// Delete only this version, if given.
    pub resource_version: Option<&'a str>,
}

impl Delete<'_> {
    pub(crate) fn body(&self) -> Value {
        let policy = match self.propagation {
            Propagation::Background => "Background",
            Propagation::Foreground => "Foreground",
            Propagation::Orphan => "Orphan",
        };
        let mut body = json!({ "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy });
        let mut preconditions = serde_json::Map::new();
        for (key, value) in [("uid", self.uid), ("resourceVersion", self.resource_version)] {
            if let Some(value) = value {
                preconditions.insert(key.to_owned(), value.into());
            }
        }
        if let (false, Some(fields)) = (preconditions.is_empty(), body.as_object_mut()) {
            fields.insert("preconditions".to_owned(), Value::Object(preconditions));
        }
        body
    }
}

/// What an access review asks.
#[derive(Debug, Clone, Copy)]
pub struct ReviewedAccess<'a> {
    /// Verb, such as `get`.
    pub verb: &'a str,
    /// Resource.
    pub resource: &'a Resource,
    /// Namespace; empty means all of them.
    pub namespace: &'a str,
    /// Name; empty means all of them.
    pub name: &'a str,
}

impl ReviewedAccess<'_> {
    pub(crate) fn attributes(&self) -> Value {
        json!({
            "verb": self.verb,
            "group": self.resource.group,
            "version": self.resource.version,
            "resource": self.resource.plural,
            "namespace": self.namespace,
            "name": self.name,
        })
    }
}

/// Which objects to list.
#[derive(Debug, Clone, Default)]
pub struct ListOptions {
    /// Only this namespace; empty means all of them.
    pub namespace: String,
    /// Only objects with these labels, in the selector syntax of Kubernetes.
    pub label_selector: String,
    /// Only objects with these fields.
    pub field_selector: String,
    /// Metadata only.
    pub metadata_only: bool,
    /// Where a list goes on: [`Page::next`] of the page before.
    pub after: Option<String>,
}

impl ListOptions {
    pub(crate) fn query(&self) -> Query {
        Query::default()
            .with("limit", &PAGE_SIZE.to_string())
            .with_some("labelSelector", &self.label_selector)
            .with_some("fieldSelector", &self.field_selector)
            .with_some("continue", self.after.as_deref().unwrap_or_default())
    }
}

/// A whole list.
#[derive(Debug, Default)]
pub struct List {
    /// Version of the list, from which a watch can go on.
    pub resource_version: String,
    /// The objects.
    pub objects: Vec<Object>,
}

/// A part of a list.
#[derive(Debug, Default)]
pub struct Page {
    /// Version of the list, from which a watch can go on.
    pub resource_version: String,
    /// Where the list goes on, if it does.
    pub next: Option<String>,
    /// The objects.
    pub objects: Vec<Object>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ListMetadata {
    resource_version: String,
    #[serde(rename = "continue")]
    next: String,
}

#[derive(Deserialize)]
struct RawPage<'a> {
    #[serde(default)]
    metadata: ListMetadata,
    // a list of metadata without entries has null here
    #[serde(default, borrow)]
    items: Option<Vec<&'a RawValue>>,
}

impl Page {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Error> {
        let raw: RawPage<'_> = serde_json::from_slice(body).map_err(Error::Decode)?;
        let objects =
            raw.items.iter().flatten().filter_map(|item| match Object::parse(item.get().as_bytes()) {
                Ok(object) => Some(object),
                Err(error) => {
                    warn!(%error, "skipped an object that cannot be read");
                    None
                }
            });
        let next = Some(raw.metadata.next).filter(|next| !next.is_empty());
        Ok(Self { resource_version: raw.metadata.resource_version, next, objects: objects.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_without_entries_may_have_null() {
        for body in [
            r#"{"items":null,"metadata":{"resourceVersion":"7"}}"#,
            r#"{"metadata":{"resourceVersion":"7"}}"#,
        ] {
            let page = Page::parse(body.as_bytes()).unwrap();
            assert!(page.objects.is_empty() && page.resource_version == "7");
        }
    }

    #[test]
    fn queries_are_encoded() {
        let options = ListOptions { label_selector: "a in (b,c),!d".into(), ..ListOptions::default() };
        let mut path = String::from("/x");
        options.query().append_to(&mut path);
        assert_eq!(path, "/x?limit=100&labelSelector=a%20in%20%28b%2Cc%29%2C%21d");
    }

    #[test]
    fn a_page_skips_what_has_no_readable_metadata() {
        let body = br#"{"metadata":{"resourceVersion":"7","continue":""},
            "items":[{"metadata":{"name":"a"}},{"metadata":{"name":3}},{"metadata":{"name":"b"}}]}"#;
        let page = Page::parse(body).unwrap();
        let names: Vec<_> = page.objects.iter().map(|object| object.metadata.name.as_str()).collect();
        assert_eq!((names, page.next), (vec!["a", "b"], None));
    }

    #[test]
    fn preconditions_are_sent_only_when_given() {
        assert!(Delete::default().body().get("preconditions").is_none());
        let delete = Delete { uid: Some("u"), ..Delete::default() };
        assert_eq!(delete.body()["preconditions"], json!({ "uid": "u" }));
    }
}
