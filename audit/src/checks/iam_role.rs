//! IAM roles: who may assume them.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-trust-policy.html>.

use common::action::{Action, Statements};
use common::record::Severity;
use common::resource::{ResourceType, Role};
use serde_json::Value;

use super::policies::{self, HasPolicy};
use super::{About, Check, Checked, always};
use crate::policy::Grantee;

impl Checked for Role {
    const CHECKS: &'static [Check<Self>] = &[
        Check {
            about: About {
                id: "iam_role_public",
                kind: ResourceType::IamRole,
                severity: Severity::Critical,
                controls: &[],
                actions: &["iam_remove_trust_statements"],
                fix: true,
                needs: &["AssumeRolePolicyDocument"],
                meaning: "The role's trust policy lets anyone assume it: any AWS account, or any login at a public identity provider.",
                page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html",
            },
            arises: always,
            judge: |case| {
                policies::required(case)?;
                policies::public(case, remove)
            },
        },
        // No fix of its own accord: most of them are products that somebody bought and let in.
        Check {
            about: About {
                id: "iam_role_outsiders",
                kind: ResourceType::IamRole,
                severity: Severity::High,
                controls: &[],
                actions: &["iam_remove_trust_statements"],
                fix: false,
                needs: &["AssumeRolePolicyDocument"],
                meaning: "The role's trust policy lets in somebody whom the settings do not trust.",
                page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html",
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
    Action::IamRemoveTrustStatements(Statements { statements })
}

impl HasPolicy for Role {
    const CALLED: &'static str = "trust policy";

    fn policy(&self) -> Option<&Value> {
        self.assume_role_policy_document.as_ref()
    }

    /// A provider that is built into AWS belongs to no account. One application's logins there, an identity pool's say,
    /// are as much the owner's as those at a provider that is set up in the account; any application's are the public.
    fn is_outsider(grantee: &Grantee) -> bool {
        !matches!(grantee, Grantee::Federated { account: None, .. })
    }
}
