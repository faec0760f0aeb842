//! What watches over a region: GuardDuty, AWS Config, CloudTrail, VPC flow logs, and EBS encryption by default.
//!
//! Several of Security Hub's controls are one per account and region as well:
//! <https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-controls-reference.html>.

use common::arn::Arn;
use common::record::Severity;
use common::resource::{RegionServices, ResourceType, Trail, Vpc};
use serde_json::{Value, json};

use super::{About, Case, Check, Checked, Problem, Unclear, always};

impl Checked for RegionServices {
    const CHECKS: &'static [Check<Self>] = &[
        Check {
            about: About {
                id: "region_guardduty",
                kind: ResourceType::Region,
                severity: Severity::High,
                controls: &["FSBP GuardDuty.1"],
                actions: &[],
                fix: false,
                needs: &["Detectors"],
                meaning: "GuardDuty is not on: the region has no detector that is enabled.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/guardduty-controls.html#guardduty-1",
            },
            arises: always,
            judge: guardduty,
        },
        Check {
            about: About {
                id: "region_guardduty_central",
                kind: ResourceType::Region,
                severity: Severity::Medium,
                controls: &[],
                actions: &[],
                fix: false,
                needs: &["Administrator"],
                meaning: "GuardDuty does not report to the administrator account that the settings name ([central] guardduty).",
                page: "https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_accounts.html",
            },
            // The administrator has none above it.
            arises: |rules, _, account| rules.central.guardduty.as_ref().is_some_and(|central| central != account),
            judge: guardduty_central,
        },
        Check {
            about: About {
                id: "region_config",
                kind: ResourceType::Region,
                severity: Severity::Critical,
                controls: &["FSBP Config.1", "CIS 3.3"],
                actions: &[],
                fix: false,
                needs: &["ConfigurationRecordersStatus", "DeliveryChannels"],
                meaning: "AWS Config is not on: no recorder records, or there is no delivery channel.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/config-controls.html#config-1",
            },
            arises: always,
            judge: config,
        },
        Check {
            about: About {
                id: "region_config_central",
                kind: ResourceType::Region,
                severity: Severity::Medium,
                controls: &[],
                actions: &[],
                fix: false,
                needs: &["AggregationAuthorizations"],
                meaning: "The account that the settings name ([central] config) may not aggregate what AWS Config records.",
                page: "https://docs.aws.amazon.com/config/latest/developerguide/aggregate-data.html",
            },
            // Nobody needs an authorization for what is one's own.
            arises: |rules, _, account| rules.central.config.as_ref().is_some_and(|central| central != account),
            judge: config_central,
        },
        Check {
            about: About {
                id: "region_cloudtrail",
                kind: ResourceType::Region,
                severity: Severity::High,
                controls: &["FSBP CloudTrail.1", "CIS 3.1"],
                actions: &[],
                fix: false,
                needs: &["Trails"],
                meaning: "No trail of CloudTrail that covers the region is logging.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/cloudtrail-controls.html#cloudtrail-1",
            },
            arises: always,
            judge: cloudtrail,
        },
        Check {
            about: About {
                id: "region_cloudtrail_multi_region",
                kind: ResourceType::Region,
                severity: Severity::High,
                controls: &["FSBP CloudTrail.1", "CIS 3.1"],
                actions: &[],
                fix: false,
                needs: &["Trails"],
                meaning: "No trail that is logging covers all regions, so that a region that nobody thinks of goes unseen.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/cloudtrail-controls.html#cloudtrail-1",
            },
            arises: always,
            judge: cloudtrail_multi_region,
        },
        Check {
            about: About {
                id: "region_cloudtrail_central",
                kind: ResourceType::Region,
                severity: Severity::Medium,
                controls: &[],
                actions: &[],
                fix: false,
                needs: &["Trails"],
                meaning: "No trail that is logging belongs to the account that the settings name ([central] cloudtrail).",
                page: "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/creating-trail-organization.html",
            },
            arises: |rules, _, _| rules.central.cloudtrail.is_some(),
            judge: cloudtrail_central,
        },
        Check {
            about: About {
                id: "region_vpc_flow_logs",
                kind: ResourceType::Region,
                severity: Severity::Medium,
                controls: &["FSBP EC2.6", "CIS 3.7"],
                actions: &[],
                fix: false,
                needs: &["FlowLogs", "Vpcs"],
                meaning: "A VPC has no active flow log that can be delivered and has what was rejected.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-6",
            },
            arises: always,
            judge: |case| Ok(case.config().vpcs.iter().filter_map(|vpc| without_flow_logs(case, vpc)).collect()),
        },
        Check {
            about: About {
                id: "region_ebs_encryption_default",
                kind: ResourceType::Region,
                severity: Severity::Medium,
                controls: &["FSBP EC2.7", "CIS 2.2.1"],
                actions: &[],
                fix: false,
                needs: &["EbsEncryptionByDefault"],
                meaning: "New EBS volumes are not encrypted unless somebody asks for it.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-7",
            },
            arises: always,
            judge: ebs_encryption,
        },
    ];
}

