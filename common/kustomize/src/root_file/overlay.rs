//! What a Flux object lays over the root kustomization file.

use flux_yaml::{Object, Text, Value};

use crate::error::{Context as _, Error, Result};
use crate::file_system::FileSystem;
use crate::path;
use crate::yaml_1_1::{Duplicates, read};

/// Prefixes of components that are elsewhere.
const REMOTE: [&str; 8] =
    ["git::", "gh:", "ssh://", "https://", "http://", "git@", "github.com:", "github.com/"];

/// The `spec` of a Flux Kustomization, of which the fields that shape a build count: `targetNamespace`, `namePrefix`,
/// `nameSuffix`, `patches`, `components`, `ignoreMissingComponents`, `patchesStrategicMerge`, `patchesJson6902`, `images`
/// and `buildMetadata`.
#[derive(Debug, Clone, Default)]
pub struct Overlay {
    spec: Value,
}

impl Overlay {
    /// The overlay of a `spec`.
    pub fn new(spec: Value) -> Self {
        Self { spec }
    }

    /// The overlay of a `spec` in JSON or YAML.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is neither.
    pub fn parse(spec: &[u8]) -> Result<Self> {
        read(spec, Duplicates::LastWins).map(Self::new).map_err(|error| Error::invalid(error.to_string()))
    }

    /// Lays the settings over the fields of a kustomization in `directory`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a setting has the wrong type, or a component is not local and relative.
    pub(super) fn apply(&self, fields: &mut Object, files: &dyn FileSystem, directory: &str) -> Result<()> {
        let renamed =
            [("targetNamespace", "namespace"), ("namePrefix", "namePrefix"), ("nameSuffix", "nameSuffix")];
        for (setting, field) in renamed {
            if let Some(text) = self.text(setting)? {
                set(fields, field, Value::from(text));
            }
        }
        let patches = self.objects("patches").context(|| "unable to get patches")?;
        for patch in &patches {
            let target = patch.get("target").filter(|target| !target.is_null()).map(selector);
            let text = member_text(patch, "patch").context(|| "unable to get patches")?;
            append(fields, "patches", patch_entry(text, target));
        }
        self.add_components(fields, files, directory)?;
        for patch in
            self.objects("patchesStrategicMerge").context(|| "unable to get patchesStrategicMerge")?
        {
            append(fields, "patchesStrategicMerge", Value::String(Text::from(patch.to_json())));
        }
        for patch in self.objects("patchesJson6902").context(|| "unable to get patchesJson6902")? {
            let operations = patch.get("patch").unwrap_or(&Value::Null).to_json();
            let target = selector(patch.get("target").unwrap_or(&Value::Null));
            append(fields, "patchesJson6902", patch_entry(&operations, Some(target)));
        }
        for image in self.objects("images").context(|| "unable to get images")? {
            merge_image(fields, image);
        }
        let metadata = self.texts("buildMetadata").context(|| "unable to get buildMetadata")?;
        if !metadata.is_empty() {
            set(fields, "buildMetadata", super::texts(&metadata));
        }
        Ok(())
    }

    fn add_components(&self, fields: &mut Object, files: &dyn FileSystem, directory: &str) -> Result<()> {
        let ignores_missing = matches!(self.setting("ignoreMissingComponents"), Some(Value::Bool(true)));
        for component in self.texts("components").context(|| "unable to get components")? {
            if !is_local_and_relative(component) {
                return Err(Error::invalid(format!(
                    "component path '{component}' must be local and relative"
                )));
            }
            if ignores_missing && files.kind(&path::join(directory, component)).is_none() {
                continue;
            }
            append(fields, "components", Value::from(component));
        }
        Ok(())
    }

    fn setting(&self, name: &str) -> Option<&Value> {
        self.spec.get(name)
    }

