//! Waiting until objects are healthy: from the hub where it sees them, else by reading them.

use flux_apply::change::{Action, ChangeSet};
use flux_apply::health::{Health, health, pod_failed, selector};
use flux_apply::hub::{Hub, Subscription};
use flux_apply::object::{ObjectId, join_api_version};
use flux_apply::wait::{Awaited, FailFast, Seen, Verdict, timed_out, verdict};
use flux_kube::{Identity, ListOptions, ObjectName, Resource, ReviewedAccess, Target};
use parking_lot::Mutex;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// An access review holds this long.
const REVIEW_LIFE: Duration = Duration::from_mins(1);
/// Time between two looks at an object that the hub does not see; it grows to the second figure.
const FIRST_LOOK: Duration = Duration::from_secs(1);
const LAST_LOOK: Duration = Duration::from_secs(5);
const PODS: Resource = Resource::namespaced("", "v1", "Pod", "pods");

/// An object whose health is awaited.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Identity.
    pub id: ObjectId,
    /// Version part of `apiVersion`.
    pub version: String,
    /// States before this version of the object say nothing.
    pub at_least: u64,
    /// What is known already, from an answer to a request of who waits.
    pub known: Option<Health>,
    /// Whether the hub may see it: it carries the owner label.
    pub owned: bool,
    /// Whether its absence is success.
    pub may_vanish: bool,
}

impl Subject {
    /// What was applied, but for what was skipped.
    pub fn applied(changes: &ChangeSet, vanishing: impl Fn(&ObjectId) -> bool) -> Vec<Self> {
        let awaited = changes.iter().filter(|change| change.action != Action::Skipped);
        awaited
            .map(|change| Self {
                id: change.id.clone(),
                version: change.version.clone(),
                at_least: change.resource_version,
                known: change.health,
                owned: true,
                may_vanish: vanishing(&change.id),
            })
            .collect()
    }

    /// An object that the spec names.
    pub fn referenced(id: ObjectId, version: String) -> Self {
        Self { id, version, at_least: 0, known: None, owned: false, may_vanish: false }
    }
}

/// User, resource and namespace that an access review asks about.
type Question = (String, String, String);

/// The answers of access reviews, each kept for a minute.
#[derive(Debug, Default)]
pub struct Reviews {
    answers: Mutex<HashMap<Question, (bool, Instant)>>,
}

impl Reviews {
    /// Whether an identity may read objects of a kind in a namespace. The controller may: it runs the hub.
    async fn may_get(
        &self,
        identity: &Identity,
        target: &Target,
        resource: &Resource,
        namespace: &str,
    ) -> bool {
        let Some(user) = identity.user() else { return true };
        let key = (user, format!("{}.{}", resource.plural, resource.group), namespace.to_owned());
        let now = Instant::now();
        {
            let mut answers = self.answers.lock();
            answers.retain(|_, (_, asked)| now.duration_since(*asked) < REVIEW_LIFE);
            if let Some((allowed, _)) = answers.get(&key) {
                return *allowed;
            }
        }
        let access = ReviewedAccess { verb: "get", resource, namespace, name: "" };
        let allowed = target.may(&access).await.unwrap_or(false);
        self.answers.lock().insert(key, (allowed, now));
        allowed
    }
}

/// Who looks, and where.
#[derive(Debug, Clone)]
pub struct Viewer {
    /// The watches.
    pub hub: Hub,
    /// Answers of access reviews.
    pub reviews: Arc<Reviews>,
    /// Whose rights count.
    pub identity: Identity,
    /// The cluster as that identity sees it.
    pub target: Target,
}

/// A wait whose state can be read when it is cut short.
#[derive(Debug, Clone)]
pub struct Vigil {
    objects: Arc<Mutex<Vec<Awaited>>>,
}

/// How an object is looked at.
enum Look {
    /// It is known.
    Done,
    /// Through a subscription.
    Hub(HubLook),
    /// By reading it.
    Read { resource: Resource, name: ObjectName },
    /// Not at all: its kind is not known.
    Never,
}

/// A look through a subscription.
struct HubLook {
    /// Position of the subscription.
    subscription: usize,
    resource: Resource,
    name: ObjectName,
    at_least: u64,
    /// State when the subscription began; nothing was told that is newer.
    first: Seen,
    /// Whether Pods of it may have failed that its own state does not show.
    pods: Pods,
}

