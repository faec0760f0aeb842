//! `ec2`: `DescribeInstances`, which tells all at once.

use aws_sdk_ec2::types::{Filter, Instance as Described, InstanceNetworkInterface};
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{EC2_DESCRIBE_INSTANCES, Operation};
use common::record::Resource;
use common::resource::{
    Association, GroupIdentifier, IamInstanceProfile, Instance, InstanceState, MetadataOptions, NetworkInterface,
};

use super::{Owner, Polled, tags, time};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::{Sink, TEST_TAG};

impl Polled for Instance {
    const LIST: &'static [Operation] = &[EC2_DESCRIBE_INSTANCES];
    const LOOK: &'static [Operation] = &[EC2_DESCRIBE_INSTANCES];

    /// All instances, those that are terminated too: AWS shows them for about an hour, and their state says so.
    async fn list(account: &Account, reach: &Reach, sink: &Sink) -> Result<(), AwsError> {
        let session = &account.session;
        let owner = Owner::of(session);
        for region in reach.regions() {
            let call = client!(aws_sdk_ec2, session, region).describe_instances().set_filters(only_tests(sink));
            let mut pages = call.into_paginator().page_size(1000).send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| AwsError::new(EC2_DESCRIBE_INSTANCES, error))?;
                for described in
                    page.reservations.unwrap_or_default().into_iter().flat_map(|all| all.instances.unwrap_or_default())
                {
                    sink.resource(convert(&owner, region, described)).await;
                }
            }
        }
        Ok(())
    }

    async fn look(session: &Session, region: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        let call = client!(aws_sdk_ec2, session, region).describe_instances().instance_ids(id);
        match call.send().await.map_err(|error| AwsError::new(EC2_DESCRIBE_INSTANCES, error)) {
            Ok(answer) => {
                let mut described = answer
                    .reservations
                    .unwrap_or_default()
                    .into_iter()
                    .flat_map(|all| all.instances.unwrap_or_default());
                Ok(described.next().map(|described| convert(&Owner::of(session), region, described)))
            }
            Err(error) if error.code() == "InvalidInstanceID.NotFound" => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A filter that leaves all but the test resources at AWS.
pub(super) fn only_tests(sink: &Sink) -> Option<Vec<Filter>> {
    sink.only_tests().then(|| vec![Filter::builder().name("tag-key").values(TEST_TAG).build()])
}

fn convert(owner: &Owner, region: &Region, it: Described) -> Resource<Instance> {
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
    let config = Instance {
        instance_id: id.clone(),
        image_id: it.image_id,
        instance_type: it.instance_type.map(|kind| kind.as_str().to_owned()),
        instance_lifecycle: it.instance_lifecycle.map(|lifecycle| lifecycle.as_str().to_owned()),
        state: InstanceState {
            name: it.state.and_then(|state| state.name).map(|name| name.as_str().to_owned()).unwrap_or_default(),
        },
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
        addresses: Vec::new(),
    };
    let tags = tags(it.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)));
    owner.resource(region, &id, owner.arn("ec2", region, format!("instance/{id}")), tags, config)
}

fn interface(it: InstanceNetworkInterface) -> NetworkInterface {
    NetworkInterface {
        network_interface_id: it.network_interface_id.unwrap_or_default(),
        association: it
            .association
            .map(|association| Association { public_ip: association.public_ip, ip_owner_id: association.ip_owner_id }),
        ipv6_addresses: it.ipv6_addresses.unwrap_or_default().into_iter().filter_map(|it| it.ipv6_address).collect(),
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
    use crate::types::tests::owner;

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
        let record = convert(&owner(), &"cn-north-1".parse().unwrap(), described);
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
        let record = convert(&owner(), &"cn-north-1".parse().unwrap(), Described::builder().instance_id("i-1").build());
        assert_eq!(record.config, Instance { instance_id: "i-1".to_owned(), ..Instance::default() });
    }
}
