//! What is done to keys: the statements that let the wrong ones in go out of the key policy.

use common::action::{Action, Change};
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::KmsKey;
use serde::Serialize;
use serde_json::Value;

use super::call::sent;
use super::change::{pending, rebased};
use super::policy::{self, text};
use super::refusal::{foreign, needs};
use super::{ApiCall, Mended, Planned, Refusal};

/// The only policy that a key has.
const POLICY: &str = "default";

/// The call on a key.
///
/// KMS itself refuses a policy by which the caller could no longer change the policy; that check stays on:
/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html>.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutKeyPolicy {
    key_id: String,
    policy_name: &'static str,
    policy: Value,
}

type KeyPlan = Result<Planned<KmsKey, PutKeyPolicy>, Refusal>;

impl Mended for KmsKey {
    type Step = PutKeyPolicy;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("kms_remove_policy_statements", &[operation::KMS_PUT_KEY_POLICY]),
        ("kms_set_policy", &[operation::KMS_PUT_KEY_POLICY]),
    ];

    fn plan(action: &Action, resource: &Resource<Self>) -> KeyPlan {
        match action {
            Action::KmsRemovePolicyStatements(unwanted) => {
                let from = key_policy(resource)?.clone();
                let to = policy::without(&from, &unwanted.statements).filter(lets_somebody_in).ok_or_else(|| {
                    let why = "without these statements nobody could use or manage the key, and nobody could change that; \
                               first add a statement for its account to the key policy";
                    Refusal::Impossible(why.to_owned())
                })?;
                set_policy(resource, &Change { from, to })
            }
            Action::KmsSetPolicy(change) => set_policy(resource, change),
            other => Err(foreign(other, resource)),
        }
    }

    fn rebase(undo: Action, predicted: &Self, observed: &Self) -> Action {
        match (undo, &predicted.policy, &observed.policy) {
            (Action::KmsSetPolicy(change), Some(sent), Some(seen)) => {
                Action::KmsSetPolicy(rebased(change, sent, seen.clone()))
            }
            (other, _, _) => other,
        }
    }
}

fn key_policy(resource: &Resource<KmsKey>) -> Result<&Value, Refusal> {
    needs(resource, &["Policy"])?;
    let none = || Refusal::Impossible("its record has no key policy, which every key has".to_owned());
    resource.config.policy.as_ref().ok_or_else(none)
}

/// Whether any statement allows anything.
fn lets_somebody_in(policy: &Value) -> bool {
    policy::statements(policy).iter().any(|statement| statement["Effect"] == "Allow")
}

fn set_policy(resource: &Resource<KmsKey>, change: &Change<Value>) -> KeyPlan {
    if !pending(change, key_policy(resource)?, "the key policy")? {
        return Ok(Planned::nothing(resource));
    }
    if resource.config.key_manager.as_deref() == Some("AWS") {
        return Err(Refusal::Impossible("the key is one of AWS's own, whose policy nobody can change".to_owned()));
    }
    let step = PutKeyPolicy { key_id: resource.config.key_id.clone(), policy_name: POLICY, policy: change.to.clone() };
    let after = KmsKey { policy: Some(change.to.clone()), ..resource.config.clone() };
    let undo = Action::KmsSetPolicy(Change { from: change.to.clone(), to: change.from.clone() });
    Ok(Planned::one(step, Some(undo), after))
}

impl ApiCall for PutKeyPolicy {
    fn operation(&self) -> Operation {
        operation::KMS_PUT_KEY_POLICY
    }

    async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let put = common::client!(aws_sdk_kms, session, region).put_key_policy().key_id(&self.key_id);
        sent(self.operation(), put.policy_name(self.policy_name).policy(text(&self.policy)).send().await)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::actions::tests::{Samples, needs, only, planned, resource, statement, the_call};

    fn key(statements: &Value) -> Resource<KmsKey> {
        let config = KmsKey {
            key_id: "1234abcd".into(),
            key_manager: Some("CUSTOMER".into()),
            policy: Some(json!({"Version": "2012-10-17", "Id": "key-1", "Statement": statements})),
            ..KmsKey::default()
        };
        resource("1234abcd", "arn:aws:kms:eu-west-1:111122223333:key/1234abcd", config)
    }

    fn two() -> Resource<KmsKey> {
        key(&json!([statement("own"), statement("open")]))
    }

    fn remove_open() -> Action {
        Action::KmsRemovePolicyStatements(only("open"))
    }

    impl Samples for KmsKey {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            vec![(remove_open(), two())]
        }
    }

    #[test]
    fn the_other_statements_stay() {
        let (operation, parameters) = the_call(&remove_open(), &two());
        assert_eq!(operation, "kms:PutKeyPolicy");
        let left = json!({"Version": "2012-10-17", "Id": "key-1", "Statement": [statement("own")]});
        assert_eq!(parameters, json!({"KeyId": "1234abcd", "PolicyName": "default", "Policy": left}));
    }

    #[test]
    fn nobody_is_locked_out_of_a_key() {
        let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"});
        for statements in [json!([statement("open")]), statement("open"), json!([deny, statement("open")])] {
            let refused = planned(&remove_open(), &key(&statements)).unwrap_err();
            assert!(matches!(&refused, Refusal::Impossible(why) if why.contains("first add")), "{refused}");
        }
    }

    #[test]
    fn the_keys_of_aws_are_left_alone() {
        let mut managed = two();
        managed.config.key_manager = Some("AWS".into());
        assert!(matches!(planned(&remove_open(), &managed), Err(Refusal::Impossible(_))));
    }

    #[test]
    fn what_changed_meanwhile_or_could_not_be_read_is_not_changed() {
        let undo = Action::KmsSetPolicy(Change { from: json!({"Statement": []}), to: json!({}) });
        assert!(matches!(planned(&undo, &two()), Err(Refusal::Changed(_))));
        assert!(needs(&remove_open(), two(), "Policy"));
        let mut odd = two();
        odd.config.policy = None;
        assert!(matches!(planned(&remove_open(), &odd), Err(Refusal::Impossible(_))));
    }
}
