//! `elbv2`: `DescribeLoadBalancers` and `DescribeTargetGroups` of the newer API, `DescribeTargetHealth` for each target group
//! that a load balancer has, then the tags of the load balancers and of the instances behind them.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::{
    LoadBalancer as Described, LoadBalancerStateEnum as State, TargetGroup as DescribedGroup, TargetHealthDescription,
};
use common::arn::Arn;
use common::aws::{AwsError, Session};
use common::client;
use common::id::Region;
use common::operation::{
    EC2_DESCRIBE_TAGS, ELB_DESCRIBE_LOAD_BALANCERS, ELB_DESCRIBE_TAGS, ELB_DESCRIBE_TARGET_GROUPS,
    ELB_DESCRIBE_TARGET_HEALTH, Operation,
};
use common::record::Resource;
use common::resource::{BalancerZone, InstanceTags, LoadBalancer, LoadBalancerState, Target, TargetGroup};
use futures_util::{StreamExt, stream};

use super::balancer::{NOT_FOUND, Tags, balancer_tags, instance_tags, sorted, tagged, tags_behind};
use super::{AT_ONCE, Owner, Polled, or_absent, read, tags, time};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::Sink;

const CALLS: &[Operation] = &[
    EC2_DESCRIBE_TAGS,
    ELB_DESCRIBE_LOAD_BALANCERS,
    ELB_DESCRIBE_TAGS,
    ELB_DESCRIBE_TARGET_GROUPS,
    ELB_DESCRIBE_TARGET_HEALTH,
];

/// The error code where there is no such target group.
const GROUP_NOT_FOUND: &str = "TargetGroupNotFound";
/// The type of target groups whose targets are instances.
const INSTANCE: &str = "instance";

/// The target groups of a load balancer.
type Groups = Result<Vec<TargetGroup>, AwsError>;

impl Polled for LoadBalancer {
    const LIST: &'static [Operation] = CALLS;
    const LOOK: &'static [Operation] = CALLS;

    async fn list(account: &Account, reach: &Reach, sink: &Sink) -> Result<(), AwsError> {
        let session = &account.session;
        for region in reach.regions() {
            let client = client!(aws_sdk_elasticloadbalancingv2, session, region);
            let mut described = Vec::new();
            let listed = all(&client, &mut described).await;
            let tagged = with_tags(&client, described, sink.only_tests()).await;
            // One call for the groups of all, where asking for each load balancer's would be one for each.
            let groups = if tagged.is_empty() { Ok(Vec::new()) } else { all_groups(&client).await };
            for balancer in detail(session, region, &client, tagged, groups).await {
                sink.resource(balancer).await;
            }
            listed?;
        }
        Ok(())
    }

    /// A load balancer by its ARN. The ARN of a target group, which is all that some events name, will do as well: it has one
    /// load balancer at most.
    async fn look(session: &Session, region: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        let client = client!(aws_sdk_elasticloadbalancingv2, session, region);
        let Some(id) = balancer_of(&client, id).await? else { return Ok(None) };
        let answer = client.describe_load_balancers().load_balancer_arns(&id).send().await;
        let answer = answer.map_err(|error| AwsError::new(ELB_DESCRIBE_LOAD_BALANCERS, error));
        let Some(answer) = or_absent(answer, NOT_FOUND)? else { return Ok(None) };
        let tagged = with_tags(&client, answer.load_balancers.unwrap_or_default(), false).await;
        let groups = groups_of(&client, &id).await;
        Ok(detail(session, region, &client, tagged, groups).await.into_iter().next())
    }
}

/// The ARN of the load balancer that an ARN stands for, be it its own or a target group's.
async fn balancer_of(client: &Client, arn: &str) -> Result<Option<String>, AwsError> {
    if !arn.contains(":targetgroup/") {
        return Ok(Some(arn.to_owned()));
    }
    let answer = client.describe_target_groups().target_group_arns(arn).send().await;
    let answer = answer.map_err(|error| AwsError::new(ELB_DESCRIBE_TARGET_GROUPS, error));
    let groups = or_absent(answer, GROUP_NOT_FOUND)?.and_then(|answer| answer.target_groups).unwrap_or_default();
    Ok(groups.into_iter().find_map(|group| group.load_balancer_arns?.into_iter().next()))
}

