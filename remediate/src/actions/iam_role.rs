//! What is done to roles: the statements that let the wrong ones in go out of the trust policy; an inline policy shuts a role
//! down altogether, with the sessions that are out already.

use common::action::{Action, Change, Formerly, Kill};
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::{Role, SLUICE_DENY_ALL};
use common::settings::Remediate;
use serde_json::{Value, json};

use super::change::{pending, rebased};
use super::iam::{self, iam_calls, told};
use super::policy::{self, text};
use super::refusal::{foreign, needs};
use super::{Mended, Planned, Refusal};

iam_calls! {
    UpdateAssumeRolePolicy = IAM_UPDATE_ASSUME_ROLE_POLICY, update_assume_role_policy {
        role_name: String, policy_document: Value => text,
    }
    PutRolePolicy = IAM_PUT_ROLE_POLICY, put_role_policy {
        role_name: String, policy_name: String, policy_document: Value => text,
    }
    DeleteRolePolicy = IAM_DELETE_ROLE_POLICY, delete_role_policy { role_name: String, policy_name: String }
    DetachRolePolicy = IAM_DETACH_ROLE_POLICY, detach_role_policy { role_name: String, policy_arn: String }
    DeleteRolePermissionsBoundary = IAM_DELETE_ROLE_PERMISSIONS_BOUNDARY, delete_role_permissions_boundary {
        role_name: String,
    }
    RemoveRoleFromInstanceProfile = IAM_REMOVE_ROLE_FROM_INSTANCE_PROFILE, remove_role_from_instance_profile {
        instance_profile_name: String, role_name: String,
    }
    DeleteRole = IAM_DELETE_ROLE, delete_role { role_name: String }
}

/// The roles that nobody but a service can change, by their paths:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html> and
/// <https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html>.
const PROTECTED: [(&str, &str); 2] = [
    ("/aws-service-role/", "it is linked to an AWS service, which alone can change it"),
    ("/aws-reserved/", "it belongs to IAM Identity Center, which alone can change it"),
];

type RolePlan = Result<Planned<Role, Step>, Refusal>;

impl Mended for Role {
    type Step = Step;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("disable", &[operation::IAM_PUT_ROLE_POLICY, operation::IAM_UPDATE_ASSUME_ROLE_POLICY]),
        (
            "kill",
            &[
                operation::IAM_DETACH_ROLE_POLICY,
                operation::IAM_DELETE_ROLE_POLICY,
                operation::IAM_DELETE_ROLE_PERMISSIONS_BOUNDARY,
                operation::IAM_REMOVE_ROLE_FROM_INSTANCE_PROFILE,
                operation::IAM_DELETE_ROLE,
            ],
        ),
        ("iam_deny_all", &[operation::IAM_PUT_ROLE_POLICY]),
        ("iam_allow_again", &[operation::IAM_DELETE_ROLE_POLICY, operation::IAM_PUT_ROLE_POLICY]),
        ("iam_remove_trust_statements", &[operation::IAM_UPDATE_ASSUME_ROLE_POLICY]),
        ("iam_set_trust_policy", &[operation::IAM_UPDATE_ASSUME_ROLE_POLICY]),
    ];

    const CLOSELY: &'static [&'static str] = &["kill"];

    fn plan(action: &Action, resource: &Resource<Self>) -> RolePlan {
        match action {
            Action::IamRemoveTrustStatements(unwanted) => {
                let from = trust_policy(resource)?.clone();
                let to = policy::without(&from, &unwanted.statements).unwrap_or_else(|| closed(&from));
                set_policy(resource, &Change { from, to })
            }
            Action::IamSetTrustPolicy(change) => set_policy(resource, change),
            Action::IamDenyAll => deny_all(resource),
            Action::IamAllowAgain(former) => allow_again(resource, former),
            other => Err(foreign(other, resource)),
        }
    }

    /// A trust policy by which there will be no sessions any more, and a deny for those that are out. In this order: AWS
    /// refuses the deny where the role's inline policies have no room for it.
    fn disable(resource: &Resource<Self>, _: &Remediate) -> Result<Vec<Action>, Refusal> {
        let from = trust_policy(resource)?.clone();
        let to = closed(&from);
        Ok(vec![Action::IamSetTrustPolicy(Change { from, to }), Action::IamDenyAll])
    }

    fn kill(resource: &Resource<Self>, _: Kill, _: &Remediate) -> RolePlan {
        kill(resource)
    }

    fn rebase(undo: Action, predicted: &Self, observed: &Self) -> Action {
        match (undo, &predicted.assume_role_policy_document, &observed.assume_role_policy_document) {
            (Action::IamSetTrustPolicy(change), Some(sent), Some(seen)) => {
                Action::IamSetTrustPolicy(rebased(change, sent, seen.clone()))
            }
            (other, _, _) => other,
        }
    }
}