type Answer = Result<Vec<Problem>, Unclear>;

fn guardduty(case: &Case<'_, RegionServices>) -> Answer {
    let detectors = &case.config().detectors;
    if detectors.iter().any(|detector| detector.status.as_deref() == Some("ENABLED")) {
        return Ok(Vec::new());
    }
    if let Some(odd) = detectors.iter().find(|detector| detector.status.as_deref() != Some("DISABLED")) {
        return Err(match &odd.status {
            Some(status) => Unclear(format!("`{status}` is not a status of a detector that this version knows")),
            None => Unclear(format!("the record does not say Status of the detector {}", odd.detector_id)),
        });
    }
    Ok(vec![Problem::new("has no GuardDuty detector that is enabled", json!({ "Detectors": detectors }))])
}

fn guardduty_central(case: &Case<'_, RegionServices>) -> Answer {
    let Some(central) = &case.rules.central.guardduty else { return Ok(Vec::new()) };
    let administrator = &case.config().administrator;
    let fail = |what: String| Ok(vec![Problem::new(what, json!({ "Administrator": administrator }))]);
    let Some(it) = administrator else {
        return fail(format!("is not connected to GuardDuty's administrator account {central}"));
    };
    match (it.account_id.as_deref(), it.relationship_status.as_deref()) {
        (None, _) => Err(Unclear("the record does not say Administrator.AccountId".to_owned())),
        (Some(other), _) if other != central.as_str() => {
            fail(format!("has account {other} as GuardDuty's administrator instead of {central}"))
        }
        (Some(_), None) => Err(Unclear("the record does not say Administrator.RelationshipStatus".to_owned())),
        (Some(_), Some("Enabled")) => Ok(Vec::new()),
        (Some(_), Some(status)) => {
            fail(format!("is connected to GuardDuty's administrator account {central}, but as `{status}`"))
        }
    }
}

fn config(case: &Case<'_, RegionServices>) -> Answer {
    let RegionServices { configuration_recorders_status: recorders, delivery_channels: channels, .. } = case.config();
    let mut on = recorders.iter().filter(|recorder| recorder.recording == Some(true)).peekable();
    let is_on = on.peek().is_some();
    // CIS asks for both: a recorder that may not read, or whose bucket is gone, is on and records nothing.
    let records = on.any(|recorder| recorder.last_status.as_deref() != Some("Failure"));
    let unknown = recorders.iter().any(|recorder| recorder.recording.is_none());
    if !records && unknown && !channels.is_empty() {
        return Err(Unclear("the record does not say ConfigurationRecordersStatus.Recording".to_owned()));
    }
    let missing = [
        (!is_on && !unknown, "has no recorder of AWS Config that is on"),
        (is_on && !records && !unknown, "has a recorder of AWS Config that is on and fails"),
        (channels.is_empty(), "has no delivery channel for AWS Config"),
    ];
    let missing: Vec<&str> = missing.into_iter().filter_map(|(is_missing, what)| is_missing.then_some(what)).collect();
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let evidence = json!({ "ConfigurationRecordersStatus": recorders, "DeliveryChannels": channels });
    Ok(vec![Problem::new(missing.join(" and "), evidence)])
}

fn config_central(case: &Case<'_, RegionServices>) -> Answer {
    let Some(central) = &case.rules.central.config else { return Ok(Vec::new()) };
    let authorizations = &case.config().aggregation_authorizations;
    if authorizations.iter().any(|it| it.authorized_account_id.as_deref() == Some(central.as_str())) {
        return Ok(Vec::new());
    }
    if authorizations.iter().any(|it| it.authorized_account_id.is_none()) {
        return Err(Unclear("the record does not say AggregationAuthorizations.AuthorizedAccountId".to_owned()));
    }
    let what = format!("does not authorize account {central} to aggregate what AWS Config records");
    Ok(vec![Problem::new(what, json!({ "AggregationAuthorizations": authorizations }))])
}

