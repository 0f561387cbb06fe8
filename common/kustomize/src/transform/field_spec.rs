//! Field specs: which field of which kinds a transformer works on.

use std::fmt;
use std::sync::OnceLock;

use flux_yaml::{Entry, Kind, Lists, Node, Tag, Text, to_styled_yaml};

use crate::error::{Context as _, Error, Result};
use crate::gvk::{Gvk, ResourceId, split_api_version};

/// A field of the kinds that a GVK selects; its path is parsed once, when it is first needed: most of the built-in ones
/// never are.
#[derive(Debug, Clone)]
pub(crate) struct FieldSpec {
    /// Kinds that have the field; empty parts match all.
    pub(crate) gvk: Gvk,
    /// The path as written, elements separated by `/`.
    pub(crate) path: Text,
    /// Whether the field is created where it is missing.
    pub(crate) create: bool,
    segments: OnceLock<Vec<PathSegment>>,
}

/// An element of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathSegment {
    /// Name of the field.
    pub(crate) name: Text,
    /// Written `name[]`: the field is a list.
    pub(crate) is_list: bool,
}

/// What is created at the end of a path: a node of this kind, and its tag where it takes the place of a null.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Create {
    /// Nothing is ever created.
    Never,
    /// A mapping.
    Mapping,
    /// A scalar, with the tag that a null gets.
    Scalar(Tag),
}

/// What is done with the node that a path leads to.
pub(crate) type Visit<'a> = &'a mut dyn FnMut(&mut Node) -> Result<()>;

impl FieldSpec {
    /// A spec of these parts.
    #[expect(clippy::fn_params_excessive_bools, reason = "the field is called so in configuration files")]
    pub(crate) fn new(gvk: Gvk, path: impl Into<Text>, create: bool) -> Self {
        Self { gvk, path: path.into(), create, segments: OnceLock::new() }
    }

    fn segments(&self) -> &[PathSegment] {
        let parse = || split_path(&self.path, '/').into_iter().map(PathSegment::parse).collect();
        self.segments.get_or_init(parse)
    }

    /// Whether the spec is for resources of this API version and kind.
    pub(crate) fn selects(&self, node: &Node) -> bool {
        if self.gvk == Gvk::default() {
            return true;
        }
        let matches = |wanted: &str, actual: &str| wanted.is_empty() || wanted == actual;
        let (group, version) = split_api_version(node.get_str("apiVersion").unwrap_or_default());
        matches(&self.gvk.kind, node.get_str("kind").unwrap_or_default())
            && matches(&self.gvk.group, group)
            && matches(&self.gvk.version, version)
    }

    /// Calls `visit` on every node that the path leads to, creating it first if this spec and `create` say so. Lists are
    /// entered without a word in the path. Resources that the GVK does not select are left alone.
    ///
    /// # Errors
    /// The path leads through a scalar, an element is empty, or `visit` fails.
    pub(crate) fn visit(&self, resource: &mut Node, create: Create, visit: Visit<'_>) -> Result<()> {
        if !self.selects(resource) {
            return Ok(());
        }
        let create = if self.create { create } else { Create::Never };
        walk(resource, self.segments(), create, visit).map_err(|error| {
            error.within(format!("considering field '{}' of object {}", self.path, describe(resource)))
        })
    }
}

/// Whether they are the same as written.
impl PartialEq for FieldSpec {
    fn eq(&self, other: &Self) -> bool {
        (&self.gvk, &self.path, self.create) == (&other.gvk, &other.path, other.create)
    }
}

impl fmt::Display for FieldSpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}:{}", self.gvk, self.create, self.path)
    }
}

impl PathSegment {
    fn parse(text: String) -> Self {
        match text.strip_suffix("[]") {
            Some(name) => Self { name: name.into(), is_list: true },
            None => Self { name: text.into(), is_list: false },
        }
    }

    /// Whether kyaml takes the name for a place in a list, which a mapping does not have.
    fn is_place(&self) -> bool {
        self.name == "-"
            || self.name.parse::<i64>().is_ok()
            || (self.name.starts_with('[') && self.name.ends_with(']'))
    }
}

