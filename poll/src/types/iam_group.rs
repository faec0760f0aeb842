//! `iam_group`: for all groups at once one `GetAccountAuthorizationDetails` sweep, a call or so per hundred groups; for one
//! group `GetGroup` and the lists of its policies. Both ways end in [`convert`]. Who is in it is asked closely alone: a
//! sweep of the users tells it of all groups.

use std::collections::BTreeMap;

use aws_sdk_iam::Client;
use aws_sdk_iam::types::{EntityType, Group as Got, GroupDetail};
use common::arn::Arn;
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{
    IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS, IAM_GET_GROUP, IAM_LIST_ATTACHED_GROUP_POLICIES, IAM_LIST_GROUP_POLICIES,
    Operation,
};
use common::record::{Resource, Unread};
use common::resource::{AttachedPolicy, Group};
use jiff::Timestamp;

use super::iam::{self, NO_SUCH, Policies, attached};
use super::{Owner, Polled, or_absent, read_sorted, time};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::Sink;

impl Polled for Group {
    const LIST: &'static [Operation] = &[IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS];
    const LOOK: &'static [Operation] = &[IAM_GET_GROUP, IAM_LIST_ATTACHED_GROUP_POLICIES, IAM_LIST_GROUP_POLICIES];
    const CLOSER: &'static [Operation] = &[IAM_GET_GROUP];
    const SETTLES: bool = false;

    async fn list(account: &Account, _: &Reach, sink: &Sink) -> Result<(), AwsError> {
        let session = &account.session;
        let owner = Owner::of(session);
        let client = client!(aws_sdk_iam, session, session.home_region());
        let call = client.get_account_authorization_details().filter(EntityType::Group);
        let mut pages = call.into_paginator().page_size(1000).send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| AwsError::new(IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS, error))?;
            for group in page.group_detail_list.unwrap_or_default() {
                sink.resource(convert(&owner, Facts::listed(group), Vec::new())).await;
            }
        }
        Ok(())
    }

    async fn look(session: &Session, _: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        let client = client!(aws_sdk_iam, session, session.home_region());
        // Its users come with it, one of them at least.
        let answer = client.get_group().group_name(id).max_items(1).send().await;
        let answer = answer.map_err(|error| AwsError::new(IAM_GET_GROUP, error));
        let Some(group) = or_absent(answer, NO_SUCH)?.and_then(|answer| answer.group) else { return Ok(None) };
        let (attached, inline) = tokio::join!(policies(&client, id), inline(&client, id));
        Ok(looked(&Owner::of(session), group, attached, inline))
    }

    async fn look_closely(session: &Session, _: &Region, found: &mut [&mut Resource<Self>]) {
        let client = client!(aws_sdk_iam, session, session.home_region());
        for group in found {
            let users = users(&client, &group.config.group_name).await;
            group.config.users = read_sorted(users, "Users", &mut group.unread);
        }
    }
}

async fn policies(client: &Client, name: &str) -> Result<Vec<AttachedPolicy>, AwsError> {
    let items = client.list_attached_group_policies().group_name(name).into_paginator().items().send();
    let policies: Vec<_> =
        items.try_collect().await.map_err(|error| AwsError::new(IAM_LIST_ATTACHED_GROUP_POLICIES, error))?;
    Ok(policies.into_iter().map(attached).collect())
}

async fn inline(client: &Client, name: &str) -> Result<Vec<String>, AwsError> {
    let items = client.list_group_policies().group_name(name).into_paginator().items().send();
    items.try_collect().await.map_err(|error| AwsError::new(IAM_LIST_GROUP_POLICIES, error))
}

async fn users(client: &Client, name: &str) -> Result<Vec<String>, AwsError> {
    let mut users = Vec::new();
    let mut pages = client.get_group().group_name(name).into_paginator().page_size(1000).send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::new(IAM_GET_GROUP, error))?;
        users.extend(page.users.into_iter().map(|user| user.user_name));
    }
    Ok(users)
}

/// The record of a group that was looked at, or nothing when it vanished meanwhile.
fn looked(
    owner: &Owner,
    group: Got,
    attached: Result<Vec<AttachedPolicy>, AwsError>,
    inline: Result<Vec<String>, AwsError>,
) -> Option<Resource<Group>> {
    let Policies { attached, inline, unread } = Policies::of(attached, inline, "GroupPolicyList")?;
    Some(convert(owner, Facts::got(group, attached, inline), unread))
}

/// What IAM says of a group whichever way it is asked.
#[derive(Debug, Default)]
struct Facts {
    name: String,
    id: String,
    path: Option<String>,
    arn: Option<Arn>,
    created: Option<Timestamp>,
    attached: Vec<AttachedPolicy>,
    inline: Vec<String>,
}

