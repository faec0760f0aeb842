//! `iam_role`: for all roles at once one `GetAccountAuthorizationDetails` sweep, a call or so per hundred roles; for one
//! role `GetRole` and the lists of its policies. Both ways end in [`convert`].

use std::collections::BTreeMap;

use aws_sdk_iam::Client;
use aws_sdk_iam::types::{EntityType, Role as Got, RoleDetail, RoleLastUsed as GivenLastUsed};
use common::arn::Arn;
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{
    IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS, IAM_GET_ROLE, IAM_GET_ROLE_POLICY, IAM_LIST_ATTACHED_ROLE_POLICIES,
    IAM_LIST_INSTANCE_PROFILES_FOR_ROLE, IAM_LIST_ROLE_POLICIES, Operation,
};
use common::record::{Resource, Unread};
use common::resource::{AttachedPolicy, PermissionsBoundary, Role, RoleLastUsed, SLUICE_DENY_ALL};
use jiff::Timestamp;
use serde_json::Value;

use super::iam::{self, NO_SUCH, Policies, attached, boundary, inline_policies, tag_map};
use super::{Owner, Polled, document, or_absent, read_sorted, time};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::{Sink, TEST_TAG};

impl Polled for Role {
    const LIST: &'static [Operation] = &[IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS];
    const LOOK: &'static [Operation] =
        &[IAM_GET_ROLE, IAM_GET_ROLE_POLICY, IAM_LIST_ATTACHED_ROLE_POLICIES, IAM_LIST_ROLE_POLICIES];
    const CLOSER: &'static [Operation] = &[IAM_LIST_INSTANCE_PROFILES_FOR_ROLE];
    const SETTLES: bool = false;

    async fn list(account: &Account, _: &Reach, sink: &Sink) -> Result<(), AwsError> {
        let session = &account.session;
        let owner = Owner::of(session);
        let client = client!(aws_sdk_iam, session, session.home_region());
        let call = client.get_account_authorization_details().filter(EntityType::Role);
        let mut pages = call.into_paginator().page_size(1000).send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| AwsError::new(IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS, error))?;
            for role in page.role_detail_list.unwrap_or_default() {
                let mut unread = Vec::new();
                let facts = Facts::listed(role, &mut unread);
                if !sink.only_tests() || facts.tags.contains_key(TEST_TAG) {
                    sink.resource(convert(&owner, facts, IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS, unread)).await;
                }
            }
        }
        Ok(())
    }

    async fn look(session: &Session, _: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        let client = client!(aws_sdk_iam, session, session.home_region());
        let answer = client.get_role().role_name(id).send().await;
        let answer = answer.map_err(|error| AwsError::new(IAM_GET_ROLE, error));
        let Some(role) = or_absent(answer, NO_SUCH)?.and_then(|answer| answer.role) else { return Ok(None) };
        let (attached, inline) = tokio::join!(policies(&client, id), inline(&client, id));
        let mut looked = looked(&Owner::of(session), role, attached, inline);
        if let Some(role) = &mut looked {
            role.config.sluice_deny_all = deny_all(&client, &role.config, &mut role.unread).await;
        }
        Ok(looked)
    }

    async fn look_closely(session: &Session, _: &Region, found: &mut [&mut Resource<Self>]) {
        let client = client!(aws_sdk_iam, session, session.home_region());
        for role in found {
            let profiles = instance_profiles(&client, &role.config.role_name).await;
            role.config.instance_profiles = read_sorted(profiles, "InstanceProfiles", &mut role.unread);
        }
    }
}

async fn policies(client: &Client, name: &str) -> Result<Vec<AttachedPolicy>, AwsError> {
    let items = client.list_attached_role_policies().role_name(name).into_paginator().items().send();
    let policies: Vec<_> =
        items.try_collect().await.map_err(|error| AwsError::new(IAM_LIST_ATTACHED_ROLE_POLICIES, error))?;
    Ok(policies.into_iter().map(attached).collect())
}

async fn inline(client: &Client, name: &str) -> Result<Vec<String>, AwsError> {
    let items = client.list_role_policies().role_name(name).into_paginator().items().send();
    items.try_collect().await.map_err(|error| AwsError::new(IAM_LIST_ROLE_POLICIES, error))
}

async fn instance_profiles(client: &Client, name: &str) -> Result<Vec<String>, AwsError> {
    let items = client.list_instance_profiles_for_role().role_name(name).into_paginator().items().send();
    let profiles: Vec<_> =
        items.try_collect().await.map_err(|error| AwsError::new(IAM_LIST_INSTANCE_PROFILES_FOR_ROLE, error))?;
    Ok(profiles.into_iter().map(|profile| profile.instance_profile_name).collect())
}

