//! Patches: selection, strategic merge and JSON 6902.
