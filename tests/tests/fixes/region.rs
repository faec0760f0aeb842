//! Regions: what does not watch over them is found, and a person has to mend it.

use std::collections::BTreeSet;

use aws_sdk_cloudtrail::Client as CloudTrail;
use aws_sdk_config::Client as Config;
use aws_sdk_config::types::{ConfigurationRecorder, DeliveryChannel};
use aws_sdk_ec2::Client as Ec2;
use aws_sdk_ec2::types::{FlowLogsResourceType, LogDestinationType, TrafficType};
use aws_sdk_guardduty::Client as GuardDuty;
use serde_json::{Value, json};
use tests::http::Response;
use tests::stage::{Stage, input, resources, sorted, statuses, text, writes};
use tests::{Emulator, Proxy, on};

const CENTRAL: &str = "999900001111";

/// An account in which everything is asked for, and nothing watches over us-east-1 yet.
fn unwatched() -> Stage {
    let stage = Stage::empty("region");
    // The emulator keeps no trails of other accounts.
    let central =
        format!("[central]\nguardduty = {CENTRAL:?}\nconfig = {CENTRAL:?}\ncloudtrail = {:?}", stage.account.id());
    stage.set(&central);
    stage
}

/// Turns on all that watches over us-east-1; its trail covers the other regions too.
async fn watch(stage: &Stage) {
    let sdk = stage.account.sdk();
    let bucket = stage.bucket("trail", None);
    let guardduty = GuardDuty::new(&sdk);
    guardduty.create_detector().enable(true).send().await.unwrap();

    let config = Config::new(&sdk);
    let role = format!("arn:aws:iam::{}:role/config", stage.account.id());
    let recorder = ConfigurationRecorder::builder().name("default").role_arn(role).build();
    config.put_configuration_recorder().configuration_recorder(recorder).send().await.unwrap();
    let channel = DeliveryChannel::builder().name("default").s3_bucket_name(&bucket).build();
    config.put_delivery_channel().delivery_channel(channel).send().await.unwrap();
    config.start_configuration_recorder().configuration_recorder_name("default").send().await.unwrap();
    let authorize = config.put_aggregation_authorization().authorized_account_id(CENTRAL);
    authorize.authorized_aws_region("us-east-1").send().await.unwrap();

    let cloudtrail = CloudTrail::new(&sdk);
    let trail = cloudtrail.create_trail().name("everything").s3_bucket_name(&bucket).is_multi_region_trail(true);
    trail.send().await.unwrap();
    cloudtrail.start_logging().name("everything").send().await.unwrap();

    let ec2 = Ec2::new(&sdk);
    let vpcs = ec2.describe_vpcs().send().await.unwrap().vpcs.unwrap_or_default();
    let ids: Vec<String> = vpcs.into_iter().filter_map(|vpc| vpc.vpc_id).collect();
    let logs = ec2.create_flow_logs().resource_type(FlowLogsResourceType::Vpc).set_resource_ids(Some(ids));
    let logs = logs.traffic_type(TrafficType::All).log_destination_type(LogDestinationType::S3);
    logs.log_destination(format!("arn:aws:s3:::{bucket}")).send().await.unwrap();
    ec2.enable_ebs_encryption_by_default().send().await.unwrap();
}

/// GuardDuty with an administrator account, which the emulator names in letters of another case than AWS.
fn connected(proxy: Proxy) -> Proxy {
    let answer = json!({"administrator": {"accountId": CENTRAL, "relationshipStatus": "Enabled", "invitationId": "1"}});
    let answer = Response::new(200, answer.to_string()).with("Content-Type", "application/json");
    proxy.answer("guardduty:GetAdministratorAccount", answer)
}

/// `region check` of each finding, sorted.
fn found(findings: &[Value]) -> Vec<String> {
    sorted(findings.iter().map(|finding| format!("{} {}", text(&finding["region"]), text(&finding["check"]))))
}

const CHECKS: [&str; 9] = [
    "region_cloudtrail",
    "region_cloudtrail_central",
    "region_cloudtrail_multi_region",
    "region_config",
    "region_config_central",
    "region_ebs_encryption_default",
    "region_guardduty",
    "region_guardduty_central",
    "region_vpc_flow_logs",
];

#[tokio::test]
async fn what_does_not_watch_over_a_region_is_found_and_left_to_a_person() {
    let stage = unwatched();
    let polled = stage.poll_all();
    let record = polled.one(&json!({"kind": "resource"}));
    let (account, region) = (stage.account.id(), "us-east-1");
    assert_eq!(record["arn"], format!("arn:aws:ec2:{region}:{account}:region/{region}"));
    assert_eq!((&record["id"], &record["tags"], &record["unread"]), (&json!(region), &json!({}), &Value::Null));
    let findings = stage.audit(polled.stdout).kind("finding");
    assert_eq!(found(&findings), CHECKS.map(|check| format!("us-east-1 {check}")));
    assert_eq!(statuses(&findings), ["fail"; 9]);
    let vpc = findings.iter().find(|finding| finding["check"] == "region_vpc_flow_logs").unwrap();
    let id = text(&record["config"]["Vpcs"][0]["VpcId"]);
    assert_eq!(vpc["key"], format!("region_vpc_flow_logs:{}:{id}", text(&record["arn"])));

    let proxy = Proxy::new(Emulator::shared());
    let refused = stage.run(stage.through(&proxy).apply(input(&findings))).exits(0).records();
    assert_eq!(statuses(&refused), ["refused"; 9]);
    assert!(refused.iter().all(|outcome| text(&outcome["reason"]).contains("a person must mend it")));
    assert!(writes(&proxy).is_empty());

    watch(&stage).await;
    let proxy = connected(Proxy::new(Emulator::shared()));
    let poll = stage.through(&proxy).tool("poll").args(["--types", "region", "--regions", "us-east-1,eu-west-1"]);
    let polled = stage.run(poll).exits(0);
    // The trail's shadow covers the other region.
    let elsewhere = CHECKS.iter().filter(|check| !check.contains("cloudtrail"));
    let elsewhere: Vec<String> = elsewhere.map(|check| format!("eu-west-1 {check}")).collect();
    assert_eq!(found(&stage.audit(polled.stdout).kind("finding")), elsewhere);
}

