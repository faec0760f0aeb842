//! What is done to roles: the statements that let the wrong ones in go out of the trust policy.

use common::action::{Action, Change};
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::Role;
use serde::Serialize;
use serde_json::{Value, json};

use super::call::sent;
use super::change::{pending, rebased};
use super::policy::{self, text};
use super::refusal::{foreign, needs};
use super::{ApiCall, Mended, Planned, Refusal};

/// The call on a role.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateAssumeRolePolicy {
    role_name: String,
    policy_document: Value,
}

/// The roles that nobody but a service can change, by their paths:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html> and
/// <https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html>.
const PROTECTED: [(&str, &str); 2] = [
    ("/aws-service-role/", "it is linked to an AWS service, which alone can change it"),
    ("/aws-reserved/", "it belongs to IAM Identity Center, which alone can change it"),
];

type RolePlan = Result<Planned<Role, UpdateAssumeRolePolicy>, Refusal>;

impl Mended for Role {
    type Step = UpdateAssumeRolePolicy;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("iam_remove_trust_statements", &[operation::IAM_UPDATE_ASSUME_ROLE_POLICY]),
        ("iam_set_trust_policy", &[operation::IAM_UPDATE_ASSUME_ROLE_POLICY]),
    ];

    fn plan(action: &Action, resource: &Resource<Self>) -> RolePlan {
        match action {
            Action::IamRemoveTrustStatements(unwanted) => {
                let from = trust_policy(resource)?.clone();
                let to = policy::without(&from, &unwanted.statements).unwrap_or_else(|| closed(&from));
                set_policy(resource, &Change { from, to })
            }
            Action::IamSetTrustPolicy(change) => set_policy(resource, change),
            other => Err(foreign(other, resource)),
        }
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
    let path = resource.config.path.as_deref().unwrap_or_default();
    if let Some((_, why)) = PROTECTED.iter().find(|(protected, _)| path.starts_with(protected)) {
        return Err(Refusal::Impossible(format!("{why}; change it there")));
    }
    let step =
        UpdateAssumeRolePolicy { role_name: resource.config.role_name.clone(), policy_document: change.to.clone() };
    let after = Role { assume_role_policy_document: Some(change.to.clone()), ..resource.config.clone() };
    let undo = Action::IamSetTrustPolicy(Change { from: change.to.clone(), to: change.from.clone() });
    Ok(Planned::one(step, Some(undo), after))
}

impl ApiCall for UpdateAssumeRolePolicy {
    fn operation(&self) -> Operation {
        operation::IAM_UPDATE_ASSUME_ROLE_POLICY
    }

    async fn send(&self, session: &Session, _: &Region) -> Result<Option<String>, AwsError> {
        let client = common::client!(aws_sdk_iam, session, session.home_region());
        let update = client.update_assume_role_policy().role_name(&self.role_name);
        sent(self.operation(), update.policy_document(text(&self.policy_document)).send().await)
    }
}

#[cfg(test)]
mod tests {
    use common::action::Statements;

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
            vec![(remove_open(), open_and_own()), (remove_open(), role("/", &trust("*")))]
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
            let refused = planned(&remove_open(), &role(path, &json!([trust("*")]))).unwrap_err();
            assert!(matches!(&refused, Refusal::Impossible(why) if why.contains("alone can change it")), "{refused}");
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
        let mut odd = open_and_own();
        odd.config.assume_role_policy_document = None;
        assert!(matches!(planned(&remove_open(), &odd), Err(Refusal::Impossible(_))));
    }
}
