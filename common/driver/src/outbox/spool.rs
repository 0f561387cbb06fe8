//! The file behind the outbox: records are appended, and dropped when their event is delivered. What a killed process
//! leaves behind is read again. A torn record at the end is cut off.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use fs_err::os::unix::fs::FileExt as _;
use fs_err::{File, OpenOptions};

/// Tag, id, key, weight, length of the body.
const HEADER: usize = 1 + 8 + 8 + 1 + 4;
const TAG_EVENT: u8 = b'E';
const TAG_DONE: u8 = b'D';

/// How much an event weighs when there is no room for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// May be dropped first.
    Info,
    /// Only after all others.
    Error,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    key: u64,
    weight: Weight,
    offset: u64,
    length: u32,
}

/// An event to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pending {
    pub(super) id: u64,
    pub(super) body: Vec<u8>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Spool {
    path: PathBuf,
    file: File,
    end: u64,
    /// Bytes of bodies that are not delivered.
    live: u64,
    limit: u64,
    next: u64,
    entries: BTreeMap<u64, Entry>,
    /// Ids by key, in order; the first one may be under way.
    lanes: HashMap<u64, VecDeque<u64>>,
    /// The first id of a key that is held: it and all later ones wait for [`Spool::release`].
    held: HashMap<u64, u64>,
    /// Keys with something released to deliver and nothing under way.
    ready: VecDeque<u64>,
}

impl Spool {
    /// Opens the file at `path`, or makes it; `limit` is in bytes of bodies.
    pub(super) fn open(path: &Path, limit: u64) -> io::Result<Self> {
        let file = open(path)?;
        let mut spool = Self {
            path: path.to_owned(),
            file,
            end: 0,
            live: 0,
            limit,
            next: 0,
            entries: BTreeMap::new(),
            lanes: HashMap::new(),
            held: HashMap::new(),
            ready: VecDeque::new(),
        };
        spool.recover()?;
        Ok(spool)
    }

    /// Appends an event, which is held until [`Self::release`]; `key` is its object. Gives how many older ones had to be
    /// dropped for it.
    pub(super) fn append(&mut self, key: u64, weight: Weight, body: &[u8]) -> io::Result<u64> {
        // taken even if the event cannot be stored: those who append count along
        let id = self.next;
        self.next += 1;
        let length = u32::try_from(body.len()).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        let mut dropped = 0;
        while self.live + u64::from(length) > self.limit && self.drop_one()? {
            dropped += 1;
        }
        if self.entries.is_empty() && self.end > 0 {
            self.file.set_len(0)?;
            self.end = 0;
        } else if self.end > self.limit.saturating_mul(2) {
            self.compact()?;
        }
        let mut record = header(TAG_EVENT, id, key, weight, length);
        record.extend_from_slice(body);
        self.file.write_all_at(&record, self.end)?;
        let offset = self.end + u64::try_from(HEADER).unwrap_or_default();
        self.end += u64::try_from(record.len()).unwrap_or_default();
        self.held.entry(key).or_insert(id);
        self.insert(id, Entry { key, weight, offset, length });
        Ok(dropped)
    }

    /// The id of the event that is appended next; each gets the one after it.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Lets the events of `key` go whose ids are below `mark`.
    pub(super) fn release(&mut self, key: u64, mark: u64) {
        let Some(first_held) = self.held.remove(&key) else { return };
        let Some(lane) = self.lanes.get(&key) else { return };
        if let Some(still) = lane.iter().find(|id| **id >= mark.max(first_held)) {
            self.held.insert(key, *still);
        }
        let was_held = lane.front().is_some_and(|front| *front >= first_held);
        if was_held && self.is_next_released(key) {
            self.ready.push_back(key);
        }
    }

