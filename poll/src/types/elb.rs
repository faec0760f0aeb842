//! `elb`: `DescribeLoadBalancers` of the classic API, then the tags of the load balancers and of the instances behind them.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_elasticloadbalancing::Client;
use aws_sdk_elasticloadbalancing::types::{ListenerDescription as DescribedListener, LoadBalancerDescription};
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{EC2_DESCRIBE_TAGS, ELB_DESCRIBE_LOAD_BALANCERS, ELB_DESCRIBE_TAGS, Operation};
use common::record::Resource;
use common::resource::{ClassicListener, ClassicLoadBalancer, InstanceTags, ListenerDescription, RegisteredInstance};

use super::balancer::{NOT_FOUND, Tags, balancer_tags, instance_tags, sorted, tagged, tags_behind};
use super::{Owner, Polled, or_absent, read, tags, time};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::Sink;

const CALLS: &[Operation] = &[EC2_DESCRIBE_TAGS, ELB_DESCRIBE_LOAD_BALANCERS, ELB_DESCRIBE_TAGS];

impl Polled for ClassicLoadBalancer {
    const LIST: &'static [Operation] = CALLS;
    const LOOK: &'static [Operation] = CALLS;
    const SETTLES: bool = false;

    async fn list(account: &Account, reach: &Reach, sink: &Sink) -> Result<(), AwsError> {
        for region in reach.regions() {
            let client = client!(aws_sdk_elasticloadbalancing, &account.session, region);
            let mut described = Vec::new();
            let listed = all(&client, &mut described).await;
            let balancers = detail(&account.session, region, &client, described, sink.only_tests()).await;
            for balancer in balancers {
                sink.resource(balancer).await;
            }
            listed?;
        }
        Ok(())
    }

    async fn look(session: &Session, region: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        let client = client!(aws_sdk_elasticloadbalancing, session, region);
        let answer = client.describe_load_balancers().load_balancer_names(id).send().await;
        let answer = answer.map_err(|error| AwsError::new(ELB_DESCRIBE_LOAD_BALANCERS, error));
        let Some(answer) = or_absent(answer, NOT_FOUND)? else { return Ok(None) };
        let described = answer.load_balancer_descriptions.unwrap_or_default();
        Ok(detail(session, region, &client, described, false).await.into_iter().next())
    }
}

/// All pages, as far as they could be read.
async fn all(client: &Client, described: &mut Vec<LoadBalancerDescription>) -> Result<(), AwsError> {
    let mut pages = client.describe_load_balancers().page_size(400).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::new(ELB_DESCRIBE_LOAD_BALANCERS, error))?;
        described.extend(page.load_balancer_descriptions.unwrap_or_default());
    }
    Ok(())
}

/// The records of load balancers, less those that have vanished since they were listed.
async fn detail(
    session: &Session,
    region: &Region,
    client: &Client,
    described: Vec<LoadBalancerDescription>,
    only_tests: bool,
) -> Vec<Resource<ClassicLoadBalancer>> {
    let names = described.iter().filter_map(|balancer| balancer.load_balancer_name.clone()).collect();
    let tags = balancer_tags(names, |names| ask_tags(client, names)).await;
    let tagged = tagged(described, LoadBalancerDescription::load_balancer_name, tags, only_tests);
    let behind = tagged.iter().flat_map(|(balancer, _)| instances(balancer)).collect();
    let behind = instance_tags(session, region, &behind).await;
    let owner = Owner::of(session);
    let record = |(balancer, tags)| convert(&owner, region, balancer, tags, &behind);
    tagged.into_iter().map(record).collect()
}

async fn ask_tags(client: &Client, names: Vec<String>) -> Result<BTreeMap<String, Tags>, AwsError> {
    let answer = client.describe_tags().set_load_balancer_names(Some(names)).send().await;
    let answer = answer.map_err(|error| AwsError::new(ELB_DESCRIBE_TAGS, error))?;
    let told = answer.tag_descriptions.unwrap_or_default().into_iter().filter_map(|of| {
        let pairs = of.tags.unwrap_or_default().into_iter().map(|tag| (Some(tag.key), tag.value));
        Some((of.load_balancer_name?, tags(pairs)))
    });
    Ok(told.collect())
}

/// The ids of the instances behind a load balancer.
fn instances(balancer: &LoadBalancerDescription) -> BTreeSet<String> {
    balancer.instances().iter().filter_map(|instance| instance.instance_id.clone()).collect()
}

