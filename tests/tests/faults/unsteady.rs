//! AWS under load, listings that break off, and resources that vanish while they are looked at.

use serde_json::{Value, json};
use tests::http::{Request, Response};
use tests::{Account, Emulator, Proxy, Verdict, on};

use crate::{
    failing, is_write, misconfigure, poll, public_queues, put_queue, run, sqs, statuses, text, then, timeless,
};

#[test]
fn throttling_leaves_no_trace_when_the_tools_slow_down_either() {
    const KINDS: &str = "ec2,iam_user,sqs";
    let account = Account::new();
    misconfigure(&account, KINDS);
    let mut proxy = Proxy::new(Emulator::shared());
    let seen = account.through(&proxy);
    let calm = run(poll(&seen, KINDS)).exits(0).records();
    proxy.reset();
    proxy = proxy.throttle(on("*").every(3));
    let throttled = run(poll(&seen, KINDS)).exits(0);
    assert_eq!(timeless(throttled.records()), timeless(calm));
    assert_eq!(throttled.stderr, "");
    assert!(proxy.calls().len() > 6);
}

#[test]
fn throttled_fixes_are_made_once() {
    let account = Account::new();
    public_queues(&account, 4);
    let findings = failing(&account, "sqs");
    let proxy = Proxy::new(Emulator::shared()).throttle(on("sqs:SetQueueAttributes").every(2));
    let applied = run(crate::apply(&account.through(&proxy), &findings)).exits(0);
    assert_eq!(statuses(&applied), [("applied".to_owned(), 4)], "{applied}");
    for outcome in applied.kind("outcome") {
        assert!(outcome["reason"].is_null() && outcome["calls"][0]["ok"] == true, "{outcome}");
    }
    let sent = proxy.calls().iter().filter(|call| is_write(call)).count();
    assert!((6..=8).contains(&sent), "each that was throttled is made again, and no other: {sent}");
}

#[test]
fn what_was_listed_before_a_page_failed_is_written() {
    let account = Account::new();
    let urls = public_queues(&account, 3);
    let first_page = json!({"QueueUrls": urls[..2], "NextToken": "more"}).to_string();
    let proxy = Proxy::new(Emulator::shared())
        .answer(
            on("sqs:ListQueues").region("us-east-1").first(1),
            Response::new(200, first_page).with("Content-Type", "application/x-amz-json-1.0"),
        )
        .deny(on("sqs:ListQueues").about("NextToken"));
    let polled = run(poll(&account.through(&proxy), "sqs")).exits(3).says("sqs:ListQueues");
    assert_eq!(polled.kind("resource").len(), 2, "{polled}");
    let scope = polled.one(&json!({"kind": "scope", "region": "us-east-1"}));
    assert_eq!((&scope["status"], &scope["resources"]), (&json!("failed"), &json!(2)), "{scope}");
    assert_eq!(polled.one(&json!({"kind": "scope", "region": "eu-west-1"}))["status"], "ok");
    let audited = run(then(&polled, "audit")).exits(3).says("not looked at");
    assert_eq!(audited.matching(&json!({"check": "sqs_public", "status": "fail"})).len(), 2, "{audited}");
}

#[test]
fn buckets_that_were_listed_before_a_page_failed_are_written() {
    let account = Account::new();
    let name = format!("page-{}", account.id());
    assert_eq!(account.call("s3", Request::new("PUT", &format!("/{name}"))).unwrap().status, 200);
    let page = format!(
        "<ListAllMyBucketsResult><Buckets><Bucket><Name>{name}</Name></Bucket></Buckets>\
         <ContinuationToken>more</ContinuationToken></ListAllMyBucketsResult>"
    );
    let proxy = Proxy::new(Emulator::shared()).answer(on("s3:ListBuckets").first(1), Response::new(200, page)).fail(
        on("s3:ListBuckets").about("continuation-token"),
        403,
        "AccessDenied",
        "Access Denied",
    );
    let polled = run(poll(&account.through(&proxy), "s3_bucket")).exits(3).says("s3:ListBuckets");
    assert_eq!(polled.one(&json!({"kind": "resource"}))["id"], name);
    assert_eq!(polled.matching(&json!({"kind": "scope", "status": "failed"})).len(), 2, "{polled}");
}

