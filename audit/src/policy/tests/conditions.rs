//! One condition on `Allow *`: which narrow, which do not.

use super::*;

fn rows(rows: &[(Value, &[&str])]) {
    for (condition, expected) in rows {
        let expected: Vec<String> = expected.iter().map(|grantee| format!("0 {grantee}")).collect();
        assert_eq!(grantees(&json!([allow(condition)]), &BUCKET), expected, "{condition}");
    }
}

#[test]
fn who_calls() {
    rows(&[
        (json!({"StringEquals": {"aws:PrincipalOrgID": "o-acme"}}), &["organization o-acme"]),
        (
            json!({"stringequals": {"AWS:principalorgid": ["o-acme", "o-two"]}}),
            &["organization o-acme", "organization o-two"],
        ),
        (json!({"StringLike": {"aws:PrincipalOrgID": "o-*"}}), &["public"]),
        (json!({"StringLike": {"aws:PrincipalOrgID": ["o-acme", "*"]}}), &["public"]),
        (
            json!({"StringEquals": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}}),
            &["organization ${aws:ResourceOrgID}"],
        ),
        (json!({"StringEquals": {"aws:PrincipalOrgID": "${aws:PrincipalOrgID}"}}), &["public"]),
        (
            json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-acme/r-1/ou-2/*"}}),
            &["organization o-acme o-acme/r-1/ou-2/*"],
        ),
        (json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-*/r-1/*"}}), &["public"]),
        (json!({"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-acme/*"}}), &["public"]),
        (json!({"StringEquals": {"aws:PrincipalAccount": "222233334444"}}), &["account 222233334444"]),
        (json!({"StringEquals": {"aws:PrincipalAccount": 222_233_334_444_u64}}), &["account 222233334444"]),
        (json!({"StringEquals": {"aws:PrincipalAccount": "111122223333"}}), &["own"]),
        (json!({"StringEquals": {"aws:PrincipalAccount": "${aws:ResourceAccount}"}}), &["own"]),
        // What callers without credentials have there.
        (json!({"StringEquals": {"aws:PrincipalAccount": "anonymous"}}), &["public"]),
        (json!({"StringEquals": {"aws:userid": "anonymous"}}), &["public"]),
        (json!({"StringLike": {"aws:PrincipalAccount": "2222*"}}), &["public"]),
        (
            json!({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::222233334444:role/r"}}),
            &["account 222233334444 arn:aws:iam::222233334444:role/r"],
        ),
        (
            json!({"ArnLike": {"aws:PrincipalArn": "arn:*:iam::222233334444:role/*"}}),
            &["account 222233334444 arn:*:iam::222233334444:role/*"],
        ),
        (json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/r"}}), &["public"]),
        (json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::22223333444?:role/r"}}), &["public"]),
        (json!({"ArnLike": {"aws:PrincipalArn": "*"}}), &["public"]),
        (
            json!({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::222233334444:*"}}),
            &["account 222233334444 arn:aws:iam::222233334444:*"],
        ),
        // A star of StringLike reaches over colons, and a role's path may hold the rest.
        (json!({"StringLike": {"aws:PrincipalArn": "arn:*:iam::222233334444:role/r"}}), &["public"]),
        (json!({"StringLike": {"aws:userid": "AROAEXAMPLEID:*"}}), &["unique AROAEXAMPLEID:*"]),
        (json!({"StringLike": {"aws:userid": ["AROAEXAMPLEID:*", "*:session"]}}), &["public"]),
        (json!({"StringLike": {"aws:userid": "AROA*"}}), &["public"]),
        (json!({"StringEquals": {"aws:userid": "111122223333"}}), &["own"]),
        (json!({"Bool": {"aws:PrincipalIsAWSService": "true"}}), &["service any"]),
        (json!({"Bool": {"aws:PrincipalIsAWSService": "false"}}), &["public"]),
        (json!({"Bool": {"aws:PrincipalIsAWSService": ["true", "false"]}}), &["public"]),
        (json!({"StringEquals": {"aws:PrincipalServiceName": "sns.amazonaws.com"}}), &["service sns.amazonaws.com"]),
    ]);
}

#[test]
fn what_the_caller_chooses_narrows_nothing() {
    for (operator, key, value) in [
        ("StringEquals", "aws:username", "jane"),
        ("StringEquals", "aws:PrincipalTag/team", "web"),
        ("StringEquals", "aws:PrincipalType", "User"),
        ("StringLike", "aws:Referer", "https://acme.example/*"),
        ("StringEquals", "aws:UserAgent", "secret"),
        ("StringEquals", "sts:ExternalId", "x"),
        ("StringEquals", "aws:SourceIdentity", "jane"),
        ("StringEquals", "aws:ViaAWSService", "true"),
        ("StringEquals", "kms:ViaService", "s3.eu-west-1.amazonaws.com"),
        ("StringEquals", "lambda:FunctionUrlAuthType", "AWS_IAM"),
        ("StringEquals", "s3:x-amz-acl", "bucket-owner-full-control"),
        ("StringEquals", "s3:prefix", "public/"),
        ("StringEquals", "aws:VpcSourceIp", "10.0.0.1"),
        ("StringEquals", "aws:ResourceAccount", "111122223333"),
        ("Bool", "aws:SecureTransport", "true"),
        ("Null", "aws:PrincipalOrgID", "false"),
        ("Null", "aws:PrincipalArn", "true"),
        ("NumericLessThan", "s3:max-keys", "10"),
        ("DateLessThan", "aws:CurrentTime", "2030-01-01T00:00:00Z"),
        ("BinaryEquals", "aws:PrincipalOrgID", "bw=="),
    ] {
        rows(&[(json!({operator: {key: value}}), &["public"])]);
    }
}

#[test]
fn where_the_call_comes_from() {
    let net = |value: &str| format!("network aws:sourceip={value}");
    rows(&[
        (json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}), &[&net("203.0.113.0/24")]),
        (
            json!({"IpAddress": {"aws:SourceIp": ["203.0.113.7", "2001:db8::/32"]}}),
            &[&net("2001:db8::/32"), &net("203.0.113.7")],
        ),
        (json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), &[&net("10.0.0.0/8")]),
        (json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}), &["public"]),
        (json!({"IpAddress": {"aws:SourceIp": "::/0"}}), &["public"]),
        (json!({"IpAddress": {"aws:SourceIp": "16.0.0.0/7"}}), &["public"]),
        (json!({"IpAddress": {"aws:SourceIp": "2001::/31"}}), &["public"]),
        (json!({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "0.0.0.0/1"]}}), &["public"]),
        (json!({"IpAddress": {"aws:SourceIp": "::ffff:0.0.0.0/96"}}), &["public"]),
        (json!({"IpAddress": {"aws:SourceIp": "::/64"}}), &["public"]),
        (
            json!({"IpAddress": {"aws:SourceIp": (0..128).map(|n| format!("{n}.0.0.0/8")).collect::<Vec<_>>()}}),
            &["public"],
        ),
        (json!({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}), &["public"]),
        (json!({"StringEquals": {"aws:SourceVpc": "vpc-1"}}), &["network aws:sourcevpc=vpc-1"]),
        (json!({"StringLike": {"aws:SourceVpce": "vpce-*"}}), &["public"]),
        (json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}}), &["network aws:sourcevpce=vpce-1"]),
        (json!({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}), &["public"]),
        (json!({"StringEquals": {"aws:VpceAccount": "111122223333"}}), &["network aws:vpceaccount=111122223333"]),
        (json!({"StringEquals": {"s3:DataAccessPointAccount": "111122223333"}}), &["access point 111122223333"]),
        (
            json!({"StringLike": {"s3:DataAccessPointArn": "arn:aws:s3:us-west-2:123456789012:accesspoint/*"}}),
            &["access point 123456789012"],
        ),
    ]);
}

#[test]
fn on_whose_behalf() {
    rows(&[
        (json!({"StringEquals": {"aws:SourceAccount": "111122223333"}}), &["service any for account 111122223333"]),
        (json!({"StringEquals": {"AWS:SourceOwner": "111122223333"}}), &["service any for account 111122223333"]),
        (
            json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:111122223333:*"}}),
            &["service any for account 111122223333"],
        ),
        (json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:eu-west-1:*:topic"}}), &["public"]),
        (json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:logs"}}), &["service any for arn:aws:s3:*:*:logs"]),
        (json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:logs*"}}), &["public"]),
        (json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:accesspoint/a"}}), &["public"]),
        (
            json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:logs"}, "StringEquals": {"aws:SourceAccount": "111122223333"}}),
            &["service any for account 111122223333"],
        ),
        (json!({"StringEquals": {"aws:SourceOrgID": "o-acme"}}), &["service any for organization o-acme"]),
    ]);
}

#[test]
fn keys_that_may_be_absent() {
    rows(&[
        (json!({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-acme"}}), &["public"]),
        (json!({"StringEqualsIfExists": {"aws:SourceVpce": "vpce-1"}}), &["public"]),
        (json!({"IpAddressIfExists": {"aws:SourceIp": "203.0.113.0/24"}}), &["public"]),
        (json!({"ArnLikeIfExists": {"aws:SourceArn": "arn:aws:sns:*:111122223333:*"}}), &["public"]),
        // Only services may call without these.
        (
            json!({"StringEqualsIfExists": {"aws:PrincipalAccount": "222233334444"}}),
            &["account 222233334444", "service any"],
        ),
        (
            json!({"ForAllValues:StringEquals": {"aws:PrincipalAccount": "222233334444"}}),
            &["account 222233334444", "service any"],
        ),
        // AWS's own example: either from the internet or through an endpoint, so one of the two keys is there.
        (
            json!({"IpAddressIfExists": {"aws:SourceIp": "203.0.113.0/24"}, "StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}}),
            &["network aws:sourceip=203.0.113.0/24", "network aws:sourcevpc=vpc-1", "service any"],
        ),
        (
            json!({"IpAddressIfExists": {"aws:SourceIp": "0.0.0.0/0"}, "StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}}),
            &["public"],
        ),
        (
            json!({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-acme"}, "Null": {"aws:PrincipalOrgID": "false"}}),
            &["organization o-acme"],
        ),
        (
            json!({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-acme"}, "Null": {"aws:PrincipalOrgID": "true"}}),
            &["public"],
        ),
        (
            json!({"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-acme/*"}, "Null": {"aws:PrincipalOrgPaths": false}}),
            &["organization o-acme o-acme/*"],
        ),
    ]);
}

#[test]
fn several_conditions_all_hold() {
    rows(&[
        (
            json!({"StringLike": {"aws:PrincipalOrgID": "*"}, "IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
            &["network aws:sourceip=203.0.113.0/24"],
        ),
        (
            json!({"StringEquals": {"aws:PrincipalOrgID": "o-acme"}, "IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
            &["organization o-acme"],
        ),
        (
            json!({"StringEquals": {"aws:PrincipalOrgID": "o-acme", "aws:PrincipalAccount": "222233334444"}}),
            &["account 222233334444"],
        ),
        (
            json!({"StringEquals": {"aws:PrincipalAccount": "222233334444"}, "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::333344445555:*"}}),
            &[],
        ),
        (json!({}), &["public"]),
        (json!({"StringEquals": {}}), &["public"]),
    ]);
}

#[test]
fn a_variable_is_text_in_the_old_version() {
    let policy = json!({"Version": "2008-10-17", "Statement": allow(&json!({"StringEquals": {"aws:PrincipalAccount": "${aws:ResourceAccount}"}}))});
    assert!(evaluate(&Document::parse(&policy).unwrap(), &BUCKET).is_public());
}
