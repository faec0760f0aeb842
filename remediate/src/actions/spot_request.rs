//! What is done to requests for Spot Instances: they are cancelled.

use common::action::Action;
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::SpotRequest;
use serde::Serialize;

use super::call::sent;
use super::refusal::foreign;
use super::{ApiCall, Mended, Planned, Refusal, Turn, lost};

/// A call on requests.
#[derive(Debug, Serialize)]
#[serde(untagged, rename_all_fields = "PascalCase")]
pub(crate) enum Step {
    Cancel { spot_instance_request_ids: Vec<String> },
}

impl Mended for SpotRequest {
    type Step = Step;

    const CALLS: &'static [(&'static str, &'static [Operation])] =
        &[("ec2_cancel_spot_request", &[operation::EC2_CANCEL_SPOT_INSTANCE_REQUESTS])];

    /// A request that is cancelled cannot be brought back. What else cannot be undone needs `--irreversible`; this is the
    /// one exception: of an open request nothing is lost, for nothing is there yet, and the emergency brake must be able to
    /// stop what is about to start. See [`loses`](Self::loses) for the others.
    fn plan(action: &Action, resource: &Resource<Self>) -> Result<Planned<Self, Step>, Refusal> {
        let Action::Ec2CancelSpotRequest = action else { return Err(foreign(action, resource)) };
        match resource.config.state.as_deref() {
            Some("cancelled" | "closed" | "failed") => Ok(Planned::nothing(resource)),
            Some("open" | "active" | "disabled") => {
                let step = Step::Cancel { spot_instance_request_ids: vec![resource.id.clone()] };
                // AWS shows what is cancelled for some time.
                Ok(Planned { steps: vec![step], undo: None, after: None })
            }
            Some(other) => {
                Err(Refusal::Impossible(format!("its state is `{other}`, which this version does not know")))
            }
            None => Err(Refusal::Impossible("its record does not say State".to_owned())),
        }
    }

    /// The caller makes each by itself where AWS refuses them as a whole.
    fn together(steps: &[&Step]) -> Option<Step> {
        let ids = steps.iter().flat_map(|Step::Cancel { spot_instance_request_ids }| spot_instance_request_ids);
        Some(Step::Cancel { spot_instance_request_ids: ids.cloned().collect() })
    }

    fn rebase(undo: Action, _: &Self, _: &Self) -> Action {
        undo
    }

    /// AWS stops and starts a Spot Instance only while its request is there, and persistent:
    /// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-instances-request.html>.
    fn loses(action: &Action, resource: &Resource<Self>) -> Option<&'static str> {
        let request = &resource.config;
        if request.is_persistent() && request.instance_id.is_some() {
            return Some("its instance can then be neither stopped nor, once it is stopped, started again");
        }
        lost(action)
    }

    /// Before instances are stopped or terminated: a persistent one would start others.
    fn turn(_: &Action) -> Turn {
        Turn::First
    }
}

impl ApiCall for Step {
    fn operation(&self) -> Operation {
        operation::EC2_CANCEL_SPOT_INSTANCE_REQUESTS
    }

    async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let Self::Cancel { spot_instance_request_ids } = self;
        let call = common::client!(aws_sdk_ec2, session, region).cancel_spot_instance_requests();
        let call = call.set_spot_instance_request_ids(Some(spot_instance_request_ids.clone()));
        sent(self.operation(), call.send().await)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::actions::tests::{Samples, planned, resource, the_call};

    const CANCEL: Action = Action::Ec2CancelSpotRequest;

    fn request(id: &str, state: &str, kind: &str, instance: Option<&str>) -> Resource<SpotRequest> {
        let config = SpotRequest {
            spot_instance_request_id: id.to_owned(),
            state: Some(state.to_owned()),
            r#type: Some(kind.to_owned()),
            instance_id: instance.map(str::to_owned),
            ..SpotRequest::default()
        };
        resource(id, &format!("arn:aws:ec2:eu-west-1:111122223333:spot-instances-request/{id}"), config)
    }

    impl Samples for SpotRequest {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            vec![(CANCEL, request("sir-1", "open", "persistent", None))]
        }
    }

    #[test]
    fn what_would_start_something_is_cancelled_and_what_is_over_is_left_alone() {
        let (operation, parameters) = the_call(&CANCEL, &request("sir-1", "open", "one-time", None));
        assert_eq!(
            (operation.as_str(), parameters),
            ("ec2:CancelSpotInstanceRequests", json!({"SpotInstanceRequestIds": ["sir-1"]}))
        );
        for over in ["cancelled", "closed", "failed"] {
            let plan = planned(&CANCEL, &request("sir-1", over, "persistent", Some("i-1"))).unwrap();
            assert!(plan.steps.is_empty(), "{over}");
        }
        let strange = planned(&CANCEL, &request("sir-1", "dreaming", "one-time", None));
        assert!(matches!(strange, Err(Refusal::Impossible(why)) if why.contains("dreaming")));
        let mut silent = request("sir-1", "open", "one-time", None);
        silent.config.state = None;
        assert!(matches!(planned(&CANCEL, &silent), Err(Refusal::Impossible(_))));
    }

    #[test]
    fn cancelling_needs_leave_only_where_an_instance_could_not_be_stopped_or_started_then() {
        for (state, kind, instance, loses) in [
            ("open", "one-time", None, false),
            ("open", "persistent", None, false),
            ("active", "one-time", Some("i-1"), false),
            ("active", "persistent", Some("i-1"), true),
            ("disabled", "persistent", Some("i-1"), true),
            ("open", "persistent", Some("i-1"), true),
        ] {
            let plan = planned(&CANCEL, &request("sir-1", state, kind, instance)).unwrap();
            assert_eq!(plan.undo, None);
            assert_eq!(plan.loses.is_some(), loses, "{state} {kind}");
        }
    }

    #[test]
    fn many_are_cancelled_at_once() {
        let step = |id: &str| Step::Cancel { spot_instance_request_ids: vec![id.to_owned()] };
        let (one, other) = (step("sir-1"), step("sir-2"));
        let together = SpotRequest::together(&[&one, &other]).unwrap();
        assert_eq!(serde_json::to_value(together).unwrap(), json!({"SpotInstanceRequestIds": ["sir-1", "sir-2"]}));
    }
}
