//! What is to be halted in an account that is over its limit, each resource by itself.

use common::action::Action;
use common::record::{FindingStatus, Severity, Unread};
use common::resource::ResourceType;
use common::settings::{Account, Aws, Check, Exception, Runaway, Settings};
use serde_json::{Value, json};

use super::{ACCOUNT, NOW, healthy, judge, resource, said, table, with};
use crate::Judge;
use crate::checks::{self, runaway};

fn group(fields: Value) -> Value {
    with(ResourceType::AutoScalingGroup, fields)
}

fn spot(state: &Value, kind: &str) -> Value {
    with(ResourceType::SpotRequest, json!({"State": state, "Type": kind}))
}

fn instance(state: &str) -> Value {
    with(ResourceType::Ec2, json!({"State": {"Name": state}}))
}

/// What `remediate` denies somebody everything by.
fn denied() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]})
}

/// What somebody may have put in its place.
fn allowed() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
}

fn user(password: bool, keys: &[&str], deny_all: &Value) -> Value {
    let key = |(at, status): (usize, &&str)| json!({"AccessKeyId": format!("AKIA{at}"), "Status": status});
    let keys: Vec<Value> = keys.iter().enumerate().map(key).collect();
    with(ResourceType::IamUser, json!({"PasswordEnabled": password, "AccessKeys": keys, "SluiceDenyAll": deny_all}))
}

fn role(path: &str, statement: &Value, deny_all: &Value) -> Value {
    let policy = json!({"Version": "2012-10-17", "Statement": statement});
    let fields = json!({"Path": path, "AssumeRolePolicyDocument": policy, "SluiceDenyAll": deny_all});
    with(ResourceType::IamRole, fields)
}

fn trust(principal: &Value) -> Value {
    json!({"Effect": "Allow", "Principal": principal, "Action": ["sts:AssumeRole", "sts:AssumeRoleWithSAML"]})
}

#[test]
fn instances_that_run_are_stopped() {
    let unknown = "unknown `dozing` is not a state of an instance that this version knows";
    let mut store = instance("running");
    store["RootDeviceType"] = json!("instance-store");
    let halt: &[&str] = &["fail critical ec2_halt"];
    table(
        &Settings::default(),
        "ec2_runaway",
        &[
            ("running", instance("running"), halt),
            ("pending", instance("pending"), halt),
            ("stopping", instance("stopping"), &["pass"]),
            ("stopped", instance("stopped"), &["pass"]),
            ("shutting down", instance("shutting-down"), &["pass"]),
            ("terminated", instance("terminated"), &["pass"]),
            ("a state of tomorrow", instance("dozing"), &[unknown]),
            ("what cannot be stopped", store.clone(), &["fail critical -"]),
        ],
    );
    let title = judge(&Settings::default(), "ec2_runaway", &resource("ec2", &store)).remove(0).title;
    assert!(title.contains("it is running from an instance store, so that it can only be terminated"), "{title}");
}

#[test]
fn what_would_launch_others_is_stopped_before() {
    let suspended = |names: &[&str]| {
        let processes: Vec<Value> = names.iter().map(|name| json!({"ProcessName": name})).collect();
        group(json!({"SuspendedProcesses": processes}))
    };
    let suspend: &[&str] = &["fail critical asg_suspend"];
    let all = common::resource::auto_scaling_group::REPLACING;
    table(
        &Settings::default(),
        "auto_scaling_group_runaway",
        &[
            ("nothing is suspended", group(json!({})), suspend),
            ("an empty group", group(json!({"Instances": [], "DesiredCapacity": 0})), suspend),
            ("a process is left", suspended(&all[1..]), suspend),
            ("all are suspended", suspended(&all), &["pass"]),
            ("it is being deleted", group(json!({"Status": "Delete in progress"})), &["pass"]),
        ],
    );
    let found = judge(
        &Settings::default(),
        "auto_scaling_group_runaway",
        &resource("auto_scaling_group", &suspended(&all[2..])),
    );
    let action = serde_json::to_value(&found[0].action).unwrap();
    assert_eq!(action, json!({"name": "asg_suspend", "ScalingProcesses": all[..2]}), "only what is not suspended yet");

    let cancel: &[&str] = &["fail critical ec2_cancel_spot_request"];
    table(
        &Settings::default(),
        "spot_request_runaway",
        &[
            ("open", spot(&json!("open"), "one-time"), cancel),
            ("open, again and again", spot(&json!("open"), "persistent"), cancel),
            // Once it is cancelled its instance cannot be stopped, only terminated.
            ("its instance is to be stopped", spot(&json!("active"), "persistent"), &["pass"]),
            ("its instance is stopped", spot(&json!("disabled"), "persistent"), &["pass"]),
            ("cancelled", spot(&json!("cancelled"), "persistent"), &["pass"]),
            ("no state", spot(&Value::Null, "persistent"), &["unknown the record does not say State"]),
        ],
    );
}

