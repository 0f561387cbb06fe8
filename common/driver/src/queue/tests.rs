use super::*;

const DEADLINE: Duration = Duration::from_mins(30);

fn name(text: &str) -> ObjectName {
    ObjectName::new("apps", text)
}

fn queue() -> (Queue, Instant) {
    (Queue::new(Backoff::default()), Instant::now())
}

fn started(queue: &mut Queue, now: Instant) -> Option<String> {
    queue.start(now, DEADLINE).map(|start| start.name.name)
}

#[test]
fn lanes_go_in_order_and_an_urgent_trigger_moves_up() {
    let (mut queue, now) = queue();
    for (object, lane) in [
        ("listed", Lane::Listed),
        ("interval", Lane::Interval),
        ("changed", Lane::Changed),
        ("late", Lane::Listed),
    ] {
        queue.trigger(&name(object), Trigger::new(lane), now);
    }
    queue.trigger(&name("late"), Trigger::new(Lane::Asked), now);
    let order: Vec<_> = std::iter::from_fn(|| started(&mut queue, now)).collect();
    assert_eq!(order, ["late", "changed", "interval", "listed"]);
    assert!(!queue.has_ready());
}

#[test]
fn a_key_runs_once_at_a_time_and_triggers_collapse() {
    let (mut queue, now) = queue();
    let app = name("app");
    queue.trigger(&app, Trigger::new(Lane::Changed), now);
    assert!(started(&mut queue, now).is_some());
    for _ in 0..100 {
        assert!(queue.trigger(&app, Trigger::new(Lane::Changed), now), "the run is told");
    }
    assert!(started(&mut queue, now).is_none());
    queue.finish(&app, After::Delay(Duration::from_mins(10), Lane::Interval), now);
    let again = queue.start(now, DEADLINE).unwrap();
    assert_eq!(again.triggers.len(), TRIGGERS);
    queue.finish(&app, After::Delay(Duration::from_mins(10), Lane::Interval), now);
    assert!(started(&mut queue, now).is_none());
}

#[test]
fn a_run_is_not_followed_by_one_for_what_it_has_seen() {
    let (mut queue, now) = queue();
    let app = name("app");
    let asked = |trigger: &Trigger| trigger.lane == Lane::Asked;
    queue.trigger(&app, Trigger::new(Lane::Changed), now);
    assert!(started(&mut queue, now).is_some());
    queue.trigger(&app, Trigger::new(Lane::Asked), now);
    queue.drop_triggers(&app, asked);
    queue.finish(&app, After::Delay(Duration::from_mins(10), Lane::Interval), now);
    assert!(started(&mut queue, now).is_none());

    queue.trigger(&app, Trigger::new(Lane::Changed), now);
    assert!(started(&mut queue, now).is_some());
    queue.trigger(&app, Trigger::new(Lane::Asked), now);
    queue.trigger(&app, Trigger::new(Lane::Changed), now);
    queue.drop_triggers(&app, asked);
    queue.finish(&app, After::Delay(Duration::from_mins(10), Lane::Interval), now);
    assert_eq!(queue.start(now, DEADLINE).unwrap().triggers, [Trigger::new(Lane::Changed)]);
}

#[test]
fn backoff_grows_and_success_resets_it() {
    let (mut queue, mut now) = queue();
    let app = name("app");
    queue.trigger(&app, Trigger::new(Lane::Changed), now);
    for seconds in [0.75, 1.5, 3.0] {
        assert!(started(&mut queue, now).is_some());
        queue.finish(&app, After::Backoff, now);
        let due = queue.next_due().unwrap();
        assert_eq!(due - now, Duration::from_secs_f64(seconds));
        now = due;
        queue.tick(now);
    }
    assert!(started(&mut queue, now).is_some());
    queue.finish(&app, After::Delay(Duration::from_mins(1), Lane::Interval), now);
    now += Duration::from_mins(1);
    queue.tick(now);
    assert!(started(&mut queue, now).is_some());
    queue.finish(&app, After::Backoff, now);
    assert_eq!(queue.next_due().unwrap() - now, Duration::from_millis(750));
}

#[test]
fn a_lost_run_is_noticed() {
    let (mut queue, now) = queue();
    queue.trigger(&name("app"), Trigger::new(Lane::Changed), now);
    assert!(started(&mut queue, now).is_some());
    assert_eq!(queue.next_due(), Some(now + DEADLINE));
    assert_eq!(queue.tick(now + DEADLINE), [name("app")]);
}

#[test]
fn a_deleted_object_leaves_nothing_behind() {
    let (mut queue, now) = queue();
    let app = name("app");
    queue.trigger(&app, Trigger::new(Lane::Changed), now);
    queue.remove(&app);
    assert!(!queue.has_ready() && started(&mut queue, now).is_none());
    queue.trigger(&app, Trigger::new(Lane::Changed), now);
    assert!(started(&mut queue, now).is_some());
    queue.remove(&app);
    queue.finish(&app, After::Backoff, now);
    assert_eq!(queue.next_due(), None);
    assert!(queue.entries.is_empty());
}

#[test]
fn an_object_made_again_during_its_last_run_is_looked_at() {
    let (mut queue, now) = queue();
    let app = name("app");
    queue.trigger(&app, Trigger::new(Lane::Changed), now);
    assert!(started(&mut queue, now).is_some());
    queue.remove(&app);
    queue.trigger(&app, Trigger::new(Lane::Changed), now);
    queue.finish(&app, After::Gone, now);
    assert!(started(&mut queue, now).is_some());
}

#[test]
fn the_audit_heals_what_two_audits_found() {
    let (mut queue, now) = queue();
    let (known, unknown) = (name("known"), name("unknown"));
    queue.trigger(&known, Trigger::new(Lane::Changed), now);
    assert!(started(&mut queue, now).is_some());
    let seen = Fingerprint { generation: 1, ..Fingerprint::default() };
    queue.note_seen(&known, seen.clone());
    queue.finish(&known, After::Rest, now);
    assert!(queue.audit([(&known, &seen), (&unknown, &seen)], now).is_empty());
    assert_eq!(queue.audit([(&known, &seen), (&unknown, &seen)], now), std::slice::from_ref(&unknown));
    let changed = Fingerprint { generation: 2, ..seen };
    assert!(queue.audit([(&known, &changed)], now).is_empty());
    assert_eq!(queue.audit([(&known, &changed)], now), std::slice::from_ref(&known));
}
