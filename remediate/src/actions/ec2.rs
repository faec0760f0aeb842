//! What is done to instances.

use aws_sdk_ec2::types as ec2;
use common::action::{Action, Address, Change, Kill};
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::{ElasticIp, Instance, InstanceState, MetadataOptions, auto_scaling_group};
use common::settings::Remediate;
use serde::Serialize;

use super::call::sent;
use super::change::pending;
use super::refusal::{foreign, needs};
use super::{ApiCall, Mended, Planned, Refusal, Turn, lost};

/// A call on an instance.
#[derive(Debug, Serialize)]
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
            Action::Stop => stop(resource),
            Action::Ec2Halt => halt(resource),
            Action::Start => start(resource),
            Action::Ec2Terminate => terminate(resource),
            Action::Ec2DisassociateAddress(address) => disassociate(resource, address),
            Action::Ec2AssociateAddress(address) => associate(resource, address),
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

    fn disable(_: &Resource<Self>, _: &Remediate) -> Result<Vec<Action>, Refusal> {
        Ok(vec![Action::Stop])
    }

    fn kill(resource: &Resource<Self>, _: Kill, _: &Remediate) -> InstancePlan {
        terminate(resource)
    }

    fn not_ready(action: &Action, resource: &Resource<Self>) -> Option<String> {
        let name = resource.tags.get(auto_scaling_group::TAG).filter(|_| *action == Action::Ec2Halt)?;
        match &resource.config.auto_scaling_group {
            Some(group) if group.replaces() => {
                Some(format!("its Auto Scaling group {name} is not suspended, and would terminate and replace it"))
            }
            Some(_) => None,
            None => Some(format!("nobody has looked whether its Auto Scaling group {name} is suspended")),
        }
    }

    /// Of calls that AWS refuses as a whole where it refuses one of them, the caller makes each by itself.
    fn together(steps: &[&Step]) -> Option<Step> {
        let ids = |one: fn(&Step) -> Option<&Vec<String>>| -> Option<Vec<String>> {
            let lists: Option<Vec<_>> = steps.iter().map(|step| one(step)).collect();
            lists.map(|lists| lists.into_iter().flatten().cloned().collect())
        };
        let stopped = ids(|step| if let Step::Stop { instance_ids } = step { Some(instance_ids) } else { None });
        let started = ids(|step| if let Step::Start { instance_ids } = step { Some(instance_ids) } else { None });
        let ended = ids(|step| if let Step::Terminate { instance_ids } = step { Some(instance_ids) } else { None });
        let stopped = stopped.map(|instance_ids| Step::Stop { instance_ids });
        let started = started.map(|instance_ids| Step::Start { instance_ids });
        stopped.or(started).or_else(|| ended.map(|instance_ids| Step::Terminate { instance_ids }))
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
        let stored = resource.config.instance_type.as_deref().is_some_and(has_instance_store);
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

/// Whether instances of a type have volumes in the machine that they run on, which they lose with it when they stop: those
/// with a `d` after their generation, and others that the list of AWS has. See
/// <https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html> and
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-store-lifetime.html>.
fn has_instance_store(kind: &str) -> bool {
    const CLASSES: [&str; 6] = ["d", "f", "h", "i", "im", "is"];
    const FAMILIES: [&str; 22] = [
        "c3", "dl1", "g2", "g5", "g6", "g6e", "g6f", "g7e", "gr6", "gr6f", "m3", "p5", "p5e", "p5en", "p6-b200",
        "p6-b300", "r3", "trn1", "trn1n", "trn2", "x1", "x1e",
    ];
    let family = kind.split('.').next().unwrap_or_default();
    let class = family.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let (class, rest) = family.split_at(family.len() - class.len());
    let attributes = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let attributes = attributes.split('-').next().unwrap_or_default();
    CLASSES.contains(&class) || FAMILIES.contains(&family) || (class.len() < family.len() && attributes.contains('d'))
}

fn stop(resource: &Resource<Instance>) -> InstancePlan {
    match resource.config.state.name.as_str() {
        // Its group takes a stopped instance for a broken one, terminates it and starts another.
        "running" | "pending" if resource.tags.contains_key(auto_scaling_group::TAG) => {
            Err(Refusal::Impossible(format!(
                "it belongs to the Auto Scaling group {}, which would terminate and replace it",
                resource.tags[auto_scaling_group::TAG]
            )))
        }
        _ => halt(resource),
    }
}

fn halt(resource: &Resource<Instance>) -> InstancePlan {
    match resource.config.state.name.as_str() {
        "stopped" | "stopping" | "shutting-down" | "terminated" => Ok(Planned::nothing(resource)),
        "running" | "pending" if resource.config.root_device_type.as_deref() == Some("instance-store") => Err(
            Refusal::Impossible("its root device is an instance store: it can be terminated, not stopped".to_owned()),
        ),
        "running" | "pending" => {
            needs(resource, &["AutoScalingGroup"])?;
            stoppable(&resource.config)?;
            let step = Step::Stop { instance_ids: vec![resource.id.clone()] };
            Ok(Planned::one(step, Some(Action::Start), in_state(resource, "stopped")))
        }
        other => Err(Refusal::Impossible(format!("its state is `{other}`, which this version does not know"))),
    }
}

/// Refuses a Spot Instance that AWS does not stop, as far as it was looked at closely: see
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-instances-request.html>.
fn stoppable(instance: &Instance) -> Result<(), Refusal> {
    let Some(request) = &instance.spot_instance_request else { return Ok(()) };
    let id = instance.spot_instance_request_id.as_deref().unwrap_or("its request");
    let is_there = matches!(request.state.as_deref(), None | Some("open" | "active" | "disabled"));
    let why = match request.r#type.as_deref() {
        Some("one-time") => format!("is a Spot Instance whose request {id} is a one-time one"),
        _ if !is_there => format!("is a Spot Instance whose request {id} is no longer there"),
        _ => return Ok(()),
    };
    Err(Refusal::Impossible(format!(
        "it {why}, and AWS does not stop it: cancel the request (ec2_cancel_spot_request) where it is still there, and \
         terminate it (ec2_terminate, with --irreversible)"
    )))
}

