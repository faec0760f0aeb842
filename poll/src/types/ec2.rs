//! `ec2`: `DescribeInstances`, and `DescribeAddresses` for the Elastic IPs. A closer look adds what else would start or
//! terminate instances: their Auto Scaling groups, and the requests that Spot Instances came from.

use std::collections::{BTreeSet, HashMap};
use std::convert::identity;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    Address, Filter, Instance as Described, InstanceMetadataOptionsState, InstanceNetworkInterface, InstanceStateName,
    SpotInstanceRequest,
};
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{
    AUTOSCALING_DESCRIBE_AUTO_SCALING_GROUPS, EC2_DESCRIBE_ADDRESSES, EC2_DESCRIBE_INSTANCES,
    EC2_DESCRIBE_SPOT_INSTANCE_REQUESTS, Operation,
};
use common::record::{Resource, Unread};
use common::resource::auto_scaling_group::TAG;
use common::resource::{
    Association, ElasticIp, GroupIdentifier, IamInstanceProfile, Instance, InstanceGroup, InstanceSpotRequest,
    InstanceState, MetadataOptions, NetworkInterface, SuspendedProcess,
};

use super::{Owner, Polled, answers, auto_scaling_group, read, spot_request, tags, time};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::{Sink, TEST_TAG};

const CALLS: &[Operation] = &[EC2_DESCRIBE_ADDRESSES, EC2_DESCRIBE_INSTANCES];

type Addresses = Result<Vec<Address>, AwsError>;

impl Polled for Instance {
    const LIST: &'static [Operation] = CALLS;
    const LOOK: &'static [Operation] = CALLS;
    const CLOSER: &'static [Operation] =
        &[AUTOSCALING_DESCRIBE_AUTO_SCALING_GROUPS, EC2_DESCRIBE_SPOT_INSTANCE_REQUESTS];
    const TOGETHER: usize = 100;

    /// All instances, those that are terminated too: AWS shows them for about an hour, and their state says so.
    async fn list(account: &Account, reach: &Reach, sink: &Sink) -> Result<(), AwsError> {
        let session = &account.session;
        let owner = Owner::of(session);
        for region in reach.regions() {
            let client = client!(aws_sdk_ec2, session, region);
            let mut addresses: Option<Addresses> = None;
            let call = client.describe_instances().set_filters(only_tests(sink));
            let mut pages = call.into_paginator().page_size(1000).send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| AwsError::new(EC2_DESCRIBE_INSTANCES, error))?;
                for described in
                    page.reservations.unwrap_or_default().into_iter().flat_map(|all| all.instances.unwrap_or_default())
                {
                    // A region without instances is not asked; of one with instances, once for all of them.
                    let addresses = match &mut addresses {
                        Some(addresses) => addresses,
                        none => none.insert(describe_addresses(&client, None).await),
                    };
                    sink.resource(convert(&owner, region, described, addresses)).await;
                }
            }
        }
        Ok(())
    }

    async fn look(session: &Session, region: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        let client = client!(aws_sdk_ec2, session, region);
        let call = client.describe_instances().instance_ids(id);
        let answer = match call.send().await.map_err(|error| AwsError::new(EC2_DESCRIBE_INSTANCES, error)) {
            Ok(answer) => answer,
            Err(error) if error.code() == "InvalidInstanceID.NotFound" => return Ok(None),
            Err(error) => return Err(error),
        };
        let described = answer.reservations.unwrap_or_default().into_iter();
        let described: Vec<Described> = described.flat_map(|all| all.instances.unwrap_or_default()).collect();
        Ok(found(session, region, &client, described).await.into_iter().next())
    }

    /// By a filter, which takes as many values, and leaves out what does not exist: an id that does not would spoil the
    /// answer for all. See <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html>.
    async fn look_all(
        session: &Session,
        region: &Region,
        ids: &[String],
    ) -> Vec<Result<Option<Resource<Self>>, AwsError>> {
        if let [id] = ids {
            return vec![Self::look(session, region, id).await];
        }
        let client = client!(aws_sdk_ec2, session, region);
        let found = async {
            let described = describe_all(&client, ids).await?;
            let found = found(session, region, &client, described).await.into_iter();
            Ok(found.map(|resource| (resource.id.clone(), resource)).collect())
        };
        answers(ids, found.await, identity)
    }

    /// One call for all groups of these instances, and one for all requests that they came from.
    async fn look_closely(session: &Session, region: &Region, found: &mut [&mut Resource<Self>]) {
        let names = distinct(found.iter().filter_map(|instance| instance.tags.get(TAG).cloned()));
        let requests = distinct(found.iter().filter_map(|instance| instance.config.spot_instance_request_id.clone()));
        let groups = async {
            let client = client!(aws_sdk_autoscaling, session, region);
            let groups = auto_scaling_group::describe(&client, names).await?.into_iter();
            Ok(groups.map(|(name, group)| (name, auto_scaling_group::suspended(group.suspended_processes))).collect())
        };
        let requests = async {
            let client = client!(aws_sdk_ec2, session, region);
            let requests = spot_request::describe(&client, requests).await?.into_iter();
            Ok(requests.map(|(id, request)| (id, spot_request_of(request))).collect())
        };
        let (groups, requests) = tokio::join!(groups, requests);
        let (groups, requests): (Result<Groups, AwsError>, Result<Requests, AwsError>) = (groups, requests);
        for instance in found {
            add_group(instance, groups.as_ref().map_err(Clone::clone));
            add_request(instance, requests.as_ref().map_err(Clone::clone));
        }
    }
}