/// Whether a trail is logging of which `is_meant` says that it counts: `None` where the record does not tell, and then
/// `field` is what it lacks. One that is sure is enough, whatever is not known of the others.
fn is_logged(trails: &[Trail], field: &str, is_meant: impl Fn(&Trail) -> Option<bool>) -> Result<bool, Unclear> {
    let mut unclear = None;
    for trail in trails {
        let lacks = match (is_meant(trail), trail.is_logging) {
            (Some(true), Some(true)) => return Ok(true),
            (Some(false), _) | (_, Some(false)) => continue,
            (_, None) => "IsLogging",
            (None, _) => field,
        };
        let name = trail.name.as_deref().or(trail.trail_arn.as_deref()).unwrap_or("without a name");
        unclear.get_or_insert_with(|| Unclear(format!("the record does not say {lacks} of the trail {name}")));
    }
    unclear.map_or(Ok(false), Err)
}

/// The problem of a region without a certain kind of trail.
fn without_trail(case: &Case<'_, RegionServices>, what: impl Into<String>) -> Vec<Problem> {
    let evidence: Vec<Value> = case
        .config()
        .trails
        .iter()
        .map(|trail| {
            json!({
                "TrailARN": trail.trail_arn, "IsMultiRegionTrail": trail.is_multi_region_trail,
                "IsLogging": trail.is_logging,
            })
        })
        .collect();
    vec![Problem::new(what, json!({ "Trails": evidence }))]
}

fn cloudtrail(case: &Case<'_, RegionServices>) -> Answer {
    if is_logged(&case.config().trails, "", |_| Some(true))? {
        return Ok(Vec::new());
    }
    Ok(without_trail(case, "is covered by no trail of CloudTrail that is logging"))
}

fn cloudtrail_multi_region(case: &Case<'_, RegionServices>) -> Answer {
    if is_logged(&case.config().trails, "IsMultiRegionTrail", |trail| trail.is_multi_region_trail)? {
        return Ok(Vec::new());
    }
    Ok(without_trail(case, "is covered by no trail of CloudTrail that is logging in all regions"))
}

/// An organization's trail has the ARN of the account that owns it, in its members' answers too.
fn cloudtrail_central(case: &Case<'_, RegionServices>) -> Answer {
    let Some(central) = &case.rules.central.cloudtrail else { return Ok(Vec::new()) };
    let is_central = |trail: &Trail| {
        let arn: Arn = trail.trail_arn.as_deref()?.parse().ok()?;
        Some(arn.account == central.as_str())
    };
    if is_logged(&case.config().trails, "TrailARN", is_central)? {
        return Ok(Vec::new());
    }
    Ok(without_trail(case, format!("is covered by no trail of account {central} that is logging")))
}

/// What is logged counts once it arrives, and the controls ask for what was rejected.
fn without_flow_logs(case: &Case<'_, RegionServices>, vpc: &Vpc) -> Option<Problem> {
    let id = &vpc.vpc_id;
    let logs: Vec<_> =
        case.config().flow_logs.iter().filter(|log| log.resource_id.as_deref() == Some(id.as_str())).collect();
    let active: Vec<_> = logs.iter().filter(|log| log.flow_log_status.as_deref() == Some("ACTIVE")).collect();
    let mut arriving = active.iter().filter(|log| log.deliver_logs_status.as_deref() != Some("FAILED")).peekable();
    let what = match (active.is_empty(), arriving.peek().is_none()) {
        (true, _) => "has a VPC without an active flow log",
        (_, true) => "has a VPC whose flow log cannot be delivered",
        _ if arriving.all(|log| log.traffic_type.as_deref() == Some("ACCEPT")) => {
            "has a VPC whose flow log leaves out what was rejected"
        }
        _ => return None,
    };
    let evidence = json!({ "VpcId": id, "IsDefault": vpc.is_default, "FlowLogs": logs });
    if logs.iter().any(|log| log.flow_log_status.is_none()) {
        let why = format!("the record does not say FlowLogStatus of a flow log of {id}");
        return Some(Problem::unclear(Unclear(why), evidence).part(id));
    }
    Some(Problem::new(format!("{what}: {id}"), evidence).part(id))
}

fn ebs_encryption(case: &Case<'_, RegionServices>) -> Answer {
    match case.config().ebs_encryption_by_default {
        Some(true) => Ok(Vec::new()),
        Some(false) => {
            let evidence = json!({ "EbsEncryptionByDefault": false });
            Ok(vec![Problem::new("does not encrypt new EBS volumes by default", evidence)])
        }
        None => Err(Unclear("the record does not say EbsEncryptionByDefault".to_owned())),
    }
}
