//! What people see: the table of findings and the list of checks.

use common::exit::Exit;
use common::settings::{Account, Settings};
use serde_json::{Value, json};

use super::{audit, audit_with, queue, scope, user};
use crate::checks;
use crate::filter::Tally;
use crate::judge::Judge;
use crate::table::{Colour, Table};

#[test]
fn the_worst_comes_first() {
    let mut unread = user("unread");
    unread["unread"] = json!([{"field": "MfaActive", "operation": "iam:ListMFADevices", "code": "AccessDenied"}]);
    let records = [user("joe"), unread, scope("ok", "sqs"), user("jane"), queue("jobs"), scope("failed", "ec2")];
    let input: String = records.iter().map(Value::to_string).collect();
    let account = Account { name: Some("sandbox".to_owned()), ..Account::default() };
    let settings = Settings { accounts: [("111122223333".parse().unwrap(), account)].into(), ..Settings::default() };
    let done = audit_with(&settings, &["-o", "table"], input.as_bytes());
    let expected = "\
severity  account                 region     resource         what is wrong                                               fix
critical  111122223333 (sandbox)  eu-west-1  sqs jobs         is open to anyone through its policy, for sqs:SendMessage   sqs_remove_policy_statements
medium    111122223333 (sandbox)  global     iam_user jane    can sign in with a password and has no MFA device           iam_delete_login_profile
medium    111122223333 (sandbox)  global     iam_user joe     can sign in with a password and has no MFA device           iam_delete_login_profile
unknown   111122223333 (sandbox)  global     iam_user unread  cannot be judged: MfaActive could not be read:              -
                                                              iam:ListMFADevices answered AccessDenied

1 critical, 2 medium, 1 unknown in 4 resources (1 scope ok)
warning: not looked at: 111122223333 eu-west-1 ec2 (ec2:List: AccessDenied)
";
    assert_eq!(done.stdout, expected, "\n{}", done.stdout);
    assert!(!done.stdout.lines().any(|line| line.ends_with(' ')), "no blanks at the end of a line");
    assert!(!done.stderr.contains("not looked at"), "said once: {}", done.stderr);
}

#[test]
fn nothing_found_is_said_too() {
    let input = [scope("ok", "sqs"), scope("ok", "ec2")].map(|scope| scope.to_string()).concat();
    assert_eq!(audit(&["-o", "table"], &input).stdout, "no findings in 0 resources (2 scopes ok)\n");
    let failed = audit(&["-o", "table"], &scope("failed", "ec2").to_string());
    assert!(failed.stdout.contains("no findings in 0 resources (0 scopes ok)\nwarning: not looked at: "));
    assert_eq!(failed.exit, Exit::Incomplete);
}

#[test]
fn a_name_cannot_rewrite_the_terminal() {
    let done =
        audit(&["-o", "table"], &user("jane\u{1b}[2J\u{202e}").to_string().replace("user/jane\\u001b[2J", "user/jane"));
    assert!(done.stdout.contains("jane?[2J?"), "{}{}", done.stdout, done.stderr);
    assert!(!done.stdout.contains('\u{1b}'));
    let mut queue = queue("jobs");
    queue["config"]["Policy"]["Statement"][0]["Action"] = json!("sqs:\u{1b}[2J*");
    let done = audit(&["-o", "table"], &queue.to_string());
    assert!(done.stdout.contains("for sqs:?[2J*") && !done.stdout.contains('\u{1b}'), "{:?}", done.stdout);
}

#[test]
fn only_the_severity_is_coloured() {
    let settings = Settings::default();
    let judge = Judge::new(&settings, "2026-11-20T10:00:00Z".parse().unwrap(), None).unwrap();
    let render = |colour: Colour| {
        let mut table = Table::new(&settings, colour);
        let resource = serde_json::from_str(&queue("jobs").to_string()).unwrap();
        judge.judge(&resource).unwrap().iter().for_each(|finding| table.add(finding));
        table.render(&Tally::default())
    };
    let plain = render(Colour::No);
    assert!(!plain.contains('\u{1b}'));
    let coloured = render(Colour::Yes);
    assert!(coloured.contains("\u{1b}[1m\u{1b}[91mcritical\u{1b}[0m  111122223333"), "{coloured:?}");
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain, "colour moves nothing");
}

#[test]
fn the_checks_are_listed_in_three_forms() {
    let lines = audit(&["--list-checks"], "not read");
    let ids: Vec<Value> = lines.of_kind("check").iter().map(|check| check["id"].clone()).collect();
    assert_eq!(ids, checks::all().map(|about| json!(about.id)).collect::<Vec<_>>());
    assert_eq!(lines.of_kind("check")[0]["type"], checks::all().next().unwrap().kind.name());
    let table = audit(&["--list-checks", "-o", "table"], "").stdout;
    let markdown = audit(&["--list-checks", "-o", "markdown"], "").stdout;
    assert_eq!(markdown.lines().count(), ids.len() + 2);
    assert!(
        markdown.lines().all(|line| line.matches('|').count() == 7 && line.starts_with('|') && line.ends_with('|'))
    );
    for about in checks::all() {
        assert!(table.contains(about.id) && markdown.contains(&format!("[`{}`]({})", about.id, about.page)));
    }
    assert!(markdown.contains("| `ec2_revoke_ingress` (off) |"), "{markdown}");
    let one = audit(&["--list-checks", "--checks", "sqs_public"], "");
    assert_eq!(one.of_kind("check").len(), 1);
}
