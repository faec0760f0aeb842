//! How the tokens are doing, by owner and location, and all in all.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use common::id::AccountId;
use common::record::{Drill, Token, TokenState};
use common::settings::Honeytoken;
use jiff::Timestamp;
use serde::Serialize;

use crate::list::which::{has_shown, lies_somewhere, was_touched};
use crate::list::{Sheet, day, minute};

/// A line of the report.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    kind: &'static str,
    /// `group`: the tokens of one owner and location. `total`: all of them.
    scope: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    #[serde(flatten)]
    sum: Sum,
    /// Of the total: the accounts, and what is in them.
    #[serde(skip_serializing_if = "Option::is_none")]
    accounts: Option<BTreeMap<AccountId, Capacity>>,
    /// Of the total: after how long drills were noticed.
    #[serde(skip_serializing_if = "Option::is_none")]
    latency: Option<Latency>,
}

/// What some tokens come to.
#[derive(Debug, Default, Serialize)]
struct Sum {
    tokens: usize,
    /// Those with an active key.
    active: usize,
    /// Those of which a key lies somewhere that was not deleted.
    planted: usize,
    unplanted: usize,
    /// Those whose time is over soon.
    expiring: usize,
    /// Those whose time is over.
    expired: usize,
    /// Those that say nothing any more.
    blind: usize,
    /// Since when the first of them does.
    #[serde(skip_serializing_if = "Option::is_none")]
    blind_since: Option<Timestamp>,
    /// Those that somebody touched who is not allowed for.
    fired: usize,
    /// How many events there were.
    events: u64,
    /// How many of these were of callers who are allowed for.
    suppressed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_event_at: Option<Timestamp>,
    /// Those that were never used on purpose.
    never_drilled: usize,
    /// Those of which no drill has shown that they work, the former included.
    undrilled: usize,
    /// The last drill of any of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    drill: Option<Drill>,
}

/// How full an account is.
#[derive(Debug, Serialize)]
struct Capacity {
    /// Its users that are tokens.
    tokens: usize,
    /// How many users there may be, where the settings say.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_users: Option<u64>,
}

/// Seconds until the last drill of each token was noticed.
#[derive(Debug, Serialize)]
struct Latency {
    /// How many were.
    drills: usize,
    p50_seconds: f64,
    p95_seconds: f64,
}

/// What the report says of tokens: a line for each owner and location, and the total.
pub(crate) fn lines(tokens: &[Token], settings: &Honeytoken, now: Timestamp, soon: Timestamp) -> Vec<Line> {
    let mut groups: BTreeMap<(&str, &str), Sum> = BTreeMap::new();
    let mut total = Sum::default();
    // Also those that are empty: there is room in them.
    let of = |id: &AccountId| settings.accounts.get(id).and_then(|account| account.max_users);
    let empty = settings.accounts.keys().map(|id| (id.clone(), Capacity { tokens: 0, max_users: of(id) }));
    let mut accounts: BTreeMap<AccountId, Capacity> = empty.collect();
    for token in tokens {
        groups.entry((&token.owner, &token.location)).or_default().add(token, now, soon);
        total.add(token, now, soon);
        if token.state.is_there() {
            let max_users = of(&token.account);
            accounts.entry(token.account.clone()).or_insert(Capacity { tokens: 0, max_users }).tokens += 1;
        }
    }
    let group = |((owner, location), sum): ((&str, &str), Sum)| Line {
        kind: "report",
        scope: "group",
        owner: Some(owner.to_owned()),
        location: Some(location.to_owned()),
        sum,
        accounts: None,
        latency: None,
    };
    let mut lines: Vec<Line> = groups.into_iter().map(group).collect();
    lines.push(Line {
        kind: "report",
        scope: "total",
        owner: None,
        location: None,
        sum: total,
        accounts: Some(accounts),
        latency: latency(tokens),
    });
    lines
}

