//! What fails: said once, and tried again less and less often where it lasts.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use common::aws::AwsError;
use tokio::time::Instant;

/// How long to wait at most until what lasts is tried again: somebody may have mended it.
const LONGEST: Duration = Duration::from_hours(1);

/// What fails, by its name.
#[derive(Debug, Default)]
pub(super) struct Troubles(Mutex<HashMap<String, Trouble>>);

#[derive(Debug)]
struct Trouble {
    code: String,
    failures: u32,
    until: Instant,
}

impl Troubles {
    /// Whether it is time to try that.
    pub(super) fn is_due(&self, what: &str, now: Instant) -> bool {
        self.lock().get(what).is_none_or(|trouble| trouble.until <= now)
    }

    /// Whether that is known to fail.
    pub(super) fn has(&self, what: &str) -> bool {
        self.lock().contains_key(what)
    }

    /// Takes down that something failed, and tells whether that is news. What lasts rests for twice as long each time.
    pub(super) fn failed(&self, what: &str, error: &AwsError, pause: Duration, now: Instant) -> bool {
        let mut troubles = self.lock();
        let before = troubles.get(what).filter(|before| before.code == error.code());
        let failures = before.map_or(0, |before| before.failures).saturating_add(1);
        let rest = if error.is_lasting() {
            pause.saturating_mul(1 << failures.min(16)).min(LONGEST.max(pause))
        } else {
            Duration::ZERO
        };
        troubles.insert(what.to_owned(), Trouble { code: error.code().to_owned(), failures, until: now + rest });
        failures == 1
    }

    /// Takes down that something worked, and tells whether it had failed before.
    pub(super) fn worked(&self, what: &str) -> bool {
        self.lock().remove(what).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Trouble>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lasts_is_said_once_and_rests_longer_each_time() {
        let (troubles, start, pause) = (Troubles::default(), Instant::now(), Duration::from_mins(1));
        let denied = AwsError::of("cloudtrail:LookupEvents", "AccessDeniedException", "no");
        let mut now = start;
        let mut rests = Vec::new();
        for round in 0..8 {
            assert!(troubles.is_due("eu-west-1", now) && troubles.is_due("us-east-1", now));
            assert_eq!(troubles.has("eu-west-1"), round > 0);
            assert_eq!(troubles.failed("eu-west-1", &denied, pause, now), round == 0);
            let began = now;
            while !troubles.is_due("eu-west-1", now) {
                now += pause;
            }
            rests.push((now - began).as_secs() / 60);
        }
        assert_eq!(rests, [2, 4, 8, 16, 32, 60, 60, 60]);
        assert!(troubles.worked("eu-west-1") && !troubles.worked("eu-west-1"));
        assert!(troubles.failed("eu-west-1", &denied, pause, now), "it had worked in between");
    }

    #[test]
    fn what_fails_for_a_while_is_tried_at_the_next_pass_and_another_failure_is_news() {
        let (troubles, now) = (Troubles::default(), Instant::now());
        for (code, news) in [("InternalError", true), ("InternalError", false), ("SlowDown", true)] {
            let error = AwsError::of("s3:ListObjectsV2", code, "later");
            assert_eq!(troubles.failed("x", &error, Duration::from_mins(1), now), news, "{code}");
            assert!(troubles.is_due("x", now));
        }
    }
}
