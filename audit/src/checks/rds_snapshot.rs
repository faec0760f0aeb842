//! Snapshots of database instances: <https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html>.

use common::record::Severity;
use common::resource::{DbSnapshot, ResourceType};

use super::{About, Check, Checked, always, shares};

impl Checked for DbSnapshot {
    const CHECKS: &'static [Check<Self>] = &[
        Check {
            about: About {
                id: "rds_snapshot_public",
                kind: ResourceType::RdsSnapshot,
                severity: Severity::Critical,
                controls: &["FSBP RDS.1"],
                actions: &["unshare"],
                fix: true,
                needs: &["DBSnapshotAttributes"],
                meaning: "Anyone with an AWS account can restore the snapshot, and read the database.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html#rds-1",
            },
            arises: always,
            judge: |case| shares::public(case, "is public: anyone can restore it"),
        },
        Check {
            about: About {
                id: "rds_snapshot_shared",
                kind: ResourceType::RdsSnapshot,
                severity: Severity::High,
                controls: &[],
                actions: &["unshare"],
                fix: true,
                needs: &["DBSnapshotAttributes"],
                meaning: "The snapshot is shared with an account that is not known.",
                page: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ShareSnapshot.html",
            },
            arises: always,
            judge: shares::strangers,
        },
    ];
}