#[test]
fn users_who_can_sign_in_are_disabled() {
    let disable: &[&str] = &["fail critical disable"];
    table(
        &Settings::default(),
        "iam_user_runaway",
        &[
            ("a password", user(true, &[], &Value::Null), disable),
            ("a key", user(false, &["Active"], &Value::Null), disable),
            ("both", user(true, &["Inactive", "Active"], &allowed()), disable),
            ("a key, and all is denied", user(false, &["Active"], &denied()), disable),
            ("a password, and all is allowed", user(true, &[], &allowed()), disable),
            ("nothing", user(false, &[], &Value::Null), &["pass"]),
            ("a key that is inactive", user(false, &["Inactive"], &Value::Null), &["pass"]),
            ("a password, and all is denied", user(true, &["Inactive"], &denied()), &["pass"]),
        ],
    );
}

#[test]
fn the_original_s_harder_form_is_there_for_who_asks_for_it() {
    let check = Check { action: Some("iam_delete_keys".to_owned()), ..Check::default() };
    let settings = Settings { checks: [("iam_user_runaway".to_owned(), check)].into(), ..Settings::default() };
    let found = judge(&settings, "iam_user_runaway", &resource("iam_user", &user(false, &["Active"], &Value::Null)));
    assert_eq!(said(&found), ["fail critical iam_delete_keys"]);
    assert!(found[0].action.as_ref().is_some_and(Action::is_irreversible));
}

#[test]
fn whether_all_is_denied_must_be_seen() {
    let role = role("/", &trust(&json!({"AWS": "111122223333"})), &Value::Null);
    for (kind, config) in [("iam_user", user(true, &[], &Value::Null)), ("iam_role", role)] {
        let mut unread = resource(kind, &config);
        let (field, code) = ("SluiceDenyAll".to_owned(), "AccessDenied".to_owned());
        unread.unread = vec![Unread { field, operation: String::new(), code, message: None }];
        let found = judge(&Settings::default(), &format!("{kind}_runaway"), &unread);
        assert_eq!(said(&found), ["unknown SluiceDenyAll could not be read: AccessDenied"], "{kind}");
    }
}

#[test]
fn roles_that_people_can_assume_are_closed() {
    const SAML: &str = "arn:aws:iam::111122223333:saml-provider/okta";
    let service = trust(&json!({"Service": "ec2.amazonaws.com"}));
    let account = trust(&json!({"AWS": "111122223333"}));
    let other = trust(&json!({"AWS": "444455556666"}));
    let saml = trust(&json!({"Federated": SAML}));
    let nobody = json!({"Effect": "Deny", "Principal": "*", "Action": "sts:*"});
    let mixed = trust(&json!({"Service": "ec2.amazonaws.com", "AWS": "111122223333"}));
    let disable: &[&str] = &["fail critical disable"];
    let sso = "/aws-reserved/sso.amazonaws.com/eu-west-1/";
    table(
        &Settings::default(),
        "iam_role_runaway",
        &[
            ("the account's users", role("/", &account, &Value::Null), disable),
            ("another account", role("/team/", &other, &allowed()), disable),
            ("SAML", role("/", &saml, &Value::Null), disable),
            ("a service", role("/service-role/", &service, &Value::Null), &["pass"]),
            (
                "a service, and people beside it",
                role("/", &json!([service, account]), &Value::Null),
                &["fail critical iam_remove_trust_statements"],
            ),
            ("a service and people in one", role("/", &mixed, &Value::Null), &["fail critical -"]),
            ("a service-linked role", role("/aws-service-role/x.amazonaws.com/", &account, &Value::Null), &["pass"]),
            ("closed", role("/", &nobody, &Value::Null), &["pass"]),
            ("all is denied", role("/", &account, &denied()), &["pass"]),
            ("Identity Center", role(sso, &saml, &Value::Null), &["fail critical -"]),
            (
                "a policy that nobody understands",
                role(
                    "/",
                    &json!({"Effect": "Allow", "Principal": {"Aws": "*"}, "Action": "sts:AssumeRole"}),
                    &Value::Null,
                ),
                &["unknown statement 0: `Principal.Aws` is no kind of principal; look at the policy by hand"],
            ),
        ],
    );
    let told = judge(&Settings::default(), "iam_role_runaway", &resource("iam_role", &role(sso, &saml, &Value::Null)));
    assert!(
        told[0].title.contains("from IAM Identity Center, where alone their access can be revoked"),
        "{}",
        told[0].title
    );
}

