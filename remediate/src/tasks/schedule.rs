//! When what is done: grace periods, back-off, parking.

use common::action::Action;
use common::record::Severity;
use common::settings::{Grace, GracePeriod, Period, Schedule};
use jiff::{SignedDuration, Timestamp};

use super::score::Scoring;

const MAX_ATTEMPTS: u32 = 5;

const RETRY: Period = Period::seconds(300);

/// However often it has failed, nothing waits longer than this.
const LONGEST: SignedDuration = SignedDuration::from_hours(6);

/// `[schedule]`, with what the command line says.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    grace: Grace,
    /// How often something is tried.
    pub(crate) max_attempts: u32,
    retry: SignedDuration,
    /// What the findings of a resource add up to; `None`: each is a task of its own.
    pub(crate) scoring: Option<Scoring>,
}

impl Policy {
    /// # Errors
    ///
    /// Where the settings contradict themselves.
    pub(crate) fn new(schedule: &Schedule, grace: &[GracePeriod]) -> Result<Self, String> {
        Ok(Self {
            grace: schedule.grace.clone().with(grace),
            // None at all would park everything before it was tried.
            max_attempts: schedule.max_attempts.unwrap_or(MAX_ATTEMPTS).max(1),
            retry: schedule.retry.unwrap_or(RETRY).get(),
            scoring: Scoring::new(schedule)?,
        })
    }

    /// When something is due that was first seen at a time.
    pub(crate) fn due(&self, seen: Timestamp, action: &Action, severity: Option<Severity>) -> Timestamp {
        later(seen, self.grace.of(action, severity))
    }

    /// When what has failed so often is tried again; `None`: not before a person says so.
    pub(crate) fn again(&self, attempts: u32, now: Timestamp) -> Option<Timestamp> {
        if attempts >= self.max_attempts {
            return None;
        }
        let doubled = self.retry.saturating_mul(1 << attempts.saturating_sub(1).min(20));
        Some(later(now, doubled.min(LONGEST.max(self.retry))))
    }
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn each_failure_doubles_the_wait_up_to_a_limit() {
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let minutes = |text: Value, attempts: &[u32]| -> Vec<Option<i64>> {
            let policy = Policy::new(&serde_json::from_value(text).unwrap(), &[]).unwrap();
            let again = |attempts: &u32| policy.again(*attempts, now).map(|time| time.duration_since(now).as_mins());
            attempts.iter().map(again).collect()
        };
        assert_eq!(minutes(json!({}), &[1, 2, 3, 4, 5]), [Some(5), Some(10), Some(20), Some(40), None]);
        assert_eq!(minutes(json!({"max_attempts": 1}), &[1]), [None]);
        assert_eq!(minutes(json!({"max_attempts": 0}), &[1]), [None]);
        let long = json!({"max_attempts": 4_000_000_000_u32, "retry": "1h"});
        assert_eq!(
            minutes(long, &[1, 3, 4, 100, 3_999_999_999]),
            [Some(60), Some(240), Some(360), Some(360), Some(360)]
        );
        assert_eq!(
            minutes(json!({"retry": "12h"}), &[1, 2]),
            [Some(720), Some(720)],
            "longer than the limit, if so wished"
        );
        assert_eq!(minutes(json!({"retry": "0s"}), &[1, 4]), [Some(0), Some(0)]);
    }
}
