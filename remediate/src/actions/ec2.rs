//! What is done to instances.

use aws_sdk_ec2::types as ec2;
use common::action::{Action, Change};
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::{Instance, InstanceState, MetadataOptions};
use serde::Serialize;

use super::call::sent;
use super::change::pending;
use super::refusal::foreign;
use super::{ApiCall, Mended, Planned, Refusal};

/// A call on an instance.
#[derive(Debug, Serialize)]
#[serde(untagged, rename_all_fields = "PascalCase")]
pub(crate) enum Step {
    Stop {
        instance_ids: [String; 1],
    },
    Start {
        instance_ids: [String; 1],
    },
    ModifyMetadataOptions {
        instance_id: String,
        #[serde(flatten)]
        options: MetadataChange,
    },
}

/// What of the metadata options is set; the rest stays.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MetadataChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    http_tokens: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_put_response_hop_limit: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_protocol_ipv6: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_metadata_tags: Option<String>,
}

/// The tag that an Auto Scaling group gives its instances.
const AUTO_SCALING: &str = "aws:autoscaling:groupName";

type InstancePlan = Result<Planned<Instance, Step>, Refusal>;

impl Mended for Instance {
    type Step = Step;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("stop", &[operation::EC2_STOP_INSTANCES]),
        ("start", &[operation::EC2_START_INSTANCES]),
        ("ec2_require_imdsv2", &[operation::EC2_MODIFY_INSTANCE_METADATA_OPTIONS]),
        ("ec2_set_metadata_options", &[operation::EC2_MODIFY_INSTANCE_METADATA_OPTIONS]),
    ];

    fn plan(action: &Action, resource: &Resource<Self>) -> InstancePlan {
        match action {
            Action::Stop => stop(resource),
            Action::Start => start(resource),
            Action::Ec2RequireImdsv2 => {
                let from = resource.config.metadata_options.clone();
                if from.http_endpoint.as_deref() == Some("disabled") {
                    return Ok(Planned::nothing(resource));
                }
                let to = MetadataOptions { http_tokens: Some("required".to_owned()), ..from.clone() };
                set_metadata_options(resource, &Change { from, to })
            }
            Action::Ec2SetMetadataOptions(change) => set_metadata_options(resource, change),
            other => Err(foreign(other, resource)),
        }
    }

    fn rebase(undo: Action, _: &Self, observed: &Self) -> Action {
        match undo {
            // No document that somebody else might have added to: what is seen is what AWS made of it.
            Action::Ec2SetMetadataOptions(change) => {
                Action::Ec2SetMetadataOptions(Change { from: observed.metadata_options.clone(), to: change.to })
            }
            other => other,
        }
    }
}

fn stop(resource: &Resource<Instance>) -> InstancePlan {
    match resource.config.state.name.as_str() {
        "stopped" | "stopping" | "shutting-down" | "terminated" => Ok(Planned::nothing(resource)),
        "running" | "pending" if resource.config.root_device_type.as_deref() == Some("instance-store") => Err(
            Refusal::Impossible("its root device is an instance store: it can be terminated, not stopped".to_owned()),
        ),
        // Its group takes a stopped instance for a broken one, terminates it and starts another.
        "running" | "pending" if resource.tags.contains_key(AUTO_SCALING) => Err(Refusal::Impossible(format!(
            "it belongs to the Auto Scaling group {}, which would terminate and replace it",
            resource.tags[AUTO_SCALING]
        ))),
        "running" | "pending" => {
            let step = Step::Stop { instance_ids: [resource.id.clone()] };
            Ok(Planned::one(step, Some(Action::Start), in_state(resource, "stopped")))
        }
        other => Err(Refusal::Impossible(format!("its state is `{other}`, which this version does not know"))),
    }
}

fn start(resource: &Resource<Instance>) -> InstancePlan {
    match resource.config.state.name.as_str() {
        "running" | "pending" => Ok(Planned::nothing(resource)),
        "stopped" => {
            let step = Step::Start { instance_ids: [resource.id.clone()] };
            Ok(Planned::one(step, Some(Action::Stop), in_state(resource, "running")))
        }
        "stopping" => Err(Refusal::Impossible("it is still stopping: start it in a minute".to_owned())),
        other => Err(Refusal::Changed(format!("it cannot be started: its state is `{other}`"))),
    }
}

fn in_state(resource: &Resource<Instance>, state: &str) -> Instance {
    Instance { state: InstanceState { name: state.to_owned() }, ..resource.config.clone() }
}