async fn deny_all(client: &Client, role: &Role, unread: &mut Vec<Unread>) -> Option<Value> {
    let call = client.get_role_policy().role_name(&role.role_name).policy_name(SLUICE_DENY_ALL);
    let ask = async {
        let answer = call.send().await.map_err(|error| AwsError::new(IAM_GET_ROLE_POLICY, error));
        answer.map(|answer| answer.policy_document)
    };
    iam::deny_all(&role.role_policy_list, IAM_GET_ROLE_POLICY, ask, unread).await
}

/// The record of a role that was looked at, or nothing when it vanished meanwhile.
fn looked(
    owner: &Owner,
    role: Got,
    attached: Result<Vec<AttachedPolicy>, AwsError>,
    inline: Result<Vec<String>, AwsError>,
) -> Option<Resource<Role>> {
    let Policies { attached, inline, unread } = Policies::of(attached, inline, "RolePolicyList")?;
    Some(convert(owner, Facts::got(role, attached, inline), IAM_GET_ROLE, unread))
}

/// What IAM says of a role whichever way it is asked.
#[derive(Debug, Default)]
struct Facts {
    name: String,
    id: String,
    path: Option<String>,
    arn: Option<Arn>,
    created: Option<Timestamp>,
    /// As IAM gives it: URL-encoded.
    trust: Option<String>,
    last_used: RoleLastUsed,
    boundary: Option<PermissionsBoundary>,
    attached: Vec<AttachedPolicy>,
    inline: Vec<String>,
    deny_all: Option<Value>,
    tags: BTreeMap<String, String>,
}

impl Facts {
    fn listed(role: RoleDetail, unread: &mut Vec<Unread>) -> Self {
        let (inline, deny_all) = inline_policies(role.role_policy_list, unread);
        Self {
            name: role.role_name.unwrap_or_default(),
            id: role.role_id.unwrap_or_default(),
            path: role.path,
            arn: role.arn.and_then(|arn| arn.parse().ok()),
            created: role.create_date.as_ref().map(time),
            trust: role.assume_role_policy_document,
            last_used: last_used(role.role_last_used),
            boundary: role.permissions_boundary.map(boundary),
            attached: role.attached_managed_policies.unwrap_or_default().into_iter().map(attached).collect(),
            inline,
            deny_all,
            tags: tag_map(role.tags),
        }
    }

    fn got(role: Got, attached: Vec<AttachedPolicy>, inline: Vec<String>) -> Self {
        Self {
            name: role.role_name,
            id: role.role_id,
            path: Some(role.path),
            arn: role.arn.parse().ok(),
            created: Some(time(&role.create_date)),
            trust: role.assume_role_policy_document,
            last_used: last_used(role.role_last_used),
            boundary: role.permissions_boundary.map(boundary),
            attached,
            inline,
            deny_all: None,
            tags: tag_map(role.tags),
        }
    }
}

fn last_used(given: Option<GivenLastUsed>) -> RoleLastUsed {
    given.map_or_else(RoleLastUsed::default, |it| RoleLastUsed {
        last_used_date: it.last_used_date.as_ref().map(time),
        region: it.region,
    })
}

/// The record, the same for the sweep and for a look: lists are sorted, the trust policy is decoded.
fn convert(owner: &Owner, facts: Facts, operation: Operation, mut unread: Vec<Unread>) -> Resource<Role> {
    let Facts { name, id, path, arn, created, trust, last_used, boundary, mut attached, mut inline, deny_all, tags } =
        facts;
    attached.sort_unstable();
    inline.sort_unstable();
    let arn = arn.unwrap_or_else(|| iam::arn(owner, "role", path.as_deref(), &name));
    let config = Role {
        role_name: name.clone(),
        role_id: id,
        path,
        create_date: created,
        assume_role_policy_document: document::parse_encoded(
            trust.as_deref(),
            "AssumeRolePolicyDocument",
            operation,
            &mut unread,
        ),
        role_last_used: last_used,
        permissions_boundary: boundary,
        attached_managed_policies: attached,
        role_policy_list: inline,
        sluice_deny_all: deny_all,
        instance_profiles: None,
    };
    let mut role = owner.resource(&Region::global(), &name, arn, tags, config);
    role.unread = unread;
    role
}

#[cfg(test)]
mod tests {
    use aws_sdk_iam::primitives::DateTime;
    use aws_sdk_iam::types::{
        AttachedPermissionsBoundary, AttachedPolicy as GivenPolicy, PermissionsBoundaryAttachmentType as BoundaryType,
        PolicyDetail, Tag,
    };
    use serde_json::json;

    use super::*;
    use crate::types::tests::{denied, owner};

    const TRUST: &str = "%7B%22Statement%22%3A%5B%5D%7D";

