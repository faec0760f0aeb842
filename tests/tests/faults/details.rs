//! Calls for a part of a resource that are denied, each in turn.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{Account, Emulator, Proxy, Ran};

use crate::{apply, misconfigure, poll, run, statuses, text, then, timeless, writes};

/// A call that tells a part of a resource.
pub(crate) struct Detail {
    /// As the proxy knows it.
    pub(crate) call: &'static str,
    /// As the records name it.
    operation: &'static str,
    kind: &'static str,
    fields: &'static [&'static str],
    /// What cannot be judged without them.
    checks: &'static [&'static str],
    /// Which of the resources (a part of the id); "" for all.
    only: &'static str,
}

const BLOCKED: &[&str] = &["s3_bucket_public_acl", "s3_bucket_public_policy", "s3_bucket_public_access_block"];

const fn bucket(
    call: &'static str,
    operation: &'static str,
    fields: &'static [&'static str],
    checks: &'static [&'static str],
) -> Detail {
    Detail { call, operation, kind: "s3_bucket", fields, checks, only: "" }
}

pub(crate) const BUCKETS: &[Detail] = &[
    bucket(
        "s3:GetBucketPolicy",
        "s3:GetBucketPolicy",
        &["Policy"],
        &["s3_bucket_public_policy", "s3_bucket_policy_outsiders", "s3_bucket_tls"],
    ),
    bucket("s3:GetBucketAcl", "s3:GetBucketAcl", &["Owner", "Grants"], &["s3_bucket_public_acl"]),
    bucket("s3:GetPublicAccessBlock", "s3:GetPublicAccessBlock", &["PublicAccessBlockConfiguration"], BLOCKED),
    bucket(
        "s3control:GetPublicAccessBlock",
        "s3:GetAccountPublicAccessBlock",
        &["AccountPublicAccessBlockConfiguration"],
        BLOCKED,
    ),
    bucket(
        "s3:GetBucketEncryption",
        "s3:GetBucketEncryption",
        &["ServerSideEncryptionConfiguration"],
        &["s3_bucket_encryption"],
    ),
    bucket("s3:GetBucketTagging", "s3:GetBucketTagging", &["Tags"], &["s3_bucket_required_tags"]),
];

pub(crate) const QUEUES: &[Detail] = &[
    Detail {
        call: "sqs:GetQueueAttributes",
        operation: "sqs:GetQueueAttributes",
        kind: "sqs",
        fields: &[
            "Policy",
            "KmsMasterKeyId",
            "SqsManagedSseEnabled",
            "RedrivePolicy",
            "MessageRetentionPeriod",
            "VisibilityTimeout",
            "CreatedTimestamp",
        ],
        checks: &["sqs_public", "sqs_policy_outsiders"],
        only: "",
    },
    Detail {
        call: "sqs:ListQueueTags",
        operation: "sqs:ListQueueTags",
        kind: "sqs",
        fields: &["Tags"],
        checks: &[],
        only: "",
    },
];

const REPORTED: &[&str] = &["PasswordEnabled", "PasswordLastChanged", "PasswordLastUsed", "MfaActive", "AccessKeys"];
const USER_CHECKS: &[&str] = &["iam_user_mfa", "iam_user_password_unused", "iam_user_key_unused"];

pub(crate) const USERS: &[Detail] = &[
    // First: once there is a report, nobody asks for one.
    Detail {
        call: "iam:GenerateCredentialReport",
        operation: "iam:GenerateCredentialReport",
        kind: "iam_user",
        fields: REPORTED,
        checks: USER_CHECKS,
        only: "",
    },
    Detail {
        call: "iam:GetCredentialReport",
        operation: "iam:GetCredentialReport",
        kind: "iam_user",
        fields: REPORTED,
        checks: USER_CHECKS,
        only: "",
    },
    Detail {
        call: "iam:ListAccessKeys",
        operation: "iam:ListAccessKeys",
        kind: "iam_user",
        fields: &["AccessKeys"],
        checks: &["iam_user_key_unused"],
        // Of the others the report says that they have none.
        only: "key",
    },
];

#[test]
fn what_is_not_known_of_a_bucket_is_unknown_and_left_alone() {
    denied_details("s3_bucket", BUCKETS, |detail| {
        // Without tags nobody knows what is protected.
        if detail.call == "s3:GetBucketTagging" { Guard::RefusesAll } else { Guard::RefusesThese }
    });
}

#[test]
fn what_is_not_known_of_a_queue_is_unknown_and_left_alone() {
    denied_details("sqs", QUEUES, |detail| match detail.call {
        "sqs:ListQueueTags" => Guard::RefusesAll,
        // Nothing is left to look at.
        _ => Guard::Fails,
    });
}

#[test]
fn what_is_not_known_of_a_user_is_unknown() {
    denied_details("iam_user", USERS, |detail| match detail.call {
        "iam:ListAccessKeys" => Guard::RefusesThese,
        // A single user is looked at without the report.
        _ => Guard::Unconcerned,
    });
}

/// What `remediate` makes of the findings of a time when the call was allowed.
#[derive(PartialEq)]
enum Guard {
    RefusesThese,
    RefusesAll,
    Fails,
    Unconcerned,
}

