//! A plan is carried out exactly as it was reviewed, or not at all.

use serde_json::{Value, json};
use tests::http::Request;
use tests::{Emulator, Proxy, Ran};

use tests::stage::{
    Stage, input, open_to_all, operations, resources, sorted, statuses, text, undos, write_names, writes,
};

/// The plan for all that is wrong with the buckets, and the proxy through which everything goes.
fn plan(stage: &Stage) -> (Proxy, Stage, Vec<Value>) {
    let proxy = Proxy::new(Emulator::shared());
    let seen = stage.through(&proxy);
    let plan = stage.run(seen.remediate(stage.audit(seen.poll().stdout).stdout)).exits(0).kind("outcome");
    assert_eq!(write_names(&proxy), [""; 0]);
    proxy.reset();
    (proxy, seen, plan)
}

fn of<'a>(plan: &'a [Value], check: &str) -> Vec<&'a Value> {
    let found: Vec<&Value> = plan.iter().filter(|outcome| outcome["check"] == check).collect();
    assert!(!found.is_empty(), "{check} is not planned");
    found
}

fn outcomes(ran: &Ran) -> Vec<String> {
    statuses(&ran.kind("outcome"))
}

#[test]
fn exactly_the_lines_that_are_left_in_a_plan_are_done() {
    let stage = Stage::of("s3_bucket");
    let (proxy, seen, plan) = plan(&stage);
    let (dropped, kept): (Vec<&Value>, Vec<&Value>) = plan
        .iter()
        .partition(|outcome| ["s3_bucket_tls", "s3_bucket_encryption"].contains(&outcome["check"].as_str().unwrap()));
    assert_eq!((dropped.len(), kept.len() > 4), (2, true));

    let applied = stage.run(seen.apply(input(kept.iter().copied()))).exits(0);
    assert_eq!(outcomes(&applied), vec!["applied"; kept.len()], "{applied}");
    assert_eq!(write_names(&proxy), operations(kept.iter().copied()));
    for call in writes(&proxy) {
        let bucket = call.request.path().trim_matches('/').to_owned();
        let meant = kept.iter().any(|outcome| outcome["id"] == bucket && operations([*outcome]).contains(&call.name()));
        assert!(meant, "{call} on {bucket} is not in the plan");
    }
    let left = sorted(stage.findings().iter().map(|finding| text(&finding["key"])));
    assert_eq!(left, sorted(dropped.iter().map(|outcome| text(&outcome["key"]))));
}

#[test]
fn what_changed_since_is_left_alone_and_the_rest_is_done() {
    let stage = Stage::of("s3_bucket");
    let (proxy, seen, mut plan) = plan(&stage);
    // The public access block would mend that policy as well.
    let public = stage.arn("one of four statements");
    plan.retain(|outcome| outcome["arn"] != public || outcome["check"] == "s3_bucket_public_policy");
    // Somebody adds a statement to a policy that is to be mended, and mends another bucket by hand.
    let changed = of(&plan, "s3_bucket_public_policy")[0];
    let mended = of(&plan, "s3_bucket_encryption")[0];
    let mut policy = resources(&stage.poll())
        .iter()
        .find(|resource| resource["id"] == changed["id"])
        .map(|resource| resource["config"]["Policy"].clone())
        .unwrap();
    let mut another = policy["Statement"][0].clone();
    another["Sid"] = json!("Since");
    policy["Statement"].as_array_mut().unwrap().push(another);
    let id = text(&changed["id"]);
    stage.call("s3", Request::new("PUT", &format!("/{id}?policy")).body(policy.to_string()));
    let encrypted = "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>\
        <SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>";
    stage.call("s3", Request::new("PUT", &format!("/{}?encryption", text(&mended["id"]))).body(encrypted));

    // Somebody asked for each line by name: one that was not done is a "no".
    let applied = stage.run(seen.apply(input(&plan))).exits(1);
    for outcome in applied.kind("outcome") {
        let expected = match &outcome["key"] {
            key if *key == changed["key"] => "changed",
            key if *key == mended["key"] => "already",
            _ => "applied",
        };
        assert_eq!(outcome["status"], expected, "{outcome}");
        if expected == "changed" {
            assert!(text(&outcome["reason"]).contains("not as it was when this was planned"), "{outcome}");
            assert_eq!(outcome["undo"], Value::Null);
        }
    }
    let rest = plan.iter().filter(|outcome| outcome["key"] != changed["key"] && outcome["key"] != mended["key"]);
    assert_eq!(write_names(&proxy), operations(rest));
    let now = resources(&stage.poll());
    let now = now.iter().find(|resource| resource["id"] == changed["id"]).unwrap();
    assert_eq!(now["config"]["Policy"], policy, "not touched");
}

