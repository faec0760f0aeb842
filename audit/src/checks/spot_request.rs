//! Requests for Spot Instances. What is wrong with one shows in its instance; the emergency brake alone asks about them.

use common::action::Action;
use common::record::Severity;
use common::resource::{ResourceType, SpotRequest};
use serde_json::json;

use super::{About, Case, Check, Checked, Problem, Unclear, runaway};

impl Checked for SpotRequest {
    const CHECKS: &'static [Check<Self>] = &[Check {
        about: About {
            id: "spot_request_runaway",
            kind: ResourceType::SpotRequest,
            severity: Severity::Critical,
            controls: &[],
            actions: &["ec2_cancel_spot_request"],
            fix: true,
            needs: &["State"],
            meaning: "The request waits to launch an instance, in an account that is over its limit.",
            page: "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-requests.html",
        },
        arises: runaway::limited,
        judge: running_away,
    }];
}

/// Only what is open. An active request launches another instance when its own is gone, but not when that is stopped, and
/// once it is cancelled the instance can no longer be stopped: see
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-instances-request.html>.
fn running_away(case: &Case<'_, SpotRequest>) -> Result<Vec<Problem>, Unclear> {
    let request = case.config();
    let Some(state) = &request.state else { return Err(Unclear("the record does not say State".to_owned())) };
    if !request.would_launch() {
        return Ok(Vec::new());
    }
    let problem = runaway::to_halt(case, "it waits to launch an instance", json!({"State": state}));
    Ok(vec![problem.action(Action::Ec2CancelSpotRequest)])
}
