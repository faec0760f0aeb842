//! How much was spent, and since when.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Cost, EstimatedCharge, Spend};
use crate::decimal::Decimal;

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// How late Cost Explorer may be: for these last hours, nothing spent may mean nothing known. It is brought up to date
/// once a day at least: <https://docs.aws.amazon.com/cost-management/latest/userguide/ce-what-is.html>.
const LATE: SignedDuration = SignedDuration::from_hours(48);
/// How far into a month the samples may still be those of the month before it.
const MONTH_ENDS: SignedDuration = SignedDuration::from_hours(48);

/// What was spent, as one source tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    /// How much.
    pub value: Decimal,
    /// `USD`, `CNY`, ...
    pub unit: String,
    /// Since when.
    pub from: Timestamp,
    /// Up to when: the source says nothing of what came later. Whoever needs to know of now compares it with the record's
    /// `observed_at`.
    pub to: Timestamp,
    /// Who says so.
    pub source: Source,
}

/// Who tells what was spent. Of two that know as much of the last hours, the later one here is more exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// CloudWatch's samples.
    EstimatedCharges,
    /// Cost Explorer.
    CostAndUsage,
    /// The Cost and Usage Report.
    Report,
}

impl Source {
    /// The record's field.
    pub const fn field(self) -> &'static str {
        match self {
            Self::EstimatedCharges => "EstimatedCharges",
            Self::CostAndUsage => "CostAndUsage",
            Self::Report => "Report",
        }
    }
}

impl Spend {
    /// What the month has cost up to now, by the source that knows most of the last hours. The month is that of the
    /// source's last word, in UTC. `None` where no source tells of it from its start.
    pub fn month_to_date(&self) -> Option<Amount> {
        latest([charged(&self.estimated_charges), self.costs(month)])
    }

    /// What the last hours have cost, by the source that knows most of them. `None` where no source tells it: no samples,
    /// none old enough, or none near enough to each other.
    ///
    /// The hours are those before the source's last word, [`Amount::to`], not before now: no source knows what is being
    /// spent this minute. AWS counts by intervals (about four hours between two samples, an hour or a day of Cost
    /// Explorer), which do not begin with the window: the amount is that of the shortest stretch of them which covers it,
    /// [`Amount::from`] to [`Amount::to`], and so never less than what the window cost, but for credits. A stretch of more
    /// than two windows is not taken: it says too little of the one that was asked about.
    ///
    /// `EstimatedCharges` falls at the start of a month, when AWS begins anew, and this does not count as spending less;
    /// where it falls later, AWS took something back, and this does.
    pub fn within(&self, window: SignedDuration) -> Option<Amount> {
        if window <= SignedDuration::ZERO {
            return None;
        }
        latest([sampled(&self.estimated_charges, window), self.costs(|costs| summed(costs, window))])
    }

    /// The better answer of Cost Explorer and the report.
    fn costs(&self, tell: impl Fn(&[Cost]) -> Option<Told>) -> Option<Amount> {
        let told = known(&self.cost_and_usage).and_then(&tell).map(|told| told.by(Source::CostAndUsage));
        latest([told, tell(&self.report).map(|told| told.by(Source::Report))])
    }
}

/// Of several answers the one that reaches furthest, or else the most exact.
fn latest(answers: [Option<Amount>; 2]) -> Option<Amount> {
    answers.into_iter().flatten().max_by_key(|amount| (amount.to, amount.source))
}

/// An amount before it is said whose word it is.
struct Told {
    value: Decimal,
    unit: String,
    from: Timestamp,
    to: Timestamp,
}

impl Told {
    fn by(self, source: Source) -> Amount {
        let Self { value, unit, from, to } = self;
        Amount { value, unit, from, to, source }
    }
}

fn date(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// The start of a time's month in UTC.
fn month_start(at: Timestamp) -> Timestamp {
    let start = date(at).first_of_month().to_zoned(TimeZone::UTC);
    start.map_or(at, |start| start.timestamp())
}

/// The last sample is what its month has cost.
fn charged(samples: &[EstimatedCharge]) -> Option<Amount> {
    let last = samples.last()?;
    let (value, unit, to) = (last.maximum, last.currency.clone(), last.timestamp);
    Some(Told { value, unit, from: month_start(to), to }.by(Source::EstimatedCharges))
}

/// What the samples rose by, from the last that is as old as the window to the very last.
fn sampled(samples: &[EstimatedCharge], window: SignedDuration) -> Option<Amount> {
    let last = samples.last()?;
    let first = samples.iter().rposition(|sample| last.timestamp.duration_since(sample.timestamp) >= window)?;
    let (from, to) = (samples[first].timestamp, last.timestamp);
    if to.duration_since(from) > window.saturating_mul(2) {
        return None;
    }
    // The whole row is gone through: whether the month has begun anew may have been seen before the window.
    let mut value = Decimal::ZERO;
    let mut begun = samples.first().map(|sample| month_start(sample.timestamp))?;
    for (at, pair) in samples.windows(2).enumerate() {
        let [earlier, later] = pair else { continue };
        let month = month_start(later.timestamp);
        let into = later.timestamp.duration_since(month);
        let anew = month > begun && into <= MONTH_ENDS && later.maximum < earlier.maximum;
        if anew {
            begun = month;
        }
        if at >= first {
            value += if anew { later.maximum } else { later.maximum - earlier.maximum };
        }
    }
    Some(Told { value, unit: last.currency.clone(), from, to }.by(Source::EstimatedCharges))
}

/// Without the last intervals of Cost Explorer in which nothing was spent, of which it may not know yet.
fn known(costs: &[Cost]) -> Option<&[Cost]> {
    let end = costs.last()?.end;
    let unknown = |cost: &Cost| cost.amount == Decimal::ZERO && end.duration_since(cost.start) <= LATE;
    let known = costs.iter().rposition(|cost| !unknown(cost))?;
    Some(&costs[..=known])
}

/// What is no longer than a day. A month's fees say nothing of an hour.
fn short(costs: &[Cost]) -> impl DoubleEndedIterator<Item = &Cost> {
    costs.iter().filter(|cost| cost.end.duration_since(cost.start) <= DAY)
}

/// What the month cost to which the last interval belongs: all intervals that began in it.
fn month(costs: &[Cost]) -> Option<Told> {
    let last = short(costs).next_back()?;
    let (from, to) = (month_start(last.start), last.end);
    let mut reached = from;
    let mut value = Decimal::ZERO;
    for cost in costs.iter().filter(|cost| cost.start >= from) {
        if cost.end.duration_since(cost.start) <= DAY {
            if cost.start > reached {
                return None;
            }
            reached = cost.end;
        }
        value += cost.amount;
    }
    Some(Told { value, unit: last.unit.clone(), from, to })
}

/// What the last intervals cost that cover the window.
fn summed(costs: &[Cost], window: SignedDuration) -> Option<Told> {
    let mut intervals = short(costs).rev();
    let last = intervals.next()?;
    let to = last.end;
    let (mut from, mut value) = (last.start, last.amount);
    while to.duration_since(from) < window {
        let cost = intervals.next().filter(|cost| cost.end >= from)?;
        from = cost.start;
        value += cost.amount;
    }
    let most = window.saturating_mul(2).max(HOUR);
    (to.duration_since(from) <= most).then(|| Told { value, unit: last.unit.clone(), from, to })
}
