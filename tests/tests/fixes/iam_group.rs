//! Groups.

use serde_json::{Value, json};
use tests::iam::{self, Iam, loaded, state};
use tests::stage::Stage;
use tests::task::{goes_on_where_it_was_cut_off, is_killed, operations, task, there_and_back};

/// A group with two users, and another user outside.
fn stage() -> (Stage, Vec<Value>) {
    let (stage, _) = iam::stage();
    for name in ["jane", "outside"] {
        Iam(&stage.account).call("CreateUser", &[("UserName", name)]);
    }
    Iam(&stage.account).join("jane");
    let before = state(&stage);
    (stage, before)
}

/// The groups of each user.
fn groups(state: &[Value]) -> Vec<(String, Value)> {
    let users = state.iter().filter(|it| it["type"] == "iam_user");
    users.map(|user| (user["id"].as_str().unwrap().to_owned(), user["config"]["GroupList"].clone())).collect()
}

#[test]
fn disable_takes_all_users_out_and_puts_these_back() {
    let (stage, before) = stage();
    let (outcome, between) = there_and_back(&stage, &task(loaded(&before, "iam_group"), &json!("disable")), &[]);
    assert_eq!(operations(&outcome), ["RemoveUserFromGroup", "RemoveUserFromGroup"]);
    assert_eq!(outcome["undo"]["action"], json!({"name": "iam_add_users", "Users": ["jane", "loaded"]}));
    assert!(groups(&between).iter().all(|(_, groups)| *groups == json!([])), "{between:?}");
    assert_eq!(loaded(&between, "iam_group"), loaded(&before, "iam_group"), "its policies stay");
}

#[test]
fn iam_remove_users_takes_out_those_that_are_named_and_in_it() {
    let (stage, before) = stage();
    let action = json!({"name": "iam_remove_users", "Users": ["outside", "jane"]});
    let (outcome, between) = there_and_back(&stage, &task(loaded(&before, "iam_group"), &action), &[]);
    assert_eq!(operations(&outcome), ["RemoveUserFromGroup"]);
    let left: Vec<String> = groups(&between).into_iter().filter(|(_, it)| *it != json!([])).map(|(id, _)| id).collect();
    assert_eq!(left, ["loaded"]);
}

#[test]
fn kill_empties_a_group_and_removes_it() {
    let (stage, before) = stage();
    let outcome = is_killed(&stage, &task(loaded(&before, "iam_group"), &json!("kill")));
    assert_eq!(
        operations(&outcome),
        [
            "RemoveUserFromGroup",
            "RemoveUserFromGroup",
            "DetachGroupPolicy",
            "DetachGroupPolicy",
            "DeleteGroupPolicy",
            "DeleteGroupPolicy",
            "DeleteGroup",
        ]
    );
    assert_eq!(groups(&state(&stage)).len(), groups(&before).len(), "its users stay");
}

#[test]
fn kill_goes_on_where_it_was_cut_off() {
    let (stage, before) = stage();
    goes_on_where_it_was_cut_off(&stage, &task(loaded(&before, "iam_group"), &json!("kill")));
}
