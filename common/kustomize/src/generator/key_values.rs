//! Keys and values from literals, files and files of lines.

use crate::error::{Context as _, Error, Result};
use crate::kustomization::GeneratorArgs;
use crate::loader::Loader;
use crate::path;

type Pairs = Vec<(String, Vec<u8>)>;

/// Longest line of an env file; a longer one ends the file without a word, as upstream.
const MAX_LINE: usize = 64 * 1024;

/// The pairs of all sources: env files, then literals, then files.
///
/// # Errors
/// A source that is malformed or cannot be loaded.
pub(super) fn load(args: &GeneratorArgs, loader: &Loader<'_>) -> Result<Pairs> {
    let mut pairs = Pairs::new();
    for path in &args.envs {
        let lines = loader.load(path).and_then(|content| env_lines(&content));
        pairs.extend(lines.context(|| format!("env source files: [{}]", args.envs.join(" ")))?);
    }
    for source in &args.literals {
        let pair = literal(source).context(|| format!("literal sources [{}]", args.literals.join(" ")))?;
        pairs.push(pair);
    }
    for source in &args.files {
        let pair = file_source(source).and_then(|(key, path)| Ok((key.to_owned(), loader.load(path)?)));
        pairs.push(pair.context(|| format!("file sources: [{}]", args.files.join(" ")))?);
    }
    Ok(pairs)
}

fn literal(source: &str) -> Result<(String, Vec<u8>)> {
    match source.split_once('=') {
        Some((key, value)) if !key.is_empty() => {
            Ok((key.to_owned(), without_quotes(value).as_bytes().to_vec()))
        }
        _ => Err(Error::invalid(format!("invalid literal source {source}, expected key=value"))),
    }
}

/// A text without one pair of equal quotes around it.
fn without_quotes(text: &str) -> &str {
    let strip = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    strip('\'').or_else(|| strip('"')).unwrap_or(text)
}

fn file_source(source: &str) -> Result<(&str, &str)> {
    let Some((key, path)) = source.split_once('=') else {
        return Ok((path::base_name(source), source));
    };
    let problem = if path.contains('=') {
        format!("source {source:?} key name or file path contains '='")
    } else if key.is_empty() {
        format!("missing key name for file path {path:?} in source {source:?}")
    } else if path.is_empty() {
        format!("missing file path for key name {key:?} in source {source:?}")
    } else {
        return Ok((key, path));
    };
    Err(Error::invalid(problem))
}

fn env_lines(content: &[u8]) -> Result<Pairs> {
    let mut pairs = Pairs::new();
    for (number, line) in content.split(|byte| *byte == b'\n').enumerate() {
        if line.len() >= MAX_LINE {
            break;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Ok(line) = str::from_utf8(line) else {
            let text = String::from_utf8_lossy(line);
            // the bytes as Go prints a slice of them
            let bytes: Vec<_> = line.iter().map(u8::to_string).collect();
            return Err(Error::invalid(format!(
                "line [{}] has invalid utf8 bytes : {text}",
                bytes.join(" ")
            )));
        };
        let line = if number == 0 { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line };
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        if !key.is_empty() {
            pairs.push((key.to_owned(), value.as_bytes().to_vec()));
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_lose_one_pair_of_quotes() {
        let value = |source: &str| String::from_utf8(literal(source).unwrap().1).unwrap();
        assert_eq!(
            [value("a=b=c"), value("a='b'"), value("a=\"b'"), value("a=''c''"), value("a='")],
            ["b=c", "b", "\"b'", "'c'", "'"]
        );
        assert_eq!(literal("=b").unwrap_err().message(), "invalid literal source =b, expected key=value");
    }

    #[test]
    fn files_are_named_by_key_or_path() {
        assert_eq!(file_source("a/b.txt").unwrap(), ("b.txt", "a/b.txt"));
        assert_eq!(file_source("k=a/b").unwrap(), ("k", "a/b"));
        let message = |source| file_source(source).unwrap_err().message();
        assert_eq!(message("=p"), "missing key name for file path \"p\" in source \"=p\"");
        assert_eq!(message("k="), "missing file path for key name \"k\" in source \"k=\"");
        assert_eq!(message("a=b=c"), "source \"a=b=c\" key name or file path contains '='");
    }

    #[test]
    fn env_files_are_lines() {
        let text = "\u{feff}A=1\r\n  # c\n\n B = 'x' \nC\n=d\n";
        let pairs: Vec<_> = env_lines(text.as_bytes())
            .unwrap()
            .into_iter()
            .map(|(key, value)| format!("{key}:{}", String::from_utf8(value).unwrap()))
            .collect();
        assert_eq!(pairs, ["A:1", "B : 'x' ", "C:"]);
        assert!(env_lines(b"A=\xff").unwrap_err().message().contains("invalid utf8"));
    }
}