#[test]
fn a_bucket_that_vanishes_between_list_and_look_is_left_out() {
    const CALLS: [&str; 6] = [
        "s3:GetBucketLocation",
        "s3:GetBucketAcl",
        "s3:GetBucketPolicy",
        "s3:GetPublicAccessBlock",
        "s3:GetBucketEncryption",
        "s3:GetBucketTagging",
    ];
    let account = Account::new();
    let names = ["stays", "goes"].map(|name| format!("{name}-{}", account.id()));
    for name in &names {
        assert_eq!(account.call("s3", Request::new("PUT", &format!("/{name}"))).unwrap().status, 200);
    }
    let mut proxy = Proxy::new(Emulator::shared());
    let seen = account.through(&proxy);
    for call in CALLS {
        proxy.reset();
        proxy = proxy.fail(on(call).about("goes-"), 404, "NoSuchBucket", "The specified bucket does not exist");
        let polled = run(poll(&seen, "s3_bucket")).exits(0);
        assert_eq!(polled.one(&json!({"kind": "resource"}))["id"], names[0], "{call}: {polled}");
        assert_eq!(polled.stderr, "", "{call}");
        let scope = polled.one(&json!({"kind": "scope", "region": "us-east-1"}));
        assert_eq!((&scope["status"], &scope["resources"]), (&json!("ok"), &json!(1)), "{call}: {scope}");
    }

    // The same with a bucket that does vanish.
    let (behind, goes) = (account.clone(), format!("/{}", names[1]));
    proxy.reset();
    proxy = proxy.rule(on("s3:GetBucketLocation").about("goes-"), move |_| {
        assert_eq!(behind.call("s3", Request::new("DELETE", &goes)).unwrap().status, 204);
        Verdict::Pass
    });
    let polled = run(poll(&seen, "s3_bucket")).exits(0);
    assert_eq!(polled.one(&json!({"kind": "resource"}))["id"], names[0], "{polled}");
    assert_eq!(proxy.count(on("s3:GetBucketLocation").about("goes-")), 1);
}

#[test]
fn a_queue_that_vanishes_between_list_and_look_is_left_out() {
    for call in ["sqs:GetQueueAttributes", "sqs:ListQueueTags"] {
        let account = Account::new();
        let urls = public_queues(&account, 2);
        let (behind, url) = (account.clone(), urls[1].clone());
        let proxy = Proxy::new(Emulator::shared()).rule(on(call).about("/q-01\""), move |_| {
            sqs(&behind, "DeleteQueue", &json!({"QueueUrl": url}));
            Verdict::Pass
        });
        let polled = run(poll(&account.through(&proxy), "sqs")).exits(0);
        let found = polled.one(&json!({"kind": "resource"}));
        assert!(text(&found["id"]).ends_with("/q-00"), "{call}: {polled}");
        assert_eq!(polled.stderr, "", "{call}");
        assert_eq!(polled.one(&json!({"kind": "scope", "region": "us-east-1"}))["resources"], 1, "{call}");
        assert_eq!(proxy.count(on(call).about("/q-01\"")), 1, "{call}");
    }
}

#[test]
fn a_user_who_vanishes_between_list_and_look_is_left_out() {
    let account = Account::new();
    misconfigure(&account, "iam_user");
    let no_such = "The user with name sluice-test-key cannot be found.";
    let proxy = Proxy::new(Emulator::shared()).fail(
        on("iam:ListAccessKeys").about("sluice-test-key"),
        404,
        "NoSuchEntity",
        no_such,
    );
    let polled = run(poll(&account.through(&proxy), "iam_user")).exits(0);
    assert_eq!(polled.kind("resource").len(), 3, "{polled}");
    assert!(!polled.text().contains("user/sluice-test/sluice-test-key"), "{polled}");
    assert_eq!(polled.one(&json!({"kind": "scope"}))["resources"], 3, "{polled}");
}

#[test]
fn a_resource_that_vanishes_under_the_fix_is_not_applied() {
    let account = Account::new();
    let urls = public_queues(&account, 1);
    let audited = run(then(&run(poll(&account, "sqs")).exits(0), "audit")).exits(0);
    let (behind, url) = (account.clone(), urls[0].clone());
    let proxy = Proxy::new(Emulator::shared()).rule(on("sqs:SetQueueAttributes").first(1), move |_| {
        sqs(&behind, "DeleteQueue", &json!({"QueueUrl": url}));
        Verdict::Pass
    });
    let findings: Vec<Value> = audited.kind("finding");
    let applied = run(crate::apply(&account.through(&proxy), &findings));
    assert_eq!(statuses(&applied), [("failed".to_owned(), 1)], "{applied}");
    assert_eq!(applied.code(), 1, "{applied}");
    assert_eq!(proxy.count("sqs:SetQueueAttributes"), 1);
    // Made anew by somebody else: another queue, which nobody judged yet.
    put_queue(&account, "q-00", &[]);
    let again = run(crate::apply(&account, &findings)).exits(0);
    assert_eq!(statuses(&again), [("already".to_owned(), 1)], "{again}");
}
