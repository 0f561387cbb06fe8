//! Large files of a pack, read piece by piece.
//!
//! libgit2 reads the objects of packs whole. A file that the pack holds as it is, and not as a difference to another one,
//! is found here through the pack's index and inflated on the way to the reader, who needs no memory for it. Formats:
//! gitformat-pack(5), pack index version 2.

use std::io::{self, BufRead as _, BufReader, Read, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use flate2::bufread::ZlibDecoder;
use flux_artifact::{Algorithm, Hasher};
use fs_err::File;
use git2::Oid;

/// Files from this size on are worth the trouble, in bytes.
pub(crate) const LARGE: u64 = 1024 * 1024;

const MAGIC: [u8; 8] = [0xff, b't', b'O', b'c', 0, 0, 0, 2];
const FANOUT: u64 = 8;
const NAMES: u64 = FANOUT + 256 * 4;
const NAME_LENGTH: u64 = 20;
/// Type of an object that is a file, not a difference.
const BLOB: u8 = 3;

/// The packs of a mirror.
pub(crate) struct Packs {
    packs: Vec<Pack>,
}

struct Pack {
    index: File,
    data: std::path::PathBuf,
}

/// The content of a file; reading its last byte fails if it is not the content that the name stands for.
pub(crate) struct BlobReader {
    content: ZlibDecoder<BufReader<File>>,
    left: u64,
    hasher: Option<Hasher>,
    name: String,
}

impl Packs {
    /// Opens the indexes in `directory`.
    ///
    /// # Errors
    /// Those of the file system; indexes of another version are passed over.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        let mut packs = Vec::new();
        for entry in fs_err::read_dir(directory)? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "idx") {
                continue;
            }
            let index = File::open(&path)?;
            let mut magic = [0; MAGIC.len()];
            index.file().read_exact_at(&mut magic, 0)?;
            if magic == MAGIC {
                packs.push(Pack { index, data: path.with_extension("pack") });
            }
        }
        Ok(Self { packs })
    }

    /// Reads a file of `size` bytes; `None` if no pack holds it as it is.
    ///
    /// # Errors
    /// Those of the file system, and indexes or packs that are damaged.
    pub(crate) fn blob(&self, id: Oid, size: u64) -> io::Result<Option<BlobReader>> {
        for pack in &self.packs {
            if let Some(offset) = pack.offset(id.as_bytes())?
                && let Some(content) = pack.content(offset, size)?
            {
                let mut hasher = Hasher::new(Algorithm::Sha1);
                hasher.update(format!("blob {size}\0").as_bytes());
                let reader = BlobReader { content, left: size, hasher: Some(hasher), name: id.to_string() };
                return Ok(Some(reader));
            }
        }
        Ok(None)
    }
}

impl Pack {
    fn number(&self, at: u64) -> io::Result<u64> {
        let mut bytes = [0; 4];
        self.index.file().read_exact_at(&mut bytes, at)?;
        Ok(u64::from(u32::from_be_bytes(bytes)))
    }

    /// Where in the pack the object is.
    fn offset(&self, id: &[u8]) -> io::Result<Option<u64>> {
        let Some(first) = id.first().map(|byte| u64::from(*byte)) else { return Ok(None) };
        let count = self.number(FANOUT + 255 * 4)?;
        let mut low = if first == 0 { 0 } else { self.number(FANOUT + (first - 1) * 4)? };
        let mut high = self.number(FANOUT + first * 4)?.min(count);
        while low < high {
            let middle = low.midpoint(high);
            let mut name = [0; 20];
            self.index.file().read_exact_at(&mut name, NAMES + middle * NAME_LENGTH)?;
            match name.as_slice().cmp(id) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return self.offset_of(middle, count).map(Some),
            }
        }
        Ok(None)
    }

    fn offset_of(&self, position: u64, count: u64) -> io::Result<u64> {
        // a checksum of 4 bytes per object lies before the offsets
        let offsets = NAMES + count * (NAME_LENGTH + 4);
        let offset = self.number(offsets + position * 4)?;
        if offset & 0x8000_0000 == 0 {
            return Ok(offset);
        }
        let at = offsets + count * 4 + (offset & 0x7fff_ffff) * 8;
        Ok(self.number(at)? << 32 | self.number(at + 4)?)
    }

    /// The object at `offset`, if it is a file that is held as it is.
    fn content(&self, offset: u64, size: u64) -> io::Result<Option<ZlibDecoder<BufReader<File>>>> {
        let mut file = File::open(&self.data)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut data = BufReader::with_capacity(32 * 1024, file);
        let Some((kind, length)) = header(&mut data)? else { return Ok(None) };
        Ok((kind == BLOB && length == size).then(|| ZlibDecoder::new(data)))
    }
}

