//! What is done to managed policies: they are detached from users, groups and roles, and attached again.

use common::action::{Action, Kill, PolicyEntities};
use common::arn::Arn;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::ManagedPolicy;
use common::settings::Remediate;

use super::iam::{iam_calls, told};
use super::refusal::foreign;
use super::{Mended, Planned, Refusal, Turn};

iam_calls! {
    DetachUserPolicy = IAM_DETACH_USER_POLICY, detach_user_policy { user_name: String, policy_arn: String }
    DetachGroupPolicy = IAM_DETACH_GROUP_POLICY, detach_group_policy { group_name: String, policy_arn: String }
    DetachRolePolicy = IAM_DETACH_ROLE_POLICY, detach_role_policy { role_name: String, policy_arn: String }
    AttachUserPolicy = IAM_ATTACH_USER_POLICY, attach_user_policy { user_name: String, policy_arn: String }
    AttachGroupPolicy = IAM_ATTACH_GROUP_POLICY, attach_group_policy { group_name: String, policy_arn: String }
    AttachRolePolicy = IAM_ATTACH_ROLE_POLICY, attach_role_policy { role_name: String, policy_arn: String }
    DeletePolicyVersion = IAM_DELETE_POLICY_VERSION, delete_policy_version { policy_arn: String, version_id: String }
    DeletePolicy = IAM_DELETE_POLICY, delete_policy { policy_arn: String }
}

const DETACH: &[Operation] =
    &[operation::IAM_DETACH_USER_POLICY, operation::IAM_DETACH_GROUP_POLICY, operation::IAM_DETACH_ROLE_POLICY];

type PolicyPlan = Result<Planned<ManagedPolicy, Step>, Refusal>;

impl Mended for ManagedPolicy {
    type Step = Step;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("disable", DETACH),
        (
            "kill",
            &[
                operation::IAM_DETACH_USER_POLICY,
                operation::IAM_DETACH_GROUP_POLICY,
                operation::IAM_DETACH_ROLE_POLICY,
                operation::IAM_DELETE_POLICY_VERSION,
                operation::IAM_DELETE_POLICY,
            ],
        ),
        ("iam_detach_policy", DETACH),
        (
            "iam_attach_policy",
            &[operation::IAM_ATTACH_USER_POLICY, operation::IAM_ATTACH_GROUP_POLICY, operation::IAM_ATTACH_ROLE_POLICY],
        ),
    ];

    const CLOSELY: &'static [&'static str] = &["disable", "kill", "iam_detach_policy", "iam_attach_policy"];

    fn plan(action: &Action, resource: &Resource<Self>) -> PolicyPlan {
        match action {
            Action::IamDetachPolicy(unwanted) => detach(resource, unwanted),
            Action::IamAttachPolicy(wanted) => attach(resource, wanted),
            other => Err(foreign(other, resource)),
        }
    }

    /// Where it is a permissions boundary it stays one: without it those whom it bounds could do more.
    fn disable(resource: &Resource<Self>, _: &Remediate) -> Result<Vec<Action>, Refusal> {
        Ok(vec![Action::IamDetachPolicy(entities(resource)?.clone())])
    }

    fn kill(resource: &Resource<Self>, _: Kill, _: &Remediate) -> PolicyPlan {
        kill(resource)
    }

    fn rebase(undo: Action, _: &Self, _: &Self) -> Action {
        undo
    }

    /// Whoever is to go as well has let go of it by then.
    fn turn(action: &Action) -> Turn {
        if matches!(action, Action::Kill(_)) { Turn::Last } else { Turn::Usual }
    }
}

/// To whom it is attached, if it is the account's own.
fn entities(resource: &Resource<ManagedPolicy>) -> Result<&PolicyEntities, Refusal> {
    unmanaged(&resource.arn)?;
    told(resource, resource.config.entities.as_ref(), "Entities")
}

/// Refuses to touch what is AWS's own, and the same for all accounts.
fn unmanaged(arn: &Arn) -> Result<(), Refusal> {
    if arn.account != "aws" {
        return Ok(());
    }
    let why =
        "it is managed by AWS, which alone can change it; detach it from the users, groups and roles that have it";
    Err(Refusal::Impossible(why.to_owned()))
}

