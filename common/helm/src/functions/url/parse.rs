//! Reading URLs.

use std::net::{Ipv4Addr, Ipv6Addr};

use flux_gotext::{Shown, quote_bytes};

use super::{Part, Url, UserInfo, is_valid, unescape};

/// Why a text is no URL, in the words of Go.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in super::super) enum ParseUrlError {
    /// The whole error, with the text.
    #[error("parse {}: {cause}", quoted(text))]
    Text {
        /// The text.
        text: Vec<u8>,
        /// What is wrong with it.
        cause: Box<Self>,
    },
    #[error("net/url: invalid control character in URL")]
    Control,
    #[error("missing protocol scheme")]
    Scheme,
    #[error("first path segment in URL cannot contain colon")]
    FirstSegment,
    #[error("net/url: invalid userinfo")]
    UserInfo,
    #[error("invalid IP-literal")]
    IpLiteral,
    #[error("missing ']' in host")]
    Bracket,
    #[error("invalid host: ParseAddr({}): unable to parse IP", quoted(.0))]
    Host(Vec<u8>),
    #[error("invalid port {} after host", quoted(.0))]
    Port(Vec<u8>),
    #[error("invalid URL escape {}", quoted(.0))]
    Escape(Vec<u8>),
    #[error("invalid character {} in host name", quoted(&[*.0]))]
    HostCharacter(u8),
}

fn quoted(text: &[u8]) -> String {
    quote_bytes(text, Shown::Printable)
}

/// Before and after the first `byte`; all before it where there is none.
fn cut(text: &[u8], byte: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|other| *other == byte) {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
        None => (text, None),
    }
}

impl Url {
    /// Reads a URL, which may be relative, as `url.Parse` does.
    pub(in super::super) fn parse(text: &[u8]) -> Result<Self, ParseUrlError> {
        let (before, fragment) = cut(text, b'#');
        let error = |text: &[u8], cause| ParseUrlError::Text { text: text.to_vec(), cause: Box::new(cause) };
        let mut url = parse_before_fragment(before).map_err(|cause| error(before, cause))?;
        if let Some(fragment) = fragment {
            url.fragment = unescape(fragment, Part::Fragment).map_err(|cause| error(text, cause))?;
        }
        Ok(url)
    }
}

fn parse_before_fragment(text: &[u8]) -> Result<Url, ParseUrlError> {
    if text.iter().any(u8::is_ascii_control) {
        return Err(ParseUrlError::Control);
    }
    let mut url = Url::default();
    if text == b"*" {
        url.path = text.to_vec();
        return Ok(url);
    }
    let (scheme, rest) = split_scheme(text)?;
    url.scheme = scheme.to_ascii_lowercase();
    let (rest, query) = cut(rest, b'?');
    url.query = query.unwrap_or_default().to_vec();
    if !rest.starts_with(b"/") {
        if !url.scheme.is_empty() {
            url.opaque = rest.to_vec();
            return Ok(url);
        }
        if cut(rest, b'/').0.contains(&b':') {
            return Err(ParseUrlError::FirstSegment);
        }
    }
    let has_authority = rest.starts_with(b"//") && (!url.scheme.is_empty() || !rest.starts_with(b"///"));
    let mut path = rest;
    if has_authority {
        let after = rest.get(2..).unwrap_or_default();
        let end = after.iter().position(|byte| *byte == b'/').unwrap_or(after.len());
        let (authority, behind) = after.split_at(end);
        (url.user, url.host) = parse_authority(&url.scheme, authority)?;
        path = behind;
    }
    url.path = unescape(path, Part::Path)?;
    Ok(url)
}

fn split_scheme(text: &[u8]) -> Result<(&[u8], &[u8]), ParseUrlError> {
    for (index, byte) in text.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if index > 0 => {}
            b':' if index == 0 => return Err(ParseUrlError::Scheme),
            b':' => {
                let (scheme, rest) = text.split_at(index);
                return Ok((scheme, rest.get(1..).unwrap_or_default()));
            }
            _ => break,
        }
    }
    Ok((&[], text))
}

fn parse_authority(scheme: &[u8], authority: &[u8]) -> Result<(Option<UserInfo>, Vec<u8>), ParseUrlError> {
    let Some(at) = authority.iter().rposition(|byte| *byte == b'@') else {
        return Ok((None, parse_host(scheme, authority)?));
    };
    let host = parse_host(scheme, authority.get(at + 1..).unwrap_or_default())?;
    let user_info = authority.get(..at).unwrap_or_default();
    if !is_valid(user_info) {
        return Err(ParseUrlError::UserInfo);
    }
    let (name, password) = cut(user_info, b':');
    let name = unescape(name, Part::UserPassword)?;
    let password = password.map(|password| unescape(password, Part::UserPassword)).transpose()?;
    Ok((Some(UserInfo { name, password }), host))
}

fn check_port(port: &[u8]) -> Result<(), ParseUrlError> {
    let is_port = match port.split_first() {
        None => true,
        Some((b':', digits)) => digits.iter().all(u8::is_ascii_digit),
        Some(_) => false,
    };
    if is_port { Ok(()) } else { Err(ParseUrlError::Port(port.to_vec())) }
}

fn parse_host(scheme: &[u8], host: &[u8]) -> Result<Vec<u8>, ParseUrlError> {
    match host.iter().rposition(|byte| *byte == b'[') {
        Some(0) => return parse_ip_literal(host),
        Some(_) => return Err(ParseUrlError::IpLiteral),
        None => {}
    }
    // lists of hosts with ports are taken for other schemes, as databases have them
    let is_strict = matches!(scheme, b"http" | b"https");
    let is_colon = |byte: &u8| *byte == b':';
    let colon = if is_strict { host.iter().position(is_colon) } else { host.iter().rposition(is_colon) };
    check_port(colon.and_then(|at| host.get(at..)).unwrap_or_default())?;
    unescape(host, Part::Host)
}

/// `[::1]:80`, perhaps with a zone behind `%25`.
fn parse_ip_literal(host: &[u8]) -> Result<Vec<u8>, ParseUrlError> {
    let Some(end) = host.iter().rposition(|byte| *byte == b']') else { return Err(ParseUrlError::Bracket) };
    let port = host.get(end + 1..).unwrap_or_default();
    check_port(port)?;
    let inside = host.get(1..end).unwrap_or_default();
    let zone = inside.windows(3).position(|window| window == b"%25");
    let (address, zone) = inside.split_at(zone.unwrap_or(inside.len()));
    let address = unescape(address, Part::Host)?;
    let zone = unescape(zone, Part::Zone)?;
    let text = String::from_utf8_lossy(&address);
    let name = [address.as_slice(), &zone].concat();
    if text.parse::<Ipv4Addr>().is_ok() {
        return Err(ParseUrlError::IpLiteral);
    }
    if text.parse::<Ipv6Addr>().is_err() || zone == b"%" {
        return Err(ParseUrlError::Host(name));
    }
    Ok([b"[", name.as_slice(), b"]", port].concat())
}
