//! `redshift`: `DescribeClusters`, then `DescribeClusterParameters` for each parameter group that the clusters have.

use std::collections::BTreeMap;

use aws_sdk_redshift::Client;
use aws_sdk_redshift::types::{Cluster as Described, Parameter, PendingModifiedValues};
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{Operation, REDSHIFT_DESCRIBE_CLUSTER_PARAMETERS, REDSHIFT_DESCRIBE_CLUSTERS};
use common::record::Resource;
use common::resource::{ClusterParameterGroup, DbEndpoint, RedshiftCluster, VpcSecurityGroup};
use futures_util::{StreamExt, stream};

use super::{AT_ONCE, Owner, Polled, tags, time};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::{Sink, TEST_TAG};

/// Whether each parameter group turns away connections without TLS, by its name; nothing where it does not say.
type RequireSsl = BTreeMap<String, Result<Option<bool>, AwsError>>;

impl Polled for RedshiftCluster {
    const LIST: &'static [Operation] = &[REDSHIFT_DESCRIBE_CLUSTERS, REDSHIFT_DESCRIBE_CLUSTER_PARAMETERS];
    const LOOK: &'static [Operation] = &[REDSHIFT_DESCRIBE_CLUSTERS, REDSHIFT_DESCRIBE_CLUSTER_PARAMETERS];

    /// A parameter group is asked for once a region, however many clusters have it: most have the default.
    async fn list(account: &Account, reach: &Reach, sink: &Sink) -> Result<(), AwsError> {
        let session = &account.session;
        let owner = Owner::of(session);
        for region in reach.regions() {
            let client = client!(aws_sdk_redshift, session, region);
            let only_tests = sink.only_tests().then(|| vec![TEST_TAG.to_owned()]);
            let mut pages = client.describe_clusters().set_tag_keys(only_tests).into_paginator().page_size(100).send();
            let mut known = RequireSsl::new();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| AwsError::new(REDSHIFT_DESCRIBE_CLUSTERS, error))?;
                let clusters = page.clusters.unwrap_or_default();
                learn(&client, &clusters, &mut known).await;
                for described in clusters {
                    sink.resource(convert(&owner, region, described, &known)).await;
                }
            }
        }
        Ok(())
    }

    async fn look(session: &Session, region: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        let client = client!(aws_sdk_redshift, session, region);
        let call = client.describe_clusters().cluster_identifier(id);
        let answer = match call.send().await.map_err(|error| AwsError::new(REDSHIFT_DESCRIBE_CLUSTERS, error)) {
            Ok(answer) => answer,
            // The first is what the service sends, the second what its model calls it.
            Err(error) if matches!(error.code(), "ClusterNotFound" | "ClusterNotFoundFault") => return Ok(None),
            Err(error) => return Err(error),
        };
        let clusters = answer.clusters.unwrap_or_default();
        let mut known = RequireSsl::new();
        learn(&client, &clusters, &mut known).await;
        Ok(clusters.into_iter().next().map(|described| convert(&Owner::of(session), region, described, &known)))
    }
}

/// Asks for the parameter groups of some clusters that are not known yet.
async fn learn(client: &Client, clusters: &[Described], known: &mut RequireSsl) {
    let groups = clusters.iter().flat_map(Described::cluster_parameter_groups);
    let mut names: Vec<String> = groups.filter_map(|group| group.parameter_group_name.clone()).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| !known.contains_key(name));
    let mut answers = stream::iter(names)
        .map(async |name| {
            let answer = require_ssl(client, &name).await;
            (name, answer)
        })
        .buffer_unordered(AT_ONCE);
    while let Some((name, answer)) = answers.next().await {
        known.insert(name, answer);
    }
}

/// A parameter group's `require_ssl`: the pages are followed until it comes.
///
/// Not `Source` `user`, which would leave out what nobody has set: the default differs from group to group
/// (<https://docs.aws.amazon.com/redshift/latest/mgmt/connecting-ssl-support.html>).
async fn require_ssl(client: &Client, group: &str) -> Result<Option<bool>, AwsError> {
    let call = client.describe_cluster_parameters().parameter_group_name(group);
    let mut pages = call.into_paginator().page_size(100).send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::new(REDSHIFT_DESCRIBE_CLUSTER_PARAMETERS, error))?;
        if let Some(parameter) = page
            .parameters
            .unwrap_or_default()
            .into_iter()
            .find(|it| it.parameter_name.as_deref() == Some("require_ssl"))
        {
            return Ok(switch(&parameter));
        }
    }
    Ok(None)
}

