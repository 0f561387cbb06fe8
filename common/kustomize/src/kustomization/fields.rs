//! What the fields of a kustomization hold.

use std::collections::BTreeMap;

use flux_yaml::Value;

use crate::decode::{Decode, Fields, Place};
use crate::error::Result;
use crate::gvk::{Gvk, ResourceId};

/// Selects resources: by regular expressions in patches and replacement targets, and by selectors over labels and
/// annotations. Empty parts match everything.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(clippy::struct_field_names, reason = "the fields' own names")]
pub(crate) struct Selector {
    /// Patterns of group, version, kind, name and namespace.
    pub(crate) id: ResourceId,
    /// Kubernetes selector over labels.
    pub(crate) label_selector: String,
    /// Kubernetes selector over annotations.
    pub(crate) annotation_selector: String,
}

/// A path in resources of certain kinds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldSpec {
    /// Selects kinds by equality; empty parts match everything.
    pub(crate) gvk: Gvk,
    /// Names separated by slashes.
    pub(crate) path: String,
    /// Whether missing parts of the path are created.
    pub(crate) create: bool,
}

/// An entry of `patches` or `patchesJson6902`.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(clippy::struct_field_names, reason = "the fields' own names")]
pub(crate) struct Patch {
    /// File that holds the patch.
    pub(crate) path: String,
    /// The patch itself.
    pub(crate) patch: String,
    /// What to patch.
    pub(crate) target: Option<Selector>,
    /// What a strategic merge patch may change.
    pub(crate) options: PatchOptions,
    /// The entry as it was given, for messages.
    pub(crate) given: Value,
}

/// What a strategic merge patch may change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PatchOptions {
    /// Names.
    pub(crate) allow_name_change: bool,
    /// Kinds.
    pub(crate) allow_kind_change: bool,
}

/// An entry of `images`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Image {
    /// Image name to look for: a regular expression.
    pub(crate) name: String,
    /// Name in its place; empty keeps it.
    pub(crate) new_name: String,
    /// Text added to the tag.
    pub(crate) tag_suffix: String,
    /// Tag in place of the old one.
    pub(crate) new_tag: String,
    /// Digest in place of the old one.
    pub(crate) digest: String,
}

/// An entry of `replicas`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Replica {
    /// Name of the workload, previous or current.
    pub(crate) name: String,
    /// Number of replicas.
    pub(crate) count: i64,
}

/// An entry of `labels`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Label {
    /// Labels to set.
    pub(crate) pairs: BTreeMap<String, String>,
    /// Whether selectors get them too.
    pub(crate) include_selectors: bool,
    /// Whether templates get them too.
    pub(crate) include_templates: bool,
    /// Further places.
    pub(crate) fields: Vec<FieldSpec>,
}

/// An entry of `replacements`: a file of replacements, or one replacement.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ReplacementField {
    /// File that holds one replacement or a list of them.
    pub(crate) path: String,
    /// The replacement itself.
    pub(crate) replacement: Replacement,
    /// The entry as it was given, for messages.
    pub(crate) given: Value,
}

/// Copies a value into fields.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Replacement {
    /// Where the value comes from.
    pub(crate) source: Option<SourceSelector>,
    /// The value itself.
    pub(crate) source_value: Option<String>,
    /// Where it goes; `None` if the field is missing.
    pub(crate) targets: Option<Vec<TargetSelector>>,
}

/// Names the field of one resource.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct SourceSelector {
    /// The resource; empty parts match everything.
    pub(crate) id: ResourceId,
    /// The field, `metadata.name` if empty.
    pub(crate) field_path: String,
    /// Which part of the field.
    pub(crate) options: Option<FieldOptions>,
}

/// Names fields of resources.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TargetSelector {
    /// The resources.
    pub(crate) select: Option<Selector>,
    /// Those among them that are left out.
    pub(crate) reject: Vec<Selector>,
    /// The fields, `metadata.name` if none.
    pub(crate) field_paths: Vec<String>,
    /// Which part of the fields, and whether they are created.
    pub(crate) options: Option<FieldOptions>,
}

/// A part of a text, and whether to create the field that holds it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldOptions {
    /// Splits the text; empty means the whole text.
    pub(crate) delimiter: String,
    /// Which of the parts.
    pub(crate) index: i64,
    /// Whether missing fields are created.
    pub(crate) create: bool,
}

/// An entry of `vars`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Var {
    /// Name, as in `$(NAME)`.
    pub(crate) name: String,
    /// `apiVersion` of the resource as given; it goes before group and version.
    pub(crate) api_version: String,
    /// Kind of the resource that has the value; group and version from `apiVersion` if that is given.
    pub(crate) gvk: Gvk,
    /// Name of the resource.
    pub(crate) object_name: String,
    /// Namespace of the resource; empty if it does not matter.
    pub(crate) namespace: String,
    /// The field, `metadata.name` by default.
    pub(crate) field_path: String,
}

impl Decode for Selector {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "types.Selector")?;
        let selector = Self {
            id: take_id(&mut fields)?,
            label_selector: fields.take("labelSelector")?,
            annotation_selector: fields.take("annotationSelector")?,
        };
        fields.finish()?;
        Ok(selector)
    }
}