/// What is denied, the field that is then unread, and the checks that are then unknown.
const DENIED: [(&str, &[&str], &[&str]); 12] = [
    ("guardduty:ListDetectors", &["Detectors", "Administrator"], &["region_guardduty", "region_guardduty_central"]),
    ("guardduty:GetDetector", &["Detectors"], &["region_guardduty"]),
    ("guardduty:GetAdministratorAccount", &["Administrator"], &["region_guardduty_central"]),
    ("config:DescribeConfigurationRecorders", &["ConfigurationRecorders"], &[]),
    ("config:DescribeConfigurationRecorderStatus", &["ConfigurationRecordersStatus"], &["region_config"]),
    ("config:DescribeDeliveryChannels", &["DeliveryChannels"], &["region_config"]),
    ("config:DescribeAggregationAuthorizations", &["AggregationAuthorizations"], &["region_config_central"]),
    (
        "cloudtrail:DescribeTrails",
        &["Trails"],
        &["region_cloudtrail", "region_cloudtrail_central", "region_cloudtrail_multi_region"],
    ),
    (
        "cloudtrail:GetTrailStatus",
        &["Trails.IsLogging"],
        &["region_cloudtrail", "region_cloudtrail_central", "region_cloudtrail_multi_region"],
    ),
    ("ec2:DescribeVpcs", &["Vpcs"], &["region_vpc_flow_logs"]),
    ("ec2:DescribeFlowLogs", &["FlowLogs"], &["region_vpc_flow_logs"]),
    ("ec2:GetEbsEncryptionByDefault", &["EbsEncryptionByDefault"], &["region_ebs_encryption_default"]),
];

#[tokio::test]
async fn what_is_denied_costs_what_it_would_have_told_and_no_more() {
    let stage = unwatched();
    watch(&stage).await;
    let poll = |proxy: &Proxy| stage.run(stage.through(proxy).tool("poll").args(["--types", "region"]));
    let proxy = connected(Proxy::new(Emulator::shared()));
    let whole = poll(&proxy).exits(0);
    let called: BTreeSet<String> = proxy.counts().into_keys().filter(|call| !call.starts_with("sts:")).collect();
    assert_eq!(called, DENIED.iter().map(|(call, ..)| (*call).to_owned()).collect());
    assert!(stage.audit(whole.stdout).kind("finding").is_empty());

    for (call, fields, checks) in DENIED {
        let polled = poll(&connected(Proxy::new(Emulator::shared()).deny(call))).exits(3);
        let record = polled.one(&json!({"kind": "resource"}));
        let unread: Vec<_> = record["unread"].as_array().unwrap().iter().map(|it| text(&it["field"])).collect();
        assert_eq!(unread, fields, "{call}");
        assert!(record["unread"].as_array().unwrap().iter().all(|it| it["operation"] == call), "{record}");
        let findings = stage.run(stage.tool("audit").stdin(polled.stdout));
        let unknown = findings.matching(&json!({"kind": "finding", "status": "unknown"}));
        let expected: Vec<String> = checks.iter().map(|check| format!("us-east-1 {check}")).collect();
        assert_eq!(found(&unknown), expected, "{call}");
        assert_eq!(findings.kind("finding").len(), unknown.len(), "{call}");
    }

    let nothing = ["ec2:*", "config:*", "guardduty:*", "cloudtrail:*"];
    let proxy = nothing.into_iter().fold(Proxy::new(Emulator::shared()), |proxy, calls| proxy.deny(on(calls)));
    let polled = poll(&proxy).exits(3);
    assert!(polled.kind("resource").is_empty(), "{polled}");
    assert_eq!(polled.one(&json!({"kind": "scope"}))["error"]["operation"], "ec2:DescribeVpcs", "{polled}");
}

#[test]
fn a_region_is_looked_up_as_the_sweep_finds_it() {
    let stage = unwatched();
    let account = stage.account.id();
    let look = |reference: &Value| stage.run(stage.tool("poll").arg("-").stdin(reference.to_string()));
    // The original framework's message has no id.
    let found = look(&json!({"account": account, "region": "us-east-1", "type": "region", "id": ""})).exits(0);
    assert_eq!(resources(&found), resources(&stage.poll_all()));
    let arn = format!("arn:aws:ec2:us-east-1:{account}:region/us-east-1");
    assert_eq!(resources(&look(&json!({ "arn": arn })).exits(0)), resources(&found));
    let contradiction = json!({"account": account, "region": "us-east-1", "type": "region", "id": "eu-west-1"});
    assert!(look(&contradiction).exits(3).kind("resource").is_empty());
}
