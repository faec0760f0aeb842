//! AMIs: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharing-amis.html>.

use common::record::Severity;
use common::resource::{Image, ResourceType};

use super::{About, Check, Checked, always, shares};

impl Checked for Image {
    const CHECKS: &'static [Check<Self>] = &[
        Check {
            about: About {
                id: "ami_public",
                kind: ResourceType::Ami,
                severity: Severity::Critical,
                controls: &[],
                actions: &["unshare"],
                fix: true,
                needs: &["LaunchPermissions"],
                meaning: "Anyone with an AWS account can start instances of the image, and read what is on its volumes.",
                page: "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-intro.html",
            },
            arises: always,
            judge: |case| shares::public(case, "is public: anyone can start it"),
        },
        Check {
            about: About {
                id: "ami_shared",
                kind: ResourceType::Ami,
                severity: Severity::High,
                controls: &[],
                actions: &["unshare"],
                fix: true,
                needs: &["LaunchPermissions"],
                meaning: "The image is shared with an account or an organization that is not known.",
                page: "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-explicit.html",
            },
            arises: always,
            judge: shares::strangers,
        },
    ];
}