fn start(resource: &Resource<Instance>) -> InstancePlan {
    match resource.config.state.name.as_str() {
        "running" | "pending" => Ok(Planned::nothing(resource)),
        "stopped" => {
            let step = Step::Start { instance_ids: vec![resource.id.clone()] };
            Ok(Planned::one(step, Some(Action::Stop), in_state(resource, "running")))
        }
        "stopping" => Err(Refusal::Impossible("it is still stopping: start it in a minute".to_owned())),
        other => Err(Refusal::Changed(format!("it cannot be started: its state is `{other}`"))),
    }
}

/// Whether the instance is protected against it is AWS's to say: it answers `OperationNotPermitted`, and nothing is done.
fn terminate(resource: &Resource<Instance>) -> InstancePlan {
    match resource.config.state.name.as_str() {
        "shutting-down" | "terminated" => Ok(Planned::nothing(resource)),
        "pending" | "running" | "stopping" | "stopped" => {
            let step = Step::Terminate { instance_ids: vec![resource.id.clone()] };
            Ok(Planned { steps: vec![step], undo: None, after: None })
        }
        other => Err(Refusal::Impossible(format!("its state is `{other}`, which this version does not know"))),
    }
}

fn disassociate(resource: &Resource<Instance>, address: &Address) -> InstancePlan {
    needs(resource, &["Addresses"])?;
    let (gone, kept): (Vec<ElasticIp>, Vec<ElasticIp>) =
        resource.config.addresses.iter().cloned().partition(|it| it.allocation_id == address.allocation_id);
    let Some(gone) = gone.into_iter().next() else { return Ok(Planned::nothing(resource)) };
    let Some(association_id) = gone.association_id else {
        let why = format!("AWS does not say by which association it has {}", address.allocation_id);
        return Err(Refusal::Impossible(why));
    };
    let undo = Action::Ec2AssociateAddress(Address {
        allocation_id: gone.allocation_id,
        public_ip: gone.public_ip,
        network_interface_id: gone.network_interface_id,
        private_ip_address: gone.private_ip_address,
    });
    Ok(Planned::one(Step::DisassociateAddress { association_id }, Some(undo), with_addresses(resource, kept)))
}

