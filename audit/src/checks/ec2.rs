//! EC2 instances: <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html>.

use common::action::{Action, Address};
use common::record::{Resource, Severity};
use common::resource::{ElasticIp, Instance, ResourceType};
use common::settings::Runaway;
use serde_json::{Value, json};

use super::{About, Case, Check, Checked, Pick, Problem, Unclear, always, dev_account, runaway, tags};
use crate::totals::Counted;

impl Checked for Instance {
    const CHECKS: &'static [Check<Self>] = &[
        Check {
            about: About {
                id: "ec2_imdsv2",
                kind: ResourceType::Ec2,
                severity: Severity::High,
                controls: &["FSBP EC2.8", "CIS 5.6"],
                actions: &["ec2_require_imdsv2"],
                fix: true,
                needs: &["MetadataOptions", "State"],
                meaning: "The instance hands out its credentials without a session token (IMDSv1).",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-8",
            },
            arises: always,
            judge: imdsv2,
        },
        Check {
            about: About {
                id: "ec2_required_tags",
                kind: ResourceType::Ec2,
                severity: Severity::Low,
                controls: &[],
                actions: &["stop"],
                fix: true,
                needs: &["RootDeviceType", "State", "Tags"],
                meaning: "The instance runs without a tag that the settings require.",
                page: "https://docs.aws.amazon.com/config/latest/developerguide/required-tags.html",
            },
            arises: tags::required,
            judge: required_tags,
        },
        Check {
            about: About {
                id: "ec2_public_in_dev",
                kind: ResourceType::Ec2,
                severity: Severity::High,
                controls: &["FSBP EC2.9"],
                actions: &["ec2_disassociate_address", "stop", "ec2_terminate"],
                fix: true,
                needs: &["Addresses", "NetworkInterfaces", "PublicIpAddress", "RootDeviceType", "State"],
                meaning: "The instance is on the internet, though its account is a development account.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-9",
            },
            arises: dev_account,
            judge: public_in_dev,
        },
        Check {
            about: About {
                id: "ec2_runaway",
                kind: ResourceType::Ec2,
                severity: Severity::Critical,
                controls: &[],
                actions: &["ec2_halt"],
                fix: true,
                needs: &["RootDeviceType", "State"],
                meaning: "The instance runs in an account that is over its limit.",
                page: "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Stop_Start.html",
            },
            arises: runaway::limited,
            judge: running_away,
        },
    ];

    fn counted(resource: &Resource<Self>, _: &Runaway) -> Option<Counted> {
        match phase(&resource.config) {
            Ok(Phase::Up) => Some(Counted::Running),
            Ok(Phase::Down | Phase::Gone) => None,
            Err(Unclear(why)) => Some(Counted::Unclear(why)),
        }
    }
}

/// How far an instance is from gone.
#[derive(PartialEq, Eq)]
enum Phase {
    /// It runs, or is about to.
    Up,
    /// It does not run, but can again.
    Down,
    /// It is gone, or will be in a moment: nothing can be mended.
    Gone,
}

fn phase(instance: &Instance) -> Result<Phase, Unclear> {
    match instance.state.name.as_str() {
        "pending" | "running" => Ok(Phase::Up),
        "stopping" | "stopped" => Ok(Phase::Down),
        "shutting-down" | "terminated" => Ok(Phase::Gone),
        "" => Err(Unclear("the record does not say State.Name".to_owned())),
        other => Err(Unclear(format!("`{other}` is not a state of an instance that this version knows"))),
    }
}

/// `stop`, where it can be done: an instance whose root device is an instance store can only be terminated, see
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/RootDeviceStorage.html>.
fn stop(instance: &Instance) -> Option<Action> {
    can_stop(instance).then_some(Action::Stop)
}

fn can_stop(instance: &Instance) -> bool {
    instance.root_device_type.as_deref() != Some("instance-store")
}

fn running_away(case: &Case<'_, Instance>) -> Result<Vec<Problem>, Unclear> {
    let instance = case.config();
    if phase(instance)? != Phase::Up {
        return Ok(Vec::new());
    }
    let why = if can_stop(instance) {
        format!("it is {}", instance.state.name)
    } else {
        format!("it is {} from an instance store, so that it can only be terminated", instance.state.name)
    };
    let problem = runaway::to_halt(case, &why, json!({"State": {"Name": instance.state.name}}));
    Ok(vec![problem.action(can_stop(instance).then_some(Action::Ec2Halt))])
}

