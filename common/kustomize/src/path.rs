//! Slash-separated paths as text, by Go's rules: kustomize's messages and origin annotations contain them.

/// The shortest equivalent of a path by lexical processing, as Go's `filepath.Clean`: no empty or `.` elements, `..`
/// only at the start of a relative path, no trailing slash; `.` for the empty path.
pub(crate) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut elements: Vec<&str> = Vec::new();
    for element in path.split('/') {
        match element {
            "" | "." => {}
            ".." => match elements.last() {
                Some(&last) if last != ".." => {
                    elements.pop();
                }
                None if rooted => {}
                Some(_) | None => elements.push(element),
            },
            name => elements.push(name),
        }
    }
    let joined = elements.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

/// The two parts joined by a slash and cleaned; an empty part is left out, as in Go's `filepath.Join`.
pub(crate) fn join(first: &str, second: &str) -> String {
    match (first.is_empty(), second.is_empty()) {
        (true, true) => String::new(),
        (true, false) => clean(second),
        (false, true) => clean(first),
        (false, false) => clean(&format!("{first}/{second}")),
    }
}

/// A path made absolute against `directory`, and cleaned.
pub(crate) fn absolute(directory: &str, path: &str) -> String {
    if is_absolute(path) { clean(path) } else { join(directory, path) }
}

/// Whether a path starts at the root.
pub(crate) fn is_absolute(path: &str) -> bool {
    path.starts_with('/')
}

/// The directory part of a cleaned path; `.` if it has none.
pub(crate) fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((directory, _)) => directory,
        None => ".",
    }
}

/// The last element of a path, as Go's `filepath.Base`: `.` for the empty path, `/` for a path of slashes only.
pub(crate) fn base_name(path: &str) -> &str {
    if path.is_empty() {
        return ".";
    }
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() {
        return "/";
    }
    trimmed.rsplit_once('/').map_or(trimmed, |(_, name)| name)
}

/// Whether `path` is `directory` or lies below it; both cleaned and absolute.
pub(crate) fn is_in_or_below(path: &str, directory: &str) -> bool {
    directory == "/"
        || path == directory
        || path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleaning_is_lexical() {
        let cases = [
            ("", "."),
            ("./a//b/", "a/b"),
            ("a/../../b", "../b"),
            ("/..", "/"),
            ("/a/b/../c/.", "/a/c"),
            ("../../x", "../../x"),
        ];
        for (path, expected) in cases {
            assert_eq!(clean(path), expected, "{path}");
        }
    }

    #[test]
    fn joining_cleans_and_names_split() {
        assert_eq!(join("/a/b", "../c"), "/a/c");
        assert_eq!(join("", "../c"), "../c");
        assert_eq!(absolute("/a", "/b/"), "/b");
        assert_eq!((parent("/a"), parent("/a/b"), parent("a")), ("/", "/a", "."));
        assert_eq!((base_name("/a/b"), base_name("a/"), base_name("/")), ("b", "a", "/"));
    }

    #[test]
    fn a_sibling_with_the_same_prefix_is_not_below() {
        assert!(is_in_or_below("/a/b", "/a"));
        assert!(is_in_or_below("/a", "/a"));
        assert!(!is_in_or_below("/ab", "/a"));
        assert!(is_in_or_below("/ab", "/"));
    }
}
