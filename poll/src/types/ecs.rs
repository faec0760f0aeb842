//! What the three ECS types share: the clusters, which are asked for once a sweep and region, the services, which are
//! described once for themselves and for their task sets, and what ECS calls things.

use std::collections::BTreeMap;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{Failure, NetworkConfiguration as DescribedNetwork, Tag};
use common::arn::Arn;
use common::aws::AwsError;
use common::client;
use common::id::Region;
use common::operation::{ECS_LIST_CLUSTERS, Operation};
use common::resource::{AwsvpcConfiguration, NetworkConfiguration};

use super::ecs_service::Described;
use super::{Owner, tags};
use crate::account::{Account, PerRegion};
use crate::sink::TEST_PREFIX;

/// What one ECS listing of a sweep has found out for the others.
#[derive(Debug, Default)]
pub(crate) struct Ecs {
    clusters: PerRegion<Listed<String>>,
    pub(super) services: PerRegion<Listed<Described>>,
}

/// What was listed, up to the call that failed.
#[derive(Debug)]
pub(super) struct Listed<T> {
    pub(super) found: Vec<T>,
    pub(super) error: Option<AwsError>,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { found: Vec::new(), error: None }
    }
}

impl<T> Listed<T> {
    /// Adds what another listing found; of several errors the first stays.
    pub(super) fn extend(&mut self, other: Self) {
        self.found.extend(other.found);
        self.error = self.error.take().or(other.error);
    }
}

/// The names of a region's clusters.
pub(super) async fn clusters(account: &Account, region: &Region, only_tests: bool) -> Listed<String> {
    let client = client!(aws_sdk_ecs, &account.session, region);
    let all = account.ecs.clusters.get_or_init(region, || list_clusters(client)).await;
    let mut found = all.found.clone();
    if only_tests {
        found.retain(|cluster| cluster.starts_with(TEST_PREFIX));
    }
    Listed { found, error: all.error.clone() }
}

async fn list_clusters(client: Client) -> Listed<String> {
    let mut listed = Listed::default();
    let mut pages = client.list_clusters().into_paginator().page_size(100).send();
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => {
                let arns = page.cluster_arns.unwrap_or_default();
                listed.found.extend(arns.iter().map(|arn| last(arn).to_owned()));
            }
            Err(error) => listed.error = Some(AwsError::new(ECS_LIST_CLUSTERS, error)),
        }
    }
    listed
}

/// The last part of an ARN, which is the name that ECS takes: `arn:...:cluster/blue` is `blue`.
pub(super) fn last(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// `<cluster>/<service>/<task set>`, `<cluster>/<service>` or `<cluster>/<task>` in its first part and the rest.
pub(super) fn split<'a>(id: &'a str, operation: Operation, form: &str) -> Result<(&'a str, &'a str), AwsError> {
    let parts = id.split_once('/').filter(|(first, rest)| !first.is_empty() && !rest.is_empty());
    parts.ok_or_else(|| AwsError::of(operation, "BadReference", format!("`{id}` is not of the form {form}")))
}

/// The ARN as AWS gives it. Where that is an old one, of before 2018, which leaves out the cluster, it is the one that the
/// resource would have now: with the other two services of one name in two clusters have one ARN. See
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html#ecs-resource-ids>.
pub(super) fn arn(owner: &Owner, region: &Region, kind: &str, id: &str, given: Option<&str>) -> Arn {
    let given = given.and_then(|given| given.parse::<Arn>().ok()).filter(|given| given.resource_name() == id);
    given.unwrap_or_else(|| owner.arn("ecs", region, format!("{kind}/{id}")))
}

/// Whether AWS says that a cluster, or what is in it, does not exist or not any more.
pub(super) fn is_gone(error: &AwsError) -> bool {
    matches!(
        error.code(),
        "ClusterNotFoundException"
            | "ServiceNotFoundException"
            | "ServiceNotActiveException"
            | "TaskSetNotFoundException"
    )
}

/// Why ECS did not describe something. What is missing vanished since it was listed, which is no error. The reasons:
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html>.
pub(super) fn failure(operation: Operation, failures: Option<Vec<Failure>>) -> Option<AwsError> {
    let failed = failures?.into_iter().find(|failure| failure.reason() != Some("MISSING"))?;
    let (arn, reason) = (failed.arn.unwrap_or_default(), failed.reason.unwrap_or_default());
    let detail = failed.detail.map(|detail| format!(": {detail}")).unwrap_or_default();
    Some(AwsError::of(operation, reason, format!("{arn} could not be described{detail}")))
}

