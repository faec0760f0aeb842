//! Events of which only AWS can say what they changed: `poll -` asks, and what it asks is granted.

use common::resource::ResourceType;
use serde_json::{Value, json};
use tests::stage::{json_request, text};
use tests::{Account, ndjson};

use super::recorded::{grants, recorder};
use super::{misconfigure, poll, printed};

const TYPES: &str = "ec2,elbv2,kms_key,redshift,s3_bucket,security_group";

/// CloudTrail's record of a call of the account's.
fn event(account: &Account, service: &str, name: &str, request: &Value) -> Value {
    json!({
        "eventVersion": "1.11", "userIdentity": {"type": "Root", "accountId": account.id()},
        "eventTime": "2026-11-20T10:00:00Z", "eventSource": format!("{service}.amazonaws.com"), "eventName": name,
        "awsRegion": "us-east-1", "requestParameters": request, "responseElements": null,
        "eventID": format!("{service}-{name}"), "eventType": "AwsApiCall", "recipientAccountId": account.id(),
    })
}

#[test]
fn what_only_aws_can_answer_is_asked_and_granted() {
    let account = Account::new();
    misconfigure(&account, TYPES);
    let polled = poll(&account, TYPES).args(["--regions", "us-east-1"]).run().exits(0);
    let resources = polled.kind("resource");
    let of = |kind: ResourceType| resources.iter().filter(move |resource| resource["type"] == kind.name());
    // The first of a type that has something there, and that.
    let first = |kind: ResourceType, pointer: &str| {
        let mut found = of(kind).filter_map(|it| Some((text(&it["id"]), it["config"].pointer(pointer)?.clone())));
        found.next().unwrap_or_else(|| panic!("no {kind} has {pointer}"))
    };
    let (instance, interface) = first(ResourceType::Ec2, "/NetworkInterfaces/0/NetworkInterfaceId");
    let (balancer, group) = first(ResourceType::Elbv2, "/TargetGroups/0/TargetGroupArn");
    let (named, name) = first(ResourceType::SecurityGroup, "/GroupName");
    let (cluster, parameters) = first(ResourceType::Redshift, "/ClusterParameterGroups/0/ParameterGroupName");
    let (key, _) = first(ResourceType::KmsKey, "/KeyId");
    let alias = json!({"AliasName": "alias/asked", "TargetKeyId": key});
    let answer = account.call("kms", json_request("TrentService.CreateAlias", &alias)).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    let buckets: Vec<String> = of(ResourceType::S3Bucket).map(|bucket| text(&bucket["id"])).collect();
    let organization = json_request("AWSOrganizationsV20161128.DescribeOrganization", &json!({}));
    let organization: Value =
        serde_json::from_str(&account.call("organizations", organization).unwrap().text()).unwrap();
    let organization = text(&organization["Organization"]["Id"]);
    let region = "us-east-1".to_owned();

    let rows = [
        (
            ResourceType::Ec2,
            event(&account, "ec2", "ModifyNetworkInterfaceAttribute", &json!({"networkInterfaceId": interface})),
            vec![instance],
        ),
        (
            ResourceType::Elbv2,
            event(&account, "elasticloadbalancing", "RegisterTargets", &json!({"targetGroupArn": group})),
            vec![balancer],
        ),
        (
            ResourceType::SecurityGroup,
            event(&account, "ec2", "RevokeSecurityGroupIngress", &json!({"groupName": name})),
            vec![named],
        ),
        (
            ResourceType::Redshift,
            event(&account, "redshift", "ModifyClusterParameterGroup", &json!({"parameterGroupName": parameters})),
            vec![cluster],
        ),
        (ResourceType::KmsKey, event(&account, "kms", "DisableKey", &json!({"keyId": "alias/asked"})), vec![key]),
        (ResourceType::S3Bucket, event(&account, "s3", "DeleteAccountPublicAccessBlock", &json!({})), buckets),
        (ResourceType::Region, event(&account, "cloudtrail", "StopLogging", &json!({"name": "all"})), vec![region]),
        (
            ResourceType::Organization,
            event(&account, "organizations", "AcceptHandshake", &json!({})),
            vec![organization],
        ),
    ];
    for (kind, event, expected) in rows {
        let proxy = recorder();
        let ran = account.through(&proxy).tool("poll").arg("-").stdin(ndjson(&[event])).run().exits(0);
        let found = ran.kind("resource");
        for id in &expected {
            assert!(found.iter().any(|it| it["type"] == kind.name() && it["id"] == **id), "{kind} {id}\n{ran}");
        }
        // The account's public access block is a field of the account's own record as well.
        let types = if kind == ResourceType::S3Bucket { "account,s3_bucket" } else { kind.name() };
        grants(&format!("poll - for events on {kind}"), &printed("poll", &["-", "--types", types]), &proxy.calls());
    }
}

/// What is gone has no answer, which is no error.
#[test]
fn who_is_gone_is_not_asked_for() {
    let account = Account::new();
    let gone = "arn:aws:elasticloadbalancing:us-east-1:ACCOUNT:targetgroup/web/73e2d6bc24d8a067"
        .replace("ACCOUNT", account.id());
    let events = [
        event(
            &account,
            "ec2",
            "ModifyNetworkInterfaceAttribute",
            &json!({"networkInterfaceId": "eni-0123456789abcdef0"}),
        ),
        event(&account, "elasticloadbalancing", "RegisterTargets", &json!({"targetGroupArn": gone})),
        event(&account, "ec2", "RevokeSecurityGroupIngress", &json!({"groupName": "nobody"})),
        event(&account, "redshift", "ModifyClusterParameterGroup", &json!({"parameterGroupName": "nobody"})),
        event(&account, "kms", "DisableKey", &json!({"keyId": "alias/nobody"})),
        event(&account, "organizations", "LeaveOrganization", &json!({})),
    ];
    let ran = account.tool("poll").arg("-").stdin(ndjson(&events)).run().exits(0);
    assert!(ran.kind("resource").is_empty(), "{ran}");
}
