//! From a reference to a commit and its tree.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use flux_artifact::Revision;
use git2::Oid;
use parking_lot::Mutex;

use crate::access::Access;
use crate::error::{GitError, TransportError};
use crate::flight::Patience;
use crate::listing::{ListRequest, Listing, Listings};
use crate::reference::{Choice, Query, ReferenceSelector, highest_versions};
use crate::store::{Mirror, ObjectStore, Request, blocking};
use crate::tree::{CommitTree, TreeError};
use crate::turn::{Turns, Unlimited};
use crate::wire::{History, RemoteReference};

/// What a repository may cost.
#[derive(Clone, Copy, Debug)]
pub struct GitLimits {
    /// Bytes of one pack. Default 2 GiB.
    pub pack_bytes: u64,
    /// Files and directories of one commit. Default 500,000.
    pub files: usize,
    /// Bytes of one file that has to be held in memory: a small one, or one that the server sent as a difference to
    /// another. Large ones that came as they are pass through, up to the 8 GiB of an archive's. Default 128 MiB.
    pub file_bytes: usize,
    /// Directories in directories. Default 128.
    pub depth: usize,
    /// Bytes of all mirrors together, beyond which those used least recently go. Default 4 GiB.
    pub mirror_bytes: u64,
}

impl Default for GitLimits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            pack_bytes: 2048 * MIB as u64,
            files: 500_000,
            file_bytes: 128 * MIB,
            depth: 128,
            mirror_bytes: 4096 * MIB as u64,
        }
    }
}

/// All mirrors of a process.
#[derive(Debug)]
pub struct GitClient {
    directory: PathBuf,
    limits: GitLimits,
    mirrors: Mutex<Mirrors>,
    listings: Listings,
    turns: Arc<dyn Turns>,
}

#[derive(Debug, Default)]
struct Mirrors {
    /// With the number of the last use.
    by_key: HashMap<MirrorKey, (Arc<Mirror>, u64)>,
    uses: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct MirrorKey {
    repository: (String, String),
    history: History,
}

/// A commit that the server named.
pub struct Resolved {
    /// The revision that an artifact of it has.
    pub revision: Revision,
    access: Access,
    listing: Arc<Listing>,
    /// What is fetched: the commit itself, or the branches to look for it in.
    choices: Vec<Choice>,
    commit: String,
    history: History,
}

/// A commit whose objects are here.
#[derive(Debug)]
pub struct Checkout {
    /// The revision that an artifact of it has.
    pub revision: Revision,
    /// The commit.
    pub commit: CommitInfo,
    store: Arc<ObjectStore>,
    id: Oid,
    limits: GitLimits,
}

/// What a commit says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitInfo {
    /// Hash in hex.
    pub hash: String,
    /// First line of its message; what is not UTF-8 is replaced.
    pub subject: String,
    /// When it was committed, in seconds since 1970.
    pub committed_at: i64,
}

impl GitClient {
    /// Mirrors lie in `directory`, which is emptied.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn new(directory: PathBuf, limits: GitLimits) -> io::Result<Self> {
        crate::memory::bound();
        match fs_err::remove_dir_all(&directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs_err::create_dir_all(&directory)?;
        let turns = Arc::new(Unlimited);
        Ok(Self { directory, limits, mirrors: Mutex::default(), listings: Listings::default(), turns })
    }

    /// Has requests to servers take turns.
    #[must_use]
    pub fn taking_turns(mut self, turns: Arc<dyn Turns>) -> Self {
        self.turns = turns;
        self
    }

    /// What the server lists of what the asker looks for; shared with all who ask the same server as the same.
    ///
    /// # Errors
    /// [`GitError`].
    pub async fn list(
        &self,
        request: &ListRequest<'_>,
        patience: &mut Patience,
    ) -> Result<Arc<Listing>, GitError> {
        self.listings.get(request, &self.turns, patience).await
    }

    /// Who else asks the same server as the same, and looks for a reference that is no longer what it was when it asked
    /// last. Each is named once per move; its next request should be of freshness [`Woken`](crate::Freshness::Woken).
    pub fn moved(&self, listing: &Listing, user: &str) -> Vec<String> {
        self.listings.moved(listing, user)
    }

    /// An asker is gone.
    pub fn forget(&self, user: &str) {
        self.listings.forget(user);
    }

