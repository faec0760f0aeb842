//! Volumes. A volume lacks an address and shares nothing; only its tags are asked about.

use common::record::Severity;
use common::resource::{ResourceType, Volume};

use super::{About, Case, Check, Checked, Problem, Unclear, tags};

impl Checked for Volume {
    const CHECKS: &'static [Check<Self>] = &[Check {
        about: About {
            id: "ebs_volume_required_tags",
            kind: ResourceType::EbsVolume,
            severity: Severity::Low,
            controls: &[],
            actions: &[],
            fix: false,
            needs: &["State", "Tags"],
            meaning: "The volume lacks a tag that the settings require.",
            page: "https://docs.aws.amazon.com/config/latest/developerguide/required-tags.html",
        },
        arises: tags::required,
        judge: required_tags,
    }];
}

/// Not of what is about to be gone. The states are those of
/// <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-describing-volumes.html>.
fn required_tags(case: &Case<'_, Volume>) -> Result<Vec<Problem>, Unclear> {
    match case.config().state.as_deref() {
        Some("deleting" | "deleted") => Ok(Vec::new()),
        Some(_) => Ok(tags::missing(case).into_iter().collect()),
        None => Err(Unclear("the record does not say State".to_owned())),
    }
}
