//! IAM roles: who may assume them.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-trust-policy.html>.

use common::action::{Action, Statements};
use common::record::Severity;
use common::resource::{ResourceType, Role};
use serde_json::{Value, json};

use super::policies::{self, HasPolicy};
use super::{About, Case, Check, Checked, Problem, Unclear, always, runaway};
use crate::policy::{self, Assumers, Document, Grantee, Owner};

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
        Check {
            about: About {
                id: "iam_role_runaway",
                kind: ResourceType::IamRole,
                severity: Severity::Critical,
                controls: &[],
                actions: &["disable", "iam_remove_trust_statements"],
                fix: true,
                needs: &["AssumeRolePolicyDocument", "Path"],
                meaning: "People can assume the role, in an account that is over its limit.",
                page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html",
            },
            arises: runaway::limited,
            judge: running_away,
        },
    ];
}

/// Roles of services are what the account's own work is done by. Those of Identity Center belong to it: the account cannot
/// change them (<https://docs.aws.amazon.com/singlesignon/latest/userguide/security_iam_service-with-iam.html>).
fn running_away(case: &Case<'_, Role>) -> Result<Vec<Problem>, Unclear> {
    policies::required(case)?;
    let role = case.config();
    let path = role.path.as_deref().unwrap_or_default();
    let Assumers { people, by, workloads } = assumers(case)?;
    if people.is_empty()
        || path.starts_with("/aws-service-role/")
        || runaway::is_denied_all(case, role.sluice_deny_all.as_ref())?
    {
        return Ok(Vec::new());
    }
    let evidence = json!({"People": people, "AssumeRolePolicyDocument": role.assume_role_policy_document});
    if path.starts_with("/aws-reserved/") {
        let why = "people come by it from IAM Identity Center, where alone their access can be revoked";
        return Ok(vec![runaway::to_halt(case, why, evidence)]);
    }
    let who = policies::shortened(people.iter().map(String::as_str));
    let own = case.rules.own_roles.include(&case.resource.arn);
    let (why, action) = if workloads.is_empty() {
        (format!("people can assume it ({who})"), Some(Action::Disable))
    } else if by.is_disjoint(&workloads) {
        (format!("people can assume it ({who}), beside the workloads that go on"), Some(remove(case.statements(&by))))
    } else {
        (
            format!("people can assume it ({who}) by the same statement as workloads: a person must tell them apart"),
            None,
        )
    };
    let problem = runaway::to_halt(case, &why, evidence);
    if own {
        return Ok(vec![problem.spared("Sluice itself enters the account by this role (the settings' [aws])")]);
    }
    Ok(vec![problem.action(action)])
}

/// Who can assume it.
fn assumers(case: &Case<'_, Role>) -> Result<Assumers, Unclear> {
    let Some(policy) = &case.config().assume_role_policy_document else { return Ok(Assumers::default()) };
    let document = Document::parse(policy).map_err(|error| Unclear(error.to_string()))?;
    let arn = case.resource.arn.to_string();
    Ok(policy::assumers(&document, &Owner { account: case.resource.account.as_str(), arn: &arn }))
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
