//! Redshift clusters: of one node with nothing in it, in a group that lets nothing in, with a password that nobody knows.

use aws_sdk_redshift::Client;
use aws_sdk_redshift::types::{Cluster, Tag};
use common::aws::AwsError;
use common::client;
use common::resource::{RedshiftCluster, ResourceType};

use super::rds::{being_deleted, database_password, may_cost, until_gone};
use super::security_group::Closed;
use super::{Made, Misconfigured, Missing, PREFIX, Place, Report, TAG, call, for_each, unless, verdict};

/// A cluster. All of them take connections without TLS, as their parameter group has it.
struct Spec {
    name: &'static str,
    what: &'static str,
    checks: &'static [&'static str],
    encrypted: bool,
    public: bool,
}

const SPECS: &[Spec] = &[
    Spec {
        name: "sluice-test-private",
        what: "bad: takes connections without TLS; encrypted, and without an address on the internet",
        checks: &["redshift_tls"],
        encrypted: true,
        public: false,
    },
    Spec {
        name: "sluice-test-public",
        what: "bad: not encrypted, and with an address on the internet, at which nothing answers",
        checks: &["redshift_public", "redshift_unencrypted", "redshift_tls"],
        encrypted: false,
        public: true,
    },
];

/// Their parameter group: of the older family, in which `require_ssl` is off unless somebody turns it on.
const GROUP: &str = "sluice-test-lax";

impl Misconfigured for RedshiftCluster {
    const ROUND: u8 = 1;

    async fn make(place: &Place) -> Result<Report, Missing> {
        may_cost(place)?;
        let client = client!(aws_sdk_redshift, &place.session, place.region());
        let present = find(&client).await?;
        let request = client
            .create_cluster_parameter_group()
            .parameter_group_name(GROUP)
            .parameter_group_family("redshift-1.0")
            .description("sluice test: connections without TLS are taken")
            .tags(tag("bad"));
        unless(&["ClusterParameterGroupAlreadyExists"], call!("redshift:CreateClusterParameterGroup", request))?;
        let closed = Closed::make(place).await?;
        let results = for_each(SPECS, |spec| {
            let (place, client, group) = (place.clone(), client.clone(), closed.id.clone());
            let present = present.iter().find(|it| it.cluster_identifier() == Some(spec.name)).cloned();
            async move {
                let result = match present {
                    Some(present) => restore(&client, spec, &present).await,
                    None => create(&client, spec, &group).await.map_err(Missing::from),
                };
                (spec.name.to_owned(), result.map(|()| made(&place, spec)))
            }
        });
        Ok(Report::collect(results.await))
    }

    /// Deletes the clusters, waits until they are gone, since until then they keep both of their groups, and then deletes
    /// the parameter group.
    async fn clean(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_redshift, &place.session, place.region());
        let mut removed = Vec::new();
        for cluster in find(&client).await? {
            let id = cluster.cluster_identifier.unwrap_or_default();
            let request = client.delete_cluster().cluster_identifier(&id).skip_final_cluster_snapshot(true);
            // One that an interrupted run told to go is on its way.
            unless(&["InvalidClusterState", "ClusterNotFound"], call!("redshift:DeleteCluster", request))?;
            let arn = place.arn("redshift", format!("cluster:{id}"));
            removed.push(place.removed(ResourceType::Redshift, &id, arn));
        }
        until_gone(|| find(&client)).await?;
        let request = client.delete_cluster_parameter_group().parameter_group_name(GROUP);
        unless(&["ClusterParameterGroupNotFound"], call!("redshift:DeleteClusterParameterGroup", request))?;
        Ok(Report { made: removed, missing: Vec::new() })
    }
}

fn made(place: &Place, spec: &'static Spec) -> Made {
    let arn = place.arn("redshift", format!("cluster:{}", spec.name));
    place.made(ResourceType::Redshift, spec.name, arn, spec.what, spec.checks)
}

async fn create(client: &Client, spec: &Spec, group: &str) -> Result<(), AwsError> {
    let request = client
        .create_cluster()
        .cluster_identifier(spec.name)
        .cluster_type("single-node")
        .node_type("ra3.large")
        .encrypted(spec.encrypted)
        .publicly_accessible(spec.public)
        .cluster_parameter_group_name(GROUP)
        .vpc_security_group_ids(group)
        .master_username("sluice")
        .master_user_password(database_password("redshift:CreateCluster")?)
        .tags(tag(spec.what));
    call!("redshift:CreateCluster", request).map(drop)
}

/// Makes a cluster as it was in the beginning: Redshift takes one change at a time.
async fn restore(client: &Client, spec: &Spec, present: &Cluster) -> Result<(), Missing> {
    if present.cluster_status() == Some("deleting") {
        return Err(being_deleted());
    }
    let request = client.modify_cluster().cluster_identifier(spec.name);
    if present.publicly_accessible != Some(spec.public) {
        call!("redshift:ModifyCluster", request.clone().publicly_accessible(spec.public))?;
    }
    if present.encrypted != Some(spec.encrypted) {
        call!("redshift:ModifyCluster", request.encrypted(spec.encrypted))?;
    }
    Ok(())
}

fn tag(what: &str) -> Tag {
    Tag::builder().key(TAG).value(verdict(what)).build()
}

/// The clusters with our tag and our prefix.
async fn find(client: &Client) -> Result<Vec<Cluster>, AwsError> {
    let mut pages = client.describe_clusters().tag_keys(TAG).into_paginator().items().send();
    let mut clusters = Vec::new();
    while let Some(cluster) = pages.next().await {
        let cluster = cluster.map_err(|error| AwsError::new("redshift:DescribeClusters", error))?;
        let tagged = cluster.tags().iter().any(|tag| tag.key() == Some(TAG));
        if tagged && cluster.cluster_identifier().is_some_and(|id| id.starts_with(PREFIX)) {
            clusters.push(cluster);
        }
    }
    Ok(clusters)
}
