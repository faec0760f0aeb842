//! What is done to instances.

mod addresses;
mod metadata;
mod power;

use aws_sdk_ec2::types as ec2;
use common::action::{Action, Change, Kill};
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::Instance;
use common::settings::Remediate;
use serde::Serialize;

use self::metadata::MetadataChange;
use super::call::sent;
use super::refusal::foreign;
use super::{ApiCall, Mended, Planned, Refusal, Turn, lost};

/// A call on an instance.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged, rename_all_fields = "PascalCase")]
pub(crate) enum Step {
    Stop {
        instance_ids: Vec<String>,
    },
    Start {
        instance_ids: Vec<String>,
    },
    Terminate {
        instance_ids: Vec<String>,
    },
    DisassociateAddress {
        association_id: String,
    },
    AssociateAddress {
        allocation_id: String,
        network_interface_id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        private_ip_address: Option<String>,
        allow_reassociation: bool,
    },
    ModifyMetadataOptions {
        instance_id: String,
        #[serde(flatten)]
        options: MetadataChange,
    },
}

type InstancePlan = Result<Planned<Instance, Step>, Refusal>;

impl Mended for Instance {
    type Step = Step;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("disable", &[operation::EC2_STOP_INSTANCES]),
        ("kill", &[operation::EC2_TERMINATE_INSTANCES]),
        ("stop", &[operation::EC2_STOP_INSTANCES]),
        ("ec2_halt", &[operation::EC2_STOP_INSTANCES]),
        ("start", &[operation::EC2_START_INSTANCES]),
        ("ec2_terminate", &[operation::EC2_TERMINATE_INSTANCES]),
        ("ec2_disassociate_address", &[operation::EC2_DISASSOCIATE_ADDRESS]),
        ("ec2_associate_address", &[operation::EC2_ASSOCIATE_ADDRESS]),
        ("ec2_require_imdsv2", &[operation::EC2_MODIFY_INSTANCE_METADATA_OPTIONS]),
        ("ec2_set_metadata_options", &[operation::EC2_MODIFY_INSTANCE_METADATA_OPTIONS]),
    ];

    const CLOSELY: &'static [&'static str] = &["ec2_halt"];

    fn plan(action: &Action, resource: &Resource<Self>) -> InstancePlan {
        match action {
            Action::Stop => power::stop(resource),
            Action::Ec2Halt => power::halt(resource),
            Action::Start => power::start(resource),
            Action::Ec2Terminate => power::terminate(resource),
            Action::Ec2DisassociateAddress(address) => addresses::disassociate(resource, address),
            Action::Ec2AssociateAddress(address) => addresses::associate(resource, address),
            Action::Ec2RequireImdsv2 => metadata::require_tokens(resource),
            Action::Ec2SetMetadataOptions(change) => metadata::set(resource, change),
            other => Err(foreign(other, resource)),
        }
    }

    fn disable(_: &Resource<Self>, _: &Remediate) -> Result<Vec<Action>, Refusal> {
        Ok(vec![Action::Stop])
    }

    fn kill(resource: &Resource<Self>, _: Kill, _: &Remediate) -> InstancePlan {
        power::terminate(resource)
    }

    fn not_ready(action: &Action, resource: &Resource<Self>) -> Option<String> {
        if *action == Action::Ec2Halt { power::replaced(resource) } else { None }
    }

    /// Of calls that AWS refuses as a whole where it refuses one of them, the caller makes each by itself.
    fn together(steps: &[&Step]) -> Option<Step> {
        let (first, others) = steps.split_first()?;
        others.iter().try_fold(Step::clone(first), |all, step| all.joined(step))
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

    /// The brake is held by nothing that is on such volumes: the instances that cost most have them, and whoever set the
    /// account's limit wants those above all to stop.
    fn loses(action: &Action, resource: &Resource<Self>) -> Option<&'static str> {
        let stored = resource.config.instance_type.as_deref().is_some_and(power::has_instance_store);
        if *action == Action::Stop && stored {
            return Some("its type has instance store volumes, whose data is lost when it stops");
        }
        lost(action)
    }

    /// An instance that is stopped or terminated is on the internet no more, so that nothing would seem to be left to do; but
    /// its Elastic IP would bring a stopped one back there as soon as somebody starts it.
    fn turn(action: &Action) -> Turn {
        if matches!(action, Action::Ec2DisassociateAddress(_)) { Turn::First } else { Turn::Usual }
    }
}

