//! Listings of references, shared by all who ask one server with the same credentials in the same way.
//!
//! There is one listing at a time per access, and at most one that waits for its turn, which all join who need news. A
//! listing names what all known users of the access look for, and tells whose reference moved, so that they can be woken.
//! Whoever asks because its interval is over takes the latest listing if one with the same or a shorter interval made it
//! lately: that one will ask again in time. So an access is listed at the smallest interval of its users, however many
//! there are, and none of them learns of a change later than by its own interval.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::access::{Access, AccessKey};
use crate::error::{GitError, TransportError};
use crate::flight::{Beacon, Flight, Patience};
use crate::reference::{Query, ReferenceSelector};
use crate::turn::Turns;
use crate::wire::{RemoteReference, Session};

/// Most references of all kept listings together: a few MiB.
const MAX_KEPT: usize = 20_000;

/// What a server listed to an access.
pub struct Listing {
    pub(crate) session: Session,
    pub(crate) references: Vec<RemoteReference>,
    access: AccessKey,
    begun: Instant,
    query: Query,
    /// The interval of the one who made it.
    pace: Duration,
}

/// Which listing will do.
#[derive(Clone, Copy, Debug)]
pub enum Freshness {
    /// One that was begun at this time or later.
    Since(Instant),
    /// The one that woke the asker ([`GitClient::moved`](crate::GitClient::moved)) or a later one; else as `Since`.
    Woken(Instant),
    /// Whatever is known, if nothing but the interval's end is the reason to ask.
    Interval,
}

/// Who asks for what.
#[derive(Clone, Copy, Debug)]
pub struct ListRequest<'a> {
    /// Name of the asker, under which it is woken; it has one access at a time.
    pub user: &'a str,
    /// Whom it asks, and as whom.
    pub access: &'a Access,
    /// What it looks for.
    pub selector: &'a ReferenceSelector,
    /// How often it asks.
    pub interval: Duration,
    /// Which listing will do.
    pub freshness: Freshness,
}

/// Where a listing comes from.
enum Found {
    Known(Arc<Listing>),
    UnderWay(Flight<Listed>),
}

type Listed = Result<Arc<Listing>, Arc<TransportError>>;

/// The listings of a process.
#[derive(Debug, Default)]
pub(crate) struct Listings {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    accesses: HashMap<AccessKey, Polled>,
    /// The access of each user.
    users: HashMap<String, AccessKey>,
}

/// One access.
#[derive(Debug, Default)]
struct Polled {
    users: HashMap<String, User>,
    latest: Option<Arc<Listing>>,
    /// The listing that was asked for last, while anyone waits for it.
    asked: Option<Beacon<Listed>>,
    asked_query: Query,
    /// Listings follow one another.
    line: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct User {
    selector: ReferenceSelector,
    /// What its references were in the listing that it took last.
    seen: Option<u64>,
    /// When the listing was begun that it was woken for.
    woken: Option<Instant>,
}

impl Listings {
    /// The latest listing if it will do, else the one under way, else a new one.
    pub(crate) async fn get(
        &self,
        request: &ListRequest<'_>,
        turns: &Arc<dyn Turns>,
        patience: &mut Patience,
    ) -> Result<Arc<Listing>, GitError> {
        let found = {
            let mut state = self.state.lock();
            let polled = state.enter(request);
            match polled.latest.clone().filter(|listing| polled.suffices(listing, request)) {
                Some(listing) => Found::Known(listing),
                None => Found::UnderWay(polled.flight(request, turns)),
            }
        };
        let listing = match found {
            Found::Known(listing) => listing,
            Found::UnderWay(flight) => {
                let listed = patience.wait(flight).await.map_err(Arc::new).and_then(|listed| listed);
                listed.map_err(|source| GitError::of_access(request.access, source))?
            }
        };
        self.state.lock().took(&listing, request);
        Ok(listing)
    }

    /// Other users of the access whose reference is no longer what they saw; each is named once per move.
    pub(crate) fn moved(&self, listing: &Listing, user: &str) -> Vec<String> {
        let mut state = self.state.lock();
        let Some(polled) = state.accesses.get_mut(&listing.access) else { return Vec::new() };
        let mut moved = Vec::new();
        for (name, other) in polled.users.iter_mut().filter(|(name, _)| *name != user) {
            let (Some(seen), Some(now)) = (other.seen, listing.fingerprint(&other.selector)) else {
                continue;
            };
            if seen != now {
                other.seen = Some(now);
                other.woken = Some(listing.begun);
                moved.push(name.clone());
            }
        }
        moved
    }

    /// The user is gone.
    pub(crate) fn forget(&self, user: &str) {
        self.state.lock().leave(user);
    }
}

impl State {
    /// Notes what a user looks for, and where.
    fn enter(&mut self, request: &ListRequest<'_>) -> &mut Polled {
        let key = request.access.key();
        if self.users.get(request.user).is_some_and(|known| *known != key) {
            self.leave(request.user);
        }
        self.users.insert(request.user.to_owned(), Arc::clone(&key));
        let polled = self.accesses.entry(key).or_default();
        let selector = request.selector;
        let user = polled.users.entry(request.user.to_owned()).or_insert_with(|| User::new(selector));
        if user.selector != *selector {
            *user = User::new(selector);
        }
        polled
    }

