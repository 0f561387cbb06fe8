//! The downloads that are kept.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Weak};

use lru::LruCache;
use tempfile::TempPath;

use super::Slot;
use crate::digest::Digest;

/// Artifacts whose downloads are remembered.
const MAX_SLOTS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4095);

/// A downloaded file; it is removed when nobody holds it any more.
#[derive(Debug)]
pub(super) struct CachedFile {
    path: TempPath,
    size: u64,
}

impl CachedFile {
    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }
}

/// What was downloaded lately. Dropping an entry here removes the file once its readers are done.
#[derive(Debug)]
pub(super) struct Cache {
    slots: LruCache<(String, Digest), Slot>,
    /// The one file of each digest, as long as somebody holds it.
    files: HashMap<Digest, Weak<CachedFile>>,
    bound: u64,
}

impl Cache {
    pub(super) fn new(bound: u64) -> Self {
        Self { slots: LruCache::new(MAX_SLOTS), files: HashMap::new(), bound }
    }

    /// The place of an artifact, an empty one if it is not kept.
    pub(super) fn slot(&mut self, url: &str, digest: &Digest) -> Slot {
        Arc::clone(self.slots.get_or_insert((url.to_owned(), digest.clone()), Slot::default))
    }

    /// Takes in a download that has `digest`; a second copy of the same content is dropped.
    pub(super) fn keep(&mut self, digest: &Digest, size: u64, path: TempPath) -> Arc<CachedFile> {
        if let Some(file) = self.files.get(digest).and_then(Weak::upgrade) {
            return file;
        }
        self.files.retain(|_, file| file.strong_count() > 0);
        let file = Arc::new(CachedFile { path, size });
        self.files.insert(digest.clone(), Arc::downgrade(&file));
        file
    }

    /// Makes room for `file`, which was just used: the least recently used others go.
    pub(super) fn used(&mut self, file: &Arc<CachedFile>) {
        let kept = |cache: &Self| {
            let sizes = cache.files.values().filter_map(Weak::upgrade).map(|file| file.size());
            sizes.sum::<u64>()
        };
        while kept(self) > self.bound {
            // a download under way or the newest file: nothing older is left to go
            let Some((_, slot)) = self.slots.peek_lru() else { return };
            if slot.get().is_none_or(|oldest| Arc::ptr_eq(oldest, file)) {
                return;
            }
            self.slots.pop_lru();
        }
    }
}