/// Whether an object's Pods are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pods {
    Ignored,
    LookedAt,
}

/// What a round of looks is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    /// Everything.
    Full,
    /// What the hub has told.
    Told,
}

impl Vigil {
    /// A wait for these objects.
    pub fn new(subjects: &[Subject]) -> Self {
        let awaited = |subject: &Subject| Awaited {
            id: subject.id.clone(),
            seen: match subject.known {
                Some(Health::Current) => Seen::Health(Health::Current),
                _ => Seen::Nothing,
            },
            may_vanish: subject.may_vanish,
        };
        Self { objects: Arc::new(Mutex::new(subjects.iter().map(awaited).collect())) }
    }

    /// Whether nothing is to be waited for.
    pub fn is_over(&self) -> bool {
        verdict(&self.objects.lock(), FailFast::No) == Verdict::Current
    }

    /// The text of a wait that was cut short by its limit.
    pub fn timed_out(&self) -> String {
        timed_out(&self.objects.lock())
    }

    /// Follows the objects until all are healthy.
    ///
    /// # Errors
    /// The text that names the failed objects.
    pub async fn keep(
        self,
        viewer: Viewer,
        subjects: Vec<Subject>,
        fail_fast: FailFast,
    ) -> Result<(), String> {
        let (mut subscriptions, looks) = self.looks(&viewer, &subjects).await?;
        let (mut pause, mut round) = (FIRST_LOOK, Round::Full);
        let mut next = Instant::now() + pause;
        loop {
            self.look(&viewer, &subscriptions, &looks, round).await;
            match verdict(&self.objects.lock(), fail_fast) {
                Verdict::Current => return Ok(()),
                Verdict::Failed(text) => return Err(text),
                Verdict::Pending => {}
            }
            tokio::select! {
                () = any_changed(&mut subscriptions) => round = Round::Told,
                () = tokio::time::sleep_until(next) => {
                    round = Round::Full;
                    pause = (pause * 2).min(LAST_LOOK);
                    next = Instant::now() + pause;
                }
            }
        }
    }

    /// Decides for each object how it is looked at.
    async fn looks(
        &self,
        viewer: &Viewer,
        subjects: &[Subject],
    ) -> Result<(Vec<Subscription>, Vec<Look>), String> {
        let mut watched = Watched::default();
        let mut looks = Vec::with_capacity(subjects.len());
        for subject in subjects {
            if subject.known == Some(Health::Current) {
                looks.push(Look::Done);
                continue;
            }
            let id = &subject.id;
            let api_version = join_api_version(&id.group, &subject.version);
            let Ok(resource) = viewer.target.resource(&api_version, &id.kind).await else {
                looks.push(Look::Never);
                continue;
            };
            let name = resource.name(&id.namespace, &id.name);
            if resource.scope == flux_kube::Scope::Namespaced && name.namespace.is_empty() {
                let kind =
                    if id.group.is_empty() { id.kind.clone() } else { format!("{}.{}", id.kind, id.group) };
                return Err(format!(
                    "resource {kind} {} is namespace scoped, but namespace is not set",
                    id.name
                ));
            }
            // who was shown the object in the answer to its own write need not ask whether it may read it
            let allowed = subject.owned
                && (subject.known.is_some()
                    || viewer
                        .reviews
                        .may_get(&viewer.identity, &viewer.target, &resource, &name.namespace)
                        .await);
            looks.push(if allowed {
                Look::Hub(watched.look(viewer, subject, resource, name).await)
            } else {
                Look::Read { resource, name }
            });
        }
        Ok((watched.subscriptions, looks))
    }

    /// Takes a look at everything that is not known yet.
    async fn look(&self, viewer: &Viewer, subscriptions: &[Subscription], looks: &[Look], round: Round) {
        for (position, look) in looks.iter().enumerate() {
            let seen = match look {
                Look::Hub(look) => {
                    let before = self.objects.lock().get(position).map(|object| object.seen.clone());
                    look.take(viewer, subscriptions, (round, before)).await
                }
                Look::Read { resource, name } if round == Round::Full => {
                    read(&viewer.target, resource, name).await
                }
                Look::Done | Look::Never | Look::Read { .. } => continue,
            };
            if let Some(object) = self.objects.lock().get_mut(position) {
                object.seen = seen;
            }
        }
    }
}

