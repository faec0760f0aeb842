//! `iam_policy`: the account's own managed policies. For all at once one `GetAccountAuthorizationDetails` sweep, which tells
//! the documents, and a `ListPolicyTags` for each policy, since it does not tell the tags; for one policy `GetPolicy` and
//! `GetPolicyVersion`. Both ways end in [`convert`].

use std::collections::BTreeMap;

use aws_sdk_iam::Client;
use aws_sdk_iam::types::{EntityType, ManagedPolicyDetail, Policy, PolicyScopeType, PolicyUsageType};
use common::action::PolicyEntities;
use common::arn::Arn;
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{
    IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS, IAM_GET_POLICY, IAM_GET_POLICY_VERSION, IAM_LIST_ENTITIES_FOR_POLICY,
    IAM_LIST_POLICIES, IAM_LIST_POLICY_TAGS, IAM_LIST_POLICY_VERSIONS, Operation,
};
use common::record::{Resource, Unread};
use common::resource::ManagedPolicy;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use super::iam::{NO_SUCH, arn, is_gone, tag_map};
use super::{AT_ONCE, Owner, Polled, document, or_absent, read, time};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::{Sink, TEST_PREFIX};

impl Polled for ManagedPolicy {
    const LIST: &'static [Operation] = &[IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS, IAM_LIST_POLICY_TAGS];
    /// The list is for a policy that is known by its name alone.
    const LOOK: &'static [Operation] = &[IAM_GET_POLICY, IAM_GET_POLICY_VERSION, IAM_LIST_POLICIES];
    const CLOSER: &'static [Operation] = &[IAM_LIST_ENTITIES_FOR_POLICY, IAM_LIST_POLICY_VERSIONS];
    const SETTLES: bool = false;

    async fn list(account: &Account, _: &Reach, sink: &Sink) -> Result<(), AwsError> {
        let session = &account.session;
        let owner = Owner::of(session);
        let client = client!(aws_sdk_iam, session, session.home_region());
        let call = client.get_account_authorization_details().filter(EntityType::LocalManagedPolicy);
        let mut pages = call.into_paginator().page_size(1000).send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| AwsError::new(IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS, error))?;
            let wanted = page.policies.unwrap_or_default().into_iter().map(Facts::listed);
            let wanted = wanted.filter(|policy| !sink.only_tests() || policy.name.starts_with(TEST_PREFIX));
            let mut described =
                stream::iter(wanted).map(|policy| describe(&client, &owner, policy)).buffer_unordered(AT_ONCE);
            while let Some(policy) = described.next().await {
                if let Some(policy) = policy {
                    sink.resource(policy).await;
                }
            }
        }
        Ok(())
    }

    async fn look(session: &Session, _: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        let client = client!(aws_sdk_iam, session, session.home_region());
        let Some(arn) = arn_of(&client, id).await? else { return Ok(None) };
        let answer = client.get_policy().policy_arn(&arn).send().await;
        let answer = answer.map_err(|error| AwsError::new(IAM_GET_POLICY, error));
        let Some(policy) = or_absent(answer, NO_SUCH)?.and_then(|answer| answer.policy) else { return Ok(None) };
        let version = policy.default_version_id.clone().unwrap_or_default();
        let answer = client.get_policy_version().policy_arn(&arn).version_id(version).send().await;
        let document = match answer.map_err(|error| AwsError::new(IAM_GET_POLICY_VERSION, error)) {
            Err(error) if is_gone(&error) => return Ok(None),
            answer => answer.map(|answer| answer.policy_version.and_then(|version| version.document)),
        };
        Ok(Some(looked(&Owner::of(session), policy, document)))
    }

    async fn look_closely(session: &Session, _: &Region, found: &mut [&mut Resource<Self>]) {
        let client = client!(aws_sdk_iam, session, session.home_region());
        for policy in found {
            let arn = policy.arn.to_string();
            let (entities, versions) = tokio::join!(entities(&client, &arn), versions(&client, &arn));
            policy.config.entities = read(entities, &["Entities"], &mut policy.unread);
            policy.config.versions = read(versions, &["Versions"], &mut policy.unread);
        }
    }
}

/// The ARN of the policy that is meant: with a name, the account's own policy of this name, whatever its path.
async fn arn_of(client: &Client, id: &str) -> Result<Option<String>, AwsError> {
    if id.starts_with("arn:") {
        return Ok(Some(id.to_owned()));
    }
    let mut pages =
        client.list_policies().scope(PolicyScopeType::Local).into_paginator().page_size(1000).items().send();
    while let Some(policy) = pages.next().await {
        let policy = policy.map_err(|error| AwsError::new(IAM_LIST_POLICIES, error))?;
        if policy.policy_name.as_deref() == Some(id) {
            return Ok(policy.arn);
        }
    }
    Ok(None)
}

