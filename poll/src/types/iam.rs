//! What the types of IAM share: users, groups, roles and policies.

use std::collections::BTreeMap;

use aws_sdk_iam::types::{AttachedPermissionsBoundary, AttachedPolicy as GivenPolicy, PolicyDetail, Tag};
use common::arn::Arn;
use common::aws::AwsError;
use common::operation::{IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS, Operation};
use common::record::Unread;
use common::resource::{AttachedPolicy, PermissionsBoundary, SLUICE_DENY_ALL};
use serde_json::Value;

use super::{Owner, document, or_absent, read, tags};

/// How IAM says that there is no such user, role, policy, ... or no such thing of theirs.
pub(super) const NO_SUCH: &str = "NoSuchEntity";

/// Whether IAM says that there is no such thing.
pub(super) fn is_gone(error: &AwsError) -> bool {
    error.code() == NO_SUCH
}

/// The ARN that a thing of this path and name has, where IAM does not tell it.
pub(super) fn arn(owner: &Owner, kind: &str, path: Option<&str>, name: &str) -> Arn {
    let path = path.unwrap_or("/");
    Arn::new(&owner.partition, "iam", "", owner.account.as_str(), format!("{kind}{path}{name}"))
}

pub(super) fn tag_map(given: Option<Vec<Tag>>) -> BTreeMap<String, String> {
    tags(given.unwrap_or_default().into_iter().map(|tag| (Some(tag.key), Some(tag.value))))
}

pub(super) fn attached(policy: GivenPolicy) -> AttachedPolicy {
    AttachedPolicy {
        policy_name: policy.policy_name.unwrap_or_default(),
        policy_arn: policy.policy_arn.unwrap_or_default(),
    }
}

pub(super) fn boundary(given: AttachedPermissionsBoundary) -> PermissionsBoundary {
    PermissionsBoundary {
        permissions_boundary_type: given.permissions_boundary_type.map(|it| it.as_str().to_owned()),
        permissions_boundary_arn: given.permissions_boundary_arn,
    }
}

/// The names of inline policies that a sweep tells, and what the one says that is Sluice's own.
pub(super) fn inline_policies(
    given: Option<Vec<PolicyDetail>>,
    unread: &mut Vec<Unread>,
) -> (Vec<String>, Option<Value>) {
    let given = given.unwrap_or_default();
    let own = given.iter().find(|it| it.policy_name() == Some(SLUICE_DENY_ALL)).and_then(|it| it.policy_document());
    let own = document::parse_encoded(own, SLUICE_DENY_ALL, IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS, unread);
    (given.into_iter().filter_map(|it| it.policy_name).collect(), own)
}

/// What the inline policy says that is Sluice's own, as `ask` tells it. Where there is none, nobody is asked.
pub(super) async fn deny_all(
    inline: &[String],
    operation: Operation,
    ask: impl Future<Output = Result<String, AwsError>>,
    unread: &mut Vec<Unread>,
) -> Option<Value> {
    if !inline.iter().any(|policy| policy == SLUICE_DENY_ALL) {
        return None;
    }
    let policy = read(or_absent(ask.await, NO_SUCH), &[SLUICE_DENY_ALL], unread).flatten();
    document::parse_encoded(policy.as_deref(), SLUICE_DENY_ALL, operation, unread)
}

/// The policies of a group or role that was looked at.
pub(super) struct Policies {
    pub(super) attached: Vec<AttachedPolicy>,
    pub(super) inline: Vec<String>,
    pub(super) unread: Vec<Unread>,
}

impl Policies {
    /// What the two lists tell, or nothing when whose they are vanished meanwhile. `inline_field` is what the record calls
    /// the inline ones.
    pub(super) fn of(
        attached: Result<Vec<AttachedPolicy>, AwsError>,
        inline: Result<Vec<String>, AwsError>,
        inline_field: &str,
    ) -> Option<Self> {
        if [attached.as_ref().err(), inline.as_ref().err()].into_iter().flatten().any(is_gone) {
            return None;
        }
        let mut unread = Vec::new();
        let attached = read(attached, &["AttachedManagedPolicies"], &mut unread).unwrap_or_default();
        let inline = read(inline, &[inline_field], &mut unread).unwrap_or_default();
        Some(Self { attached, inline, unread })
    }
}

#[cfg(test)]
mod tests {
    use common::operation::IAM_GET_ROLE_POLICY;
    use serde_json::json;

    use super::*;
    use crate::types::tests::denied;

    #[tokio::test]
    async fn nobody_is_asked_for_a_policy_that_is_not_there() {
        let own = || vec!["a".to_owned(), SLUICE_DENY_ALL.to_owned()];
        let gone = || AwsError::of(IAM_GET_ROLE_POLICY, NO_SUCH, "");
        let rows = [
            (own(), Ok("%7B%22Statement%22%3A%5B%5D%7D".to_owned()), Some(json!({"Statement": []})), None),
            (own(), Ok("%7B".to_owned()), None, Some("MalformedPolicy")),
            (own(), Err(gone()), None, None),
            (own(), Err(denied(IAM_GET_ROLE_POLICY)), None, Some("AccessDenied")),
            (vec!["a".to_owned()], Err(denied(IAM_GET_ROLE_POLICY)), None, None),
        ];
        for (inline, answer, expected, code) in rows {
            let mut unread = Vec::new();
            let said = format!("{inline:?} {answer:?}");
            let found = deny_all(&inline, IAM_GET_ROLE_POLICY, async { answer }, &mut unread).await;
            assert_eq!(found, expected, "{said}");
            let codes: Vec<&str> = unread.iter().map(|unread| unread.code.as_str()).collect();
            assert_eq!(codes, code.into_iter().collect::<Vec<_>>(), "{said}");
            assert!(unread.iter().all(|unread| unread.field == SLUICE_DENY_ALL), "{said}");
        }
    }
}
