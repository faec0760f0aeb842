//! SQS queues: <https://docs.aws.amazon.com/securityhub/latest/userguide/sqs-controls.html>.

use common::action::{Action, Statements};
use common::record::Severity;
use common::resource::{Queue, ResourceType};
use serde_json::Value;

use super::policies::{self, HasPolicy};
use super::{About, Check, Checked, always};

impl Checked for Queue {
    const CHECKS: &'static [Check<Self>] = &[
        Check {
            about: About {
                id: "sqs_public",
                kind: ResourceType::Sqs,
                severity: Severity::Critical,
                controls: &["FSBP SQS.3"],
                actions: &["sqs_remove_policy_statements"],
                fix: true,
                needs: &["Policy"],
                meaning: "The queue's policy lets in anyone.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/sqs-controls.html#sqs-3",
            },
            arises: always,
            judge: |case| {
                policies::public(case, |statements| Action::SqsRemovePolicyStatements(Statements { statements }))
            },
        },
        Check {
            about: About {
                id: "sqs_policy_outsiders",
                kind: ResourceType::Sqs,
                severity: Severity::High,
                controls: &[],
                actions: &["sqs_remove_policy_statements"],
                fix: true,
                needs: &["Policy"],
                meaning: "The queue's policy lets in somebody whom the settings do not trust.",
                page: "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-security-best-practices.html",
            },
            arises: always,
            judge: |case| {
                policies::outsiders(case, |statements| Action::SqsRemovePolicyStatements(Statements { statements }))
            },
        },
    ];
}

impl HasPolicy for Queue {
    fn policy(&self) -> Option<&Value> {
        self.policy.as_ref()
    }
}
