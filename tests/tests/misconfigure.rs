//! The misconfiguration maker: it makes what it says, and takes away what it made and nothing else.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use common::resource::ResourceType;
use serde_json::Value;
use tests::http::Request;
use tests::{Account, Ran};

/// Where the maker makes things; the emulator has thirty regions more.
const HERE: [&str; 2] = ["--regions", "us-east-1"];

fn lines(ran: &Ran) -> Vec<Value> {
    ran.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What the maker never makes nor changes: what an account has turned on.
fn is_account_wide(record: &Value) -> bool {
    ["account", "region"].contains(&record["type"].as_str().unwrap())
}

/// All that there is, but for when it was seen.
fn state(account: &Account) -> BTreeMap<String, Value> {
    let polled = account.tool("poll").args(HERE).run().exits(0).kind("resource");
    let entry = |mut record: Value| {
        record["observed_at"] = Value::Null;
        // The emulator forgets these two when another metadata option is changed.
        record["config"]["MetadataOptions"]["HttpProtocolIpv6"] = Value::Null;
        record["config"]["MetadataOptions"]["InstanceMetadataTags"] = Value::Null;
        (record["arn"].as_str().unwrap().to_owned(), record)
    };
    // What AWS keeps for a while after it was removed.
    let is_gone = |config: &Value| {
        config["State"]["Name"] == "terminated"
            || config["KeyState"] == "PendingDeletion"
            || config["State"] == "cancelled"
    };
    // What is made for a classic load balancer without a group, and stays; and what the emulator makes as soon as something is
    // encrypted with AWS's own key, and takes for one of the account's own.
    let is_default = |config: &Value| {
        config["GroupName"].as_str().is_some_and(|name| name.starts_with("default_elb"))
            || config["Description"] == "Default key"
    };
    let polled = polled.into_iter().filter(|record| !is_account_wide(record)).map(entry);
    polled.filter(|(_, record)| !is_gone(&record["config"]) && !is_default(&record["config"])).collect()
}

/// Holds two states to be equal, and shows only what differs.
#[track_caller]
fn assert_same(is: &BTreeMap<String, Value>, should_be: &BTreeMap<String, Value>, when: &str) {
    let arns: BTreeSet<_> = is.keys().chain(should_be.keys()).collect();
    let differ = arns.into_iter().filter(|arn| is.get(*arn) != should_be.get(*arn));
    let differ: Vec<_> = differ.map(|arn| format!("is: {:?}\nwas: {:?}", is.get(arn), should_be.get(arn))).collect();
    assert!(differ.is_empty(), "{when}\n{}", differ.join("\n"));
}

#[test]
fn each_resource_fails_the_checks_that_it_is_said_to_fail_and_no_others() {
    let account = Account::new();
    let made = lines(&account.tool("misconfigure").run().exits(0));
    let expected: BTreeSet<(String, String)> = made
        .iter()
        .flat_map(|made| {
            made["checks"].as_array().unwrap().iter().map(|check| (made["arn"].to_string(), check.to_string()))
        })
        .collect();

    let polled = account.tool("poll").args(HERE).run().exits(0);
    // By then the password and the key have been unused for too long.
    let found = polled.pipe("audit").args(["--now", "2100-01-01T00:00:00Z"]).run().exits(0);
    let findings: Vec<Value> = found.kind("finding").into_iter().filter(|finding| !is_account_wide(finding)).collect();
    assert!(findings.iter().all(|finding| finding["status"] == "fail"), "{found}");
    let found: BTreeSet<_> =
        findings.iter().map(|finding| (finding["arn"].to_string(), finding["check"].to_string())).collect();
    assert_eq!(found, expected);

    let listed = account.tool("audit").arg("--list-checks").run().exits(0).text();
    for about in made.iter().flat_map(|made| made["checks"].as_array().unwrap()) {
        assert!(listed.contains(about.as_str().unwrap()), "{about} is no check:\n{listed}");
    }
    // For each type something good as well, so that a check that always fails is found out.
    let kinds: BTreeSet<&str> = made.iter().map(|made| made["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds.len(),
        ResourceType::ALL.len() - 4,
        "all but the organization, accounts, what they spend, and regions: {kinds:?}"
    );
    for kind in kinds.into_iter().filter(|kind| *kind != "redshift") {
        let good = |made: &&Value| made["type"] == kind && made["what"].as_str().unwrap().starts_with("good: ");
        assert!(made.iter().any(|made| good(&made)), "{kind}");
    }
}

#[test]
fn all_of_it_is_named_and_tagged_and_can_be_looked_up() {
    let account = Account::new();
    let made = account.tool("misconfigure").run().exits(0);
    let looked = made.pipe("poll").arg("-").run().exits(0).kind("resource");
    assert_eq!(looked.len(), lines(&made).len(), "{made}");
    for record in &looked {
        let tag = record["tags"]["sluice:test-resource"].as_str();
        // IAM has no tags for groups.
        assert!(record["type"] == "iam_group" || ["good", "bad"].contains(&tag.unwrap()), "{record}");
        assert!(record.to_string().contains("sluice-test-"), "{record}");
        let on_the_internet = record["type"] != "ec2" || record["config"]["PublicIpAddress"].is_string();
        let may_be = record["type"] != "ec2" || record["tags"]["Name"] == "sluice-test-elastic-ip";
        assert_eq!(on_the_internet, may_be, "{record}");
    }
    let only = account.tool("poll").args(HERE).arg("--only-test-resources").run().exits(0).kind("resource");
    assert_eq!(only.len(), looked.len());
}

#[test]
fn twice_is_once_and_a_fix_is_unmade() {
    let account = Account::new();
    let first = account.tool("misconfigure").run().exits(0);
    let bad = state(&account);
    assert_eq!(account.tool("misconfigure").run().exits(0).stdout, first.stdout);
    assert_same(&state(&account), &bad, "twice");

    let settings = "[checks.security_group_open]\nfix = true\n[remediate]\nmax_actions = 99\nmax_percent = 100\n";
    let config = account.tool("remediate").home().join("sluice.toml");
    std::fs::write(config, settings).unwrap();
    let config = ["--config", "sluice.toml"];
    let audited = account.tool("poll").args(HERE).run().exits(0).pipe("audit").args(config).run().exits(0);
    // What nothing can undo is refused: that is a "no".
    let fixed = audited.pipe("remediate").arg("--apply").args(config).run().exits(1);
    assert!(fixed.kind("outcome").len() > 10, "{fixed}");
    assert_ne!(state(&account), bad);
    assert_eq!(account.tool("misconfigure").run().exits(0).stdout, first.stdout);
    assert_same(&state(&account), &bad, "after a fix");
}

#[test]
fn clean_takes_all_of_it_and_leaves_what_only_looks_like_it() {
    let account = Account::new();
    let call = |service: &str, request: Request| {
        let answer = account.call(service, request).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text()
    };
    let iam = |form: &str| call("iam", Request::form(format!("Version=2010-05-08&{form}")));
    let ec2 = |form: &str| call("ec2", Request::form(format!("Version=2016-11-15&{form}")));
    call("s3", Request::new("PUT", &format!("/sluice-test-{}-good", account.id())));
    iam("Action=CreateUser&UserName=sluice-test-jane");
    iam("Action=CreateUser&UserName=jane&Path=/sluice-test/");
    iam("Action=CreateUser&UserName=sluice-test-joe&Path=/sluice-test/team/");
    let vpcs = ec2("Action=DescribeVpcs");
    let vpc = vpcs.split_once("<vpcId>").unwrap().1.split_once('<').unwrap().0;
    ec2(&format!("Action=CreateSecurityGroup&GroupName=sluice-test-web&GroupDescription=x&VpcId={vpc}"));
    ec2(&format!(
        "Action=CreateSecurityGroup&GroupName=web&GroupDescription=x&VpcId={vpc}&TagSpecification.1.ResourceType=\
         security-group&TagSpecification.1.Tag.1.Key=sluice:test-resource&TagSpecification.1.Tag.1.Value=bad"
    ));
    ec2("Action=RunInstances&ImageId=ami-12c6146b&MinCount=1&MaxCount=1&TagSpecification.1.ResourceType=instance&\
         TagSpecification.1.Tag.1.Key=sluice:test-resource&TagSpecification.1.Tag.1.Value=bad");
    call("sqs", Request::form("Action=CreateQueue&Version=2012-11-05&QueueName=sluice-test-jobs"));
    let others = state(&account);
    assert_eq!(others.len(), 10, "with the default group, and the instance's volume: {others:#?}");

    let made = lines(&account.tool("misconfigure").run().exits(0));
    let mut brought: Vec<Value> = state(&account).into_values().collect();
    brought.retain(|record| !others.contains_key(record["arn"].as_str().unwrap()));
    brought.retain(|record| made.iter().all(|made| made["arn"] != record["arn"]));
    let brings = |record: &Value| {
        record["type"] == "ebs_volume" || record["tags"]["aws:autoscaling:groupName"] == "sluice-test-group"
    };
    assert!(brought.iter().all(brings), "what instances and a group bring along: {brought:#?}");
    let removed = account.tool("misconfigure").arg("--clean").run().exits(0).says("sluice-test-jobs: left out");
    assert_eq!(lines(&removed).len(), made.len(), "{removed}");
    assert_same(&state(&account), &others, "clean");
    let again = account.tool("misconfigure").arg("--clean").run().exits(0);
    assert!(again.stdout.is_empty(), "{again}");
}

#[test]
fn what_an_interrupted_run_left_is_cleaned() {
    let account = Account::new();
    let before = state(&account);
    let mut left = 0;
    for millis in [150, 400, 800, 1600] {
        let mut command = account.tool("misconfigure").command();
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(millis));
        child.kill().unwrap();
        child.wait().unwrap();
        left += lines(&account.tool("misconfigure").arg("--clean").run().exits(0)).len();
        assert_same(&state(&account), &before, &format!("after {millis} ms"));
    }
    assert!(left > 0, "no run was interrupted in the middle");
}

#[test]
fn the_account_s_own_block_is_left_alone_and_said_to_be_in_the_way() {
    let account = Account::new();
    let request = |method: &str, body: &str| {
        let request = Request::new(method, "/v20180820/configuration/publicAccessBlock");
        let request = request.with("x-amz-account-id", account.id()).body(body);
        account.call("s3", request).unwrap()
    };
    let switches = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];
    let body = switches.map(|name| format!("<{name}>true</{name}>")).concat();
    let body = format!(
        "<PublicAccessBlockConfiguration xmlns=\"http://awss3control.amazonaws.com/doc/2018-08-20/\">{body}\
         </PublicAccessBlockConfiguration>"
    );
    assert_eq!(request("PUT", &body).status, 200);
    let before = request("GET", "").text();
    assert!(before.contains("true"), "{before}");

    let made = account.tool("misconfigure").args(["--types", "s3_bucket"]).run().exits(3);
    let made = made.says("public-acl: the account's public access block is in the way");
    assert_eq!(lines(&made).len(), 4, "{made}");
    assert_eq!(request("GET", "").text(), before);
    let audited = account.tool("poll").args(["--types", "s3_bucket"]).run().exits(0).pipe("audit").run().exits(0);
    let found: BTreeSet<_> = audited.kind("finding").iter().map(|finding| finding["check"].to_string()).collect();
    let expected = ["\"s3_bucket_encryption\"", "\"s3_bucket_policy_outsiders\"", "\"s3_bucket_tls\""];
    assert_eq!(found, expected.map(str::to_owned).into());
}

#[test]
fn it_works_in_no_account_but_the_one_that_was_named() {
    let account = Account::new();
    let refused = account.tool("misconfigure").args(["--account", "999999999999"]).run().exits(2);
    assert!(refused.stderr.contains(&format!("those of account {}, not of 999999999999", account.id())), "{refused}");
    let refused = account.tool("misconfigure").args(["--outsider", account.id()]).run().exits(2);
    assert!(refused.stdout.is_empty(), "{refused}");
    assert_eq!(state(&account).len(), 1, "the default security group alone");
}
