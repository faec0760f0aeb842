//! Who is not halted, and which account may be over its limit.

use common::exit::Exit;
use serde_json::{Value, json};

use super::{ACCOUNT, account, brake, halted, halted_count, listed, role, running, settings, user};

#[test]
fn the_exempt_are_named_in_the_settings() {
    let settings = settings(
        r#"
        [runaway]
        max_running_instances = 1
        [aws]
        role = "sluice"
        [[exceptions]]
        check = "iam_user_runaway"
        id = "break-glass-*"
        reason = "the way back in"
        [[exceptions]]
        check = "ec2_runaway"
        tags = { Owner = "nobody" }
        reason = "never seen"
        "#,
    );
    let records = [
        listed(&["eu-west-1"]),
        running(&["eu-west-1"], 2),
        ["jane", "break-glass-1"].map(user).to_vec(),
        ["admin", "sluice"].map(role).to_vec(),
    ]
    .concat();
    let done = brake(&settings, &[], &records);
    let ids: Vec<String> = halted(&done).iter().map(|line| line.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(ids, ["i-eu-west-1-0", "i-eu-west-1-1", "jane", "admin"]);
    let excepted: Vec<Value> =
        done.of_kind("finding").into_iter().filter(|finding| finding["status"] == "excepted").collect();
    let told: Vec<[&Value; 3]> = excepted.iter().map(|it| [&it["id"], &it["reason"], &it["action"]]).collect();
    let sluice = json!("Sluice itself enters the account by this role (the settings' [aws])");
    assert_eq!(told[0], [&json!("break-glass-1"), &json!("the way back in"), &Value::Null]);
    assert_eq!(told[1], [&json!("sluice"), &sluice, &Value::Null]);
    let title = account(&done)["title"].as_str().unwrap().to_owned();
    assert!(title.ends_with("1 IAM user, 1 IAM role; excepted: 1 IAM user, 1 IAM role"), "{title}");
}

#[test]
fn an_account_that_may_be_over_its_limit_is_not_halted() {
    let over = [listed(&["eu-west-1"]), running(&["eu-west-1"], 2)].concat();
    let tagged = json!({
        "kind": "resource", "account": ACCOUNT, "region": "global", "type": "account", "id": ACCOUNT,
        "arn": format!("arn:aws:iam::{ACCOUNT}:root"), "tags": {"Stage": "load-test"}, "config": {},
    });
    let settings = settings(
        r#"
        [runaway]
        max_running_instances = 1
        [[exceptions]]
        check = "account_runaway"
        tags = { Stage = "load-test" }
        reason = "the load test of November"
        "#,
    );
    assert_eq!(halted_count(&brake(&settings, &[], &over)), 2, "nobody said anything of this account");
    let done = brake(&settings, &["--fail-on", "low"], &[over, vec![tagged]].concat());
    assert_eq!(done.findings(), ["account_runaway excepted"]);
    assert_eq!(account(&done)["reason"], "the load test of November");
    assert_eq!(account(&done)["tags"]["Stage"], "load-test");
    assert_eq!(done.exit, Exit::Done);
    assert!(done.stderr.contains("this is excepted, and nothing is halted"), "{}", done.stderr);
    let by_id = super::settings(
        "[runaway]\nmax_running_instances = 9\n[[exceptions]]\ncheck = \"account_runaway\"\naccount = \"1111*\"\nreason = \"x\"",
    );
    let done = brake(&by_id, &[], &running(&["eu-west-1"], 2));
    assert_eq!(
        (done.findings(), done.exit),
        (vec!["account_runaway excepted".to_owned()], Exit::Done),
        "nor need it be known"
    );
}
