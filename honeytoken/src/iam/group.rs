//! The group that is a guard: whoever is in it may do nothing.

use aws_sdk_iam::Client;
use common::aws::AwsError;
use common::operation::{
    IAM_CREATE_GROUP, IAM_GET_GROUP, IAM_GET_GROUP_POLICY, IAM_LIST_GROUP_POLICIES, IAM_PUT_GROUP_POLICY,
};
use common::percent::decoded;
use serde_json::Value;

use super::Iam;
use super::list::{is_gone, or_absent};
use super::make::{DENY_ALL, INLINE_GUARD};
use super::remove::another_round;

/// Sees to it that the group is there, and that one of its inline policies denies everything. A group that has members is not
/// given such a policy: somebody may be at work with what it allows.
///
/// # Errors
///
/// Nothing says that the group denies everything.
pub(super) async fn ensure(iam: &Iam, group: &str) -> Result<(), AwsError> {
    let create = |client: Client| {
        let call = client.create_group().group_name(group);
        async move { call.send().await.map(drop).map_err(|error| AwsError::new(IAM_CREATE_GROUP, error)) }
    };
    let put = |client: Client| {
        let call = client.put_group_policy().group_name(group).policy_name(INLINE_GUARD).policy_document(DENY_ALL);
        async move { call.send().await.map(drop).map_err(|error| AwsError::new(IAM_PUT_GROUP_POLICY, error)) }
    };
    let mut round = 0;
    loop {
        let change = match members(iam, group).await? {
            None => iam.change(create).await,
            Some(_) if denies_everything(iam, group).await? => return Ok(()),
            Some(0) => iam.change(put).await,
            Some(_) => {
                let message = format!(
                    "the group {group} has members and no inline policy that denies everything: name another one in [honeytoken] \
                     group, or give it such a policy"
                );
                return Err(AwsError::of(IAM_LIST_GROUP_POLICIES, "NotAGuard", message));
            }
        };
        match change {
            Ok(()) => {}
            // Somebody else was faster, or IAM does not know yet what it has done.
            Err(error) if error.outcome_unknown() || is_gone(&error) || error.code() == "EntityAlreadyExists" => {}
            Err(error) => return Err(error),
        }
        if !another_round(round).await {
            let message = format!("IAM does not say that the group {group} has the policy that it was given");
            return Err(AwsError::of(IAM_GET_GROUP_POLICY, "NotAGuard", message));
        }
        round += 1;
    }
}

/// How many members the group has, more than one page of which is as good as one; `None` without a group.
async fn members(iam: &Iam, group: &str) -> Result<Option<usize>, AwsError> {
    let look = |client: Client| {
        let call = client.get_group().group_name(group);
        async move { call.send().await.map_err(|error| AwsError::new(IAM_GET_GROUP, error)) }
    };
    Ok(or_absent(iam.look(look).await)?.map(|answer| answer.users().len()))
}

/// Whether one of the group's inline policies denies everything to everybody in it.
async fn denies_everything(iam: &Iam, group: &str) -> Result<bool, AwsError> {
    let list = |client: Client| {
        let call = client.list_group_policies().group_name(group);
        async move { call.send().await.map_err(|error| AwsError::new(IAM_LIST_GROUP_POLICIES, error)) }
    };
    // A group with more than a page of policies is none that was made for this.
    let Some(names) = or_absent(iam.look(list).await)? else { return Ok(false) };
    for name in names.policy_names() {
        let get = |client: Client| {
            let call = client.get_group_policy().group_name(group).policy_name(name);
            async move { call.send().await.map_err(|error| AwsError::new(IAM_GET_GROUP_POLICY, error)) }
        };
        let policy = or_absent(iam.look(get).await)?;
        if policy.is_some_and(|policy| is_deny_all(policy.policy_document())) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a policy, as IAM gives it, has a statement that denies everything whatever the circumstances.
pub(crate) fn is_deny_all(encoded: &str) -> bool {
    let Some(policy) = decoded(encoded).and_then(|text| serde_json::from_str::<Value>(&text).ok()) else {
        return false;
    };
    let is_all = |value: &Value| match value {
        Value::String(text) => text == "*",
        Value::Array(texts) => texts.iter().any(|text| text == "*"),
        _ => false,
    };
    let denies = |statement: &Value| {
        statement["Effect"] == "Deny"
            && is_all(&statement["Action"])
            && is_all(&statement["Resource"])
            && statement.get("Condition").is_none()
    };
    match &policy["Statement"] {
        Value::Array(statements) => statements.iter().any(denies),
        statement => denies(statement),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_always_denies_everything_is_a_guard() {
        let encode = |text: &str| text.bytes().fold(String::new(), |all, byte| all + &format!("%{byte:02X}"));
        for (policy, expected) in [
            (DENY_ALL, true),
            (r#"{"Statement":{"Effect":"Deny","Action":["s3:*","*"],"Resource":["*"]}}"#, true),
            (
                r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*"}]}"#,
                true,
            ),
            (r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#, false),
            (r#"{"Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}"#, false),
            (r#"{"Statement":[{"Effect":"Deny","NotAction":"iam:*","Resource":"*"}]}"#, false),
            (r#"{"Statement":[{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::b"}]}"#, false),
            (r#"{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{}}}]}"#, false),
            ("{}", false),
            ("no policy", false),
        ] {
            assert_eq!(is_deny_all(policy), expected, "{policy}");
            assert_eq!(is_deny_all(&encode(policy)), expected, "{policy}");
        }
        assert!(!is_deny_all("%7"));
        assert!(!is_deny_all("%+1"));
    }
}
