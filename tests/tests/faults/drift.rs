//! What changes between the scan and the fix.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::{Account, Emulator, Proxy, on};

use crate::{apply, own, poll, public, public_queues, put_queue, run, sqs, statuses, text, then};

/// By the queue's name.
fn outcomes(ran: &tests::Ran) -> BTreeMap<String, Value> {
    let name = |outcome: &Value| text(&outcome["id"]).rsplit('/').next().unwrap().to_owned();
    ran.kind("outcome").into_iter().map(|outcome| (name(&outcome), outcome)).collect()
}

#[test]
fn what_changed_since_the_plan_is_left_alone_and_the_rest_of_99_is_mended() {
    let account = Account::new();
    public_queues(&account, 99);
    let proxy = Proxy::new(Emulator::shared()).deny(on("sqs:SetQueueAttributes").about("/q-40\""));
    let seen = account.through(&proxy);
    let audited = run(then(&run(poll(&seen, "sqs")).exits(0), "audit")).exits(0);
    let plan = run(then(&audited, "remediate").args(["--max-actions", "200", "--max-percent", "100"])).exits(0);
    assert_eq!(statuses(&plan), [("planned".to_owned(), 99)]);

    put_queue(&account, "q-10", &[own(&account)]);
    let gone = put_queue(&account, "q-20", &[]);
    sqs(&account, "DeleteQueue", &json!({"QueueUrl": gone}));
    put_queue(&account, "q-30", &[own(&account), public()]);

    let applied = run(then(&plan, "remediate").args(crate::APPLY)).exits(1);
    let expected = [("already", 2), ("applied", 95), ("changed", 1), ("failed", 1)];
    assert_eq!(statuses(&applied), expected.map(|(status, count)| (status.to_owned(), count)), "{applied}");
    let by_name = outcomes(&applied);
    for (name, status, reason) in [
        ("q-10", "already", "the check passes now"),
        ("q-20", "already", "no longer exists"),
        ("q-30", "changed", "not as it was when this was planned"),
        ("q-40", "failed", "AccessDenied"),
    ] {
        let outcome = &by_name[name];
        assert_eq!(outcome["status"], status, "{outcome}");
        assert!(text(&outcome["reason"]).contains(reason), "{outcome}");
        assert!(outcome["undo"].is_null(), "{outcome}");
    }
    assert!(applied.matching(&json!({"status": "applied"})).iter().all(|outcome| !outcome["undo"].is_null()));
    for (name, writes) in [("q-10", 0), ("q-20", 0), ("q-30", 0), ("q-40", 1), ("q-50", 1)] {
        assert_eq!(proxy.count(on("sqs:SetQueueAttributes").about(&format!("/{name}\""))), writes, "{name}");
    }

    // The findings themselves, once more: the one that changed is mended by the smallest change, which keeps what came.
    proxy.reset();
    let again = run(apply(&seen, &audited.kind("finding"))).exits(0);
    let expected = [("already", 97), ("applied", 2)];
    assert_eq!(statuses(&again), expected.map(|(status, count)| (status.to_owned(), count)), "{again}");
    assert_eq!(proxy.count("sqs:SetQueueAttributes"), 2);
    let polled = run(poll(&seen, "sqs")).exits(0);
    let changed = polled.kind("resource").into_iter().find(|it| text(&it["id"]).ends_with("/q-30")).unwrap();
    assert_eq!(changed["config"]["Policy"]["Statement"], json!([own(&account)]));
    assert_eq!(polled.kind("resource").len(), 98);
}

#[test]
fn what_changes_between_the_look_and_the_fix_is_seen() {
    let account = Account::new();
    let url = &public_queues(&account, 1)[0];
    let finding = crate::failing(&account, "sqs").remove(0);
    assert_eq!(text(&finding["id"]), url);
    // Mended by somebody else after the plan was made, and before it is confirmed.
    let behind = account.clone();
    let proxy = Proxy::new(Emulator::shared()).rule(on("sqs:GetQueueAttributes").after(1), move |_| {
        put_queue(&behind, "q-00", &[own(&behind)]);
        tests::Verdict::Pass
    });
    let applied = run(apply(&account.through(&proxy), &[finding])).exits(0);
    let outcome = applied.one(&json!({"kind": "outcome"}));
    assert_eq!((text(&outcome["status"]), text(&outcome["reason"])), ("already", "the check passes now"));
    assert_eq!(proxy.count("sqs:SetQueueAttributes"), 0, "{applied}");
}
