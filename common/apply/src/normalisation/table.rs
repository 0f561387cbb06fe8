//! The table of Go's field types, parsed once.

use std::collections::HashMap;
use std::sync::OnceLock;

/// Printed by `normalisation-table`; its head describes the lines.
const TEXT: &str = include_str!("table.txt");

/// When Go leaves a field out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Omit {
    Never,
    Empty,
    Zero,
    EmptyOrZero,
}

/// One field of a struct type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) omit: Omit,
    pub(super) code: &'static str,
}

/// All kinds and types of client-go's scheme.
pub(super) struct Table {
    kinds: HashMap<(&'static str, &'static str), usize>,
    types: Vec<Box<[Field]>>,
}

impl Table {
    /// The one table of the process.
    pub(super) fn get() -> &'static Self {
        static TABLE: OnceLock<Table> = OnceLock::new();
        TABLE.get_or_init(|| Self::parse(TEXT))
    }

    fn parse(text: &'static str) -> Self {
        let mut table = Self { kinds: HashMap::new(), types: Vec::new() };
        for line in text.lines() {
            let mut words = line.split(' ');
            match (words.next(), words.next()) {
                (Some("K"), Some(api_version)) => {
                    if let (Some(kind), Some(Ok(number))) = (words.next(), words.next().map(str::parse)) {
                        table.kinds.insert((api_version, kind), number);
                    }
                }
                (Some("T"), Some(_)) => table.types.push(words.filter_map(field).collect()),
                _ => {}
            }
        }
        table
    }

    pub(super) fn kind(&self, api_version: &str, kind: &str) -> Option<usize> {
        self.kinds.get(&(api_version, kind)).copied()
    }

    /// Fields of a type by its number; the table's own numbers are all known, as a test checks.
    pub(super) fn fields(&self, number: usize) -> &[Field] {
        self.types.get(number).map_or(&[], |fields| fields)
    }
}

fn field(word: &'static str) -> Option<Field> {
    let mut parts = word.split(',');
    let (name, omit, code) = (parts.next()?, parts.next()?, parts.next()?);
    let omit = match omit {
        "o" => Omit::Empty,
        "z" => Omit::Zero,
        "b" => Omit::EmptyOrZero,
        _ => Omit::Never,
    };
    Some(Field { name, omit, code })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_understood() {
        let table = Table::get();
        let count = |prefix| TEXT.lines().filter(|line| line.starts_with(prefix)).count();
        assert_eq!(table.kinds.len(), count("K "));
        assert_eq!(table.types.len(), count("T "));
        for (number, line) in TEXT.lines().filter(|line| line.starts_with("T ")).enumerate() {
            assert_eq!(line.split(' ').nth(1), Some(number.to_string().as_str()));
            assert_eq!(table.fields(number).len(), line.split(' ').count() - 2);
        }
        let codes = table.types.iter().flatten().map(|field| field.code.trim_start_matches(['[', '{', '*']));
        for code in codes {
            match code.strip_prefix('T') {
                Some(number) => assert!(number.parse::<usize>().unwrap() < table.types.len()),
                None => assert!("sifbyqtmdxr".contains(code), "{code}"),
            }
        }
    }
}
