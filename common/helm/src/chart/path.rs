//! Paths with slashes, as Go's `path` package treats them.

/// Path without empty elements, `.` and, where possible, `..`: Go's `path.Clean`.
pub(crate) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for element in path.split('/') {
        match element {
            "" | "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => {
                kept.pop();
            }
            ".." if rooted => {}
            other => kept.push(other),
        }
    }
    let joined = kept.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

/// Last element of a path: Go's `path.Base`.
pub(crate) fn base(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match trimmed.rsplit_once('/') {
        _ if path.is_empty() => ".",
        _ if trimmed.is_empty() => "/",
        Some((_, last)) => last,
        None => trimmed,
    }
}

/// Suffix of the last element that starts with its last dot: Go's `path.Ext`.
pub(crate) fn extension(path: &str) -> &str {
    let last = path.rsplit('/').next().unwrap_or_default();
    last.rfind('.').and_then(|at| last.get(at..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_as_in_go() {
        for (path, want) in [
            ("", "."),
            ("a//b/./c/..", "a/b"),
            ("../a/../..", "../.."),
            ("/../a", "/a"),
            ("/", "/"),
            ("a/..", "."),
            ("./a", "a"),
        ] {
            assert_eq!(clean(path), want, "{path}");
        }
    }

    #[test]
    fn bases_and_extensions_are_those_of_go() {
        for (path, want) in [("", "."), ("/", "/"), ("a/b/", "b"), ("a", "a"), ("..", "..")] {
            assert_eq!(base(path), want, "{path}");
        }
        for (path, want) in [("a.b/c", ""), ("a.tgz", ".tgz"), ("a.b.yaml", ".yaml"), ("a.", ".")] {
            assert_eq!(extension(path), want, "{path}");
        }
    }
}
