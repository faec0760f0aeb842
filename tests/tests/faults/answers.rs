//! Writes whose answer is lost, and answers that promise what did not happen.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::http::Response;
use tests::{Account, Call, Emulator, Proxy, Verdict, on};

use crate::{apply, failing, is_write, misconfigure, poll, public_queues, run, statuses, text, timeless, writes};

const TYPES: &str = "s3_bucket,ec2,security_group,iam_user,sqs";

fn fixable(account: &Account, types: &str) -> Vec<Value> {
    let mut findings = failing(account, types);
    findings.retain(|finding| !finding["action"].is_null());
    findings
}

/// Each write, by what was asked: the same request twice is the same entry twice.
fn requests(proxy: &Proxy) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in proxy.calls().iter().filter(|call| is_write(call)) {
        let body = call.request.text();
        *counts.entry(format!("{call} {} {body}", call.request.target)).or_default() += 1;
    }
    counts
}

/// On how many resources these requests act: several instances are stopped by one.
fn covered(requests: &BTreeMap<String, usize>) -> usize {
    requests.iter().map(|(request, count)| request.matches("&InstanceId.").count().max(1) * count).sum()
}

#[test]
fn a_write_that_took_effect_though_its_answer_was_lost_is_applied_once() {
    let account = Account::new();
    misconfigure(&account, TYPES);
    let findings = fixable(&account, TYPES);
    let proxy =
        Proxy::new(Emulator::shared()).rule("*", |call| if is_write(call) { Verdict::CutAfter } else { Verdict::Pass });
    let applied = run(apply(&account.through(&proxy), &findings)).exits(0);
    let mut calls = 0;
    for outcome in applied.kind("outcome") {
        if outcome["status"] == "already" {
            continue;
        }
        assert_eq!(outcome["status"], "applied", "{outcome}");
        assert!(text(&outcome["reason"]).contains("the call took effect, though its answer was lost"), "{outcome}");
        let made = outcome["calls"].as_array().unwrap();
        assert!(made.iter().all(|call| text(&call["error"]).starts_with("ConnectionLost")), "{outcome}");
        calls += made.len();
    }
    let sent = requests(&proxy);
    assert_eq!(covered(&sent), calls, "as many as the outcomes say: {sent:#?}");
    assert!(sent.values().all(|count| *count == 1), "no write is made twice: {sent:#?}");
    let kinds: Vec<String> = writes(&proxy);
    for operation in [
        "s3:PutBucketAcl",
        "s3:PutBucketPolicy",
        "s3:PutPublicAccessBlock",
        "s3:PutBucketEncryption",
        "ec2:ModifyInstanceMetadataOptions",
        "ec2:RevokeSecurityGroupIngress",
        "iam:DeleteLoginProfile",
        "iam:UpdateAccessKey",
        "sqs:SetQueueAttributes",
    ] {
        assert!(kinds.iter().any(|made| made == operation), "{operation} was not tried: {kinds:?}");
    }
    assert_eq!(fixable(&account, TYPES), Vec::<Value>::new());
}

#[test]
fn a_write_that_never_arrived_is_not_applied_and_not_repeated() {
    // One of each, since each is looked at for eight seconds in the hope of an effect.
    const KINDS: &str = "ec2,iam_user,sqs";
    let account = Account::new();
    misconfigure(&account, KINDS);
    let before = run(poll(&account, KINDS)).exits(0).records();
    let mut findings = fixable(&account, KINDS);
    // A second one on the same user would wait for the first.
    findings.retain(|finding| finding["check"] != "iam_user_password_unused");
    let proxy = Proxy::new(Emulator::shared())
        .rule("*", |call| if is_write(call) { Verdict::CutBefore } else { Verdict::Pass });
    let applied = run(apply(&account.through(&proxy), &findings)).exits(1);
    assert_eq!(statuses(&applied), [("failed".to_owned(), findings.len())], "{applied}");
    for outcome in applied.kind("outcome") {
        assert!(text(&outcome["reason"]).contains("ConnectionLost"), "{outcome}");
        // Nobody knows for sure that it had no effect, and an undo does nothing where it had none.
        let irreversible = outcome["action"] == "iam_delete_login_profile";
        assert_eq!(outcome["undo"].is_null(), irreversible, "{outcome}");
    }
    let sent = requests(&proxy);
    assert_eq!(covered(&sent), findings.len(), "{sent:#?}");
    assert!(
        sent.values().all(|count| *count == 1),
        "nobody knows whether it arrived, so it is not sent again: {sent:#?}"
    );
    assert_eq!(timeless(run(poll(&account, KINDS)).exits(0).records()), timeless(before));
}

