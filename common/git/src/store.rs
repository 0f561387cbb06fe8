//! Mirrors: the objects of a repository, shared by all who may see it.
//!
//! A mirror has no references and no configuration, only packs. What one access fetched another one finds there, but it
//! must have been told the name of the commit by the server itself. Who wants the same commits from the same server shares
//! a fetch; other fetches of a mirror follow one another, so that whoever waits finds most of what it wants. A mirror is begun anew when it has grown out of proportion; those who read
//! the former one keep it until they are done.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use git2::{Indexer, Odb, Oid, Repository};
use parking_lot::Mutex as SyncMutex;
use tempfile::TempDir;
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::blob::Packs;
use crate::client::GitLimits;
use crate::error::TransportError;
use crate::flight::{Beacon, Flight, Takeoff};
use crate::listing::Listing;
use crate::reference::Choice;
use crate::turn::Turns;
use crate::wire::{FetchRequest, History};

/// Packs from which on a mirror is begun anew.
const MAX_PACKS: u32 = 50;
/// Commits that a server is told we have.
const MAX_HAVES: usize = 32;
/// Pieces of a pack between the network and the indexer; each is at most 64 KiB.
const QUEUE: usize = 16;

/// One generation of a mirror; its files go with the last who holds it.
#[derive(Debug)]
pub(crate) struct ObjectStore {
    directory: TempDir,
}

