//! Writing archives: a gzip tar whose bytes depend on the paths, the contents and the executable bits only.
//!
//! Byte for byte what Go's `archive/tar` makes of the same entries, so that a tree has one digest wherever it is packed.
//! Source: Flux 2.9, source-controller's archive format.

use std::io::{self, Read, Write};

use flate2::{Compression, GzBuilder, write::GzEncoder};

const BLOCK: usize = 512;
const NAME_LENGTH: usize = 100;
const PREFIX_LENGTH: usize = 155;
/// What eleven octal digits can say.
const MAX_FILE_SIZE: u64 = 0o777_7777_7777;

/// Whether a file may be executed; nothing else of its mode is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Executable {
    /// Stored with mode 0700.
    Yes,
    /// Stored with mode 0600.
    No,
}

/// Writes a gzip tar of directories and regular files. The caller gives the entries in order: parents before children,
/// names sorted bytewise inside each directory.
pub struct ArchiveWriter<W: Write> {
    tar: TarWriter<GzEncoder<W>>,
}

impl<W: Write> ArchiveWriter<W> {
    /// Begins an archive with its first entry, the root directory `.`.
    ///
    /// # Errors
    /// Those of `output`.
    pub fn new(output: W) -> io::Result<Self> {
        // no name and no time in the header; 255 is "unknown system", as Go writes
        let gzip = GzBuilder::new().mtime(0).operating_system(255).write(output, Compression::default());
        let mut tar = TarWriter { output: gzip };
        tar.directory(b".")?;
        Ok(Self { tar })
    }

    /// Adds a directory; `path` is relative and has no slash at its end.
    ///
    /// # Errors
    /// Those of the output.
    pub fn directory(&mut self, path: &[u8]) -> io::Result<()> {
        self.tar.directory(path)
    }

    /// Adds a file of exactly `size` bytes.
    ///
    /// # Errors
    /// Those of the output and of `content`; also where `content` is shorter than `size`, or `size` is over 8 GiB.
    pub fn file(
        &mut self,
        path: &[u8],
        executable: Executable,
        size: u64,
        content: impl Read,
    ) -> io::Result<()> {
        self.tar.file(path, executable, size, content)
    }

    /// Ends the archive.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(self) -> io::Result<W> {
        let mut output = self.tar.output;
        output.write_all(&[0; 2 * BLOCK])?;
        output.finish()
    }
}

/// The tar inside the gzip.
struct TarWriter<W> {
    output: W,
}

/// What differs from one header to the next.
struct Header<'a> {
    name: &'a [u8],
    prefix: &'a [u8],
    mode: u64,
    size: u64,
    kind: u8,
}

impl<W: Write> TarWriter<W> {
    fn directory(&mut self, path: &[u8]) -> io::Result<()> {
        self.header(path, 0o750, 0, b'5')
    }