/// What each Auto Scaling group does not do at present, by its name.
type Groups = HashMap<String, Vec<SuspendedProcess>>;
type Requests = HashMap<String, InstanceSpotRequest>;

fn distinct(names: impl Iterator<Item = String>) -> Vec<String> {
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

fn add_group(instance: &mut Resource<Instance>, groups: Result<&Groups, AwsError>) {
    let Some(name) = instance.tags.get(TAG) else { return };
    let Some(groups) = read(groups, &["AutoScalingGroup"], &mut instance.unread) else { return };
    instance.config.auto_scaling_group =
        Some(InstanceGroup { auto_scaling_group_name: name.clone(), suspended_processes: groups.get(name).cloned() });
}

fn add_request(instance: &mut Resource<Instance>, requests: Result<&Requests, AwsError>) {
    let Some(id) = &instance.config.spot_instance_request_id else { return };
    let requests = read(requests, &["SpotInstanceRequest"], &mut instance.unread);
    instance.config.spot_instance_request = requests.and_then(|requests| requests.get(id).cloned());
}

fn spot_request_of(it: SpotInstanceRequest) -> InstanceSpotRequest {
    InstanceSpotRequest {
        r#type: it.r#type.map(|kind| kind.as_str().to_owned()),
        state: it.state.map(|state| state.as_str().to_owned()),
    }
}

/// Those of these instances that there are: by a filter, which takes up to [`MOST_VALUES`] ids, and leaves out what does not
/// exist.
async fn describe_all(client: &Client, ids: &[String]) -> Result<Vec<Described>, AwsError> {
    let these = Filter::builder().name("instance-id").set_values(Some(ids.to_vec())).build();
    let mut pages = client.describe_instances().filters(these).into_paginator().page_size(1000).send();
    let mut described = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::new(EC2_DESCRIBE_INSTANCES, error))?;
        let all = page.reservations.unwrap_or_default().into_iter();
        described.extend(all.flat_map(|all| all.instances.unwrap_or_default()));
    }
    Ok(described)
}

/// The states of those of these instances that AWS still shows, by their ids.
pub(super) async fn states(
    session: &Session,
    region: &Region,
    ids: &[String],
) -> Result<HashMap<String, String>, AwsError> {
    let client = client!(aws_sdk_ec2, session, region);
    let mut states = HashMap::new();
    for ids in ids.chunks(MOST_VALUES) {
        let described = describe_all(&client, ids).await?.into_iter();
        states.extend(described.map(|it| (it.instance_id.clone().unwrap_or_default(), state(&it).name)));
    }
    Ok(states)
}

fn state(it: &Described) -> InstanceState {
    let name = it.state.as_ref().and_then(|state| state.name.as_ref());
    InstanceState { name: name.map(|name| name.as_str().to_owned()).unwrap_or_default() }
}