/// All pages, as far as they could be read.
async fn all(client: &Client, described: &mut Vec<Described>) -> Result<(), AwsError> {
    let mut pages = client.describe_load_balancers().page_size(400).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::new(ELB_DESCRIBE_LOAD_BALANCERS, error))?;
        described.extend(page.load_balancers.unwrap_or_default());
    }
    Ok(())
}

async fn all_groups(client: &Client) -> Result<Vec<DescribedGroup>, AwsError> {
    let mut groups = Vec::new();
    let mut pages = client.describe_target_groups().page_size(400).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::new(ELB_DESCRIBE_TARGET_GROUPS, error))?;
        groups.extend(page.target_groups.unwrap_or_default());
    }
    Ok(groups)
}

async fn groups_of(client: &Client, arn: &str) -> Result<Vec<DescribedGroup>, AwsError> {
    let mut groups = Vec::new();
    let mut pages = client.describe_target_groups().load_balancer_arn(arn).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::new(ELB_DESCRIBE_TARGET_GROUPS, error));
        match or_absent(page, GROUP_NOT_FOUND)? {
            Some(page) => groups.extend(page.target_groups.unwrap_or_default()),
            None => break,
        }
    }
    Ok(groups)
}

type Tagged = (Described, Result<Tags, AwsError>);

async fn with_tags(client: &Client, described: Vec<Described>, only_tests: bool) -> Vec<Tagged> {
    let arns = described.iter().filter_map(|balancer| balancer.load_balancer_arn.clone()).collect();
    let tags = balancer_tags(arns, |arns| ask_tags(client, arns)).await;
    tagged(described, Described::load_balancer_arn, tags, only_tests)
}

async fn ask_tags(client: &Client, arns: Vec<String>) -> Result<BTreeMap<String, Tags>, AwsError> {
    let answer = client.describe_tags().set_resource_arns(Some(arns)).send().await;
    let answer = answer.map_err(|error| AwsError::new(ELB_DESCRIBE_TAGS, error))?;
    let told = answer.tag_descriptions.unwrap_or_default().into_iter().filter_map(|of| {
        let pairs = of.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value));
        Some((of.resource_arn?, tags(pairs)))
    });
    Ok(told.collect())
}

/// The records of load balancers.
async fn detail(
    session: &Session,
    region: &Region,
    client: &Client,
    balancers: Vec<Tagged>,
    groups: Result<Vec<DescribedGroup>, AwsError>,
) -> Vec<Resource<LoadBalancer>> {
    let arns: BTreeSet<&str> = balancers.iter().filter_map(|(balancer, _)| balancer.load_balancer_arn()).collect();
    let mut by_balancer: BTreeMap<String, Groups> = BTreeMap::new();
    match groups {
        Err(error) => by_balancer.extend(arns.iter().map(|arn| ((*arn).to_owned(), Err(error.clone())))),
        Ok(groups) => {
            let wanted = groups.into_iter().filter_map(|group| {
                let arn = group.load_balancer_arns().iter().find(|arn| arns.contains(arn.as_str()))?.clone();
                Some((arn, group))
            });
            let mut asked = stream::iter(wanted)
                .map(|(arn, group)| async { (arn, targets(client, &group).await, group) })
                .buffer_unordered(AT_ONCE);
            while let Some((arn, targets, group)) = asked.next().await {
                file(by_balancer.entry(arn).or_insert_with(|| Ok(Vec::new())), group, targets);
            }
        }
    }
    let behind = by_balancer.values().filter_map(|groups| groups.as_ref().ok()).flat_map(|groups| instances(groups));
    let behind = instance_tags(session, region, &behind.collect()).await;
    let owner = Owner::of(session);
    let record = |(balancer, tags): Tagged| {
        let groups = balancer.load_balancer_arn().and_then(|arn| by_balancer.remove(arn));
        convert(&owner, region, balancer, tags, groups.unwrap_or_else(|| Ok(Vec::new())), &behind)
    };
    balancers.into_iter().map(record).collect()
}

/// Puts a target group where it belongs. Nothing is known of a load balancer's target groups unless all could be read;
/// one that has vanished is none.
fn file(groups: &mut Groups, group: DescribedGroup, targets: Result<Option<Vec<Target>>, AwsError>) {
    match (targets, groups.as_mut()) {
        (Ok(Some(targets)), Ok(groups)) => groups.push(TargetGroup {
            target_group_arn: group.target_group_arn.unwrap_or_default(),
            target_group_name: group.target_group_name,
            target_type: group.target_type.map(|kind| kind.as_str().to_owned()),
            protocol: group.protocol.map(|protocol| protocol.as_str().to_owned()),
            port: group.port,
            targets,
        }),
        (Err(error), Ok(_)) => *groups = Err(error),
        _ => {}
    }
}

