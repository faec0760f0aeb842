//! Any JSON, and statements put together from pieces that mean something: nothing panics, and the laws hold.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use audit::policy::{Access, Document, Owner, denies_insecure_transport, evaluate, statements, wildcard};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};

const OWNER: Owner<'static> = Owner { account: "111122223333", arn: "arn:aws:s3:::acme" };

const PRINCIPALS: &[&str] = &[
    "*",
    "111122223333",
    "222233334444",
    "arn:aws:iam::222233334444:root",
    "arn:aws:iam::222233334444:user/bob",
    "arn:aws:sts::111122223333:assumed-role/r/s",
    "arn:aws:iam::*:root",
    "AIDAJQABLZS4A3QDU576Q",
    "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1",
    "sns.amazonaws.com",
    "graph.facebook.com",
    "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com",
    "arn:aws:iam::111122223333:saml-provider/x",
];
const KINDS: &[&str] = &["AWS", "Service", "Federated", "CanonicalUser"];
const ACTIONS: &[&str] = &["*", "s3:*", "s3:GetObject", "S3:Get*", "s3:ListBucket", "s3:?etObject", "sqs:*"];
const RESOURCES: &[&str] = &[
    "*",
    "arn:aws:s3:::acme",
    "arn:aws:s3:::acme/*",
    "arn:aws:s3:::acme*",
    "arn:aws:s3:::ac?e/${aws:userid}/*",
    "arn:aws:s3:::other",
];
const QUANTIFIERS: &[&str] = &["", "", "ForAnyValue:", "ForAllValues:"];
const OPERATORS: &[&str] = &[
    "StringEquals",
    "StringNotEquals",
    "StringLike",
    "StringNotLike",
    "StringEqualsIgnoreCase",
    "ArnLike",
    "ArnNotLike",
    "IpAddress",
    "NotIpAddress",
    "Bool",
    "Null",
    "NumericLessThan",
    "DateGreaterThan",
    "BinaryEquals",
];
const KEYS: &[&str] = &[
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:SourceIp",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:SourceArn",
    "aws:SourceAccount",
    "aws:userid",
    "aws:PrincipalIsAWSService",
    "aws:SecureTransport",
    "s3:DataAccessPointArn",
    "token.actions.githubusercontent.com:sub",
    "kms:CallerAccount",
];
const VALUES: &[&str] = &[
    "o-acme",
    "o-*",
    "o-acme/r-1/*",
    "111122223333",
    "222233334444",
    "anonymous",
    "arn:aws:iam::222233334444:user/bob",
    "arn:aws:iam::*:role/r",
    "*",
    "203.0.113.0/24",
    "0.0.0.0/0",
    "::/0",
    "vpc-1",
    "true",
    "false",
    "AROAEXAMPLEID:*",
    "arn:aws:s3:*:*:logs",
    "${aws:ResourceAccount}",
    "${aws:PrincipalTag/x}",
    "repo:acme/*",
    "arn:aws:s3:eu-west-1:111122223333:accesspoint/*",
];

fn texts(u: &mut Unstructured<'_>, known: &[&str]) -> arbitrary::Result<Value> {
    let mut found = Vec::new();
    for _ in 0..u.int_in_range(1..=3)? {
        found.push(if u.ratio(1, 12)? { json!(String::arbitrary(u)?) } else { json!(u.choose(known)?) });
    }
    Ok(if found.len() == 1 && bool::arbitrary(u)? { found.remove(0) } else { Value::Array(found) })
}

fn statement(u: &mut Unstructured<'_>, effect: &str) -> arbitrary::Result<Value> {
    let mut statement = json!({"Effect": effect});
    let mut not = |u: &mut Unstructured<'_>, name: &str, value: Value| -> arbitrary::Result<()> {
        let name = if u.ratio(1, 6)? { format!("Not{name}") } else { name.to_owned() };
        statement[name] = value;
        Ok(())
    };
    let principal = if u.ratio(1, 2)? {
        json!("*")
    } else {
        let mut map = Map::new();
        for _ in 0..u.int_in_range(1..=2)? {
            map.insert((*u.choose(KINDS)?).to_owned(), texts(u, PRINCIPALS)?);
        }
        Value::Object(map)
    };
    not(u, "Principal", principal)?;
    let actions = texts(u, ACTIONS)?;
    not(u, "Action", actions)?;
    let resources = texts(u, RESOURCES)?;
    not(u, "Resource", resources)?;
    for _ in 0..u.int_in_range(0..=3)? {
        let suffix = if u.ratio(1, 4)? { "IfExists" } else { "" };
        let operator = format!("{}{}{suffix}", u.choose(QUANTIFIERS)?, u.choose(OPERATORS)?);
        let values = texts(u, VALUES)?;
        statement["Condition"][operator][*u.choose(KEYS)?] = values;
    }
    Ok(statement)
}

fn policy(u: &mut Unstructured<'_>) -> arbitrary::Result<Vec<Value>> {
    let mut found = Vec::new();
    for _ in 0..u.int_in_range(0..=4)? {
        let effect = if u.ratio(1, 2)? { "Allow" } else { "Deny" };
        found.push(statement(u, effect)?);
    }
    Ok(found)
}

fn access(statements: &[Value]) -> Option<Access> {
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    let document = Document::parse(&policy).ok()?;
    denies_insecure_transport(&document, OWNER.arn);
    Some(evaluate(&document, &OWNER))
}

fn laws(u: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let mut policy = policy(u)?;
    let Some(before) = access(&policy) else { return Ok(()) };
    let public = statements(before.public());

    let left: Vec<Value> =
        policy.iter().enumerate().filter(|(index, _)| !public.contains(index)).map(|(_, one)| one.clone()).collect();
    assert!(
        access(&left).is_some_and(|access| !access.is_public()),
        "public without its public statements: {policy:?}"
    );

    let reversed: Vec<Value> = policy.iter().rev().cloned().collect();
    let mirrored = access(&reversed).map(|access| statements(access.public()));
    let expected = public.iter().map(|index| policy.len() - 1 - index).collect();
    assert_eq!(mirrored, Some(expected), "the order matters: {policy:?}");

    policy.push(statement(u, "Deny")?);
    if let Some(after) = access(&policy) {
        assert!(statements(after.public()).is_subset(&public), "a Deny widened: {policy:?}");
        assert!(
            statements(after.grants.iter()).is_subset(&statements(before.grants.iter())),
            "a Deny let in: {policy:?}"
        );
    }
    policy.pop();
    policy.push(statement(u, "Allow")?);
    if let Some(after) = access(&policy) {
        let kept: Vec<_> = after.grants.iter().filter(|grant| grant.statement + 1 < policy.len()).cloned().collect();
        assert_eq!(kept, before.grants, "an Allow narrowed: {policy:?}");
    }
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    if let Ok(value) = serde_json::from_slice::<Value>(data) {
        if let Ok(document) = Document::parse(&value) {
            evaluate(&document, &OWNER);
            evaluate(&document, &Owner { account: "", arn: "" });
            denies_insecure_transport(&document, OWNER.arn);
        }
        return;
    }
    let mut u = Unstructured::new(data);
    let _ = laws(&mut u);
    if let Ok((left, right)) = <(&str, &str)>::arbitrary(&mut u) {
        if wildcard::covers(left, right) {
            assert!(wildcard::overlaps(left, right));
        }
        assert_eq!(wildcard::overlaps(left, right), wildcard::overlaps(right, left));
    }
});