/// A stopped instance counts too: it comes back with the options that it has.
fn imdsv2(case: &Case<'_, Instance>) -> Result<Vec<Problem>, Unclear> {
    let options = &case.config().metadata_options;
    if phase(case.config())? == Phase::Gone || options.http_endpoint.as_deref() == Some("disabled") {
        return Ok(Vec::new());
    }
    match options.http_tokens.as_deref() {
        Some("required") => Ok(Vec::new()),
        Some(_) => {
            let evidence =
                json!({"MetadataOptions": {"HttpEndpoint": options.http_endpoint, "HttpTokens": options.http_tokens}});
            let problem = Problem::new("hands out its credentials without a session token (IMDSv1)", evidence);
            Ok(vec![problem.action(Action::Ec2RequireImdsv2)])
        }
        None => Err(Unclear("the record does not say MetadataOptions.HttpTokens".to_owned())),
    }
}

/// Only what runs: a stopped instance is what the action would make of it.
fn required_tags(case: &Case<'_, Instance>) -> Result<Vec<Problem>, Unclear> {
    if phase(case.config())? != Phase::Up {
        return Ok(Vec::new());
    }
    Ok(tags::missing(case).map(|problem| problem.action(stop(case.config()))).into_iter().collect())
}

/// A finding for each Elastic IP, which can be taken away by itself, and one for all other addresses: an automatic one goes
/// only with the instance that stops, which an Elastic IP survives. IPv6 is not asked for: whether such an address can be
/// reached is up to the subnet's routes. See
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-instance-addressing.html>.
fn public_in_dev(case: &Case<'_, Instance>) -> Result<Vec<Problem>, Unclear> {
    let instance = case.config();
    if phase(instance)? != Phase::Up {
        return Ok(Vec::new());
    }
    Ok(other_addresses(instance).into_iter().chain(instance.addresses.iter().map(elastic_ip)).collect())
}

const IN_DEV: &str = "is on the internet in a development account";

fn elastic_ip(address: &ElasticIp) -> Problem {
    let ip = address.public_ip.as_deref().unwrap_or(&address.allocation_id);
    let evidence = json!({"Addresses": [address]});
    // One without an allocation cannot be named to the API.
    let id = Some(&address.allocation_id).filter(|id| !id.is_empty());
    let action = id.map(|id| {
        Action::Ec2DisassociateAddress(Address {
            allocation_id: id.clone(),
            public_ip: address.public_ip.clone(),
            network_interface_id: None,
            private_ip_address: None,
        })
    });
    let problem = Problem::new(format!("{IN_DEV}: {ip} (Elastic IP)"), evidence).part(id.map_or(ip, String::as_str));
    problem.action(action).pick(Pick::First)
}

fn other_addresses(instance: &Instance) -> Option<Problem> {
    let associations = instance.network_interfaces.iter().filter_map(|interface| interface.association.as_ref());
    let mut addresses: Vec<(&str, &str)> = associations
        .filter_map(|association| {
            let kind = if association.ip_owner_id.as_deref() == Some("amazon") { "automatic" } else { "unknown" };
            Some((association.public_ip.as_deref()?, kind))
        })
        .collect();
    if let Some(address) = instance.public_ip_address.as_deref()
        && !addresses.iter().any(|(known, _)| *known == address)
    {
        addresses.push((address, "unknown"));
    }
    addresses.retain(|(ip, _)| !instance.addresses.iter().any(|elastic| elastic.public_ip.as_deref() == Some(ip)));
    if addresses.is_empty() {
        return None;
    }
    let list: Vec<String> = addresses.iter().map(|(address, kind)| format!("{address} ({kind})")).collect();
    let evidence: Vec<Value> =
        addresses.iter().map(|(address, kind)| json!({"PublicIp": address, "Kind": kind})).collect();
    let problem = Problem::new(format!("{IN_DEV}: {}", list.join(", ")), json!({ "PublicAddresses": evidence }));
    // Nobody knows whether stopping rids it of an address that is neither.
    if !addresses.iter().all(|(_, kind)| *kind == "automatic") {
        return Some(problem);
    }
    let stop = stop(instance);
    // Terminating is never a substitute for stopping: it is done where the settings ask for it.
    let pick = if stop.is_some() { Pick::FirstOrNamed } else { Pick::OnlyNamed };
    Some(problem.action(stop).action(Action::Ec2Terminate).pick(pick))
}
