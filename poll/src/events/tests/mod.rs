//! The table against records: a synthetic one, of the shape that AWS gives them, for each row.

mod nasty;
mod patterns;
mod samples;

use std::collections::{BTreeMap, BTreeSet};

use common::event::Record;
use common::resource::ResourceType;
use serde_json::{Value, json};

use super::place::Place;
use super::table::{ALL, DATED, event, undated};
use super::{Question, Target, targets};

const ACCOUNT: &str = "111122223333";

/// Calls with records of one shape, and what they come to.
struct Sample {
    service: &'static str,
    /// As CloudTrail names them.
    names: &'static [&'static str],
    request: &'static str,
    response: &'static str,
    /// See [`shown`].
    targets: &'static [&'static str],
}

const fn sample(
    service: &'static str,
    names: &'static [&'static str],
    request: &'static str,
    response: &'static str,
    targets: &'static [&'static str],
) -> Sample {
    Sample { service, names, request, response, targets }
}

/// A record of a call in `eu-west-1`, or `us-east-1` where the service is one for the world.
fn record(service: &str, name: &str, request: &str, response: &str) -> Value {
    let region = if matches!(service, "iam" | "organizations" | "account") { "us-east-1" } else { "eu-west-1" };
    let json =
        |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|error| panic!("{name}: {error}: {text}"));
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole", "principalId": "AROAEXAMPLE:jane",
            "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/deploy/jane"),
            "accountId": ACCOUNT, "accessKeyId": "ASIAEXAMPLE",
            "sessionContext": {"sessionIssuer": {
                "type": "Role", "principalId": "AROAEXAMPLE", "accountId": ACCOUNT, "userName": "deploy",
                "arn": format!("arn:aws:iam::{ACCOUNT}:role/deploy"),
            }},
        },
        "eventTime": "2026-11-20T10:00:00Z",
        "eventSource": format!("{service}.amazonaws.com"),
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": "203.0.113.9",
        "userAgent": "aws-cli/2.17.20",
        "requestParameters": json(request),
        "responseElements": json(response),
        "requestID": "8a4782c5-408f-4ff4-be0b-6e10202f385f",
        "eventID": "e544d47e-6d75-45cf-a8a9-7e90d5f7d38d",
        "readOnly": false,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    })
}

/// What a record comes to: `ec2 i-0abc`, with another region or account (`@us-east-1`, `@444455556666`) and a delay
/// (`+900s`) where there is one, or `? ` and a question. Or why it comes to nothing.
fn told(record: &Value) -> Result<Vec<String>, String> {
    let text = record.to_string();
    let parsed = Record::parse(&text).unwrap();
    let targets = targets(&parsed).map_err(|error| error.to_string())?;
    Ok(targets.iter().map(|target| shown(target, &parsed)).collect())
}

fn shown(target: &Target, record: &Record<'_>) -> String {
    let other = |named: &str, usual: &str| if named == usual { String::new() } else { format!(" @{named}") };
    match target {
        Target::Resource { reference, kind, delay } => {
            assert_eq!(reference.kind, kind.name());
            let global = matches!(kind.extent(), common::resource::Extent::Global);
            let region = other(reference.region.as_str(), if global { "global" } else { &record.aws_region });
            let account = other(reference.account.as_str(), ACCOUNT);
            let delay = if delay.is_zero() { String::new() } else { format!(" +{}s", delay.as_secs()) };
            format!("{kind} {}{region}{account}{delay}", reference.id)
        }
        Target::Ask { account, region, question } => {
            format!("? {question}{}{}", other(region.as_str(), &record.aws_region), other(account.as_str(), ACCOUNT))
        }
    }
}

#[test]
fn each_record_comes_to_what_it_should() {
    for Sample { service, names, request, response, targets } in samples::all() {
        for name in *names {
            let told = told(&record(service, name, request, response));
            assert_eq!(told, Ok(targets.iter().map(|&target| target.to_owned()).collect()), "{service} {name}");
        }
    }
}

/// The type of what AWS answers.
fn answered(question: &Question) -> ResourceType {
    match question {
        Question::TargetGroup(_) => ResourceType::Elbv2,
        Question::Interface(_) | Question::Attachment(_) => ResourceType::Ec2,
        Question::KeyAlias(_) => ResourceType::KmsKey,
        Question::GroupName(_) => ResourceType::SecurityGroup,
        Question::ParameterGroup(_) => ResourceType::Redshift,
        Question::Buckets => ResourceType::S3Bucket,
        Question::Regions => ResourceType::Region,
        Question::Organization => ResourceType::Organization,
    }
}

