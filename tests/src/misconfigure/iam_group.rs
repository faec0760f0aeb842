//! A group with nobody in it, which would open nothing. IAM has no tags for groups: it is known by its name and path.

use aws_sdk_iam::types::Group as Listed;
use common::aws::AwsError;
use common::client;
use common::resource::{Group, ResourceType};

use super::iam::{self, DENY_ALL, NONE, PATH, POLICY_NAME};
use super::{Made, Misconfigured, Missing, Place, Report, call, unless};

const NAME: &str = "sluice-test-good";
const WHAT: &str = "good: nobody is in it, and it is denied everything";

impl Misconfigured for Group {
    async fn make(place: &Place) -> Result<Report, Missing> {
        let result = make_one(place).await;
        Ok(Report::collect(vec![(NAME.to_owned(), result)]))
    }

    async fn clean(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_iam, &place.session, place.session.home_region());
        let mut pages = client.list_groups().path_prefix(PATH).into_paginator().items().send();
        let mut groups: Vec<Listed> = Vec::new();
        while let Some(group) = pages.next().await {
            groups.push(group.map_err(|error| AwsError::new("iam:ListGroups", error))?);
        }
        groups.retain(|group| iam::is_ours(&group.path, &group.group_name));
        let mut removed = Vec::new();
        for Listed { group_name: name, .. } in groups {
            // IAM refuses where somebody put users into it, or gave it more.
            let request = client.delete_group_policy().group_name(&name).policy_name(POLICY_NAME);
            unless(NONE, call!("iam:DeleteGroupPolicy", request))?;
            unless(NONE, call!("iam:DeleteGroup", client.delete_group().group_name(&name)))?;
            removed.push(place.removed(ResourceType::IamGroup, &name, iam::arn(place, "group", &name)));
        }
        Ok(Report { made: removed, missing: Vec::new() })
    }
}

async fn make_one(place: &Place) -> Result<Made, Missing> {
    let client = client!(aws_sdk_iam, &place.session, place.session.home_region());
    let present = unless(NONE, call!("iam:GetGroup", client.get_group().group_name(NAME)))?;
    match present.and_then(|answer| answer.group) {
        Some(group) => iam::has_our_path("group", &group.path)?,
        None => {
            call!("iam:CreateGroup", client.create_group().group_name(NAME).path(PATH))?;
        }
    }
    let request = client.put_group_policy().group_name(NAME).policy_name(POLICY_NAME).policy_document(DENY_ALL);
    call!("iam:PutGroupPolicy", request)?;
    Ok(place.made(ResourceType::IamGroup, NAME, iam::arn(place, "group", NAME), WHAT, &[]))
}