    /// Chooses the commit that `selector` stands for. Nothing is fetched, unless tags differ in build metadata alone:
    /// then the one whose commit is the youngest is taken.
    ///
    /// # Errors
    /// [`GitError`].
    pub async fn resolve(
        &self,
        access: &Access,
        listing: &Arc<Listing>,
        selector: &ReferenceSelector,
        patience: &mut Patience,
    ) -> Result<Resolved, GitError> {
        let references: Vec<&RemoteReference> = listing.references_for(selector).collect();
        if references.is_empty() {
            return Err(explain_absence(access, listing, selector, patience).await);
        }
        let (choices, history) = match selector {
            ReferenceSelector::SemVer(range) => (highest_versions(references, range)?, History::Shallow),
            ReferenceSelector::Commit { .. } => {
                (references.into_iter().map(Choice::from).collect(), History::Full)
            }
            ReferenceSelector::Branch(_) | ReferenceSelector::Tag(_) | ReferenceSelector::Name(_) => {
                (references.into_iter().map(Choice::from).collect::<Vec<_>>(), History::Shallow)
            }
        };
        let (choices, commit, name) = if let ReferenceSelector::Commit { commit, branch } = selector {
            (choices, commit.clone(), branch.clone().unwrap_or_default())
        } else {
            let choice = self.youngest((access, listing), choices, patience).await?;
            let (commit, name) = (choice.commit.clone(), choice.name.clone());
            (vec![choice], commit, name)
        };
        let revision = selector.revision(&name, &commit);
        let listing = Arc::clone(listing);
        Ok(Resolved { revision, access: access.clone(), listing, choices, commit, history })
    }

    /// Brings the objects of a commit here; shared with all who want the same.
    ///
    /// # Errors
    /// [`GitError`].
    pub async fn checkout(&self, resolved: &Resolved, patience: &mut Patience) -> Result<Checkout, GitError> {
        let store = self
            .obtain((&resolved.access, &resolved.listing), &resolved.choices, resolved.history, patience)
            .await?;
        self.make_room();
        let failed = |source| GitError::of_access(&resolved.access, source);
        let id = Oid::from_str(&resolved.commit).map_err(|error| failed(TransportError::Pack(error)))?;
        let (reader, choices, history) = (Arc::clone(&store), resolved.choices.clone(), resolved.history);
        let found = blocking(move || {
            let found = match history {
                History::Shallow => Ok(true),
                History::Full => is_reachable(&reader, &choices, id),
            };
            let info = |found: bool| if found { commit_info(&reader, id).map(Some) } else { Ok(None) };
            found.and_then(info).map_err(TransportError::Pack)
        });
        let found = found.await.map_err(failed)?;
        let commit = found.ok_or_else(|| GitError::CommitNotFound(resolved.commit.clone()))?;
        Ok(Checkout { revision: resolved.revision.clone(), commit, store, id, limits: self.limits })
    }

    /// The mirror that holds all the chosen commits.
    async fn obtain(
        &self,
        (access, listing): (&Access, &Arc<Listing>),
        choices: &[Choice],
        history: History,
        patience: &mut Patience,
    ) -> Result<Arc<ObjectStore>, GitError> {
        let request = Request {
            listing: Arc::clone(listing),
            choices: choices.to_vec(),
            limits: self.limits,
            remote: access.remote(),
            turns: Arc::clone(&self.turns),
        };
        let flight = self.mirror(access, history).obtain(request);
        let obtained = patience.wait(flight).await.map_err(Arc::new).and_then(|obtained| obtained);
        obtained.map_err(|source| GitError::of_access(access, source))
    }

    /// Of tags with equal versions the one whose commit is the youngest.
    async fn youngest(
        &self,
        server: (&Access, &Arc<Listing>),
        choices: Vec<Choice>,
        patience: &mut Patience,
    ) -> Result<Choice, GitError> {
        if choices.len() > 1 {
            let store = self.obtain(server, &choices, History::Shallow, patience).await?;
            let candidates = choices.clone();
            let youngest = blocking(move || {
                let time = |choice: &Choice| {
                    Oid::from_str(&choice.commit)
                        .and_then(|id| commit_info(&store, id))
                        .map_or(i64::MIN, |commit| commit.committed_at)
                };
                Ok(candidates.into_iter().max_by_key(time))
            });
            if let Some(choice) = youngest.await.map_err(|source| GitError::of_access(server.0, source))? {
                return Ok(choice);
            }
        }
        choices.into_iter().next().ok_or(GitError::Empty)
    }

