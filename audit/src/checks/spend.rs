//! What accounts spend, which no check judges by itself: it is weighed against the account's limit at the end of the stream.

use common::decimal::Decimal;
use common::record::Resource;
use common::resource::{Amount, Spend};
use common::settings::{MaxSpend, Runaway, Window};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Check, Checked};
use crate::totals::Counted;

/// How old the last word on what is spent may be. Cost Explorer may be a day behind, and more.
const LATE: SignedDuration = SignedDuration::from_hours(48);

impl Checked for Spend {
    const CHECKS: &'static [Check<Self>] = &[];

    fn counted(resource: &Resource<Self>, limits: &Runaway) -> Option<Counted> {
        limits.max_spend.as_ref().map(|limit| Counted::Spent(spent(resource, limit)))
    }
}

/// What was spent in the limit's window, or why nobody knows.
fn spent(resource: &Resource<Spend>, limit: &MaxSpend) -> Result<Amount, String> {
    let Some(amount) = limit.window.of(&resource.config) else {
        let mut why: Vec<String> = vec![format!("no source tells what was spent in {}", limit.window)];
        let unread = resource.unread.iter();
        why.extend(unread.map(|unread| format!("{}: {} answered {}", unread.field, unread.operation, unread.code)));
        return Err(format!("spend ({})", why.join("; ")));
    };
    let Amount { unit, to, .. } = &amount;
    if *unit != limit.currency {
        return Err(format!("spend (it is told in {unit}, and the limit is in {})", limit.currency));
    }
    let looked = resource.observed_at.max(*to);
    if looked.duration_since(*to) > LATE {
        return Err(format!("spend (no source tells what was spent after {to})"));
    }
    // When a month begins the last word is on the one before, for some hours.
    if limit.window == Window::Month && month(amount.from) != month(looked) {
        return Ok(Amount { value: Decimal::ZERO, from: *to, ..amount });
    }
    Ok(amount)
}

fn month(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date().first_of_month()
}