#[test]
fn the_role_that_sluice_comes_by_is_spared() {
    // The example is arn:aws:iam::111122223333:role/service-role/deploy.
    let open = resource("iam_role", &role("/service-role/", &trust(&json!({"AWS": "444455556666"})), &Value::Null));
    let settings = |role: Option<&str>, org_role: Option<&str>| Settings {
        aws: Aws { role: role.map(str::to_owned), org_role: org_role.map(str::to_owned), ..Aws::default() },
        ..Settings::default()
    };
    let arn = "arn:aws:iam::111122223333:role/service-role/deploy";
    for (name, settings, status) in [
        ("a path and a name", settings(Some("service-role/deploy"), None), FindingStatus::Excepted),
        ("another way to write them", settings(Some("/role/service-role/deploy"), None), FindingStatus::Excepted),
        ("with a slash", settings(Some("/service-role/deploy"), None), FindingStatus::Excepted),
        ("with its type", settings(Some("role/service-role/deploy"), None), FindingStatus::Excepted),
        ("an ARN", settings(Some(arn), None), FindingStatus::Excepted),
        (
            "any account's",
            settings(Some("arn:aws:iam::{account}:role/service-role/deploy"), None),
            FindingStatus::Excepted,
        ),
        ("the organization's", settings(Some("sluice"), Some(arn)), FindingStatus::Excepted),
        ("the same name elsewhere", settings(Some("deploy"), None), FindingStatus::Fail),
        (
            "another account's",
            settings(Some("arn:aws:iam::444455556666:role/service-role/deploy"), None),
            FindingStatus::Fail,
        ),
        ("none", settings(None, None), FindingStatus::Fail),
    ] {
        let found = judge(&settings, "iam_role_runaway", &open).remove(0);
        assert_eq!(found.status, status, "{name}");
        if status == FindingStatus::Excepted {
            assert_eq!(found.action, None, "{name}");
            assert!(found.reason.unwrap().contains("Sluice itself"), "{name}");
        }
    }
    // A person's word is shown before Sluice's own.
    let exception: Exception = serde_json::from_value(json!({"arn": arn, "reason": "our way in"})).unwrap();
    let both = Settings { exceptions: vec![exception], ..settings(Some(arn), None) };
    assert_eq!(judge(&both, "iam_role_runaway", &open)[0].reason.as_deref(), Some("our way in"));
}

#[test]
fn a_resource_by_itself_is_judged_as_if_its_account_were_over_its_limit() {
    let running = resource("ec2", &instance("running"));
    let limited =
        Settings { runaway: Runaway { max_running_instances: Some(20), max_spend: None }, ..Settings::default() };
    for settings in [&Settings::default(), &limited] {
        let found = judge(settings, "ec2_runaway", &running);
        assert_eq!(said(&found), ["fail critical ec2_halt"], "whoever mends it may not have the settings of audit");
        assert_eq!(
            found[0].title,
            "EC2 instance i-0abc is to be halted: it is running, and account 111122223333 is over its limit"
        );
        assert_eq!(found[0].evidence["Account"], "taken to be over its limit");
    }
    // It costs money while it is started, too.
    let mut pending = resource("ec2", &instance("pending"));
    pending.settled = false;
    assert_eq!(said(&judge(&limited, "ec2_runaway", &pending)), ["fail critical ec2_halt"]);
    let judge = Judge::new(&limited, NOW.parse().unwrap(), None).unwrap();
    assert!(judge.judge(&pending).is_err(), "the other checks wait for it");
    assert!(judge.judge_one(&pending, "ec2_imdsv2").is_err());
}

#[test]
fn the_question_arises_only_where_there_is_a_limit() {
    let own = |instances| Account { max_running_instances: instances, ..Account::default() };
    let settings = |all, own: Account| Settings {
        runaway: Runaway { max_running_instances: all, max_spend: None },
        accounts: [(ACCOUNT.parse().unwrap(), own)].into(),
        ..Settings::default()
    };
    for (settings, fails) in
        [(settings(None, own(None)), false), (settings(Some(1), own(None)), true), (settings(None, own(Some(1))), true)]
    {
        let judge = Judge::new(&settings, NOW.parse().unwrap(), None).unwrap();
        let found = judge.judge(&resource("ec2", &instance("running"))).unwrap();
        let found = found.iter().find(|finding| finding.check == "ec2_runaway").unwrap();
        assert_eq!(found.status == FindingStatus::Fail, fails, "{settings:?}");
    }
}

#[test]
fn what_a_check_needs_it_must_see() {
    let mut ids = Vec::new();
    for about in checks::all().filter(|about| runaway::is_runaway(about.id)) {
        ids.push(about.id);
        for field in about.needs {
            let mut unread = resource(about.kind.name(), &healthy(about.kind));
            let code = "AccessDenied".to_owned();
            unread.unread = vec![Unread { field: (*field).to_owned(), operation: String::new(), code, message: None }];
            let mut absent = healthy(about.kind);
            absent.as_object_mut().unwrap().shift_remove(*field);
            for lacking in [unread, resource(about.kind.name(), &absent)] {
                let found = judge(&Settings::default(), about.id, &lacking);
                assert_eq!(found[0].status, FindingStatus::Unknown, "{} without {field}", about.id);
                assert_eq!(found[0].severity, Severity::Critical, "{}", about.id);
            }
        }
    }
    let expected = [
        "account_runaway",
        "ec2_runaway",
        "auto_scaling_group_runaway",
        "spot_request_runaway",
        "iam_user_runaway",
        "iam_role_runaway",
    ];
    assert_eq!(ids, expected, "ids are for ever");
}
