//! values.schema.json.
