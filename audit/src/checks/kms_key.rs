//! KMS keys: <https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html>.

use common::action::{Action, Statements};
use common::record::Severity;
use common::resource::{KmsKey, ResourceType};
use serde_json::Value;

use super::policies::{self, HasPolicy};
use super::{About, Check, Checked, always};

impl Checked for KmsKey {
    const CHECKS: &'static [Check<Self>] = &[
        Check {
            about: About {
                id: "kms_key_public",
                kind: ResourceType::KmsKey,
                severity: Severity::Critical,
                controls: &["FSBP KMS.5"],
                actions: &["kms_remove_policy_statements"],
                fix: true,
                needs: &["Policy"],
                meaning: "The key policy lets in any AWS account.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html#kms-5",
            },
            arises: always,
            judge: |case| {
                policies::required(case)?;
                policies::public(case, remove)
            },
        },
        // No fix of its own accord: without the key, what another account was given is unreadable to it.
        Check {
            about: About {
                id: "kms_key_outsiders",
                kind: ResourceType::KmsKey,
                severity: Severity::High,
                controls: &[],
                actions: &["kms_remove_policy_statements"],
                fix: false,
                needs: &["Policy"],
                meaning: "The key policy lets in somebody whom the settings do not trust.",
                page: "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html",
            },
            arises: always,
            judge: |case| {
                policies::required(case)?;
                policies::outsiders(case, remove)
            },
        },
    ];
}

fn remove(statements: Vec<Value>) -> Action {
    Action::KmsRemovePolicyStatements(Statements { statements })
}

impl HasPolicy for KmsKey {
    const CALLED: &'static str = "key policy";

    fn policy(&self) -> Option<&Value> {
        self.policy.as_ref()
    }
}