/// The names that are in both lists, or, with `present` being false, those that are in the first alone; sorted.
fn chosen(names: &[String], others: &[String], present: bool) -> Vec<String> {
    let mut chosen: Vec<String> = names.iter().filter(|name| others.contains(name) == present).cloned().collect();
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

/// The same of users, groups and roles.
fn chosen_of(these: &PolicyEntities, others: &PolicyEntities, present: bool) -> PolicyEntities {
    PolicyEntities {
        users: chosen(&these.users, &others.users, present),
        groups: chosen(&these.groups, &others.groups, present),
        roles: chosen(&these.roles, &others.roles, present),
    }
}

fn count(entities: &PolicyEntities) -> usize {
    entities.users.len() + entities.groups.len() + entities.roles.len()
}

/// The policy with other attachments.
fn attached_to(policy: &ManagedPolicy, entities: PolicyEntities) -> ManagedPolicy {
    let attachment_count = policy.attachment_count.and(i32::try_from(count(&entities)).ok());
    ManagedPolicy { attachment_count, entities: Some(entities), ..policy.clone() }
}

/// From those of them that have it. What undoes it attaches it to these and no others.
fn detach(resource: &Resource<ManagedPolicy>, unwanted: &PolicyEntities) -> PolicyPlan {
    let present = entities(resource)?;
    let (gone, kept) = (chosen_of(present, unwanted, true), chosen_of(present, unwanted, false));
    if count(&gone) == 0 {
        return Ok(Planned::nothing(resource));
    }
    let (steps, after) = (detach_steps(&resource.arn, &gone), attached_to(&resource.config, kept));
    Ok(Planned { steps, undo: Some(Action::IamAttachPolicy(gone)), after: Some(after) })
}

fn detach_steps(arn: &Arn, from: &PolicyEntities) -> Vec<Step> {
    let arn = || arn.to_string();
    let users = from.users.iter().cloned().map(|user_name| Step::DetachUserPolicy { user_name, policy_arn: arn() });
    let groups =
        from.groups.iter().cloned().map(|group_name| Step::DetachGroupPolicy { group_name, policy_arn: arn() });
    let roles = from.roles.iter().cloned().map(|role_name| Step::DetachRolePolicy { role_name, policy_arn: arn() });
    users.chain(groups).chain(roles).collect()
}

/// To those of them that do not have it.
fn attach(resource: &Resource<ManagedPolicy>, wanted: &PolicyEntities) -> PolicyPlan {
    let present = entities(resource)?;
    let new = chosen_of(wanted, present, false);
    if count(&new) == 0 {
        return Ok(Planned::nothing(resource));
    }
    let arn = || resource.arn.to_string();
    let users = new.users.iter().cloned().map(|user_name| Step::AttachUserPolicy { user_name, policy_arn: arn() });
    let groups = new.groups.iter().cloned().map(|group_name| Step::AttachGroupPolicy { group_name, policy_arn: arn() });
    let roles = new.roles.iter().cloned().map(|role_name| Step::AttachRolePolicy { role_name, policy_arn: arn() });
    let steps = users.chain(groups).chain(roles).collect();
    let both = |present: &[String], new: &[String]| {
        let mut all = [present, new].concat();
        all.sort_unstable();
        all
    };
    let all = PolicyEntities {
        users: both(&present.users, &new.users),
        groups: both(&present.groups, &new.groups),
        roles: both(&present.roles, &new.roles),
    };
    let after = attached_to(&resource.config, all);
    Ok(Planned { steps, undo: Some(Action::IamDetachPolicy(new)), after: Some(after) })
}

/// See <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html>: the default version goes with the policy.
fn kill(resource: &Resource<ManagedPolicy>) -> PolicyPlan {
    let attached = entities(resource)?;
    if let Some(bounded @ 1..) = resource.config.permissions_boundary_usage_count {
        return Err(Refusal::Impossible(format!(
            "it is the permissions boundary of users or roles ({bounded} of them), who could do more without it: give them \
             another first"
        )));
    }
    let mut steps = detach_steps(&resource.arn, attached);
    let versions = told(resource, resource.config.versions.as_ref(), "Versions")?;
    let default = resource.config.default_version_id.as_ref();
    for version_id in versions.iter().filter(|version| Some(*version) != default) {
        let (policy_arn, version_id) = (resource.arn.to_string(), version_id.clone());
        steps.push(Step::DeletePolicyVersion { policy_arn, version_id });
    }
    steps.push(Step::DeletePolicy { policy_arn: resource.arn.to_string() });
    Ok(Planned { steps, undo: None, after: None })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::actions::tests::{Samples, after, needs, planned, resource};

    const ARN: &str = "arn:aws:iam::111122223333:policy/team/deploy";

    fn named(users: &[&str], groups: &[&str], roles: &[&str]) -> PolicyEntities {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        PolicyEntities { users: names(users), groups: names(groups), roles: names(roles) }
    }

    fn policy(entities: PolicyEntities) -> Resource<ManagedPolicy> {
        let config = ManagedPolicy {
            policy_name: "deploy".into(),
            default_version_id: Some("v2".into()),
            attachment_count: i32::try_from(count(&entities)).ok(),
            permissions_boundary_usage_count: Some(0),
            entities: Some(entities),
            versions: Some(["v1", "v2", "v10"].map(str::to_owned).into()),
            ..ManagedPolicy::default()
        };
        resource(ARN, ARN, config)
    }

    fn all() -> PolicyEntities {
        named(&["jane", "joe"], &["admins"], &["web"])
    }

    fn kill() -> Action {
        Action::Kill(Kill::default())
    }

    impl Samples for ManagedPolicy {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            vec![
                (Action::Disable, policy(all())),
                (Action::IamDetachPolicy(named(&["joe"], &[], &["web"])), policy(all())),
                (Action::IamAttachPolicy(named(&["jim", "jane"], &["b", "a"], &["x"])), policy(all())),
                (kill(), policy(all())),
                (kill(), policy(PolicyEntities::default())),
            ]
        }
    }

    fn names(action: &Action, resource: &Resource<ManagedPolicy>) -> Vec<String> {
        let calls = planned(action, resource).unwrap().calls();
        calls.into_iter().map(|call| call.operation.replace("iam:", "")).collect()
    }

    #[test]
    fn it_is_taken_from_all_who_have_it_and_given_back_to_them_alone() {
        let plan = planned(&Action::Disable, &policy(all())).unwrap();
        assert_eq!(
            names(&Action::Disable, &policy(all())),
            ["DetachUserPolicy", "DetachUserPolicy", "DetachGroupPolicy", "DetachRolePolicy"]
        );
        assert_eq!(plan.calls()[0].parameters, json!({"UserName": "jane", "PolicyArn": ARN}), "with the path");
        assert_eq!(plan.undo, Some(Action::IamAttachPolicy(all())));
        assert_eq!(after::<ManagedPolicy>(&plan).config.attachment_count, Some(0));
        assert!(planned(&Action::Disable, &policy(PolicyEntities::default())).unwrap().steps.is_empty());

        let some = Action::IamDetachPolicy(named(&["joe", "jim"], &["others"], &[]));
        assert_eq!(
            planned(&some, &policy(all())).unwrap().undo,
            Some(Action::IamAttachPolicy(named(&["joe"], &[], &[])))
        );
        let nobody = Action::IamDetachPolicy(PolicyEntities::default());
        assert!(planned(&nobody, &policy(all())).unwrap().steps.is_empty(), "empty means none");
    }

    #[test]
    fn all_attachments_and_all_other_versions_go_before_it() {
        assert_eq!(
            names(&kill(), &policy(named(&["jane"], &[], &["web"]))),
            ["DetachUserPolicy", "DetachRolePolicy", "DeletePolicyVersion", "DeletePolicyVersion", "DeletePolicy"]
        );
        let mut rest = policy(PolicyEntities::default());
        rest.config.versions = Some(vec!["v2".into()]);
        assert_eq!(names(&kill(), &rest), ["DeletePolicy"], "where another run was cut off before");
    }

    #[test]
    fn a_permissions_boundary_is_not_killed_and_stays_one_when_it_is_disabled() {
        let mut boundary = policy(named(&["jane"], &[], &[]));
        boundary.config.permissions_boundary_usage_count = Some(2);
        let refused = planned(&kill(), &boundary);
        assert!(matches!(&refused, Err(Refusal::Impossible(why)) if why.contains("boundary")), "{refused:?}");
        assert_eq!(names(&Action::Disable, &boundary), ["DetachUserPolicy"]);
    }

    #[test]
    fn what_is_aws_s_own_is_left_alone() {
        for partition in ["aws", "aws-cn"] {
            let arn = format!("arn:{partition}:iam::aws:policy/job-function/Billing");
            let managed = resource(&arn, &arn, policy(all()).config);
            let attach = Action::IamAttachPolicy(named(&["jim"], &[], &[]));
            for action in [Action::Disable, kill(), Action::IamDetachPolicy(all()), attach] {
                let refused = planned(&action, &managed);
                assert!(
                    matches!(&refused, Err(Refusal::Impossible(why)) if why.contains("AWS")),
                    "{action:?}: {refused:?}"
                );
            }
        }
    }

    #[test]
    fn what_could_not_be_read_is_not_changed() {
        for action in [Action::Disable, kill(), Action::IamDetachPolicy(all()), Action::IamAttachPolicy(all())] {
            assert!(needs(&action, policy(all()), "Entities"), "{action:?}");
        }
        assert!(needs(&kill(), policy(all()), "Versions"));
        let mut plain = policy(all());
        plain.config.entities = None;
        assert!(matches!(planned(&Action::Disable, &plain), Err(Refusal::Impossible(why)) if why.contains("closely")));
    }
}
