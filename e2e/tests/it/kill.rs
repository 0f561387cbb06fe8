//! Controllers are killed while they install, upgrade and prune. What a kill interrupts is gone on with: nothing is
//! orphaned, every artifact that a status names can be fetched, and whatever a status showed is alerted.
//!
//! Each round pushes a change, kills at a random moment of the two seconds after it, starts the killed again, and waits
//! until the push is delivered all the same. The network is slow, so that a delivery fills much of that time. What was
//! under way at the kill is read from the API server's audit log, the Git server, the storage and the chat. As long as a
//! phase has not been hit, moments are drawn from the time in which a round without a kill was in that phase.

mod evidence;
mod ledger;
mod world;

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use evidence::{Interval, Phase};
use world::{Change, Fleet, Victim, World};

/// How long after a push a kill may come.
const WINDOW: Duration = Duration::from_secs(2);

#[tokio::test]
async fn ten_kills_lose_nothing() {
    survive(10).await;
}

#[tokio::test]
#[ignore = "takes ten minutes: make faults"]
async fn fifty_kills_lose_nothing() {
    survive(50).await;
}

/// At least so many kills, and as many more as it takes until each phase was hit.
async fn survive(kills: usize) {
    let seed = seed();
    println!("KILL_SEED={seed}");
    let mut random = SmallRng::seed_from_u64(seed);
    let (mut world, mut fleet) = World::start().await;
    let (mut usual, mut number) = (Vec::new(), 0);
    // The first application is installed by controllers that know nothing yet, and takes longer.
    while number < 2 * Change::ALL.len() {
        let marks = world.marks(&fleet);
        let began = world.push(number).await;
        settle(&world, &mut fleet, number).await;
        usual.push(offsets(&world.evidence(&fleet, &marks), began));
        number += 1;
    }
    let usual = usual.split_off(Change::ALL.len());
    let undisturbed = number;
    let mut hit = BTreeSet::new();
    let limit = kills * 2 + 30;
    while number < kills + undisturbed || hit.len() < Phase::ALL.len() {
        assert!(number < limit, "after {number} rounds only {hit:?} were hit");
        let expected = &usual[number % usual.len()];
        let (after, victims) = moment(&mut random, expected, &hit);
        let marks = world.marks(&fleet);
        let began = world.push(number).await;
        let (killed, victims) = fleet.kill(began + after, &victims).await;
        let stored = world.stored_but_not_shown(&fleet, &marks).await;
        settle(&world, &mut fleet, number).await;
        let mut phases: BTreeSet<Phase> = world
            .evidence(&fleet, &marks)
            .into_iter()
            // a store shows in the storage alone
            .filter(|interval| interval.phase != Phase::Store)
            .filter(|interval| victims.contains(&interval.victim) && interval.holds(killed))
            .map(|interval| interval.phase)
            .collect();
        if stored && victims.contains(&Victim::Source) {
            phases.insert(Phase::Store);
        }
        println!("round {number}: killed {victims:?} after {after:?}, during {phases:?}");
        hit.extend(phases);
        number += 1;
    }
    let rest = async {
        world.everything_was_told().await;
        world.delete_everything().await;
    };
    with(&mut fleet, rest).await;
    assert!(fleet.stored().is_empty(), "the artifacts went with their object");
}

async fn settle(world: &World, fleet: &mut Fleet, number: usize) {
    with(fleet, world.settle(number)).await;
}

/// Does something while controllers that end are started again.
async fn with(fleet: &mut Fleet, work: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        () = fleet.keep_running() => {}
    }
}

fn seed() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "repeats a run that failed")]
    let given = std::env::var("KILL_SEED").ok();
    given.map_or_else(rand::random, |text| text.parse().expect("KILL_SEED is a number"))
}

/// Intervals as offsets from the push.
fn offsets(intervals: &[Interval], began: SystemTime) -> Vec<(Interval, [Duration; 2])> {
    let since = |time: SystemTime| time.duration_since(began).unwrap_or_default();
    intervals.iter().map(|interval| (*interval, [since(interval.start), since(interval.end)])).collect()
}

/// When to kill whom: in a phase that was not hit yet, if this change has one; else at any moment.
fn moment(
    random: &mut SmallRng,
    usual: &[(Interval, [Duration; 2])],
    hit: &BTreeSet<Phase>,
) -> (Duration, Vec<Victim>) {
    let missing: Vec<_> = usual.iter().filter(|(interval, _)| !hit.contains(&interval.phase)).collect();
    let wanted = missing.first().map(|(interval, _)| interval.phase);
    let candidates: Vec<_> = missing
        .iter()
        .filter(|(interval, [start, _])| Some(interval.phase) == wanted && *start < WINDOW)
        .collect();
    let everybody = random.random_range(0..4) == 0;
    let (after, victim) = if candidates.is_empty() {
        (WINDOW.mul_f64(random.random()), Victim::ALL[random.random_range(0..Victim::ALL.len())])
    } else {
        let (interval, [start, end]) = candidates[random.random_range(0..candidates.len())];
        let end = (*end).min(WINDOW);
        (*start + end.saturating_sub(*start).mul_f64(random.random()), interval.victim)
    };
    (after, if everybody { Victim::ALL.to_vec() } else { vec![victim] })
}
