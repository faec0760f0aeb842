//! What the scopes say of an account that is within its limits.

use common::settings::Settings;
use serde_json::{Value, json};

use super::{ACCOUNT, brake, limit, listed, running, settings};
use crate::tests::{Done, audit_with, lines, scope};

const THREE: &[&str] = &["eu-west-1", "us-east-1", "ap-south-1"];

/// Whether the scopes that come out say that the account was weighed and is within its limits: each of them.
fn says_within(done: &Done) -> Vec<bool> {
    let named =
        |scope: &Value| scope["checks"].as_array().is_some_and(|checks| checks.contains(&json!("account_runaway")));
    done.of_kind("scope").iter().map(named).collect()
}

#[test]
fn a_scope_says_that_an_account_is_within_its_limits_only_where_it_is() {
    let records = [listed(THREE), running(THREE, 3)].concat();
    let failed = [vec![scope("failed", "ec2")], running(THREE, 3)].concat();
    for (name, settings, arguments, records, expected) in [
        ("within", limit(9), &[][..], &records, vec![true; 3]),
        ("by name", limit(9), &["--only", "runaway"], &records, vec![true; 3]),
        ("over", limit(8), &[], &records, vec![false; 3]),
        ("no limit", Settings::default(), &[], &records, vec![false; 3]),
        ("not all seen", limit(9), &[], &failed, vec![false]),
        ("not asked", limit(9), &["--halt", "pass"], &records, vec![false; 3]),
        ("not asked about the account", limit(9), &["--only", "ec2_runaway"], &records, vec![false; 3]),
    ] {
        let done = audit_with(&settings, arguments, lines(records).as_bytes());
        assert_eq!(says_within(&done), expected, "{name}");
    }
    let excepted = settings(&format!(
        "[runaway]\nmax_running_instances = 8\n[[exceptions]]\ncheck = \"account_runaway\"\naccount = \"{ACCOUNT}\"\nreason = \"x\""
    ));
    assert_eq!(says_within(&brake(&excepted, &[], &records)), [false; 3]);
}
