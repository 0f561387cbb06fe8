//! Documents of a rendered file.

/// Documents of a text: what lies between lines that start with `---`, without blank ones. What follows on such a line
/// belongs to the next document. A document loses the blanks before it and keeps those after it.
pub fn split(text: &str) -> Vec<&str> {
    let text = text.trim_start();
    let mut documents = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        if let Some(rest) = line.strip_prefix("---") {
            documents.extend(text.get(start..at));
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
            start = at + 3 + blanks;
        }
        at += line.len();
    }
    documents.extend(text.get(start..));
    documents.into_iter().map(str::trim_start).filter(|document| !document.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_keep_their_tail() {
        assert_eq!(split("\n\na: 1\n\n---\n\nb: 2\n\n\n"), ["a: 1\n\n", "b: 2\n\n\n"]);
    }

    #[test]
    fn separators_are_lines_that_start_with_dashes() {
        assert_eq!(split("--- # c\na: |\n  ---\n---\t \r\n----\nb"), ["# c\na: |\n  ---\n", "-\nb"]);
        assert_eq!(split("---a: 1\n---"), ["a: 1\n"]);
        assert!(split(" \n---\n---\n").is_empty());
    }
}
