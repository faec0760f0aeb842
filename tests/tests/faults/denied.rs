//! Listings that are denied, each in turn.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{Account, Emulator, Proxy};

use crate::details::{BUCKETS, QUEUES, USERS};
use crate::{apply, failing, misconfigure, poll, run, statuses, text, then, timeless, writes};

const ALL_TYPES: &str = "s3_bucket,ec2,security_group,iam_user,sqs";

/// Without them, nothing of a type is seen: the call as the proxy knows it, and the type.
const LISTS: [(&str, &str); 6] = [
    ("s3:ListBuckets", "s3_bucket"),
    // The emulator's ListBuckets does not tell where a bucket is, and then nobody knows which region lacks one.
    ("s3:GetBucketLocation", "s3_bucket"),
    ("ec2:DescribeInstances", "ec2"),
    ("ec2:DescribeSecurityGroups", "security_group"),
    ("iam:GetAccountAuthorizationDetails", "iam_user"),
    ("sqs:ListQueues", "sqs"),
];

/// Calls whose denial other tests show.
const ELSEWHERE: [&str; 3] = ["ec2:DescribeAddresses", "ec2:DescribeRegions", "sts:GetCallerIdentity"];

#[test]
fn no_call_that_poll_makes_is_left_out_here() {
    let account = Account::new();
    misconfigure(&account, ALL_TYPES);
    let proxy = Proxy::new(Emulator::shared());
    let polled = run(poll(&account.through(&proxy), ALL_TYPES).arg("--stats")).exits(0);

    let details = [BUCKETS, QUEUES, USERS].into_iter().flatten().map(|detail| detail.call);
    let denied: BTreeSet<&str> = LISTS.iter().map(|(call, _)| *call).chain(details).chain(ELSEWHERE).collect();
    let counts = proxy.counts();
    let made: BTreeSet<&str> = counts.keys().map(String::as_str).collect();
    assert_eq!(made, denied, "a call that poll makes is not denied by any test, or one that is denied is never made");

    // And what --stats says is what came out of the machine.
    let stats: Value = serde_json::from_str(polled.stderr.lines().last().unwrap()).unwrap();
    let stats: Vec<(String, u64)> =
        stats.as_object().unwrap().iter().map(|(name, count)| (name.clone(), count.as_u64().unwrap())).collect();
    let mut seen: Vec<(String, u64)> = counts
        .into_iter()
        .map(|(name, count)| (name.replace("s3control:Get", "s3:GetAccount"), count as u64))
        .collect();
    seen.sort();
    assert_eq!(stats, seen);
}

#[test]
fn a_list_that_is_denied_is_no_clean_account() {
    let account = Account::new();
    misconfigure(&account, ALL_TYPES);
    let mut proxy = Proxy::new(Emulator::shared());
    let seen = account.through(&proxy);
    let whole = failing(&seen, ALL_TYPES);
    for (call, kind) in LISTS {
        proxy.reset();
        proxy = proxy.deny(call);
        let others: Vec<&str> = ALL_TYPES.split(',').filter(|other| *other != kind).collect();
        let polled = run(poll(&seen, ALL_TYPES)).exits(3).says(call);
        assert_eq!(polled.stderr.lines().count(), 1, "one line for one cause: {polled}");
        assert!(polled.matching(&json!({"kind": "resource", "type": kind})).is_empty(), "{call}: {polled}");
        let code = if call.starts_with("ec2") { "UnauthorizedOperation" } else { "AccessDenied" };
        for scope in polled.kind("scope") {
            if scope["type"] == kind {
                assert_eq!(scope["status"], "failed", "{call}: {scope}");
                assert_eq!((text(&scope["error"]["operation"]), text(&scope["error"]["code"])), (call, code));
            } else {
                assert_eq!(scope["status"], "ok", "{call}: {scope}");
            }
        }
        let scopes = polled.matching(&json!({"kind": "scope", "type": kind}));
        assert_eq!(scopes.len(), if kind == "iam_user" { 1 } else { 2 }, "{call}: {polled}");

        let audited = run(then(&polled, "audit")).exits(3).says("not looked at").says(call).says(kind);
        assert_eq!(audited.kind("scope").len(), polled.kind("scope").len());
        let found = audited.matching(&json!({"kind": "finding", "status": "fail"}));
        let expected = whole.iter().filter(|finding| others.contains(&text(&finding["type"])));
        assert_eq!(timeless(found), timeless(expected.cloned().collect()), "{call}: the other types are as ever");

        // Nor does anybody touch, on the word of an older audit, what cannot be looked at.
        let fixable = |finding: &&Value| finding["type"] == kind && !finding["action"].is_null();
        let older: Vec<Value> = whole.iter().filter(fixable).cloned().collect();
        if LOOKS_WITH.contains(&call) {
            let applied = run(apply(&seen, &older)).exits(1);
            assert_eq!(statuses(&applied), [("failed".to_owned(), older.len())], "{call}: {applied}");
            assert!(applied.kind("outcome").iter().all(|outcome| text(&outcome["reason"]).contains(call)), "{applied}");
            assert_eq!(writes(&proxy), Vec::<String>::new(), "{call}");
        }
    }
}

/// Those of the lists by which a single resource is looked at, too.
const LOOKS_WITH: [&str; 4] =
    ["s3:ListBuckets", "s3:GetBucketLocation", "ec2:DescribeInstances", "ec2:DescribeSecurityGroups"];

#[test]
fn without_the_list_of_regions_every_type_that_has_them_is_not_covered() {
    let account = Account::new();
    let proxy = Proxy::new(Emulator::shared()).deny("ec2:DescribeRegions");
    let polled = run(account.through(&proxy).tool("poll")).exits(3).says("ec2:DescribeRegions");
    for kind in ["s3_bucket", "ec2", "security_group", "sqs"] {
        let scope = polled.one(&json!({"kind": "scope", "type": kind}));
        assert_eq!((text(&scope["status"]), text(&scope["region"])), ("failed", "global"), "{scope}");
        assert_eq!(scope["error"]["code"], "UnauthorizedOperation", "{scope}");
    }
    let users = polled.one(&json!({"kind": "scope", "type": "iam_user"}));
    assert_eq!(users["status"], "ok", "{users}");
    let _ = run(then(&polled, "audit")).exits(3).says("not looked at").says("ec2:DescribeRegions");
}
