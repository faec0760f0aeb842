//! How long ago something was. A day is 24 hours, and only what is *longer* ago than the limit is old: what happened
//! exactly that long ago passes, and a time in the future is not old.

use jiff::{SignedDuration, Timestamp};

/// Whether `since` is more than so many hours before `now`.
pub(super) fn over_hours(now: Timestamp, since: Timestamp, hours: u32) -> bool {
    now.duration_since(since) > SignedDuration::from_hours(i64::from(hours))
}

/// Whether `since` is more than so many days before `now`.
pub(super) fn over_days(now: Timestamp, since: Timestamp, days: u32) -> bool {
    now.duration_since(since) > SignedDuration::from_hours(i64::from(days) * 24)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_at_the_limit_is_not_over_it() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-11-20T10:00:00Z");
        for (since, over) in [
            ("2026-11-19T10:00:00Z", false),
            ("2026-11-19T09:59:59Z", true),
            ("2026-11-20T10:00:00Z", false),
            ("2027-11-20T10:00:00Z", false),
        ] {
            assert_eq!(over_hours(now, at(since), 24), over, "{since}");
            assert_eq!(over_days(now, at(since), 1), over, "{since}");
        }
        assert!(over_days(now, at("2026-11-20T09:59:59Z"), 0));
        assert!(!over_days(now, Timestamp::MIN, u32::MAX), "the longest limit does not overflow");
    }
}
