//! The built-in transformers: each changes the resources of a map by its own typed configuration.

mod field_spec;
mod image;
mod label;
mod name_affix;
mod namespace;
mod replica;
mod shares;
mod value_add;

pub(crate) use field_spec::{Create, FieldSpec, split_path, wrong_kind};
pub(crate) use image::replace_images;
pub(crate) use label::set_pairs;
pub(crate) use name_affix::{Affix, add_to_names};
pub(crate) use namespace::{Fill, NamespaceConfig, SubjectMode, set_namespace};
pub(crate) use replica::set_replicas;
pub(crate) use shares::Shares;
pub(crate) use value_add::{ValueAdd, ValueTarget};

#[cfg(test)]
mod tests;