    /// Whether [`Self::take`] would give one.
    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The next event that is released and whose object has none under way.
    pub(super) fn take(&mut self) -> Option<io::Result<Pending>> {
        let key = self.ready.pop_front()?;
        let id = *self.lanes.get(&key)?.front()?;
        let entry = *self.entries.get(&id)?;
        let mut body = vec![0; usize::try_from(entry.length).unwrap_or_default()];
        Some(self.file.read_exact_at(&mut body, entry.offset).map(|()| Pending { id, body }))
    }

    /// The event is delivered: it will not be seen again.
    pub(super) fn done(&mut self, id: u64) -> io::Result<()> {
        let Some(entry) = self.remove(id) else { return Ok(()) };
        if self.is_next_released(entry.key) {
            self.ready.push_back(entry.key);
        }
        self.write_done(id, entry)
    }

    /// The event could not be delivered: it comes up again after the others.
    pub(super) fn put_back(&mut self, id: u64) {
        if let Some(entry) = self.entries.get(&id) {
            self.ready.push_back(entry.key);
        }
    }

    fn insert(&mut self, id: u64, entry: Entry) {
        self.live += u64::from(entry.length);
        self.entries.insert(id, entry);
        let lane = self.lanes.entry(entry.key).or_default();
        lane.push_back(id);
        if lane.len() == 1 && self.is_next_released(entry.key) {
            self.ready.push_back(entry.key);
        }
    }

    /// Whether the first event of `key` is released; it may be under way.
    fn is_next_released(&self, key: u64) -> bool {
        let front = self.lanes.get(&key).and_then(VecDeque::front);
        front.is_some_and(|front| self.held.get(&key).is_none_or(|first_held| front < first_held))
    }

    fn remove(&mut self, id: u64) -> Option<Entry> {
        let entry = self.entries.remove(&id)?;
        self.live -= u64::from(entry.length);
        if let Some(lane) = self.lanes.get_mut(&entry.key) {
            lane.retain(|each| *each != id);
            if lane.is_empty() {
                self.lanes.remove(&entry.key);
                self.held.remove(&entry.key);
            }
        }
        Some(entry)
    }

    fn write_done(&mut self, id: u64, entry: Entry) -> io::Result<()> {
        let record = header(TAG_DONE, id, entry.key, entry.weight, 0);
        self.file.write_all_at(&record, self.end)?;
        self.end += u64::try_from(record.len()).unwrap_or_default();
        Ok(())
    }

    /// Drops the oldest event that nobody has taken: of information first, then of any weight.
    fn drop_one(&mut self) -> io::Result<bool> {
        let waits = |id: &u64, entry: &Entry| {
            let first = self.lanes.get(&entry.key).and_then(VecDeque::front) == Some(id);
            !first || !self.is_next_released(entry.key) || self.ready.contains(&entry.key)
        };
        let oldest = |wanted: &dyn Fn(&Entry) -> bool| {
            self.entries.iter().find(|(id, entry)| wanted(entry) && waits(id, entry)).map(|(id, _)| *id)
        };
        let chosen = oldest(&|entry| entry.weight == Weight::Info).or_else(|| oldest(&|_| true));
        let Some(id) = chosen else { return Ok(false) };
        let Some(entry) = self.remove(id) else { return Ok(false) };
        if !self.is_next_released(entry.key) {
            self.ready.retain(|key| *key != entry.key);
        }
        self.write_done(id, entry)?;
        Ok(true)
    }

    /// Writes what is not delivered into a new file, which takes the place of the old one.
    fn compact(&mut self) -> io::Result<()> {
        let fresh_path = self.path.with_extension("new");
        let mut fresh = File::create(&fresh_path)?;
        let mut end = 0;
        for (id, entry) in &mut self.entries {
            let mut record = header(TAG_EVENT, *id, entry.key, entry.weight, entry.length);
            let start = record.len();
            record.resize(start + usize::try_from(entry.length).unwrap_or_default(), 0);
            if let Some(body) = record.get_mut(start..) {
                self.file.read_exact_at(body, entry.offset)?;
            }
            fresh.write_all(&record)?;
            entry.offset = end + u64::try_from(HEADER).unwrap_or_default();
            end += u64::try_from(record.len()).unwrap_or_default();
        }
        fs_err::rename(&fresh_path, &self.path)?;
        self.file = open(&self.path)?;
        self.end = end;
        Ok(())
    }

