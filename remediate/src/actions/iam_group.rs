//! What is done to groups: their users are taken out and put back.

use common::action::{Action, GroupUsers, Kill};
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::Group;
use common::settings::Remediate;

use super::iam::{iam_calls, told};
use super::refusal::{foreign, needs};
use super::{Mended, Planned, Refusal, Turn};

iam_calls! {
    RemoveUserFromGroup = IAM_REMOVE_USER_FROM_GROUP, remove_user_from_group { group_name: String, user_name: String }
    AddUserToGroup = IAM_ADD_USER_TO_GROUP, add_user_to_group { group_name: String, user_name: String }
    DetachGroupPolicy = IAM_DETACH_GROUP_POLICY, detach_group_policy { group_name: String, policy_arn: String }
    DeleteGroupPolicy = IAM_DELETE_GROUP_POLICY, delete_group_policy { group_name: String, policy_name: String }
    DeleteGroup = IAM_DELETE_GROUP, delete_group { group_name: String }
}

type GroupPlan = Result<Planned<Group, Step>, Refusal>;

impl Mended for Group {
    type Step = Step;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("disable", &[operation::IAM_REMOVE_USER_FROM_GROUP]),
        (
            "kill",
            &[
                operation::IAM_REMOVE_USER_FROM_GROUP,
                operation::IAM_DETACH_GROUP_POLICY,
                operation::IAM_DELETE_GROUP_POLICY,
                operation::IAM_DELETE_GROUP,
            ],
        ),
        ("iam_remove_users", &[operation::IAM_REMOVE_USER_FROM_GROUP]),
        ("iam_add_users", &[operation::IAM_ADD_USER_TO_GROUP]),
    ];

    const CLOSELY: &'static [&'static str] = &["disable", "kill", "iam_remove_users", "iam_add_users"];

    fn plan(action: &Action, resource: &Resource<Self>) -> GroupPlan {
        match action {
            Action::IamRemoveUsers(unwanted) => remove_users(resource, unwanted),
            Action::IamAddUsers(wanted) => add_users(resource, wanted),
            other => Err(foreign(other, resource)),
        }
    }

    /// Its policies stay as they are: without users they allow nobody anything.
    fn disable(resource: &Resource<Self>, _: &Remediate) -> Result<Vec<Action>, Refusal> {
        let users = users(resource)?.clone();
        Ok(vec![Action::IamRemoveUsers(GroupUsers { users })])
    }

    /// See <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteGroup.html>.
    fn kill(resource: &Resource<Self>, _: Kill, _: &Remediate) -> GroupPlan {
        needs(resource, &["AttachedManagedPolicies", "GroupPolicyList"])?;
        let config = &resource.config;
        let group_name = config.group_name.clone();
        let mut steps: Vec<Step> = users(resource)?.iter().map(|user| remove(&group_name, user)).collect();
        for policy in &config.attached_managed_policies {
            let (group_name, policy_arn) = (group_name.clone(), policy.policy_arn.clone());
            steps.push(Step::DetachGroupPolicy { group_name, policy_arn });
        }
        for policy_name in &config.group_policy_list {
            let (group_name, policy_name) = (group_name.clone(), policy_name.clone());
            steps.push(Step::DeleteGroupPolicy { group_name, policy_name });
        }
        steps.push(Step::DeleteGroup { group_name });
        Ok(Planned { steps, undo: None, after: None })
    }

    fn rebase(undo: Action, _: &Self, _: &Self) -> Action {
        undo
    }

    /// Users that are to go as well leave it by themselves, and do not find it gone.
    fn turn(action: &Action) -> Turn {
        if matches!(action, Action::Kill(_)) { Turn::Last } else { Turn::Usual }
    }
}

fn users(resource: &Resource<Group>) -> Result<&Vec<String>, Refusal> {
    told(resource, resource.config.users.as_ref(), "Users")
}

fn remove(group: &str, user: &str) -> Step {
    Step::RemoveUserFromGroup { group_name: group.to_owned(), user_name: user.to_owned() }
}

/// Of those users the ones that are in the group. What undoes it brings back these and no others.
fn remove_users(resource: &Resource<Group>, unwanted: &GroupUsers) -> GroupPlan {
    let (gone, kept): (Vec<String>, Vec<String>) =
        users(resource)?.iter().cloned().partition(|user| unwanted.users.contains(user));
    if gone.is_empty() {
        return Ok(Planned::nothing(resource));
    }
    let steps = gone.iter().map(|user| remove(&resource.config.group_name, user)).collect();
    let after = Group { users: Some(kept), ..resource.config.clone() };
    Ok(Planned { steps, undo: Some(Action::IamAddUsers(GroupUsers { users: gone })), after: Some(after) })
}