type Edit<'a> = Box<dyn Fn(&mut Value) + 'a>;

#[test]
fn a_plan_that_was_tampered_with_makes_no_call() {
    let stage = Stage::of("s3_bucket,security_group");
    let (proxy, seen, plan) = plan(&stage);
    let acl = of(&plan, "s3_bucket_public_acl")[0];
    let policy = of(&plan, "s3_bucket_public_policy")[0];
    let group = of(&plan, "security_group_open")[0];
    let good = stage.arn("good: private");
    let good_id = text(&good).replace("arn:aws:s3:::", "");

    let edits: Vec<(&str, &Value, Edit<'_>)> = vec![
        ("another bucket in the call", acl, Box::new(|it| it["calls"][0]["parameters"]["Bucket"] = json!(good_id))),
        ("another bucket", acl, Box::new(|it| it["id"] = json!(good_id))),
        (
            "another bucket, all over",
            acl,
            Box::new(|it| {
                it["id"] = json!(good_id);
                it["arn"] = good.clone();
                it["calls"][0]["parameters"]["Bucket"] = json!(good_id);
            }),
        ),
        (
            "another grant",
            acl,
            Box::new(|it| {
                it["calls"][0]["parameters"]["AccessControlPolicy"]["Grants"][0]["Permission"] = json!("READ");
            }),
        ),
        ("no grants", acl, Box::new(|it| it["calls"][0]["parameters"]["AccessControlPolicy"]["Grants"] = json!([]))),
        ("another operation", policy, Box::new(|it| it["calls"][0]["operation"] = json!("s3:DeleteBucketPolicy"))),
        (
            "another policy",
            policy,
            Box::new(|it| {
                it["calls"][0]["parameters"]["Policy"] = open_to_all("s3:*", "*");
            }),
        ),
        (
            "another call more",
            policy,
            Box::new(|it| {
                let call = it["calls"][0].clone();
                it["calls"].as_array_mut().unwrap().push(call);
            }),
        ),
        ("no call", policy, Box::new(|it| it["calls"] = json!([]))),
        ("other statements", policy, Box::new(|it| it["action"]["Statements"][0]["Sid"] = json!("KeepOwnAccount"))),
        ("another action", policy, Box::new(|it| it["action"] = json!("s3_deny_insecure_transport"))),
        (
            "another port",
            group,
            Box::new(|it| {
                it["calls"][0]["parameters"]["IpPermissions"][0]["FromPort"] = json!(0);
            }),
        ),
        ("another group", group, Box::new(|it| it["calls"][0]["parameters"]["GroupId"] = json!("sg-1"))),
        ("another account", group, Box::new(|it| it["account"] = json!("111122223333"))),
        ("another region", group, Box::new(|it| it["region"] = json!("eu-west-1"))),
    ];
    for (what, planned, edit) in edits {
        let mut tampered = planned.clone();
        edit(&mut tampered);
        assert_ne!(tampered, *planned, "{what}");
        let ran = stage.run(seen.apply(input([&tampered])));
        for outcome in ran.kind("outcome") {
            let status = text(&outcome["status"]);
            let expected = ["changed", "refused", "already", "failed"];
            assert!(expected.contains(&status.as_str()), "{what}: {status}\n{ran}");
        }
        assert_eq!(ran.kind("outcome").len(), 1, "{what}: one input, one outcome\n{ran}");
        assert_eq!(write_names(&proxy), [""; 0], "{what}\n{ran}");
    }
}

