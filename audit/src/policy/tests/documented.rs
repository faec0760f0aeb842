//! Policies from AWS's documentation, and those that people really have.

use super::*;

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status>
#[test]
fn the_examples_of_the_meaning_of_public() {
    check(
        &[
            (
                "a federation that anyone can join",
                json!({"Principal": {"Federated": "graph.facebook.com"}, "Resource": "*", "Action": "s3:PutObject", "Effect": "Allow"}),
                &["0 public"],
            ),
            (
                "everyone",
                json!({"Principal": "*", "Resource": "*", "Action": "s3:PutObject", "Effect": "Allow"}),
                &["0 public"],
            ),
            (
                "any VPC",
                json!({"Principal": "*", "Resource": "*", "Action": "s3:PutObject", "Effect": "Allow", "Condition": {"StringLike": {"aws:SourceVpc": "vpc-*"}}}),
                &["0 public"],
            ),
            (
                "one VPC",
                json!({"Principal": "*", "Resource": "*", "Action": "s3:PutObject", "Effect": "Allow", "Condition": {"StringEquals": {"aws:SourceVpc": "vpc-91237329"}}}),
                &["0 network aws:sourcevpc=vpc-91237329"],
            ),
            (
                "CloudTrail, Account-2 and everyone",
                json!([
                   {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::acme/*"},
                   {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::222233334444:root"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme/*"},
                   {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme/*"},
                ]),
                &["0 service cloudtrail.amazonaws.com", "1 account 222233334444", "2 public"],
            ),
            (
                "a fixed key for encryption",
                json!({"Principal": "*", "Resource": "*", "Action": "s3:PutObject", "Effect": "Allow",
                    "Condition": {"StringEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:eu-west-1:111122223333:key/k"}}}),
                &["0 restricted s3:x-amz-server-side-encryption-aws-kms-key-id"],
            ),
        ],
        &BUCKET,
    );
}

#[test]
fn principals_of_every_kind() {
    let to = |principal: Value| json!({"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme/*"});
    let canonical = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";
    check(
        &[
            ("account", to(json!({"AWS": "222233334444"})), &["0 account 222233334444"]),
            ("root", to(json!({"AWS": "arn:aws-cn:iam::222233334444:root"})), &["0 account 222233334444"]),
            (
                "own and others",
                to(json!({"AWS": ["111122223333", "222233334444"], "CanonicalUser": canonical})),
                &["0 account 222233334444", "0 own", &format!("0 canonical {canonical}")],
            ),
            (
                "user",
                to(json!({"AWS": "arn:aws:iam::222233334444:user/team/jane"})),
                &["0 account 222233334444 arn:aws:iam::222233334444:user/team/jane"],
            ),
            (
                "session",
                to(json!({"AWS": "arn:aws:sts::111122223333:assumed-role/r/s"})),
                &["0 own arn:aws:sts::111122223333:assumed-role/r/s"],
            ),
            ("deleted", to(json!({"AWS": "AIDAJQABLZS4A3QDU576Q"})), &["0 deleted AIDAJQABLZS4A3QDU576Q"]),
            ("everyone in a list", to(json!({"AWS": ["222233334444", "*"]})), &["0 public", "0 account 222233334444"]),
            ("a wildcard in the account", to(json!({"AWS": "arn:aws:iam::*:root"})), &["0 public"]),
            (
                "CloudFront",
                to(json!({"AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"})),
                &["0 oai E1"],
            ),
            (
                "distribution",
                json!({"Effect": "Allow", "Principal": {"Service": "cloudfront.amazonaws.com"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme/*",
                    "Condition": {"StringEquals": {"AWS:SourceArn": "arn:aws:cloudfront::111122223333:distribution/EDFDVBD6EXAMPLE"}}}),
                &["0 service cloudfront.amazonaws.com for account 111122223333"],
            ),
            (
                "not this one",
                json!({"Effect": "Allow", "NotPrincipal": {"AWS": "222233334444"}, "Action": "s3:GetObject", "Resource": "*"}),
                &["0 public"],
            ),
            (
                "account and condition on another",
                json!({"Effect": "Allow", "Principal": {"AWS": "222233334444"}, "Action": "s3:GetObject", "Resource": "*",
                    "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "222233334444"}}}),
                &[],
            ),
        ],
        &BUCKET,
    );
}

#[test]
fn actions_and_resources_have_to_be_there() {
    let on = |action: Value, resource: Value| json!({"Effect": "Allow", "Principal": "*", "Action": action, "Resource": resource});
    check(
        &[
            ("another bucket", on(json!("s3:GetObject"), json!("arn:aws:s3:::acme-logs/*")), &[]),
            ("one prefix", on(json!("s3:GetObject"), json!("arn:aws:s3:::acme/public/*")), &["0 public"]),
            ("a pattern of buckets", on(json!("s3:GetObject"), json!("arn:aws:s3:::ac?e/*")), &["0 public"]),
            ("a variable", on(json!("s3:GetObject"), json!("arn:aws:s3:::acme/${aws:userid}/*")), &["0 public"]),
            ("objects of the bucket itself", on(json!("s3:GetObject"), json!("arn:aws:s3:::acme")), &[]),
            ("listing objects", on(json!("s3:ListBucket"), json!("arn:aws:s3:::acme/*")), &[]),
            ("in a list", on(json!(["s3:GetObject", "S3:ListBucket"]), json!(["arn:aws:s3:::acme"])), &["0 public"]),
            ("all but all", json!({"Effect": "Allow", "Principal": "*", "NotAction": "s3:*", "Resource": "*"}), &[]),
            (
                "all but one",
                json!({"Effect": "Allow", "Principal": "*", "NotAction": "s3:Delete*", "Resource": "*"}),
                &["0 public"],
            ),
            (
                "all resources but this",
                json!({"Effect": "Allow", "Principal": "*", "Action": "s3:*", "NotResource": ["arn:aws:s3:::acme", "arn:aws:s3:::acme/*"]}),
                &[],
            ),
            (
                "all resources but one",
                json!({"Effect": "Allow", "Principal": "*", "Action": "s3:*", "NotResource": "arn:aws:s3:::acme/secret/*"}),
                &["0 public"],
            ),
        ],
        &BUCKET,
    );
}

#[test]
fn queues() {
    let send = |principal: Value, condition: Value| json!({"Effect": "Allow", "Principal": principal, "Action": "SQS:SendMessage", "Resource": QUEUE.arn, "Condition": condition});
    check(
        &[
            // <https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html>
            (
                "a topic",
                send(
                    json!({"Service": "sns.amazonaws.com"}),
                    json!({"ArnEquals": {"aws:SourceArn": "arn:aws:sns:eu-west-1:111122223333:t"}}),
                ),
                &["0 service sns.amazonaws.com for account 111122223333"],
            ),
            (
                "a topic, the old way",
                send(
                    json!({"AWS": "*"}),
                    json!({"ArnEquals": {"aws:SourceArn": "arn:aws:sns:eu-west-1:111122223333:t"}}),
                ),
                &["0 service any for account 111122223333"],
            ),
            ("any topic", send(json!({"Service": "sns.amazonaws.com"}), json!({})), &["0 service sns.amazonaws.com"]),
            (
                "anyone's topic",
                send(json!("*"), json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:*"}})),
                &["0 public"],
            ),
            // <https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html>
            (
                "a bucket",
                send(
                    json!({"Service": "s3.amazonaws.com"}),
                    json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:acme"}, "StringEquals": {"aws:SourceAccount": "111122223333"}}),
                ),
                &["0 service s3.amazonaws.com for account 111122223333"],
            ),
            // <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-basic-examples-of-sqs-policies.html>
            (
                "everyone from a network",
                send(
                    json!("*"),
                    json!({"IpAddress": {"aws:SourceIp": "192.168.143.0/24"}, "NotIpAddress": {"aws:SourceIp": "192.168.143.188/32"}}),
                ),
                &["0 network aws:sourceip=192.168.143.0/24"],
            ),
            (
                "everyone for a while",
                send(json!("*"), json!({"DateGreaterThan": {"aws:CurrentTime": "2009-01-31T12:00Z"}})),
                &["0 public"],
            ),
        ],
        &QUEUE,
    );
}

#[test]
fn keys_functions_and_roles() {
    let key = Owner { account: "111122223333", arn: "arn:aws:kms:eu-west-1:111122223333:key/k" };
    check(
        &[
            // <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-caller-account>
            (
                "through S3",
                json!({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["kms:Decrypt"], "Resource": "*",
                "Condition": {"StringEquals": {"kms:CallerAccount": "111122223333", "kms:ViaService": "s3.eu-west-1.amazonaws.com"}}}),
                &["0 own"],
            ),
            (
                "through S3, anyone",
                json!({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["kms:Decrypt"], "Resource": "*",
                "Condition": {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}}),
                &["0 public"],
            ),
        ],
        &key,
    );
    let function = Owner { account: "111122223333", arn: "arn:aws:lambda:eu-west-1:111122223333:function:f" };
    check(
        &[
            // <https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html>
            (
                "a URL",
                json!({"Effect": "Allow", "Principal": "*", "Action": "lambda:InvokeFunctionUrl", "Resource": function.arn,
                "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}}),
                &["0 public"],
            ),
            (
                "Alexa",
                json!({"Effect": "Allow", "Principal": {"Service": "alexa-appkit.amazon.com"}, "Action": "lambda:InvokeFunction", "Resource": function.arn,
                "Condition": {"StringEquals": {"lambda:EventSourceToken": "amzn1.ask.skill.x"}}}),
                &["0 service alexa-appkit.amazon.com for a token"],
            ),
            (
                "an alias",
                json!({"Effect": "Allow", "Principal": {"AWS": "222233334444"}, "Action": "lambda:InvokeFunction",
                "Resource": format!("{}:live", function.arn)}),
                &["0 account 222233334444"],
            ),
        ],
        &function,
    );
    let role = Owner { account: "111122223333", arn: "arn:aws:iam::111122223333:role/deploy" };
    let trust = |provider: &str, condition: Value| json!({"Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition});
    let github = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
    let federated = format!("0 federated {github}");
    check(
        &[
            (
                "an instance",
                json!({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}),
                &["0 service ec2.amazonaws.com"],
            ),
            (
                "tags, for whoever may assume it",
                json!({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["sts:TagSession", "sts:SetSourceIdentity"]}),
                &[],
            ),
            (
                "tags, and more",
                json!({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["sts:TagSession", "sts:A*"]}),
                &["0 public"],
            ),
            ("all of it", json!({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "*"}), &["0 public"]),
            (
                "everyone with an external id",
                json!({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": "x"}}}),
                &["0 public"],
            ),
            (
                "any repository",
                trust(
                    github,
                    json!({"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}}),
                ),
                &["0 public"],
            ),
            (
                "one owner",
                trust(github, json!({"StringLike": {"token.actions.githubusercontent.com:sub": "repo:acme/*"}})),
                &[&federated],
            ),
            (
                "owners that begin alike",
                trust(github, json!({"StringLike": {"token.actions.githubusercontent.com:sub": "repo:acme*"}})),
                &["0 public"],
            ),
            (
                "all values of what may be absent",
                trust(
                    github,
                    json!({"ForAllValues:StringEquals": {"token.actions.githubusercontent.com:sub": "repo:acme/a:ref:refs/heads/main"}}),
                ),
                &["0 public"],
            ),
            (
                "a cluster",
                trust("arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC", json!({})),
                &["0 federated arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"],
            ),
            (
                "an identity pool",
                trust(
                    "cognito-identity.amazonaws.com",
                    json!({"StringEquals": {"cognito-identity.amazonaws.com:aud": "eu-west-1:pool"}}),
                ),
                &["0 federated cognito-identity.amazonaws.com"],
            ),
            (
                "any identity pool",
                trust(
                    "cognito-identity.amazonaws.com",
                    json!({"ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"}}),
                ),
                &["0 public"],
            ),
            (
                "SAML",
                trust("arn:aws:iam::111122223333:saml-provider/okta", json!({})),
                &["0 federated arn:aws:iam::111122223333:saml-provider/okta"],
            ),
        ],
        &role,
    );
}

#[test]
fn outside_is_who_is_neither_the_owner_nor_trusted() {
    let to = |principal: Value| json!({"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": "*"});
    let statements = json!([
        to(json!({"AWS": "111122223333"})),
        to(json!({"AWS": "222233334444"})),
        to(json!({"AWS": ["arn:aws:iam::333344445555:user/u", "222233334444"]})),
        to(json!("*")),
        to(json!({"CanonicalUser": "abc"})),
        allow(&json!({"StringEquals": {"aws:PrincipalOrgID": "o-acme"}})),
        allow(&json!({"StringEquals": {"aws:PrincipalOrgID": "o-evil"}})),
        allow(&json!({"StringEquals": {"aws:SourceAccount": "333344445555"}})),
        to(json!({"Service": "sns.amazonaws.com"})),
        to(json!({"Federated": "arn:aws:iam::111122223333:saml-provider/okta"})),
        to(json!({"Federated": "arn:aws:iam::333344445555:saml-provider/okta"})),
        allow(&json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})),
    ]);
    let access = evaluate(&document(&statements), &BUCKET);
    let trusted = Trusted { accounts: ["222233334444".to_owned()].into(), organizations: ["o-acme".to_owned()].into() };
    assert_eq!(statements_of(access.outside(&trusted)), [2, 4, 6, 7, 10]);
    assert_eq!(access.outside(&trusted).filter(|grant| grant.statement == 2).count(), 1);
    assert_eq!(statements_of(access.outside(&Trusted::default())), [1, 2, 4, 5, 6, 7, 10]);
    assert_eq!(statements_of(access.public()), [3]);
    assert_eq!(statements_of(access.unguarded_services()), [8]);
}

fn statements_of<'a>(grants: impl Iterator<Item = &'a Grant>) -> Vec<usize> {
    statements(grants).into_iter().collect()
}