impl ObjectStore {
    fn create(parent: &Path) -> std::io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("mirror-").tempdir_in(parent)?;
        fs_err::create_dir_all(directory.path().join("pack"))?;
        Ok(Self { directory })
    }

    /// Opens the objects; no configuration of any kind is read.
    pub(crate) fn repository(&self) -> Result<Repository, git2::Error> {
        let odb = Odb::new()?;
        let path =
            self.directory.path().to_str().ok_or_else(|| git2::Error::from_str("path is not UTF-8"))?;
        odb.add_disk_alternate(path)?;
        Repository::from_odb(odb)
    }

    /// Opens the packs, for what is read piece by piece.
    pub(crate) fn packs(&self) -> std::io::Result<Packs> {
        Packs::open(&self.directory.path().join("pack"))
    }

    /// Whether all the commits are here. Packs come whole or not at all, so a commit has its tree with it.
    fn has_all(&self, commits: &[Choice]) -> Result<bool, git2::Error> {
        let repository = self.repository()?;
        let odb = repository.odb()?;
        for choice in commits {
            if !odb.exists(Oid::from_str(&choice.commit)?) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Bytes on disk.
    fn size(&self) -> u64 {
        let entries = fs_err::read_dir(self.directory.path().join("pack"));
        let sizes = entries.into_iter().flatten().flatten().filter_map(|entry| entry.metadata().ok());
        sizes.map(|metadata| metadata.len()).sum()
    }

    /// Takes in the pack that comes through `pack`; it counts only if `complete` says so in the end. Blocks.
    fn index(
        &self,
        mut pack: mpsc::Receiver<Bytes>,
        complete: oneshot::Receiver<()>,
        history: History,
    ) -> Result<(), TransportError> {
        let repository = self.repository().map_err(TransportError::Pack)?;
        let odb = repository.odb().map_err(TransportError::Pack)?;
        let directory = self.directory.path().join("pack");
        // a shallow pack lacks the parents of its commits, which libgit2's own check takes for a fault
        let connected = history == History::Full;
        let mut indexer =
            Indexer::new(Some(&odb), &directory, 0o600, connected).map_err(TransportError::Pack)?;
        while let Some(bytes) = pack.blocking_recv() {
            indexer.write_all(&bytes).map_err(TransportError::Store)?;
        }
        if complete.blocking_recv().is_err() {
            return Err(TransportError::Interrupted);
        }
        indexer.commit().map_err(TransportError::Pack)?;
        Ok(())
    }
}

/// The present generation of a mirror, and what is known of it.
#[derive(Debug, Default)]
struct Contents {
    store: Option<Arc<ObjectStore>>,
    /// Commits that were fetched, newest last.
    tips: Vec<String>,
    /// Those that came without their parents.
    shallow: Vec<String>,
    packs: u32,
    /// Size after the first pack, and now.
    fresh_size: u64,
    size: u64,
}

/// Who is asked as whom, and for which objects.
type FetchKey = (String, Vec<String>);

type Obtained = Result<Arc<ObjectStore>, Arc<TransportError>>;

/// Commits that someone wants.
#[derive(Debug)]
pub(crate) struct Request {
    /// The server, which has named them.
    pub(crate) listing: Arc<Listing>,
    pub(crate) choices: Vec<Choice>,
    pub(crate) limits: GitLimits,
    /// Host and credentials, where fetches take turns.
    pub(crate) remote: String,
    pub(crate) turns: Arc<dyn Turns>,
}

/// The objects of one repository.
#[derive(Debug)]
pub(crate) struct Mirror {
    parent: PathBuf,
    history: History,
    contents: Mutex<Contents>,
    /// Fetches that someone waits for, by who asks whom for what.
    flights: SyncMutex<HashMap<FetchKey, Beacon<Obtained>>>,
    /// Bytes on disk, to be read without waiting for a fetch.
    size: SyncMutex<u64>,
}

impl Mirror {
    pub(crate) fn new(parent: PathBuf, history: History) -> Self {
        Self {
            parent,
            history,
            contents: Mutex::default(),
            flights: SyncMutex::default(),
            size: SyncMutex::default(),
        }
    }

    /// Bytes on disk.
    pub(crate) fn size(&self) -> u64 {
        *self.size.lock()
    }

    /// The objects, once all of the chosen commits are among them; what is missing is fetched. Shared by all who want the
    /// same commits from the same server.
    pub(crate) fn obtain(self: &Arc<Self>, request: Request) -> Flight<Obtained> {
        let mut wants: Vec<String> = request.choices.iter().map(|choice| choice.object.clone()).collect();
        wants.sort_unstable();
        wants.dedup();
        let key = (request.remote.clone(), wants.clone());
        let mut flights = self.flights.lock();
        if let Some(flight) = flights.get(&key).and_then(Beacon::flight) {
            return flight;
        }
        flights.retain(|_, beacon| !beacon.is_lost());
        let mirror = Arc::clone(self);
        let flight = Flight::new(move |takeoff| async move {
            mirror.bring(&request, wants, takeoff).await.map_err(Arc::new)
        });
        if let Some(beacon) = flight.beacon() {
            flights.insert(key, beacon);
        }
        flight
    }

    async fn bring(
        &self,
        request: &Request,
        wants: Vec<String>,
        takeoff: Takeoff,
    ) -> Result<Arc<ObjectStore>, TransportError> {
        let mut contents = self.contents.lock().await;
        if let Some(store) = &contents.store {
            let (store, choices) = (Arc::clone(store), request.choices.clone());
            let found =
                blocking(move || Ok(store.has_all(&choices).map_err(TransportError::Pack)?.then_some(store)));
            if let Some(store) = found.await? {
                return Ok(store);
            }
        }
        let _turn = request.turns.turn(&request.remote).await;
        takeoff.begin();
        if contents.packs >= MAX_PACKS || contents.size > contents.fresh_size.saturating_mul(2) {
            *contents = Contents::default();
        }
        let incremental = contents.store.is_some();
        match self.fetch(request, &wants, &mut contents).await {
            // a server that trips over what we have: once more from nothing
            Err(TransportError::Pack(_) | TransportError::Protocol(_)) if incremental => {
                *contents = Contents::default();
                self.fetch(request, &wants, &mut contents).await
            }
            other => other,
        }
    }

    async fn fetch(
        &self,
        request: &Request,
        wants: &[String],
        contents: &mut Contents,
    ) -> Result<Arc<ObjectStore>, TransportError> {
        let store = match &contents.store {
            Some(store) => Arc::clone(store),
            None => {
                let parent = self.parent.clone();
                blocking(move || ObjectStore::create(&parent).map(Arc::new).map_err(TransportError::Store))
                    .await?
            }
        };
        let Request { listing, choices, limits, .. } = request;
        let wants = wants.to_vec();
        let haves = contents.tips.iter().rev().take(MAX_HAVES).cloned().collect();
        let shallow = contents.shallow.clone();
        let fetch = FetchRequest { wants, haves, shallow, history: self.history, limit: limits.pack_bytes };
        let (pack, receiver) = mpsc::channel(QUEUE);
        let (complete, is_complete) = oneshot::channel();
        let (target, history) = (Arc::clone(&store), self.history);
        let indexing = tokio::task::spawn_blocking(move || target.index(receiver, is_complete, history));
        let fetched = listing.session.fetch(&fetch, pack).await;
        if fetched.is_ok() {
            // the indexer may have failed and gone: its own error tells
            let _ = complete.send(());
        } else {
            drop(complete);
        }
        let indexed = indexing.await.map_err(|_| TransportError::Interrupted)?;
        let fetched = match (fetched, indexed) {
            (Ok(fetched), Ok(())) => fetched,
            // the network broke off because the indexer did
            (Err(TransportError::Interrupted) | Ok(_), Err(error)) | (Err(error), _) => return Err(error),
        };
        let (measured, commits) = (Arc::clone(&store), choices.clone());
        let size = blocking(move || {
            let whole = measured.has_all(&commits).map_err(TransportError::Pack)?;
            if whole {
                Ok(measured.size())
            } else {
                Err(TransportError::Protocol("pack without the wanted commit"))
            }
        })
        .await?;
        contents.size = size;
        if contents.packs == 0 {
            contents.fresh_size = size;
        }
        contents.packs += 1;
        contents.tips.extend(choices.iter().map(|choice| choice.commit.clone()));
        contents.shallow.extend(fetched.shallow);
        contents.shallow.sort_unstable();
        contents.shallow.dedup();
        contents.store = Some(Arc::clone(&store));
        *self.size.lock() = size;
        Ok(store)
    }
}

/// Runs `work` on a blocking thread.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, TransportError> + Send + 'static,
) -> Result<T, TransportError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| TransportError::Interrupted)?
}