fn switch(parameter: &Parameter) -> Option<bool> {
    match parameter.parameter_value.as_deref()?.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// The states in which AWS changes what the record tells, of `ClusterStatus` in
/// <https://docs.aws.amazon.com/redshift/latest/APIReference/API_Cluster.html>, and those on either side of `paused`. The
/// others last, or lead to where nothing can be mended (`deleting`, `final-snapshot`).
const AT_WORK: [&str; 11] = [
    "available, prep-for-resize",
    "cancelling-resize",
    "creating",
    "modifying",
    "pausing",
    "rebooting",
    "renaming",
    "resizing",
    "resuming",
    "rotating-keys",
    "updating-hsm",
];

/// Whether what the record tells stays as it is. A cluster without the time at which it was made is still being made, and
/// while it is encrypted its status may be `available` though its availability is not.
fn is_settled(cluster: &RedshiftCluster, pending: Option<&PendingModifiedValues>) -> bool {
    let changes =
        pending.is_some_and(|pending| pending.encryption_type.is_some() || pending.publicly_accessible.is_some());
    !AT_WORK.contains(&cluster.cluster_status.as_str())
        && cluster.cluster_availability_status.as_deref() != Some("Modifying")
        && cluster.cluster_create_time.is_some()
        && !changes
}

fn convert(owner: &Owner, region: &Region, it: Described, known: &RequireSsl) -> Resource<RedshiftCluster> {
    let id = it.cluster_identifier.unwrap_or_default();
    let mut unread = Vec::new();
    let mut parameter_groups = Vec::new();
    for group in it.cluster_parameter_groups.unwrap_or_default() {
        let answer = group.parameter_group_name.as_ref().and_then(|name| known.get(name));
        if let Some(Err(error)) = answer
            && unread.is_empty()
        {
            unread.push(error.unread("ClusterParameterGroups"));
        }
        parameter_groups.push(ClusterParameterGroup {
            parameter_group_name: group.parameter_group_name,
            parameter_apply_status: group.parameter_apply_status,
            require_ssl: answer.and_then(|answer| answer.as_ref().ok().copied().flatten()),
        });
    }
    parameter_groups.sort_unstable();
    let mut security_groups: Vec<_> = it
        .vpc_security_groups
        .unwrap_or_default()
        .into_iter()
        .map(|group| VpcSecurityGroup { vpc_security_group_id: group.vpc_security_group_id, status: group.status })
        .collect();
    security_groups.sort_unstable();
    let config = RedshiftCluster {
        cluster_identifier: id.clone(),
        cluster_status: it.cluster_status.unwrap_or_default(),
        cluster_availability_status: it.cluster_availability_status,
        node_type: it.node_type,
        number_of_nodes: it.number_of_nodes,
        cluster_create_time: it.cluster_create_time.as_ref().map(time),
        encrypted: it.encrypted,
        kms_key_id: it.kms_key_id,
        publicly_accessible: it.publicly_accessible,
        endpoint: it.endpoint.map(|endpoint| DbEndpoint { address: endpoint.address, port: endpoint.port }),
        vpc_id: it.vpc_id,
        availability_zone: it.availability_zone,
        enhanced_vpc_routing: it.enhanced_vpc_routing,
        automated_snapshot_retention_period: it.automated_snapshot_retention_period,
        allow_version_upgrade: it.allow_version_upgrade,
        vpc_security_groups: security_groups,
        cluster_parameter_groups: parameter_groups,
    };
    let settled = is_settled(&config, it.pending_modified_values.as_ref());
    let tags = tags(it.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)));
    // Its `ClusterNamespaceArn` is that of the data in it, which other clusters may have as well.
    let mut resource =
        owner.resource(region, &id, owner.arn("redshift", region, format!("cluster:{id}")), tags, config);
    resource.unread = unread;
    resource.settled = settled;
    resource
}

#[cfg(test)]
mod tests {
    use aws_sdk_redshift::primitives::DateTime;
    use aws_sdk_redshift::types::builders::ClusterBuilder;
    use aws_sdk_redshift::types::{ClusterParameterGroupStatus, Endpoint, Tag};
    use serde_json::json;

    use super::*;
    use crate::types::tests::{denied, owner};

    fn group(name: &str, status: &str) -> ClusterParameterGroupStatus {
        ClusterParameterGroupStatus::builder().parameter_group_name(name).parameter_apply_status(status).build()
    }

    fn described() -> ClusterBuilder {
        Described::builder()
            .cluster_identifier("facts")
            .cluster_status("available")
            .cluster_availability_status("Available")
            .cluster_create_time(DateTime::from_secs_and_nanos(1_700_000_000, 5))
    }

