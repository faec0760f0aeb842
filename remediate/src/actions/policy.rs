//! What the actions on policies share: statements go out and come in, the rest stays to the letter.

use serde_json::{Map, Value, json};

/// A policy as the text that AWS takes.
pub(super) fn text(policy: &Value) -> String {
    policy.to_string()
}

/// The statements of a policy, which may be a list or a single one.
pub(super) fn statements(policy: &Value) -> Vec<Value> {
    match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.clone(),
        Some(statement) => vec![statement.clone()],
        None => Vec::new(),
    }
}

/// The policy with other statements; `None` where none are left, since AWS takes no empty policy.
fn with_statements(policy: &Value, statements: Vec<Value>) -> Option<Value> {
    if statements.is_empty() {
        return None;
    }
    let mut policy = policy.clone();
    policy["Statement"] = Value::Array(statements);
    Some(policy)
}

/// The policy without these statements, each meant to the letter; `None` where no statement is left. The same policy
/// where none of them is there.
pub(super) fn without(policy: &Value, unwanted: &[Value]) -> Option<Value> {
    let present = statements(policy);
    let kept: Vec<Value> = present.iter().filter(|statement| !unwanted.contains(statement)).cloned().collect();
    if kept.len() == present.len() { Some(policy.clone()) } else { with_statements(policy, kept) }
}

/// The policy with one statement more, under a `Sid` that no other has.
pub(super) fn with(policy: Option<&Value>, sid: &str, statement: Map<String, Value>) -> Value {
    let Some(policy) = policy else {
        return json!({"Version": "2012-10-17", "Statement": [named(sid.to_owned(), statement)]});
    };
    let mut present = statements(policy);
    let taken = |sid: &str| present.iter().any(|statement| statement["Sid"] == sid);
    let mut free = sid.to_owned();
    let mut next = 2;
    while taken(&free) {
        free = format!("{sid}{next}");
        next += 1;
    }
    present.push(named(free, statement));
    with_statements(policy, present).unwrap_or_default()
}

fn named(sid: String, statement: Map<String, Value>) -> Value {
    let mut named = Map::new();
    named.insert("Sid".to_owned(), Value::String(sid));
    named.extend(statement);
    Value::Object(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(action: &str) -> Value {
        json!({"Effect": "Allow", "Principal": "*", "Action": action, "Resource": "*"})
    }

    #[test]
    fn only_the_named_statements_go() {
        let policy = json!({"Version": "2012-10-17", "Id": "keep", "Statement": [statement("a"), statement("b"), statement("a")]});
        let left = without(&policy, &[statement("a")]).unwrap();
        assert_eq!(left, json!({"Version": "2012-10-17", "Id": "keep", "Statement": [statement("b")]}));
        assert_eq!(without(&policy, &[statement("c")]), Some(policy.clone()));
        assert_eq!(without(&policy, &[statement("a"), statement("b")]), None);
        let single = json!({"Statement": statement("a")});
        assert_eq!(without(&single, &[statement("a")]), None);
        assert_eq!(without(&single, &[statement("b")]), Some(single.clone()), "left as it was, to the letter");
    }

    #[test]
    fn a_statement_is_added_under_a_name_of_its_own() {
        let Value::Object(deny) = json!({"Effect": "Deny"}) else { unreachable!() };
        let first = with(None, "DenyX", deny.clone());
        assert_eq!(first["Statement"], json!([{"Sid": "DenyX", "Effect": "Deny"}]));
        let second = with(Some(&first), "DenyX", deny.clone());
        assert_eq!(second["Statement"][1]["Sid"], "DenyX2");
        let single = json!({"Version": "2008-10-17", "Statement": statement("a")});
        let merged = with(Some(&single), "DenyX", deny);
        assert_eq!(merged["Statement"][0], statement("a"));
        assert_eq!(merged["Version"], "2008-10-17");
    }
}
