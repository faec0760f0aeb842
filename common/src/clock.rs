//! The one place that asks what time it is, so that everything else can be told.

use jiff::Timestamp;

/// The time now, in whole seconds: records are compared and read by people, and AWS's own times have no more.
#[expect(clippy::disallowed_methods, reason = "this is the clock that the others are sent to")]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}
