//! A mistake, and the way there and back: found, planned, mended, seen to be mended, undone, as before.

use serde_json::{Value, json};

use crate::stage::{Stage, input, resources, sorted, statuses, text, undos, write_names};
use crate::{Emulator, Proxy};

/// One mistake and its fix.
#[derive(Clone, Copy, Debug)]
pub struct Fix {
    /// The resource's type.
    pub kind: &'static str,
    /// What was made: a part of its `what`.
    pub what: &'static str,
    /// The check that finds it.
    pub check: &'static str,
    /// Settings without which it is no mistake.
    pub settings: &'static str,
    /// The exact calls, given the resource's record.
    pub calls: fn(&Value) -> Vec<Value>,
    /// What they make of its configuration; all else stays.
    pub change: fn(&mut Value),
    /// What undone cannot be again, AWS being what it is.
    pub lost: &'static [&'static str],
}

/// A bucket's, with nothing said yet.
pub const FIX: Fix =
    Fix { kind: "s3_bucket", what: "", check: "", settings: "", calls: |_| Vec::new(), change: |_| (), lost: &[] };

/// Find -> plan -> apply -> not found -> undo -> as before, with everything else left alone.
pub fn goes_there_and_back(fix: &Fix) {
    let stage = Stage::of(fix.kind);
    if !fix.settings.is_empty() {
        stage.set(fix.settings);
    }
    let arn = stage.arn(fix.what);
    let polled = stage.poll();
    let before = resources(&polled);
    let resource = before.iter().find(|resource| resource["arn"] == arn).unwrap();
    let audited = stage.audit(polled.stdout);
    let findings = audited.matching(&json!({"kind": "finding", "arn": arn, "check": fix.check}));
    assert!(!findings.is_empty(), "{audited}");

    let proxy = Proxy::new(Emulator::shared());
    let plan = stage.run(stage.through(&proxy).remediate(input(&findings))).exits(0);
    let calls = |outcomes: &[Value]| -> Vec<Value> {
        outcomes.iter().flat_map(|outcome| outcome["calls"].as_array().unwrap().clone()).collect()
    };
    let planned = plan.records();
    assert_eq!(statuses(&planned), vec!["planned"; findings.len()], "{plan}");
    assert_eq!(calls(&planned), (fix.calls)(resource), "{plan}");
    assert_eq!(write_names(&proxy), [""; 0], "a plan changes nothing");
    assert_eq!(resources(&stage.poll()), before, "a plan changes nothing");

    let applied = stage.run(stage.apply(plan.stdout.clone())).exits(0);
    let outcomes = applied.records();
    assert_eq!(statuses(&outcomes), vec!["applied"; findings.len()], "{applied}");
    let mut made = calls(&outcomes);
    for call in &mut made {
        let call = call.as_object_mut().unwrap();
        assert_eq!(call.remove("ok"), Some(json!(true)), "{applied}");
        assert!(call.remove("request_id").is_some_and(|id| id.is_string()), "{applied}");
    }
    assert_eq!(made, calls(&planned), "what was planned was done");
    for (outcome, finding) in outcomes.iter().zip(&findings) {
        for field in ["key", "check", "arn", "id", "type", "account", "region", "severity", "title", "action", "tags"] {
            assert_eq!(outcome[field], finding[field], "{field}");
        }
        assert_eq!((outcome["reason"].is_null(), outcome["undo"]["kind"].as_str()), (true, Some("task")), "{outcome}");
    }

    // The smallest change: the rest of the resource, and all others, are as they were.
    let mut expected = before.clone();
    let changed = expected.iter_mut().find(|resource| resource["arn"] == arn).unwrap();
    (fix.change)(&mut changed["config"]);
    let polled = stage.poll();
    assert_eq!(resources(&polled), expected);
    let audited = stage.audit(polled.stdout);
    assert!(audited.matching(&json!({"kind": "finding", "arn": arn, "check": fix.check})).is_empty(), "{audited}");

    let undone = stage.run(stage.tool("remediate").arg("--apply").stdin(input(&undos(&outcomes)))).exits(0);
    assert_eq!(statuses(&undone.records()), vec!["applied"; findings.len()], "{undone}");
    let polled = stage.poll();
    let forget = |mut resources: Vec<Value>| {
        let resource = resources.iter_mut().find(|resource| resource["arn"] == arn).unwrap();
        for field in fix.lost {
            resource["config"].as_object_mut().unwrap().remove(*field);
        }
        resources
    };
    assert_eq!(forget(resources(&polled)), forget(before), "undone, it is as it was");
    let again = stage.audit(polled.stdout).matching(&json!({"kind": "finding", "arn": arn, "check": fix.check}));
    let keys = |findings: &[Value]| sorted(findings.iter().map(|finding| text(&finding["key"])));
    assert_eq!(keys(&again), keys(&findings), "and found again under the same keys");

    let twice = stage.run(stage.tool("remediate").arg("--apply").stdin(input(&undos(&outcomes)))).exits(0);
    assert_eq!(statuses(&twice.records()), vec!["already"; findings.len()], "{twice}");
}

/// One call, as a record shows it.
pub fn call(operation: &str, parameters: &Value) -> Vec<Value> {
    vec![json!({"operation": operation, "parameters": parameters})]
}

/// Takes the statement with that `Sid` out of a list that has others.
pub fn without_sid(statements: &mut Value, sid: &str) {
    let statements = statements.as_array_mut().unwrap();
    let before = statements.len();
    statements.retain(|statement| statement["Sid"] != sid);
    assert_eq!((statements.len(), !statements.is_empty()), (before - 1, true), "one goes, others stay");
}