    fn record(described: ClusterBuilder, known: &RequireSsl) -> Resource<RedshiftCluster> {
        convert(&owner(), &"eu-west-1".parse().unwrap(), described.build(), known)
    }

    #[test]
    fn a_cluster_has_the_names_of_the_aws_cli_and_what_its_groups_say_of_tls() {
        let cluster = described()
            .encrypted(false)
            .publicly_accessible(true)
            .endpoint(Endpoint::builder().address("facts.example").port(5439).build())
            .cluster_parameter_groups(group("second", "pending-reboot"))
            .cluster_parameter_groups(group("first", "in-sync"))
            .tags(Tag::builder().key("Owner").value("web").build());
        let known = RequireSsl::from([("first".to_owned(), Ok(Some(true))), ("second".to_owned(), Ok(None))]);
        let record = record(cluster, &known);
        assert_eq!((record.id.as_str(), record.settled), ("facts", true));
        assert_eq!(record.arn.to_string(), "arn:aws-cn:redshift:eu-west-1:111122223333:cluster:facts");
        assert_eq!(record.unread, []);
        assert_eq!(record.tags["Owner"], "web");
        let config = serde_json::to_value(&record.config).unwrap();
        for (field, value) in [
            ("ClusterIdentifier", json!("facts")),
            ("ClusterStatus", json!("available")),
            ("ClusterCreateTime", json!("2023-11-14T22:13:20Z")),
            ("Encrypted", json!(false)),
            ("PubliclyAccessible", json!(true)),
            ("Endpoint", json!({"Address": "facts.example", "Port": 5439})),
            (
                "ClusterParameterGroups",
                json!([
                    {"ParameterGroupName": "first", "ParameterApplyStatus": "in-sync", "RequireSsl": true},
                    {"ParameterGroupName": "second", "ParameterApplyStatus": "pending-reboot", "RequireSsl": null},
                ]),
            ),
        ] {
            assert_eq!(config[field], value, "{field}");
        }
    }

    #[test]
    fn a_group_that_is_denied_is_unread_once_and_the_cluster_is_written() {
        let groups = || {
            described().cluster_parameter_groups(group("a", "in-sync")).cluster_parameter_groups(group("b", "in-sync"))
        };
        let known: RequireSsl =
            ["a", "b"].map(|name| (name.to_owned(), Err(denied(REDSHIFT_DESCRIBE_CLUSTER_PARAMETERS.name())))).into();
        let record = record(groups(), &known);
        let [unread] = record.unread.as_slice() else { panic!("{:?}", record.unread) };
        assert_eq!(unread.field, "ClusterParameterGroups");
        assert_eq!(unread.operation, "redshift:DescribeClusterParameters");
        assert_eq!(record.config.cluster_parameter_groups.len(), 2);
    }

    #[test]
    fn only_true_and_false_are_values_of_a_switch() {
        for (value, expected) in [
            (Some("true"), Some(true)),
            (Some("TRUE"), Some(true)),
            (Some("false"), Some(false)),
            (Some("on"), None),
            (None, None),
        ] {
            let parameter = Parameter::builder().set_parameter_value(value.map(str::to_owned)).build();
            assert_eq!(switch(&parameter), expected, "{value:?}");
        }
    }

    #[test]
    fn a_cluster_has_settled_when_its_configuration_stays() {
        let none = RequireSsl::new();
        for (status, settled) in [
            ("available", true),
            ("available, resize-cleanup", true),
            ("paused", true),
            ("deleting", true),
            ("storage-full", true),
            ("creating", false),
            ("modifying", false),
            ("resizing", false),
            ("available, prep-for-resize", false),
        ] {
            assert_eq!(record(described().cluster_status(status), &none).settled, settled, "{status}");
        }
        assert!(!record(described().cluster_availability_status("Modifying"), &none).settled);
        assert!(record(described().cluster_availability_status("Maintenance"), &none).settled);
        assert!(!record(described().set_cluster_create_time(None), &none).settled);
        let pending = PendingModifiedValues::builder();
        for (pending, settled) in [
            (pending.clone().build(), true),
            (pending.clone().number_of_nodes(3).build(), true),
            (pending.clone().encryption_type("KMS").build(), false),
            (pending.publicly_accessible(false).build(), false),
        ] {
            assert_eq!(
                record(described().pending_modified_values(pending.clone()), &none).settled,
                settled,
                "{pending:?}"
            );
        }
    }
}
