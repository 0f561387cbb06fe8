//! URLs of directories in Git repositories.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::path;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(27);
const SCHEMES: [&str; 4] = ["ssh://", "https://", "http://", "file://"];

/// A directory in a Git repository, as a URL names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositorySpec {
    url: String,
    clone_url: String,
    directory: String,
    reference: String,
    timeout: Duration,
    submodules: Submodules,
}

/// What happens to the submodules of a cloned repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submodules {
    /// They are cloned as well.
    Update,
    /// They are left out.
    Skip,
}

impl RepositorySpec {
    /// Parses a URL by kustomize's grammar.
    ///
    /// # Errors
    /// [`Error::Invalid`] if this is no Git URL; most of all, if it is a path.
    pub fn parse(url: &str) -> Result<Self> {
        if path::is_absolute(url) {
            return Err(Error::invalid(format!("uri looks like abs path: {url}")));
        }
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let (host, path) = split_host(address)?;
        let (repository, directory) = split_path(path, &host)?;
        let query = Query::parse(query);
        Ok(Self {
            url: url.to_owned(),
            clone_url: format!("{host}{repository}"),
            directory: directory.strip_prefix('/').unwrap_or(directory).to_owned(),
            reference: query.reference,
            timeout: query.timeout,
            submodules: query.submodules,
        })
    }

    /// The URL as it was given.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What to clone.
    pub fn clone_url(&self) -> &str {
        &self.clone_url
    }

    /// The directory in the repository; empty for its root.
    pub fn directory(&self) -> &str {
        &self.directory
    }

    /// The reference to fetch; empty for `HEAD`.
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// How long each Git operation may take; 27 seconds by default.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// What happens to submodules; they are updated by default.
    pub fn submodules(&self) -> Submodules {
        self.submodules
    }
}

/// Scheme, user and host, ready to be put before a repository's path; and the rest.
fn split_host(address: &str) -> Result<(String, &str)> {
    let address = strip_ignoring_case(address, "git::").unwrap_or(address);
    let (scheme, rest) = SCHEMES
        .iter()
        .find_map(|scheme| Some((*scheme, strip_ignoring_case(address, scheme)?)))
        .unwrap_or(("", address));
    let (user, rest) = split_user(rest);
    let is_github =
        ["github.com/", "github.com:"].iter().any(|host| strip_ignoring_case(rest, host).is_some());
    let is_scp_style = scheme.is_empty() && (!user.is_empty() || is_github);
    if scheme.is_empty() && !is_scp_style {
        return Err(Error::invalid("failed to parse scheme"));
    }
    if scheme == "file://" {
        let path = strip_ignoring_case(address, scheme).unwrap_or(rest);
        return Ok((scheme.to_owned(), path));
    }
    let slash = rest.find('/');
    let colon = rest.find(':').filter(|_| is_scp_style);
    let end = match (slash, colon) {
        (Some(slash), Some(colon)) if colon > 0 && colon < slash => Some(colon),
        (Some(slash), _) => Some(slash),
        (None, colon) => colon,
    };
    let (host, path) = end.and_then(|end| rest.split_at_checked(end + 1)).unwrap_or((rest, ""));
    if is_github {
        let normalised = if scheme == "ssh://" || !user.is_empty() {
            format!("{user}github.com:")
        } else {
            "https://github.com/".to_owned()
        };
        return Ok((normalised, path));
    }
    if host.is_empty() {
        return Err(Error::invalid("failed to parse host segment"));
    }
    Ok((format!("{scheme}{user}{host}"), path))
}

/// A leading `user@`, and the rest.
fn split_user(text: &str) -> (&str, &str) {
    let Some(at) = text.find('@') else { return ("", text) };
    let (user, rest) = text.split_at_checked(at + 1).unwrap_or(("", text));
    let name = user.trim_end_matches('@');
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if is_name && user.len() == name.len() + 1 { (user, rest) } else { ("", text) }
}

/// The path of the repository, and that of the directory in it.
fn split_path<'a>(path: &'a str, host: &str) -> Result<(&'a str, &'a str)> {
    let split_after = |marker: &str| {
        let end = path.find(marker)? + marker.len();
        path.split_at_checked(end)
    };
    let (repository, directory) = if let Some((before, after)) = split_after("_git/") {
        let name = after.split('/').next().unwrap_or_default();
        let end = before.len() + name.len();
        let (repository, rest) = path.split_at_checked(end).unwrap_or((path, ""));
        (repository, rest.strip_prefix('/').unwrap_or(rest))
    } else if let Some(split) = path.split_once("//") {
        split
    } else if let Some(split) = split_after(".git") {
        split
    } else if host.starts_with("file://") {
        (path, "")
    } else {
        let first = path.find('/').ok_or_else(no_repository)?;
        let second = path.get(first + 1..).and_then(|rest| rest.find('/')).map(|at| first + 1 + at);
        match second.and_then(|second| path.split_at_checked(second)) {
            Some((repository, rest)) => (repository, rest.strip_prefix('/').unwrap_or(rest)),
            None => (path, ""),
        }
    };
    if repository.is_empty() {
        return Err(no_repository());
    }
    let cleaned = path::clean(directory.strip_prefix('/').unwrap_or(directory));
    if cleaned.split('/').next() == Some("..") {
        return Err(Error::invalid(format!("url path exits repo: {path}")));
    }
    Ok((repository, directory))
}

