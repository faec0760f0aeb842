//! What is done to the tasks file, and in whichever order.

use common::document::Document as _;
use common::stream::Item;
use jiff::SignedDuration;

use super::*;
use crate::job::Input;

const DUE: &str = "2026-11-21T10:00:00Z";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn policy(settings: Value) -> Policy {
    Policy::new(&serde_json::from_value(settings).unwrap(), &[]).unwrap()
}

fn job(value: &Value) -> Job {
    match Input::read(&Item { line: 1, text: value.to_string() }).unwrap() {
        Input::Job(job) => *job,
        Input::PassOn => panic!("{value} is no job"),
    }
}

fn finding(number: usize) -> Job {
    let arn = format!("arn:aws:sqs:eu-west-1:111122223333:q-{number}");
    job(&json!({
        "kind": "finding", "key": format!("sqs_public:{arn}"), "check": "sqs_public", "status": "fail", "severity": "high",
        "account": "111122223333", "region": "eu-west-1", "type": "sqs", "arn": arn,
        "id": format!("https://sqs.eu-west-1.amazonaws.com/111122223333/q-{number}"),
        "title": "it is open", "action": {"name": "sqs_remove_policy_statements", "statements": [{"Effect": "Allow"}]},
    }))
}

fn task(number: usize) -> Wish {
    let value = json!({"account": "111122223333", "region": "eu-west-1", "type": "ec2", "id": format!("i-{number}"), "action": "stop"});
    Wish::Task { job: job(&value), fields: value.as_object().unwrap().clone() }
}

fn claim_of(run: &str, until: Option<Timestamp>) -> Claim {
    Claim { run: run.to_owned(), until }
}

fn settlement(status: OutcomeStatus, of: &[Known]) -> BTreeMap<Identity, Settlement> {
    of.iter().map(|known| (known.identity.clone(), Settlement { status, reason: Some("why".to_owned()) })).collect()
}

/// The file, written and read again.
fn again(document: &Document) -> Document {
    Document::parse(&document.text().unwrap()).unwrap()
}

#[test]
fn what_is_seen_again_keeps_its_time() {
    let policy = policy(json!({"grace": {"high": "24h"}}));
    let mut document = Document::default();
    let first = merge(&mut document, &[Wish::Finding(finding(1))], &policy, time(DUE)).unwrap();
    assert_eq!(first.tasks.len(), 1);
    let due = time(DUE) + SignedDuration::from_hours(24);
    assert_eq!(first.tasks[0].job.action_time, Some(due));
    let mut seen = finding(1);
    seen.title = "it is open still".to_owned();
    let mut document = again(&document);
    let later = time(DUE) + SignedDuration::from_hours(5);
    let second = merge(&mut document, &[Wish::Finding(seen.clone())], &policy, later).unwrap();
    assert_eq!(second.tasks[0].job.action_time, Some(due), "it does not recede");
    assert_eq!(second.tasks[0].job.title, "it is open still");
    assert_eq!((second.tasks[0].state(due), second.tasks[0].state(later)), (State::Due, State::NotBefore(due)));
    let mut document = again(&document);
    merge(&mut document, &[Wish::Finding(seen.clone())], &policy, later).unwrap();
    assert!(!document.is_changed(), "nothing new");
    assert_eq!(merge(&mut document, &[Wish::Drop(seen)], &policy, later).unwrap().tasks.len(), 0);
}

#[test]
fn a_person_may_choose_another_action_or_time() {
    let policy = policy(json!({}));
    let mut document = Document::default();
    merge(&mut document, &[Wish::Finding(finding(1))], &policy, time(DUE)).unwrap();
    let text = document.text().unwrap();
    let mut file: Value = serde_json::from_str(&text).unwrap();
    file["tasks"][0]["action"] = json!("disable");
    file["tasks"][0]["action_time"] = json!("2030-01-01T00:00:00Z");
    let mut document = Document::parse(&file.to_string()).unwrap();
    let merged = merge(&mut document, &[Wish::Finding(finding(1))], &policy, time(DUE)).unwrap();
    assert_eq!(merged.tasks[0].job.action, Some(Action::Disable));
    assert_eq!(merged.tasks[0].job.action_time, Some(time("2030-01-01T00:00:00Z")));
}

