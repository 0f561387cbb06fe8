//! Directives, tags, anchors and aliases.

use super::{Scanner, problem};
use crate::error::Error;
use crate::token::{Mark, TokenKind};

impl<'a> Scanner<'a> {
    /// `%YAML` or `%TAG`.
    pub(super) fn directive(&mut self) -> Result<(), Error> {
        self.unroll_indent(-1, self.cursor.mark());
        self.forget_innermost_key()?;
        self.key_allowed = false;
        let start = self.cursor.mark();
        self.cursor.skip(1);
        let name = self.word();
        if name.is_empty() {
            return Err(problem("could not find expected directive name", start, self.cursor.mark()));
        }
        if !self.cursor.is_blank_or_end(0) {
            return Err(problem("found unexpected non-alphabetical character", start, self.cursor.mark()));
        }
        let kind = match name {
            "YAML" => self.version(start)?,
            "TAG" => self.tag_directive(start)?,
            _ => return Err(problem("found unknown directive name", start, self.cursor.mark())),
        };
        self.push(kind, start);
        self.cursor.skip_blanks();
        if self.cursor.byte(0) == b'#' {
            self.cursor.skip_to_line_end();
        }
        if !self.cursor.is_break_or_end() {
            return Err(problem("did not find expected comment or line break", start, self.cursor.mark()));
        }
        self.cursor.skip_break();
        Ok(())
    }

    fn version(&mut self, start: Mark) -> Result<TokenKind<'a>, Error> {
        self.cursor.skip_blanks();
        let major = self.version_number(start)?;
        if self.cursor.byte(0) != b'.' {
            return Err(problem("did not find expected digit or '.' character", start, self.cursor.mark()));
        }
        self.cursor.skip(1);
        let minor = self.version_number(start)?;
        Ok(TokenKind::VersionDirective { major, minor })
    }

    fn version_number(&mut self, start: Mark) -> Result<u8, Error> {
        let mut number = None;
        for digits in 0.. {
            let byte = self.cursor.byte(0);
            if !byte.is_ascii_digit() {
                break;
            }
            if digits == 2 {
                return Err(problem("found extremely long version number", start, self.cursor.mark()));
            }
            number = Some(number.unwrap_or(0) * 10 + (byte - b'0'));
            self.cursor.skip(1);
        }
        number.ok_or_else(|| problem("did not find expected version number", start, self.cursor.mark()))
    }

    fn tag_directive(&mut self, start: Mark) -> Result<TokenKind<'a>, Error> {
        self.cursor.skip_blanks();
        let handle = self.tag_handle(start)?;
        if handle.len() > 1 && !handle.ends_with('!') {
            return Err(problem("did not find expected '!'", start, self.cursor.mark()));
        }
        if !self.cursor.is_blank() {
            return Err(problem("did not find expected whitespace", start, self.cursor.mark()));
        }
        self.cursor.skip_blanks();
        let prefix = self.uri(String::new(), start)?;
        if prefix.is_empty() {
            return Err(problem("did not find expected tag URI", start, self.cursor.mark()));
        }
        if !self.cursor.is_blank_or_end(0) {
            return Err(problem("did not find expected whitespace or line break", start, self.cursor.mark()));
        }
        Ok(TokenKind::TagDirective(Box::new((handle, prefix))))
    }

    /// `*name` or `&name`.
    pub(super) fn anchor(&mut self, kind: fn(&'a str) -> TokenKind<'a>) -> Result<(), Error> {
        self.save_key()?;
        self.key_allowed = false;
        let start = self.cursor.mark();
        self.cursor.skip(1);
        let name = self.word();
        let followed_well = self.cursor.is_blank_or_end(0)
            || matches!(self.cursor.byte(0), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !followed_well {
            let at = self.cursor.mark();
            return Err(problem("did not find expected alphabetic or numeric character", start, at));
        }
        self.push(kind(name), start);
        Ok(())
    }

    /// `!<uri>`, `!suffix`, `!!suffix` or `!handle!suffix`.
    pub(super) fn tag(&mut self) -> Result<(), Error> {
        self.save_key()?;
        self.key_allowed = false;
        let start = self.cursor.mark();
        let (handle, suffix) = if self.cursor.byte(1) == b'<' {
            self.cursor.skip(2);
            let uri = self.uri(String::new(), start)?;
            if uri.is_empty() {
                return Err(problem("did not find expected tag URI", start, self.cursor.mark()));
            }
            if self.cursor.byte(0) != b'>' {
                return Err(problem("did not find the expected '>'", start, self.cursor.mark()));
            }
            self.cursor.skip(1);
            ("", uri)
        } else {
            self.short_tag(start)?
        };
        if !self.cursor.is_blank_or_end(0) {
            return Err(problem("did not find expected whitespace or line break", start, self.cursor.mark()));
        }
        self.push(TokenKind::Tag(Box::new((handle, suffix))), start);
        Ok(())
    }

    fn short_tag(&mut self, start: Mark) -> Result<(&'a str, String), Error> {
        let handle = self.tag_handle(start)?;
        if handle.len() > 1 && handle.ends_with('!') {
            let suffix = self.uri(String::new(), start)?;
            if suffix.is_empty() {
                return Err(problem("did not find expected tag URI", start, self.cursor.mark()));
            }
            return Ok((handle, suffix));
        }
        // what looked like a handle is the start of the suffix
        let suffix = self.uri(handle.get(1..).unwrap_or_default().to_owned(), start)?;
        Ok(if suffix.is_empty() { ("", "!".to_owned()) } else { ("!", suffix) })
    }

    fn tag_handle(&mut self, start: Mark) -> Result<&'a str, Error> {
        if self.cursor.byte(0) != b'!' {
            return Err(problem("did not find expected '!'", start, self.cursor.mark()));
        }
        let from = self.cursor.mark().index();
        self.cursor.skip(1);
        self.word();
        if self.cursor.byte(0) == b'!' {
            self.cursor.skip(1);
        }
        Ok(self.cursor.since(from))
    }

    fn word(&mut self) -> &'a str {
        let from = self.cursor.mark().index();
        while matches!(self.cursor.byte(0), b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-') {
            self.cursor.skip(1);
        }
        self.cursor.since(from)
    }

    /// Appends the characters of a tag, escapes resolved.
    fn uri(&mut self, head: String, start: Mark) -> Result<String, Error> {
        let mut bytes = head.into_bytes();
        loop {
            match self.cursor.byte(0) {
                b'%' => {
                    self.uri_escape(&mut bytes, start)?;
                }
                byte if byte.is_ascii_alphanumeric() || b"_-;/?:@&=+$,.!~*'()[]".contains(&byte) => {
                    bytes.push(byte);
                    self.cursor.skip(1);
                }
                _ => break,
            }
        }
        String::from_utf8(bytes)
            .map_err(|_| problem("found an incorrect trailing UTF-8 octet", start, self.cursor.mark()))
    }

    fn uri_escape(&mut self, bytes: &mut Vec<u8>, start: Mark) -> Result<(), Error> {
        let at = self.cursor.mark();
        let digits = self.cursor.slice(at.index() + 1, at.index() + 3);
        let well_formed = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let octet = well_formed.then(|| u8::from_str_radix(digits, 16).ok()).flatten();
        let octet = octet.ok_or_else(|| problem("did not find URI escaped octet", start, at))?;
        bytes.push(octet);
        self.cursor.skip(3);
        Ok(())
    }
}
