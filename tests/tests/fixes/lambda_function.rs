//! Functions.

use serde_json::json;
use tests::fix::{FIX, Fix, call, goes_there_and_back, without_sid};
use tests::ground::{reserve, reserved};
use tests::stage::{Stage, resources, text};
use tests::task::{disabled_and_back, killed, refused, task};
use tests::{Emulator, Proxy};

#[test]
fn lambda_remove_permissions() {
    goes_there_and_back(&Fix {
        kind: "lambda_function",
        what: "one of two statements lets in anyone",
        check: "lambda_function_public",
        calls: |function| {
            call("lambda:RemovePermission", &json!({"FunctionName": function["id"], "StatementId": "Public"}))
        },
        change: |config| without_sid(&mut config["Policy"]["Statement"], "Public"),
        ..FIX
    });
    goes_there_and_back(&Fix {
        kind: "lambda_function",
        what: "lets in a foreign account",
        check: "lambda_function_outsiders",
        calls: |function| {
            call("lambda:RemovePermission", &json!({"FunctionName": function["id"], "StatementId": "Outsider"}))
        },
        change: |config| without_sid(&mut config["Policy"]["Statement"], "Outsider"),
        ..FIX
    });
}

#[test]
fn disable() {
    let stage = Stage::of("lambda_function");
    let function = stage.poll_all().kind("resource").remove(0);
    let name = text(&function["id"]);
    let parameters = json!({"FunctionName": name, "ReservedConcurrentExecutions": 0});
    for before in [None, Some(5)] {
        reserve(&stage.account, &name, before);
        let is_zero = || assert_eq!(reserved(&stage.account, &name), 0);
        disabled_and_back(&stage, &function, &call("lambda:PutFunctionConcurrency", &parameters), |_| (), is_zero);
        assert_eq!(reserved(&stage.account, &name), json!(before));
    }
    // A function that is only looked at and not disabled takes no call more, and one whose reservation is not known is let be.
    let proxy = Proxy::new(Emulator::shared()).deny("lambda:GetFunctionConcurrency");
    let seen = stage.through(&proxy);
    assert_eq!(resources(&seen.poll_all()), resources(&stage.poll_all()), "polling asks for none of this");
    refused(&seen, &task(&function, &json!("disable")), "Concurrency");
    assert_eq!(proxy.count("lambda:PutFunctionConcurrency"), 0);
}

#[test]
fn kill() {
    let stage = Stage::of("lambda_function");
    let function = stage.poll_all().kind("resource").remove(0);
    killed(&stage, &function, &json!("kill"), &call("lambda:DeleteFunction", &json!({"FunctionName": function["id"]})));
}
