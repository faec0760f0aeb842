//! The checks of what can be shared: each case for each of the types.

use common::resource::{DbClusterSnapshot, DbSnapshot, Image, Shared, Snapshot};
use common::settings::Settings;
use serde_json::{Value, json};

use super::{ACCOUNT, Example, NOW, judge, resource, said, settings, table, with};
use crate::Judge;

const STRANGER: &str = "444455556666";
const FRIEND: &str = "777788889999";
const ORGANIZATION: &str = "arn:aws:organizations::777788889999:organization/o-acme";
const UNIT: &str = "arn:aws:organizations::777788889999:ou/o-acme/ou-web-1a2b";

/// The field that says with whom an example is shared.
pub(super) fn shared<C: Example + Shared>(with: &[&str]) -> Value {
    let config: C = serde_json::from_value(C::healthy()).unwrap();
    let shared = config.sharing_with(&with.iter().map(|&who| who.to_owned()).collect());
    json!({C::FIELD: serde_json::to_value(shared).unwrap()[C::FIELD]})
}

fn config<C: Example + Shared>(whom: &[&str]) -> Value {
    with(C::TYPE, shared::<C>(whom))
}

fn trusting() -> Settings {
    let mut settings = settings();
    settings.trusted.accounts = vec![FRIEND.parse().unwrap()];
    settings.trusted.organizations = vec!["o-acme".to_owned()];
    settings
}

fn everyone_is_told_from_strangers<C: Example + Shared>() {
    let [public, shared] = C::IDS else { panic!("two checks") };
    let nobody: &[&str] = &["pass"];
    let everyone: &[&str] = &["fail critical unshare"];
    let stranger: &[&str] = &["fail high unshare 444455556666"];
    let two: &[&str] = &["fail high unshare 000000000000", "fail high unshare 444455556666"];
    for (name, whom, expected_public, expected_shared) in [
        ("nobody", &[][..], nobody, nobody),
        ("everyone", &["all"][..], everyone, nobody),
        ("a stranger", &[STRANGER], nobody, stranger),
        ("everyone and a stranger", &[STRANGER, "all"], everyone, stranger),
        ("its owner", &[ACCOUNT], nobody, nobody),
        ("a friend", &[FRIEND], nobody, nobody),
        ("two strangers among friends", &[STRANGER, FRIEND, "000000000000", ACCOUNT], nobody, two),
    ] {
        table(&trusting(), public, &[(name, config::<C>(whom), expected_public)]);
        table(&trusting(), shared, &[(name, config::<C>(whom), expected_shared)]);
    }
    let entry = |whom: &[&str]| shared_entry::<C>(whom);
    let findings = judge(&trusting(), shared, &resource(C::TYPE.name(), &config::<C>(&[FRIEND, STRANGER, "all"])));
    let [finding] = findings.as_slice() else { panic!("one stranger") };
    assert!(finding.title.ends_with(" is shared with account 444455556666, which is not known"), "{}", finding.title);
    assert_eq!(finding.evidence, entry(&[STRANGER]), "what of the configuration it rests on");
    let action = serde_json::to_value(&finding.action).unwrap();
    assert_eq!(action, json!({"name": "unshare", "With": [STRANGER]}), "exactly that share");
    let findings = judge(&trusting(), public, &resource(C::TYPE.name(), &config::<C>(&[FRIEND, STRANGER, "all"])));
    assert_eq!(findings[0].evidence, entry(&["all"]));
    assert_eq!(serde_json::to_value(&findings[0].action).unwrap(), json!({"name": "unshare", "With": ["all"]}));
    assert!(findings[0].key.ends_with(C::ARN), "one finding, so nothing to tell them apart by");
}