impl Sum {
    fn add(&mut self, token: &Token, now: Timestamp, soon: Timestamp) {
        let one = usize::from;
        self.tokens += 1;
        self.active += one(token.state == TokenState::Active);
        self.planted += one(lies_somewhere(token));
        self.unplanted += one(!lies_somewhere(token));
        let has_expired = token.has_expired(now);
        self.expired += one(has_expired);
        self.expiring += one(!has_expired && token.expires_at.is_some_and(|at| at <= soon));
        self.blind += one(token.blind_since.is_some());
        self.blind_since = [self.blind_since, token.blind_since].into_iter().flatten().min();
        self.fired += one(was_touched(token));
        if let Some(fired) = &token.fired {
            self.events += fired.events;
            self.suppressed += fired.suppressed;
            self.last_event_at = self.last_event_at.max(Some(fired.last));
        }
        self.never_drilled += one(token.drill.is_none());
        self.undrilled += one(!has_shown(token));
        if token.drill.as_ref().map(|drill| drill.at) > self.drill.as_ref().map(|drill| drill.at) {
            self.drill.clone_from(&token.drill);
        }
    }
}

/// The median, and what 95 of 100 are not above: the nearest rank.
fn latency(tokens: &[Token]) -> Option<Latency> {
    let mut all: Vec<f64> = tokens.iter().filter_map(|token| token.drill.as_ref()?.latency_seconds).collect();
    all.sort_by(f64::total_cmp);
    let rank = |percent: usize| all.get((all.len() * percent).div_ceil(100).saturating_sub(1)).copied();
    Some(Latency { drills: all.len(), p50_seconds: rank(50)?, p95_seconds: rank(95)? })
}