/// Without leave to take the address from whoever has got it in the meantime: AWS refuses that, and says so.
fn associate(resource: &Resource<Instance>, address: &Address) -> InstancePlan {
    needs(resource, &["Addresses"])?;
    let id = &address.allocation_id;
    let Some(interface) = &address.network_interface_id else {
        return Err(Refusal::Impossible(format!("the action does not name the NetworkInterfaceId for {id}")));
    };
    if let Some(present) = resource.config.addresses.iter().find(|it| it.allocation_id == *id) {
        let same_interface = present.network_interface_id.as_ref() == Some(interface);
        let same_private =
            address.private_ip_address.is_none() || present.private_ip_address == address.private_ip_address;
        if same_interface && same_private {
            return Ok(Planned::nothing(resource));
        }
        return Err(Refusal::Changed(format!("{id} is associated with another address of the instance")));
    }
    if !resource.config.network_interfaces.iter().any(|it| it.network_interface_id == *interface) {
        return Err(Refusal::Changed(format!("{interface} is no network interface of the instance any more")));
    }
    let step = Step::AssociateAddress {
        allocation_id: id.clone(),
        network_interface_id: interface.clone(),
        private_ip_address: address.private_ip_address.clone(),
        allow_reassociation: false,
    };
    let undo = Address { network_interface_id: None, private_ip_address: None, ..address.clone() };
    let back = ElasticIp {
        allocation_id: id.clone(),
        public_ip: address.public_ip.clone(),
        network_interface_id: Some(interface.clone()),
        private_ip_address: address.private_ip_address.clone(),
        ..ElasticIp::default()
    };
    let after = with_addresses(resource, [resource.config.addresses.clone(), vec![back]].concat());
    Ok(Planned::one(step, Some(Action::Ec2DisassociateAddress(undo)), after))
}

