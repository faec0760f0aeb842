//! Snapshots of volumes: <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html>.

use common::record::Severity;
use common::resource::{ResourceType, Snapshot};

use super::{About, Check, Checked, always, shares};

impl Checked for Snapshot {
    const CHECKS: &'static [Check<Self>] = &[
        Check {
            about: About {
                id: "ebs_snapshot_public",
                kind: ResourceType::EbsSnapshot,
                severity: Severity::Critical,
                controls: &["FSBP EC2.1"],
                actions: &["unshare"],
                fix: true,
                needs: &["CreateVolumePermissions"],
                meaning: "Anyone with an AWS account can make a volume of the snapshot, and read it.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-1",
            },
            arises: always,
            judge: |case| shares::public(case, "is public: anyone can make a volume of it"),
        },
        Check {
            about: About {
                id: "ebs_snapshot_shared",
                kind: ResourceType::EbsSnapshot,
                severity: Severity::High,
                controls: &[],
                actions: &["unshare"],
                fix: true,
                needs: &["CreateVolumePermissions"],
                meaning: "The snapshot is shared with an account that is not known.",
                page: "https://docs.aws.amazon.com/ebs/latest/userguide/ebs-modifying-snapshot-permissions.html",
            },
            arises: always,
            judge: shares::strangers,
        },
    ];
}