#[test]
fn each_row_has_a_record_that_shows_it() {
    // By event: the types that its records come to.
    let mut seen: BTreeMap<(&str, &str), BTreeSet<ResourceType>> = BTreeMap::new();
    for Sample { service, names, request, response, .. } in samples::all() {
        for name in *names {
            let text = record(service, name, request, response).to_string();
            let source = format!("{service}.amazonaws.com");
            let events = event(&source, name).unwrap_or_else(|| panic!("{service} {name} is not in the table"));
            let named = |known: &&&str| *known == name || (service == &DATED && undated(name) == **known);
            let in_table = events.names.iter().find(named).unwrap();
            let kinds = targets(&Record::parse(&text).unwrap()).unwrap().into_iter().map(|target| match target {
                Target::Resource { kind, .. } => kind,
                Target::Ask { question, .. } => answered(&question),
            });
            seen.entry((events.service, in_table)).or_default().extend(kinds);
        }
    }
    for events in ALL.iter().copied().flatten() {
        for name in events.names {
            let kinds = seen.get(&(events.service, *name)).unwrap_or_else(|| panic!("no record of {name}"));
            for change in events.changes.iter().filter(|change| !matches!(change.place, Place::IfRoot)) {
                assert!(
                    kinds.contains(&change.kind),
                    "no record of {} {name} shows its {}",
                    events.service,
                    change.kind
                );
            }
        }
    }
}

#[test]
fn no_event_is_there_twice() {
    let mut seen = BTreeSet::new();
    for events in ALL.iter().copied().flatten() {
        for name in events.names {
            assert!(seen.insert((events.service, name)), "{} {name}", events.service);
        }
    }
}

/// Types that no call changes.
const CHANGED_BY_NO_CALL: &[(ResourceType, &str)] =
    &[(ResourceType::Spend, "what is spent is added up over hours, by nobody's call")];

#[test]
fn each_type_that_a_call_can_change_has_events() {
    let changed: BTreeSet<ResourceType> =
        ALL.iter().copied().flatten().flat_map(|events| events.changes).map(|change| change.kind).collect();
    for kind in ResourceType::ALL {
        let exempt = CHANGED_BY_NO_CALL.iter().any(|(other, why)| other == kind && !why.is_empty());
        assert!(changed.contains(kind) != exempt, "{kind}");
    }
}

/// The table of the original framework, which knew neither task definitions as such nor clusters as resources:
/// `RunTask` and `StartTask` gave the one, `CreateCluster` of ECS the other.
#[test]
fn the_original_s_events_are_all_there() {
    for (service, names) in [
        ("sqs", &["CreateQueue", "SetQueueAttributes", "AddPermission"][..]),
        ("ec2", &["ModifyImageAttribute", "ModifySnapshotAttribute", "RunInstances", "ModifyInstanceMetadataOptions"]),
        ("ec2", &["AssociateAddress", "CreateSecurityGroup", "AuthorizeSecurityGroupIngress"]),
        ("rds", &["ModifyDBSnapshotAttribute", "ModifyDBInstance", "CreateDBInstanceReadReplica", "CreateDBInstance"]),
        ("redshift", &["ModifyCluster", "CreateCluster"]),
        ("s3", &["PutBucketPolicy", "PutBucketAcl", "CreateBucket"]),
        ("elasticloadbalancing", &["RegisterInstancesWithLoadBalancer", "RegisterTargets", "CreateListener"]),
        ("elasticloadbalancing", &["ModifyListener"]),
        ("iam", &["CreateRole", "UpdateAssumeRolePolicy"]),
        ("lambda", &["AddPermission20150331v2", "CreateFunction20150331"]),
        ("ecs", &["CreateService", "UpdateService", "CreateTaskSet", "UpdateTaskSet", "UpdateServicePrimaryTaskSet"]),
        ("ecs", &["RunTask", "StartTask"]),
        ("kms", &["PutKeyPolicy", "CreateKey"]),
    ] {
        for name in names {
            assert!(event(&format!("{service}.amazonaws.com"), name).is_some(), "{service} {name}");
        }
    }
}