#[test]
fn who_is_at_work_on_a_task_is_not_disturbed() {
    let policy = policy(json!({"grace": {"high": "0s"}}));
    let now = time(DUE);
    let mut document = Document::default();
    merge(&mut document, &[Wish::Finding(finding(1)), task(2)], &policy, now).unwrap();
    let first = claim(&mut document, &claim_of("a", None), true, now, now).unwrap();
    assert_eq!((first.ours.len(), first.dead.len(), first.others.len()), (2, 0, 0));
    // Nor by an exception, nor by what was mended: it will say so itself.
    let merged = merge(&mut document, &[Wish::Drop(finding(1))], &policy, now).unwrap();
    assert_eq!(merged.tasks.len(), 2);
    let all: BTreeMap<_, _> = merged.tasks.iter().map(|known| (known.identity.clone(), Judged::Resolved)).collect();
    assert_eq!(judged(&mut document, &all, "b", &policy, now).unwrap(), []);
    // Another's settlement is not ours.
    settle(&mut document, "b", &settlement(OutcomeStatus::Applied, &first.ours), &policy, now).unwrap();
    assert_eq!(contents(&document).tasks.len(), 2);
    // The next run that is alone knows that this one died.
    let next = claim(&mut document, &claim_of("b", None), true, now, now).unwrap();
    assert_eq!((next.ours.len(), next.dead.len()), (2, 2));
    // Made again, since its answer was lost, it is the same change, and tells of nobody's death.
    let same = claim(&mut document, &claim_of("b", None), true, now, now).unwrap();
    assert_eq!((same.ours.len(), same.dead.len()), (2, 0));
    settle(&mut document, "b", &settlement(OutcomeStatus::Applied, &next.ours), &policy, now).unwrap();
    assert_eq!(contents(&document).tasks.len(), 0);
}

#[test]
fn a_lease_holds_as_long_as_it_says() {
    let policy = policy(json!({}));
    let now = time(DUE);
    let mut document = Document::default();
    merge(&mut document, &[task(1)], &policy, now).unwrap();
    let lease = |run, minutes| claim_of(run, Some(now + SignedDuration::from_mins(minutes)));
    let first = claim(&mut document, &lease("a", 10), false, now, now).unwrap();
    let at = |minutes| now + SignedDuration::from_mins(minutes);
    let early = claim(&mut document, &lease("b", 19), false, now, at(9)).unwrap();
    assert_eq!((early.ours.len(), early.dead.len(), early.others.len()), (0, 0, 1));
    let expected = BTreeSet::from([first.ours[0].identity.clone()]);
    assert!(renew(&mut document, &lease("a", 19), &expected).unwrap());
    assert_eq!(claim(&mut document, &lease("b", 28), false, now, at(18)).unwrap().ours.len(), 0);
    let taken = claim(&mut document, &lease("b", 29), false, now, at(19)).unwrap();
    assert_eq!((taken.ours.len(), taken.dead.len()), (1, 1));
    assert!(!renew(&mut document, &lease("a", 29), &expected).unwrap(), "it is another's now");
    release(&mut document, "a").unwrap();
    assert!(matches!(contents(&document).tasks[0].state(now), State::Claimed(_)));
    release(&mut document, "b").unwrap();
    assert_eq!(contents(&document).tasks[0].state(now), State::Due);
}

#[test]
fn each_outcome_has_its_consequence_once() {
    use OutcomeStatus::{
        Already, Applied, Changed, Excepted, Failed, Interrupted, Planned, Refused, Resolved, Waiting,
    };
    let policy = policy(json!({"grace": {"high": "0s"}, "max_attempts": 2}));
    let now = time(DUE);
    for (status, wish, expected) in [
        (Applied, task(1), None),
        (Already, task(1), None),
        (Excepted, task(1), None),
        (Resolved, task(1), None),
        (Changed, task(1), None),
        // A finding would come back tomorrow, with all its time again.
        (Changed, Wish::Finding(finding(1)), Some(1)),
        (Failed, task(1), Some(1)),
        (Refused, task(1), Some(0)),
        (Waiting, task(1), Some(0)),
        (Interrupted, task(1), Some(0)),
        (Planned, task(1), Some(0)),
    ] {
        let mut document = Document::default();
        merge(&mut document, &[wish], &policy, now).unwrap();
        let claimed = claim(&mut document, &claim_of("a", None), true, now, now).unwrap();
        let settlement = settlement(status, &claimed.ours);
        // Twice: the answer to the first was lost.
        settle(&mut document, "a", &settlement, &policy, now).unwrap();
        settle(&mut document, "a", &settlement, &policy, now).unwrap();
        let left = contents(&document).tasks;
        let attempts = left.first().map(|known| known.filed.attempts.unwrap_or_default());
        assert_eq!(attempts, expected, "{status:?}");
        if let Some(known) = left.first() {
            assert!(known.filed.claim.is_none());
            let again = matches!(known.state(now), State::Again(_));
            assert_eq!(again, expected == Some(1), "{status:?}: {:?}", known.filed);
        }
    }
}

