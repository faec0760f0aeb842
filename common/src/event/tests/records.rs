//! Records of all versions, and of none.

use serde_json::{Value, json};

use super::found;
use crate::event::{Events, Record, What};

/// Records as each version writes them, synthetic:
/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>.
fn of_each_version() -> Vec<Value> {
    let user = json!({"type": "IAMUser", "principalId": "AIDAEXAMPLE", "arn": "arn:aws:iam::111122223333:user/web",
        "accountId": "111122223333", "accessKeyId": "AKIAEXAMPLE", "userName": "web"});
    let role = json!({"type": "AssumedRole", "principalId": "AROAEXAMPLE:web", "arn": "arn:aws:sts::111122223333:assumed-role/r/web",
        "accountId": "111122223333", "accessKeyId": "ASIAEXAMPLE",
        "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": "AROAEXAMPLE", "arn": "arn:aws:iam::111122223333:role/r",
            "accountId": "111122223333", "userName": "r"}, "webIdFederationData": {}, "attributes": {"mfaAuthenticated": "false"}}});
    vec![
        // No ids, no event type, no recipient.
        json!({"eventVersion": "1.0", "userIdentity": user, "eventTime": "2014-03-06T21:01:59Z", "eventSource": "ec2.amazonaws.com",
            "eventName": "StartInstances", "awsRegion": "us-west-2", "sourceIPAddress": "192.0.2.1", "userAgent": "ec2-api-tools 1.6.12.2",
            "requestParameters": {"instancesSet": {"items": [{"instanceId": "i-0"}]}}, "responseElements": null}),
        json!({"eventVersion": "1.00", "userIdentity": user, "eventTime": "2014-03-06T21:01:59Z", "eventSource": "ec2.amazonaws.com",
            "eventName": "StartInstances", "awsRegion": "us-west-2"}),
        json!({"eventVersion": "1.01", "userIdentity": {"type": "Root", "accountId": "111122223333"}, "eventTime": "2014-06-01T00:00:00Z",
            "eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin", "awsRegion": "us-east-1", "eventID": "1",
            "responseElements": {"ConsoleLogin": "Failure"}, "errorMessage": "Failed authentication"}),
        json!({"eventVersion": "1.02", "userIdentity": role, "eventTime": "2015-06-01T00:00:00Z", "eventSource": "s3.amazonaws.com",
            "eventName": "CreateBucket", "awsRegion": "us-east-1", "eventID": "1", "recipientAccountId": "444455556666", "eventType": "AwsApiCall"}),
        json!({"eventVersion": "1.03", "userIdentity": role, "eventTime": "2016-06-01T00:00:00Z", "eventSource": "s3.amazonaws.com",
            "eventName": "GetObject", "awsRegion": "us-east-1", "eventID": "1", "resources": [{"type": "AWS::S3::Object", "ARN": "arn"}],
            "readOnly": true}),
        json!({"eventVersion": "1.04", "userIdentity": {"type": "AWSService", "invokedBy": "autoscaling.amazonaws.com"},
            "eventTime": "2016-06-01T00:00:00Z", "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", "awsRegion": "us-east-1",
            "sourceIPAddress": "autoscaling.amazonaws.com", "sharedEventID": "2", "vpcEndpointId": "vpce-0"}),
        json!({"eventVersion": "1.05", "userIdentity": {"type": "AWSAccount", "principalId": "AIDAOTHER", "accountId": "777788889999"},
            "eventTime": "2018-06-01T00:00:00Z", "eventSource": "kms.amazonaws.com", "eventName": "Decrypt", "awsRegion": "eu-west-1",
            "errorCode": "AccessDenied", "errorMessage": "x", "requestParameters": null, "recipientAccountId": "111122223333"}),
        json!({"eventVersion": "1.06", "userIdentity": role, "eventTime": "2019-06-01T00:00:00Z", "eventSource": "cloudtrail.amazonaws.com",
            "eventName": "StopLogging", "awsRegion": "eu-west-1", "managementEvent": true}),
        json!({"eventVersion": "1.07", "userIdentity": user, "eventTime": "2020-06-01T00:00:00Z", "eventSource": "iam.amazonaws.com",
            "eventName": "CreateUser", "awsRegion": "us-east-1", "eventCategory": "Management", "addendum": {"reason": "DELIVERY_DELAY"}}),
        json!({"eventVersion": "1.08", "userIdentity": user, "eventTime": "2021-06-01T00:00:00Z", "eventSource": "sts.amazonaws.com",
            "eventName": "GetCallerIdentity", "awsRegion": "us-east-1", "tlsDetails": {"tlsVersion": "TLSv1.3"}}),
        json!({"eventVersion": "1.09", "userIdentity": user, "eventTime": "2023-06-01T00:00:00Z", "eventSource": "ec2.amazonaws.com",
            "eventName": "RunInstances", "awsRegion": "eu-west-1", "sessionCredentialFromConsole": "true", "edgeDeviceDetails": null}),
        json!({"eventVersion": "1.10", "userIdentity": {"type": "IdentityCenterUser", "onBehalfOf": {"userId": "x"}, "credentialId": "y"},
            "eventTime": "2024-06-01T00:00:00Z", "eventSource": "bedrock.amazonaws.com", "eventName": "InvokeModel", "awsRegion": "us-east-1",
            "inScopeOf": {"issuerType": "AWS::Lambda::Function"}}),
        json!({"eventVersion": "1.11", "userIdentity": role, "eventTime": "2026-06-01T00:00:00Z", "eventSource": "kms.amazonaws.com",
            "eventName": "CreateKey", "awsRegion": "eu-west-1", "eventCategory": "NetworkActivity", "vpcEndpointAccountId": "111122223333"}),
    ]
}