    fn listed() -> RoleDetail {
        let policy = |name: &str| GivenPolicy::builder().policy_name(name).policy_arn(format!("arn:{name}")).build();
        let inline = |name: &str| PolicyDetail::builder().policy_name(name).policy_document("%7B%7D").build();
        RoleDetail::builder()
            .path("/team/")
            .role_name("deploy")
            .role_id("AROA1")
            .arn("arn:aws-cn:iam::111122223333:role/team/deploy")
            .create_date(DateTime::from_secs_and_nanos(1_700_000_000, 5))
            .assume_role_policy_document(TRUST)
            .role_policy_list(inline("z"))
            .role_policy_list(inline("a"))
            .attached_managed_policies(policy("Write"))
            .attached_managed_policies(policy("Read"))
            .permissions_boundary(
                AttachedPermissionsBoundary::builder()
                    .permissions_boundary_type(BoundaryType::Policy)
                    .permissions_boundary_arn("arn:bound")
                    .build(),
            )
            .role_last_used(
                GivenLastUsed::builder().last_used_date(DateTime::from_secs(1_700_000_060)).region("eu-west-1").build(),
            )
            .tags(Tag::builder().key("Owner").value("web").build().unwrap())
            .build()
    }

    fn got() -> Got {
        Got::builder()
            .path("/team/")
            .role_name("deploy")
            .role_id("AROA1")
            .arn("arn:aws-cn:iam::111122223333:role/team/deploy")
            .create_date(DateTime::from_secs(1_700_000_000))
            .assume_role_policy_document(TRUST)
            .set_permissions_boundary(listed().permissions_boundary)
            .set_role_last_used(listed().role_last_used)
            .set_tags(listed().tags)
            .build()
            .unwrap()
    }

    fn policy(name: &str) -> AttachedPolicy {
        AttachedPolicy { policy_name: name.to_owned(), policy_arn: format!("arn:{name}") }
    }

    #[test]
    fn both_ways_of_asking_end_in_the_same_record() {
        let operation = IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS;
        let swept = convert(&owner(), Facts::listed(listed(), &mut Vec::new()), operation, Vec::new());
        let attached = Ok(vec![policy("Read"), policy("Write")]);
        let asked = looked(&owner(), got(), attached, Ok(vec!["a".to_owned(), "z".to_owned()])).unwrap();
        assert_eq!(swept.config, asked.config);
        assert_eq!((&swept.arn, &swept.tags, &swept.id), (&asked.arn, &asked.tags, &asked.id));
        assert!(swept.region.is_global());
        assert_eq!(
            serde_json::to_value(&swept.config).unwrap(),
            json!({
                "RoleName": "deploy", "RoleId": "AROA1", "Path": "/team/", "CreateDate": "2023-11-14T22:13:20Z",
                "AssumeRolePolicyDocument": {"Statement": []},
                "RoleLastUsed": {"LastUsedDate": "2023-11-14T22:14:20Z", "Region": "eu-west-1"},
                "PermissionsBoundary": {"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": "arn:bound"},
                "AttachedManagedPolicies": [
                    {"PolicyName": "Read", "PolicyArn": "arn:Read"}, {"PolicyName": "Write", "PolicyArn": "arn:Write"},
                ],
                "RolePolicyList": ["a", "z"],
            })
        );
    }

    #[test]
    fn what_is_denied_or_garbled_is_unread_and_a_role_that_vanished_is_gone() {
        let record = looked(&owner(), got(), Err(denied("iam:ListAttachedRolePolicies")), Ok(Vec::new())).unwrap();
        assert_eq!(record.unread[0].field, "AttachedManagedPolicies");
        let record = looked(&owner(), got(), Ok(Vec::new()), Err(denied("iam:ListRolePolicies"))).unwrap();
        assert_eq!(record.unread[0].field, "RolePolicyList");
        let config = serde_json::to_value(Role::default()).unwrap();
        for field in ["AttachedManagedPolicies", "RolePolicyList", "AssumeRolePolicyDocument"] {
            assert!(config.get(field).is_some(), "{field}");
        }

        let garbled = Facts { name: "r".to_owned(), trust: Some("%7B".to_owned()), ..Facts::default() };
        let record = convert(&owner(), garbled, IAM_GET_ROLE, Vec::new());
        assert_eq!(record.arn.to_string(), "arn:aws-cn:iam::111122223333:role/r");
        let unread = record.unread("AssumeRolePolicyDocument").unwrap();
        assert_eq!((unread.code.as_str(), unread.operation.as_str()), ("MalformedPolicy", "iam:GetRole"));

        let gone = || AwsError::of(IAM_LIST_ROLE_POLICIES, NO_SUCH, "");
        assert!(looked(&owner(), got(), Ok(Vec::new()), Err(gone())).is_none());
        assert!(looked(&owner(), got(), Err(gone()), Ok(Vec::new())).is_none());
    }
}