    fn file(&mut self, path: &[u8], executable: Executable, size: u64, content: impl Read) -> io::Result<()> {
        if size > MAX_FILE_SIZE {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "a file of an archive has at most 8 GiB",
            ));
        }
        let mode = match executable {
            Executable::Yes => 0o700,
            Executable::No => 0o600,
        };
        self.header(path, mode, size, b'0')?;
        let copied = io::copy(&mut content.take(size), &mut self.output)?;
        if copied < size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.pad(size)
    }

    /// Fills up to a whole block after `size` bytes.
    fn pad(&mut self, size: u64) -> io::Result<()> {
        let over = usize::try_from(size % BLOCK as u64).unwrap_or_default();
        let zeros = [0; BLOCK];
        if over == 0 { Ok(()) } else { self.output.write_all(zeros.get(over..).unwrap_or_default()) }
    }

    fn header(&mut self, path: &[u8], mode: u64, size: u64, kind: u8) -> io::Result<()> {
        if path.len() <= NAME_LENGTH && path.is_ascii() {
            return self
                .output
                .write_all(&Header { name: path, prefix: b"", mode, size, kind }.block(Owner::Root));
        }
        if let Some((prefix, name)) = split_path(path) {
            return self.output.write_all(&Header { name, prefix, mode, size, kind }.block(Owner::Root));
        }
        self.extended_header(path)?;
        let name = ascii_of(path);
        self.output.write_all(&Header { name: &name, prefix: b"", mode, size, kind }.block(Owner::Root))
    }

    /// The PAX header that carries a path no plain header can.
    fn extended_header(&mut self, path: &[u8]) -> io::Result<()> {
        let (directory, base) = match path.iter().rposition(|byte| *byte == b'/') {
            Some(slash) => path.split_at_checked(slash + 1).unwrap_or((b"", path)),
            None => (b"".as_slice(), path),
        };
        let mut name = ascii_of(&[directory, b"PaxHeaders.0/", base].concat());
        name.truncate(NAME_LENGTH);
        while name.ends_with(b"/") {
            name.pop();
        }
        let record = path_record(path);
        let size = record.len() as u64;
        let header = Header { name: &name, prefix: b"", mode: 0, size, kind: b'x' };
        self.output.write_all(&header.block(Owner::Nobody))?;
        self.output.write_all(&record)?;
        self.pad(size)
    }
}

/// Whether the device numbers are written: Go leaves them out of PAX headers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Root,
    Nobody,
}

impl Header<'_> {
    fn block(&self, owner: Owner) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        put(&mut block, 0, self.name.get(..NAME_LENGTH).unwrap_or(self.name));
        put(&mut block, 100, octal(self.mode, 7).as_bytes());
        for id in [108, 116] {
            put(&mut block, id, octal(0, 7).as_bytes());
        }
        put(&mut block, 124, octal(self.size, 11).as_bytes());
        put(&mut block, 136, octal(0, 11).as_bytes());
        put(&mut block, 156, &[self.kind]);
        put(&mut block, 257, b"ustar\0");
        put(&mut block, 263, b"00");
        if owner == Owner::Root {
            for device in [329, 337] {
                put(&mut block, device, octal(0, 7).as_bytes());
            }
        }
        put(&mut block, 345, self.prefix);
        // the sum counts its own field as blanks
        put(&mut block, 148, b"        ");
        let sum: u64 = block.iter().copied().map(u64::from).sum();
        put(&mut block, 148, format!("{}\0 ", octal(sum, 6)).as_bytes());
        block
    }
}

/// Copies `bytes` into `block` from `at` on; what does not fit is cut off.
fn put(block: &mut [u8; BLOCK], at: usize, bytes: &[u8]) {
    for (target, byte) in block.iter_mut().skip(at).zip(bytes) {
        *target = *byte;
    }
}

fn octal(value: u64, digits: usize) -> String {
    format!("{value:0digits$o}")
}

/// Splits a long ASCII path at a slash into prefix and name, each of a length that the header holds.
fn split_path(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if !path.is_ascii() {
        return None;
    }
    let head = path.get(..=PREFIX_LENGTH).unwrap_or(path);
    let slash = head.iter().rposition(|byte| *byte == b'/')?;
    let (prefix, name) = (path.get(..slash)?, path.get(slash + 1..)?);
    let fits = !prefix.is_empty() && !name.is_empty() && name.len() <= NAME_LENGTH;
    fits.then_some((prefix, name))
}

fn ascii_of(path: &[u8]) -> Vec<u8> {
    path.iter().copied().filter(u8::is_ascii).collect()
}

/// `<length> path=<path>\n`, where the length counts itself.
fn path_record(path: &[u8]) -> Vec<u8> {
    let rest = " path=\n".len() + path.len();
    let mut length = rest;
    // adding the digits may add a digit: twice is enough
    for _ in 0..2 {
        length = rest + length.to_string().len();
    }
    [length.to_string().as_bytes(), b" path=", path, b"\n"].concat()
}

#[cfg(test)]
mod tests;