/// A bucket with three things wrong, all of them mended by a change of its policy.
fn entangled(stage: &Stage) -> String {
    let allow = |sid: &str, principal: Value| {
        json!({"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": "s3:GetObject",
               "Resource": "arn:aws:s3:::BUCKET/*"})
    };
    let statements = [
        allow("Public", json!("*")),
        allow("Own", json!({"AWS": stage.account.id()})),
        allow("Foreign", json!({"AWS": "111122223333"})),
    ];
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    stage.bucket("entangled", Some(&policy))
}

const ENTANGLED: [&str; 3] = ["s3_bucket_policy_outsiders", "s3_bucket_public_policy", "s3_bucket_tls"];

fn entangled_findings(stage: &Stage) -> Vec<Value> {
    let mut findings = stage.audit(stage.poll_all().stdout).kind("finding");
    findings.retain(|finding| ENTANGLED.contains(&finding["check"].as_str().unwrap()));
    findings.sort_by_key(|finding| text(&finding["check"]));
    findings
}

#[test]
fn changes_of_one_policy_go_through_together_and_back_in_any_order() {
    let stage = Stage::empty("s3_bucket");
    entangled(&stage);
    let before = resources(&stage.poll_all());
    let findings = entangled_findings(&stage);
    assert_eq!(findings.len(), 3, "{findings:?}");
    for reverse in [false, true] {
        let plan = stage.run(stage.remediate(input(&findings))).exits(0);
        assert_eq!(outcomes(&plan), ["planned"; 3], "{plan}");
        let mut planned = plan.records();
        if reverse {
            planned.reverse();
        }
        let applied = stage.run(stage.apply(input(&planned))).exits(0);
        assert_eq!(outcomes(&applied), ["applied"; 3], "{applied}");
        let sids: Vec<Value> = resources(&stage.poll_all())[0]["config"]["Policy"]["Statement"]
            .as_array()
            .unwrap()
            .iter()
            .map(|statement| statement["Sid"].clone())
            .collect();
        assert_eq!(sids, ["Own", "DenyInsecureTransport"]);
        assert_eq!(entangled_findings(&stage), [Value::Null; 0]);

        let mut undo = undos(&applied.records());
        assert_eq!(undo.len(), 3, "{applied}");
        if reverse {
            undo.reverse();
        }
        let undone = stage.run(stage.tool("remediate").arg("--apply").stdin(input(&undo))).exits(0);
        assert_eq!(outcomes(&undone), ["applied"; 3], "{undone}");
        assert_eq!(resources(&stage.poll_all()), before);
    }
}

#[test]
fn an_undo_does_not_wipe_out_what_was_done_since() {
    let stage = Stage::empty("s3_bucket");
    let bucket = entangled(&stage);
    let applied = stage.run(stage.apply(input(&entangled_findings(&stage)))).exits(0);
    let policy = open_to_all("s3:GetObject", &format!("arn:aws:s3:::{bucket}/since/*"));
    stage.call("s3", Request::new("PUT", &format!("/{bucket}?policy")).body(policy.to_string()));
    let since = resources(&stage.poll_all());

    let proxy = Proxy::new(Emulator::shared());
    let seen = stage.through(&proxy);
    let undo = undos(&applied.records());
    let ran = stage.run(seen.tool("remediate").arg("--apply").stdin(input(&undo))).exits(1);
    assert_eq!(outcomes(&ran), vec!["changed"; undo.len()], "{ran}");
    assert_eq!(write_names(&proxy), [""; 0]);
    assert_eq!(resources(&stage.poll_all()), since);
}