/// The same field as AWS prints it, without the fields that say nothing.
fn shared_entry<C: Example + Shared>(whom: &[&str]) -> Value {
    let Value::Array(entries) = shared::<C>(whom)[C::FIELD].take() else { panic!("a list") };
    let said = |entry: Value| -> Value {
        let Value::Object(fields) = entry else { panic!("an object") };
        fields.into_iter().filter(|(_, value)| !value.is_null()).collect()
    };
    json!({C::FIELD: entries.into_iter().map(said).collect::<Vec<_>>()})
}

#[test]
fn everyone_is_one_thing_and_each_stranger_another() {
    everyone_is_told_from_strangers::<Image>();
    everyone_is_told_from_strangers::<Snapshot>();
    everyone_is_told_from_strangers::<DbSnapshot>();
    everyone_is_told_from_strangers::<DbClusterSnapshot>();
}

#[test]
fn an_image_may_be_shared_with_an_organization_and_a_part_of_it() {
    let elsewhere = "arn:aws-us-gov:organizations::111122223333:organization/o-other";
    let unit = "arn:aws:organizations::111122223333:ou/o-other/ou-web-1a2b";
    let fail = |arn: &str| [format!("fail high unshare {arn}")];
    for (name, arn, title) in [
        ("another organization", elsewhere, "organization o-other"),
        ("its unit", unit, "the unit ou-web-1a2b of organization o-other"),
        ("another service's ARN", "arn:aws:iam::111122223333:ou/o-acme/ou-1", "account arn:aws:iam::"),
        ("no organization", "arn:aws:organizations::111122223333:root/o-acme/r-1", "account arn:aws:organizations"),
    ] {
        let findings = judge(&trusting(), "ami_shared", &resource("ami", &config::<Image>(&[arn, ORGANIZATION, UNIT])));
        assert_eq!(said(&findings), fail(arn), "{name}");
        assert!(findings[0].title.contains(&format!(" is shared with {title}")), "{}", findings[0].title);
    }
    let nobody = settings();
    let findings = judge(&nobody, "ami_shared", &resource("ami", &config::<Image>(&[ORGANIZATION, UNIT])));
    assert_eq!(said(&findings), [fail(ORGANIZATION), fail(UNIT)].concat(), "known is only who was made known");
}

#[test]
fn the_accounts_of_the_organization_are_known_once_its_record_was_seen() {
    let mut judge = Judge::new(&settings(), NOW.parse().unwrap(), None).unwrap();
    let image = resource("ami", &config::<Image>(&[FRIEND, STRANGER, UNIT]));
    let before = said(&judge.judge_one(&image, "ami_shared").unwrap());
    assert_eq!(before.len(), 3, "{before:?}");
    let organization = json!({"Id": "o-acme", "Accounts": [{"Id": ACCOUNT}, {"Id": FRIEND}]});
    judge.learn(&resource("organization", &organization)).unwrap();
    assert_eq!(said(&judge.judge_one(&image, "ami_shared").unwrap()), ["fail high unshare 444455556666"]);
}

#[test]
fn who_is_not_understood_is_neither_known_nor_nobody() {
    let unclear = |field: &str| format!("unknown its record has {field} that name nobody whom this version knows of");
    for (check, field, entries) in [
        ("ami", "LaunchPermissions", json!([{"UserId": STRANGER}, {}])),
        ("ami", "LaunchPermissions", json!([{"Group": "partners"}])),
        ("ebs_snapshot", "CreateVolumePermissions", json!([{"UserId": null, "Group": null}])),
        ("rds_snapshot", "DBSnapshotAttributes", json!([{"AttributeValues": ["all"]}])),
        ("rds_cluster_snapshot", "DBClusterSnapshotAttributes", json!([{"AttributeName": null}])),
    ] {
        let kind = check.parse().unwrap();
        let config = with(kind, json!({field: entries}));
        for end in ["public", "shared"] {
            let findings = judge(&settings(), &format!("{check}_{end}"), &resource(check, &config));
            assert_eq!(said(&findings), [unclear(field)], "{check} {entries}");
        }
    }
}