    fn leave(&mut self, user: &str) {
        let Some(key) = self.users.remove(user) else { return };
        if let Some(polled) = self.accesses.get_mut(&key) {
            polled.users.remove(user);
            if polled.users.is_empty() {
                self.accesses.remove(&key);
            }
        }
    }

    fn took(&mut self, listing: &Arc<Listing>, request: &ListRequest<'_>) {
        // gone or moved elsewhere meanwhile
        let Some(polled) = self.accesses.get_mut(&listing.access) else { return };
        if let Some(user) = polled.users.get_mut(request.user) {
            user.seen = listing.fingerprint(request.selector);
            user.woken = None;
        }
        if polled.latest.as_ref().is_none_or(|latest| latest.begun < listing.begun) {
            polled.latest = Some(Arc::clone(listing));
            self.trim();
        }
    }

    /// Lets go of the oldest listings while all together are too large.
    fn trim(&mut self) {
        let weights = self.accesses.values().filter_map(|polled| polled.latest.as_ref());
        let mut total: usize = weights.map(|listing| listing.weight()).sum();
        while total > MAX_KEPT {
            let kept = self.accesses.values_mut().filter(|polled| polled.latest.is_some());
            let oldest = kept.min_by_key(|polled| polled.latest.as_ref().map(|listing| listing.begun));
            let Some(listing) = oldest.and_then(|polled| polled.latest.take()) else { return };
            total = total.saturating_sub(listing.weight());
        }
    }
}

impl User {
    fn new(selector: &ReferenceSelector) -> Self {
        Self { selector: selector.clone(), seen: None, woken: None }
    }
}

impl Polled {
    fn suffices(&self, listing: &Listing, request: &ListRequest<'_>) -> bool {
        if !listing.query.covers(&request.selector.query()) {
            return false;
        }
        match request.freshness {
            Freshness::Since(time) => listing.begun >= time,
            Freshness::Woken(time) => {
                let woken = self.users.get(request.user).and_then(|user| user.woken);
                listing.begun >= woken.unwrap_or(time)
            }
            Freshness::Interval => {
                // Whoever made it asks again after its own interval, which jitter may shorten by a fifth.
                let recent = request.interval.mul_f64(0.8);
                listing.pace <= request.interval && listing.begun.elapsed() < recent
            }
        }
    }

    /// Joins the listing that was asked for last, if it will do.
    fn flight(&mut self, request: &ListRequest<'_>, turns: &Arc<dyn Turns>) -> Flight<Listed> {
        let query = Query::of_all(self.users.values().map(|user| user.selector.query()));
        if let Some(flight) = self.asked.as_ref().and_then(Beacon::flight) {
            let is_new_enough = match (flight.begun(), request.freshness) {
                (None, _) | (Some(_), Freshness::Interval) => true,
                (Some(begun), Freshness::Since(time) | Freshness::Woken(time)) => begun >= time,
            };
            if is_new_enough && self.asked_query.covers(&request.selector.query()) {
                return flight;
            }
        }
        let (access, line, turns) = (request.access.clone(), Arc::clone(&self.line), Arc::clone(turns));
        let (pace, asked) = (request.interval, query.clone());
        let flight = Flight::new(move |takeoff| async move {
            let _place = line.lock_owned().await;
            let _turn = turns.turn(&access.remote()).await;
            let begun = takeoff.begin();
            let session = Session::open(&access).await?;
            let references = session.list(&query).await?;
            let query = if session.lists_all() { Query::everything() } else { query };
            Ok(Arc::new(Listing { access: access.key(), session, references, begun, query, pace }))
        });
        self.asked = flight.beacon();
        self.asked_query = asked;
        flight
    }
}

impl Listing {
    /// What the references that `selector` looks for are; `None` if they were not asked for, or never move.
    fn fingerprint(&self, selector: &ReferenceSelector) -> Option<u64> {
        let query = selector.query();
        if matches!(selector, ReferenceSelector::Commit { .. }) || !self.query.covers(&query) {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        for reference in self.references_for(selector) {
            (&reference.name, &reference.object).hash(&mut hasher);
        }
        Some(hasher.finish())
    }

    /// The references that `selector` looks for.
    pub(crate) fn references_for(
        &self,
        selector: &ReferenceSelector,
    ) -> impl Iterator<Item = &RemoteReference> {
        let (query, full_name) = (selector.query(), selector.full_name());
        self.references.iter().filter(move |reference| match &full_name {
            Some(name) => reference.name == *name,
            None => query.matches(&reference.name),
        })
    }

    /// When the server was asked.
    pub fn begun(&self) -> Instant {
        self.begun
    }

    fn weight(&self) -> usize {
        self.references.len() + self.session.advertised()
    }
}

impl std::fmt::Debug for Listing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let references = self.references.len();
        formatter.debug_struct("Listing").field("references", &references).finish_non_exhaustive()
    }
}
