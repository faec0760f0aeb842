//! `[schedule]`: when `remediate --tasks` does what, how often it tries, and what the severities of a resource add up to.

use std::collections::BTreeMap;
use std::str::FromStr;

use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::action::Action;
use crate::record::Severity;

/// `[schedule]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// How long after it was first seen a finding is acted upon.
    pub grace: Grace,
    /// How often an action is tried before it is parked for a person.
    pub max_attempts: Option<u32>,
    /// How long after a failure it is tried again; twice as long each time.
    pub retry: Option<Period>,
    /// The sum of its findings' scores from which a resource is disabled.
    pub disable_score: Option<Score>,
    /// The sum from which it is killed.
    pub kill_score: Option<Score>,
    /// What a finding of each severity counts.
    pub scores: Scores,
}

/// A sum of scores that is reached. Never 0, which everything reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Score(u64);

impl Score {
    /// The sum.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Score {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            0 => Err(D::Error::custom("a score of 0 is reached by everything: leave it out where nothing is meant")),
            score => Ok(Self(score)),
        }
    }
}

/// `[schedule] scores`: what a finding of each severity counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scores {
    /// Of a `low` one.
    pub low: u64,
    /// Of a `medium` one.
    pub medium: u64,
    /// Of a `high` one.
    pub high: u64,
    /// Of a `critical` one.
    pub critical: u64,
}

impl Default for Scores {
    fn default() -> Self {
        Self { low: 1, medium: 3, high: 5, critical: 10 }
    }
}

impl Scores {
    /// What a finding of this severity counts.
    pub const fn of(self, severity: Severity) -> u64 {
        match severity {
            Severity::Low => self.low,
            Severity::Medium => self.medium,
            Severity::High => self.high,
            Severity::Critical => self.critical,
        }
    }
}

/// A length of time with its unit: `90s`, `15m`, `3h`, `1h 30m`, `7d`. Never less than none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(SignedDuration);

impl Period {
    /// As jiff has it.
    pub const fn get(self) -> SignedDuration {
        self.0
    }

    /// So many seconds.
    pub const fn seconds(seconds: u32) -> Self {
        Self(SignedDuration::from_secs(seconds as i64))
    }

    /// So many hours.
    const fn hours(hours: i64) -> Self {
        Self(SignedDuration::from_hours(hours))
    }
}

/// A text that is no length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time such as 90s, 15m, 48h or 7d")]
pub struct ParsePeriodError(String);

impl FromStr for Period {
    type Err = ParsePeriodError;

    fn from_str(text: &str) -> Result<Self, ParsePeriodError> {
        // A day has 24 hours here, whatever the clocks do; a month has no length.
        let span: Option<Span> = text.trim().parse().ok();
        let period = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
        // More than a century would overflow some time.
        let sound = period.filter(|period| !period.is_negative() && period.as_hours() < 24 * 366 * 100);
        sound.map(Self).ok_or_else(|| ParsePeriodError(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// How long after it was first seen something is acted upon, by the action's name, or else by the finding's severity.
///
/// What is not named stays as the Justice Engine had it: 3 hours for `kill`, 48 for everything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grace(BTreeMap<String, Period>);

/// What stands for all that is not named.
const DEFAULT: &str = "default";

const USUAL: Period = Period::hours(48);

impl Default for Grace {
    fn default() -> Self {
        let named = [("kill", Period::hours(3)), ("disable", USUAL), (DEFAULT, USUAL)];
        Self(named.map(|(name, period)| (name.to_owned(), period)).into())
    }
}

/// A grace period that is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraceError {
    /// It is for nothing that there is.
    #[error(
        "`{0}` is neither an action (docs/records.md lists them) nor a severity (low, medium, high, critical) nor `default`"
    )]
    Name(String),
    /// It is no length of time.
    #[error(transparent)]
    Period(#[from] ParsePeriodError),
    /// It is no pair.
    #[error("`{0}` is not a grace period such as kill=3h or critical=1h")]
    Pair(String),
}

/// One grace period, as `--grace` has it: `kill=3h`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GracePeriod {
    name: String,
    period: Period,
}

impl GracePeriod {
    fn new(name: &str, period: Period) -> Result<Self, GraceError> {
        let is_action = || Action::ALL.iter().any(|(action, ..)| *action == name);
        let is_severity = || Severity::ALL.iter().any(|severity| severity.name() == name);
        if name == DEFAULT || is_severity() || is_action() {
            return Ok(Self { name: name.to_owned(), period });
        }
        Err(GraceError::Name(name.to_owned()))
    }
}

impl FromStr for GracePeriod {
    type Err = GraceError;