impl HubLook {
    async fn take(
        &self,
        viewer: &Viewer,
        subscriptions: &[Subscription],
        (round, before): (Round, Option<Seen>),
    ) -> Seen {
        let subscription = subscriptions.get(self.subscription);
        if round == Round::Full && subscription.is_some_and(Subscription::is_forbidden) {
            return read(&viewer.target, &self.resource, &self.name).await;
        }
        let told = subscription.and_then(|subscription| subscription.seen(&self.name, self.at_least));
        let seen = told.unwrap_or_else(|| self.first.clone());
        if self.pods == Pods::Ignored || seen != Seen::Health(Health::InProgress) {
            return seen;
        }
        match (round, before) {
            (Round::Told, Some(before @ Seen::Health(Health::Failed))) => before,
            (Round::Told, _) => seen,
            (Round::Full, _) => match failed_pods(&viewer.target, &self.resource, &self.name).await {
                Ok(0) | Err(_) => seen,
                Ok(_) => Seen::Health(Health::Failed),
            },
        }
    }
}

/// The subscriptions of a vigil, one per kind and namespace.
#[derive(Default)]
struct Watched {
    subscriptions: Vec<Subscription>,
    positions: HashMap<(Resource, String), usize>,
}

impl Watched {
    async fn look(
        &mut self,
        viewer: &Viewer,
        subject: &Subject,
        resource: Resource,
        name: ObjectName,
    ) -> HubLook {
        let key = (resource.clone(), name.namespace.clone());
        let subscription = *self.positions.entry(key).or_insert_with(|| {
            self.subscriptions.push(viewer.hub.subscribe(&resource, &name.namespace, subject.at_least));
            self.subscriptions.len() - 1
        });
        let covered = self.subscriptions.get_mut(subscription).is_some_and(|subscription| {
            subscription.follow(&name);
            subscription.covers(subject.at_least)
        });
        let first = match subject.known {
            Some(health) if covered => Seen::Health(health),
            // what happened between that state and the beginning of the watch is not told
            Some(_) | None => read(&viewer.target, &resource, &name).await,
        };
        let sets = resource.group == "apps" && matches!(resource.kind.as_ref(), "StatefulSet" | "ReplicaSet");
        let pods = if sets { Pods::LookedAt } else { Pods::Ignored };
        HubLook { subscription, resource, name, at_least: subject.at_least, first, pods }
    }
}

/// How many Pods of a set have failed, but for those that no node takes. Source: contract 16.3 (Flux 2.9).
async fn failed_pods(
    target: &Target,
    resource: &Resource,
    name: &ObjectName,
) -> Result<usize, flux_kube::Error> {
    let set: Value = target.get_as(resource, name).await?;
    let Some(label_selector) = selector(&set) else { return Ok(0) };
    let options = ListOptions { namespace: name.namespace.clone(), label_selector, ..ListOptions::default() };
    let pods = target.list(&PODS, &options).await?;
    let now = jiff::Timestamp::now().as_second();
    Ok(pods.objects.iter().filter_map(|pod| pod.value().ok()).filter(|pod| pod_failed(pod, now)).count())
}

async fn read(target: &Target, resource: &Resource, name: &ObjectName) -> Seen {
    match target.get_as::<Value>(resource, name).await {
        Ok(object) => match health(&object, jiff::Timestamp::now().as_second()) {
            Ok(health) => Seen::Health(health),
            Err(error) => Seen::Error(error.to_string()),
        },
        Err(error) if error.is_not_found() => Seen::Health(Health::NotFound),
        Err(error) => Seen::Error(flux_driver::message(&error)),
    }
}

/// Resolves when one of the subscriptions has news; never without one.
async fn any_changed(subscriptions: &mut [Subscription]) {
    if subscriptions.is_empty() {
        std::future::pending::<()>().await;
    }
    let changes = subscriptions.iter_mut().map(|subscription| Box::pin(subscription.changed()));
    futures::future::select_all(changes).await;
}
