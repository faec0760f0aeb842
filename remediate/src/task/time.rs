//! When a task is to be done.

use std::time::Duration;

use jiff::{Timestamp, Unit};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Reads `action_time`: RFC 3339, or seconds since 1970 as a number or its digits, of which 0 (Krampus's) means now, as
/// nothing does.
pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let wrong = |why: String| D::Error::custom(format!("`action_time` is {value}, which is no time: {why}"));
    match &value {
        Value::Null => Ok(None),
        Value::Number(number) => seconds(number.as_f64().unwrap_or(f64::NAN)).map_err(wrong),
        Value::String(text) if is_number(text) => seconds(text.parse().unwrap_or(f64::NAN)).map_err(wrong),
        Value::String(text) => text.parse().map(Some).map_err(|error: jiff::Error| wrong(error.to_string())),
        _ => Err(wrong("write RFC 3339, or seconds since 1970".to_owned())),
    }
}

/// Digits, with a fraction if any: no sign and no exponent, which nobody writes for a time.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(text),
    }
}

/// Seconds since 1970, to the millisecond: what a double has beyond that is not what somebody wrote.
fn seconds(seconds: f64) -> Result<Option<Timestamp>, String> {
    let since = Duration::try_from_secs_f64(seconds).map_err(|_| "seconds since 1970 are expected".to_owned())?;
    if since.is_zero() {
        return Ok(None);
    }
    let time = Timestamp::UNIX_EPOCH.checked_add(since).and_then(|time| time.round(Unit::Millisecond));
    time.map(Some)
        .map_err(|_| "that is after the year 9999: seconds since 1970 are expected, not milliseconds".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Task {
        #[serde(default, deserialize_with = "read")]
        action_time: Option<Timestamp>,
    }

    fn read_text(time: &str) -> Result<Option<String>, String> {
        let task: Result<Task, _> = serde_json::from_str(&format!("{{\"action_time\":{time}}}"));
        task.map(|task| task.action_time.map(|time| time.to_string())).map_err(|error| error.to_string())
    }

    #[test]
    fn a_time_is_seconds_or_rfc_3339() {
        let rows = [
            ("1525789927", Some("2018-05-08T14:32:07Z")),
            ("1525789927.0", Some("2018-05-08T14:32:07Z")),
            ("1525789927.25", Some("2018-05-08T14:32:07.25Z")),
            ("1525789927.1", Some("2018-05-08T14:32:07.1Z")),
            ("1.525789927e9", Some("2018-05-08T14:32:07Z")),
            ("\"1525789927\"", Some("2018-05-08T14:32:07Z")),
            ("\"1525789927.5\"", Some("2018-05-08T14:32:07.5Z")),
            ("\"2018-05-08T16:32:07+02:00\"", Some("2018-05-08T14:32:07Z")),
            ("253402207200", Some("9999-12-30T22:00:00Z")),
            ("0", None),
            ("0.0", None),
            ("-0.0", None),
            ("\"0\"", None),
            ("null", None),
        ];
        for (time, expected) in rows {
            assert_eq!(read_text(time).as_ref().map(Option::as_deref), Ok(expected), "{time}");
        }
        assert!(serde_json::from_str::<Task>("{}").unwrap().action_time.is_none());
    }

    #[test]
    fn what_is_no_time_is_an_error_and_not_now() {
        let rows = [
            ("1525789927000", "not milliseconds"),
            ("\"1525789927000\"", "not milliseconds"),
            ("1e300", "seconds since 1970"),
            ("-1", "seconds since 1970"),
            ("\"-1\"", "-1"),
            ("\"\"", "no time"),
            ("\"soon\"", "soon"),
            ("\"inf\"", "inf"),
            ("\"1e9\"", "1e9"),
            ("\"2018-05-08\"", "2018-05-08"),
            ("\"1525789927.\"", "no time"),
            ("true", "RFC 3339"),
            ("[0]", "RFC 3339"),
        ];
        for (time, says) in rows {
            let error = read_text(time).unwrap_err();
            assert!(error.contains("`action_time`") && error.contains(says), "{time}: {error}");
        }
    }
}
