//! Classic load balancers, and what the checks of both kinds of load balancers have in common.

use std::collections::{BTreeMap, BTreeSet};

use common::action::{Action, Instances};
use common::arn::Arn;
use common::record::{Resource, ResourceKind, Severity};
use common::resource::{ClassicLoadBalancer, InstanceTags, ResourceType};
use serde_json::json;

use super::{About, Case, Check, Checked, Other, Problem, Unclear, always, dev_account, tags};

/// What AWS recommends of tags: that whatever belongs together has the same.
pub(super) const TAGGING_PAGE: &str =
    "https://docs.aws.amazon.com/whitepapers/latest/tagging-best-practices/tagging-best-practices.html";

impl Checked for ClassicLoadBalancer {
    const CHECKS: &'static [Check<Self>] = &[
        Check {
            about: About {
                id: "elb_required_tags",
                kind: ResourceType::Elb,
                severity: Severity::Low,
                controls: &[],
                actions: &[],
                fix: false,
                needs: &["Tags"],
                meaning: "The load balancer lacks a tag that the settings require.",
                page: "https://docs.aws.amazon.com/config/latest/developerguide/required-tags.html",
            },
            arises: tags::required,
            judge: |case| Ok(tags::missing(case).into_iter().collect()),
        },
        Check {
            about: About {
                id: "elb_tags_mismatch",
                kind: ResourceType::Elb,
                severity: Severity::Low,
                controls: &[],
                actions: &[],
                fix: false,
                needs: &["InstanceTags", "Instances", "Tags"],
                meaning: "A tag of the load balancer has another value on an instance behind it.",
                page: TAGGING_PAGE,
            },
            arises: always,
            judge: |case| {
                let instances = case.config().instances.iter().map(|it| it.instance_id.as_str()).collect();
                Ok(mismatches(case, &instances, &case.config().instance_tags))
            },
        },
        Check {
            about: About {
                id: "elb_public_in_dev",
                kind: ResourceType::Elb,
                severity: Severity::High,
                controls: &[],
                actions: &["elb_deregister_instances"],
                fix: true,
                needs: &["Instances", "Scheme"],
                meaning: "An instance can be reached from the internet through the load balancer, though its account is a \
                          development account.",
                page: "https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/elb-internet-facing-load-balancers.html",
            },
            arises: dev_account,
            judge: public_in_dev,
        },
    ];
}

fn public_in_dev(case: &Case<'_, ClassicLoadBalancer>) -> Result<Vec<Problem>, Unclear> {
    let balancer = case.config();
    if !internet_facing(balancer.scheme.as_deref())? {
        return Ok(Vec::new());
    }
    let problem = |id: &String| {
        let evidence = json!({"Scheme": balancer.scheme, "DNSName": balancer.dns_name, "InstanceId": id});
        let action = Action::ElbDeregisterInstances(Instances { instance_ids: vec![id.clone()] });
        let problem = Problem::new(puts_on_the_internet(id), evidence).part(id).action(action);
        problem.of(behind(case, id, &balancer.instance_tags))
    };
    Ok(balancer.instances.iter().map(|instance| problem(&instance.instance_id)).collect())
}

/// What a load balancer does to an instance in a development account.
pub(super) fn puts_on_the_internet(instance: &str) -> String {
    format!("puts instance {instance} on the internet in a development account")
}

/// An instance behind a load balancer: one that may be on the internet may be so through a load balancer, too.
pub(super) fn behind<C: Checked>(case: &Case<'_, C>, id: &str, tags: &InstanceTags) -> Other {
    let balancer = case.resource;
    let (account, region) = (balancer.account.clone(), balancer.region.clone());
    let arn = Arn::new(&balancer.arn.partition, "ec2", region.as_str(), account.as_str(), format!("instance/{id}"));
    let resource = Resource {
        kind: ResourceKind::Kind,
        account,
        region,
        r#type: ResourceType::Ec2.name().to_owned(),
        id: id.to_owned(),
        arn,
        // Where they are not known, no exception that goes by tags covers it.
        tags: tags.get(id).cloned().unwrap_or_default(),
        config: (),
        unread: Vec::new(),
        settled: true,
        observed_at: balancer.observed_at,
    };
    Other { resource, check: "ec2_public_in_dev" }
}

/// Whether clients on the internet can reach a load balancer.
pub(super) fn internet_facing(scheme: Option<&str>) -> Result<bool, Unclear> {
    match scheme {
        Some("internet-facing") => Ok(true),
        Some("internal") => Ok(false),
        None => Err(Unclear("the record does not say Scheme".to_owned())),
        Some(other) => Err(Unclear(format!("`{other}` is not a scheme that this version knows"))),
    }
}

/// The instances of which a tag has another value than that of the load balancer. A tag that one of them lacks is no
/// mismatch: where it must be there, the required tags say so.
pub(super) fn mismatches<C: Checked>(
    case: &Case<'_, C>,
    instances: &BTreeSet<&str>,
    instance_tags: &InstanceTags,
) -> Vec<Problem> {
    let required = case.rules.required_tags.iter().filter(|it| it.applies_to(C::TYPE, &case.resource.account));
    let required: BTreeSet<String> = required.map(|it| it.name.to_lowercase()).collect();
    let own = compared(&case.resource.tags, &required);
    let problem = |id: &str| {
        let Some(tags) = instance_tags.get(id) else {
            let why = Unclear(format!("the record does not say the tags of instance {id}"));
            return Some(Problem::unclear(why, json!({"InstanceId": id})).part(id));
        };
        let theirs = compared(tags, &required);
        let (mut differing, mut said) = (Vec::new(), Vec::new());
        for (name, (key, values)) in &own {
            // One in two spellings has two values: they agree if any of them do.
            if let Some((_, others)) = theirs.get(name).filter(|(_, others)| others.is_disjoint(values)) {
                let (here, there) = (first(values), first(others));
                said.push(format!("{key} is `{here}` here and `{there}` there"));
                differing.push(json!({"Key": key, "LoadBalancer": here, "Instance": there}));
            }
        }
        let what = format!("and instance {id} behind it have different tags: {}", said.join(", "));
        let evidence = json!({"InstanceId": id, "MismatchedTags": differing});
        (!said.is_empty()).then(|| Problem::new(what, evidence).part(id))
    };
    instances.iter().filter_map(|id| problem(id)).collect()
}

type Values<'a> = BTreeSet<&'a str>;

/// The tags that count, by what makes two of them one tag, with a spelling and the values. Where tags are required it is
/// these, in any case, as that is how they are required; otherwise it is all that people give, but for the name, which
/// each resource has for itself.
fn compared<'a>(
    tags: &'a BTreeMap<String, String>,
    required: &BTreeSet<String>,
) -> BTreeMap<String, (&'a str, Values<'a>)> {
    let mut counted: BTreeMap<String, (&str, Values<'_>)> = BTreeMap::new();
    for (key, value) in tags {
        let name = if required.is_empty() { key.clone() } else { key.to_lowercase() };
        let counts =
            if required.is_empty() { key != "Name" && !key.starts_with("aws:") } else { required.contains(&name) };
        if counts {
            counted.entry(name).or_insert_with(|| (key, Values::new())).1.insert(value);
        }
    }
    counted
}

fn first<'a>(values: &Values<'a>) -> &'a str {
    values.first().copied().unwrap_or_default()
}