/// The targets of a group; nothing where there is no such group any more.
async fn targets(client: &Client, group: &DescribedGroup) -> Result<Option<Vec<Target>>, AwsError> {
    let arn = group.target_group_arn.as_deref().unwrap_or_default();
    let answer = client.describe_target_health().target_group_arn(arn).send().await;
    let answer = or_absent(answer.map_err(|error| AwsError::new(ELB_DESCRIBE_TARGET_HEALTH, error)), GROUP_NOT_FOUND)?;
    let targets = |all: Vec<TargetHealthDescription>| sorted(Some(all.into_iter().map(target).collect()));
    Ok(answer.map(|answer| targets(answer.target_health_descriptions.unwrap_or_default())))
}

fn target(it: TargetHealthDescription) -> Target {
    let state = it.target_health.and_then(|health| health.state).map(|state| state.as_str().to_owned());
    let Some(target) = it.target else { return Target { state, ..Target::default() } };
    Target {
        id: target.id.unwrap_or_default(),
        port: target.port,
        availability_zone: target.availability_zone,
        quic_server_id: target.quic_server_id,
        state,
    }
}

/// The ids of the instances among the targets of groups.
fn instances(groups: &[TargetGroup]) -> BTreeSet<String> {
    let of_instances = groups.iter().filter(|group| group.target_type.as_deref() == Some(INSTANCE));
    of_instances.flat_map(|group| &group.targets).map(|target| target.id.clone()).collect()
}

fn convert(
    owner: &Owner,
    region: &Region,
    it: Described,
    tags: Result<Tags, AwsError>,
    groups: Groups,
    behind: &Result<InstanceTags, AwsError>,
) -> Resource<LoadBalancer> {
    let mut unread = Vec::new();
    let tags = read(tags, &["Tags"], &mut unread).unwrap_or_default();
    let mut target_groups = read(groups, &["TargetGroups"], &mut unread).unwrap_or_default();
    target_groups.sort_unstable_by(|a, b| a.target_group_arn.cmp(&b.target_group_arn));
    let state = it.state.and_then(|state| state.code);
    // Its other states are final: <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerState.html>.
    let settled = state != Some(State::Provisioning);
    let zones = it.availability_zones.unwrap_or_default().into_iter();
    let zones = zones.map(|zone| BalancerZone { zone_name: zone.zone_name, subnet_id: zone.subnet_id });
    let id = it.load_balancer_arn.unwrap_or_default();
    let config = LoadBalancer {
        load_balancer_arn: id.clone(),
        load_balancer_name: it.load_balancer_name.unwrap_or_default(),
        r#type: it.r#type.map(|kind| kind.as_str().to_owned()),
        scheme: it.scheme.map(|scheme| scheme.as_str().to_owned()),
        state: LoadBalancerState { code: state.map(|state| state.as_str().to_owned()) },
        dns_name: it.dns_name,
        ip_address_type: it.ip_address_type.map(|kind| kind.as_str().to_owned()),
        vpc_id: it.vpc_id,
        created_time: it.created_time.as_ref().map(time),
        availability_zones: sorted(Some(zones.collect())),
        security_groups: sorted(it.security_groups),
        enforce_security_group_inbound_rules_on_private_link_traffic: it
            .enforce_security_group_inbound_rules_on_private_link_traffic,
        instance_tags: tags_behind(&instances(&target_groups), behind, &mut unread),
        target_groups,
    };
    let made_up = || owner.arn("elasticloadbalancing", region, format!("loadbalancer/{}", config.load_balancer_name));
    let arn = id.parse::<Arn>().unwrap_or_else(|_| made_up());
    let mut resource = owner.resource(region, &id, arn, tags, config);
    resource.unread = unread;
    resource.settled = settled;
    resource
}

#[cfg(test)]
mod tests {
    use aws_sdk_elasticloadbalancingv2::types::{
        AvailabilityZone, LoadBalancerSchemeEnum, LoadBalancerState as DescribedState, LoadBalancerTypeEnum,
        TargetDescription, TargetHealth, TargetHealthStateEnum,
    };
    use serde_json::json;

    use super::*;
    use crate::types::tests::{denied, owner};

    const ARN: &str = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/50dc6c495c0c9188";

