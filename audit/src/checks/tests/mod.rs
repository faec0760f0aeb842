//! What every check has in common. The checks themselves are tested by type, beside this file.

mod account;
mod ami;
mod auto_scaling_group;
mod ebs_snapshot;
mod ebs_volume;
mod ec2;
mod ecs_service;
mod ecs_task;
mod ecs_task_set;
mod elb;
mod elbv2;
mod iam_group;
mod iam_policy;
mod iam_role;
mod iam_user;
mod kms_key;
mod lambda_function;
mod organization;
mod rds;
mod rds_cluster;
mod rds_cluster_snapshot;
mod rds_snapshot;
mod redshift;
mod region;
mod runaway;
mod s3_bucket;
mod security_group;
mod shares;
mod spend;
mod spot_request;
mod sqs;

use std::collections::BTreeSet;

use common::action::Action;
use common::arn::Arn;
use common::record::{Finding, FindingStatus, Resource, Unread};
use common::resource::{Extent, ResourceType};
use common::settings::{Account, Central, RequiredTag, Settings};
use common::with_config;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::Judge;
use crate::checks::runaway::is_runaway;
use crate::checks::{self, About, Checked};

pub(super) const ACCOUNT: &str = "111122223333";
pub(super) const NOW: &str = "2026-11-20T10:00:00Z";

/// A type's example: a resource that passes every check under [`settings`].
pub(super) trait Example: Checked {
    /// Its ARN; its account is [`ACCOUNT`], and where the type is regional its region is eu-west-1.
    const ARN: &'static str;
    /// The checks of the type, in their order. Ids are for ever: one is added, never changed or removed.
    const IDS: &'static [&'static str];
    /// Its configuration. The fields that the checks need are there.
    fn healthy() -> Value;
    /// The fields that make it fail every check (required tags are none of it).
    fn rotten() -> Value;
}

/// A record of a type with a configuration.
pub(super) fn resource(kind: &str, config: &Value) -> Resource<Box<RawValue>> {
    let kind: ResourceType = kind.parse().unwrap();
    let arn: Arn = with_config!(kind, C => <C as Example>::ARN).parse().unwrap();
    let region = match kind.extent() {
        Extent::Regional | Extent::AccountWide => "eu-west-1",
        Extent::Global | Extent::Organization => "global",
    };
    let record = json!({
        "kind": "resource", "account": ACCOUNT, "region": region, "type": kind.name(), "id": kind.id_in(&arn), "arn": arn,
        "tags": {"Owner": "web"}, "config": config, "observed_at": NOW,
    });
    serde_json::from_str(&record.to_string()).unwrap()
}

/// The configuration of a resource that passes every check.
pub(super) fn healthy(kind: ResourceType) -> Value {
    with_config!(kind, C => <C as Example>::healthy())
}

/// The healthy configuration with some fields replaced.
pub(super) fn with(kind: ResourceType, fields: Value) -> Value {
    let (Value::Object(mut config), Value::Object(fields)) = (healthy(kind), fields) else { panic!("objects") };
    config.extend(fields);
    Value::Object(config)
}

/// Required tags.
pub(super) fn tags(texts: &[&str]) -> Vec<RequiredTag> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Settings under which every check has something to ask, but for the emergency brake: `runaway` beside this file.
pub(super) fn settings() -> Settings {
    let dev = Account { dev: true, ..Account::default() };
    let central = || Some("999900001111".parse().unwrap());
    Settings {
        required_tags: tags(&["owner"]),
        accounts: [(ACCOUNT.parse().unwrap(), dev)].into(),
        central: Central { guardduty: central(), config: central(), cloudtrail: central() },
        ..Settings::default()
    }
}

pub(super) fn judge(settings: &Settings, check: &str, resource: &Resource<Box<RawValue>>) -> Vec<Finding> {
    Judge::new(settings, NOW.parse().unwrap(), None).unwrap().judge_one(resource, check).unwrap()
}

/// What a check says, one line a finding: `fail critical stop part`, `unknown why`, `pass`.
pub(super) fn said(findings: &[Finding]) -> Vec<String> {
    let line = |finding: &Finding| match finding.status {
        FindingStatus::Fail => {
            let action = finding.action.as_ref().map_or("-", |action| action.name().unwrap());
            let whole = format!("{}:{}", finding.check, finding.arn);
            let part = finding.key.strip_prefix(&whole).unwrap().replacen(':', " ", 1);
            format!("fail {} {action}{part}", finding.severity)
        }
        FindingStatus::Unknown => {
            assert_eq!(finding.action, None);
            format!("unknown {}", finding.reason.as_deref().unwrap())
        }
        other => other.name().to_owned(),
    };
    findings.iter().map(line).collect()
}