fn trust_policy(resource: &Resource<Role>) -> Result<&Value, Refusal> {
    needs(resource, &["AssumeRolePolicyDocument"])?;
    let none = || Refusal::Impossible("its record has no trust policy, which every role has".to_owned());
    resource.config.assume_role_policy_document.as_ref().ok_or_else(none)
}

/// The policy with one statement in place of all others, by which nobody may assume the role: IAM takes no policy without
/// statements. The name is for whoever wonders one day.
fn closed(policy: &Value) -> Value {
    let mut policy = policy.clone();
    policy["Statement"] = json!([{
        "Sid": "SluiceRemovedAllOtherStatements", "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole",
    }]);
    policy
}

fn set_policy(resource: &Resource<Role>, change: &Change<Value>) -> RolePlan {
    if !pending(change, trust_policy(resource)?, "the trust policy")? {
        return Ok(Planned::nothing(resource));
    }
    unprotected(resource)?;
    let step = Step::UpdateAssumeRolePolicy {
        role_name: resource.config.role_name.clone(),
        policy_document: change.to.clone(),
    };
    let after = Role { assume_role_policy_document: Some(change.to.clone()), ..resource.config.clone() };
    let undo = Action::IamSetTrustPolicy(Change { from: change.to.clone(), to: change.from.clone() });
    Ok(Planned::one(step, Some(undo), after))
}

/// Refuses to touch what is a service's own.
fn unprotected(resource: &Resource<Role>) -> Result<(), Refusal> {
    let path = resource.config.path.as_deref().unwrap_or_default();
    match PROTECTED.iter().find(|(protected, _)| path.starts_with(protected)) {
        Some((_, why)) => Err(Refusal::Impossible(format!("{why}; change it there"))),
        None => Ok(()),
    }
}

fn deny_all(resource: &Resource<Role>) -> RolePlan {
    unprotected(resource)?;
    needs(resource, &["RolePolicyList", SLUICE_DENY_ALL])?;
    let Some(change) = iam::closing(resource.config.sluice_deny_all.as_ref()) else {
        return Ok(Planned::nothing(resource));
    };
    let undo = Action::IamAllowAgain(Formerly { policy_document: change.from });
    let (step, after) = set_own_policy(&resource.config, change.to);
    Ok(Planned::one(step, Some(undo), after))
}

fn allow_again(resource: &Resource<Role>, former: &Formerly) -> RolePlan {
    needs(resource, &["RolePolicyList", SLUICE_DENY_ALL])?;
    let Some(change) = iam::opening(former, resource.config.sluice_deny_all.as_ref())? else {
        return Ok(Planned::nothing(resource));
    };
    let (step, after) = set_own_policy(&resource.config, change.to);
    Ok(Planned::one(step, Some(Action::IamDenyAll), after))
}

/// The call that sets or removes Sluice's own inline policy, and the role after it.
fn set_own_policy(role: &Role, document: Option<Value>) -> (Step, Role) {
    let (role_name, policy_name) = (role.role_name.clone(), SLUICE_DENY_ALL.to_owned());
    let after = Role {
        role_policy_list: iam::renamed(&role.role_policy_list, document.is_some()),
        sluice_deny_all: document.clone(),
        ..role.clone()
    };
    let step = match document {
        Some(policy_document) => Step::PutRolePolicy { role_name, policy_name, policy_document },
        None => Step::DeleteRolePolicy { role_name, policy_name },
    };
    (step, after)
}

