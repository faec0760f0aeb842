//! A managed policy that nobody has, and that would deny everything to whoever had it.

use aws_sdk_iam::types::{Policy, PolicyScopeType};
use common::aws::AwsError;
use common::client;
use common::resource::{ManagedPolicy, ResourceType};

use super::iam::{self, DENY_ALL, NONE, PATH};
use super::{Made, Misconfigured, Missing, Place, Report, call, unless};

const NAME: &str = "sluice-test-good";
const WHAT: &str = "good: nobody has it, and it denies everything";

impl Misconfigured for ManagedPolicy {
    async fn make(place: &Place) -> Result<Report, Missing> {
        let result = make_one(place).await;
        Ok(Report::collect(vec![(NAME.to_owned(), result)]))
    }

    async fn clean(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_iam, &place.session, place.session.home_region());
        let list = client.list_policies().scope(PolicyScopeType::Local).path_prefix(PATH);
        let mut pages = list.into_paginator().items().send();
        let mut policies: Vec<Policy> = Vec::new();
        while let Some(policy) = pages.next().await {
            policies.push(policy.map_err(|error| AwsError::new("iam:ListPolicies", error))?);
        }
        policies
            .retain(|policy| iam::is_ours(policy.path().unwrap_or_default(), policy.policy_name().unwrap_or_default()));
        let mut removed = Vec::new();
        for policy in policies {
            let name = policy.policy_name.unwrap_or_default();
            let arn = iam::arn(place, "policy", &name);
            // IAM refuses where somebody attached it, or wrote other versions of it.
            unless(NONE, call!("iam:DeletePolicy", client.delete_policy().policy_arn(arn.to_string())))?;
            removed.push(place.removed(ResourceType::IamPolicy, &arn.to_string(), arn.clone()));
        }
        Ok(Report { made: removed, missing: Vec::new() })
    }
}

async fn make_one(place: &Place) -> Result<Made, Missing> {
    let client = client!(aws_sdk_iam, &place.session, place.session.home_region());
    let arn = iam::arn(place, "policy", NAME);
    if unless(NONE, call!("iam:GetPolicy", client.get_policy().policy_arn(arn.to_string())))?.is_none() {
        let tag = iam::tag("iam:CreatePolicy", WHAT)?;
        // Where there is one of that name with another path, IAM refuses.
        let request = client.create_policy().policy_name(NAME).path(PATH).policy_document(DENY_ALL).tags(tag);
        call!("iam:CreatePolicy", request)?;
    }
    Ok(place.made(ResourceType::IamPolicy, &arn.to_string(), arn.clone(), WHAT, &[]))
}
