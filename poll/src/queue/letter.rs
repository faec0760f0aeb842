//! References as messages: `{"account","region","type","id"}`, the original framework's message.
//!
//! One that was put back has two fields more, which older readers ignore: `attempt`, how often that was, and `since`, when
//! the message was sent that it all began with.

use std::time::Duration;

use common::aws::queue::{LONGEST_DELAY, Letter, Message};
use common::clock;
use common::reference::Reference;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How long something that has not settled is left alone first; twice as long the next time.
const FIRST_PAUSE: Duration = Duration::from_mins(1);

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Course {
    /// How often it was put back.
    #[serde(default)]
    pub(super) attempt: u32,
    /// When it was sent first.
    #[serde(default)]
    since: Option<Timestamp>,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(flatten)]
    reference: &'a Reference,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
}

impl Course {
    /// That of a message; what is no reference of ours begins now.
    pub(super) fn of(message: &Message) -> Self {
        let course = serde_json::from_str(&message.body).unwrap_or(Self { attempt: 0, since: None });
        Self { since: course.since.or(message.sent), ..course }
    }

    /// That of several messages about the same resource: it has been waited for since the first of them.
    pub(super) fn together(courses: impl IntoIterator<Item = Self>) -> Self {
        let first = |one: Self, other: Self| Self {
            attempt: one.attempt.max(other.attempt),
            since: match (one.since, other.since) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            },
        };
        courses.into_iter().reduce(first).unwrap_or(Self { attempt: 0, since: None })
    }

    /// The reference, to be put back so that it is looked at again before `limit` is over; nothing where it is.
    pub(super) fn again(self, reference: &Reference, limit: Duration, now: Timestamp) -> Option<Letter> {
        let since = self.since.unwrap_or(now).min(now);
        let waited = Duration::try_from(now.duration_since(since)).unwrap_or_default();
        let left = limit.checked_sub(waited).filter(|left| !left.is_zero())?;
        let pause = FIRST_PAUSE.saturating_mul(1_u32.checked_shl(self.attempt).unwrap_or(u32::MAX)).min(LONGEST_DELAY);
        // A last look at the very end, instead of one that is never made. SQS counts in whole seconds.
        let delay = pause.min(left.max(Duration::from_secs(1)));
        let attempt = Some(self.attempt.saturating_add(1));
        Some(letter(&Body { reference, attempt, since: Some(since) }, delay))
    }

    /// The reference, to be looked at when AWS may have done what an event told of.
    pub(super) fn later(self, reference: &Reference, delay: Duration) -> Letter {
        letter(&Body { reference, attempt: None, since: Some(self.since.unwrap_or_else(clock::now)) }, delay)
    }
}

/// A reference, and nothing more.
pub(super) fn plain(reference: &Reference, delay: Duration) -> Letter {
    letter(&Body { reference, attempt: None, since: None }, delay)
}

fn letter(body: &Body<'_>, delay: Duration) -> Letter {
    let Reference { account, kind, .. } = body.reference;
    let group = format!("{account}-{kind}");
    // A struct of texts and numbers always serializes.
    Letter { body: serde_json::to_string(body).unwrap_or_default(), delay, group }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-20T10:00:00Z";

    fn reference() -> Reference {
        let text = r#"{"account":"111122223333","region":"eu-west-1","type":"rds","id":"shop"}"#;
        Reference::from_json(text).unwrap()
    }

    fn message(body: &str, sent: Option<&str>) -> Message {
        let sent = sent.map(|sent| sent.parse().unwrap());
        Message { id: "m".into(), handle: "h".into(), body: body.into(), receives: 1, sent }
    }

    #[test]
    fn a_reference_is_the_originals_message() {
        let plain = plain(&reference(), Duration::from_mins(2));
        assert_eq!(plain.body, r#"{"account":"111122223333","region":"eu-west-1","type":"rds","id":"shop"}"#);
        assert_eq!((plain.delay.as_secs(), plain.group.as_str()), (120, "111122223333-rds"));
    }

    #[test]
    fn what_has_not_settled_is_looked_at_less_and_less_often_until_the_limit() {
        let now: Timestamp = NOW.parse().unwrap();
        let mut body = plain(&reference(), Duration::ZERO).body;
        let (mut waited, mut delays) = (Duration::ZERO, Vec::new());
        let hour = Duration::from_hours(1);
        loop {
            let course = Course::of(&message(&body, Some(NOW)));
            let then = now.checked_add(waited).unwrap();
            let Some(letter) = course.again(&reference(), hour, then) else { break };
            assert_eq!(Reference::from_json(&letter.body), Ok(reference()), "older readers understand it");
            waited += letter.delay;
            delays.push(letter.delay.as_secs());
            body = letter.body;
        }
        assert_eq!(delays, [60, 120, 240, 480, 900, 900, 900]);
        assert!(body.ends_with(r#""attempt":7,"since":"2026-11-20T10:00:00Z"}"#), "{body}");
    }

    #[test]
    fn a_count_out_of_all_bounds_does_no_harm() {
        let now: Timestamp = NOW.parse().unwrap();
        for attempt in [31, 32, u32::MAX] {
            let course = Course { attempt, since: None };
            assert_eq!(course.again(&reference(), Duration::from_hours(9), now).unwrap().delay, LONGEST_DELAY);
        }
        // A clock that is ahead of ours.
        let course = Course { attempt: 0, since: Some("2027-01-01T00:00:00Z".parse().unwrap()) };
        assert_eq!(course.again(&reference(), Duration::from_secs(10), now).unwrap().delay.as_secs(), 10);
    }

    #[test]
    fn what_is_no_reference_of_ours_began_when_it_was_sent() {
        for body in ["nonsense", "[]", r#"{"attempt":"many"}"#, r#"{"detail-type":"AWS API Call via CloudTrail"}"#] {
            let course = Course::of(&message(body, Some(NOW)));
            assert_eq!(course, Course { attempt: 0, since: Some(NOW.parse().unwrap()) }, "{body}");
        }
        let early = Course { attempt: 1, since: Some("2026-11-20T09:00:00Z".parse().unwrap()) };
        let late = Course { attempt: 3, since: Some(NOW.parse().unwrap()) };
        assert_eq!(Course::together([late, early]), Course { attempt: 3, ..early });
    }
}