#[test]
fn of_all_versions() {
    let records = of_each_version();
    let input = json!({"Records": records}).to_string();
    let found: Vec<_> = Events::new(input.as_bytes()).map(|found| found.unwrap().what).collect();
    assert_eq!(found.len(), records.len());
    for (what, expected) in found.iter().zip(&records) {
        let What::Record(item) = what else { panic!("{what:?}") };
        let record = Record::parse(&item.text).unwrap();
        let text = |key: &str| expected[key].as_str().unwrap_or_default();
        assert_eq!(&*record.event_version, text("eventVersion"));
        assert_eq!(&*record.event_name, text("eventName"));
        assert_eq!(&*record.event_source, text("eventSource"));
        assert_eq!(&*record.event_time, text("eventTime"));
        assert_eq!(&*record.aws_region, text("awsRegion"));
        assert_eq!(record.failed(), expected.get("errorCode").is_some());
        assert_eq!(&*record.user_identity.arn, expected["userIdentity"]["arn"].as_str().unwrap_or_default());
        let issuer = &expected["userIdentity"]["sessionContext"]["sessionIssuer"];
        assert_eq!(
            &*record.user_identity.session_context.session_issuer.user_name,
            issuer["userName"].as_str().unwrap_or_default()
        );
        assert_eq!(record.request(), expected["requestParameters"]);
        let account = expected.get("recipientAccountId").or_else(|| expected["userIdentity"].get("accountId"));
        assert_eq!(record.account(), account.and_then(Value::as_str).unwrap_or_default());
    }
}

/// Whatever stands in a field, the others are read.
#[test]
fn a_field_of_another_type_costs_only_itself() {
    let good = of_each_version().remove(3);
    let keys: Vec<String> = good.as_object().unwrap().keys().cloned().collect();
    for key in &keys {
        for wrong in
            ["null", "7", "1e999", "true", "\"x\"", "\"\\ud800\"", "[]", "[[{}]]", "{}", r#"{"a":{"b":[1]},"a":2}"#]
        {
            let raw = serde_json::value::RawValue::from_string(wrong.to_owned()).unwrap();
            let members: Vec<String> = good
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| {
                    format!("{name:?}:{}", if name == key { raw.get().to_owned() } else { value.to_string() })
                })
                .collect();
            let text = format!("{{{}}}", members.join(","));
            assert!(found(&text)[0].starts_with("1 record"), "{text}");
            let record = Record::parse(&text).unwrap();
            if key != "eventName" {
                assert_eq!(&*record.event_name, "CreateBucket", "{text}");
            }
            if key != "userIdentity" {
                assert_eq!(&*record.user_identity.session_context.session_issuer.user_name, "r", "{text}");
            }
            if key != "recipientAccountId" {
                assert_eq!(record.account(), "444455556666", "{text}");
            }
        }
    }
    for (identity, expected) in [
        (r#"{"type":"Role","arn":{"a":1},"sessionContext":"x"}"#, ""),
        (r#"{"type":"Role","arn":"a","sessionContext":{"sessionIssuer":[1]}}"#, "a"),
        (r#"{"arn":"a","arn":"b"}"#, "b"),
    ] {
        let text = format!(r#"{{"eventName":"X","eventSource":"s","userIdentity":{identity}}}"#);
        assert_eq!(&*Record::parse(&text).unwrap().user_identity.arn, expected);
    }
}

#[test]
fn of_keys_that_come_twice_the_last_one_counts() {
    let text = r#"{"eventName":"A","userIdentity":{"arn":"a"},"requestParameters":{"a":1},"eventName":"B","userIdentity":{"arn":"b"},"requestParameters":{"b":1},"recipientAccountId":"1","recipientAccountId":null}"#;
    let record = Record::parse(text).unwrap();
    assert_eq!((&*record.event_name, &*record.user_identity.arn, record.account()), ("B", "b", ""));
    assert_eq!(record.request(), json!({"b": 1}));
}

#[test]
fn what_is_no_object_is_an_error() {
    for text in ["", "[]", "7", "null", "\"x\"", "{\"eventName\":", "{} {}"] {
        assert!(Record::parse(text).is_err(), "{text}");
    }
}

#[test]
fn what_is_no_json_of_its_own_is_null() {
    let text = r#"{"requestParameters":{"a":1e999},"responseElements":null,"additionalEventData":"\ud800"}"#;
    let record = Record::parse(text).unwrap();
    assert_eq!((record.request(), record.response()), (Value::Null, Value::Null));
    assert!(record.response_elements.is_none() && record.additional_event_data.is_some());
}