impl Create {
    fn leaf(self) -> Option<(Node, Tag)> {
        match self {
            Self::Never => None,
            Self::Mapping => Some((Node::mapping(), Tag::Map)),
            Self::Scalar(tag) => Some((Node::scalar(""), tag)),
        }
    }
}

fn walk(node: &mut Node, path: &[PathSegment], create: Create, visit: Visit<'_>) -> Result<()> {
    let Some((segment, rest)) = path.split_first() else { return visit(node) };
    if node.tag() == Tag::Null && node.is_scalar() {
        return Ok(());
    }
    match node.kind() {
        Kind::Sequence => {
            let items = node.items_mut().into_iter().flatten();
            for item in items {
                walk(item, path, create, visit)
                    .context(|| format!("visit traversal on path: {}", PathText(path)))?;
            }
            Ok(())
        }
        Kind::Mapping => match child(node, (segment, rest), create)? {
            Some(field) => walk(field, rest, create, visit),
            None => Ok(()),
        },
        Kind::Scalar | Kind::Alias => Err(Error::invalid("expected sequence or mapping node")),
    }
}

/// The field of a mapping that a segment names; created, or turned from null into the needed kind, where that is wanted.
fn child<'n>(
    mapping: &'n mut Node,
    (segment, rest): (&PathSegment, &[PathSegment]),
    create: Create,
) -> Result<Option<&'n mut Node>> {
    if segment.name.is_empty() {
        return Err(Error::invalid("cannot set or create an empty field name"));
    }
    if segment.is_place() {
        let error = wrong_kind(mapping, Kind::Sequence);
        return Err(error.within(format!("fieldName: {}", segment.name)));
    }
    let wanted = match (create, rest.is_empty()) {
        (Create::Never, _) => None,
        _ if segment.is_list => None,
        (_, true) => create.leaf(),
        (_, false) => Some((Node::mapping(), Tag::Map)),
    };
    let name = segment.name.trim();
    let Some(position) = mapping.position(name) else {
        let Some((node, _)) = wanted else { return Ok(None) };
        let Some(entries) = mapping.entries_mut() else { return Ok(None) };
        entries.push(Entry { key: Node::scalar(name), value: node });
        return Ok(entries.last_mut().map(|entry| &mut entry.value));
    };
    let Some(field) = mapping.entries_mut().and_then(|entries| entries.get_mut(position)) else {
        return Ok(None);
    };
    let field = &mut field.value;
    if field.tag() == Tag::Null && field.is_scalar() {
        match wanted {
            Some((node, tag)) if node.is_scalar() => field.set_tag(tag),
            Some((node, _)) => *field = node,
            None if segment.is_list => *field = Node::sequence(),
            None => {}
        }
    }
    Ok(Some(field))
}

/// Gives a scalar this text and tag; its style stays. Null becomes a scalar, too.
///
/// # Errors
/// The node is a collection.
pub(crate) fn set_scalar(node: &mut Node, text: impl Into<Text>, tag: Tag) -> Result<()> {
    if !node.is_scalar() {
        return Err(wrong_kind(node, Kind::Scalar));
    }
    node.set_text(text);
    node.set_tag(tag);
    Ok(())
}

/// What kyaml says of a node that is not of the kind it needs.
pub(crate) fn wrong_kind(node: &Node, expected: Kind) -> Error {
    let text = to_styled_yaml(node, Lists::Compact);
    Error::invalid(format!(
        "wrong node kind: expected {} but got {}: node contents:\n{text}",
        kind_name(expected),
        kind_name(node.kind())
    ))
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Scalar => "ScalarNode",
        Kind::Sequence => "SequenceNode",
        Kind::Mapping => "MappingNode",
        Kind::Alias => "AliasNode",
    }
}

/// The current id of a resource, as messages show it.
pub(crate) fn describe(resource: &Node) -> ResourceId {
    let text = |path: &[&str]| resource.path(path).and_then(Node::as_str).unwrap_or_default();
    ResourceId {
        gvk: Gvk::from_api_version(text(&["apiVersion"]), text(&["kind"])),
        name: text(&["metadata", "name"]).to_owned(),
        namespace: text(&["metadata", "namespace"]).to_owned(),
        cluster_scoped: false,
    }
}

