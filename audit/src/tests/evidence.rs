//! What scopes say of what is in order, and that they come out to the letter otherwise.

use common::settings::Settings;
use serde_json::{Value, json};

use super::{audit, audit_with, lines, queue, scope, user};

/// The `checks` of the scopes that come out, `-` where there are none.
fn checks(stdout: &str) -> Vec<String> {
    let records = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let shown = |record: Value| match record.get("checks") {
        None => "-".to_owned(),
        Some(checks) => {
            let checks = serde_json::from_value::<Vec<String>>(checks.clone()).unwrap().join(" ");
            record["findings"].as_u64().map_or_else(|| checks.clone(), |findings| format!("{checks}: {findings}"))
        }
    };
    records.filter(|record| record["kind"] == "scope").map(shown).collect()
}

/// A row: what it is about, the arguments, the input, and what its scopes say.
type Row = (&'static str, &'static [&'static str], Vec<Value>, &'static [&'static str]);

fn of(status: &str, kind: &str, resources: u64) -> Value {
    let mut scope = scope(status, kind);
    scope["resources"] = json!(resources);
    scope
}

#[test]
fn a_scope_names_what_was_made_on_all_of_it() {
    let mut misfit = queue("misfit");
    misfit["config"]["Policy"] = json!(7);
    misfit["tags"] = json!("none");
    let mut elsewhere = queue("elsewhere");
    elsewhere["region"] = json!("eu-central-1");
    let mut starting = queue("starting");
    starting["settled"] = json!(false);
    let rows: [Row; 12] = [
        ("all of it", &[], vec![queue("a"), queue("b"), of("ok", "sqs", 2)], &["sqs_policy_outsiders sqs_public: 2"]),
        ("there is none", &[], vec![of("ok", "sqs", 0)], &["sqs_policy_outsiders sqs_public: 0"]),
        ("it failed", &[], vec![queue("a"), of("failed", "sqs", 1)], &["-"]),
        ("some were taken out", &[], vec![queue("a"), of("ok", "sqs", 2)], &["-"]),
        ("some are yet to come", &[], vec![of("ok", "sqs", 1), queue("a")], &["-"]),
        ("some were not understood", &[], vec![queue("a"), misfit, of("ok", "sqs", 2)], &["-"]),
        ("some are another scope's", &[], vec![queue("a"), elsewhere, of("ok", "sqs", 2)], &["-"]),
        (
            "AWS is at work on one, which says so itself",
            &[],
            vec![starting, of("ok", "sqs", 1)],
            &["sqs_policy_outsiders sqs_public: 0"],
        ),
        (
            "each run counts for itself",
            &[],
            vec![queue("a"), of("ok", "sqs", 1), of("ok", "sqs", 1)],
            &["sqs_policy_outsiders sqs_public: 1", "-"],
        ),
        ("the check was not made", &["--only", "iam_user_mfa"], vec![queue("a"), of("ok", "sqs", 1)], &["-"]),
        ("no checks", &[], vec![of("ok", "cloudfront", 0), of("ok", "spend", 0)], &["-", "-"]),
        (
            "two audits",
            &[],
            vec![json!({
                "kind": "scope", "account": "111122223333", "region": "eu-west-1", "type": "sqs", "status": "ok", "resources": 0,
                "checks": ["mine"],
            })],
            &["mine"],
        ),
    ];
    for (name, args, records, expected) in rows {
        let done = audit(args, &lines(&records));
        assert_eq!(checks(&done.stdout), expected, "{name}: {}", done.stderr);
    }
    let done = audit(
        &["--only", "iam_user_mfa"],
        &lines(&[user("jane"), {
            let mut scope = of("ok", "iam_user", 1);
            scope["region"] = json!("global");
            scope
        }]),
    );
    assert_eq!(checks(&done.stdout), ["iam_user_mfa: 1"]);
    let off: Settings = serde_json::from_value(json!({"checks": {"sqs_public": {"enabled": false}}})).unwrap();
    let done = audit_with(&off, &[], lines(&[of("ok", "sqs", 0)]).as_bytes());
    assert_eq!(checks(&done.stdout), ["sqs_policy_outsiders: 0"]);
}

#[test]
fn the_rest_of_a_scope_stays_to_the_letter() {
    let place = r#""account":"111122223333","region":"eu-west-1","type":"sqs""#;
    let text =
        format!(r#"{{"x":1.50e1, "kind":"scope",{place},"status":"ok","resources":0,"\u0061":[{{"b":"\ud800"}}]  }}"#);
    let expected = format!(
        r#"{{"x":1.50e1,"kind":"scope",{place},"status":"ok","resources":0,"\u0061":[{{"b":"\ud800"}}],"checks":["sqs_policy_outsiders","sqs_public"],"findings":0}}"#
    );
    assert_eq!(audit(&[], &text).stdout, expected + "\n");
}
