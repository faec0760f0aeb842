//! RDS and Redshift. CloudTrail writes their identifiers as `dBInstanceIdentifier`.
//!
//! What was just made or is being modified is not worth a look at once; the times are those of the original framework.

use common::resource::ResourceType::{Rds, RdsCluster, RdsClusterSnapshot, RdsSnapshot, Redshift};

use crate::events::Question;
use crate::events::place::{Change, Events, among, asked, at, calls, maybe};

/// Until a database that is being made can be told of.
const MADE: u16 = 900;
/// Until a modification of an RDS instance shows.
const MODIFIED: u16 = 120;

const TAGGED: &[&str] = &["requestParameters.resourceName"];
const INSTANCE: Change = at(Rds, &["requestParameters.dBInstanceIdentifier"]);
const NEW_INSTANCE: Change =
    at(Rds, &["responseElements.dBInstanceIdentifier", "requestParameters.dBInstanceIdentifier"]);
/// Clusters tell of their members.
const ITS_CLUSTER: Change =
    maybe(RdsCluster, &["responseElements.dBClusterIdentifier", "requestParameters.dBClusterIdentifier"]);
const CLUSTER: Change = at(RdsCluster, &["requestParameters.dBClusterIdentifier"]);
const NEW_CLUSTER: Change =
    at(RdsCluster, &["responseElements.dBClusterIdentifier", "requestParameters.dBClusterIdentifier"]);
const REDSHIFT: Change = at(Redshift, &["requestParameters.clusterIdentifier"]);
const NEW_REDSHIFT: Change =
    at(Redshift, &["responseElements.clusterIdentifier", "requestParameters.clusterIdentifier"]);

pub(super) const EVENTS: &[Events] = &[
    calls(
        "rds",
        &[NEW_INSTANCE, ITS_CLUSTER],
        &["CreateDBInstance", "RestoreDBInstanceFromDBSnapshot", "RestoreDBInstanceFromS3"],
    )
    .after(MADE),
    calls(
        "rds",
        &[at(Rds, &["responseElements.dBInstanceIdentifier", "requestParameters.targetDBInstanceIdentifier"])],
        &["RestoreDBInstanceToPointInTime"],
    )
    .after(MADE),
    // The source tells of its replicas.
    calls(
        "rds",
        &[NEW_INSTANCE, maybe(Rds, &["requestParameters.sourceDBInstanceIdentifier"])],
        &["CreateDBInstanceReadReplica"],
    )
    .after(MADE),
    calls(
        "rds",
        &[INSTANCE, maybe(Rds, &["requestParameters.newDBInstanceIdentifier"]), ITS_CLUSTER],
        &["ModifyDBInstance"],
    )
    .after(MODIFIED),
    calls(
        "rds",
        &[INSTANCE, maybe(RdsSnapshot, &["requestParameters.finalDBSnapshotIdentifier"]), ITS_CLUSTER],
        &["DeleteDBInstance"],
    ),
    calls("rds", &[INSTANCE], &["StartDBInstance", "StopDBInstance", "PromoteReadReplica", "SwitchoverReadReplica"]),
    calls(
        "rds",
        &[NEW_CLUSTER],
        &["CreateDBCluster", "RestoreDBClusterFromSnapshot", "RestoreDBClusterFromS3", "RestoreDBClusterToPointInTime"],
    )
    .after(MADE),
    calls("rds", &[CLUSTER, maybe(RdsCluster, &["requestParameters.newDBClusterIdentifier"])], &["ModifyDBCluster"])
        .after(MODIFIED),
    calls(
        "rds",
        &[CLUSTER, maybe(RdsClusterSnapshot, &["requestParameters.finalDBSnapshotIdentifier"])],
        &["DeleteDBCluster"],
    ),
    calls(
        "rds",
        &[CLUSTER],
        &[
            "StartDBCluster",
            "StopDBCluster",
            "FailoverDBCluster",
            "PromoteReadReplicaDBCluster",
            "RemoveFromGlobalCluster",
        ],
    ),
    calls("rds", &[maybe(RdsCluster, &["requestParameters.sourceDBClusterIdentifier"])], &["CreateGlobalCluster"]),
    calls(
        "rds",
        &[at(RdsCluster, &["requestParameters.targetDbClusterIdentifier"])],
        &["FailoverGlobalCluster", "SwitchoverGlobalCluster"],
    ),
    calls(
        "rds",
        &[at(RdsSnapshot, &["requestParameters.dBSnapshotIdentifier"])],
        &["CreateDBSnapshot", "ModifyDBSnapshot", "ModifyDBSnapshotAttribute", "DeleteDBSnapshot"],
    ),
    calls("rds", &[at(RdsSnapshot, &["requestParameters.targetDBSnapshotIdentifier"])], &["CopyDBSnapshot"]),
    calls(
        "rds",
        &[at(RdsClusterSnapshot, &["requestParameters.dBClusterSnapshotIdentifier"])],
        &["CreateDBClusterSnapshot", "ModifyDBClusterSnapshotAttribute", "DeleteDBClusterSnapshot"],
    ),
    calls(
        "rds",
        &[at(RdsClusterSnapshot, &["requestParameters.targetDBClusterSnapshotIdentifier"])],
        &["CopyDBClusterSnapshot"],
    ),
    calls(
        "rds",
        &[among(Rds, TAGGED), among(RdsCluster, TAGGED), among(RdsSnapshot, TAGGED), among(RdsClusterSnapshot, TAGGED)],
        &["AddTagsToResource", "RemoveTagsFromResource"],
    ),
    calls("redshift", &[NEW_REDSHIFT], &["CreateCluster", "RestoreFromClusterSnapshot"]).after(MADE),
    calls("redshift", &[REDSHIFT, maybe(Redshift, &["requestParameters.newClusterIdentifier"])], &["ModifyCluster"])
        .after(MADE),
    calls(
        "redshift",
        &[REDSHIFT],
        &["ResizeCluster", "PauseCluster", "ResumeCluster", "RebootCluster", "DeleteCluster"],
    ),
    // Whether TLS is required is a parameter.
    calls(
        "redshift",
        &[asked(Redshift, &["requestParameters.parameterGroupName"], Question::ParameterGroup)],
        &["ModifyClusterParameterGroup", "ResetClusterParameterGroup"],
    ),
    calls("redshift", &[among(Redshift, TAGGED)], &["CreateTags", "DeleteTags"]),
];