/// What each service says to a write that it made.
fn success(call: &Call) -> Response {
    let name = &call.operation;
    match call.service.as_str() {
        "sqs" => Response::new(200, "{}").with("Content-Type", "application/x-amz-json-1.0"),
        "ec2" => Response::new(200, format!("<{name}Response><return>true</return></{name}Response>")),
        "iam" => Response::new(200, format!("<{name}Response></{name}Response>")),
        _ => Response::new(200, ""),
    }
}

#[test]
fn a_write_without_effect_is_not_applied_whatever_the_answer_says() {
    const KINDS: &str = "ec2,iam_user,sqs";
    let account = Account::new();
    misconfigure(&account, KINDS);
    let mut findings = fixable(&account, KINDS);
    findings.retain(|finding| finding["check"] != "iam_user_password_unused");
    let proxy = Proxy::new(Emulator::shared())
        .rule("*", |call| if is_write(call) { Verdict::Answer(success(call)) } else { Verdict::Pass });
    let applied = run(apply(&account.through(&proxy), &findings)).exits(1);
    assert_eq!(statuses(&applied), [("failed".to_owned(), findings.len())], "{applied}");
    for outcome in applied.kind("outcome") {
        assert!(text(&outcome["reason"]).starts_with("the calls were made, but"), "{outcome}");
        assert_eq!(outcome["calls"][0]["ok"], true, "{outcome}");
        // Nobody knows for sure that it had no effect, and an undo does nothing where it had none.
        let irreversible = outcome["action"] == "iam_delete_login_profile";
        assert_eq!(outcome["undo"].is_null(), irreversible, "{outcome}");
    }
    assert_eq!(covered(&requests(&proxy)), findings.len());
}

#[test]
fn an_effect_that_shows_late_is_waited_for() {
    let account = Account::new();
    public_queues(&account, 1);
    let findings = fixable(&account, "sqs");
    // Two looks, to plan and to confirm, are past when the write comes; the next two still see what was before.
    let stale = {
        let url = text(&findings[0]["id"]);
        let answer = crate::sqs(&account, "GetQueueAttributes", &json!({"QueueUrl": url, "AttributeNames": ["All"]}));
        Response::new(200, answer.to_string()).with("Content-Type", "application/x-amz-json-1.0")
    };
    let proxy = Proxy::new(Emulator::shared()).answer(on("sqs:GetQueueAttributes").first(4), stale);
    let applied = run(apply(&account.through(&proxy), &findings)).exits(0);
    let outcome = applied.one(&json!({"kind": "outcome"}));
    assert_eq!((&outcome["status"], &outcome["reason"]), (&json!("applied"), &Value::Null), "{outcome}");
    assert!(!outcome["undo"].is_null(), "{outcome}");
    assert_eq!((proxy.count("sqs:GetQueueAttributes"), proxy.count("sqs:SetQueueAttributes")), (5, 1));
}

#[test]
fn a_task_is_done_once_too() {
    let account = Account::new();
    misconfigure(&account, "ec2");
    let polled = run(poll(&account, "ec2")).exits(0);
    let running = polled.matching(&json!({"type": "ec2", "config": {"State": {"Name": "running"}}})).remove(0);
    let task = json!({
        "kind": "task", "account": account.id(), "region": running["region"], "type": "ec2", "id": running["id"],
        "action": "stop",
    });
    let proxy = Proxy::new(Emulator::shared()).cut_after("ec2:StopInstances");
    let applied = run(apply(&account.through(&proxy), &[task])).exits(0);
    let outcome = applied.one(&json!({"kind": "outcome"}));
    assert_eq!(outcome["status"], "applied", "{outcome}");
    assert!(text(&outcome["reason"]).contains("answer was lost"), "{outcome}");
    assert_eq!(proxy.count("ec2:StopInstances"), 1);
}
