//! What the lines come to: sums for each account and hour.

use std::collections::{BTreeMap, HashMap};

use common::aws::AwsError;
use common::decimal::Decimal;
use common::operation::S3_GET_OBJECT;
use common::resource::Cost;
use jiff::Timestamp;

use super::Span;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// Hours are not later than this behind the days of the same report.
const LATE: i64 = 2 * DAY;

/// Sums of some files' lines. Times are seconds since 1970.
#[derive(Debug)]
pub(super) struct Sums {
    span: Span,
    /// The end of the last hour of which there is a line; 0 where all lines are longer, as in most reports by days.
    last_hour: i64,
    /// The end of the last line that is not longer than a day.
    last_day: i64,
    accounts: HashMap<String, Account>,
}

/// What an account spent.
#[derive(Debug, Default)]
struct Account {
    /// `USD`, and what other currencies there are: there should be none.
    units: Vec<String>,
    /// By the start of an hour, or of a day before the span's fine part.
    short: BTreeMap<i64, Decimal>,
    /// What is longer than a day, by start and end.
    long: BTreeMap<(i64, i64), Decimal>,
}

impl Sums {
    pub(super) fn new(span: Span) -> Self {
        Self { span, last_hour: 0, last_day: 0, accounts: HashMap::new() }
    }

    /// Adds a line. One of several hours, such as a day's storage, is spread over them: it is no leap at midnight.
    pub(super) fn add(&mut self, account: &str, unit: &str, start: i64, end: i64, amount: Decimal) {
        if start < self.span.since.as_second() || start >= self.span.now.as_second() {
            return;
        }
        // Known by reference first: of millions of lines, few are an account's first.
        if !self.accounts.contains_key(account) {
            self.accounts.insert(account.to_owned(), Account::default());
        }
        let Some(sums) = self.accounts.get_mut(account) else { return };
        if !sums.units.iter().any(|known| known == unit) {
            sums.units.push(unit.to_owned());
        }
        let hours = ((end - start).max(1) - 1) / HOUR + 1;
        if hours > DAY / HOUR {
            *sums.long.entry((start, end)).or_default() += amount;
            return;
        }
        let end = start + hours * HOUR;
        self.last_day = self.last_day.max(end);
        if hours == 1 {
            self.last_hour = self.last_hour.max(end);
        }
        let fine = self.span.fine.as_second();
        let parts = amount.split(u32::try_from(hours).unwrap_or(1));
        for (hour, part) in (start..).step_by(3600).zip(parts) {
            let width = if hour < fine { DAY } else { HOUR };
            *sums.short.entry(hour - hour.rem_euclid(width)).or_default() += part;
        }
    }

    /// The sums of both.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.last_hour = self.last_hour.max(other.last_hour);
        self.last_day = self.last_day.max(other.last_day);
        for (id, account) in other.accounts {
            let sums = self.accounts.entry(id).or_default();
            for unit in account.units {
                if !sums.units.contains(&unit) {
                    sums.units.push(unit);
                }
            }
            for (start, amount) in account.short {
                *sums.short.entry(start).or_default() += amount;
            }
            for (interval, amount) in account.long {
                *sums.long.entry(interval).or_default() += amount;
            }
        }
        self
    }
}

/// What a report says.
#[derive(Debug)]
pub(in crate::types::spend) struct Report {
    sums: Sums,
    /// Since when: the start of a day.
    from: i64,
    /// Up to when, for all accounts: where one has no line, it spent nothing.
    to: i64,
    /// Whether hours are told by themselves, and not days alone.
    hourly: bool,
}

impl Report {
    pub(super) fn new(sums: Sums, from: Timestamp) -> Self {
        let now = sums.span.now.as_second();
        // A fee that takes no time stands among days, too: it does not end them.
        let hourly = sums.last_hour > 0 && sums.last_day.min(now) - sums.last_hour <= LATE;
        let to = if hourly { sums.last_hour } else { sums.last_day }.min(now);
        Self { sums, from: from.as_second(), to, hourly }
    }

    /// What an account spent.
    ///
    /// # Errors
    ///
    /// Where no line is about it: it may have spent nothing, and it may be another's to pay for.
    pub(in crate::types::spend) fn of(&self, account: &str) -> Result<Vec<Cost>, AwsError> {
        let Some(sums) = self.sums.accounts.get(account) else {
            let why = format!("no line of the Cost and Usage Report is about account {account}");
            return Err(AwsError::of(S3_GET_OBJECT, "NotInReport", why));
        };
        let [unit] = &sums.units[..] else {
            let why = format!("the report has amounts in {} for account {account}", sums.units.join(" and "));
            return Err(AwsError::of(S3_GET_OBJECT, "SeveralCurrencies", why));
        };
        let cost = |start: i64, end: i64, amount: Decimal| {
            let [start, end] = [start, end].map(|at| Timestamp::from_second(at).unwrap_or(Timestamp::UNIX_EPOCH));
            Cost { start, end, amount, unit: unit.clone(), estimated: None }
        };
        let mut costs: Vec<Cost> = sums.long.iter().map(|((start, end), amount)| cost(*start, *end, *amount)).collect();
        let fine = self.sums.span.fine.as_second();
        let mut at = self.from;
        while at < self.to {
            let width = if at < fine || !self.hourly { DAY } else { HOUR };
            let amount = sums.short.range(at..at + width).map(|(_, amount)| *amount).sum();
            costs.push(cost(at, (at + width).min(self.to), amount));
            at += width;
        }
        costs.sort_by_key(|cost| (cost.start, cost.end));
        Ok(costs)
    }
}
