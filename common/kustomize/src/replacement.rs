//! `replacements`: values of fields, or parts of them, copied into other fields.

pub(crate) mod path;
mod structured;

use flux_yaml::{Kind, Node, Text, Value};

use crate::decode::{Mode, decode};
use crate::error::{Context as _, Error, Result};
use crate::kustomization::{FieldOptions, Replacement, ReplacementField, SourceSelector, TargetSelector};
use crate::patch::{Inputs, Selector};
use crate::resource::Resource;
use crate::resource_map::ResourceMap;
use crate::transform::Shares;
use crate::yaml_1_1::{Duplicates, read};

use path::{Lookup, each, lookup, lookup_or_create, smart_split};

/// The field that is meant if none is named.
const DEFAULT_FIELD: &str = "metadata.name";

/// Replacements in order; each sees what those before it did.
#[derive(Debug, Clone, Default)]
pub(crate) struct Replacements(Vec<Replacement>);

impl Replacements {
    /// The replacements of these entries, those in files included.
    ///
    /// # Errors
    /// An entry names a file and a replacement, or a file cannot be loaded or holds something else.
    pub(crate) fn new(fields: &[ReplacementField], inputs: &mut dyn Inputs) -> Result<Self> {
        let mut replacements = Vec::new();
        for field in fields {
            let inline = &field.replacement;
            if field.path.is_empty() {
                replacements.push(inline.clone());
                continue;
            }
            if inline.source.is_some() || inline.targets.as_ref().is_some_and(|targets| !targets.is_empty()) {
                return Err(Error::invalid("cannot specify both path and inline replacement"));
            }
            replacements.extend(in_file(&inputs.load(&field.path)?)?);
        }
        Ok(Self(replacements))
    }

    /// Carries out the replacements.
    ///
    /// # Errors
    /// A source is ambiguous or missing, or a target's field is.
    pub(crate) fn apply(&self, map: &mut ResourceMap) -> Result<()> {
        for replacement in &self.0 {
            let targets = match (&replacement.source, &replacement.source_value, &replacement.targets) {
                (None, None, _) | (_, _, None) => {
                    return Err(Error::invalid("replacements must specify a source and at least one target"));
                }
                (_, _, Some(targets)) => targets,
            };
            let mut source = Source::of(map, replacement)?;
            targets.iter().try_for_each(|target| apply(map, &mut source, target))?;
            source.release(map);
        }
        Ok(())
    }
}

/// What is copied.
struct Source {
    value: Node,
    /// The field that the value was taken from as it is. Upstream, value and field are one node: when the field is a target
    /// as well, the targets after it get what was written there.
    field: Option<Live>,
}

/// A field that is watched for changes: the place of its resource, and the mark that it has.
#[derive(Debug, Clone, Copy)]
struct Live {
    place: usize,
    mark: u32,
}

/// Where a whole field was read: the place of its resource, and its path.
type Origin = (usize, Vec<String>);

/// The mark of a source field that is not shared otherwise.
const SOURCE_MARK: u32 = u32::MAX;

impl Source {
    fn of(map: &mut ResourceMap, replacement: &Replacement) -> Result<Self> {
        let (value, origin) = source_value(map, replacement)?;
        let mut source = Self { value, field: None };
        let Some((place, path)) = origin.filter(|_| source.value.is_scalar()) else { return Ok(source) };
        let Some(resource) = map.get_mut(place) else { return Ok(source) };
        if let Some(field) = lookup_or_create(resource.node_mut(), &path, Lookup::Existing)? {
            if field.share() == 0 {
                field.set_share(SOURCE_MARK);
            }
            source.field = Some(Live { place, mark: field.share() });
            source.value.set_share(0);
        }
        Ok(source)
    }

    /// Whether a field of the resource at this place is the source itself.
    fn is(&self, place: usize, field: &Node) -> bool {
        self.field.is_some_and(|live| live.place == place && live.mark == field.share())
    }

    /// Ends watching.
    fn release(self, map: &mut ResourceMap) {
        if let Some(Live { place, mark: SOURCE_MARK }) = self.field
            && let Some(resource) = map.get_mut(place)
        {
            unmark(resource.node_mut());
        }
    }
}