    /// Reads what an earlier process has left.
    fn recover(&mut self) -> io::Result<()> {
        let mut reader = io::BufReader::new(open(&self.path)?);
        let size = reader.seek(SeekFrom::End(0))?;
        reader.seek(SeekFrom::Start(0))?;
        let mut buffer = [0; HEADER];
        let header_length = u64::try_from(HEADER).unwrap_or_default();
        while self.end + header_length <= size {
            reader.read_exact(&mut buffer)?;
            let Some((tag, id, mut entry)) = parse(&buffer) else { break };
            let body = u64::from(entry.length);
            if self.end + header_length + body > size {
                break;
            }
            entry.offset = self.end + header_length;
            reader.seek_relative(i64::from(entry.length))?;
            self.end += header_length + body;
            self.next = self.next.max(id.saturating_add(1));
            match tag {
                TAG_EVENT => self.insert(id, entry),
                _ => drop(self.remove(id)),
            }
        }
        // keys whose events were all delivered
        self.ready.retain(|key| self.lanes.contains_key(key));
        self.file.set_len(self.end)
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn header(tag: u8, id: u64, key: u64, weight: Weight, length: u32) -> Vec<u8> {
    let mut record = vec![tag];
    record.extend_from_slice(&id.to_le_bytes());
    record.extend_from_slice(&key.to_le_bytes());
    record.push(u8::from(weight == Weight::Error));
    record.extend_from_slice(&length.to_le_bytes());
    record
}

fn parse(header: &[u8; HEADER]) -> Option<(u8, u64, Entry)> {
    let (tag, rest) = header.split_first()?;
    let (id, rest) = rest.split_first_chunk::<8>()?;
    let (key, rest) = rest.split_first_chunk::<8>()?;
    let (weight, rest) = rest.split_first()?;
    let length = rest.first_chunk::<4>()?;
    if !matches!(*tag, TAG_EVENT | TAG_DONE) {
        return None;
    }
    let weight = if *weight == 0 { Weight::Info } else { Weight::Error };
    let entry =
        Entry { key: u64::from_le_bytes(*key), weight, offset: 0, length: u32::from_le_bytes(*length) };
    Some((*tag, u64::from_le_bytes(*id), entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spool(directory: &tempfile::TempDir, limit: u64) -> Spool {
        Spool::open(&directory.path().join("outbox"), limit).unwrap()
    }

    /// Appends an event that may go at once.
    fn append(spool: &mut Spool, key: u64, weight: Weight, body: &[u8]) -> u64 {
        let dropped = spool.append(key, weight, body).unwrap();
        spool.release(key, spool.next());
        dropped
    }

    fn take(spool: &mut Spool) -> Option<(u64, String)> {
        spool.take().map(|pending| {
            let Pending { id, body } = pending.unwrap();
            (id, String::from_utf8(body).unwrap())
        })
    }

    #[test]
    fn events_of_an_object_go_one_after_the_other() {
        let directory = tempfile::tempdir().unwrap();
        let mut spool = spool(&directory, 1000);
        for (key, body) in [(1, "a1"), (1, "a2"), (2, "b1")] {
            append(&mut spool, key, Weight::Info, body.as_bytes());
        }
        let (first, body) = take(&mut spool).unwrap();
        assert_eq!(body, "a1");
        assert_eq!(take(&mut spool).unwrap().1, "b1");
        assert_eq!(take(&mut spool), None, "a1 is under way");
        spool.put_back(first);
        assert_eq!(take(&mut spool).unwrap(), (first, "a1".to_owned()));
        spool.done(first).unwrap();
        assert_eq!(take(&mut spool).unwrap().1, "a2");
    }

    #[test]
    fn event_is_held_until_it_is_released() {
        let directory = tempfile::tempdir().unwrap();
        let mut spool = spool(&directory, 1000);
        spool.append(1, Weight::Info, b"early").unwrap();
        let mark = spool.next();
        spool.append(1, Weight::Info, b"late").unwrap();
        assert_eq!(take(&mut spool), None);
        spool.release(2, spool.next());
        assert_eq!(take(&mut spool), None, "another object's events were released");
        spool.release(1, mark);
        let (early, body) = take(&mut spool).unwrap();
        assert_eq!(body, "early");
        spool.done(early).unwrap();
        assert_eq!(take(&mut spool), None, "appended after the mark");
        spool.release(1, spool.next());
        let (late, body) = take(&mut spool).unwrap();
        assert_eq!(body, "late");
        spool.release(1, spool.next());
        assert_eq!(take(&mut spool), None, "late is under way");
        spool.done(late).unwrap();
        assert!(spool.entries.is_empty() && spool.held.is_empty());
    }

    #[test]
    fn held_events_make_room_and_the_rest_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let mut spool = spool(&directory, 10);
        spool.append(1, Weight::Info, b"held1").unwrap();
        spool.append(1, Weight::Info, b"held2").unwrap();
        assert_eq!(spool.append(1, Weight::Info, b"held3").unwrap(), 1);
        spool.release(1, spool.next());
        let (second, body) = take(&mut spool).unwrap();
        assert_eq!(body, "held2");
        spool.done(second).unwrap();
        assert_eq!(take(&mut spool).unwrap().1, "held3");
    }

    #[test]
    fn what_was_not_delivered_survives_a_kill_and_a_torn_record_does_not() {
        let directory = tempfile::tempdir().unwrap();
        let mut first = spool(&directory, 1000);
        for body in ["one", "two", "three"] {
            append(&mut first, 7, Weight::Error, body.as_bytes());
        }
        let (id, _) = take(&mut first).unwrap();
        first.done(id).unwrap();
        drop(first);
        let path = directory.path().join("outbox");
        let mut bytes = fs_err::read(&path).unwrap();
        bytes.extend_from_slice(&header(TAG_EVENT, 9, 7, Weight::Info, 400));
        fs_err::write(&path, bytes).unwrap();
        let mut second = spool(&directory, 1000);
        for want in ["two", "three"] {
            let (id, body) = take(&mut second).unwrap();
            assert_eq!(body, want);
            second.done(id).unwrap();
        }
        assert!(second.entries.is_empty());
    }

    #[test]
    fn the_oldest_information_makes_room() {
        let directory = tempfile::tempdir().unwrap();
        let mut spool = spool(&directory, 10);
        append(&mut spool, 1, Weight::Error, b"error");
        append(&mut spool, 2, Weight::Info, b"info1");
        assert_eq!(append(&mut spool, 3, Weight::Info, b"info2"), 1);
        let left: Vec<_> = std::iter::from_fn(|| take(&mut spool)).map(|(_, body)| body).collect();
        assert_eq!(left, ["error", "info2"]);
    }

    #[test]
    fn the_file_does_not_grow_for_ever() {
        let directory = tempfile::tempdir().unwrap();
        let mut spool = spool(&directory, 200);
        append(&mut spool, 0, Weight::Error, b"stays");
        let (stays, _) = take(&mut spool).unwrap();
        for _ in 0..100 {
            append(&mut spool, 1, Weight::Info, &[b'x'; 100]);
            let (id, _) = take(&mut spool).unwrap();
            spool.done(id).unwrap();
        }
        let size = fs_err::metadata(directory.path().join("outbox")).unwrap().len();
        assert!(size < 2000, "{size}");
        spool.put_back(stays);
        assert_eq!(take(&mut spool).unwrap(), (stays, "stays".to_owned()), "it is found where it went");
    }
}
