//! Snapshots of database clusters: <https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html>.

use common::record::Severity;
use common::resource::{DbClusterSnapshot, ResourceType};

use super::{About, Check, Checked, always, shares};

impl Checked for DbClusterSnapshot {
    const CHECKS: &'static [Check<Self>] = &[
        Check {
            about: About {
                id: "rds_cluster_snapshot_public",
                kind: ResourceType::RdsClusterSnapshot,
                severity: Severity::Critical,
                controls: &["FSBP RDS.1"],
                actions: &["unshare"],
                fix: true,
                needs: &["DBClusterSnapshotAttributes"],
                meaning: "Anyone with an AWS account can restore the snapshot, and read the databases.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html#rds-1",
            },
            arises: always,
            judge: |case| shares::public(case, "is public: anyone can restore it"),
        },
        Check {
            about: About {
                id: "rds_cluster_snapshot_shared",
                kind: ResourceType::RdsClusterSnapshot,
                severity: Severity::High,
                controls: &[],
                actions: &["unshare"],
                fix: true,
                needs: &["DBClusterSnapshotAttributes"],
                meaning: "The snapshot is shared with an account that is not known.",
                page: "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-share-snapshot.html",
            },
            arises: always,
            judge: shares::strangers,
        },
    ];
}
