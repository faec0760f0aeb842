//! The checks of regions. The central account is 999900001111, see `settings`.

use common::resource::{RegionServices, ResourceType};
use common::settings::{Central, Settings};
use serde_json::{Value, json};

use super::{ACCOUNT, Example, judge, resource, said, settings, table, with};

impl Example for RegionServices {
    const ARN: &'static str = "arn:aws:ec2:eu-west-1:111122223333:region/eu-west-1";
    const IDS: &'static [&'static str] = &[
        "region_guardduty",
        "region_guardduty_central",
        "region_config",
        "region_config_central",
        "region_cloudtrail",
        "region_cloudtrail_multi_region",
        "region_cloudtrail_central",
        "region_vpc_flow_logs",
        "region_ebs_encryption_default",
    ];

    fn healthy() -> Value {
        json!({
            "RegionName": "eu-west-1",
            "Detectors": [{"DetectorId": "d-1", "Status": "ENABLED"}],
            "Administrator": {"AccountId": "999900001111", "RelationshipStatus": "Enabled"},
            "ConfigurationRecordersStatus": [{"Name": "default", "Recording": true, "LastStatus": "Success"}],
            "DeliveryChannels": [{"Name": "default", "S3BucketName": "acme-config"}],
            "AggregationAuthorizations": [{"AuthorizedAccountId": "999900001111", "AuthorizedAwsRegion": "eu-west-1"}],
            "Trails": [trail("org", "999900001111", true, json!(true))],
            "Vpcs": [{"VpcId": "vpc-1", "IsDefault": true}],
            "FlowLogs": [{"FlowLogId": "fl-1", "ResourceId": "vpc-1", "FlowLogStatus": "ACTIVE"}],
            "EbsEncryptionByDefault": true,
        })
    }

    fn rotten() -> Value {
        json!({
            "Detectors": [{"DetectorId": "d-1", "Status": "DISABLED"}],
            "Administrator": null,
            "ConfigurationRecordersStatus": [{"Name": "default", "Recording": false}],
            "DeliveryChannels": [],
            "AggregationAuthorizations": [],
            "Trails": [trail("org", "999900001111", true, json!(false))],
            "FlowLogs": [],
            "EbsEncryptionByDefault": false,
        })
    }
}

fn trail(name: &str, account: &str, multi: bool, logging: Value) -> Value {
    let arn = format!("arn:aws:cloudtrail:us-east-1:{account}:trail/{name}");
    let mut trail = json!({"Name": name, "TrailARN": arn, "IsMultiRegionTrail": multi});
    trail["IsLogging"] = logging;
    trail
}

fn region(fields: Value) -> Value {
    with(ResourceType::Region, fields)
}

const HIGH: &[&str] = &["fail high -"];
const MEDIUM: &[&str] = &["fail medium -"];

#[test]
fn guardduty() {
    let detectors = |detectors: Value| region(json!({ "Detectors": detectors }));
    table(
        &settings(),
        "region_guardduty",
        &[
            ("none", detectors(json!([])), HIGH),
            ("suspended", detectors(json!([{"DetectorId": "d-1", "Status": "DISABLED"}])), HIGH),
            ("one of two", detectors(json!([{"Status": "DISABLED"}, {"Status": "ENABLED"}])), &["pass"]),
            (
                "no status",
                detectors(json!([{"DetectorId": "d-1"}])),
                &["unknown the record does not say Status of the detector d-1"],
            ),
            (
                "an odd status",
                detectors(json!([{"DetectorId": "d-1", "Status": "enabled"}])),
                &["unknown `enabled` is not a status of a detector that this version knows"],
            ),
        ],
    );
}

#[test]
fn guardduty_of_the_central_account() {
    let administrator = |it: Value| region(json!({ "Administrator": it }));
    let is = |account: &str, status: &str| administrator(json!({"AccountId": account, "RelationshipStatus": status}));
    table(
        &settings(),
        "region_guardduty_central",
        &[
            ("none", administrator(Value::Null), MEDIUM),
            ("another", is("444455556666", "Enabled"), MEDIUM),
            ("not any more", is("999900001111", "Removed"), MEDIUM),
            ("not yet", is("999900001111", "Invited"), MEDIUM),
            (
                "nobody knows who",
                administrator(json!({"RelationshipStatus": "Enabled"})),
                &["unknown the record does not say Administrator.AccountId"],
            ),
            (
                "nobody knows how",
                administrator(json!({"AccountId": "999900001111"})),
                &["unknown the record does not say Administrator.RelationshipStatus"],
            ),
        ],
    );
}

