//! Functions.

use serde_json::json;
use tests::fix::{FIX, Fix, call, goes_there_and_back, without_sid};

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