/// The network of tasks that have their own, its lists sorted.
pub(super) fn network(described: Option<DescribedNetwork>) -> Option<NetworkConfiguration> {
    let described = described?.awsvpc_configuration?;
    let mut subnets = described.subnets;
    subnets.sort_unstable();
    let mut security_groups = described.security_groups.unwrap_or_default();
    security_groups.sort_unstable();
    let assign_public_ip = described.assign_public_ip.map(|assign| assign.as_str().to_owned());
    Some(NetworkConfiguration {
        awsvpc_configuration: AwsvpcConfiguration { subnets, security_groups, assign_public_ip },
    })
}

pub(super) fn tag_map(described: Option<Vec<Tag>>) -> BTreeMap<String, String> {
    tags(described.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)))
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::{AssignPublicIp, AwsVpcConfiguration};
    use common::operation::ECS_DESCRIBE_TASKS;

    use super::*;
    use crate::types::tests::{denied, owner};

    #[test]
    fn an_arn_of_before_2018_becomes_the_one_of_today() {
        let region = "cn-north-1".parse().unwrap();
        let new = "arn:aws-cn:ecs:cn-north-1:111122223333:service/blue/web";
        let old = "arn:aws-cn:ecs:cn-north-1:111122223333:service/web";
        for given in [Some(new), Some(old), Some("web"), None] {
            assert_eq!(arn(&owner(), &region, "service", "blue/web", given).to_string(), new, "{given:?}");
        }
        // AWS's word counts.
        let iso = "arn:aws-iso:ecs:us-iso-east-1:111122223333:service/blue/web";
        assert_eq!(arn(&owner(), &region, "service", "blue/web", Some(iso)).to_string(), iso);
    }

    #[test]
    fn an_id_has_its_cluster() {
        for (id, expected) in [
            ("blue/web", Some(("blue", "web"))),
            ("blue/web/ecs-svc/1", Some(("blue", "web/ecs-svc/1"))),
            ("web", None),
            ("/web", None),
            ("blue/", None),
            ("", None),
        ] {
            let parts = split(id, ECS_DESCRIBE_TASKS, "<cluster>/<task>");
            assert!(parts.as_ref().is_ok() || parts.as_ref().is_err_and(|error| error.code() == "BadReference"));
            assert_eq!(parts.ok(), expected, "{id}");
        }
    }

    #[test]
    fn what_is_missing_is_no_failure_and_all_else_is() {
        let failed = |reason: &str| Failure::builder().arn("arn:x").reason(reason).detail("no luck").build();
        assert_eq!(failure(ECS_DESCRIBE_TASKS, None), None);
        assert_eq!(failure(ECS_DESCRIBE_TASKS, Some(vec![failed("MISSING")])), None);
        let error = failure(ECS_DESCRIBE_TASKS, Some(vec![failed("MISSING"), failed("TROUBLE")])).unwrap();
        assert_eq!(error.code(), "TROUBLE");
        assert_eq!(error.message, "arn:x could not be described: no luck");
    }

    #[test]
    fn two_looks_at_one_network_are_equal_whatever_the_order() {
        let described = |subnets: [&str; 2], groups: [&str; 2]| {
            let configuration = AwsVpcConfiguration::builder()
                .set_subnets(Some(subnets.map(str::to_owned).to_vec()))
                .set_security_groups(Some(groups.map(str::to_owned).to_vec()))
                .assign_public_ip(AssignPublicIp::Enabled);
            DescribedNetwork::builder().awsvpc_configuration(configuration.build().unwrap()).build()
        };
        let one = network(Some(described(["subnet-1", "subnet-2"], ["sg-2", "sg-1"]))).unwrap();
        assert_eq!(Some(&one), network(Some(described(["subnet-2", "subnet-1"], ["sg-1", "sg-2"]))).as_ref());
        assert_eq!(one.awsvpc_configuration.security_groups, ["sg-1", "sg-2"]);
        assert_eq!(one.awsvpc_configuration.assign_public_ip.as_deref(), Some("ENABLED"));
        assert_eq!(network(None), None);
        assert_eq!(network(Some(DescribedNetwork::builder().build())), None);
    }

    #[test]
    fn what_was_listed_stays_and_so_does_the_first_error() {
        let mut all = Listed { found: vec![1], error: None };
        all.extend(Listed { found: vec![2], error: Some(denied("ecs:ListServices")) });
        all.extend(Listed { found: vec![3], error: Some(denied("ecs:DescribeServices")) });
        assert_eq!(all.found, [1, 2, 3]);
        assert_eq!(all.error.unwrap().operation, "ecs:ListServices");
    }
}