    fn from_str(text: &str) -> Result<Self, GraceError> {
        let (name, period) = text.split_once('=').ok_or_else(|| GraceError::Pair(text.to_owned()))?;
        Self::new(name.trim(), period.parse()?)
    }
}

impl Grace {
    /// The same, but for these.
    #[must_use]
    pub fn with(mut self, periods: &[GracePeriod]) -> Self {
        self.0.extend(periods.iter().map(|given| (given.name.clone(), given.period)));
        self
    }

    /// How long a finding of this severity, or a resource that is to be disabled or killed, is left alone.
    pub fn of(&self, action: &Action, severity: Option<Severity>) -> SignedDuration {
        let named = |name: &str| self.0.get(name).copied();
        let found = action.name().and_then(named).or_else(|| severity.map(Severity::name).and_then(named));
        found.or_else(|| named(DEFAULT)).unwrap_or(USUAL).get()
    }
}

impl<'de> Deserialize<'de> for Grace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let named = BTreeMap::<String, Period>::deserialize(deserializer)?;
        let periods: Result<Vec<_>, _> = named.iter().map(|(name, period)| GracePeriod::new(name, *period)).collect();
        Ok(Self::default().with(&periods.map_err(D::Error::custom)?))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_action_beats_a_severity_beats_the_default() {
        let schedule: Schedule = toml::from_str(
            r#"
            grace = { kill = "1h", high = "2h", default = "0s" }
            retry = "30s"
            disable_score = 5
            scores = { high = 7 }
            "#,
        )
        .unwrap();
        let flags: Vec<GracePeriod> = ["critical=90m", "kill = 6h"].iter().map(|text| text.parse().unwrap()).collect();
        let action = |name: &str| serde_json::from_value::<Action>(json!(name)).unwrap();
        let rows = [
            (&schedule.grace, "kill", None, 60),
            (&schedule.grace, "kill", Some(Severity::High), 60),
            (&schedule.grace, "disable", None, 48 * 60),
            (&schedule.grace, "stop", Some(Severity::High), 120),
            (&schedule.grace, "stop", Some(Severity::Low), 0),
            (&schedule.grace, "an action of another version", None, 0),
            (&schedule.grace.clone().with(&flags), "kill", None, 6 * 60),
            (&schedule.grace.clone().with(&flags), "stop", Some(Severity::Critical), 90),
            (&schedule.grace.clone().with(&flags), "stop", Some(Severity::High), 120),
            (&Grace::default(), "kill", Some(Severity::Low), 180),
            (&Grace::default(), "stop", Some(Severity::Low), 48 * 60),
        ];
        for (grace, name, severity, minutes) in rows {
            assert_eq!(grace.of(&action(name), severity).as_mins(), minutes, "{grace:?} {name} {severity:?}");
        }
        assert_eq!(schedule.retry.unwrap().get().as_secs(), 30);
        assert_eq!((schedule.scores.of(Severity::High), schedule.scores.of(Severity::Low)), (7, 1));
    }

    #[test]
    fn what_is_misspelt_is_an_error_that_says_so() {
        for (text, expected) in [
            ("grace = { kil = \"3h\" }", "`kil`"),
            ("grace = { kill = \"3\" }", "48h"),
            ("grace = { kill = \"-3h\" }", "48h"),
            ("grace = { kill = \"99999999h\" }", "48h"),
            ("grace = { kill = 3 }", "string"),
            ("disable_score = 0", "0"),
            ("retries = 3", "retries"),
            ("scores = { severe = 3 }", "severe"),
        ] {
            let error = toml::from_str::<Schedule>(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        for (text, expected) in [("kill", "kill=3h"), ("kil=3h", "`kil`"), ("kill=soon", "`soon`"), ("=3h", "``")] {
            let error = text.parse::<GracePeriod>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
