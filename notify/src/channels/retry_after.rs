//! `Retry-After`: seconds, or a date (RFC 9110, 10.2.3 and 5.6.7).

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

/// How long to wait, seen from `now`, which should be the server's own time (its `Date`) where it gives one: clocks
/// differ. `None` for what is neither seconds nor a date; a date that has passed is no wait.
pub(super) fn parse(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More seconds than there are numbers for is longer than anybody waits.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::from(u32::MAX))));
    }
    let until = date(value)?;
    Some(Duration::try_from(until.duration_since(now)).unwrap_or(Duration::ZERO))
}

/// An HTTP date in any of its three forms: those of RFC 1123, RFC 850 and `asctime`.
pub(super) fn date(value: &str) -> Option<Timestamp> {
    const FORMATS: [&str; 3] = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let read = |format: &&str| strtime::parse(format, value.trim()).and_then(|parsed| parsed.to_datetime()).ok();
    let civil: DateTime = FORMATS.iter().find_map(read)?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn seconds_and_dates_are_understood() {
        let now: Timestamp = "1994-11-06T08:49:07Z".parse().unwrap();
        let rows = [
            ("0", Some(0)),
            ("30", Some(30)),
            (" 7 ", Some(7)),
            ("99999999999999999999999", Some(u64::from(u32::MAX))),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(30)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(30)),
            ("Sun Nov  6 08:49:37 1994", Some(30)),
            ("Sun, 06 Nov 1994 08:48:37 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("Sun, 99 Nov 1994 08:49:37 GMT", None),
            ("１", None),
        ];
        for (value, expected) in rows {
            assert_eq!(parse(value, now), expected.map(Duration::from_secs), "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(value in ".{0,60}") {
            let _ = parse(&value, Timestamp::UNIX_EPOCH);
        }
    }
}
