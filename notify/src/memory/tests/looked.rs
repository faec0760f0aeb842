//! What shows that something is no longer so, and what does not.

use super::*;

/// Whether a finding of a part of a bucket, which was said, is over after these records.
fn is_over(records: &[Value]) -> bool {
    let mut world = World::default();
    let part = with(finding("fail", "a"), "key", format!("{CHECK}:arn:aws:s3:::a:grantee"));
    assert_eq!(world.run(start(), &[part]).len(), 1);
    world.run(start(), records).iter().any(|said| said == "resolved grantee")
}

fn key(record: Value, key: &str) -> Value {
    with(record, "key", format!("{CHECK}:arn:aws:s3:::{key}"))
}

#[test]
fn resolved_is_never_a_guess() {
    let part = |status: &str| key(finding(status, "a"), "a:grantee");
    let unsettled = json!({
        "kind": "unsettled", "account": ACCOUNT, "region": "eu-west-1", "type": "s3_bucket", "id": "a", "arn": "arn:aws:s3:::a",
    });
    for (name, records, expected) in [
        ("all looked at", vec![scope("ok", 0)], true),
        ("nothing", vec![], false),
        ("it is there", vec![part("fail"), scope("ok", 1)], false),
        ("it cannot be judged", vec![part("unknown"), scope("ok", 1)], false),
        ("the whole cannot be judged", vec![finding("unknown", "a"), scope("ok", 1)], false),
        ("another one cannot be judged", vec![finding("unknown", "b"), scope("ok", 1)], true),
        ("it is excepted", vec![part("excepted"), scope("ok", 1)], false),
        ("the whole passes", vec![finding("pass", "a")], true),
        ("another part passes, of another name", vec![key(finding("pass", "ab"), "ab")], false),
        ("it passed, and was found again", vec![finding("pass", "a"), part("fail")], false),
        ("it was put right", vec![key(outcome("resolved", "a"), "a:grantee")], true),
        ("it needs nothing done", vec![key(outcome("already", "a"), "a:grantee")], true),
        ("it failed after it was found in order", vec![key(outcome("already", "a"), "a:grantee"), part("fail")], false),
        ("it was found, and mended then", vec![part("fail"), key(outcome("already", "a"), "a:grantee")], true),
        ("the scope failed", vec![scope("failed", 0)], false),
        ("it failed once", vec![scope("ok", 0), scope("failed", 0)], false),
        ("nobody says what was made", vec![with(scope("ok", 0), "checks", json!([]))], false),
        ("another check", vec![with(scope("ok", 0), "checks", json!(["s3_bucket_public_policy"]))], false),
        ("another account", vec![with(scope("ok", 0), "account", "444455556666")], false),
        ("another region", vec![with(scope("ok", 0), "region", "eu-central-1")], false),
        ("another type", vec![with(scope("ok", 0), "type", "sqs")], false),
        ("AWS is at work on it", vec![unsettled, scope("ok", 0)], false),
        ("a line was lost", vec![scope("ok", 0), json!({})], false),
        ("a finding was lost on the way", vec![finding("fail", "b"), scope("ok", 2)], false),
        ("the outcomes are yet to come", vec![scope("ok", 1)], false),
        ("all findings became outcomes", vec![outcome("planned", "b"), outcome("applied", "c"), scope("ok", 2)], true),
        ("those of other checks do not count", vec![with(finding("fail", "b"), "check", "x"), scope("ok", 1)], false),
        ("one twice is one", vec![finding("fail", "b"), finding("fail", "b"), scope("ok", 2)], false),
        // It may be where nobody has looked: a bucket's ARN says nothing of its region.
        ("a region was not looked at", vec![scope("ok", 0), with(scope("failed", 0), "region", "eu-central-1")], false),
        ("another type was not looked at", vec![scope("ok", 0), with(scope("failed", 0), "type", "sqs")], true),
    ] {
        assert_eq!(is_over(&records), expected, "{name}");
    }
}

#[test]
fn what_has_its_region_in_its_arn_cannot_be_elsewhere() {
    let arn = format!("arn:aws:sqs:eu-west-1:{ACCOUNT}:jobs");
    let queue = with(with(with(finding("fail", "jobs"), "key", format!("{CHECK}:{arn}")), "arn", arn), "type", "sqs");
    let scope = |status: &str, region: &str| with(with(scope(status, 0), "type", "sqs"), "region", region);
    let mut world = World::default();
    world.run(start(), &[queue]);
    assert_eq!(
        world.run(start(), &[scope("ok", "eu-west-1"), scope("failed", "eu-central-1")]),
        ["failed sqs", "resolved jobs"]
    );
}

#[test]
fn what_has_moved_is_looked_for_where_it_is() {
    let mut world = World::default();
    world.run(start(), &[finding("fail", "a")]);
    let moved = with(finding("fail", "a"), "region", "eu-central-1");
    assert_eq!(world.run(start(), &[moved, scope("ok", 0)]), [""; 0]);
    assert_eq!(world.run(start(), &[scope("ok", 0)]), [""; 0]);
    assert_eq!(world.run(start(), &[with(scope("ok", 0), "region", "eu-central-1")]), ["resolved a"]);
}

#[test]
fn a_task_has_no_check_that_would_find_it_again() {
    let mut world = World::default();
    let task = |status: &str| with(with(outcome(status, "a"), "check", Value::Null), "key", "task:stop:a");
    assert_eq!(world.run(start(), &[task("failed")]), ["failed a"]);
    assert_eq!(world.run(start(), &[scope("ok", 0)]), [""; 0]);
    assert_eq!(world.run(start(), &[task("already")]), ["resolved a"]);
}

#[test]
fn an_account_within_its_limits_has_nothing_to_be_halted() {
    let mut world = World::default();
    let instance = with(with(finding("fail", "i-1"), "check", "ec2_runaway"), "key", "ec2_runaway:arn:i-1");
    let instance = with(instance, "type", "ec2");
    world.run(start(), &[instance]);
    let scope = |checks: Value| with(with(scope("ok", 0), "type", "ec2"), "checks", checks);
    assert_eq!(
        world.run(start(), &[scope(json!(["ec2_imdsv2", "ec2_runaway"]))]),
        [""; 0],
        "it depends on the account"
    );
    assert_eq!(world.run(start(), &[scope(json!(["account_runaway"])), json!({})]), [""; 0], "a line was lost");
    assert_eq!(world.run(start(), &[scope(json!(["account_runaway"]))]), ["resolved i-1"]);
}
