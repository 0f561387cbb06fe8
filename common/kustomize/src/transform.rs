//! Transformers: functions over a resource map.