fn unmark(node: &mut Node) {
    if node.share() == SOURCE_MARK {
        node.set_share(0);
    }
    node.items_mut().into_iter().flatten().for_each(unmark);
    node.entries_mut().into_iter().flatten().for_each(|entry| unmark(&mut entry.value));
}

/// The replacements in a file: one, or a list of them.
fn in_file(content: &[u8]) -> Result<Vec<Replacement>> {
    let value = read(content, Duplicates::LastWins)
        .map_err(|error| Error::invalid(error.to_string()).within("error converting YAML to JSON"))?;
    let one = |value: &Value| {
        decode(value, Mode::LENIENT, "Replacement").context(|| "error unmarshaling JSON: while decoding JSON")
    };
    let kind = match &value {
        Value::List(items) => return items.iter().map(one).collect(),
        Value::Object(_) => return Ok(vec![one(&value)?]),
        Value::Null => "invalid",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Uint(_) | Value::Float(_) => "float64",
        Value::String(_) => "string",
    };
    Err(Error::invalid(format!("unsupported replacement type encountered within replacement path: {kind}")))
}

/// The value of a replacement, and the field that has it if it is the whole of one.
fn source_value(map: &ResourceMap, replacement: &Replacement) -> Result<(Node, Option<Origin>)> {
    let source = match (&replacement.source, &replacement.source_value) {
        (Some(_), Some(_)) => {
            return Err(Error::invalid("value and resource selectors are mutually exclusive"));
        }
        (None, value) => return Ok((Node::scalar(value.as_deref().unwrap_or_default()), None)),
        (Some(source), None) => source,
    };
    let (place, resource) = source_resource(map, source)?;
    let path = if source.field_path.is_empty() { DEFAULT_FIELD } else { &source.field_path };
    let parts = smart_split(path);
    let found = lookup(resource.node(), &parts).context(|| "error looking up replacement source")?;
    let Some(value) = found.filter(|node| !path::is_nothing(node)) else {
        return Err(Error::invalid(format!(
            "fieldPath `{path}` is missing for replacement source {}",
            source.id
        )));
    };
    let Some(options) = source.options.as_ref().filter(|options| !options.delimiter.is_empty()) else {
        return Ok((value.clone(), Some((place, parts))));
    };
    let Some(text) = value.as_str() else {
        return Err(Error::invalid("delimiter option can only be used with scalar nodes"));
    };
    let part =
        usize::try_from(options.index).ok().and_then(|index| text.split(&options.delimiter).nth(index));
    let Some(part) = part else {
        let index = options.index;
        return Err(Error::invalid(format!("options.index {index} is out of bounds for value {text}")));
    };
    let mut value = value.clone();
    value.set_text(part);
    Ok((value, None))
}

/// The one resource that has, or had, an id that the selector selects.
fn source_resource<'m, 's>(
    map: &'m ResourceMap,
    source: &'s SourceSelector,
) -> Result<(usize, &'m Resource)> {
    let given = |text: &'s str| Some(text).filter(|text| !text.is_empty());
    let mut found = None;
    for place in map.having(given(&source.id.name), given(&source.id.gvk.kind)) {
        let Some(resource) = map.get(place) else { continue };
        if resource.all_ids().any(|id| id.is_selected_by(&source.id)) {
            if found.is_some() {
                return Err(Error::invalid(format!("multiple matches for selector {}", SourceText(source))));
            }
            found = Some((place, resource));
        }
    }
    found.ok_or_else(|| Error::invalid(format!("nothing selected by {}", SourceText(source))))
}

/// A source selector as messages show it.
struct SourceText<'s>(&'s SourceSelector);

impl std::fmt::Display for SourceText<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.0.id)?;
        if !self.0.field_path.is_empty() {
            write!(formatter, ":{}", self.0.field_path)?;
        }
        match &self.0.options {
            Some(FieldOptions { delimiter, index, create }) if *create || !delimiter.is_empty() => {
                write!(formatter, ":{delimiter}({index}), create={create}")
            }
            _ => Ok(()),
        }
    }
}

