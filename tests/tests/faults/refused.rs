//! Writes that are denied, and a resource that cannot be looked at among others that can.

use serde_json::{Value, json};
use tests::{Account, Emulator, Proxy, on};

use crate::{apply, failing, misconfigure, poll, run, text, then, writes};

const TYPES: &str = "s3_bucket,ec2,security_group,iam_user,sqs";

/// The instances that run and on which nothing is to be mended.
fn running(account: &Account) -> Vec<Value> {
    let polled = run(poll(account, "ec2")).exits(0);
    let (state, options) = (json!({"Name": "running"}), json!({"HttpTokens": "required"}));
    let config = json!({"State": state, "MetadataOptions": options, "PublicIpAddress": null});
    polled.matching(&json!({"type": "ec2", "config": config}))
}

/// An instance that runs, as a task to stop it: one on which nothing else is done before, after which a stop that another
/// job was to make would be `changed`.
fn stop_one(account: &Account) -> Value {
    let running = running(account).remove(0);
    json!({
        "kind": "task", "account": account.id(), "region": running["region"], "type": "ec2", "id": running["id"],
        "action": "stop",
    })
}

#[test]
fn an_action_that_is_denied_fails_and_the_others_are_done() {
    const DENIED: [(&str, &str); 5] = [
        ("s3:PutBucketAcl", "AccessDenied"),
        ("ec2:StopInstances", "UnauthorizedOperation"),
        ("ec2:RevokeSecurityGroupIngress", "UnauthorizedOperation"),
        ("iam:UpdateAccessKey", "AccessDenied"),
        ("sqs:SetQueueAttributes", "AccessDenied"),
    ];
    let account = Account::new();
    misconfigure(&account, TYPES);
    let mut input = failing(&account, TYPES);
    input.retain(|finding| !finding["action"].is_null());
    input.push(stop_one(&account));
    let mut proxy = Proxy::new(Emulator::shared());
    for (call, _) in DENIED {
        proxy = proxy.deny(call);
    }
    let applied = run(apply(&account.through(&proxy), &input)).exits(1);
    let outcomes = applied.kind("outcome");
    assert_eq!(outcomes.len(), input.len(), "one input, one outcome: {applied}");
    let mut seen = Vec::new();
    for outcome in &outcomes {
        // A finding may be mended by the fix of another on the same resource (a password that is gone).
        let Some(call) = outcome["calls"].as_array().unwrap().last() else {
            assert_eq!(outcome["status"], "already", "{outcome}");
            continue;
        };
        let operation = text(&call["operation"]);
        match DENIED.iter().find(|(denied, _)| *denied == operation) {
            Some((denied, code)) => {
                assert_eq!(outcome["status"], "failed", "{outcome}");
                assert!(outcome["undo"].is_null(), "nothing was done, so nothing is to be undone: {outcome}");
                let reason = text(&outcome["reason"]);
                assert!(reason.contains(operation) && reason.contains(code), "{outcome}");
                assert_eq!(call["ok"], false, "{outcome}");
                assert!(text(&call["error"]).contains(code), "{outcome}");
                seen.push(*denied);
            }
            None => {
                assert_eq!((text(&outcome["status"]), &call["ok"]), ("applied", &Value::Bool(true)), "{outcome}");
            }
        }
    }
    for (call, _) in DENIED {
        let failed = seen.iter().filter(|seen| **seen == call).count();
        assert!(failed > 0, "{call} was not even tried: {applied}");
        // Instances are stopped together; where that is denied, some of them alone may still be allowed.
        let together = usize::from(call == "ec2:StopInstances");
        assert_eq!(proxy.count(call), failed + together, "{call}: what is denied is not tried again");
    }
    // What was denied is still there, and nothing else is.
    let left = failing(&account, TYPES);
    let mut left: Vec<&str> = left.iter().filter(|it| !it["action"].is_null()).map(|it| text(&it["key"])).collect();
    // An ACL that was not mended is harmless where the other fix of its bucket ignores it.
    let open =
        |it: &&Value| it["status"] == "failed" && it["check"].is_string() && it["check"] != "s3_bucket_public_acl";
    let failed = outcomes.iter().filter(open);
    let mut failed: Vec<&str> = failed.map(|it| text(&it["key"])).collect();
    failed.sort_unstable();
    left.sort_unstable();
    assert_eq!(left, failed);
    let stopped = &input.last().unwrap()["id"];
    assert!(running(&account).iter().any(|instance| instance["id"] == *stopped), "the instance runs still");
}

#[test]
fn one_bucket_whose_policy_is_not_shown_is_left_alone_and_the_others_are_mended() {
    let account = Account::new();
    misconfigure(&account, "s3_bucket");
    let proxy = Proxy::new(Emulator::shared()).deny(on("s3:GetBucketPolicy").about("public-policy"));
    let seen = account.through(&proxy);
    let polled = run(poll(&seen, "s3_bucket")).exits(3).says("1 resource has parts that could not be read");
    let audited = run(then(&polled, "audit")).exits(3);
    let unknown = audited.matching(&json!({"status": "unknown"}));
    assert_eq!(unknown.len(), 3, "{audited}");
    let applied = run(then(&audited, "remediate").args(crate::APPLY)).exits(0);
    for outcome in applied.kind("outcome") {
        let hidden = text(&outcome["id"]).ends_with("public-policy");
        let expected = match text(&outcome["check"]) {
            "s3_bucket_required_tags" => "refused",
            "s3_bucket_public_policy" | "s3_bucket_policy_outsiders" | "s3_bucket_tls" if hidden => "refused",
            _ => "applied",
        };
        assert_eq!(outcome["status"], expected, "{outcome}");
    }
    assert!(writes(&proxy).contains(&"s3:PutBucketPolicy".to_owned()), "{applied}");
    assert_eq!(proxy.count(on("s3:PutBucketPolicy").about("-public-policy")), 0, "{applied}");
}
