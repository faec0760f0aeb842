//! What the findings of a resource add up to, and what becomes of it then, as in the Justice Engine.

use std::fmt::Write as _;

use common::action::{Action, Kill};
use common::record::{Finding, FindingStatus, Severity};
use common::settings::{Schedule, Score, Scores};

/// How a key begins that is not a finding's, but that of a resource's score.
pub(crate) const SCORE: &str = "score:";

/// From which sum on what becomes of a resource.
#[derive(Clone, Debug)]
pub(crate) struct Scoring {
    disable: Option<u64>,
    kill: Option<u64>,
    scores: Scores,
}

/// What the findings of a resource add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) sum: u64,
    /// One line for each that counts, in the Justice Engine's shape: `issue::notes<TAB>score`.
    pub(crate) issues: String,
}

impl Scoring {
    /// # Errors
    ///
    /// Where what is to be killed would not even be disabled.
    pub(crate) fn new(schedule: &Schedule) -> Result<Option<Self>, String> {
        let (disable, kill) = (schedule.disable_score.map(Score::get), schedule.kill_score.map(Score::get));
        match (disable, kill) {
            (None, None) => Ok(None),
            (Some(disable), Some(kill)) if kill <= disable => Err(format!(
                "the settings have [schedule] kill_score = {kill}, which has to be above disable_score = {disable}"
            )),
            _ => Ok(Some(Self { disable, kill, scores: schedule.scores })),
        }
    }

    /// What becomes of a resource with this sum. The data of what is killed are spared.
    pub(crate) fn verdict(&self, sum: u64) -> Option<Action> {
        let reaches = |threshold: Option<u64>| threshold.is_some_and(|threshold| sum >= threshold);
        if reaches(self.kill) {
            Some(Action::Kill(Kill::default()))
        } else {
            reaches(self.disable).then_some(Action::Disable)
        }
    }

    /// The least sum of which anything comes.
    pub(crate) fn least(&self) -> u64 {
        self.disable.or(self.kill).unwrap_or(u64::MAX)
    }

    /// Counts a finding.
    pub(crate) fn count(&self, tally: &mut Tally, check: &str, title: &str, severity: Severity) {
        let score = self.scores.of(severity);
        tally.sum = tally.sum.saturating_add(score);
        if score > 0 {
            let one_line = |text: &str| text.replace(['\t', '\n', '\r'], " ");
            // Writing to a String does not fail.
            let _ = writeln!(tally.issues, "{}::{}\t{score}", one_line(check), one_line(title));
        }
    }

    /// What these findings add up to: those that fail. Not those of the brake, which take the account to be over its limit.
    pub(crate) fn tally(&self, findings: &[Finding]) -> Tally {
        let mut tally = Tally::default();
        let counts = |finding: &&Finding| finding.status == FindingStatus::Fail && !audit::is_runaway(&finding.check);
        for finding in findings.iter().filter(counts) {
            self.count(&mut tally, &finding.check, &finding.title, finding.severity);
        }
        tally
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn scoring(settings: Value) -> Result<Option<Scoring>, String> {
        Scoring::new(&serde_json::from_value(settings).unwrap())
    }

    #[test]
    fn a_sum_comes_to_nothing_or_disable_or_kill() {
        let both = scoring(json!({"disable_score": 5, "kill_score": 20})).unwrap().unwrap();
        let kill = scoring(json!({"kill_score": 20})).unwrap().unwrap();
        let name = |scoring: &Scoring, sum| scoring.verdict(sum).and_then(|action| action.name());
        for (scoring, sum, expected) in [
            (&both, 4, None),
            (&both, 5, Some("disable")),
            (&both, 19, Some("disable")),
            (&both, 20, Some("kill")),
            (&kill, 19, None),
            (&kill, u64::MAX, Some("kill")),
        ] {
            assert_eq!(name(scoring, sum), expected, "{sum}");
        }
        assert_eq!((both.least(), kill.least()), (5, 20));
        assert!(scoring(json!({})).unwrap().is_none());
        assert!(scoring(json!({"disable_score": 5, "kill_score": 5})).unwrap_err().contains("above disable_score = 5"));
    }

    #[test]
    fn issues_are_written_as_the_justice_engine_did() {
        let scoring = scoring(json!({"disable_score": 5, "scores": {"low": 0}})).unwrap().unwrap();
        let mut tally = Tally::default();
        scoring.count(&mut tally, "sqs_public", "queue jobs\tis open", Severity::High);
        scoring.count(&mut tally, "required_tags", "queue jobs has no Owner", Severity::Low);
        scoring.count(&mut tally, "sqs_tls", "queue jobs takes plain HTTP", Severity::Medium);
        let issues = "sqs_public::queue jobs is open\t5\nsqs_tls::queue jobs takes plain HTTP\t3\n";
        assert_eq!(tally, Tally { sum: 8, issues: issues.to_owned() });
    }

    #[test]
    fn what_fails_counts_but_for_the_brake() {
        let scoring = scoring(json!({"disable_score": 5})).unwrap().unwrap();
        let finding = |check: &str, status: &str| -> Finding {
            serde_json::from_value(json!({
                "key": format!("{check}:arn:aws:ec2:eu-west-1:111122223333:instance/i-1"), "check": check,
                "status": status, "severity": "high", "account": "111122223333", "region": "eu-west-1", "type": "ec2",
                "id": "i-1", "arn": "arn:aws:ec2:eu-west-1:111122223333:instance/i-1", "title": "it is so",
            }))
            .unwrap()
        };
        let findings = [
            finding("ec2_imdsv2", "fail"),
            finding("ec2_required_tags", "pass"),
            finding("ec2_public_in_dev", "excepted"),
            finding("ec2_runaway", "fail"),
        ];
        assert_eq!(scoring.tally(&findings), Tally { sum: 5, issues: "ec2_imdsv2::it is so\t5\n".to_owned() });
    }
}