/// Copies a value into the fields of all resources of a target.
fn apply(map: &mut ResourceMap, source: &mut Source, target: &TargetSelector) -> Result<()> {
    let Some(select) = &target.select else {
        return Err(Error::invalid("target must specify resources to select"));
    };
    let attempt = || "error creating target selector";
    let select = Selector::new(select).context(attempt)?;
    let reject: Vec<Selector> =
        target.reject.iter().map(Selector::new).collect::<Result<_>>().context(attempt)?;
    let default = [DEFAULT_FIELD.to_owned()];
    let paths = if target.field_paths.is_empty() { &default[..] } else { &target.field_paths };
    let fields: Vec<Field<'_>> = paths.iter().map(|path| Field { path, parts: smart_split(path) }).collect();
    let mut places = Vec::new();
    for place in select.candidates(map) {
        if map.get(place).map_or(Ok(false), |resource| is_target(resource, &select, &reject))? {
            places.push(place);
        }
    }
    for place in places {
        let Some(resource) = map.get_mut(place) else { continue };
        let node = resource.node_mut();
        let mut write = Write { source, place, options: target.options.as_ref() };
        fields.iter().try_for_each(|field| write.write_field(node, field))?;
    }
    Ok(())
}

fn is_target(resource: &Resource, select: &Selector, reject: &[Selector]) -> Result<bool> {
    if !resource.all_ids().any(|id| select.selects_id(id)) || !select.selects_metadata(resource)? {
        return Ok(false);
    }
    for selector in reject {
        if !selector.has_no_metadata() && selector.selects_metadata(resource)? {
            return Ok(false);
        }
        if !selector.has_no_id() && resource.all_ids().any(|id| selector.selects_id(id)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A path of a target.
struct Field<'p> {
    path: &'p str,
    parts: Vec<String>,
}

/// What is written, and how.
struct Write<'v> {
    source: &'v mut Source,
    /// Place of the resource that is written to.
    place: usize,
    options: Option<&'v FieldOptions>,
}

impl Write<'_> {
    fn write_field(&mut self, resource: &mut Node, field: &Field<'_>) -> Result<()> {
        let create = self.options.filter(|options| options.create).map(|_| self.source.value.kind());
        let mut shares = Shares::default();
        if structured::set(resource, &field.parts, &self.source.value, create, &mut shares) {
            shares.spread(resource);
            return Ok(());
        }
        let missing = || {
            let what = if create.is_some() { "find or create" } else { "find" };
            format!("unable to {what} field {:?} in replacement target", field.path)
        };
        let mut problem = None;
        let found = each(resource, &field.parts, create, &mut |node| {
            if problem.is_none() {
                problem = self.write_node(node).err();
                shares.note(node);
            }
        });
        if let Some(problem) = problem {
            return Err(problem);
        }
        if found.context(missing)? == 0 {
            return Err(Error::invalid(missing()));
        }
        shares.spread(resource);
        Ok(())
    }

    /// Of a scalar only the text changes; anything else is replaced.
    fn write_node(&mut self, node: &mut Node) -> Result<()> {
        let text = self.source.value.text().cloned().unwrap_or_default();
        let delimited = self.options.filter(|options| !options.delimiter.is_empty());
        let joined;
        let text = match delimited {
            None => text.as_str(),
            Some(options) => {
                let Some(old) = node.as_str() else {
                    return Err(Error::invalid("delimiter option can only be used with scalar nodes"));
                };
                joined = replace_part(old, options, &text);
                &joined
            }
        };
        if node.kind() == Kind::Scalar {
            node.set_text(Text::from(text));
            if self.source.is(self.place, node) {
                self.source.value.set_text(Text::from(text));
            }
        } else {
            *node = self.source.value.clone();
            node.set_share(0);
        }
        Ok(())
    }
}

/// A text in which one part is replaced; a negative index puts a part in front, one too high puts it at the end.
fn replace_part(old: &str, options: &FieldOptions, text: &str) -> String {
    let mut parts: Vec<&str> = old.split(&options.delimiter).collect();
    let place = usize::try_from(options.index);
    match place.ok().and_then(|place| parts.get_mut(place)) {
        Some(part) => *part = text,
        None if options.index < 0 => parts.insert(0, text),
        None => parts.push(text),
    }
    parts.join(&options.delimiter)
}

#[cfg(test)]
mod tests;