/// One row of a table of cases: what it is about, the configuration, and what the check says.
pub(super) type Row<'a> = (&'a str, Value, &'a [&'a str]);

/// Holds a check against a table.
pub(super) fn table(settings: &Settings, check: &str, rows: &[Row<'_>]) {
    let about = checks::all().find(|about| about.id == check).unwrap();
    for (name, config, expected) in rows {
        let findings = judge(settings, check, &resource(about.kind.name(), config));
        assert_eq!(said(&findings), *expected, "{check}: {name}");
        for finding in findings {
            if let Some(action) = &finding.action {
                let listed = action.name().is_some_and(|action| about.actions.contains(&action));
                assert!(listed, "{name}: --list-checks does not name {action:?}");
                assert!(action.acts_on(about.kind), "{name}");
            }
            for control in &finding.controls {
                assert!(about.controls.contains(&control.as_str()), "{name}: --list-checks does not name {control}");
            }
        }
    }
}

#[test]
fn ids_are_unique_and_for_ever() {
    for kind in ResourceType::ALL {
        let ids: Vec<&str> = checks::of(*kind).iter().map(|about| about.id).collect();
        assert_eq!(ids, with_config!(*kind, C => <C as Example>::IDS), "{kind}");
    }
    let ids: Vec<&str> = checks::all().map(|about| about.id).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    for about in checks::all() {
        assert!(about.id.starts_with(about.kind.name()), "{}", about.id);
    }
}

#[test]
fn what_is_listed_of_a_check_is_true() {
    for About { id, kind, actions, needs, meaning, page, controls, .. } in checks::all() {
        for name in *actions {
            let (_, kinds, _) = Action::ALL.iter().find(|(known, ..)| known == name).unwrap();
            assert!(kinds.contains(kind), "{id}: {name} does not act on {kind}");
        }
        let config = healthy(*kind);
        for field in *needs {
            assert!(
                *field == "Tags" || config.get(field).is_some(),
                "{id} needs {field}, which a {kind} does not have"
            );
        }
        assert!(meaning.ends_with('.') && page.starts_with("https://docs.aws.amazon.com/"), "{id}");
        for control in *controls {
            assert!(control.starts_with("FSBP ") || control.starts_with("CIS "), "{id}: {control}");
        }
    }
}

#[test]
fn a_healthy_resource_passes_every_check() {
    let judge = Judge::new(&settings(), NOW.parse().unwrap(), None).unwrap();
    for kind in ResourceType::ALL {
        let findings = judge.judge(&resource(kind.name(), &healthy(*kind))).unwrap();
        let expected: Vec<&str> = checks::of(*kind).into_iter().map(|about| about.id).collect();
        assert_eq!(findings.iter().map(|finding| finding.check.as_str()).collect::<Vec<_>>(), expected);
        assert_eq!(said(&findings), vec!["pass"; expected.len()], "{kind}");
    }
}

#[test]
fn an_unread_field_makes_exactly_those_checks_unknown_that_need_it() {
    let judge = Judge::new(&settings(), NOW.parse().unwrap(), None).unwrap();
    for kind in ResourceType::ALL {
        let mut fields: BTreeSet<String> = healthy(*kind).as_object().unwrap().keys().cloned().collect();
        fields.insert("Tags".to_owned());
        for field in fields {
            let mut resource = resource(kind.name(), &healthy(*kind));
            resource.unread = vec![Unread {
                field: field.clone(),
                operation: "x:DescribeX".to_owned(),
                code: "AccessDenied".to_owned(),
                message: None,
            }];
            let findings = judge.judge(&resource).unwrap();
            for about in checks::of(*kind) {
                let own: Vec<Finding> = findings.iter().filter(|finding| finding.check == about.id).cloned().collect();
                let expected = if about.needs.contains(&field.as_str()) && !is_runaway(about.id) {
                    format!("unknown {field} could not be read: x:DescribeX answered AccessDenied")
                } else {
                    "pass".to_owned()
                };
                assert_eq!(said(&own), [expected], "{} without {field}", about.id);
            }
        }
    }
}

#[test]
fn an_absent_field_makes_exactly_those_checks_unknown_that_need_it() {
    let judge = Judge::new(&settings(), NOW.parse().unwrap(), None).unwrap();
    for &kind in ResourceType::ALL {
        for field in healthy(kind).as_object().unwrap().keys() {
            let mut config = healthy(kind);
            config.as_object_mut().unwrap().shift_remove(field);
            for finding in judge.judge(&resource(kind.name(), &config)).unwrap() {
                let about = checks::all().find(|about| about.id == finding.check).unwrap();
                let needed = about.needs.contains(&field.as_str()) && !is_runaway(about.id);
                let expected = if needed { FindingStatus::Unknown } else { FindingStatus::Pass };
                assert_eq!(finding.status, expected, "{} without {field}", about.id);
            }
        }
    }
}

#[test]
fn a_check_reads_no_field_but_those_that_it_needs() {
    // Everything is wrong with these: whatever field a check looks at, it finds something there.
    let settings = Settings { required_tags: tags(&["Owner", "Team"]), ..settings() };
    let judge = Judge::new(&settings, NOW.parse().unwrap(), None).unwrap();
    for kind in ResourceType::ALL {
        let rotten = rotten(*kind);
        for field in rotten.as_object().unwrap().keys() {
            let mut less = rotten.clone();
            less.as_object_mut().unwrap().remove(field);
            for about in checks::of(*kind) {
                let [whole, part] = [&rotten, &less]
                    .map(|config| said(&judge.judge_one(&resource(kind.name(), config), about.id).unwrap()));
                assert!(whole.iter().all(|line| line.starts_with("fail")), "{}: {whole:?}", about.id);
                assert!(whole == part || about.needs.contains(&field.as_str()), "{} reads {field}", about.id);
            }
        }
    }
}

/// The configuration of a resource that fails every check (required tags are none of it).
fn rotten(kind: ResourceType) -> Value {
    with_config!(kind, C => with(kind, <C as Example>::rotten()))
}

/// A policy that lets in everyone, and a stranger.
pub(super) fn wide_open() -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"},
        {"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "*", "Resource": "*"},
    ]})
}