impl Decode for FieldSpec {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "types.FieldSpec")?;
        let spec =
            Self { gvk: take_gvk(&mut fields)?, path: fields.take("path")?, create: fields.take("create")? };
        fields.finish()?;
        Ok(spec)
    }
}

impl Decode for Patch {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "types.Patch")?;
        let patch = Self {
            path: fields.take("path")?,
            patch: fields.take("patch")?,
            target: fields.take("target")?,
            options: fields.take("options")?,
            given: value.clone(),
        };
        fields.finish()?;
        Ok(patch)
    }
}

impl Decode for PatchOptions {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "types.PatchArgs")?;
        let options = Self {
            allow_name_change: fields.take("allowNameChange")?,
            allow_kind_change: fields.take("allowKindChange")?,
        };
        fields.finish()?;
        Ok(options)
    }
}

impl Decode for Image {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "types.Image")?;
        let image = Self {
            name: fields.take("name")?,
            new_name: fields.take("newName")?,
            tag_suffix: fields.take("tagSuffix")?,
            new_tag: fields.take("newTag")?,
            digest: fields.take("digest")?,
        };
        fields.finish()?;
        Ok(image)
    }
}

impl Decode for Replica {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "types.Replica")?;
        let replica = Self { name: fields.take("name")?, count: fields.take("count")? };
        fields.finish()?;
        Ok(replica)
    }
}

impl Decode for Label {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "types.Label")?;
        let label = Self {
            pairs: fields.take("pairs")?,
            include_selectors: fields.take("includeSelectors")?,
            include_templates: fields.take("includeTemplates")?,
            fields: fields.take("fields")?,
        };
        fields.finish()?;
        Ok(label)
    }
}

impl Decode for ReplacementField {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "types.ReplacementField")?;
        let replacement = take_replacement(&mut fields)?;
        let field = Self { path: fields.take("path")?, replacement, given: value.clone() };
        fields.finish()?;
        Ok(field)
    }
}

impl Decode for Replacement {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "types.Replacement")?;
        let replacement = take_replacement(&mut fields)?;
        fields.finish()?;
        Ok(replacement)
    }
}

impl Decode for SourceSelector {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "types.SourceSelector")?;
        let source = Self {
            id: take_id(&mut fields)?,
            field_path: fields.take("fieldPath")?,
            options: fields.take("options")?,
        };
        fields.finish()?;
        Ok(source)
    }
}

impl Decode for TargetSelector {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "types.TargetSelector")?;
        let target = Self {
            select: fields.take("select")?,
            reject: fields.take("reject")?,
            field_paths: fields.take("fieldPaths")?,
            options: fields.take("options")?,
        };
        fields.finish()?;
        Ok(target)
    }
}

impl Decode for FieldOptions {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "types.FieldOptions")?;
        let options = Self {
            delimiter: fields.take("delimiter")?,
            index: fields.take("index")?,
            create: fields.take("create")?,
        };
        // accepted, and without effect upstream too
        fields.take::<String>("encoding")?;
        fields.finish()?;
        Ok(options)
    }
}

impl Decode for Var {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "types.Var")?;
        let mut var = fields.take::<Target>("objref")?.0;
        var.name = fields.take("name")?;
        var.field_path = fields.take::<FieldReference>("fieldref")?.0;
        if var.field_path.is_empty() {
            "metadata.name".clone_into(&mut var.field_path);
        }
        fields.finish()?;
        Ok(var)
    }
}

/// `objref` of a var, as the parts of the var that it gives.
#[derive(Default)]
struct Target(Var);

impl Decode for Target {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "types.Target")?;
        let mut var = Var {
            api_version: fields.take("apiVersion")?,
            gvk: take_gvk(&mut fields)?,
            object_name: fields.take("name")?,
            namespace: fields.take("namespace")?,
            ..Var::default()
        };
        match var.api_version.split('/').collect::<Vec<_>>().as_slice() {
            [version] if !version.is_empty() => (*version).clone_into(&mut var.gvk.version),
            [group, version] => {
                (*group).clone_into(&mut var.gvk.group);
                (*version).clone_into(&mut var.gvk.version);
            }
            _ => {}
        }
        fields.finish()?;
        Ok(Self(var))
    }
}

/// `fieldref` of a var.
#[derive(Default)]
struct FieldReference(String);

impl Decode for FieldReference {
    fn decode(value: &Value, place: Place<'_>) -> Result<Self> {
        let mut fields = Fields::of(value, place, "types.FieldSelector")?;
        let path = fields.take("fieldPath")?;
        fields.finish()?;
        Ok(Self(path))
    }
}

fn take_replacement(fields: &mut Fields<'_>) -> Result<Replacement> {
    Ok(Replacement {
        source: fields.take("source")?,
        source_value: fields.take("sourceValue")?,
        targets: fields.take("targets")?,
    })
}

fn take_id(fields: &mut Fields<'_>) -> Result<ResourceId> {
    Ok(ResourceId {
        gvk: take_gvk(fields)?,
        name: fields.take_exact("name")?,
        namespace: fields.take_exact("namespace")?,
        cluster_scoped: false,
    })
}

fn take_gvk(fields: &mut Fields<'_>) -> Result<Gvk> {
    Ok(Gvk {
        group: fields.take_exact("group")?,
        version: fields.take_exact("version")?,
        kind: fields.take_exact("kind")?,
    })
}
