//! AWS that turns down, breaks off or loses some of all calls: the result is the same, or the outcome says what is not
//! known.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use common::resource::ResourceType;
use serde_json::{Value, json};
use tests::{Account, Call, Emulator, Proxy, Ran, Tool, Verdict, on};

use crate::{apply, failing, is_write, misconfigure, poll, public_queues, run, statuses, text, timeless};

/// What goes wrong, and how often.
struct Fault {
    name: &'static str,
    /// Each of how many calls.
    every: usize,
    on: fn(&Call) -> bool,
    verdict: fn(&Call) -> Verdict,
}

const THROTTLED: Fault = Fault { name: "throttled", every: 3, on: |_| true, verdict: Verdict::throttled };

const ERROR: Fault = Fault {
    name: "an internal error",
    every: 5,
    // What a write to a database comes to shows within twenty minutes, and is waited for as long.
    on: |call| !is_write(call) || !matches!(call.service.as_str(), "rds" | "redshift"),
    verdict: |call| Verdict::error(call, 500, "InternalError", "We encountered an internal error. Please try again."),
};

const CUT_OFF: Fault =
    Fault { name: "an answer that is cut off", every: 4, on: |call| !is_write(call), verdict: |_| Verdict::CutWithin };

const WRITE_CUT_OFF: Fault =
    Fault { name: "an answer to a write that is cut off", every: 2, on: is_write, verdict: |_| Verdict::CutWithin };

const LOST: Fault = Fault { name: "an answer that is lost", every: 2, on: is_write, verdict: |_| Verdict::CutAfter };

/// How often one and the same call meets with the fault at most: each is tried eight times, and no service turns one
/// down for ever.
const AGAIN: usize = 4;

/// How many calls there were, and how often each met with the fault: by its operation, target and body.
type Seen = (usize, HashMap<(String, String, Vec<u8>), usize>);

impl Fault {
    fn proxy(&self) -> Proxy {
        let (every, on, verdict) = (self.every, self.on, self.verdict);
        let seen: Mutex<Seen> = Mutex::default();
        Proxy::new(Emulator::shared()).rule("*", move |call| {
            if !on(call) {
                return Verdict::Pass;
            }
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.0 += 1;
            if !seen.0.is_multiple_of(every) {
                return Verdict::Pass;
            }
            let request = (call.name(), call.request.target.clone(), call.request.body.clone());
            let met = seen.1.entry(request).or_default();
            *met += 1;
            if *met > AGAIN { Verdict::Pass } else { verdict(call) }
        })
    }
}

/// All types, as `--types` takes them.
fn types() -> String {
    ResourceType::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(",")
}

/// The mode that the tools take by themselves sends less and less to who throttles, as it should; where a third of all
/// calls is throttled to the end, that takes its time.
fn hasty(tool: Tool) -> Tool {
    tool.env("AWS_RETRY_MODE", "standard")
}

/// What was polled, whichever way: the URL of a queue begins with the endpoint.
fn records(seen: &Account, polled: &Ran) -> Vec<Value> {
    let anywhere = |record: Value| record.to_string().replace(seen.endpoint(), "https://sqs").parse().unwrap();
    timeless(polled.records().into_iter().map(anywhere).collect())
}

fn poll_finds_the_same(fault: &Fault) {
    static CALM: OnceLock<(Account, Vec<Value>)> = OnceLock::new();
    let (account, calm) = CALM.get_or_init(|| {
        let account = Account::new();
        misconfigure(&account, &types());
        let polled = run(poll(&account, &types())).exits(0);
        let calm = records(&account, &polled);
        (account, calm)
    });
    let proxy = fault.proxy();
    let seen = account.through(&proxy);
    let polled = run(hasty(poll(&seen, &types()))).exits(0);
    assert_eq!(&records(&seen, &polled), calm, "{}", fault.name);
    assert_eq!(polled.stderr, "", "{}", fault.name);
}

#[test]
fn a_poll_that_is_throttled_finds_the_same() {
    poll_finds_the_same(&THROTTLED);
}

#[test]
fn a_poll_that_meets_with_errors_finds_the_same() {
    poll_finds_the_same(&ERROR);
}

#[test]
fn a_poll_whose_pages_are_cut_off_finds_the_same() {
    poll_finds_the_same(&CUT_OFF);
}

/// The findings that there is an action for.
fn fixable(account: &Account) -> Vec<Value> {
    let mut findings = failing(account, &types());
    findings.retain(|finding| !finding["action"].is_null());
    findings
}

fn keys<'a>(records: impl IntoIterator<Item = &'a Value>) -> BTreeSet<&'a str> {
    records.into_iter().map(|record| text(&record["key"])).collect()
}

