//! Records that are not what one would like them to be.

use serde_json::{Value, json};

use super::{record, told};

/// A record with some of its fields replaced.
fn with(mut record: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        record[name] = value.clone();
    }
    record
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with what may be an error")]
fn nothing() -> Result<Vec<String>, String> {
    Ok(Vec::new())
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with what may be an error")]
fn one(target: &str) -> Result<Vec<String>, String> {
    Ok(vec![target.to_owned()])
}

#[test]
fn the_same_name_of_another_service_is_another_call() {
    let topic = r#"{"topicArn":"arn:aws:sns:eu-west-1:111122223333:news","label":"all"}"#;
    assert_eq!(told(&record("sns", "AddPermission", topic, "null")), nothing());
    // Not even where it looks alike.
    let cluster = r#"{"clusterName":"blue","clusterIdentifier":"blue"}"#;
    assert_eq!(told(&record("ecs", "CreateCluster", cluster, "null")), nothing());
    assert_eq!(told(&record("redshift", "CreateCluster", cluster, "null")), one("redshift blue +900s"));
    assert_eq!(told(&record("eks", "CreateCluster", cluster, "null")), nothing());
    // Another service's key is a tag's.
    assert_eq!(told(&record("dynamodb", "TagResource", r#"{"resourceArn":"arn:aws:s3:::x"}"#, "null")), nothing());
    for source in ["", "s3", "amazonaws.com", ".amazonaws.com", "s3.amazonaws.com.example.com", "aws:s3"] {
        let bucket = record("s3", "CreateBucket", r#"{"bucketName":"acme"}"#, "null");
        assert_eq!(told(&with(bucket, &json!({"eventSource": source}))), nothing(), "{source}");
    }
    let chinese = json!({"eventSource": "s3.amazonaws.com.cn", "awsRegion": "cn-north-1"});
    let bucket = record("s3", "CreateBucket", r#"{"bucketName":"acme"}"#, "null");
    assert_eq!(told(&with(bucket, &chinese)), one("s3_bucket acme"));
}

#[test]
fn what_changes_nothing_and_what_failed_come_to_nothing() {
    assert_eq!(told(&record("s3", "ListBuckets", "null", "null")), nothing());
    assert_eq!(told(&record("ec2", "DescribeInstances", r#"{"instancesSet":{}}"#, "null")), nothing());
    for code in ["AccessDenied", "Client.UnauthorizedOperation", "Client.DryRunOperation", "NoSuchBucket"] {
        let failed = with(
            record("ec2", "RunInstances", r#"{"instancesSet":{"items":[{"imageId":"ami-0bb"}]}}"#, "null"),
            &json!({"errorCode": code, "errorMessage": "no"}),
        );
        assert_eq!(told(&failed), nothing(), "{code}");
    }
}

#[test]
fn it_is_the_recipients_account_that_counts() {
    let call = record("s3", "PutBucketPolicy", r#"{"bucketName":"acme"}"#, "null");
    let caller = json!({"type": "AWSAccount", "accountId": "444455556666", "principalId": "AROAOTHER"});
    let across = with(call.clone(), &json!({"userIdentity": caller}));
    assert_eq!(told(&across), one("s3_bucket acme"));
    // A service has no account.
    let by_service = json!({"userIdentity": {"type": "AWSService", "invokedBy": "ecs.amazonaws.com"}});
    assert_eq!(told(&with(call.clone(), &by_service)), one("s3_bucket acme"));
    // Records of old do not name the recipient.
    assert_eq!(told(&with(call.clone(), &json!({"recipientAccountId": null}))), one("s3_bucket acme"));
    let nobody = json!({"recipientAccountId": null, "userIdentity": {"type": "AWSService"}});
    let why = told(&with(call, &nobody)).unwrap_err();
    assert!(why.contains("not an account id") && why.contains("e544d47e"), "{why}");
}

#[test]
fn what_belongs_to_another_account_is_left_to_its_own_record() {
    let rows = [
        ("kms", "PutKeyPolicy", r#"{"keyId":"arn:aws:kms:eu-west-1:444455556666:key/84fad820"}"#),
        ("kms", "EnableKey", r#"{"keyId":"arn:aws:kms:eu-west-1:444455556666:alias/theirs"}"#),
        ("lambda", "AddPermission20150331v2", r#"{"functionName":"444455556666:function:thumbnails"}"#),
        (
            "lambda",
            "AddPermission20150331v2",
            r#"{"functionName":"arn:aws:lambda:eu-west-1:444455556666:function:thumbnails"}"#,
        ),
        ("sqs", "AddPermission", r#"{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/444455556666/jobs"}"#),
        ("iam", "TagPolicy", r#"{"policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}"#),
        (
            "elasticloadbalancing",
            "RegisterTargets",
            r#"{"targetGroupArn":"arn:aws:elasticloadbalancing:eu-west-1:444455556666:targetgroup/web/73e2d6bc24d8a067"}"#,
        ),
    ];
    for (service, name, request) in rows {
        assert_eq!(told(&record(service, name, request, "null")), nothing(), "{request}");
    }
}

#[test]
fn names_arns_and_urls_come_to_the_same_id() {
    let rows = [
        ("lambda", "AddPermission20150331v2", "functionName", "thumbnails:live", "lambda_function thumbnails"),
        ("lambda", "AddPermission", "functionName", "function:thumbnails", "lambda_function thumbnails"),
        (
            "lambda",
            "AddPermission20150331",
            "functionName",
            "111122223333:function:thumbnails:7",
            "lambda_function thumbnails",
        ),
        (
            "lambda",
            "RemovePermission20150331v2",
            "functionName",
            "arn:aws:lambda:us-east-1:111122223333:function:thumbnails:$LATEST",
            "lambda_function thumbnails @us-east-1",
        ),
        ("kms", "DisableKey", "keyId", "mrk-1234abcd", "kms_key mrk-1234abcd"),
        ("kms", "DisableKey", "keyId", "alias/shop", "? the key behind alias/shop"),
        (
            "kms",
            "DisableKey",
            "keyId",
            "arn:aws:kms:us-east-1:111122223333:alias/shop",
            "? the key behind alias/shop @us-east-1",
        ),
        ("rds", "StartDBInstance", "dBInstanceIdentifier", "arn:aws:rds:eu-west-1:111122223333:db:shop", "rds shop"),
        ("rds", "StartDBInstance", "DBInstanceIdentifier", "Shop", "rds shop"),
        ("rds", "StartDBInstance", "dbInstanceIdentifier", "shop", "rds shop"),
        (
            "sqs",
            "DeleteQueue",
            "queueUrl",
            "http://127.0.0.1:5000/111122223333/jobs",
            "sqs http://127.0.0.1:5000/111122223333/jobs",
        ),
    ];
    for (service, name, field, value, expected) in rows {
        assert_eq!(told(&record(service, name, &json!({field: value}).to_string(), "null")), one(expected), "{value}");
    }
}

#[test]
fn an_id_that_is_not_there_is_missed_by_its_place() {
    let rows = [
        ("s3", "CreateBucket", "{}", ".requestParameters.bucketName"),
        ("s3", "CreateBucket", r#"{"bucketName":""}"#, ".requestParameters.bucketName"),
        ("s3", "CreateBucket", r#"{"bucketName":7}"#, ".requestParameters.bucketName"),
        ("s3", "CreateBucket", r#"{"bucketName":null}"#, ".requestParameters.bucketName"),
        ("s3", "CreateBucket", r#"{"bucketName":{"name":"x"}}"#, ".requestParameters.bucketName"),
        ("s3", "CreateBucket", r#""bucketName=acme""#, ".requestParameters.bucketName"),
        ("s3", "CreateBucket", "null", ".requestParameters.bucketName"),
        ("s3", "CreateBucket", "[]", ".requestParameters.bucketName"),
        (
            "ec2",
            "RunInstances",
            r#"{"instancesSet":{"items":[{"imageId":"ami-0bb"}]}}"#,
            ".responseElements.instancesSet",
        ),
        ("ec2", "CreateTags", r#"{"tagSet":{}}"#, ".requestParameters.resourcesSet.items[].resourceId"),
        ("ec2", "AssociateAddress", r#"{"publicIp":"203.0.113.9"}"#, ".requestParameters.networkInterfaceId"),
        ("ec2", "DeleteSecurityGroup", "{}", ".requestParameters.groupName"),
        ("elasticloadbalancing", "DeleteLoadBalancer", "{}", "id of the elb or elbv2"),
        ("ecs", "CreateTaskSet", r#"{"cluster":"blue"}"#, ".responseElements.taskSet.taskSetArn"),
        ("ecs", "UpdateTaskSet", r#"{"taskSet":"ecs-svc/8905196589472755687"}"#, ".requestParameters.service"),
        ("iam", "DeleteAccessKey", r#"{"accessKeyId":"AKIAEXAMPLE"}"#, "or the caller"),
        ("iam", "AddUserToGroup", r#"{"userName":"jane"}"#, ".requestParameters.groupName"),
    ];
    for (service, name, request, place) in rows {
        let why = told(&record(service, name, request, "null")).unwrap_err();
        let call = format!("event e544d47e-6d75-45cf-a8a9-7e90d5f7d38d ({service}.amazonaws.com {name}): ");
        assert!(why.starts_with(&call) && why.contains(place), "{request}: {why}");
    }
}

#[test]
fn an_id_that_cannot_be_one_is_named() {
    let rows = [
        ("iam", "DeletePolicy", r#"{"policyArn":"deploy"}"#, "`deploy` is not the id of one of the type iam_policy"),
        ("iam", "DeletePolicy", r#"{"policyArn":"arn:aws:iam::111122223333:user/jane"}"#, "user/jane` is not"),
        ("kms", "EnableKey", r#"{"keyId":"arn:aws:kms"}"#, "`arn:aws:kms` is not"),
        ("elasticloadbalancing", "DeleteListener", r#"{"listenerArn":"web"}"#, "`web` is not"),
        (
            "elasticloadbalancing",
            "DeleteListener",
            r#"{"listenerArn":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app"}"#,
            "listener/app` is not",
        ),
        ("ecs", "DeleteService", r#"{"service":"arn:aws:ecs:eu-west-1:111122223333:cluster/blue"}"#, "ecs_service"),
    ];
    for (service, name, request, expected) in rows {
        let why = told(&record(service, name, request, "null")).unwrap_err();
        assert!(why.contains(expected), "{request}: {why}");
    }
    let long = json!({"policyArn": "x".repeat(10_000)}).to_string();
    let why = told(&record("iam", "DeletePolicy", &long, "null")).unwrap_err();
    assert!(why.len() < 500, "{why}");
    let elsewhere = json!({"awsRegion": "eu-west-1.example.com"});
    let why = told(&with(record("sqs", "DeleteQueue", r#"{"queueUrl":"jobs"}"#, "null"), &elsewhere)).unwrap_err();
    assert!(why.contains("is not a region"), "{why}");
    // What is in no region needs none.
    let user = with(record("iam", "CreateUser", r#"{"userName":"jane"}"#, "null"), &elsewhere);
    assert_eq!(told(&user), one("iam_user jane"));
}

#[test]
fn a_call_without_a_user_is_about_the_caller() {
    let user = json!({"type": "IAMUser", "userName": "jane", "accountId": "111122223333"});
    let session =
        json!({"type": "FederatedUser", "sessionContext": {"sessionIssuer": {"type": "IAMUser", "userName": "jane"}}});
    let root = json!({"type": "Root", "arn": "arn:aws:iam::111122223333:root", "accountId": "111122223333"});
    for (identity, expected) in [(&user, "iam_user jane"), (&session, "iam_user jane"), (&root, "account 111122223333")]
    {
        let identity = json!({"userIdentity": identity});
        for (name, request) in [
            ("DeleteAccessKey", r#"{"accessKeyId":"AKIAEXAMPLE"}"#),
            ("UpdateAccessKey", r#"{"accessKeyId":"AKIAEXAMPLE","status":"Inactive"}"#),
            ("EnableMFADevice", r#"{"serialNumber":"arn:aws:iam::111122223333:mfa/x"}"#),
            ("CreateAccessKey", "null"),
            ("ChangePassword", "null"),
        ] {
            assert_eq!(told(&with(record("iam", name, request, "null"), &identity)), one(expected), "{name}");
        }
    }
    // A name that is there counts, and the root user's account as well.
    let named = record("iam", "DeleteAccessKey", r#"{"userName":"paul","accessKeyId":"AKIAEXAMPLE"}"#, "null");
    assert_eq!(told(&with(named.clone(), &json!({"userIdentity": user}))), one("iam_user paul"));
    let both = told(&with(named, &json!({"userIdentity": root}))).unwrap();
    assert_eq!(both, ["iam_user paul", "account 111122223333"]);
}

#[test]
fn lists_are_read_whichever_way_they_are_written() {
    let ids = |request: &str| told(&record("ec2", "CancelSpotInstanceRequests", request, "null"));
    let two = Ok(vec!["spot_request sir-1".to_owned(), "spot_request sir-2".to_owned()]);
    assert_eq!(
        ids(
            r#"{"CancelSpotInstanceRequestsRequest":{"SpotInstanceRequestId":[{"tag":1,"content":"sir-1"},{"tag":2,"content":"sir-2"}]}}"#
        ),
        two
    );
    assert_eq!(
        ids(
            r#"{"spotInstanceRequestIdSet":{"items":[{"spotInstanceRequestId":"sir-1"},{"spotInstanceRequestId":"sir-2"}]}}"#
        ),
        two
    );
    assert_eq!(
        ids(r#"{"CancelSpotInstanceRequestsRequest":{"SpotInstanceRequestId":{"tag":1,"content":"sir-1"}}}"#),
        one("spot_request sir-1")
    );
    // The same one twice is one.
    let twice = r#"{"instancesSet":{"items":[{"instanceId":"i-0a1"},{"instanceId":"i-0a1"}]}}"#;
    assert_eq!(told(&record("ec2", "StopInstances", twice, "null")), one("ec2 i-0a1"));
}

#[test]
fn arns_in_s3_that_are_no_buckets_are_left_out() {
    for arn in ["arn:aws:s3:eu-west-1:111122223333:accesspoint/x", "arn:aws:s3:eu-west-1:111122223333:storage-lens/x"] {
        assert_eq!(told(&record("s3", "TagResource", &json!({"resourceArn": arn}).to_string(), "null")), nothing());
    }
}