    fn described(state: State) -> Described {
        let zone = |name: &str| AvailabilityZone::builder().zone_name(name).build();
        Described::builder()
            .load_balancer_arn(ARN)
            .load_balancer_name("web")
            .r#type(LoadBalancerTypeEnum::Application)
            .scheme(LoadBalancerSchemeEnum::InternetFacing)
            .state(DescribedState::builder().code(state).build())
            .availability_zones(zone("eu-west-1b"))
            .availability_zones(zone("eu-west-1a"))
            .security_groups("sg-2")
            .security_groups("sg-1")
            .build()
    }

    fn group(name: &str, kind: &str, ids: &[&str]) -> TargetGroup {
        let targets = ids.iter().map(|id| {
            let health = TargetHealth::builder().state(TargetHealthStateEnum::Draining).build();
            let described = TargetDescription::builder().id(*id).port(80).build();
            target(TargetHealthDescription::builder().target(described).target_health(health).build())
        });
        TargetGroup {
            target_group_arn: format!("arn:{name}"),
            target_type: Some(kind.to_owned()),
            targets: targets.collect(),
            ..TargetGroup::default()
        }
    }

    fn record(state: State, groups: Groups, behind: &Result<InstanceTags, AwsError>) -> Resource<LoadBalancer> {
        convert(&owner(), &"eu-west-1".parse().unwrap(), described(state), Ok(Tags::new()), groups, behind)
    }

    #[test]
    fn a_load_balancer_has_the_names_of_the_aws_cli_and_its_lists_are_sorted() {
        let groups = vec![group("b", "instance", &["i-1"]), group("a", "ip", &["10.0.0.7"])];
        let behind = Ok([("i-1".to_owned(), [("Owner".to_owned(), "web".to_owned())].into())].into());
        let record = record(State::Active, Ok(groups), &behind);
        assert_eq!((record.id.as_str(), record.arn.to_string().as_str()), (ARN, ARN));
        let config = serde_json::to_value(&record.config).unwrap();
        assert_eq!(config["Type"], "application");
        assert_eq!(config["State"], json!({"Code": "active"}));
        assert_eq!(config["Scheme"], "internet-facing");
        assert_eq!(config["AvailabilityZones"][0]["ZoneName"], "eu-west-1a");
        assert_eq!(config["SecurityGroups"], json!(["sg-1", "sg-2"]));
        assert_eq!(config["TargetGroups"][0]["TargetGroupArn"], "arn:a");
        let target = &config["TargetGroups"][1]["Targets"][0];
        assert_eq!((&target["Id"], &target["Port"], &target["State"]), (&json!("i-1"), &json!(80), &json!("draining")));
        assert_eq!(config["InstanceTags"], json!({"i-1": {"Owner": "web"}}));
        assert_eq!(record.unread, []);
    }

    #[test]
    fn only_what_is_being_made_is_unsettled() {
        for (state, settled) in [
            (State::Provisioning, false),
            (State::Active, true),
            (State::ActiveImpaired, true),
            (State::Failed, true),
            (State::from("melting"), true),
        ] {
            assert_eq!(record(state.clone(), Ok(Vec::new()), &Ok(InstanceTags::new())).settled, settled, "{state}");
        }
    }

    #[test]
    fn one_group_that_cannot_be_read_leaves_the_load_balancers_groups_unread() {
        let denied = || denied("elasticloadbalancing:DescribeTargetHealth");
        let described = || DescribedGroup::builder().target_group_arn("arn:a").build();
        let mut groups = Ok(Vec::new());
        file(&mut groups, described(), Ok(Some(Vec::new())));
        file(&mut groups, described(), Ok(None));
        assert_eq!(groups.as_ref().map(Vec::len), Ok(1), "one that vanished is none");
        file(&mut groups, described(), Err(denied()));
        file(&mut groups, described(), Ok(Some(Vec::new())));
        let record = record(State::Active, groups, &Err(denied()));
        let unread: Vec<&str> = record.unread.iter().map(|unread| unread.field.as_str()).collect();
        assert_eq!(unread, ["TargetGroups"]);
    }

    #[test]
    fn addresses_and_functions_have_no_instance_tags_to_ask_for() {
        let groups = [group("a", "instance", &["i-2", "i-1", "i-2"]), group("b", "ip", &["10.0.0.7"])];
        assert_eq!(instances(&groups), ["i-1".to_owned(), "i-2".to_owned()].into());
    }
}