/// How many outcomes of each check have each status; `already` is what a fix makes of the next finding of its resource.
fn by_check(outcomes: &[Value]) -> BTreeMap<(&str, &str), usize> {
    let mut counts = BTreeMap::new();
    for outcome in outcomes {
        let status = if outcome["status"] == "already" { "applied" } else { text(&outcome["status"]) };
        *counts.entry((text(&outcome["check"]), status)).or_default() += 1;
    }
    counts
}

/// What becomes of every fix when nothing goes wrong.
fn calm() -> &'static [Value] {
    static CALM: OnceLock<Vec<Value>> = OnceLock::new();
    CALM.get_or_init(|| {
        let account = Account::new();
        misconfigure(&account, &types());
        let applied = run(apply(&account, &fixable(&account)));
        applied.kind("outcome")
    })
}

/// Mends everything, and holds the outcomes to what is so.
fn mended_through(fault: &Fault) -> Vec<Value> {
    let account = Account::new();
    misconfigure(&account, &types());
    let findings = fixable(&account);
    let proxy = fault.proxy();
    // Each write of which nobody knows whether it took effect is looked at for a minute, and some are made one after the other.
    let patient = hasty(apply(&account.through(&proxy), &findings)).time_limit(Duration::from_mins(8));
    let applied = run(patient);
    let outcomes = applied.kind("outcome");
    assert_eq!((outcomes.len(), keys(&outcomes)), (findings.len(), keys(&findings)), "{}: {applied}", fault.name);
    let (done, open): (Vec<_>, Vec<_>) =
        outcomes.iter().partition(|it| it["status"] == "applied" || it["status"] == "already");
    for outcome in &open {
        assert!(outcome["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{}: {outcome}", fault.name);
    }
    for outcome in done.iter().filter(|it| it["status"] == "applied") {
        looked_at_last(&proxy, outcome, &applied);
    }
    // Found again is what the outcomes say was not mended: no more, and no less but for what another fix covers.
    let left = fixable(&account);
    let wrong: Vec<&Value> = done.into_iter().filter(|it| keys(&left).contains(text(&it["key"]))).collect();
    assert!(wrong.is_empty(), "{}: said to be mended, and found again: {wrong:#?}", fault.name);
    assert!(keys(&left).is_subset(&keys(open)), "{}: {applied}", fault.name);
    outcomes
}

/// Behind the last write to a resource comes a look at it.
fn looked_at_last(proxy: &Proxy, outcome: &Value, applied: &Ran) {
    let id = text(&outcome["id"]);
    let name = id.rsplit('/').next().unwrap_or(id);
    let about = |call: &&Call| call.request.target.contains(name) || call.request.text().contains(name);
    let calls = proxy.calls();
    let last = calls.iter().rfind(about);
    assert!(last.is_some_and(|call| !is_write(call)), "{id}: the last call was {last:?}\n{applied}");
}

#[test]
fn fixes_that_are_throttled_come_to_the_same() {
    assert_eq!(by_check(&mended_through(&THROTTLED)), by_check(calm()));
}

#[test]
fn fixes_whose_looks_are_cut_off_come_to_the_same() {
    assert_eq!(by_check(&mended_through(&CUT_OFF)), by_check(calm()));
}

#[test]
fn fixes_whose_answers_are_lost_or_cut_off_come_to_the_same() {
    for fault in [LOST, WRITE_CUT_OFF] {
        let outcomes = mended_through(&fault);
        assert_eq!(by_check(&outcomes), by_check(calm()), "{}", fault.name);
        let said =
            outcomes.iter().filter(|it| it["reason"].as_str().is_some_and(|why| why.contains("answer was lost")));
        assert!(said.count() > 2, "{}: {outcomes:#?}", fault.name);
    }
}

#[test]
fn fixes_that_meet_with_errors_are_made_or_said_not_to_be() {
    let outcomes = mended_through(&ERROR);
    // A write is not made twice on a guess: those that the error met are open still.
    let failed: Vec<&Value> = outcomes.iter().filter(|it| it["status"] == "failed").collect();
    assert!(!failed.is_empty(), "{outcomes:#?}");
    for outcome in failed {
        assert!(text(&outcome["reason"]).contains("InternalError"), "{outcome}");
    }
}

#[test]
fn a_write_that_times_out_is_looked_at_and_not_made_again() {
    let account = Account::new();
    public_queues(&account, 1);
    let findings = failing(&account, "sqs");
    let proxy = Proxy::new(Emulator::shared()).rule(on("sqs:SetQueueAttributes"), |_| Verdict::Silence);
    let applied = run(apply(&account.through(&proxy), &findings)).exits(0);
    assert_eq!(statuses(&applied), [("applied".to_owned(), 1)], "{applied}");
    let outcome = applied.one(&json!({"kind": "outcome"}));
    assert!(text(&outcome["calls"][0]["error"]).starts_with("Timeout"), "{outcome}");
    assert!(text(&outcome["reason"]).contains("answer was lost"), "{outcome}");
    assert_eq!(proxy.count("sqs:SetQueueAttributes"), 1);
}