/// What a look found, with its Elastic IPs.
async fn found(
    session: &Session,
    region: &Region,
    client: &Client,
    described: Vec<Described>,
) -> Vec<Resource<Instance>> {
    let interfaces = described.iter().flat_map(Described::network_interfaces);
    let interfaces: Vec<String> = interfaces.filter_map(|it| it.network_interface_id.clone()).collect();
    let addresses = match interfaces.len() {
        0 => Ok(Vec::new()),
        // So many values, and no more, are what a filter takes.
        1..=MOST_VALUES => {
            let these = Filter::builder().name("network-interface-id").set_values(Some(interfaces)).build();
            describe_addresses(client, Some(vec![these])).await
        }
        _ => describe_addresses(client, None).await,
    };
    let owner = Owner::of(session);
    described.into_iter().map(|described| convert(&owner, region, described, &addresses)).collect()
}

/// How many values a filter takes: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html>.
const MOST_VALUES: usize = 200;

/// The account's Elastic IPs. AWS gives them all in one answer.
async fn describe_addresses(client: &Client, filters: Option<Vec<Filter>>) -> Addresses {
    let answer = client.describe_addresses().set_filters(filters).send().await;
    let answer = answer.map_err(|error| AwsError::new(EC2_DESCRIBE_ADDRESSES, error))?;
    Ok(answer.addresses.unwrap_or_default())
}

/// A filter that leaves all but the test resources at AWS.
pub(super) fn only_tests(sink: &Sink) -> Option<Vec<Filter>> {
    sink.only_tests().then(|| vec![Filter::builder().name("tag-key").values(TEST_TAG).build()])
}

fn convert(owner: &Owner, region: &Region, it: Described, addresses: &Addresses) -> Resource<Instance> {
    let settled = settled(&it);
    let state = state(&it);
    let id = it.instance_id.unwrap_or_default();
    let metadata = it.metadata_options;
    let metadata = metadata.as_ref();
    let mut security_groups: Vec<_> = it
        .security_groups
        .unwrap_or_default()
        .into_iter()
        .map(|group| GroupIdentifier { group_id: group.group_id.unwrap_or_default(), group_name: group.group_name })
        .collect();
    security_groups.sort_unstable();
    let mut network_interfaces: Vec<_> = it.network_interfaces.unwrap_or_default().into_iter().map(interface).collect();
    network_interfaces.sort_unstable_by(|a, b| a.network_interface_id.cmp(&b.network_interface_id));
    let mut unread = Vec::new();
    let addresses = addresses_of(&network_interfaces, addresses, &mut unread);
    let config = Instance {
        instance_id: id.clone(),
        image_id: it.image_id,
        instance_type: it.instance_type.map(|kind| kind.as_str().to_owned()),
        instance_lifecycle: it.instance_lifecycle.map(|lifecycle| lifecycle.as_str().to_owned()),
        state,
        spot_instance_request_id: it.spot_instance_request_id.filter(|id| !id.is_empty()),
        launch_time: it.launch_time.as_ref().map(time),
        key_name: it.key_name,
        vpc_id: it.vpc_id,
        subnet_id: it.subnet_id,
        public_ip_address: it.public_ip_address,
        private_ip_address: it.private_ip_address,
        root_device_type: it.root_device_type.map(|kind| kind.as_str().to_owned()),
        security_groups,
        iam_instance_profile: it.iam_instance_profile.map(|profile| IamInstanceProfile { arn: profile.arn }),
        metadata_options: MetadataOptions {
            http_tokens: metadata.and_then(|it| it.http_tokens.as_ref()).map(|it| it.as_str().to_owned()),
            http_endpoint: metadata.and_then(|it| it.http_endpoint.as_ref()).map(|it| it.as_str().to_owned()),
            http_put_response_hop_limit: metadata.and_then(|it| it.http_put_response_hop_limit),
            http_protocol_ipv6: metadata.and_then(|it| it.http_protocol_ipv6.as_ref()).map(|it| it.as_str().to_owned()),
            instance_metadata_tags: metadata
                .and_then(|it| it.instance_metadata_tags.as_ref())
                .map(|it| it.as_str().to_owned()),
        },
        network_interfaces,
        addresses,
        auto_scaling_group: None,
        spot_instance_request: None,
    };
    let tags = tags(it.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)));
    let mut resource = owner.resource(region, &id, owner.arn("ec2", region, format!("instance/{id}")), tags, config);
    resource.unread = unread;
    resource.settled = settled;
    resource
}

