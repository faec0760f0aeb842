//! Times as people and databases write them.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// A time: RFC 3339, or without a zone, which is UTC then (`2026-11-20 10:00:00`); a day alone is its first moment.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse() {
        return Some(at);
    }
    // jiff reads past offsets and zones where a local time is asked for, and a time that has one is not in UTC.
    let (day, time) = text.split_at_checked("2026-11-20".len()).unwrap_or((text, ""));
    let is_plain = |text: &str, marks: &str| text.chars().all(|it| it.is_ascii_digit() || marks.contains(it));
    if !is_plain(day, "-") || !is_plain(time, "T :.") {
        return None;
    }
    let local = if time.is_empty() { day.parse::<Date>().ok()?.into() } else { text.parse::<DateTime>().ok()? };
    local.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_without_a_zone_is_utc() {
        for (text, expected) in [
            ("2026-11-20T10:00:00Z", Some("2026-11-20T10:00:00Z")),
            ("2026-11-20T10:00:00+02:00", Some("2026-11-20T08:00:00Z")),
            ("2026-11-20 10:00:00+00", Some("2026-11-20T10:00:00Z")),
            ("2026-11-20 10:00:00", Some("2026-11-20T10:00:00Z")),
            (" 2026-11-20 10:00:00.25 ", Some("2026-11-20T10:00:00.25Z")),
            ("2026-11-20T10:00", Some("2026-11-20T10:00:00Z")),
            ("2026-11-20", Some("2026-11-20T00:00:00Z")),
            ("2026-11-20T10:00:00[Europe/Berlin]", None),
            ("2026-13-20", None),
            ("2026-02-30 10:00:00", None),
            ("next week", None),
            ("ünüber", None),
            ("90", None),
            ("", None),
        ] {
            assert_eq!(moment(text), expected.map(|at| at.parse().unwrap()), "{text}");
        }
    }
}
