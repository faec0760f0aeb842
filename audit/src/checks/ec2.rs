//! EC2 instances: <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html>.

use common::action::Action;
use common::record::Severity;
use common::resource::{Instance, ResourceType};
use serde_json::{Value, json};

use super::{About, Case, Check, Checked, Problem, Unclear, always, dev_account, tags};

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
                actions: &["stop"],
                fix: true,
                needs: &["NetworkInterfaces", "PublicIpAddress", "RootDeviceType", "State"],
                meaning: "The instance is on the internet, though its account is a development account.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-9",
            },
            arises: dev_account,
            judge: public_in_dev,
        },
    ];
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
    (instance.root_device_type.as_deref() != Some("instance-store")).then_some(Action::Stop)
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

/// An automatic address goes when the instance stops; an Elastic IP stays with it, so stopping would mend nothing:
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-instance-addressing.html>.
fn public_in_dev(case: &Case<'_, Instance>) -> Result<Vec<Problem>, Unclear> {
    let instance = case.config();
    if phase(instance)? != Phase::Up {
        return Ok(Vec::new());
    }
    let mut addresses: Vec<(&str, &str)> = instance
        .network_interfaces
        .iter()
        .filter_map(|interface| interface.association.as_ref())
        .filter_map(|association| {
            let kind = match association.ip_owner_id.as_deref() {
                Some("amazon") => "automatic",
                Some(_) => "Elastic IP",
                None => "unknown",
            };
            Some((association.public_ip.as_deref()?, kind))
        })
        .collect();
    if let Some(address) = instance.public_ip_address.as_deref()
        && !addresses.iter().any(|(known, _)| *known == address)
    {
        addresses.push((address, "unknown"));
    }
    if addresses.is_empty() {
        return Ok(Vec::new());
    }
    let list: Vec<String> = addresses.iter().map(|(address, kind)| format!("{address} ({kind})")).collect();
    let evidence: Vec<Value> =
        addresses.iter().map(|(address, kind)| json!({"PublicIp": address, "Kind": kind})).collect();
    let problem = Problem::new(
        format!("is on the internet in a development account: {}", list.join(", ")),
        json!({ "PublicAddresses": evidence }),
    );
    let automatic = addresses.iter().all(|(_, kind)| *kind == "automatic");
    Ok(vec![problem.action(stop(instance).filter(|_| automatic))])
}
