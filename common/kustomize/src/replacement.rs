//! Replacements: copying a field's value into other fields.