/// A policy's record with its tags; nothing for one that vanished since being listed.
async fn describe(client: &Client, owner: &Owner, facts: Facts) -> Option<Resource<ManagedPolicy>> {
    let arn = facts.arn.as_ref().map(ToString::to_string);
    let items = client.list_policy_tags().set_policy_arn(arn).into_paginator().items().send();
    let given = items.try_collect().await.map_err(|error| AwsError::new(IAM_LIST_POLICY_TAGS, error));
    if given.as_ref().is_err_and(is_gone) {
        return None;
    }
    let mut unread = Vec::new();
    let tags = tag_map(read(given, &["Tags"], &mut unread));
    Some(convert(owner, Facts { tags, ..facts }, IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS, unread))
}

/// Who has the policy attached: not those whom it merely bounds.
async fn entities(client: &Client, arn: &str) -> Result<PolicyEntities, AwsError> {
    let call = client.list_entities_for_policy().policy_arn(arn);
    let call = call.policy_usage_filter(PolicyUsageType::PermissionsPolicy);
    let mut entities = PolicyEntities::default();
    let mut pages = call.into_paginator().page_size(1000).send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::new(IAM_LIST_ENTITIES_FOR_POLICY, error))?;
        entities.users.extend(page.policy_users.unwrap_or_default().into_iter().filter_map(|it| it.user_name));
        entities.groups.extend(page.policy_groups.unwrap_or_default().into_iter().filter_map(|it| it.group_name));
        entities.roles.extend(page.policy_roles.unwrap_or_default().into_iter().filter_map(|it| it.role_name));
    }
    entities.users.sort_unstable();
    entities.groups.sort_unstable();
    entities.roles.sort_unstable();
    Ok(entities)
}

/// The ids of the versions, oldest first: `v9` comes before `v10`.
async fn versions(client: &Client, arn: &str) -> Result<Vec<String>, AwsError> {
    let items = client.list_policy_versions().policy_arn(arn).into_paginator().items().send();
    let versions: Vec<_> = items.try_collect().await.map_err(|error| AwsError::new(IAM_LIST_POLICY_VERSIONS, error))?;
    let mut ids: Vec<String> = versions.into_iter().filter_map(|version| version.version_id).collect();
    ids.sort_by(|one, other| (one.len(), one).cmp(&(other.len(), other)));
    Ok(ids)
}

/// The record of a policy that was looked at.
fn looked(owner: &Owner, policy: Policy, document: Result<Option<String>, AwsError>) -> Resource<ManagedPolicy> {
    let mut unread = Vec::new();
    let document = read(document, &["PolicyDocument"], &mut unread).flatten();
    convert(owner, Facts::got(policy, document), IAM_GET_POLICY_VERSION, unread)
}

/// What IAM says of a policy whichever way it is asked.
#[derive(Debug, Default)]
struct Facts {
    name: String,
    id: String,
    path: Option<String>,
    arn: Option<Arn>,
    created: Option<Timestamp>,
    updated: Option<Timestamp>,
    version: Option<String>,
    /// As IAM gives it: URL-encoded.
    document: Option<String>,
    attachments: Option<i32>,
    boundaries: Option<i32>,
    tags: BTreeMap<String, String>,
}

impl Facts {
    fn listed(policy: ManagedPolicyDetail) -> Self {
        let version = policy.policy_version_list.unwrap_or_default().into_iter().find(|it| it.is_default_version);
        Self {
            name: policy.policy_name.unwrap_or_default(),
            id: policy.policy_id.unwrap_or_default(),
            path: policy.path,
            arn: policy.arn.and_then(|arn| arn.parse().ok()),
            created: policy.create_date.as_ref().map(time),
            updated: policy.update_date.as_ref().map(time),
            version: policy.default_version_id,
            document: version.and_then(|version| version.document),
            attachments: policy.attachment_count,
            boundaries: policy.permissions_boundary_usage_count,
            tags: BTreeMap::new(),
        }
    }

    fn got(policy: Policy, document: Option<String>) -> Self {
        Self {
            name: policy.policy_name.unwrap_or_default(),
            id: policy.policy_id.unwrap_or_default(),
            path: policy.path,
            arn: policy.arn.and_then(|arn| arn.parse().ok()),
            created: policy.create_date.as_ref().map(time),
            updated: policy.update_date.as_ref().map(time),
            version: policy.default_version_id,
            document,
            attachments: policy.attachment_count,
            boundaries: policy.permissions_boundary_usage_count,
            tags: tag_map(policy.tags),
        }
    }
}