impl Facts {
    fn listed(group: GroupDetail) -> Self {
        Self {
            name: group.group_name.unwrap_or_default(),
            id: group.group_id.unwrap_or_default(),
            path: group.path,
            arn: group.arn.and_then(|arn| arn.parse().ok()),
            created: group.create_date.as_ref().map(time),
            attached: group.attached_managed_policies.unwrap_or_default().into_iter().map(attached).collect(),
            inline: group.group_policy_list.unwrap_or_default().into_iter().filter_map(|it| it.policy_name).collect(),
        }
    }

    fn got(group: Got, attached: Vec<AttachedPolicy>, inline: Vec<String>) -> Self {
        Self {
            name: group.group_name,
            id: group.group_id,
            path: Some(group.path),
            arn: group.arn.parse().ok(),
            created: Some(time(&group.create_date)),
            attached,
            inline,
        }
    }
}

/// The record, the same for the sweep and for a look: lists are sorted.
fn convert(owner: &Owner, facts: Facts, unread: Vec<Unread>) -> Resource<Group> {
    let Facts { name, id, path, arn, created, mut attached, mut inline } = facts;
    attached.sort_unstable();
    inline.sort_unstable();
    let arn = arn.unwrap_or_else(|| iam::arn(owner, "group", path.as_deref(), &name));
    let config = Group {
        group_name: name.clone(),
        group_id: id,
        path,
        create_date: created,
        attached_managed_policies: attached,
        group_policy_list: inline,
        users: None,
    };
    // IAM has no tags for groups.
    let mut group = owner.resource(&Region::global(), &name, arn, BTreeMap::new(), config);
    group.unread = unread;
    group
}

#[cfg(test)]
mod tests {
    use aws_sdk_iam::primitives::DateTime;
    use aws_sdk_iam::types::{AttachedPolicy as GivenPolicy, PolicyDetail};
    use serde_json::json;

    use super::*;
    use crate::types::tests::{denied, owner};

    const ARN: &str = "arn:aws-cn:iam::111122223333:group/team/admins";

    fn listed() -> GroupDetail {
        let policy = |name: &str| GivenPolicy::builder().policy_name(name).policy_arn(format!("arn:{name}")).build();
        let inline = |name: &str| PolicyDetail::builder().policy_name(name).policy_document("%7B%7D").build();
        GroupDetail::builder()
            .path("/team/")
            .group_name("admins")
            .group_id("AGPA1")
            .arn(ARN)
            .create_date(DateTime::from_secs_and_nanos(1_700_000_000, 5))
            .group_policy_list(inline("z"))
            .group_policy_list(inline("a"))
            .attached_managed_policies(policy("Write"))
            .attached_managed_policies(policy("Read"))
            .build()
    }

    fn got() -> Got {
        let made = DateTime::from_secs(1_700_000_000);
        let group = Got::builder().path("/team/").group_name("admins").group_id("AGPA1").arn(ARN).create_date(made);
        group.build().unwrap()
    }

    #[test]
    fn both_ways_of_asking_end_in_the_same_record() {
        let policy = |name: &str| AttachedPolicy { policy_name: name.to_owned(), policy_arn: format!("arn:{name}") };
        let swept = convert(&owner(), Facts::listed(listed()), Vec::new());
        let attached = Ok(vec![policy("Read"), policy("Write")]);
        let asked = looked(&owner(), got(), attached, Ok(vec!["a".to_owned(), "z".to_owned()])).unwrap();
        assert_eq!((&swept.config, &swept.arn, &swept.id), (&asked.config, &asked.arn, &asked.id));
        assert!(swept.region.is_global());
        assert_eq!(
            serde_json::to_value(&swept.config).unwrap(),
            json!({
                "GroupName": "admins", "GroupId": "AGPA1", "Path": "/team/", "CreateDate": "2023-11-14T22:13:20Z",
                "AttachedManagedPolicies": [
                    {"PolicyName": "Read", "PolicyArn": "arn:Read"}, {"PolicyName": "Write", "PolicyArn": "arn:Write"},
                ],
                "GroupPolicyList": ["a", "z"],
            })
        );
        let bare = Facts { name: "g".to_owned(), ..Facts::default() };
        assert_eq!(convert(&owner(), bare, Vec::new()).arn.to_string(), "arn:aws-cn:iam::111122223333:group/g");
    }

    #[test]
    fn what_is_denied_is_unread_and_a_group_that_vanished_is_gone() {
        let record = looked(&owner(), got(), Err(denied(IAM_LIST_ATTACHED_GROUP_POLICIES)), Ok(Vec::new())).unwrap();
        assert_eq!(record.unread[0].field, "AttachedManagedPolicies");
        let record = looked(&owner(), got(), Ok(Vec::new()), Err(denied(IAM_LIST_GROUP_POLICIES))).unwrap();
        assert_eq!(record.unread[0].field, "GroupPolicyList");
        let gone = || AwsError::of(IAM_LIST_GROUP_POLICIES, NO_SUCH, "");
        assert!(looked(&owner(), got(), Ok(Vec::new()), Err(gone())).is_none());
        assert!(looked(&owner(), got(), Err(gone()), Ok(Vec::new())).is_none());
    }
}