impl Step {
    /// One call on the instances of both, where both are the same call and it takes several.
    fn joined(mut self, other: &Self) -> Option<Self> {
        match (&mut self, other) {
            (Self::Stop { instance_ids }, Self::Stop { instance_ids: more })
            | (Self::Start { instance_ids }, Self::Start { instance_ids: more })
            | (Self::Terminate { instance_ids }, Self::Terminate { instance_ids: more }) => {
                instance_ids.extend_from_slice(more);
            }
            _ => return None,
        }
        Some(self)
    }
}

impl ApiCall for Step {
    fn operation(&self) -> Operation {
        match self {
            Self::Stop { .. } => operation::EC2_STOP_INSTANCES,
            Self::Start { .. } => operation::EC2_START_INSTANCES,
            Self::Terminate { .. } => operation::EC2_TERMINATE_INSTANCES,
            Self::DisassociateAddress { .. } => operation::EC2_DISASSOCIATE_ADDRESS,
            Self::AssociateAddress { .. } => operation::EC2_ASSOCIATE_ADDRESS,
            Self::ModifyMetadataOptions { .. } => operation::EC2_MODIFY_INSTANCE_METADATA_OPTIONS,
        }
    }

    async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let client = common::client!(aws_sdk_ec2, session, region);
        let operation = self.operation();
        match self {
            Self::Stop { instance_ids } => {
                sent(operation, client.stop_instances().set_instance_ids(Some(instance_ids.clone())).send().await)
            }
            Self::Start { instance_ids } => {
                sent(operation, client.start_instances().set_instance_ids(Some(instance_ids.clone())).send().await)
            }
            Self::Terminate { instance_ids } => {
                sent(operation, client.terminate_instances().set_instance_ids(Some(instance_ids.clone())).send().await)
            }
            Self::DisassociateAddress { association_id } => {
                sent(operation, client.disassociate_address().association_id(association_id).send().await)
            }
            Self::AssociateAddress { allocation_id, network_interface_id, private_ip_address, allow_reassociation } => {
                let call = client.associate_address().allocation_id(allocation_id);
                let call = call.network_interface_id(network_interface_id).allow_reassociation(*allow_reassociation);
                sent(operation, call.set_private_ip_address(private_ip_address.clone()).send().await)
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
    use common::resource::{InstanceState, MetadataOptions};

    use super::addresses::tests::{elastic, with_elastic_ip};
    use super::*;
    use crate::actions::tests::{Samples, resource};

    pub(super) fn instance(state: &str) -> Resource<Instance> {
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
                (Action::Disable, instance("running")),
                (Action::Kill(Kill::default()), instance("running")),
                (Action::Stop, instance("running")),
                (Action::Ec2Halt, instance("running")),
                (Action::Start, instance("stopped")),
                (Action::Ec2Terminate, instance("stopped")),
                (Action::Ec2DisassociateAddress(elastic("eipalloc-1", None)), with_elastic_ip()),
                (Action::Ec2RequireImdsv2, instance("running")),
            ]
        }
    }
    #[test]
    fn only_the_same_calls_on_several_instances_go_out_as_one() {
        let ids = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect::<Vec<_>>();
        let stop = |all: &[&str]| Step::Stop { instance_ids: ids(all) };
        let start = |all: &[&str]| Step::Start { instance_ids: ids(all) };
        let terminate = |all: &[&str]| Step::Terminate { instance_ids: ids(all) };
        let release = || Step::DisassociateAddress { association_id: "eipassoc-1".to_owned() };
        for (steps, whole) in [
            ([stop(&["i-1"]), stop(&["i-2"])], Some(stop(&["i-1", "i-2"]))),
            ([start(&["i-1"]), start(&["i-2"])], Some(start(&["i-1", "i-2"]))),
            ([terminate(&["i-1"]), terminate(&["i-2"])], Some(terminate(&["i-1", "i-2"]))),
            ([stop(&["i-1"]), start(&["i-2"])], None),
            ([stop(&["i-1"]), release()], None),
            ([release(), release()], None),
        ] {
            let joined = Instance::together(&steps.iter().collect::<Vec<_>>());
            let told = |step: &Step| (step.operation(), serde_json::to_value(step).unwrap());
            assert_eq!(joined.as_ref().map(told), whole.as_ref().map(told), "{steps:?}");
        }
    }
}