    fn mirror(&self, access: &Access, history: History) -> Arc<Mirror> {
        let key = MirrorKey { repository: access.mirror_key(), history };
        let mut mirrors = self.mirrors.lock();
        mirrors.uses += 1;
        let now = mirrors.uses;
        let new = || (Arc::new(Mirror::new(self.directory.clone(), history)), now);
        let (mirror, last_use) = mirrors.by_key.entry(key).or_insert_with(new);
        *last_use = now;
        Arc::clone(mirror)
    }

    /// Lets go of the mirrors used least recently while all together are too large.
    fn make_room(&self) {
        let mut mirrors = self.mirrors.lock();
        let mut total: u64 = mirrors.by_key.values().map(|(mirror, _)| mirror.size()).sum();
        while total > self.limits.mirror_bytes && mirrors.by_key.len() > 1 {
            let idle = mirrors.by_key.iter().filter(|(_, (mirror, _))| Arc::strong_count(mirror) == 1);
            let Some((key, size)) = idle
                .min_by_key(|(_, (_, last_use))| *last_use)
                .map(|(key, (mirror, _))| (key.clone(), mirror.size()))
            else {
                return;
            };
            mirrors.by_key.remove(&key);
            total = total.saturating_sub(size);
        }
    }
}

impl Checkout {
    /// The files of the commit; with `sparse` only those whose path begins with one of its entries. Blocks.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn tree(&self, sparse: &[String]) -> Result<CommitTree, TreeError> {
        CommitTree::read(Arc::clone(&self.store), self.id, sparse, self.limits)
    }
}

impl Resolved {
    /// The commit in hex.
    pub fn commit(&self) -> &str {
        &self.commit
    }
}

/// Why nothing was listed: the repository is empty, or the reference is not there.
async fn explain_absence(
    access: &Access,
    listing: &Listing,
    selector: &ReferenceSelector,
    patience: &mut Patience,
) -> GitError {
    if listing.references.is_empty() {
        let all = Query { prefixes: vec!["refs/heads/".to_owned(), "refs/tags/".to_owned()] };
        match patience.spend(listing.session.list(&all)).await.and_then(|listed| listed) {
            Err(error) => return GitError::of_access(access, error),
            Ok(references) if references.is_empty() => return GitError::Empty,
            Ok(_) => {}
        }
    }
    match selector {
        ReferenceSelector::Name(name) => GitError::UnknownReference(name.clone()),
        ReferenceSelector::SemVer(range) => match range.parse::<flux_gotext::Constraint>() {
            Err(error) => GitError::SemVer(error),
            Ok(_) => GitError::NoMatchingVersion(range.clone()),
        },
        ReferenceSelector::Commit { branch: None, commit } => GitError::CommitNotFound(commit.clone()),
        ReferenceSelector::Branch(_) | ReferenceSelector::Tag(_) | ReferenceSelector::Commit { .. } => {
            let name = selector.full_name().unwrap_or_default();
            GitError::of_access(access, TransportError::UnknownReference(name))
        }
    }
}

fn commit_info(store: &ObjectStore, id: Oid) -> Result<CommitInfo, git2::Error> {
    let repository = store.repository()?;
    let commit = repository.find_commit(id)?;
    let message = String::from_utf8_lossy(commit.message_bytes());
    Ok(CommitInfo {
        hash: id.to_string(),
        subject: message.lines().next().unwrap_or_default().to_owned(),
        committed_at: commit.time().seconds(),
    })
}

/// Whether the commit is one of the branches' tips or an ancestor of one.
fn is_reachable(store: &ObjectStore, branches: &[Choice], commit: Oid) -> Result<bool, git2::Error> {
    let repository = store.repository()?;
    if repository.find_commit(commit).is_err() {
        return Ok(false);
    }
    for branch in branches {
        let tip = Oid::from_str(&branch.commit)?;
        if tip == commit || repository.graph_descendant_of(tip, commit)? {
            return Ok(true);
        }
    }
    Ok(false)
}