fn with_addresses(resource: &Resource<Instance>, mut addresses: Vec<ElasticIp>) -> Instance {
    addresses.sort_unstable();
    Instance { addresses, ..resource.config.clone() }
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
    use common::resource::auto_scaling_group::REPLACING;
    use common::resource::{InstanceGroup, InstanceSpotRequest, NetworkInterface, SuspendedProcess};
    use serde_json::json;

    use super::*;
    use crate::actions::not_ready;
    use crate::actions::tests::{Samples, after, looked, needs as refuses_without, planned, resource, the_call};

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

    fn elastic(allocation: &str, interface: Option<&str>) -> Address {
        Address {
            allocation_id: allocation.into(),
            public_ip: None,
            network_interface_id: interface.map(str::to_owned),
            private_ip_address: None,
        }
    }

    /// An instance with two interfaces, and an Elastic IP on the first.
    fn with_elastic_ip() -> Resource<Instance> {
        let mut instance = instance("running");
        let interface = |id: &str| NetworkInterface { network_interface_id: id.into(), ..NetworkInterface::default() };
        instance.config.network_interfaces = vec![interface("eni-1"), interface("eni-2")];
        instance.config.addresses = vec![ElasticIp {
            allocation_id: "eipalloc-1".into(),
            association_id: Some("eipassoc-1".into()),
            public_ip: Some("203.0.113.7".into()),
            network_interface_id: Some("eni-1".into()),
            private_ip_address: Some("10.0.0.7".into()),
        }];
        instance
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
    fn only_the_option_that_differs_is_sent() {
        let (operation, parameters) = the_call(&Action::Ec2RequireImdsv2, &instance("running"));
        assert_eq!(
            (operation.as_str(), parameters),
            ("ec2:ModifyInstanceMetadataOptions", json!({"InstanceId": "i-1", "HttpTokens": "required"}))
        );
    }

    #[test]
    fn data_that_does_not_outlast_a_stop_is_not_lost_by_surprise() {
        for (kind, stored) in [
            ("i3en.xlarge", true),
            ("m5d.large", true),
            ("c6gd.medium", true),
            ("x2iedn.32xlarge", true),
            ("z1d.metal", true),
            ("d3.xlarge", true),
            ("g5.xlarge", true),
            ("p6-b200.48xlarge", true),
            ("t3.micro", false),
            ("m1.small", false),
            ("m7i-flex.large", false),
            ("g5g.xlarge", false),
            ("mac2-m2pro.metal", false),
            ("u-6tb1.metal", false),
            ("hpc7a.96xlarge", false),
            ("", false),
        ] {
            let mut instance = instance("running");
            instance.config.instance_type = Some(kind.into());
            let loses = |action: Action| planned(&action, &instance).unwrap().loses;
            assert_eq!(loses(Action::Stop).is_some(), stored, "{kind}");
            assert!(loses(Action::Ec2Halt).is_none(), "{kind}");
            assert!(loses(Action::Ec2Terminate).is_some() && loses(Action::Ec2RequireImdsv2).is_none(), "{kind}");
        }
    }

    #[test]
    fn an_instance_of_an_auto_scaling_group_is_not_stopped() {
        let mut instance = instance("running");
        instance.tags.insert("aws:autoscaling:groupName".into(), "web".into());
        assert!(matches!(planned(&Action::Stop, &instance), Err(Refusal::Impossible(why)) if why.contains("web")));
    }

    #[test]
    fn an_instance_of_an_auto_scaling_group_is_halted_once_the_group_is_suspended() {
        let suspended = |names: &[&str]| {
            let process = |name: &&str| SuspendedProcess { process_name: (*name).to_owned() };
            Some(names.iter().map(process).collect())
        };
        let group = |suspended_processes| {
            Some(InstanceGroup { auto_scaling_group_name: "web".to_owned(), suspended_processes })
        };
        let active = "its Auto Scaling group web is not suspended, and would terminate and replace it";
        for (tagged, group, why) in [
            (false, None, None),
            (true, None, Some("nobody has looked whether its Auto Scaling group web is suspended")),
            (true, group(suspended(&[])), Some(active)),
            (true, group(suspended(&REPLACING[1..])), Some(active)),
            (true, group(suspended(&REPLACING)), None),
            (true, group(None), None),
        ] {
            let mut instance = instance("running");
            instance.config.auto_scaling_group = group;
            if tagged {
                instance.tags.insert(auto_scaling_group::TAG.into(), "web".into());
            }
            let instance = looked(&instance);
            assert_eq!(not_ready(&Action::Ec2Halt, &instance).as_deref(), why);
            assert_eq!(not_ready(&Action::Start, &instance), None);
        }
        assert!(refuses_without(&Action::Ec2Halt, instance("running"), "AutoScalingGroup"));
    }

    #[test]
    fn a_spot_instance_that_aws_does_not_stop_is_not_halted() {
        for (kind, state, why) in [
            ("persistent", "active", None),
            ("persistent", "cancelled", Some("is no longer there")),
            ("persistent", "closed", Some("is no longer there")),
            ("one-time", "active", Some("request sir-1 is a one-time one")),
        ] {
            let mut instance = instance("running");
            instance.config.spot_instance_request_id = Some("sir-1".into());
            instance.config.spot_instance_request =
                Some(InstanceSpotRequest { r#type: Some(kind.into()), state: Some(state.into()) });
            match (planned(&Action::Ec2Halt, &instance), why) {
                (Ok(plan), None) => assert_eq!(plan.steps.len(), 1),
                (Err(Refusal::Impossible(said)), Some(why)) => {
                    assert!(said.contains(why) && said.contains("ec2_terminate, with --irreversible"), "{said}");
                }
                (other, _) => panic!("{kind} {state}: {other:?}"),
            }
            instance.config.state.name = "stopped".into();
            assert!(planned(&Action::Ec2Halt, &instance).unwrap().steps.is_empty());
        }
    }

    #[test]
    fn an_elastic_ip_goes_by_its_association_and_comes_back_to_its_place() {
        let instance = with_elastic_ip();
        let disassociate = Action::Ec2DisassociateAddress(elastic("eipalloc-1", None));
        let (operation, parameters) = the_call(&disassociate, &instance);
        assert_eq!(
            (operation.as_str(), parameters),
            ("ec2:DisassociateAddress", json!({"AssociationId": "eipassoc-1"}))
        );
        let plan = planned(&disassociate, &instance).unwrap();
        let (operation, parameters) = the_call(&plan.undo.clone().unwrap(), &after::<Instance>(&plan));
        assert_eq!(
            (operation.as_str(), parameters),
            (
                "ec2:AssociateAddress",
                json!({
                    "AllocationId": "eipalloc-1", "NetworkInterfaceId": "eni-1", "PrivateIpAddress": "10.0.0.7",
                    "AllowReassociation": false,
                })
            )
        );
    }

    #[test]
    fn an_elastic_ip_is_moved_from_nowhere_and_to_nowhere_else() {
        let mut bare = with_elastic_ip();
        bare.config.addresses.clear();
        let disassociate = Action::Ec2DisassociateAddress(elastic("eipalloc-1", None));
        assert!(planned(&disassociate, &bare).unwrap().steps.is_empty());

        let associate = |interface| Action::Ec2AssociateAddress(elastic("eipalloc-1", interface));
        assert_eq!(planned(&associate(Some("eni-2")), &bare).unwrap().steps.len(), 1);
        assert!(planned(&associate(Some("eni-1")), &with_elastic_ip()).unwrap().steps.is_empty());
        for (interface, instance, why) in [
            ("eni-2", with_elastic_ip(), "another address of the instance"),
            ("eni-9", bare.clone(), "no network interface of the instance any more"),
        ] {
            let refused = planned(&associate(Some(interface)), &instance);
            assert!(matches!(&refused, Err(Refusal::Changed(said)) if said.contains(why)), "{refused:?}");
        }
        assert!(matches!(planned(&associate(None), &bare), Err(Refusal::Impossible(_))), "to which interface?");
        for action in [disassociate, associate(Some("eni-1"))] {
            assert!(refuses_without(&action, bare.clone(), "Addresses"), "{action:?}");
        }

        let mut unknown = with_elastic_ip();
        unknown.config.addresses[0].association_id = None;
        let refused = planned(&Action::Ec2DisassociateAddress(elastic("eipalloc-1", None)), &unknown);
        assert!(matches!(refused, Err(Refusal::Impossible(why)) if why.contains("eipalloc-1")));
    }

    #[test]
    fn whatever_is_not_gone_is_terminated() {
        for (state, calls) in [("running", 1), ("stopped", 1), ("shutting-down", 0), ("terminated", 0)] {
            let plan = planned(&Action::Ec2Terminate, &instance(state)).unwrap();
            assert_eq!((plan.steps.len(), plan.undo), (calls, None), "{state}");
        }
        assert!(matches!(planned(&Action::Ec2Terminate, &instance("melting")), Err(Refusal::Impossible(_))));
    }

    #[test]
    fn states_in_which_nothing_can_be_done_are_said() {
        assert!(planned(&Action::Stop, &instance("terminated")).unwrap().steps.is_empty());
        assert!(matches!(planned(&Action::Start, &instance("terminated")), Err(Refusal::Changed(_))));
        assert!(matches!(planned(&Action::Start, &instance("stopping")), Err(Refusal::Impossible(_))));
    }
}