/// Type and size of an object: three bits and four, then seven at a time, while the highest bit says that more follow.
fn header(data: &mut BufReader<File>) -> io::Result<Option<(u8, u64)>> {
    let (mut kind, mut size, mut shift) = (0, 0_u64, 0);
    loop {
        let Some(byte) = data.fill_buf()?.first().copied() else { return Ok(None) };
        data.consume(1);
        if shift == 0 {
            kind = byte >> 4 & 7;
            size = u64::from(byte & 15);
            shift = 4;
        } else if shift < 60 {
            size |= u64::from(byte & 127) << shift;
            shift += 7;
        } else {
            return Ok(None);
        }
        if byte & 128 == 0 {
            return Ok(Some((kind, size)));
        }
    }
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let buffer = buffer.get_mut(..wanted).unwrap_or_default();
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.content.read(buffer)?;
        self.left -= count as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(buffer.get(..count).unwrap_or_default());
        }
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if self.left == 0 && self.hasher.take().is_some_and(|hasher| hasher.finish().hex() != self.name) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "object does not have the content of its name",
            ));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A pack with one large file that is held as it is, and some small ones.
    fn packed(directory: &Path) -> (Oid, Vec<u8>) {
        let repository = git2::Repository::init_bare(directory.join("repository")).expect("a repository");
        let content: Vec<u8> =
            (0..60_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let id = repository.blob(&content).expect("a file");
        let mut builder = repository.packbuilder().expect("a builder");
        builder.insert_object(id, None).expect("inserted");
        for number in 0..300 {
            let small = repository.blob(format!("{number}").as_bytes()).expect("a file");
            builder.insert_object(small, None).expect("inserted");
        }
        let packs = directory.join("pack");
        fs_err::create_dir_all(&packs).expect("a directory");
        builder.write(&packs, 0o600).expect("written");
        (id, content)
    }

    fn read(directory: &Path, id: Oid, size: usize) -> io::Result<Option<Vec<u8>>> {
        let Some(mut reader) = Packs::open(&directory.join("pack"))?.blob(id, size as u64)? else {
            return Ok(None);
        };
        let mut content = Vec::new();
        reader.read_to_end(&mut content)?;
        Ok(Some(content))
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let directory = tempfile::tempdir().expect("a directory");
        let (id, content) = packed(directory.path());
        let found = read(directory.path(), id, content.len()).expect("readable").expect("found");
        assert!(found == content);
        assert!(
            read(directory.path(), Oid::from_str(&"1".repeat(40)).expect("an id"), 5)
                .expect("readable")
                .is_none()
        );
        // a size that is not the file's is another file
        assert!(read(directory.path(), id, 5).expect("readable").is_none());
    }

    #[test]
    fn damaged_packs_and_indexes_never_give_other_content() {
        let directory = tempfile::tempdir().expect("a directory");
        let (id, content) = packed(directory.path());
        let files: Vec<_> = fs_err::read_dir(directory.path().join("pack"))
            .expect("a directory")
            .map(|entry| entry.expect("an entry").path())
            .map(|path| (path.clone(), fs_err::read(path).expect("a file")))
            .collect();
        proptest!(ProptestConfig::with_cases(150), |(
            file in 0..files.len(),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
            cut in any::<bool>(),
        )| {
            let (path, whole) = &files[file];
            let mut damaged = whole.clone();
            let at = at.index(damaged.len());
            damaged[at] ^= byte;
            if cut {
                damaged.truncate(at);
            }
            fs_err::remove_file(path).expect("removed");
            fs_err::write(path, &damaged).expect("written");
            if let Ok(Some(found)) = read(directory.path(), id, content.len()) {
                prop_assert!(found == content);
            }
            fs_err::write(path, whole).expect("written");
        });
    }
}