#[test]
fn config() {
    let is = |recorders: Value, channels: Value| {
        region(json!({"ConfigurationRecordersStatus": recorders, "DeliveryChannels": channels}))
    };
    let (on, off, channel) =
        (json!([{"Recording": true}]), json!([{"Recording": false}]), json!([{"Name": "default"}]));
    let critical = &["fail critical -"][..];
    table(
        &settings(),
        "region_config",
        &[
            ("nothing", is(json!([]), json!([])), critical),
            ("a recorder that is off", is(off.clone(), channel.clone()), critical),
            ("no recorder", is(json!([]), channel.clone()), critical),
            ("no delivery channel", is(on.clone(), json!([])), critical),
            (
                "it records and fails",
                is(json!([{"Recording": true, "LastStatus": "Failure"}]), channel.clone()),
                critical,
            ),
            (
                "one of two does not fail",
                is(json!([{"Recording": true, "LastStatus": "Failure"}, {"Recording": true}]), channel.clone()),
                &["pass"],
            ),
            (
                "it has nothing to record yet",
                is(json!([{"Recording": true, "LastStatus": "Pending"}]), channel.clone()),
                &["pass"],
            ),
            ("one of two records", is(json!([{"Recording": false}, {"Recording": true}]), channel.clone()), &["pass"]),
            (
                "nobody knows whether it records",
                is(json!([{"Name": "default"}]), channel),
                &["unknown the record does not say ConfigurationRecordersStatus.Recording"],
            ),
            ("nobody knows, and it does not matter", is(json!([{"Name": "default"}]), json!([])), critical),
        ],
    );
    let title = |config: &Value| judge(&settings(), "region_config", &resource("region", config))[0].title.clone();
    assert_eq!(
        title(&is(off, json!([]))),
        "Region eu-west-1 has no recorder of AWS Config that is on and has no delivery channel for AWS Config"
    );
    assert_eq!(
        title(&is(json!([{"Name": "default"}]), json!([]))),
        "Region eu-west-1 has no delivery channel for AWS Config",
        "nothing is said of what is not known"
    );
}

#[test]
fn config_of_the_central_account() {
    let is = |authorizations: Value| region(json!({ "AggregationAuthorizations": authorizations }));
    table(
        &settings(),
        "region_config_central",
        &[
            ("nobody", is(json!([])), MEDIUM),
            ("another", is(json!([{"AuthorizedAccountId": "444455556666"}])), MEDIUM),
            (
                "one of two",
                is(json!([{"AuthorizedAccountId": "444455556666"}, {"AuthorizedAccountId": "999900001111"}])),
                &["pass"],
            ),
            (
                "nobody knows who",
                is(json!([{"AuthorizedAwsRegion": "eu-west-1"}])),
                &["unknown the record does not say AggregationAuthorizations.AuthorizedAccountId"],
            ),
        ],
    );
}

#[test]
fn trails() {
    let is = |trails: &[Value]| region(json!({ "Trails": trails }));
    let on = |multi| trail("own", ACCOUNT, multi, json!(true));
    let off = || trail("off", "999900001111", true, json!(false));
    let unread = || trail("org", "999900001111", true, Value::Null);
    let unknown = &["unknown the record does not say IsLogging of the trail org"][..];
    let mut odd = trail("odd", "999900001111", true, json!(true));
    odd["IsMultiRegionTrail"] = Value::Null;
    odd["TrailARN"] = json!("odd");
    // By check: any trail, one of all regions, one of the central account.
    let rows = [
        ("none", is(&[]), [HIGH, HIGH, MEDIUM]),
        ("one that is off", is(&[off()]), [HIGH, HIGH, MEDIUM]),
        ("one of this region", is(&[on(false)]), [&["pass"], HIGH, MEDIUM]),
        ("one of this region, and one that is off", is(&[on(false), off()]), [&["pass"], HIGH, MEDIUM]),
        ("one of all regions", is(&[on(true)]), [&["pass"], &["pass"], MEDIUM]),
        ("one that does not tell", is(&[unread()]), [unknown; 3]),
        ("another proves it", is(&[unread(), on(true)]), [&["pass"], &["pass"], unknown]),
        ("another proves a part of it", is(&[unread(), on(false)]), [&["pass"], unknown, unknown]),
        (
            "an odd one",
            is(&[odd]),
            [
                &["pass"],
                &["unknown the record does not say IsMultiRegionTrail of the trail odd"],
                &["unknown the record does not say TrailARN of the trail odd"],
            ],
        ),
    ];
    for (number, check) in
        ["region_cloudtrail", "region_cloudtrail_multi_region", "region_cloudtrail_central"].iter().enumerate()
    {
        let rows: Vec<_> =
            rows.iter().map(|(name, config, expected)| (*name, config.clone(), expected[number])).collect();
        table(&settings(), check, &rows);
    }
}