#[test]
fn an_empty_list_of_required_tags_requires_nothing() {
    let none = Settings { required_tags: Vec::new(), ..settings() };
    let two = Settings { required_tags: tags(&["OWNER", "Team"]), ..settings() };
    for kind in [ResourceType::S3Bucket, ResourceType::Ec2] {
        let check = format!("{kind}_required_tags");
        let mut bare = resource(kind.name(), &healthy(kind));
        bare.tags.clear();
        bare.unread =
            vec![Unread { field: "Tags".to_owned(), operation: String::new(), code: String::new(), message: None }];
        assert_eq!(said(&judge(&none, &check, &bare)), ["pass"], "nothing is asked of tags that could not be read");
        assert_eq!(said(&judge(&two, &check, &bare)), ["unknown Tags could not be read"]);
        bare.unread.clear();
        let findings = judge(&two, &check, &bare);
        assert_eq!(findings[0].evidence, json!({"MissingTags": ["OWNER", "Team"]}));
        let tagged = judge(&two, &check, &resource(kind.name(), &healthy(kind)));
        assert_eq!(tagged[0].evidence, json!({"MissingTags": ["Team"]}), "names count in any case");
        assert!(tagged[0].title.ends_with(" lacks the required tag Team"), "{}", tagged[0].title);
    }
}

#[test]
fn titles_are_sentences_that_name_the_resource() {
    let judge = Judge::new(&settings(), NOW.parse().unwrap(), None).unwrap();
    let titles = |kind: ResourceType| -> Vec<String> {
        judge.judge(&resource(kind.name(), &rotten(kind))).unwrap().into_iter().map(|finding| finding.title).collect()
    };
    assert_eq!(titles(ResourceType::S3Bucket)[0], "S3 bucket acme-logs is readable by anyone through its ACL");
    assert_eq!(
        titles(ResourceType::Ec2)[2],
        "EC2 instance i-0abc is on the internet in a development account: 198.51.100.7 (automatic)"
    );
    assert_eq!(
        titles(ResourceType::SecurityGroup)[0],
        "Security group sg-0abc is open to the internet (0.0.0.0/0) on all ports and protocols"
    );
    assert_eq!(titles(ResourceType::IamUser)[0], "IAM user jane can sign in with a password and has no MFA device");
    assert_eq!(titles(ResourceType::Sqs)[1], "SQS queue jobs lets in account 444455556666 through its policy");
}
