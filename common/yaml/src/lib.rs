//! YAML as Kubernetes tools read and write it: the dialect of go-yaml, not that of the YAML 1.2 specification.
//!
//! Reading gives a tree of [`Node`]s, which keeps what go-yaml's own node tree keeps (kind, tag, style, text, anchors and,
//! on request, comments); [`Value`] is the JSON-like view of it. Writing goes either the way of kustomize's output (JSON,
//! then YAML by go-yaml v2: [`to_sorted_yaml`]) or to JSON as Go's encoder gives it ([`Value::to_json`]).
//!
//! ```
//! let documents = flux_yaml::parse_documents(b"b: [1, 'x']\na: yes\n")?;
//! let text = flux_yaml::to_sorted_yaml(&documents[0])?;
//! assert_eq!(text, "a: \"yes\"\nb:\n- 1\n- x\n");
//! # Ok::<(), flux_yaml::Error>(())
//! ```

mod compose;
mod configuration;
mod duplicates;
mod emitter;
mod error;
mod event;
mod expand;
mod input;
mod json;
mod node;
mod parser;
mod quote;
mod resolve;
mod scanner;
mod styled;
mod timestamp;
mod token;
mod value;
mod write;

pub use compose::{Limits, parse_commented, parse_document, parse_documents, parse_with};
pub use configuration::read_configuration;
pub use error::{DuplicateKey, Error};
pub use event::{Comments, Event, EventData, Properties};
pub use json::push_json_string;
pub use node::{Entry, Kind, List, Node, Style, Tag, Text};
pub use parser::Parser;
pub use resolve::{Resolved, Schema, resolve};
pub use styled::{Lists, to_styled_yaml, write_styled};
pub use timestamp::Timestamp;
pub use token::Mark;
pub use value::{Object, Value};
pub use write::{to_sorted_yaml, write_sorted_yaml};
