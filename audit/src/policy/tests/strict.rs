//! What can't be read is an error that says where.

use super::*;

#[test]
fn what_is_not_understood_is_named() {
    let good = json!({"Sid": "Read", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"});
    let rows = [
        ("Effect", json!("allow"), "`Effect` is neither"),
        ("Effect", Value::Null, "`Effect` is neither"),
        ("principal", json!("*"), "`principal` is not an element"),
        ("Principals", json!("*"), "`Principals` is not an element"),
        ("NotPrincipal", json!("*"), "`NotPrincipal` stands beside `Principal`"),
        ("NotAction", json!("s3:*"), "`NotAction` stands beside `Action`"),
        ("NotResource", json!("*"), "`NotResource` stands beside `Resource`"),
        ("Principal", json!("222233334444"), "`Principal` is neither"),
        ("Principal", json!(["*"]), "`Principal` is neither"),
        ("Principal", json!({}), "`Principal` is neither"),
        ("Principal", json!({"aws": "*"}), "`Principal.aws` is no kind"),
        ("Principal", json!({"AWS": []}), "`Principal.AWS` is an empty list"),
        ("Principal", json!({"AWS": "jane"}), "`Principal.AWS` holds what names no principal"),
        ("Principal", json!({"AWS": "arn:aws:iam::1:root"}), "names no principal"),
        ("Principal", json!({"AWS": "arn:aws:s3:::b"}), "names no principal"),
        ("Principal", json!({"AWS": {"x": 1}}), "something other than strings"),
        ("Principal", json!({"Federated": "arn:aws:iam::222233334444:user/x"}), "names no principal"),
        ("Action", json!([]), "`Action` is an empty list"),
        ("Action", json!([["s3:*"]]), "`Action` holds something other than strings"),
        ("Resource", json!([]), "`Resource` is an empty list"),
        ("Condition", json!([]), "`Condition` is not an object"),
        (
            "Condition",
            json!({"StringMatches": {"a": "b"}}),
            "`Condition.StringMatches` is not a known condition operator",
        ),
        ("Condition", json!({"ForSomeValues:StringEquals": {"a": "b"}}), "not a known condition operator"),
        ("Condition", json!({"NullIfExists": {"a": "true"}}), "not a known condition operator"),
        ("Condition", json!({"StringEquals": "x"}), "`Condition.StringEquals` is not an object"),
        (
            "Condition",
            json!({"StringEquals": {"aws:PrincipalOrgID": []}}),
            "`Condition.StringEquals.aws:PrincipalOrgID` is an empty list",
        ),
        ("Condition", json!({"StringEquals": {"aws:PrincipalOrgID": null}}), "something other than strings"),
        ("Condition", json!({"IpAddress": {"aws:SourceIp": "acme"}}), "is not an address range"),
        ("Condition", json!({"Bool": {"aws:SecureTransport": "no"}}), "is neither `true` nor `false`"),
    ];
    for (field, value, expected) in rows {
        let mut statement = good.clone();
        statement[field] = value.clone();
        let error = Document::parse(&json!({"Statement": [good.clone(), statement]})).unwrap_err().to_string();
        assert!(error.starts_with("statement 1 (Read): ") && error.contains(expected), "{field} {value}: {error}");
    }
    for missing in ["Effect", "Principal", "Action"] {
        let mut statement = good.clone();
        statement.as_object_mut().unwrap().remove(missing);
        let error = Document::parse(&json!({"Statement": statement})).unwrap_err().to_string();
        assert!(error.contains(&format!("`{missing}` is")), "{error}");
    }
}

#[test]
fn whole_documents_that_are_none() {
    for bad in [
        json!(null),
        json!("{}"),
        json!([]),
        json!({}),
        json!({"statement": []}),
        json!({"Statement": "x"}),
        json!({"Statement": [], "Version": "2020-01-01"}),
        json!({"Statement": [], "Version": 2012}),
        json!({"Statement": [1]}),
    ] {
        assert!(Document::parse(&bad).is_err(), "{bad}");
    }
    let empty = Document::parse(&json!({"Statement": []})).unwrap();
    assert!(empty.is_empty() && evaluate(&empty, &BUCKET).grants.is_empty());
}

#[test]
fn sizes_that_aws_does_not_have() {
    let with = |actions: Value| json!({"Statement": {"Effect": "Allow", "Principal": "*", "Action": actions, "Resource": "*"}});
    assert!(Document::parse(&with(json!("x".repeat(5000)))).is_err());
    assert!(Document::parse(&with(json!(vec!["s3:GetObject"; 10_000]))).is_err());
    assert!(Document::parse(&with(json!(vec!["s3:GetObject"; 1000]))).is_ok());
}

#[test]
fn numbers_and_booleans_need_no_quotes() {
    let statements = json!([
        {"Effect": "Allow", "Principal": {"AWS": 222_233_334_444_u64}, "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": true}}},
    ]);
    assert_eq!(grantees(&statements, &BUCKET), ["0 account 222233334444"]);
}