/// The record, the same for the sweep and for a look: the document is decoded.
fn convert(owner: &Owner, facts: Facts, operation: Operation, mut unread: Vec<Unread>) -> Resource<ManagedPolicy> {
    let arn = facts.arn.unwrap_or_else(|| arn(owner, "policy", facts.path.as_deref(), &facts.name));
    let document = facts.document.as_deref();
    let config = ManagedPolicy {
        policy_name: facts.name,
        policy_id: facts.id,
        path: facts.path,
        create_date: facts.created,
        update_date: facts.updated,
        default_version_id: facts.version,
        policy_document: document::parse_encoded(document, "PolicyDocument", operation, &mut unread),
        attachment_count: facts.attachments,
        permissions_boundary_usage_count: facts.boundaries,
        entities: None,
        versions: None,
    };
    let id = arn.to_string();
    let mut policy = owner.resource(&Region::global(), &id, arn, facts.tags, config);
    policy.unread = unread;
    policy
}

#[cfg(test)]
mod tests {
    use aws_sdk_iam::primitives::DateTime;
    use aws_sdk_iam::types::{PolicyVersion, Tag};
    use serde_json::json;

    use super::*;
    use crate::types::tests::{denied, owner};

    const ARN: &str = "arn:aws-cn:iam::111122223333:policy/team/deploy";
    const DOCUMENT: &str = "%7B%22Statement%22%3A%5B%5D%7D";

    fn listed() -> ManagedPolicyDetail {
        let version = |id: &str, default: bool, document: &str| {
            PolicyVersion::builder().version_id(id).is_default_version(default).document(document).build()
        };
        ManagedPolicyDetail::builder()
            .policy_name("deploy")
            .policy_id("ANPA1")
            .path("/team/")
            .arn(ARN)
            .create_date(DateTime::from_secs_and_nanos(1_700_000_000, 5))
            .update_date(DateTime::from_secs(1_700_000_060))
            .default_version_id("v2")
            .attachment_count(3)
            .permissions_boundary_usage_count(1)
            .policy_version_list(version("v3", false, "%7B%7D"))
            .policy_version_list(version("v2", true, DOCUMENT))
            .build()
    }

    fn got() -> Policy {
        Policy::builder()
            .policy_name("deploy")
            .policy_id("ANPA1")
            .path("/team/")
            .arn(ARN)
            .create_date(DateTime::from_secs(1_700_000_000))
            .update_date(DateTime::from_secs(1_700_000_060))
            .default_version_id("v2")
            .attachment_count(3)
            .permissions_boundary_usage_count(1)
            .tags(Tag::builder().key("Owner").value("web").build().unwrap())
            .build()
    }

    #[test]
    fn both_ways_of_asking_end_in_the_same_record() {
        let swept = Facts { tags: tag_map(got().tags), ..Facts::listed(listed()) };
        let swept = convert(&owner(), swept, IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS, Vec::new());
        let asked = looked(&owner(), got(), Ok(Some(DOCUMENT.to_owned())));
        assert_eq!(swept.config, asked.config);
        assert_eq!((&swept.arn, &swept.tags, &swept.id), (&asked.arn, &asked.tags, &asked.id));
        assert_eq!((swept.id.as_str(), swept.tags["Owner"].as_str()), (ARN, "web"));
        assert!(swept.region.is_global());
        assert_eq!(
            serde_json::to_value(&swept.config).unwrap(),
            json!({
                "PolicyName": "deploy", "PolicyId": "ANPA1", "Path": "/team/", "CreateDate": "2023-11-14T22:13:20Z",
                "UpdateDate": "2023-11-14T22:14:20Z", "DefaultVersionId": "v2", "PolicyDocument": {"Statement": []},
                "AttachmentCount": 3, "PermissionsBoundaryUsageCount": 1,
            })
        );
    }

    #[test]
    fn what_is_denied_or_garbled_is_unread() {
        let record = looked(&owner(), got(), Err(denied(IAM_GET_POLICY_VERSION)));
        assert_eq!(
            (record.unread[0].field.as_str(), record.unread[0].code.as_str()),
            ("PolicyDocument", "AccessDenied")
        );
        let record = looked(&owner(), got(), Ok(Some("%7B".to_owned())));
        assert_eq!(record.unread("PolicyDocument").unwrap().code, "MalformedPolicy");
        let bare = Facts { name: "p".to_owned(), ..Facts::default() };
        let record = convert(&owner(), bare, IAM_GET_POLICY_VERSION, Vec::new());
        assert_eq!(record.id, "arn:aws-cn:iam::111122223333:policy/p");
    }
}