/// Splits a path at a delimiter; `\` before one makes it part of the element, and one may lead the path.
pub(crate) fn split_path(path: &str, delimiter: char) -> Vec<String> {
    let mut parts = path.split(delimiter).peekable();
    if path.starts_with(delimiter) {
        parts.next();
    }
    let mut elements: Vec<String> = Vec::new();
    for part in parts {
        match elements.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push(delimiter);
                last.push_str(part);
            }
            _ => elements.push(part.to_owned()),
        }
    }
    elements
}

/// Go's `%v` of a list of path elements.
struct PathText<'a>(&'a [PathSegment]);

impl fmt::Display for PathText<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[")?;
        for (index, segment) in self.0.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            let brackets = if segment.is_list { "[]" } else { "" };
            write!(formatter, "{space}{}{brackets}", segment.name)?;
        }
        formatter.write_str("]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(spec: (&str, bool), text: &str, create: Create) -> Result<String> {
        let mut node = flux_yaml::parse_document(text.as_bytes()).unwrap().unwrap();
        FieldSpec::new(Gvk::default(), spec.0, spec.1).visit(
            &mut node,
            create,
            &mut |node| match create {
                Create::Mapping => {
                    node.insert("new", Node::string("x"));
                    Ok(())
                }
                Create::Never | Create::Scalar(_) => set_scalar(node, "x", Tag::Str),
            },
        )?;
        Ok(node.to_value().unwrap().to_json())
    }

    #[test]
    fn paths_are_created_only_if_spec_and_caller_say_so() {
        let scalar = Create::Scalar(Tag::Str);
        for (path, create, leaf, text, expected) in [
            ("a/b", false, scalar, "{a: {b: 1}}", r#"{"a":{"b":"x"}}"#),
            ("/a/b", false, scalar, "{a: {b: 1}}", r#"{"a":{"b":"x"}}"#),
            ("a/b", false, scalar, "{a: {}}", r#"{"a":{}}"#),
            ("a/b", true, scalar, "{}", r#"{"a":{"b":"x"}}"#),
            ("a/b", true, Create::Never, "{}", "{}"),
            ("a/b", true, Create::Mapping, "{}", r#"{"a":{"b":{"new":"x"}}}"#),
            ("a/b", true, Create::Mapping, "{a: null}", r#"{"a":{"b":{"new":"x"}}}"#),
            ("a/b", false, Create::Mapping, "{a: null}", r#"{"a":null}"#),
            ("a/b", false, scalar, "{a: [{b: 1}, {b: 2}, {c: 3}]}", r#"{"a":[{"b":"x"},{"b":"x"},{"c":3}]}"#),
            ("a[]/b", true, scalar, "{}", "{}"),
            ("a[]/b", true, scalar, "{a: [{}]}", r#"{"a":[{"b":"x"}]}"#),
            ("a[]/b", true, scalar, "{a: null}", r#"{"a":[]}"#),
            (r"a/b\/c", false, scalar, "{a: {b/c: 1}}", r#"{"a":{"b/c":"x"}}"#),
        ] {
            assert_eq!(visit((path, create), text, leaf).unwrap(), expected, "{path} in {text}");
        }
    }

    #[test]
    fn bad_paths_are_errors() {
        let object = "of object [noKind].[noVer].[noGrp]/[noName].[noNs]";
        for (path, text, expected) in [
            ("a/b", "{a: 1}", "expected sequence or mapping node"),
            ("a//b", "{a: {}}", "cannot set or create an empty field name"),
            ("a/b", "{a: [1]}", "visit traversal on path: [b]: expected sequence or mapping node"),
        ] {
            let message = visit((path, false), text, Create::Scalar(Tag::Str)).unwrap_err().message();
            assert_eq!(message, format!("considering field '{path}' {object}: {expected}"));
        }
    }

    #[test]
    fn delimiters_can_be_escaped() {
        assert_eq!(split_path(r"a\/b/c", '/'), ["a/b", "c"]);
        assert_eq!(split_path("/a/b", '/'), ["a", "b"]);
        assert_eq!(split_path("", '/'), [""]);
        assert_eq!(split_path("/", '/'), [""]);
    }
}
