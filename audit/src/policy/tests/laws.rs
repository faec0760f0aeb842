//! What has to hold for every policy.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::oracle::{allows_through, callers};
use super::*;

fn principal() -> impl Strategy<Value = Value> {
    let aws = [
        "*",
        "111122223333",
        "222233334444",
        "999999999999",
        "arn:aws:iam::222233334444:root",
        "arn:aws:iam::222233334444:user/bob",
        "arn:aws:iam::111122223333:role/r",
        "arn:aws:iam::999999999999:role/acme",
    ];
    let services = ["sns.amazonaws.com", "s3.amazonaws.com"];
    prop_oneof![
        3 => Just(json!("*")),
        2 => subsequence(aws.to_vec(), 1..3).prop_map(|list| json!({"AWS": list})),
        1 => subsequence(services.to_vec(), 1..=2).prop_map(|list| json!({"Service": list})),
        1 => (select(aws.to_vec()), select(services.to_vec())).prop_map(|(aws, service)| json!({"AWS": aws, "Service": [service]})),
    ]
}

/// A key, the base operators that fit it, and values of all kinds.
const CONDITIONS: [(&str, &[&str], &[&str]); 14] = [
    (
        "aws:PrincipalOrgID",
        &["StringEquals", "StringNotEquals", "StringLike", "StringNotLike"],
        &["o-acme", "o-evil", "o-*"],
    ),
    (
        "aws:PrincipalOrgPaths",
        &["StringLike", "StringNotLike"],
        &["o-acme/*", "o-acme/r-1/ou-2/*", "o-evil/r-1/*", "o-*/r-1/*"],
    ),
    (
        "aws:PrincipalAccount",
        &["StringEquals", "StringNotEquals", "StringLike"],
        &["111122223333", "222233334444", "anonymous", "9*"],
    ),
    (
        "aws:PrincipalArn",
        &["ArnLike", "ArnNotLike", "StringLike", "StringNotLike", "ArnEquals"],
        &["arn:aws:iam::111122223333:role/*", "arn:aws:iam::222233334444:user/bob", "arn:aws:iam::*:role/acme", "*"],
    ),
    ("aws:SourceIp", &["IpAddress", "NotIpAddress"], &["203.0.113.0/24", "0.0.0.0/0", "192.0.0.0/4", "198.51.100.7"]),
    ("aws:SourceVpc", &["StringEquals", "StringNotEquals", "StringLike"], &["vpc-1", "vpc-*"]),
    ("aws:SourceVpce", &["StringEquals", "StringNotEquals"], &["vpce-1"]),
    (
        "aws:SourceArn",
        &["ArnLike", "ArnNotLike", "StringLike"],
        &["arn:aws:sns:*:111122223333:*", "arn:aws:sns:*:*:t", "arn:aws:s3:*:*:logs"],
    ),
    ("aws:SourceAccount", &["StringEquals", "StringNotEquals"], &["111122223333", "999999999999"]),
    ("aws:SourceOrgID", &["StringEquals", "StringNotEquals"], &["o-acme"]),
    ("aws:PrincipalIsAWSService", &["Bool"], &["true", "false"]),
    ("aws:ViaAWSService", &["Bool"], &["true", "false"]),
    (
        "aws:userid",
        &["StringLike", "StringNotLike", "StringEquals"],
        &["AROAOWNOWNOWNOWN:*", "*:s", "anonymous", "111122223333"],
    ),
    ("aws:PrincipalOrgID", &["Null"], &["true", "false"]),
];

fn condition() -> impl Strategy<Value = (String, &'static str, Vec<&'static str>)> {
    select(CONDITIONS.to_vec()).prop_flat_map(|(key, operators, values)| {
        let operator =
            (select(operators.to_vec()), select(vec!["", "", "", "ForAnyValue:", "ForAllValues:"]), any::<bool>());
        (operator, subsequence(values.to_vec(), 1..=values.len().min(2))).prop_map(
            move |((operator, quantifier, exists), values)| {
                let suffix = if exists { "IfExists" } else { "" };
                let operator =
                    if operator == "Null" { operator.to_owned() } else { format!("{quantifier}{operator}{suffix}") };
                (operator, key, values)
            },
        )
    })
}