/// The report for people.
pub(crate) fn table(lines: &[Line]) -> String {
    let mut sheet = Sheet::new([
        "owner",
        "location",
        "tokens",
        "active",
        "planted",
        "expiring",
        "expired",
        "blind",
        "fired",
        "last event",
        "undrilled",
        "last drill",
    ]);
    let blank = |count: usize| if count == 0 { String::new() } else { count.to_string() };
    for Line { scope, owner, location, sum, .. } in lines {
        let blind = sum.blind_since.map(|since| format!("{} since {}", sum.blind, day(since)));
        sheet.add([
            if *scope == "total" { "TOTAL".to_owned() } else { owner.clone().unwrap_or_default() },
            location.clone().unwrap_or_default(),
            sum.tokens.to_string(),
            blank(sum.active),
            blank(sum.planted),
            blank(sum.expiring),
            blank(sum.expired),
            blind.unwrap_or_else(|| blank(sum.blind)),
            if sum.fired == 0 {
                String::new()
            } else {
                format!("{} ({} event{})", sum.fired, sum.events, plural(sum.events))
            },
            sum.last_event_at.map(minute).unwrap_or_default(),
            blank(sum.undrilled),
            sum.drill.as_ref().map(drilled).unwrap_or_default(),
        ]);
    }
    let mut text = sheet.table(&[(0, 24), (1, 32)]);
    for line in lines {
        for (account, Capacity { tokens, max_users }) in line.accounts.iter().flatten() {
            let room = max_users.map(|most| format!(" (room for {most} users)")).unwrap_or_default();
            let noun = if *tokens == 1 { "token" } else { "tokens" };
            let _ = writeln!(text, "account {}: {tokens} {noun}{room}", account.as_str());
        }
        if let Some(Latency { drills, p50_seconds, p95_seconds }) = &line.latency {
            let noun = if *drills == 1 { "drill" } else { "drills" };
            let _ = writeln!(
                text,
                "noticed after {p50_seconds:.0} s in half of {drills} {noun}, after {p95_seconds:.0} s in 95 of 100"
            );
        }
    }
    text
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn drilled(drill: &Drill) -> String {
    match drill.latency_seconds {
        Some(seconds) => format!("{} ({seconds:.0} s)", day(drill.at)),
        None => format!("{} (unnoticed)", day(drill.at)),
    }
}

/// The report for spreadsheets.
pub(crate) fn csv(lines: &[Line]) -> std::io::Result<Vec<u8>> {
    let mut sheet = Sheet::new([
        "scope",
        "owner",
        "location",
        "tokens",
        "active",
        "planted",
        "unplanted",
        "expiring",
        "expired",
        "blind",
        "blind_since",
        "fired",
        "events",
        "suppressed",
        "last_event_at",
        "never_drilled",
        "undrilled",
        "drilled_at",
        "drill_latency_seconds",
    ]);
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    for Line { scope, owner, location, sum, .. } in lines {
        let latency = sum.drill.as_ref().and_then(|drill| drill.latency_seconds);
        sheet.add([
            (*scope).to_owned(),
            owner.clone().unwrap_or_default(),
            location.clone().unwrap_or_default(),
            sum.tokens.to_string(),
            sum.active.to_string(),
            sum.planted.to_string(),
            sum.unplanted.to_string(),
            sum.expiring.to_string(),
            sum.expired.to_string(),
            sum.blind.to_string(),
            time(sum.blind_since),
            sum.fired.to_string(),
            sum.events.to_string(),
            sum.suppressed.to_string(),
            time(sum.last_event_at),
            sum.never_drilled.to_string(),
            sum.undrilled.to_string(),
            time(sum.drill.as_ref().map(|drill| drill.at)),
            latency.map(|latency| latency.to_string()).unwrap_or_default(),
        ]);
    }
    sheet.csv()
}

#[cfg(test)]
mod tests {
    use common::record::Fired;
    use serde_json::{Value, json};

    use super::*;
    use crate::list::which::later;
    use crate::registry::tests::token;

    #[test]
    fn groups_and_a_total() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let now = at("2026-11-21T00:00:00Z");
        let drill = |seconds| Some(Drill { at: now, latency_seconds: seconds });
        let mut tokens = Vec::new();
        for number in 0..4_u32 {
            let mut token = token(&format!("t{number}"), &format!("svc-{number}"));
            token.state = TokenState::Active;
            token.location = if number == 3 { "nas".into() } else { "laptop".into() };
            token.drill = drill(Some(f64::from(number) * 10.0));
            tokens.push(token);
        }
        tokens[0].expires_at = Some(at("2026-11-22T00:00:00Z"));
        tokens[1].expires_at = Some(at("2026-11-20T00:00:00Z"));
        tokens[1].drill = drill(None);
        tokens[1].fired = Some(Fired { events: 5, suppressed: 2, first: now, last: now });
        tokens[2].fired = Some(Fired { events: 2, suppressed: 2, first: now, last: at("2026-11-20T00:00:00Z") });
        tokens[2].drill = None;
        tokens[3].state = TokenState::Disabled;
        tokens[3].blind_since = Some(at("2026-11-19T00:00:00Z"));
        let accounts = json!({"accounts": {"111122223333": {"max_users": 5000}, "444455556666": {}}});
        let settings: Honeytoken = serde_json::from_value(accounts).unwrap();
        let lines = lines(&tokens, &settings, now, later(now, jiff::SignedDuration::from_hours(48)));
        let records: Vec<Value> = lines.iter().map(|line| serde_json::to_value(line).unwrap()).collect();
        assert_eq!(records.len(), 3);
        for (record, expected) in records.iter().zip([
            json!({"kind": "report", "scope": "group", "owner": "web", "location": "laptop", "tokens": 3, "active": 3,
                "planted": 0, "unplanted": 3, "expiring": 1, "expired": 1, "blind": 0, "fired": 1, "events": 7,
                "suppressed": 4, "last_event_at": "2026-11-21T00:00:00Z", "never_drilled": 1, "undrilled": 2}),
            json!({"scope": "group", "location": "nas", "tokens": 1, "active": 0, "blind": 1,
                "blind_since": "2026-11-19T00:00:00Z", "drill": {"at": "2026-11-21T00:00:00Z", "latency_seconds": 30.0}}),
            json!({"scope": "total", "tokens": 4, "latency": {"drills": 2, "p50_seconds": 0.0, "p95_seconds": 30.0},
                "accounts": {"111122223333": {"tokens": 4, "max_users": 5000}, "444455556666": {"tokens": 0}}}),
        ]) {
            for (name, value) in expected.as_object().unwrap() {
                assert_eq!(&record[name], value, "{name}: {record}");
            }
        }
        assert!(records[2].get("owner").is_none());
        let table = table(&lines);
        assert!(table.contains("TOTAL") && table.contains("room for 5000 users"), "{table}");
        assert_eq!(String::from_utf8(csv(&lines).unwrap()).unwrap().lines().count(), 4);
    }

    #[test]
    fn nothing_is_a_total_of_nothing() {
        let now = "2026-11-21T00:00:00Z".parse().unwrap();
        let lines = lines(&[], &Honeytoken::default(), now, now);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].latency.is_none());
    }
}
