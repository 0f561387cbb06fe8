//! `ValueAddTransformer`: one value at paths of several resources.

use flux_yaml::{Kind, Node, Tag};

use super::field_spec::{set_scalar, split_path, wrong_kind};
use super::namespace::{NamespaceConfig, set_in_resource};
use super::shares::Shares;
use crate::error::Result;
use crate::patch::Selector;
use crate::replacement::path::{Lookup, lookup_or_create};
use crate::resource_map::ResourceMap;

/// A value and where it goes.
#[derive(Debug)]
pub(crate) struct ValueAdd {
    /// The value.
    pub(crate) value: String,
    /// Where it goes.
    pub(crate) targets: Vec<ValueTarget>,
}

/// Fields of resources.
#[derive(Debug)]
pub(crate) struct ValueTarget {
    /// The resources; all if missing.
    pub(crate) selector: Option<Selector>,
    /// Path of the field, its parts separated by slashes.
    pub(crate) field_path: String,
    /// If above 0, the value becomes this segment of the file path that the field holds.
    pub(crate) file_path_position: usize,
}

impl ValueAdd {
    /// Adds the value everywhere.
    ///
    /// # Errors
    /// A field is no scalar, or its path leads through one.
    pub(crate) fn apply(&self, map: &mut ResourceMap) -> Result<()> {
        for target in &self.targets {
            let namespace = NamespaceConfig { namespace: self.value.clone(), ..NamespaceConfig::default() };
            for resource in map.iter_mut() {
                if let Some(selector) = &target.selector
                    && !selector.selects(resource)?
                {
                    continue;
                }
                if target.field_path == "metadata/namespace" {
                    set_in_resource(resource, &namespace)?;
                } else {
                    self.set(resource.node_mut(), target)?;
                }
            }
        }
        Ok(())
    }

    fn set(&self, resource: &mut Node, target: &ValueTarget) -> Result<()> {
        let path = split_path(&target.field_path, '/');
        let Some(field) = lookup_or_create(resource, &path, Lookup::Create(Kind::Scalar))? else {
            return Ok(());
        };
        if !field.is_scalar() {
            return Err(wrong_kind(field, Kind::Scalar));
        }
        let text = match target.file_path_position.checked_sub(1) {
            None => self.value.clone(),
            Some(position) => insert_segment(field.as_str().unwrap_or_default(), position, &self.value),
        };
        if text.is_empty() {
            return Ok(());
        }
        set_scalar(field, text, Tag::None)?;
        let mut shares = Shares::default();
        shares.note(field);
        shares.spread(resource);
        Ok(())
    }
}

/// A file path with one more segment at this position, or at the end. An absolute path stays absolute.
fn insert_segment(path: &str, position: usize, segment: &str) -> String {
    if segment.is_empty() {
        return path.to_owned();
    }
    let mut segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    segments.insert(position.min(segments.len()), segment);
    let root = if path.starts_with('/') { "/" } else { "" };
    format!("{root}{}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_inserted_into_a_path() {
        for (path, position, expected) in [
            ("", 0, "x"),
            ("/", 0, "/x"),
            ("pie", 0, "x/pie"),
            ("/pie", 0, "/x/pie"),
            ("raw", 1, "raw/x"),
            ("/raw", 9, "/raw/x"),
            ("a/nice/warm/pie", 3, "a/nice/warm/x/pie"),
            ("/a/nice/warm/pie", 3, "/a/nice/warm/x/pie"),
        ] {
            assert_eq!(insert_segment(path, position, "x"), expected, "{path}");
        }
    }
}
