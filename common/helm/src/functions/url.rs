//! URLs as Go's `net/url` reads and writes them.

mod escape;
mod parse;

pub(super) use parse::ParseUrlError;

use escape::{Part, escape, is_valid, unescape};

/// Name and password before the `@`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct UserInfo {
    name: Vec<u8>,
    password: Option<Vec<u8>>,
}

impl UserInfo {
    /// `name`, or `name:password`, escaped.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut output = escape(&self.name, Part::UserPassword);
        if let Some(password) = &self.password {
            output.push(b':');
            output.extend(escape(password, Part::UserPassword));
        }
        output
    }
}

/// The parts of a URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) scheme: Vec<u8>,
    /// What follows a scheme without a slash.
    pub(super) opaque: Vec<u8>,
    pub(super) user: Option<UserInfo>,
    /// With the port.
    pub(super) host: Vec<u8>,
    /// Not escaped.
    pub(super) path: Vec<u8>,
    /// Without its question mark.
    pub(super) query: Vec<u8>,
    /// Not escaped.
    pub(super) fragment: Vec<u8>,
}

impl Url {
    /// The host without port and brackets.
    pub(super) fn host_name(&self) -> Vec<u8> {
        let host = &self.host;
        let colon = host.iter().rposition(|byte| *byte == b':');
        let is_port = |at: &usize| host.get(at + 1..).is_some_and(|port| port.iter().all(u8::is_ascii_digit));
        let name = colon.filter(is_port).and_then(|at| host.get(..at)).unwrap_or(host);
        let inner = name.strip_prefix(b"[").and_then(|name| name.strip_suffix(b"]"));
        inner.unwrap_or(name).to_vec()
    }

    /// The URL as `URL.String` writes it.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut output = Vec::new();
        if !self.scheme.is_empty() {
            output.extend_from_slice(&self.scheme);
            output.push(b':');
        }
        if self.opaque.is_empty() {
            self.push_host_and_path(&mut output);
        } else {
            output.extend_from_slice(&self.opaque);
        }
        if !self.query.is_empty() {
            output.push(b'?');
            output.extend_from_slice(&self.query);
        }
        if !self.fragment.is_empty() {
            output.push(b'#');
            output.extend(escape(&self.fragment, Part::Fragment));
        }
        output
    }

    fn push_host_and_path(&self, output: &mut Vec<u8>) {
        let has_authority = !self.host.is_empty() || self.user.is_some();
        if has_authority || (!self.scheme.is_empty() && !self.path.is_empty()) {
            output.extend_from_slice(b"//");
        }
        if let Some(user) = &self.user {
            output.extend(user.to_bytes());
            output.push(b'@');
        }
        output.extend(escape(&self.host, Part::Host));
        let path = if self.path == b"*" { b"*".to_vec() } else { escape(&self.path, Part::Path) };
        if !path.is_empty() && path.first() != Some(&b'/') && !self.host.is_empty() {
            output.push(b'/');
        }
        let first_segment = path.split(|byte| *byte == b'/').next().unwrap_or_default();
        if output.is_empty() && first_segment.contains(&b':') {
            output.extend_from_slice(b"./");
        }
        output.extend(path);
    }
}
