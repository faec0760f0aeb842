//! Database clusters of Aurora without any instance: there is nothing that could be connected to.

use aws_sdk_rds::Client;
use aws_sdk_rds::types::DbCluster as Described;
use common::aws::AwsError;
use common::client;
use common::resource::{DbCluster, ResourceType};

use super::rds::{being_deleted, database_password, is_ours, may_cost, tag, until_gone};
use super::security_group::Closed;
use super::{Made, Misconfigured, Missing, Place, Report, call, for_each, unless};

/// A cluster.
struct Spec {
    name: &'static str,
    what: &'static str,
    checks: &'static [&'static str],
    encrypted: bool,
}

const SPECS: &[Spec] = &[
    Spec { name: "sluice-test-cluster-good", what: "good: encrypted", checks: &[], encrypted: true },
    Spec {
        name: "sluice-test-cluster-unencrypted",
        what: "bad: storage that is not encrypted",
        checks: &["rds_cluster_unencrypted"],
        encrypted: false,
    },
];

impl Misconfigured for DbCluster {
    const ROUND: u8 = 1;

    async fn make(place: &Place) -> Result<Report, Missing> {
        may_cost(place)?;
        let client = client!(aws_sdk_rds, &place.session, place.region());
        let present = find(&client).await?;
        let closed = Closed::make(place).await?;
        let results = for_each(SPECS, |spec| {
            let (place, client, group) = (place.clone(), client.clone(), closed.id.clone());
            let present = present.iter().find(|it| it.db_cluster_identifier() == Some(spec.name)).cloned();
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

    /// Deletes the clusters, and waits until they are gone: until then they keep their group.
    async fn clean(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_rds, &place.session, place.region());
        let mut removed = Vec::new();
        for cluster in find(&client).await? {
            let id = cluster.db_cluster_identifier.unwrap_or_default();
            let request = client.delete_db_cluster().db_cluster_identifier(&id).skip_final_snapshot(true);
            // One that an interrupted run told to go is on its way.
            let on_its_way = ["InvalidDBClusterStateFault", "DBClusterNotFoundFault"];
            unless(&on_its_way, call!("rds:DeleteDBCluster", request))?;
            removed.push(place.removed(ResourceType::RdsCluster, &id, place.arn("rds", format!("cluster:{id}"))));
        }
        until_gone(|| find(&client)).await?;
        Ok(Report { made: removed, missing: Vec::new() })
    }
}

fn made(place: &Place, spec: &'static Spec) -> Made {
    let arn = place.arn("rds", format!("cluster:{}", spec.name));
    place.made(ResourceType::RdsCluster, spec.name, arn, spec.what, spec.checks)
}

async fn create(client: &Client, spec: &Spec, group: &str) -> Result<(), AwsError> {
    let request = client
        .create_db_cluster()
        .db_cluster_identifier(spec.name)
        .engine("aurora-mysql")
        .storage_encrypted(spec.encrypted)
        .vpc_security_group_ids(group)
        .master_username("sluice")
        .master_user_password(database_password("rds:CreateDBCluster")?)
        .tags(tag(spec.what));
    call!("rds:CreateDBCluster", request).map(drop)
}

/// Makes a cluster as it was in the beginning.
async fn restore(client: &Client, spec: &Spec, present: &Described) -> Result<(), Missing> {
    match present.status() {
        Some("deleting") => Err(being_deleted()),
        Some("stopped") => {
            call!("rds:StartDBCluster", client.start_db_cluster().db_cluster_identifier(spec.name))?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The clusters with our tag and our prefix.
async fn find(client: &Client) -> Result<Vec<Described>, AwsError> {
    let mut pages = client.describe_db_clusters().into_paginator().items().send();
    let mut clusters = Vec::new();
    while let Some(cluster) = pages.next().await {
        let cluster = cluster.map_err(|error| AwsError::new("rds:DescribeDBClusters", error))?;
        if is_ours(cluster.db_cluster_identifier(), cluster.tag_list()) {
            clusters.push(cluster);
        }
    }
    Ok(clusters)
}