fn statement(effect: &'static str) -> impl Strategy<Value = Value> {
    let actions = subsequence(vec!["s3:*", "*", "s3:GetObject", "s3:Get*", "S3:listbucket", "s3:Put*"], 1..3);
    let resources = subsequence(
        vec![
            "*",
            "arn:aws:s3:::acme",
            "arn:aws:s3:::acme/*",
            "arn:aws:s3:::acme/secret/*",
            "arn:aws:s3:::ac*",
            "arn:aws:s3:::other/*",
        ],
        1..3,
    );
    let nots = (prop::bool::weighted(0.15), prop::bool::weighted(0.15), prop::bool::weighted(0.15));
    (principal(), actions, resources, prop::collection::vec(condition(), 0..3), nots).prop_map(
        move |(principal, actions, resources, conditions, (not_principal, not_action, not_resource))| {
            let mut statement = json!({"Effect": effect});
            statement[if not_principal { "NotPrincipal" } else { "Principal" }] = principal;
            statement[if not_action { "NotAction" } else { "Action" }] = json!(actions);
            statement[if not_resource { "NotResource" } else { "Resource" }] = json!(resources);
            for (operator, key, values) in conditions {
                statement["Condition"][operator][key] = json!(values);
            }
            statement
        },
    )
}

/// Denies as they are really written: to everyone, everything.
fn perimeter() -> impl Strategy<Value = Value> {
    prop::collection::vec(condition(), 1..3).prop_map(|conditions| {
        let mut statement = deny(&json!({}));
        for (operator, key, values) in conditions {
            statement["Condition"][operator][key] = json!(values);
        }
        statement
    })
}

fn statements() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(prop_oneof![2 => statement("Allow"), 1 => statement("Deny"), 1 => perimeter()], 0..5)
}

fn access(statements: &[Value]) -> Access {
    evaluate(&document(&json!(statements)), &BUCKET)
}

fn public(statements: &[Value]) -> Vec<usize> {
    super::statements(access(statements).public()).into_iter().collect()
}

/// What the grants say without the indices of the statements, in any order.
fn content(statements: &[Value]) -> Vec<String> {
    let mut found: Vec<String> = access(statements)
        .grants
        .iter()
        .map(|grant| {
            let mut reasons: Vec<String> = grant
                .narrowed_by
                .iter()
                .map(|reason| format!("{} {} {:?}", reason.operator, reason.key, reason.values))
                .collect();
            reasons.sort();
            format!("{:?} {:?} {:?} {reasons:?}", grant.grantee, grant.actions, grant.resources)
        })
        .collect();
    found.sort();
    found
}

/// Each list of one element as that element.
fn unwrapped(value: &Value) -> Value {
    match value {
        Value::Array(list) => match list.as_slice() {
            [one] => one.clone(),
            _ => value.clone(),
        },
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.clone(), unwrapped(value))).collect::<serde_json::Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

proptest! {
    /// The one that matters: whoever IAM lets in through a statement is named by a grant of that statement.
    #[test]
    fn nobody_gets_in_unnamed(statements in statements()) {
        let access = access(&statements);
        for request in callers() {
            for index in 0..statements.len() {
                if allows_through(&statements, index, &request) {
                    let named = access.grants.iter().any(|grant| grant.statement == index && request.is(&grant.grantee));
                    prop_assert!(named, "{} {} {} through {}: {:#?}", request.name, request.action, request.resource, index, access);
                }
            }
        }
    }

    #[test]
    fn another_deny_never_widens(statements in statements(), deny in prop_oneof![statement("Deny"), perimeter()]) {
        let before = access(&statements);
        let mut more = statements.clone();
        more.push(deny);
        prop_assert!(public(&more).iter().all(|index| public(&statements).contains(index)));
        for grant in access(&more).grants {
            prop_assert!(before.grants.iter().any(|old| old.statement == grant.statement));
        }
    }

    #[test]
    fn another_allow_never_narrows(statements in statements(), allow in statement("Allow")) {
        let mut more = statements.clone();
        more.push(allow);
        let kept: Vec<_> = access(&more).grants.into_iter().filter(|grant| grant.statement < statements.len()).collect();
        prop_assert_eq!(kept, access(&statements).grants);
    }

    #[test]
    fn the_order_of_statements_says_nothing((statements, shuffled) in statements().prop_flat_map(|list| (Just(list.clone()), Just(list).prop_shuffle()))) {
        prop_assert_eq!(content(&statements), content(&shuffled));
    }

    #[test]
    fn a_list_of_one_is_that_one(statements in statements()) {
        let plain: Vec<Value> = statements.iter().map(unwrapped).collect();
        prop_assert_eq!(access(&plain), access(&statements));
    }

    #[test]
    fn without_the_public_statements_nothing_is_public(statements in statements()) {
        let public = public(&statements);
        let left: Vec<Value> = statements.iter().enumerate().filter(|(index, _)| !public.contains(index)).map(|(_, one)| one.clone()).collect();
        prop_assert!(!access(&left).is_public());
    }

    #[test]
    fn a_policy_without_allows_lets_nobody_in(statements in prop::collection::vec(statement("Deny"), 0..4)) {
        prop_assert!(access(&statements).grants.is_empty());
    }
}
