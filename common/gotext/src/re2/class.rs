//! Classes in brackets.

use super::{Re2Error, Scanner, escape};

/// Translates a class; its bracket is already read. Members are written by code, so that nothing in them means anything
/// to the `regex` crate.
pub(super) fn translate(scanner: &mut Scanner<'_>, output: &mut String) -> Result<(), Re2Error> {
    let whole = scanner.rest;
    let missing = || Re2Error::syntax("missing closing ]", format!("[{whole}"));
    output.push('[');
    if scanner.take("^") {
        output.push('^');
    }
    let mut is_first = true;
    loop {
        if !is_first && scanner.take("]") {
            output.push(']');
            return Ok(());
        }
        is_first = false;
        if scanner.rest.starts_with("[:") && scanner.rest.contains(":]") {
            named(scanner, output)?;
            continue;
        }
        let before = scanner.rest;
        if scanner.take("\\") && group(scanner, output)? {
            continue;
        }
        scanner.rest = before;
        let low = member(scanner)?.ok_or_else(missing)?;
        output.push_str(&escape::literal(low));
        let is_range = scanner.rest.starts_with('-') && !scanner.rest.starts_with("-]");
        if is_range && scanner.take("-") {
            let high = member(scanner)?.ok_or_else(missing)?;
            if high < low {
                return Err(Re2Error::syntax("invalid character class range", format!("{low}-{high}")));
            }
            output.push('-');
            output.push_str(&escape::literal(high));
        }
    }
}

/// `[:alpha:]` and the like.
fn named(scanner: &mut Scanner<'_>, output: &mut String) -> Result<(), Re2Error> {
    const NAMES: &[&str] = &[
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
        "upper", "word", "xdigit",
    ];
    scanner.take("[:");
    let name = scanner.until(":]");
    if !NAMES.contains(&name.strip_prefix('^').unwrap_or(name)) {
        return Err(Re2Error::syntax("invalid character class range", format!("[:{name}:]")));
    }
    output.extend(["[:", name, ":]"]);
    Ok(())
}

/// `\d`, `\pL` and the like; whether it was one.
fn group(scanner: &mut Scanner<'_>, output: &mut String) -> Result<bool, Re2Error> {
    let Some(letter) = scanner.next() else { return Ok(false) };
    if let Some((members, negated)) = escape::class_of(letter) {
        let (open, close) = if negated { ("[^", "]") } else { ("", "") };
        output.extend([open, members, close]);
        return Ok(true);
    }
    if matches!(letter, 'p' | 'P') {
        escape::property(letter, scanner, output)?;
        return Ok(true);
    }
    Ok(false)
}

/// One character of a class; `None` at the end of the pattern.
fn member(scanner: &mut Scanner<'_>) -> Result<Option<char>, Re2Error> {
    match scanner.next() {
        Some('\\') => escape::character(scanner).map(Some),
        other => Ok(other),
    }
}