#[test]
fn what_fails_too_often_is_parked_and_a_person_gives_it_all_its_attempts_again() {
    let policy = policy(json!({"max_attempts": 2, "retry": "0s"}));
    let now = time(DUE);
    let mut document = Document::default();
    merge(&mut document, &[task(1)], &policy, now).unwrap();
    let fail = |document: &mut Document| {
        let claimed = claim(document, &claim_of("a", None), true, now, now).unwrap();
        settle(document, "a", &settlement(OutcomeStatus::Failed, &claimed.ours), &policy, now).unwrap();
        claimed.ours.len()
    };
    assert_eq!([fail(&mut document), fail(&mut document), fail(&mut document)], [1, 1, 0]);
    assert_eq!(contents(&document).tasks[0].state(now), State::Parked);
    let mut file: Value = serde_json::from_str(&document.text().unwrap()).unwrap();
    file["tasks"][0].as_object_mut().unwrap().remove("parked");
    let mut document = Document::parse(&file.to_string()).unwrap();
    assert_eq!([fail(&mut document), fail(&mut document), fail(&mut document)], [1, 1, 0]);
}

#[test]
fn what_is_there_more_than_once_is_done_once_and_leaves_as_one() {
    let policy = policy(json!({}));
    let now = time(DUE);
    let one =
        r#"{"account":"111122223333","region":"eu-west-1","type":"ec2","id":"i-1","action":"stop","unique_id":"x"}"#;
    let mut document = Document::parse(&format!(r#"{{"tasks":[{one},{one},{one}]}}"#)).unwrap();
    assert_eq!(merge(&mut document, &[task(1)], &policy, now).unwrap().tasks.len(), 1);
    let claimed = claim(&mut document, &claim_of("a", None), true, now, now).unwrap();
    assert_eq!((claimed.ours.len(), document.entries().len()), (1, 3));
    settle(&mut document, "a", &settlement(OutcomeStatus::Applied, &claimed.ours), &policy, now).unwrap();
    assert_eq!(document.entries().len(), 0);
}

/// Numbers at random, the same ones for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % sides).unwrap()
    }
}

/// A run that acts, as far as the file is concerned: it may die after each step.
#[derive(Default)]
struct Actor {
    name: String,
    claimed: Vec<Known>,
    /// Done at AWS, and not noted down yet.
    done: Vec<Known>,
}

/// Producers, runs that act one after the other and die at any point, and changes whose answer is lost and which are made
/// again: whatever the order, each task is done, and none of them without its claim.
#[test]
fn no_order_of_events_loses_a_task() {
    let policy = policy(json!({"grace": {"high": "0s"}, "retry": "0s", "max_attempts": 1000}));
    let now = time(DUE);
    for seed in 0..25 {
        let mut dice = Dice(seed);
        let mut document = Document::default();
        let (mut produced, mut runs) = (0, 0);
        let mut effects: BTreeMap<Identity, usize> = BTreeMap::new();
        let mut actor = Actor::default();
        let mut steps = 0;
        loop {
            steps += 1;
            assert!(steps < 5000, "seed {seed}: it comes to no end");
            let producing = steps < 40;
            match dice.roll(7) {
                0 if producing => {
                    produced += 1;
                    merge(&mut document, &[task(produced)], &policy, now).unwrap();
                }
                1 if producing => {
                    produced += 1;
                    let wish = [Wish::Finding(finding(produced))];
                    merge(&mut document, &wish, &policy, now).unwrap();
                    // Once more, since nobody answered.
                    merge(&mut document, &wish, &policy, now).unwrap();
                }
                // By hand, as another program: it does not know of anything.
                2 => document = again(&document),
                3 if actor.claimed.is_empty() && actor.done.is_empty() => {
                    runs += 1;
                    actor.name = format!("run {runs}");
                    let taken = claim(&mut document, &claim_of(&actor.name, None), true, now, now).unwrap();
                    actor.claimed = taken.ours;
                }
                4 => {
                    if let Some(known) = actor.claimed.pop() {
                        // A look shows whether it is done already.
                        effects.entry(known.identity.clone()).or_insert(0);
                        let times = effects.get_mut(&known.identity).unwrap();
                        *times = (*times).max(1);
                        actor.done.push(known);
                    }
                }
                5 => {
                    let fails = dice.roll(4) == 0;
                    let status = if fails { OutcomeStatus::Failed } else { OutcomeStatus::Applied };
                    settle(&mut document, &actor.name, &settlement(status, &actor.done), &policy, now).unwrap();
                    actor.done.clear();
                    if actor.claimed.is_empty() && dice.roll(2) == 0 {
                        release(&mut document, &actor.name).unwrap();
                    }
                }
                // It dies. With it goes all that it has not noted down.
                6 if producing => actor = Actor::default(),
                _ => {}
            }
            let open: BTreeSet<Identity> = contents(&document).tasks.into_iter().map(|known| known.identity).collect();
            let seen: BTreeSet<Identity> = effects.keys().cloned().collect();
            assert_eq!(open.union(&seen).count(), produced, "seed {seed}, step {steps}: each is in the file, or done");
            if !producing && open.is_empty() {
                assert_eq!(seen.len(), produced);
                break;
            }
        }
    }
}
