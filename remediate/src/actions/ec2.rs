//! What is done to instances.

use aws_sdk_ec2::types as ec2;
use common::action::{Action, Change};
use common::aws::{AwsError, Session};
use common::id::Region;
use common::record::Resource;
use common::resource::{Instance, InstanceState, MetadataOptions};
use serde::Serialize;

use super::{Planned, Refusal, foreign, pending, sent};

/// A call on an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "operation", content = "parameters", rename_all_fields = "PascalCase")]
pub(crate) enum Step {
    #[serde(rename = "ec2:StopInstances")]
    Stop { instance_ids: [String; 1] },
    #[serde(rename = "ec2:StartInstances")]
    Start { instance_ids: [String; 1] },
    #[serde(rename = "ec2:ModifyInstanceMetadataOptions")]
    ModifyMetadataOptions {
        instance_id: String,
        #[serde(flatten)]
        options: MetadataChange,
    },
}

/// What of the metadata options is set; the rest stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
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

type InstancePlan = Result<Planned<Instance, Step>, Refusal>;

pub(crate) fn plan(action: &Action, resource: &Resource<Instance>) -> InstancePlan {
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

fn stop(resource: &Resource<Instance>) -> InstancePlan {
    match resource.config.state.name.as_str() {
        "stopped" | "stopping" | "shutting-down" | "terminated" => Ok(Planned::nothing(resource)),
        "running" | "pending" if resource.config.root_device_type.as_deref() == Some("instance-store") => Err(
            Refusal::Impossible("its root device is an instance store: it can be terminated, not stopped".to_owned()),
        ),
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

impl Step {
    pub(crate) async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let client = common::client!(aws_sdk_ec2, session, region);
        match self {
            Self::Stop { instance_ids } => sent(
                "ec2:StopInstances",
                client.stop_instances().set_instance_ids(Some(instance_ids.to_vec())).send().await,
            ),
            Self::Start { instance_ids } => sent(
                "ec2:StartInstances",
                client.start_instances().set_instance_ids(Some(instance_ids.to_vec())).send().await,
            ),
            Self::ModifyMetadataOptions { instance_id, options } => sent(
                "ec2:ModifyInstanceMetadataOptions",
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
