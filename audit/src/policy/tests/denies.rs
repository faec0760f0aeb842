//! What Denies close, and what they do not.

use super::*;

/// `Allow *` and one Deny to everyone under a condition.
fn rows(rows: &[(Value, &[&str])]) {
    for (condition, expected) in rows {
        let expected: Vec<String> = expected.iter().map(|grantee| format!("0 {grantee}")).collect();
        assert_eq!(grantees(&json!([allow(&json!({})), deny(condition)]), &BUCKET), expected, "{condition}");
    }
}

#[test]
fn a_condition_that_has_to_fail() {
    rows(&[
        (json!({}), &[]),
        (json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-acme"}}), &["organization o-acme"]),
        (json!({"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-acme"}}), &["organization o-acme"]),
        (json!({"StringNotLike": {"aws:PrincipalOrgID": "o-*"}}), &["public"]),
        (json!({"StringEquals": {"aws:PrincipalOrgID": "o-acme"}}), &["public"]),
        (
            json!({"StringNotEquals": {"aws:PrincipalAccount": ["111122223333", "222233334444"]}}),
            &["account 222233334444", "own"],
        ),
        (
            json!({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/*"}}),
            &["own arn:aws:iam::111122223333:role/*"],
        ),
        (json!({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}), &["network aws:sourceip=203.0.113.0/24"]),
        (json!({"NotIpAddress": {"aws:SourceIp": "0.0.0.0/0"}}), &["public"]),
        (json!({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}), &["network aws:sourcevpce=vpce-1"]),
        (
            json!({"ForAllValues:StringNotLike": {"aws:PrincipalOrgPaths": "o-acme/*"}}),
            &["organization o-acme o-acme/*"],
        ),
        // False where the key is absent: who is in no organization is not denied.
        (json!({"ForAnyValue:StringNotLike": {"aws:PrincipalOrgPaths": "o-acme/*"}}), &["public"]),
        (json!({"Bool": {"aws:SecureTransport": "false"}}), &["public"]),
        (json!({"Null": {"aws:PrincipalOrgID": "true"}}), &["public"]),
        (json!({"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}), &["service any"]),
        // Anonymous callers lack the key, so the plain operator does not deny them.
        (json!({"Bool": {"aws:PrincipalIsAWSService": "false"}}), &["public"]),
        (
            json!({"StringNotLike": {"aws:userid": ["AROAEXAMPLEID:*", "111122223333"]}}),
            &["unique AROAEXAMPLEID:*", "own"],
        ),
    ]);
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_data-perimeters.html>
#[test]
fn to_fail_one_of_several_conditions_is_enough() {
    rows(&[
        (
            json!({"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-acme"}, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}),
            &["organization o-acme", "service any"],
        ),
        (
            json!({"StringNotEqualsIfExists": {"aws:SourceVpc": "vpc-1"}, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}),
            &["network aws:sourcevpc=vpc-1", "service any"],
        ),
        (
            json!({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}, "StringNotEquals": {"aws:SourceVpce": "vpce-1"}}),
            &["network aws:sourceip=203.0.113.0/24", "network aws:sourcevpce=vpce-1"],
        ),
        // Anyone can have a service call for them.
        (
            json!({"NotIpAddressIfExists": {"aws:SourceIp": "203.0.113.0/24"}, "BoolIfExists": {"aws:ViaAWSService": "false"}}),
            &["public"],
        ),
        (
            json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-acme"}, "Bool": {"aws:SecureTransport": "false"}}),
            &["public"],
        ),
    ]);
}

#[test]
fn a_deny_has_to_cover_the_allow() {
    let org = json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-acme"}});
    let with = |field: &str, value: Value| {
        let mut statement = deny(&org);
        statement[field] = value;
        json!([allow(&json!({})), statement])
    };
    let without = |field: &str, other: &str, value: Value| {
        let mut statements = with(other, value);
        statements[1].as_object_mut().unwrap().remove(field);
        statements
    };
    check(
        &[
            ("the same action", with("Action", json!("S3:getobject")), &["0 organization o-acme"]),
            ("another action", with("Action", json!("s3:PutObject")), &["0 public"]),
            ("all but another action", without("Action", "NotAction", json!("s3:Put*")), &["0 organization o-acme"]),
            ("all but this action", without("Action", "NotAction", json!("s3:Get*")), &["0 public"]),
            ("the objects", with("Resource", json!("arn:aws:s3:::acme/*")), &["0 organization o-acme"]),
            ("some objects", with("Resource", json!("arn:aws:s3:::acme/secret/*")), &["0 public"]),
            ("the bucket", with("Resource", json!("arn:aws:s3:::acme")), &["0 public"]),
            ("a prefix of names", with("Resource", json!("arn:aws:s3:::acme*")), &["0 organization o-acme"]),
            ("a variable", with("Resource", json!("arn:aws:s3:::acme/${aws:userid}*")), &["0 public"]),
            (
                "all but other objects",
                without("Resource", "NotResource", json!("arn:aws:s3:::other/*")),
                &["0 organization o-acme"],
            ),
            (
                "all but some objects",
                without("Resource", "NotResource", json!("arn:aws:s3:::acme/free/*")),
                &["0 public"],
            ),
            ("everyone in AWS", with("Principal", json!({"AWS": "*"})), &["0 organization o-acme"]),
            ("one account", with("Principal", json!({"AWS": "222233334444"})), &["0 public"]),
            ("a wildcard that is none", with("Principal", json!({"AWS": "arn:aws:iam::*:root"})), &["0 public"]),
        ],
        &BUCKET,
    );
}

#[test]
fn principals_left_out_of_a_deny() {
    let to = |principal: Value| json!({"Effect": "Allow", "Principal": principal, "Action": "s3:*", "Resource": "*"});
    let but = |principal: Value| json!({"Effect": "Deny", "NotPrincipal": principal, "Action": "*", "Resource": "*"});
    let only = |principal: Value| json!({"Effect": "Deny", "Principal": principal, "Action": "*", "Resource": "*"});
    let bob = "arn:aws:iam::222233334444:user/bob";
    check(
        &[
            (
                "all but an account",
                json!([to(json!("*")), but(json!({"AWS": "222233334444"}))]),
                &["0 account 222233334444"],
            ),
            ("all but everyone", json!([to(json!("*")), but(json!({"AWS": "*"}))]), &["0 public"]),
            (
                "others",
                json!([
                    to(json!({"AWS": ["222233334444", "333344445555"]})),
                    but(json!({"AWS": ["arn:aws:iam::222233334444:root", bob]}))
                ]),
                &["0 account 222233334444", &format!("0 account 222233334444 {bob}")],
            ),
            ("nobody", json!([to(json!({"AWS": "333344445555"})), but(json!({"AWS": "222233334444"}))]), &[]),
            (
                "one of two",
                json!([to(json!({"AWS": ["222233334444", "333344445555"]})), only(json!({"AWS": "333344445555"}))]),
                &["0 account 222233334444"],
            ),
            ("the account of a user", json!([to(json!({"AWS": bob})), only(json!({"AWS": "222233334444"}))]), &[]),
            (
                "a user of the account",
                json!([to(json!({"AWS": "222233334444"})), only(json!({"AWS": bob}))]),
                &["0 account 222233334444"],
            ),
            (
                "not a service by AWS",
                json!([to(json!({"Service": "sns.amazonaws.com"})), only(json!({"AWS": "*"}))]),
                &["0 service sns.amazonaws.com"],
            ),
            ("a service by all", json!([to(json!({"Service": "sns.amazonaws.com"})), only(json!("*"))]), &[]),
        ],
        &BUCKET,
    );
}

#[test]
fn a_condition_on_the_principal_that_the_allow_names() {
    let to = |principal: &str| json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "s3:*", "Resource": "*"});
    let bob = "arn:aws:iam::222233334444:user/bob";
    let session = "arn:aws:sts::222233334444:assumed-role/r/s";
    let not_account = json!({"StringEquals": {"aws:PrincipalAccount": "222233334444"}});
    let not_bob = json!({"ArnEquals": {"aws:PrincipalArn": bob}});
    check(
        &[
            ("its account", json!([to("222233334444"), deny(&not_account)]), &[]),
            ("another account", json!([to("333344445555"), deny(&not_account)]), &["0 account 333344445555"]),
            ("the account of a user", json!([to(bob), deny(&not_account)]), &[]),
            ("the user", json!([to(bob), deny(&not_bob)]), &[]),
            ("a user of the account", json!([to("222233334444"), deny(&not_bob)]), &["0 account 222233334444"]),
            // For a session the key holds the ARN of its role.
            (
                "a session",
                json!([to(session), deny(&json!({"ArnEquals": {"aws:PrincipalArn": session}}))]),
                &["0 account 222233334444 arn:aws:sts::222233334444:assumed-role/r/s"],
            ),
        ],
        &BUCKET,
    );
}

#[test]
fn what_narrows_nothing_is_not_given_as_a_reason() {
    let but = json!({"Effect": "Deny", "NotPrincipal": {"AWS": ["*", "222233334444"]}, "Action": "*", "Resource": "*"});
    let access = evaluate(&document(&json!([allow(&json!({"Bool": {"aws:SecureTransport": "true"}})), but])), &BUCKET);
    assert_eq!((access.grants.len(), access.grants[0].narrowed_by.len()), (1, 0));
}

#[test]
fn several_denies_close_together() {
    let on = |resource: &str| {
        let mut statement = deny(&json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-acme"}}));
        statement["Resource"] = json!(resource);
        statement
    };
    let all = json!({"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"});
    check(
        &[
            (
                "bucket and objects",
                json!([all, on("arn:aws:s3:::acme"), on("arn:aws:s3:::acme/*")]),
                &["0 organization o-acme"],
            ),
            ("objects alone", json!([all, on("arn:aws:s3:::acme/*")]), &["0 public", "0 organization o-acme"]),
            (
                "an organization, and from a network",
                json!([
                    all,
                    deny(&json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-acme"}})),
                    deny(&json!({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}))
                ]),
                &["0 organization o-acme"],
            ),
            (
                "two organizations at once",
                json!([
                    all,
                    deny(&json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-acme"}})),
                    deny(&json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-two"}}))
                ]),
                &[],
            ),
        ],
        &BUCKET,
    );
    let access = evaluate(&document(&json!([all, on("arn:aws:s3:::acme/*")])), &BUCKET);
    let public = access.public().next().unwrap();
    assert_eq!(public.resources, ["arn:aws:s3:::acme"]);
    let narrowed = access.grants.iter().find(|grant| grant.grantee != Grantee::Public).unwrap();
    assert_eq!((narrowed.narrowed_by[0].statement, narrowed.narrowed_by[0].key.as_str()), (1, "aws:principalorgid"));
}

#[test]
fn a_deny_for_what_the_allow_asks_closes_it() {
    let asked = json!({"StringEquals": {"s3:prefix": "a"}});
    let rows = [
        (asked.clone(), asked.clone(), false),
        (asked.clone(), json!({"StringEquals": {"s3:prefix": ["a", "b"]}}), false),
        (json!({"StringEquals": {"s3:prefix": ["a", "b"]}}), asked.clone(), true),
        (asked.clone(), json!({"StringNotEquals": {"s3:prefix": "a"}}), true),
        (json!({"StringNotEquals": {"s3:prefix": ["a", "b"]}}), json!({"StringNotEquals": {"s3:prefix": "a"}}), false),
        (json!({"StringEqualsIfExists": {"s3:prefix": "a"}}), asked, true),
    ];
    for (asked, denied, public) in rows {
        let access = evaluate(&document(&json!([allow(&asked), deny(&denied)])), &BUCKET);
        assert_eq!(access.is_public(), public, "{asked} {denied}");
        assert_eq!(access.grants.is_empty(), !public, "{asked} {denied}");
    }
}