#[test]
fn flow_logs() {
    let is = |vpcs: &[&str], logs: Value| {
        let vpcs: Vec<Value> = vpcs.iter().map(|id| json!({ "VpcId": id })).collect();
        region(json!({"Vpcs": vpcs, "FlowLogs": logs}))
    };
    let active = |vpc: &str| json!({"ResourceId": vpc, "FlowLogStatus": "ACTIVE"});
    table(
        &settings(),
        "region_vpc_flow_logs",
        &[
            ("no VPC", is(&[], json!([])), &["pass"]),
            ("none of two", is(&["vpc-1", "vpc-2"], json!([])), &["fail medium - vpc-1", "fail medium - vpc-2"]),
            ("one of two", is(&["vpc-1", "vpc-2"], json!([active("vpc-1")])), &["fail medium - vpc-2"]),
            ("that of another", is(&["vpc-1"], json!([active("vpc-11")])), &["fail medium - vpc-1"]),
            (
                "one that is not active, and one that is",
                is(&["vpc-1"], json!([{"ResourceId": "vpc-1", "FlowLogStatus": "FAILED"}, active("vpc-1")])),
                &["pass"],
            ),
            (
                "one that is not active",
                is(&["vpc-1"], json!([{"ResourceId": "vpc-1", "FlowLogStatus": "FAILED"}])),
                &["fail medium - vpc-1"],
            ),
            (
                "one that cannot be delivered",
                is(
                    &["vpc-1"],
                    json!([{"ResourceId": "vpc-1", "FlowLogStatus": "ACTIVE", "DeliverLogsStatus": "FAILED"}]),
                ),
                &["fail medium - vpc-1"],
            ),
            (
                "one that leaves out what was rejected",
                is(&["vpc-1"], json!([{"ResourceId": "vpc-1", "FlowLogStatus": "ACTIVE", "TrafficType": "ACCEPT"}])),
                &["fail medium - vpc-1"],
            ),
            (
                "one that has nothing but what was rejected",
                is(&["vpc-1"], json!([{"ResourceId": "vpc-1", "FlowLogStatus": "ACTIVE", "TrafficType": "REJECT"}])),
                &["pass"],
            ),
            (
                "one that does not tell",
                is(&["vpc-1", "vpc-2"], json!([{"ResourceId": "vpc-1"}])),
                &["unknown the record does not say FlowLogStatus of a flow log of vpc-1", "fail medium - vpc-2"],
            ),
        ],
    );
}

#[test]
fn ebs_encryption() {
    let is = |on: Value| region(json!({ "EbsEncryptionByDefault": on }));
    table(
        &settings(),
        "region_ebs_encryption_default",
        &[
            ("off", is(json!(false)), MEDIUM),
            ("nobody knows", is(Value::Null), &["unknown the record does not say EbsEncryptionByDefault"]),
        ],
    );
}

#[test]
fn a_central_account_is_asked_for_where_one_is_set() {
    let rotten = region(RegionServices::rotten());
    let own = || Some(ACCOUNT.parse().unwrap());
    for (name, central, expected) in [
        ("none is set", Central::default(), ["pass"; 3]),
        // What is the administrator's own is not connected to itself; a trail it must have all the same.
        (
            "it is the account itself",
            Central { guardduty: own(), config: own(), cloudtrail: own() },
            ["pass", "pass", "fail medium -"],
        ),
    ] {
        let settings = Settings { central, ..settings() };
        let checks = ["region_guardduty_central", "region_config_central", "region_cloudtrail_central"];
        let mut unread = resource("region", &rotten);
        let said = |it: &_| checks.map(|check| said(&judge(&settings, check, it)).join(", "));
        assert_eq!(said(&unread), expected, "{name}");
        unread.unread = ["Administrator", "AggregationAuthorizations"]
            .map(|field| serde_json::from_value(json!({ "field": field })).unwrap())
            .to_vec();
        assert_eq!(said(&unread), expected, "{name}, and nothing could be read");
    }
}