fn set_metadata_options(resource: &Resource<Instance>, change: &Change<MetadataOptions>) -> InstancePlan {
    let now = resource.config.metadata_options.clone();
    if !pending(change, &now, "the set of metadata options")? {
        return Ok(Planned::nothing(resource));
    }
    if matches!(resource.config.state.name.as_str(), "shutting-down" | "terminated") {
        return Err(Refusal::Changed(format!("the instance is {}", resource.config.state.name)));
    }
    let to = &change.to;
    // Only what differs is sent: the smallest change.
    let options = MetadataChange {
        http_tokens: changed(now.http_tokens.as_ref(), to.http_tokens.as_ref()),
        http_endpoint: changed(now.http_endpoint.as_ref(), to.http_endpoint.as_ref()),
        http_put_response_hop_limit: changed(
            now.http_put_response_hop_limit.as_ref(),
            to.http_put_response_hop_limit.as_ref(),
        ),
        http_protocol_ipv6: changed(now.http_protocol_ipv6.as_ref(), to.http_protocol_ipv6.as_ref()),
        instance_metadata_tags: changed(now.instance_metadata_tags.as_ref(), to.instance_metadata_tags.as_ref()),
    };
    let step = Step::ModifyMetadataOptions { instance_id: resource.id.clone(), options };
    let after = Instance { metadata_options: to.clone(), ..resource.config.clone() };
    Ok(Planned::one(step, Some(Action::Ec2SetMetadataOptions(Change { from: to.clone(), to: now })), after))
}

/// What is to be, where it is not so already.
fn changed<T: PartialEq + Clone>(now: Option<&T>, to: Option<&T>) -> Option<T> {
    to.filter(|_| now != to).cloned()
}

impl ApiCall for Step {
    fn operation(&self) -> Operation {
        match self {
            Self::Stop { .. } => operation::EC2_STOP_INSTANCES,
            Self::Start { .. } => operation::EC2_START_INSTANCES,
            Self::ModifyMetadataOptions { .. } => operation::EC2_MODIFY_INSTANCE_METADATA_OPTIONS,
        }
    }

    async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let client = common::client!(aws_sdk_ec2, session, region);
        let operation = self.operation();
        match self {
            Self::Stop { instance_ids } => {
                sent(operation, client.stop_instances().set_instance_ids(Some(instance_ids.to_vec())).send().await)
            }
            Self::Start { instance_ids } => {
                sent(operation, client.start_instances().set_instance_ids(Some(instance_ids.to_vec())).send().await)
            }
            Self::ModifyMetadataOptions { instance_id, options } => sent(
                operation,
                client
                    .modify_instance_metadata_options()
                    .instance_id(instance_id)
                    .set_http_tokens(options.http_tokens.as_deref().map(ec2::HttpTokensState::from))
                    .set_http_endpoint(options.http_endpoint.as_deref().map(ec2::InstanceMetadataEndpointState::from))
                    .set_http_put_response_hop_limit(options.http_put_response_hop_limit)
                    .set_http_protocol_ipv6(
                        options.http_protocol_ipv6.as_deref().map(ec2::InstanceMetadataProtocolState::from),
                    )
                    .set_instance_metadata_tags(
                        options.instance_metadata_tags.as_deref().map(ec2::InstanceMetadataTagsState::from),
                    )
                    .send()
                    .await,
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::actions::tests::{Samples, planned, resource, the_call};

    fn instance(state: &str) -> Resource<Instance> {
        let config = Instance {
            instance_id: "i-1".into(),
            state: InstanceState { name: state.into() },
            metadata_options: MetadataOptions {
                http_tokens: Some("optional".into()),
                http_endpoint: Some("enabled".into()),
                http_put_response_hop_limit: Some(2),
                ..MetadataOptions::default()
            },
            ..Instance::default()
        };
        resource("i-1", "arn:aws:ec2:eu-west-1:111122223333:instance/i-1", config)
    }

    impl Samples for Instance {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            vec![
                (Action::Stop, instance("running")),
                (Action::Start, instance("stopped")),
                (Action::Ec2RequireImdsv2, instance("running")),
            ]
        }
    }

    #[test]
    fn only_the_option_that_differs_is_sent() {
        let (operation, parameters) = the_call(&Action::Ec2RequireImdsv2, &instance("running"));
        assert_eq!(
            (operation.as_str(), parameters),
            ("ec2:ModifyInstanceMetadataOptions", json!({"InstanceId": "i-1", "HttpTokens": "required"}))
        );
    }

    #[test]
    fn an_instance_of_an_auto_scaling_group_is_not_stopped() {
        let mut instance = instance("running");
        instance.tags.insert("aws:autoscaling:groupName".into(), "web".into());
        assert!(matches!(planned(&Action::Stop, &instance), Err(Refusal::Impossible(why)) if why.contains("web")));
    }

    #[test]
    fn states_in_which_nothing_can_be_done_are_said() {
        assert!(planned(&Action::Stop, &instance("terminated")).unwrap().steps.is_empty());
        assert!(matches!(planned(&Action::Start, &instance("terminated")), Err(Refusal::Changed(_))));
        assert!(matches!(planned(&Action::Start, &instance("stopping")), Err(Refusal::Impossible(_))));
    }
}