fn no_repository() -> Error {
    Error::invalid("failed to parse repo path segment")
}

fn strip_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

struct Query {
    reference: String,
    timeout: Duration,
    submodules: Submodules,
}

impl Query {
    fn default() -> Self {
        Self { reference: String::new(), timeout: DEFAULT_TIMEOUT, submodules: Submodules::Update }
    }

    /// What a query says; one that is malformed says nothing.
    fn parse(query: &str) -> Self {
        let mut found = Self::default();
        let mut version = String::new();
        let mut seen: Vec<String> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (unescape(name), unescape(value)) else { return Self::default() };
            // a semicolon makes the query malformed; of several values the first one counts
            if pair.contains(';') {
                return Self::default();
            }
            if seen.contains(&name) {
                continue;
            }
            match name.as_str() {
                "ref" => found.reference = value,
                "version" => version = value,
                "timeout" => found.timeout = timeout(&value).unwrap_or(DEFAULT_TIMEOUT),
                "submodules" if matches!(value.as_str(), "0" | "f" | "F" | "false" | "False" | "FALSE") => {
                    found.submodules = Submodules::Skip;
                }
                _ => {}
            }
            seen.push(name);
        }
        if found.reference.is_empty() {
            found.reference = version;
        }
        found
    }
}

/// Seconds, or a Go duration; more than nothing.
fn timeout(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<i64>() {
        return u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs);
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    let mut total = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at_checked(end)?;
        let units =
            [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
        let (unit, seconds) = units.iter().find(|(unit, _)| tail.starts_with(unit))?;
        total += number.parse::<f64>().ok()? * seconds;
        rest = tail.strip_prefix(unit)?;
    }
    (total > 0.0).then(|| Duration::try_from_secs_f64(total).ok()).flatten()
}

/// The text of a query component; `None` if an escape is malformed.
fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_split_by_the_grammar() {
        let cases = [
            ("https://github.com/org/repo/dir?ref=v1", "https://github.com/org/repo", "dir", "v1"),
            ("github.com/org/repo//a/b?ref=x", "https://github.com/org/repo", "a/b", "x"),
            ("git@github.com:org/repo.git/dir", "git@github.com:org/repo.git", "dir", ""),
            ("ssh://git@host.xz:7999/org/repo.git//d", "ssh://git@host.xz:7999/org/repo.git", "d", ""),
            ("https://dev.azure.com/o/p/_git/repo/d", "https://dev.azure.com/o/p/_git/repo", "d", ""),
            ("http://github.com/org/repo", "https://github.com/org/repo", "", ""),
            ("git::https://example.org/o/r?version=1&ref=", "https://example.org/o/r", "", "1"),
            ("file:///srv/git/repo", "file:///srv/git/repo", "", ""),
            ("file://a@b/repo.git/x", "file://a@b/repo.git", "x", ""),
            ("file:///srv/git/repo//c/d?ref=x", "file:///srv/git/repo", "c/d", "x"),
            ("GIT::HTTPS://GitHub.com/org/repo", "https://github.com/org/repo", "", ""),
            ("git@github.com/org/repo", "git@github.com:org/repo", "", ""),
            ("ssh://git@github.com/org/repo/d", "git@github.com:org/repo", "d", ""),
            ("github.com:org/repo/d", "https://github.com/org/repo", "d", ""),
            ("user@host.xz:path/to/repo.git/d", "user@host.xz:path/to/repo.git", "d", ""),
            ("git@gitlab.com:group/sub/repo//d", "git@gitlab.com:group/sub/repo", "d", ""),
            ("https://host.xz:8080/o/r/d/e", "https://host.xz:8080/o/r", "d/e", ""),
            ("https://host.xz/o/r?version=v1&ref=v2", "https://host.xz/o/r", "", "v2"),
        ];
        for (url, clone_url, directory, reference) in cases {
            let spec = RepositorySpec::parse(url).unwrap();
            assert_eq!(
                (spec.clone_url(), spec.directory(), spec.reference()),
                (clone_url, directory, reference),
                "{url}"
            );
        }
    }

    #[test]
    fn what_is_no_url_says_why() {
        let message = |url: &str| RepositorySpec::parse(url).unwrap_err().message();
        for path in ["base", "../base", "./a.git", "a/b.yaml", "", "host.xz:a/b", "htp://host/a/b"] {
            assert_eq!(message(path), "failed to parse scheme", "{path}");
        }
        assert_eq!(message("/a/b"), "uri looks like abs path: /a/b");
        assert_eq!(message("https://"), "failed to parse host segment");
        assert_eq!(message("https://host/repo"), "failed to parse repo path segment");
        assert_eq!(message("https://host/a/b/../../c"), "url path exits repo: a/b/../../c");
    }

    #[test]
    fn queries_set_timeout_and_submodules() {
        let spec = |query: &str| RepositorySpec::parse(&format!("https://h/a/b?{query}")).unwrap();
        assert_eq!(spec("timeout=61").timeout(), Duration::from_secs(61));
        assert_eq!(spec("timeout=1m1s").timeout(), Duration::from_secs(61));
        assert_eq!(spec("timeout=-1").timeout(), DEFAULT_TIMEOUT);
        assert_eq!(spec("submodules=false").submodules(), Submodules::Skip);
        assert_eq!(spec("ref=%zz").reference(), "");
        assert_eq!(spec("ref=a%2Fb").reference(), "a/b");
    }
}