/// What allows the role something goes before what denies it, for the sake of sessions that are out. Its instance profiles
/// stay, without it. See <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html>.
fn kill(resource: &Resource<Role>) -> RolePlan {
    unprotected(resource)?;
    needs(resource, &["AttachedManagedPolicies", "RolePolicyList"])?;
    let config = &resource.config;
    let role_name = config.role_name.clone();
    let mut steps = Vec::new();
    for policy in &config.attached_managed_policies {
        let (role_name, policy_arn) = (role_name.clone(), policy.policy_arn.clone());
        steps.push(Step::DetachRolePolicy { role_name, policy_arn });
    }
    for policy_name in iam::own_last(&config.role_policy_list) {
        let (role_name, policy_name) = (role_name.clone(), policy_name.clone());
        steps.push(Step::DeleteRolePolicy { role_name, policy_name });
    }
    if config.permissions_boundary.is_some() {
        steps.push(Step::DeleteRolePermissionsBoundary { role_name: role_name.clone() });
    }
    for profile in told(resource, config.instance_profiles.as_ref(), "InstanceProfiles")? {
        let (instance_profile_name, role_name) = (profile.clone(), role_name.clone());
        steps.push(Step::RemoveRoleFromInstanceProfile { instance_profile_name, role_name });
    }
    steps.push(Step::DeleteRole { role_name });
    Ok(Planned { steps, undo: None, after: None })
}

#[cfg(test)]
mod tests {
    use common::action::Statements;
    use common::resource::{AttachedPolicy, PermissionsBoundary};

    use super::*;
    use crate::actions::tests::{Samples, needs, planned, resource, the_call};

    fn trust(principal: &str) -> Value {
        json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"})
    }

    fn role(path: &str, statements: &Value) -> Resource<Role> {
        let config = Role {
            role_name: "deploy".into(),
            path: Some(path.into()),
            assume_role_policy_document: Some(json!({"Version": "2008-10-17", "Statement": statements})),
            ..Role::default()
        };
        resource("deploy", &format!("arn:aws:iam::111122223333:role{path}deploy"), config)
    }

    fn open_and_own() -> Resource<Role> {
        role("/", &json!([trust("*"), trust("111122223333")]))
    }

    fn remove_open() -> Action {
        Action::IamRemoveTrustStatements(Statements { statements: vec![trust("*")] })
    }