/// Whether an instance is as it is going to be, as far as that matters to anybody: not before it runs, and not while AWS
/// still brings in its metadata options (the states of both are in
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceState.html> and
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceMetadataOptionsResponse.html>). One that is stopping or
/// shutting down will not be worse for it, and options that are pending may remain so while nothing runs.
fn settled(it: &Described) -> bool {
    match it.state.as_ref().and_then(|state| state.name.as_ref()) {
        Some(InstanceStateName::Pending) => false,
        Some(InstanceStateName::Running) => {
            let options = it.metadata_options.as_ref().and_then(|options| options.state.as_ref());
            options != Some(&InstanceMetadataOptionsState::Pending)
        }
        _ => true,
    }
}

/// The Elastic IPs that are associated with one of these interfaces: one that is associated with an instance is associated
/// with an interface of it. Without an interface there is nothing that could be unread.
fn addresses_of(interfaces: &[NetworkInterface], addresses: &Addresses, unread: &mut Vec<Unread>) -> Vec<ElasticIp> {
    if interfaces.is_empty() {
        return Vec::new();
    }
    let is_here = |address: &&Address| {
        let at = address.network_interface_id();
        at.is_some_and(|at| interfaces.iter().any(|interface| interface.network_interface_id == at))
    };
    let addresses = read(addresses.as_ref().map_err(Clone::clone), &["Addresses"], unread);
    let mut addresses: Vec<ElasticIp> = addresses.into_iter().flatten().filter(is_here).map(elastic_ip).collect();
    addresses.sort_unstable();
    addresses
}

fn elastic_ip(it: &Address) -> ElasticIp {
    ElasticIp {
        allocation_id: it.allocation_id.clone().unwrap_or_default(),
        association_id: it.association_id.clone(),
        public_ip: it.public_ip.clone(),
        network_interface_id: it.network_interface_id.clone(),
        private_ip_address: it.private_ip_address.clone(),
    }
}