/// Of those users the ones that are not in the group.
fn add_users(resource: &Resource<Group>, wanted: &GroupUsers) -> GroupPlan {
    let present = users(resource)?;
    let mut new: Vec<String> = wanted.users.iter().filter(|user| !present.contains(user)).cloned().collect();
    new.sort_unstable();
    new.dedup();
    if new.is_empty() {
        return Ok(Planned::nothing(resource));
    }
    let add = |user: &String| Step::AddUserToGroup {
        group_name: resource.config.group_name.clone(),
        user_name: user.clone(),
    };
    let steps = new.iter().map(add).collect();
    let mut all = [present.as_slice(), &new].concat();
    all.sort_unstable();
    let after = Group { users: Some(all), ..resource.config.clone() };
    Ok(Planned { steps, undo: Some(Action::IamRemoveUsers(GroupUsers { users: new })), after: Some(after) })
}

#[cfg(test)]
mod tests {
    use common::resource::AttachedPolicy;
    use serde_json::{Value, json};

    use super::*;
    use crate::actions::tests::{Samples, needs, planned, resource};

    fn group(users: &[&str]) -> Resource<Group> {
        let config = Group {
            group_name: "admins".into(),
            path: Some("/team/".into()),
            attached_managed_policies: vec![AttachedPolicy {
                policy_name: "Read".into(),
                policy_arn: "arn:Read".into(),
            }],
            group_policy_list: vec!["deploy".into()],
            users: Some(named(users).users),
            ..Group::default()
        };
        resource("admins", "arn:aws:iam::111122223333:group/team/admins", config)
    }

    fn named(users: &[&str]) -> GroupUsers {
        GroupUsers { users: users.iter().map(|&user| user.to_owned()).collect() }
    }

    fn kill() -> Action {
        Action::Kill(Kill::default())
    }

    impl Samples for Group {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            vec![
                (Action::Disable, group(&["jane", "joe"])),
                (Action::IamRemoveUsers(named(&["jane"])), group(&["jane", "joe"])),
                (Action::IamAddUsers(named(&["jim", "ann"])), group(&["jane"])),
                (kill(), group(&["jane"])),
                (kill(), group(&[])),
            ]
        }
    }

    fn calls(action: &Action, resource: &Resource<Group>) -> Vec<(String, Value)> {
        let calls = planned(action, resource).unwrap().calls();
        calls.into_iter().map(|call| (call.operation.replace("iam:", ""), call.parameters)).collect()
    }

    #[test]
    fn an_undo_brings_back_those_who_were_in_it_and_no_others() {
        let plan = planned(&Action::IamRemoveUsers(named(&["joe", "jim"])), &group(&["jane", "joe"])).unwrap();
        let parameters = json!({"GroupName": "admins", "UserName": "joe"});
        let call = &plan.calls()[0];
        assert_eq!((plan.steps.len(), call.operation.as_str()), (1, "iam:RemoveUserFromGroup"));
        assert_eq!(call.parameters, parameters, "without the path");
        assert_eq!(plan.undo, Some(Action::IamAddUsers(named(&["joe"]))));
        assert!(planned(&Action::IamAddUsers(named(&["joe"])), &group(&["joe"])).unwrap().steps.is_empty());
        assert!(planned(&Action::Disable, &group(&[])).unwrap().steps.is_empty());
    }

    #[test]
    fn all_that_a_group_has_goes_before_it() {
        let all = calls(&kill(), &group(&["jane", "joe"]));
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            ["RemoveUserFromGroup", "RemoveUserFromGroup", "DetachGroupPolicy", "DeleteGroupPolicy", "DeleteGroup"]
        );
        let mut rest = group(&[]);
        rest.config.attached_managed_policies = Vec::new();
        assert_eq!(calls(&kill(), &rest).len(), 2, "where another run was cut off before");
    }

    #[test]
    fn what_could_not_be_read_is_not_changed() {
        for action in Group::CLOSELY {
            let action = serde_json::from_value(json!({"name": action, "Users": ["jane"]}));
            let action = action.ok().filter(|action: &Action| action.name().is_some()).unwrap_or(Action::Disable);
            assert!(needs(&action, group(&["jane"]), "Users"), "{action:?}");
        }
        for field in ["AttachedManagedPolicies", "GroupPolicyList", "Users"] {
            assert!(needs(&kill(), group(&["jane"]), field), "{field}");
        }
        let mut plain = group(&[]);
        plain.config.users = None;
        assert!(matches!(planned(&Action::Disable, &plain), Err(Refusal::Impossible(why)) if why.contains("closely")));
    }
}