fn denied_details(kind: &str, details: &[Detail], guard: impl Fn(&Detail) -> Guard) {
    let account = Account::new();
    misconfigure(&account, kind);
    let mut proxy = Proxy::new(Emulator::shared());
    let seen = account.through(&proxy);
    let mut denied = Vec::new();
    for detail in details {
        proxy.reset();
        proxy = proxy.deny(detail.call);
        let polled = run(poll(&seen, kind)).exits(3).says(detail.operation);
        assert_eq!(polled.stderr.lines().count(), 1, "one line for one cause: {polled}");
        denied.push(polled);
    }
    // After the denied ones: from here on there is a credential report.
    proxy.reset();
    let whole = run(then(&run(poll(&seen, kind)).exits(0), "audit").arg("--passed")).exits(0);
    for (detail, polled) in details.iter().zip(denied) {
        proxy.reset();
        proxy = proxy.deny(detail.call);
        unread_and_unknown(detail, &polled, &whole);
        left_alone(&seen, &proxy, detail, &guard(detail), &whole);
    }
}

/// Exactly what the call would have told is unread, and exactly what needs it is unknown.
fn unread_and_unknown(detail: &Detail, polled: &Ran, whole: &Ran) {
    assert!(polled.kind("scope").iter().all(|scope| scope["status"] == "ok"), "the list was complete: {polled}");
    let mut expected: BTreeSet<(String, String)> = BTreeSet::new();
    for resource in polled.kind("resource") {
        let concerned = text(&resource["id"]).contains(detail.only);
        let unread = resource["unread"].as_array().cloned().unwrap_or_default();
        let fields: Vec<&str> = unread.iter().map(|unread| text(&unread["field"])).collect();
        assert_eq!(fields, if concerned { detail.fields } else { &[] }, "{}: {resource}", detail.call);
        let told = |unread: &Value| unread["operation"] == detail.operation && unread["code"] == "AccessDenied";
        assert!(unread.iter().all(told), "{resource}");
        if concerned {
            expected.extend(detail.checks.iter().map(|check| ((*check).to_owned(), text(&resource["arn"]).to_owned())));
        }
    }

    // Where all that is asked can be answered, the answer is complete: `poll` has said what it could not read.
    let exit = if expected.is_empty() { 0 } else { 3 };
    let audited = run(then(polled, "audit").arg("--passed")).exits(exit);
    let place = |finding: &Value| (text(&finding["check"]).to_owned(), text(&finding["arn"]).to_owned());
    let findings = audited.kind("finding");
    let (unknown, known): (Vec<Value>, Vec<Value>) =
        findings.into_iter().partition(|finding| finding["status"] == "unknown");
    assert_eq!(unknown.iter().map(place).collect::<BTreeSet<_>>(), expected, "{}: {audited}", detail.call);
    assert_eq!(unknown.len(), expected.len(), "each of them once: {audited}");
    for finding in &unknown {
        assert!(text(&finding["reason"]).contains(detail.operation), "{finding}");
        assert!(finding["action"].is_null(), "{finding}");
    }
    let mut others = whole.kind("finding");
    others.retain(|finding| !expected.contains(&place(finding)));
    // Tags stand in each finding, and are not there to stand in it.
    let bare = |findings: Vec<Value>| {
        let mut findings = timeless(findings);
        if detail.fields.contains(&"Tags") {
            for finding in &mut findings {
                finding["tags"] = Value::Null;
            }
            findings.sort_by_cached_key(Value::to_string);
        }
        findings
    };
    assert_eq!(bare(known), bare(others), "{}: all else is judged as ever", detail.call);
}

/// `remediate` does not touch what it cannot look at, whether the finding says so itself or is of a better time.
fn left_alone(seen: &Account, proxy: &Proxy, detail: &Detail, guard: &Guard, whole: &Ran) {
    let unknown: Vec<Value> =
        run(then(&run(poll(seen, detail.kind)), "audit")).matching(&json!({"kind": "finding", "status": "unknown"}));
    let applied = run(apply(seen, &unknown));
    assert_eq!(applied.kind("outcome").len(), unknown.len(), "{applied}");
    assert!(applied.kind("outcome").iter().all(|outcome| outcome["status"] == "refused"), "{applied}");

    let mut older = whole.matching(&json!({"kind": "finding", "status": "fail"}));
    let (status, exit) = match guard {
        Guard::Unconcerned => return,
        Guard::Fails => ("failed", 1),
        Guard::RefusesThese | Guard::RefusesAll => ("refused", 1),
    };
    if *guard == Guard::RefusesThese {
        older.retain(|finding| detail.checks.contains(&text(&finding["check"])));
    }
    assert!(!older.is_empty(), "nothing failed that {} has to do with: {whole}", detail.call);
    // Without an action a person has to mend it anyway.
    older.retain(|finding| !finding["action"].is_null());
    if older.is_empty() {
        return;
    }
    let applied = run(apply(seen, &older)).exits(exit);
    assert_eq!(statuses(&applied), [(status.to_owned(), older.len())], "{}: {applied}", detail.call);
    for outcome in applied.kind("outcome") {
        assert!(outcome["undo"].is_null(), "{outcome}");
    }
    assert_eq!(writes(proxy), Vec::<String>::new(), "{}", detail.call);
}
