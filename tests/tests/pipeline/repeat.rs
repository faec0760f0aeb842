//! What was done is not done again.

use serde_json::json;
use tests::{Emulator, Proxy};

use tests::stage::{Stage, statuses, write_names};

const ALL: &str = "s3_bucket,ec2,security_group,iam_user,sqs";

#[test]
fn the_second_run_of_a_pipeline_does_nothing() {
    let stage = Stage::of(ALL);
    let proxy = Proxy::new(Emulator::shared());
    let seen = stage.through(&proxy);
    let limits = ["--irreversible", "--max-actions", "100", "--max-percent", "100"];

    let findings = stage.audit(seen.poll().stdout);
    let count = findings.kind("finding").len();
    let first = stage.run(seen.apply(findings.stdout.clone()).args(limits)).exits(0);
    let outcomes = first.kind("outcome");
    assert_eq!(outcomes.len(), count, "one finding, one outcome\n{first}");
    // The password is two findings' trouble, and what mends one leaves nothing of the other.
    let already: Vec<_> = outcomes.iter().filter(|outcome| outcome["status"] != "applied").collect();
    assert_eq!(already.len(), 1, "{first}");
    assert_eq!((&already[0]["status"], &already[0]["id"]), (&json!("already"), &json!("sluice-test-password")));
    assert_eq!(first.kind("scope"), findings.kind("scope"), "scopes go through");

    proxy.reset();
    let findings = stage.audit(seen.poll().stdout);
    assert!(findings.kind("finding").is_empty(), "{findings}");
    let second = stage.run(seen.apply(findings.stdout).args(limits)).exits(0);
    assert!(second.kind("outcome").is_empty(), "{second}");
    assert_eq!(write_names(&proxy), [""; 0]);
}

#[test]
fn the_same_findings_twice_are_already_mended() {
    let stage = Stage::of("s3_bucket,sqs");
    let proxy = Proxy::new(Emulator::shared());
    let seen = stage.through(&proxy);
    let findings = stage.audit(seen.poll().stdout);
    let limits = ["--max-percent", "100"];
    let first = stage.run(seen.apply(findings.stdout.clone()).args(limits)).exits(0);
    assert!(first.kind("outcome").iter().all(|outcome| outcome["status"] == "applied"), "{first}");

    proxy.reset();
    let second = stage.run(seen.apply(findings.stdout).args(limits)).exits(0);
    let outcomes = second.kind("outcome");
    assert_eq!(statuses(&outcomes), vec!["already"; first.kind("outcome").len()], "{second}");
    for outcome in &outcomes {
        assert_eq!((&outcome["calls"], outcome["undo"].is_null()), (&json!([]), true), "{outcome}");
        assert_eq!(outcome["reason"], "the check passes now");
    }
    assert_eq!(write_names(&proxy), [""; 0]);
}