    impl Samples for Role {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            vec![
                (remove_open(), open_and_own()),
                (remove_open(), role("/", &trust("*"))),
                (Action::IamDenyAll, open_and_own()),
                (Action::Disable, open_and_own()),
                (kill(), loaded()),
            ]
        }
    }

    fn kill() -> Action {
        Action::Kill(Kill::default())
    }

    /// As a closer look finds a role that has all that there is.
    fn loaded() -> Resource<Role> {
        let mut role = open_and_own();
        role.config = Role {
            attached_managed_policies: vec![AttachedPolicy {
                policy_name: "Read".into(),
                policy_arn: "arn:Read".into(),
            }],
            role_policy_list: vec![SLUICE_DENY_ALL.into(), "deploy".into()],
            sluice_deny_all: Some(iam::deny_all()),
            permissions_boundary: Some(PermissionsBoundary::default()),
            instance_profiles: Some(vec!["web".into()]),
            ..role.config
        };
        role
    }

    fn names(action: &Action, resource: &Resource<Role>) -> Vec<String> {
        let calls = planned(action, resource).unwrap().calls();
        calls.into_iter().map(|call| call.operation.replace("iam:", "")).collect()
    }

    #[test]
    fn disabled_it_may_do_nothing_and_nobody_may_assume_it() {
        assert_eq!(names(&Action::Disable, &open_and_own()), ["UpdateAssumeRolePolicy", "PutRolePolicy"]);
        let plan = planned(&Action::Disable, &open_and_own()).unwrap();
        let calls = plan.calls();
        assert_eq!(calls[1].parameters["PolicyDocument"], iam::deny_all());
        let statements = calls[0].parameters["PolicyDocument"]["Statement"].as_array().unwrap();
        assert_eq!((statements.len(), &statements[0]["Effect"]), (1, &json!("Deny")));
        let undo = serde_json::to_value(plan.undo).unwrap();
        assert_eq!(undo["Actions"][0], "iam_allow_again");
        assert_eq!(undo["Actions"][1]["to"], json!(open_and_own().config.assume_role_policy_document));
    }

    #[test]
    fn all_that_a_role_has_goes_before_it_and_the_deny_after_what_allows() {
        assert_eq!(
            names(&kill(), &loaded()),
            [
                "DetachRolePolicy",
                "DeleteRolePolicy",
                "DeleteRolePolicy",
                "DeleteRolePermissionsBoundary",
                "RemoveRoleFromInstanceProfile",
                "DeleteRole",
            ]
        );
        let calls = planned(&kill(), &loaded()).unwrap().calls();
        assert_eq!(calls[2].parameters["PolicyName"], SLUICE_DENY_ALL);
        let mut rest = open_and_own();
        rest.config.instance_profiles = Some(Vec::new());
        assert_eq!(names(&kill(), &rest), ["DeleteRole"], "where another run was cut off before");
        assert!(matches!(planned(&kill(), &open_and_own()), Err(Refusal::Impossible(why)) if why.contains("closely")));
        for field in ["AttachedManagedPolicies", "RolePolicyList", "InstanceProfiles"] {
            assert!(needs(&kill(), loaded(), field), "{field}");
        }
    }

    #[test]
    fn the_other_statements_stay() {
        let (operation, parameters) = the_call(&remove_open(), &open_and_own());
        assert_eq!(operation, "iam:UpdateAssumeRolePolicy");
        let left = json!({"Version": "2008-10-17", "Statement": [trust("111122223333")]});
        assert_eq!(parameters, json!({"RoleName": "deploy", "PolicyDocument": left}));
    }

    #[test]
    fn in_place_of_the_last_statement_comes_one_that_denies_everyone() {
        let (_, parameters) = the_call(&remove_open(), &role("/", &json!([trust("*")])));
        let statement = &parameters["PolicyDocument"]["Statement"][0];
        assert_eq!(statement["Effect"], "Deny");
        assert_eq!(statement["Principal"], json!({"AWS": "*"}));
        assert_eq!(parameters["PolicyDocument"]["Statement"].as_array().unwrap().len(), 1);
        let sid = statement["Sid"].as_str().unwrap();
        assert!(sid.bytes().all(|byte| byte.is_ascii_alphanumeric()), "IAM takes no other names: {sid}");
    }

    #[test]
    fn roles_that_a_service_keeps_are_left_to_it() {
        for path in ["/aws-service-role/ecs.amazonaws.com/", "/aws-reserved/sso.amazonaws.com/"] {
            for action in [remove_open(), Action::IamDenyAll, Action::Disable, kill()] {
                let refused = planned(&action, &role(path, &json!([trust("*")]))).unwrap_err();
                let said = matches!(&refused, Refusal::Impossible(why) if why.contains("alone can change it"));
                assert!(said, "{action:?}: {refused}");
            }
            let clean = planned(&remove_open(), &role(path, &json!([trust("111122223333")]))).unwrap();
            assert!(clean.steps.is_empty(), "nothing is to be done to it");
        }
    }

    #[test]
    fn what_changed_meanwhile_or_could_not_be_read_is_not_changed() {
        let change = Change { from: json!({"Statement": []}), to: json!({"Statement": [trust("*")]}) };
        let undo = Action::IamSetTrustPolicy(change);
        assert!(matches!(planned(&undo, &open_and_own()), Err(Refusal::Changed(_))));
        assert!(needs(&remove_open(), open_and_own(), "AssumeRolePolicyDocument"));
        assert!(needs(&Action::Disable, open_and_own(), "AssumeRolePolicyDocument"));
        for field in ["RolePolicyList", SLUICE_DENY_ALL] {
            assert!(needs(&Action::Disable, open_and_own(), field), "{field}");
            assert!(needs(&Action::IamAllowAgain(Formerly::default()), loaded(), field), "{field}");
        }
        let mut odd = open_and_own();
        odd.config.assume_role_policy_document = None;
        assert!(matches!(planned(&remove_open(), &odd), Err(Refusal::Impossible(_))));
    }
}