fn convert(
    owner: &Owner,
    region: &Region,
    it: LoadBalancerDescription,
    tags: Result<Tags, AwsError>,
    behind: &Result<InstanceTags, AwsError>,
) -> Resource<ClassicLoadBalancer> {
    let instances = instances(&it);
    let name = it.load_balancer_name.unwrap_or_default();
    let mut unread = Vec::new();
    let tags = read(tags, &["Tags"], &mut unread).unwrap_or_default();
    let config = ClassicLoadBalancer {
        load_balancer_name: name.clone(),
        scheme: it.scheme,
        dns_name: it.dns_name,
        vpc_id: it.vpc_id,
        created_time: it.created_time.as_ref().map(time),
        availability_zones: sorted(it.availability_zones),
        subnets: sorted(it.subnets),
        security_groups: sorted(it.security_groups),
        listener_descriptions: sorted(it.listener_descriptions.map(|all| all.into_iter().map(listener).collect())),
        instance_tags: tags_behind(&instances, behind, &mut unread),
        instances: instances.into_iter().map(|instance_id| RegisteredInstance { instance_id }).collect(),
    };
    let arn = owner.arn("elasticloadbalancing", region, format!("loadbalancer/{name}"));
    let mut resource = owner.resource(region, &name, arn, tags, config);
    resource.unread = unread;
    resource
}

fn listener(it: DescribedListener) -> ListenerDescription {
    let listener = it.listener.map(|it| ClassicListener {
        load_balancer_port: Some(it.load_balancer_port),
        protocol: Some(it.protocol),
        instance_port: Some(it.instance_port),
        instance_protocol: it.instance_protocol,
        ssl_certificate_id: it.ssl_certificate_id,
    });
    ListenerDescription { listener: listener.unwrap_or_default(), policy_names: sorted(it.policy_names) }
}

#[cfg(test)]
mod tests {
    use aws_sdk_elasticloadbalancing::types::{Instance, Listener};
    use serde_json::json;

    use super::*;
    use crate::types::tests::{denied, owner};

    fn described() -> LoadBalancerDescription {
        let listener = |port, instance_port| {
            let listener = Listener::builder().protocol("HTTP").load_balancer_port(port).instance_port(instance_port);
            DescribedListener::builder().listener(listener.build().unwrap()).build()
        };
        let instance = |id: &str| Instance::builder().instance_id(id).build();
        LoadBalancerDescription::builder()
            .load_balancer_name("web")
            .scheme("internet-facing")
            .dns_name("web-1.eu-west-1.elb.amazonaws.com")
            .vpc_id("vpc-1")
            .security_groups("sg-2")
            .security_groups("sg-1")
            .listener_descriptions(listener(443, 80))
            .listener_descriptions(listener(80, 8080))
            .instances(instance("i-2"))
            .instances(instance("i-1"))
            .build()
    }

    #[test]
    fn a_load_balancer_has_the_names_of_the_aws_cli_and_its_lists_are_sorted() {
        let behind = Ok([("i-1".to_owned(), [("Owner".to_owned(), "web".to_owned())].into())].into());
        let record = convert(&owner(), &"eu-west-1".parse().unwrap(), described(), Ok(Tags::new()), &behind);
        assert_eq!(record.arn.to_string(), "arn:aws-cn:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/web");
        assert_eq!((record.id.as_str(), record.settled), ("web", true));
        let config = serde_json::to_value(&record.config).unwrap();
        assert_eq!(config["DNSName"], "web-1.eu-west-1.elb.amazonaws.com");
        assert_eq!(config["VPCId"], "vpc-1");
        assert_eq!(config["SecurityGroups"], json!(["sg-1", "sg-2"]));
        assert_eq!(config["ListenerDescriptions"][0]["Listener"]["LoadBalancerPort"], 80);
        assert_eq!(config["ListenerDescriptions"][1]["Listener"]["InstancePort"], 80);
        assert_eq!(config["Instances"], json!([{"InstanceId": "i-1"}, {"InstanceId": "i-2"}]));
        assert_eq!(config["InstanceTags"], json!({"i-1": {"Owner": "web"}}));
    }

    #[test]
    fn tags_that_are_denied_are_unread_and_the_instances_are_known() {
        let region = "eu-west-1".parse().unwrap();
        let denied = || denied("elasticloadbalancing:DescribeTags");
        let record = convert(&owner(), &region, described(), Err(denied()), &Err(denied()));
        let unread: Vec<&str> = record.unread.iter().map(|unread| unread.field.as_str()).collect();
        assert_eq!(unread, ["Tags", "InstanceTags"]);
        assert_eq!(record.config.instances.len(), 2);
    }

    #[test]
    fn a_load_balancer_of_which_aws_says_little_is_a_record() {
        let bare = LoadBalancerDescription::builder().load_balancer_name("web").build();
        let denied = Err(denied("ec2:DescribeTags"));
        let record = convert(&owner(), &"eu-west-1".parse().unwrap(), bare, Ok(Tags::new()), &denied);
        let expected = ClassicLoadBalancer { load_balancer_name: "web".to_owned(), ..ClassicLoadBalancer::default() };
        assert_eq!((record.config, record.unread), (expected, Vec::new()));
    }
}