fn interface(it: InstanceNetworkInterface) -> NetworkInterface {
    let ipv6_addresses = it.ipv6_addresses.unwrap_or_default().into_iter();
    let mut ipv6_addresses: Vec<_> = ipv6_addresses.filter_map(|it| it.ipv6_address).collect();
    ipv6_addresses.sort_unstable();
    NetworkInterface {
        network_interface_id: it.network_interface_id.unwrap_or_default(),
        association: it
            .association
            .map(|association| Association { public_ip: association.public_ip, ip_owner_id: association.ip_owner_id }),
        ipv6_addresses,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::primitives::DateTime;
    use aws_sdk_ec2::types::{
        HttpTokensState, InstanceIpv6Address, InstanceMetadataOptionsResponse, InstanceNetworkInterfaceAssociation,
        InstanceState as DescribedState, InstanceStateName, Tag,
    };
    use serde_json::json;

    use super::*;
    use crate::types::tests::{denied, owner};

    #[test]
    fn an_instance_has_the_names_of_the_aws_cli() {
        let association = InstanceNetworkInterfaceAssociation::builder().public_ip("203.0.113.7").ip_owner_id("amazon");
        let interface = InstanceNetworkInterface::builder()
            .network_interface_id("eni-1")
            .association(association.build())
            .ipv6_addresses(InstanceIpv6Address::builder().ipv6_address("2001:db8::7").build());
        let options = InstanceMetadataOptionsResponse::builder()
            .http_tokens(HttpTokensState::Optional)
            .http_put_response_hop_limit(2);
        let described = Described::builder()
            .instance_id("i-1")
            .launch_time(DateTime::from_secs_and_nanos(1_700_000_000, 5))
            .state(DescribedState::builder().name(InstanceStateName::Running).build())
            .public_ip_address("203.0.113.7")
            .metadata_options(options.build())
            .network_interfaces(interface.build())
            .tags(Tag::builder().key("Owner").value("web").build())
            .tags(Tag::builder().key("Empty").build())
            .build();
        let record = convert(&owner(), &"cn-north-1".parse().unwrap(), described, &Ok(Vec::new()));
        assert_eq!(record.arn.to_string(), "arn:aws-cn:ec2:cn-north-1:111122223333:instance/i-1");
        assert_eq!(record.tags["Owner"], "web");
        assert_eq!(record.tags["Empty"], "");
        let config = serde_json::to_value(&record.config).unwrap();
        assert_eq!(config["State"], json!({"Name": "running"}));
        assert_eq!(config["LaunchTime"], "2023-11-14T22:13:20Z");
        assert_eq!(config["MetadataOptions"]["HttpTokens"], "optional");
        assert_eq!(config["MetadataOptions"]["HttpPutResponseHopLimit"], 2);
        assert_eq!(config["NetworkInterfaces"][0]["Association"]["IpOwnerId"], "amazon");
        assert_eq!(config["NetworkInterfaces"][0]["Ipv6Addresses"], json!(["2001:db8::7"]));
    }

    #[test]
    fn an_instance_of_which_aws_says_little_is_a_record() {
        let described = Described::builder().instance_id("i-1").build();
        let denied = Err(denied("ec2:DescribeAddresses"));
        let record = convert(&owner(), &"cn-north-1".parse().unwrap(), described, &denied);
        assert_eq!(record.config, Instance { instance_id: "i-1".to_owned(), ..Instance::default() });
        assert_eq!(record.unread, [], "without an interface it has no address");
    }

    #[test]
    fn an_instance_has_the_elastic_ips_of_its_interfaces() {
        let described = || {
            let interface = |id: &str| InstanceNetworkInterface::builder().network_interface_id(id).build();
            Described::builder()
                .instance_id("i-1")
                .network_interfaces(interface("eni-1"))
                .network_interfaces(interface("eni-2"))
                .build()
        };
        let address = |allocation: &str, interface: Option<&str>| {
            let address = Address::builder().allocation_id(allocation).association_id(format!("of-{allocation}"));
            let address = address.public_ip("203.0.113.7").private_ip_address("10.0.0.7");
            address.set_network_interface_id(interface.map(str::to_owned)).build()
        };
        let all = vec![
            address("eipalloc-3", Some("eni-2")),
            address("eipalloc-1", Some("eni-1")),
            address("eipalloc-4", Some("eni-9")),
            address("eipalloc-2", None),
        ];
        let region = "cn-north-1".parse().unwrap();
        let record = convert(&owner(), &region, described(), &Ok(all));
        let config = serde_json::to_value(&record.config).unwrap();
        let first = json!({
            "AllocationId": "eipalloc-1", "AssociationId": "of-eipalloc-1", "PublicIp": "203.0.113.7",
            "NetworkInterfaceId": "eni-1", "PrivateIpAddress": "10.0.0.7",
        });
        assert_eq!(config["Addresses"][0], first);
        assert_eq!(config["Addresses"][1]["AllocationId"], "eipalloc-3");
        assert_eq!(config["Addresses"].as_array().map(Vec::len), Some(2));

        let record = convert(&owner(), &region, described(), &Err(denied("ec2:DescribeAddresses")));
        assert!(record.unread("Addresses").is_some_and(|unread| unread.operation == "ec2:DescribeAddresses"));
    }

    #[test]
    fn two_looks_at_one_interface_are_equal_whatever_the_order() {
        let with = |addresses: [&str; 2]| {
            let addresses = addresses.map(|it| InstanceIpv6Address::builder().ipv6_address(it).build());
            interface(InstanceNetworkInterface::builder().set_ipv6_addresses(Some(addresses.to_vec())).build())
        };
        assert_eq!(with(["2001:db8::7", "2001:db8::8"]), with(["2001:db8::8", "2001:db8::7"]));
    }

    #[test]
    fn an_instance_is_settled_once_it_runs_with_its_metadata_options() {
        use InstanceMetadataOptionsState as Options;
        use InstanceStateName as State;
        for (state, options, settled) in [
            (State::Pending, Options::Applied, false),
            (State::Running, Options::Pending, false),
            (State::Running, Options::Applied, true),
            (State::Stopping, Options::Pending, true),
            (State::Stopped, Options::Pending, true),
            (State::ShuttingDown, Options::Pending, true),
            (State::Terminated, Options::Pending, true),
        ] {
            let described = Described::builder()
                .state(DescribedState::builder().name(state.clone()).build())
                .metadata_options(InstanceMetadataOptionsResponse::builder().state(options.clone()).build())
                .build();
            let record = convert(&owner(), &"cn-north-1".parse().unwrap(), described, &Ok(Vec::new()));
            assert_eq!(record.settled, settled, "{state} {options}");
        }
        let record = convert(&owner(), &"cn-north-1".parse().unwrap(), Described::builder().build(), &Ok(Vec::new()));
        assert!(record.settled, "of no known state");
    }
}
