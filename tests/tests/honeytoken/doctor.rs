//! `honeytoken doctor`: what keeps tokens from being noticed is found, what is well is not, and what is denied is unknown.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use tests::http::Request;
use tests::iam::Iam;
use tests::stage::{json_request, text};
use tests::{Emulator, Proxy, Ran};

use crate::drill::Range;
use crate::tokens;

const TRAIL: &str = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101";

/// An account with a token that was drilled, and a queue.
struct Ward {
    range: Range,
    url: String,
}

impl Ward {
    fn new() -> Self {
        let range = Range::new();
        let url = text(&range.sqs("CreateQueue", &json!({"QueueName": "tripwire"}))["QueueUrl"]);
        Self { range, url }
    }

    /// All as it should be.
    fn well() -> Self {
        let ward = Self::new();
        ward.range.drilled();
        ward.trail(
            true,
            &json!([{"ReadWriteType": "All", "IncludeManagementEvents": true,
            "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}]}]),
        );
        ward.queue_is_well();
        ward.rule("tripwire", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS");
        ward
    }

    fn id(&self) -> &str {
        self.range.account.id()
    }

    fn user(&self) -> String {
        text(&self.range.token["id"])
    }

    fn call(&self, service: &str, target: &str, body: &Value) {
        let answer = self.range.account.call(service, json_request(target, body)).unwrap();
        assert!(answer.status < 300, "{target}: {answer:?}");
    }

    fn iam(&self, action: &str, pairs: &[(&str, &str)]) -> String {
        Iam(&self.range.account).call(action, pairs)
    }

    fn trail(&self, everywhere: bool, selectors: &Value) {
        let bucket = format!("trail-{}", self.id());
        self.range.account.call("s3", Request::new("PUT", &format!("/{bucket}"))).unwrap();
        let trail = json!({"Name": "main", "S3BucketName": bucket, "IsMultiRegionTrail": everywhere, "IncludeGlobalServiceEvents": true});
        self.call("cloudtrail", &format!("{TRAIL}.CreateTrail"), &trail);
        self.call("cloudtrail", &format!("{TRAIL}.StartLogging"), &json!({"Name": "main"}));
        let selectors = json!({"TrailName": "main", "EventSelectors": selectors});
        self.call("cloudtrail", &format!("{TRAIL}.PutEventSelectors"), &selectors);
    }

    fn queue_is_well(&self) {
        let dead = text(&self.range.sqs("CreateQueue", &json!({"QueueName": "dead"}))["QueueUrl"]);
        assert!(dead.ends_with("dead"));
        let redrive =
            json!({"deadLetterTargetArn": format!("arn:aws:sqs:us-east-1:{}:dead", self.id()), "maxReceiveCount": 5});
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage", "Resource": "*"}]});
        let attributes = json!({"RedrivePolicy": redrive.to_string(), "Policy": policy.to_string()});
        self.range.sqs("SetQueueAttributes", &json!({"QueueUrl": self.url, "Attributes": attributes}));
    }

    fn rule(&self, name: &str, state: &str) {
        let pattern = json!({"detail-type": ["AWS API Call via CloudTrail"]}).to_string();
        self.call("events", "AWSEvents.PutRule", &json!({"Name": name, "EventPattern": pattern, "State": state}));
        let arn = format!("arn:aws:sqs:us-east-1:{}:tripwire", self.id());
        self.call("events", "AWSEvents.PutTargets", &json!({"Rule": name, "Targets": [{"Id": "1", "Arn": arn}]}));
    }

    fn doctor(&self, args: &[&str]) -> Ran {
        let tool = self.range.account.tool("honeytoken").args(["doctor", "--sqs", &self.url]);
        tool.args(args.iter().copied()).run()
    }
}

/// What was found: check and status, sorted.
fn found(ran: &Ran) -> Vec<String> {
    let findings = ran.kind("finding");
    let keys: Vec<&str> = findings.iter().map(|finding| finding["key"].as_str().unwrap()).collect();
    assert!(keys.is_sorted(), "{ran}");
    let short = |finding: &Value| {
        let check = text(&finding["check"]).replace("honeytoken_", "");
        if finding["status"] == "fail" { check } else { format!("{check} {}", text(&finding["status"])) }
    };
    findings.iter().map(short).collect()
}

#[test]
fn where_all_is_well_nothing_is_found() {
    let ward = Ward::well();
    let ran = ward.doctor(&[]).exits(0);
    assert_eq!(found(&ran), Vec::<String>::new(), "{ran}");
}

#[test]
fn what_keeps_events_from_coming_is_found() {
    let ward = Ward::new();
    let all = ["never_drilled", "no_data_events", "no_rule", "no_trail", "queue_closed", "queue_no_dead_letters"];
    assert_eq!(found(&ward.doctor(&[]).exits(1)), all);
    // A trail of one region, of writes alone; a rule that leaves out reads, another that is off, and one about something else.
    ward.trail(false, &json!([{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": true}]));
    ward.queue_is_well();
    ward.rule("plain", "ENABLED");
    ward.rule("off", "DISABLED");
    let ran = ward.doctor(&["--last-used"]).exits(1);
    assert_eq!(found(&ran), ["never_drilled", "no_data_events", "no_trail", "rule_state", "rule_state"], "{ran}");
    let trail = ran.one(&json!({"check": "honeytoken_no_trail"}));
    assert_eq!((&trail["severity"], &trail["account"]), (&json!("critical"), &json!(ward.id())));
    assert_eq!(trail["evidence"]["trails"][0]["why"].as_array().unwrap().len(), 2, "{trail}");
    let rule = ran.one(&json!({"check": "honeytoken_rule_state", "severity": "high"}));
    assert!(text(&rule["arn"]).ends_with("rule/plain"), "{rule}");
    assert_eq!(ran.one(&json!({"check": "honeytoken_no_data_events"}))["severity"], "low", "last uses are the net");

    let gone = ward.url.replace("tripwire", "gone");
    let ran = ward.range.account.tool("honeytoken").args(["doctor", "--sqs", &gone]).run().exits(1);
    assert!(found(&ran).contains(&"queue_missing".to_owned()), "{ran}");
    // Nobody says where events would come from.
    let ran = ward.range.account.tool("honeytoken").arg("doctor").run().exits(1);
    assert!(found(&ran).contains(&"no_source".to_owned()), "{ran}");
}

#[test]
fn a_user_that_is_not_as_the_registry_has_it_is_found() {
    let ward = Ward::well();
    let (user, key) = (ward.user(), ward.range.key());
    let policies = ward.iam("ListUserPolicies", &[("UserName", &user)]);
    let policy = policies.split("<member>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let put = |document: &str| {
        ward.iam("PutUserPolicy", &[("UserName", &user), ("PolicyName", &policy), ("PolicyDocument", document)]);
    };
    put(
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}"#,
    );
    assert_eq!(found(&ward.doctor(&[]).exits(1)), ["guard_missing"]);
    put(
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"},{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
    );
    let ran = ward.doctor(&[]).exits(1);
    assert_eq!(found(&ran), ["permissions"], "{ran}");
    assert_eq!(ran.one(&json!({"kind": "finding"}))["severity"], "medium", "the deny holds it");
    ward.iam("DeleteUserPolicy", &[("UserName", &user), ("PolicyName", &policy)]);
    let ran = ward.doctor(&[]).exits(1);
    assert_eq!(found(&ran), ["guard_missing"]);
    let finding = ran.one(&json!({"kind": "finding"}));
    assert_eq!((&finding["arn"], &finding["type"]), (&ward.range.token["arn"], &json!("iam_user")));
    put(r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#);

    ward.iam("CreateAccessKey", &[("UserName", &user)]);
    ward.iam("UpdateAccessKey", &[("UserName", &user), ("AccessKeyId", &key), ("Status", "Inactive")]);
    let ran = ward.doctor(&[]).exits(1);
    assert_eq!(found(&ran), ["key_blind", "key_unknown"], "{ran}");
    assert_eq!(ran.one(&json!({"check": "honeytoken_key_blind"}))["evidence"]["key"], key.as_str());

    let keys = ward.iam("ListAccessKeys", &[("UserName", &user)]);
    for key in keys.split("<AccessKeyId>").skip(1).filter_map(|rest| rest.split('<').next()) {
        ward.iam("DeleteAccessKey", &[("UserName", &user), ("AccessKeyId", key)]);
    }
    ward.iam("DeleteUserPolicy", &[("UserName", &user), ("PolicyName", &policy)]);
    ward.iam("DeleteUser", &[("UserName", &user)]);
    assert_eq!(found(&ward.doctor(&[]).exits(1)), ["user_gone"]);
    ward.iam("CreateUser", &[("UserName", &user.to_uppercase())]);
    assert!(found(&ward.doctor(&[]).exits(1)).contains(&"user_replaced".to_owned()));
}

#[test]
fn what_is_denied_is_unknown_and_asked_for_once() {
    let ward = Ward::well();
    let _ = tokens(&ward.range.account, &["create", "-n", "8"]);
    let proxy = Proxy::new(Emulator::shared());
    let through = |proxy: &Proxy| {
        let tool = ward.range.account.through(proxy).tool("honeytoken");
        tool.args(["doctor", "--sqs", &ward.url]).run()
    };
    let ran = through(&proxy).exits(0);
    assert!(ran.stdout.is_empty(), "{ran}");
    assert_eq!(proxy.count("iam:GetAccountAuthorizationDetails"), 2, "{:?}", proxy.counts());
    assert_eq!(proxy.count("iam:ListAccessKeys"), 9);
    assert!(
        proxy
            .calls()
            .iter()
            .all(|call| ["Get", "List", "Describe"].iter().any(|verb| call.operation.starts_with(verb)))
    );

    let denied = Proxy::new(Emulator::shared()).deny("iam:*").deny("cloudtrail:*").deny("events:*");
    let ran = through(&denied).exits(3);
    let expected = [
        "account_full",
        "exposed",
        "guard_missing",
        "key_blind",
        "no_data_events",
        "no_rule",
        "no_trail",
        "permissions",
        "user_gone",
        "user_replaced",
    ]
    .map(|check| format!("{check} unknown"));
    assert_eq!(found(&ran), expected, "{ran}");
    let key = ran.one(&json!({"check": "honeytoken_key_blind"}));
    assert_eq!((&key["evidence"]["operation"], &key["evidence"]["users"]), (&json!("iam:ListAccessKeys"), &json!(9)));
    assert!(text(&key["reason"]).contains("AccessDenied"), "{key}");

    let _ = through(&Proxy::new(Emulator::shared()).deny("cloudtrail:GetTrailStatus")).exits(3);
    let _ = through(&Proxy::new(Emulator::shared()).deny("events:DescribeRule")).exits(3);
    let queue = through(&Proxy::new(Emulator::shared()).deny("sqs:*")).exits(3);
    assert_eq!(found(&queue), ["queue_missing unknown"]);
}

#[test]
fn a_registry_that_others_could_replace_is_found() {
    let ward = Ward::well();
    let home = ward.range.account.tool("honeytoken").home().to_owned();
    let directory = home.join(".local/share/sluice");
    fs::set_permissions(&directory, Permissions::from_mode(0o777)).unwrap();
    let ran = ward.doctor(&[]).exits(1);
    assert_eq!(found(&ran), ["registry_open"], "{ran}");
    fs::set_permissions(&directory, Permissions::from_mode(0o700)).unwrap();
    let _ = ward.doctor(&[]).exits(0);
    fs::set_permissions(directory.join("honeytokens.db"), Permissions::from_mode(0o644)).unwrap();
    let _ = ward.doctor(&[]).exits(4).says("chmod 600");
}
