//! Names that may stand in a tree.

/// The name as text.
///
/// # Errors
/// The name as it can be shown, where git itself would refuse to check it out: empty, `.`, `..`, with a slash, or what
/// some file system takes for `.git`. Names that are not UTF-8 are refused too, since no path of ours could say them.
pub(super) fn checked(name: &[u8]) -> Result<&str, String> {
    let shown = || String::from_utf8_lossy(name).chars().take(256).collect::<String>();
    let text = std::str::from_utf8(name).map_err(|_| shown())?;
    let is_special = matches!(text, "" | "." | "..") || text.contains(['/', '\\', '\0']);
    if is_special || is_git_directory(text) { Err(shown()) } else { Ok(text) }
}

/// Whether a file system takes `name` for `.git`: whatever the case, with dots and spaces at its end or a stream behind a
/// colon (NTFS), under its short name, or with characters in it that do not count (HFS+).
fn is_git_directory(name: &str) -> bool {
    let visible: String = name.chars().filter(|c| !is_ignorable(*c)).collect();
    let base = visible.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    base.eq_ignore_ascii_case(".git") || base.eq_ignore_ascii_case("git~1")
}

/// Characters that HFS+ leaves out of comparisons.
const fn is_ignorable(character: char) -> bool {
    matches!(character, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tricks_are_refused_and_look_alikes_are_not() {
        for name in [
            "",
            ".",
            "..",
            "a/b",
            "a\\b",
            ".git",
            ".GIT",
            ".git.",
            ".git ",
            "GIT~1",
            ".g\u{200c}it",
            ".git::$INDEX_ALLOCATION",
        ] {
            assert!(checked(name.as_bytes()).is_err(), "{name:?}");
        }
        for name in [".gitignore", ".github", "git", ".gitmodules", "é.yaml", "...", ".sourceignore"] {
            assert_eq!(checked(name.as_bytes()), Ok(name));
        }
        assert!(checked(b"\xff").is_err());
    }
}