    fn text(&self, name: &str) -> Result<Option<&str>> {
        match self.setting(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong_type(name, other, "string")),
        }
    }

    fn list(&self, name: &str) -> Result<&[Value]> {
        match self.setting(name) {
            None => Ok(&[]),
            Some(Value::List(items)) => Ok(items),
            Some(other) => Err(wrong_type(name, other, "[]interface{}")),
        }
    }

    fn texts(&self, name: &str) -> Result<Vec<&str>> {
        let wrong = |item: &Value| {
            Error::invalid(format!(
                ".spec.{name} accessor error: contains non-string value in the slice: {} is of the type {}, expected \
                     string",
                go_value(item),
                go_type(item)
            ))
        };
        self.list(name)?.iter().map(|item| item.as_str().ok_or_else(|| wrong(item))).collect()
    }

    fn objects(&self, name: &str) -> Result<Vec<&Value>> {
        let wrong =
            |number| Error::invalid(format!("unable to convert patch {number} to map[string]interface{{}}"));
        let items = self.list(name)?.iter().enumerate();
        items.map(|(number, item)| item.as_object().map(|_| item).ok_or_else(|| wrong(number))).collect()
    }
}

/// Sets a field, or removes it if the value says nothing.
fn set(fields: &mut Object, name: &str, value: Value) {
    if value.as_str() == Some("") {
        fields.remove(name);
    } else {
        fields.insert(Text::from(name), value);
    }
}

fn append(fields: &mut Object, name: &str, item: Value) {
    match fields.get_mut(name).and_then(Value::as_list_mut) {
        Some(items) => items.push(item),
        None => {
            fields.insert(Text::from(name), Value::List(vec![item]));
        }
    }
}

fn member_text<'v>(object: &'v Value, name: &str) -> Result<&'v str> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(Error::invalid("unrecognized type: string")),
    }
}

fn patch_entry(patch: &str, target: Option<Value>) -> Value {
    let mut entry = Object::new();
    set(&mut entry, "patch", Value::from(patch));
    if let Some(target) = target {
        entry.insert(Text::from("target"), target);
    }
    Value::Object(entry)
}

/// The parts of a target that say something.
fn selector(target: &Value) -> Value {
    let names = ["group", "version", "kind", "name", "namespace", "labelSelector", "annotationSelector"];
    let mut selector = Object::new();
    for name in names {
        if let Some(text) = target.get(name).and_then(Value::as_str) {
            set(&mut selector, name, Value::from(text));
        }
    }
    Value::Object(selector)
}

/// Merges an image into the one of its name, or appends it. Tag and digest go together: either replaces both.
fn merge_image(fields: &mut Object, image: &Value) {
    let text = |name: &str| image.get(name).and_then(Value::as_str).unwrap_or_default();
    let name = text("name");
    let images = fields.get_mut("images").and_then(Value::as_list_mut);
    let mut known = images.into_iter().flatten().filter_map(Value::as_object_mut);
    let is_same = |known: &&mut Object| known.get("name").and_then(Value::as_str).unwrap_or_default() == name;
    if let Some(known) = known.find(is_same) {
        if !text("newName").is_empty() {
            set(known, "newName", Value::from(text("newName")));
        }
        if !text("newTag").is_empty() || !text("digest").is_empty() {
            set(known, "newTag", Value::from(text("newTag")));
            set(known, "digest", Value::from(text("digest")));
        }
        return;
    }
    let mut entry = Object::new();
    for name in ["name", "newName", "newTag", "digest"] {
        set(&mut entry, name, Value::from(text(name)));
    }
    append(fields, "images", Value::Object(entry));
}

fn is_local_and_relative(component: &str) -> bool {
    let lower = component.to_lowercase();
    let is_remote = REMOTE.iter().any(|prefix| lower.len() > prefix.len() && lower.starts_with(prefix));
    let local = lower.strip_prefix("file://").unwrap_or(&lower);
    !is_remote && !path::is_absolute(component) && !path::is_absolute(local)
}

fn wrong_type(name: &str, found: &Value, wanted: &str) -> Error {
    let (value, found) = (go_value(found), go_type(found));
    Error::invalid(format!(".spec.{name} accessor error: {value} is of the type {found}, expected {wanted}"))
}

/// The name of a value's Go type, as the API server's JSON gives it.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Uint(_) | Value::Float(_) => "float64",
        Value::String(_) => "string",
        Value::List(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// A value as Go's `%v` prints it.
fn go_value(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.to_string(),
        Value::List(items) => format!("[{}]", items.iter().map(go_value).collect::<Vec<_>>().join(" ")),
        Value::Object(members) => {
            let members = members.iter().map(|(key, value)| format!("{key}:{}", go_value(value)));
            format!("map[{}]", members.collect::<Vec<_>>().join(" "))
        }
        Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Float(_) => value.to_json(),
    }
}
