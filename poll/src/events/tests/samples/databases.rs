//! RDS and Redshift.

use super::{Sample, sample};

const INSTANCE: &[&str] = &["rds shop"];
const NEW_INSTANCE: &[&str] = &["rds shop +900s"];
const CLUSTER: &[&str] = &["rds_cluster books"];
const NEW_CLUSTER: &[&str] = &["rds_cluster books +900s"];
const SNAPSHOT: &[&str] = &["rds_snapshot friday"];
const CLUSTER_SNAPSHOT: &[&str] = &["rds_cluster_snapshot friday"];

pub(super) const SAMPLES: &[Sample] = &[
    // RDS keeps its identifiers in lower case.
    sample(
        "rds",
        &["CreateDBInstance", "RestoreDBInstanceFromDBSnapshot", "RestoreDBInstanceFromS3"],
        r#"{"dBInstanceIdentifier":"Shop","engine":"postgres","masterUserPassword":"****"}"#,
        r#"{"dBInstanceIdentifier":"shop","dBInstanceStatus":"creating","publiclyAccessible":true,
            "dBInstanceArn":"arn:aws:rds:eu-west-1:111122223333:db:shop"}"#,
        NEW_INSTANCE,
    ),
    sample(
        "rds",
        &["CreateDBInstance", "RestoreDBInstanceFromDBSnapshot", "RestoreDBInstanceFromS3"],
        r#"{"dBInstanceIdentifier":"books-1","dBClusterIdentifier":"books","engine":"aurora-postgresql"}"#,
        r#"{"dBInstanceIdentifier":"books-1","dBClusterIdentifier":"books","dBInstanceStatus":"creating"}"#,
        &["rds books-1 +900s", "rds_cluster books +900s"],
    ),
    sample(
        "rds",
        &["RestoreDBInstanceToPointInTime"],
        r#"{"sourceDBInstanceIdentifier":"old","targetDBInstanceIdentifier":"shop","useLatestRestorableTime":true}"#,
        r#"{"dBInstanceIdentifier":"shop","dBInstanceStatus":"creating"}"#,
        NEW_INSTANCE,
    ),
    sample(
        "rds",
        &["CreateDBInstanceReadReplica"],
        r#"{"dBInstanceIdentifier":"shop","sourceDBInstanceIdentifier":"arn:aws:rds:us-east-1:111122223333:db:main"}"#,
        r#"{"dBInstanceIdentifier":"shop","readReplicaSourceDBInstanceIdentifier":"main"}"#,
        &["rds shop +900s", "rds main @us-east-1 +900s"],
    ),
    sample(
        "rds",
        &["ModifyDBInstance"],
        r#"{"dBInstanceIdentifier":"books-1","publiclyAccessible":true,"newDBInstanceIdentifier":"books-2"}"#,
        r#"{"dBInstanceIdentifier":"books-1","dBClusterIdentifier":"books"}"#,
        &["rds books-1 +120s", "rds books-2 +120s", "rds_cluster books +120s"],
    ),
    sample(
        "rds",
        &["DeleteDBInstance"],
        r#"{"dBInstanceIdentifier":"books-1","skipFinalSnapshot":false,"finalDBSnapshotIdentifier":"Friday"}"#,
        r#"{"dBInstanceIdentifier":"books-1","dBClusterIdentifier":"books","dBInstanceStatus":"deleting"}"#,
        &["rds books-1", "rds_snapshot friday", "rds_cluster books"],
    ),
    sample(
        "rds",
        &["StartDBInstance", "StopDBInstance", "PromoteReadReplica", "SwitchoverReadReplica"],
        r#"{"dBInstanceIdentifier":"shop"}"#,
        r#"{"dBInstanceIdentifier":"shop","dBInstanceStatus":"starting"}"#,
        INSTANCE,
    ),
    sample(
        "rds",
        &["CreateDBCluster", "RestoreDBClusterFromSnapshot", "RestoreDBClusterFromS3", "RestoreDBClusterToPointInTime"],
        r#"{"dBClusterIdentifier":"Books","engine":"aurora-postgresql"}"#,
        r#"{"dBClusterIdentifier":"books","status":"creating"}"#,
        NEW_CLUSTER,
    ),
    sample(
        "rds",
        &["ModifyDBCluster"],
        r#"{"dBClusterIdentifier":"books","deletionProtection":false}"#,
        r#"{"dBClusterIdentifier":"books"}"#,
        &["rds_cluster books +120s"],
    ),
    sample(
        "rds",
        &["DeleteDBCluster"],
        r#"{"dBClusterIdentifier":"books","finalDBSnapshotIdentifier":"friday"}"#,
        r#"{"dBClusterIdentifier":"books","status":"deleting"}"#,
        &["rds_cluster books", "rds_cluster_snapshot friday"],
    ),
    sample(
        "rds",
        &["StartDBCluster", "StopDBCluster", "FailoverDBCluster", "PromoteReadReplicaDBCluster"],
        r#"{"dBClusterIdentifier":"books"}"#,
        r#"{"dBClusterIdentifier":"books","status":"starting"}"#,
        CLUSTER,
    ),
    sample(
        "rds",
        &["RemoveFromGlobalCluster"],
        r#"{"globalClusterIdentifier":"world","dbClusterIdentifier":"arn:aws:rds:eu-west-1:111122223333:cluster:books"}"#,
        "null",
        CLUSTER,
    ),
    sample(
        "rds",
        &["CreateGlobalCluster"],
        r#"{"globalClusterIdentifier":"world","sourceDBClusterIdentifier":"arn:aws:rds:eu-west-1:111122223333:cluster:books"}"#,
        "null",
        CLUSTER,
    ),
    sample("rds", &["CreateGlobalCluster"], r#"{"globalClusterIdentifier":"world"}"#, "null", &[]),
    sample(
        "rds",
        &["FailoverGlobalCluster", "SwitchoverGlobalCluster"],
        r#"{"globalClusterIdentifier":"world","targetDbClusterIdentifier":"arn:aws:rds:us-east-1:111122223333:cluster:books"}"#,
        "null",
        &["rds_cluster books @us-east-1"],
    ),
    sample(
        "rds",
        &["CreateDBSnapshot", "ModifyDBSnapshot", "ModifyDBSnapshotAttribute", "DeleteDBSnapshot"],
        r#"{"dBSnapshotIdentifier":"friday","attributeName":"restore","valuesToAdd":["all"]}"#,
        r#"{"dBSnapshotIdentifier":"friday"}"#,
        SNAPSHOT,
    ),
    sample(
        "rds",
        &["CopyDBSnapshot"],
        r#"{"sourceDBSnapshotIdentifier":"arn:aws:rds:us-east-1:444455556666:snapshot:theirs","targetDBSnapshotIdentifier":"friday"}"#,
        r#"{"dBSnapshotIdentifier":"friday"}"#,
        SNAPSHOT,
    ),
    sample(
        "rds",
        &["CreateDBClusterSnapshot", "ModifyDBClusterSnapshotAttribute", "DeleteDBClusterSnapshot"],
        r#"{"dBClusterSnapshotIdentifier":"friday","dBClusterIdentifier":"books"}"#,
        "null",
        CLUSTER_SNAPSHOT,
    ),
    sample(
        "rds",
        &["CopyDBClusterSnapshot"],
        r#"{"sourceDBClusterSnapshotIdentifier":"thursday","targetDBClusterSnapshotIdentifier":"friday"}"#,
        "null",
        CLUSTER_SNAPSHOT,
    ),
    sample(
        "rds",
        &["AddTagsToResource", "RemoveTagsFromResource"],
        r#"{"resourceName":"arn:aws:rds:eu-west-1:111122223333:db:shop","tags":[{"key":"Owner","value":"web"}]}"#,
        "null",
        INSTANCE,
    ),
    sample(
        "rds",
        &["AddTagsToResource", "RemoveTagsFromResource"],
        r#"{"resourceName":"arn:aws:rds:eu-west-1:111122223333:cluster:books"}"#,
        "null",
        CLUSTER,
    ),
    sample(
        "rds",
        &["AddTagsToResource", "RemoveTagsFromResource"],
        r#"{"resourceName":"arn:aws:rds:eu-west-1:111122223333:snapshot:friday"}"#,
        "null",
        SNAPSHOT,
    ),
    sample(
        "rds",
        &["AddTagsToResource", "RemoveTagsFromResource"],
        r#"{"resourceName":"arn:aws:rds:eu-west-1:111122223333:cluster-snapshot:friday"}"#,
        "null",
        CLUSTER_SNAPSHOT,
    ),
    sample(
        "rds",
        &["AddTagsToResource", "RemoveTagsFromResource"],
        r#"{"resourceName":"arn:aws:rds:eu-west-1:111122223333:subgrp:default"}"#,
        "null",
        &[],
    ),
    sample(
        "redshift",
        &["CreateCluster", "RestoreFromClusterSnapshot"],
        r#"{"clusterIdentifier":"facts","nodeType":"ra3.large","publiclyAccessible":true,"masterUserPassword":"****"}"#,
        r#"{"clusterIdentifier":"facts","clusterStatus":"creating"}"#,
        &["redshift facts +900s"],
    ),
    sample(
        "redshift",
        &["ModifyCluster"],
        r#"{"clusterIdentifier":"facts","publiclyAccessible":true}"#,
        r#"{"clusterIdentifier":"facts"}"#,
        &["redshift facts +900s"],
    ),
    sample(
        "redshift",
        &["ResizeCluster", "PauseCluster", "ResumeCluster", "RebootCluster", "DeleteCluster"],
        r#"{"clusterIdentifier":"facts"}"#,
        r#"{"clusterIdentifier":"facts"}"#,
        &["redshift facts"],
    ),
    sample(
        "redshift",
        &["ModifyClusterParameterGroup", "ResetClusterParameterGroup"],
        r#"{"parameterGroupName":"strict","parameters":[{"parameterName":"require_ssl","parameterValue":"false"}]}"#,
        r#"{"parameterGroupName":"strict"}"#,
        &["? the Redshift clusters of the parameter group strict"],
    ),
    sample(
        "redshift",
        &["CreateTags", "DeleteTags"],
        r#"{"resourceName":"arn:aws:redshift:eu-west-1:111122223333:cluster:facts","tags":[{"key":"Owner","value":"web"}]}"#,
        "null",
        &["redshift facts"],
    ),
];
