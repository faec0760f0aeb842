//! The tools that read records, each with an input that it answers: for tests of what goes wrong around it.

use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::account::Account;
use crate::http::Request;
use crate::pipeline::{Ran, Tool};

/// How many users there are in the account in which `poll -` looks them up.
pub const USERS: usize = 40;
/// The time by which `audit` judges.
pub const NOW: &str = "2026-11-20T10:00:00Z";

/// The tools that read records.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Filter {
    Audit,
    Remediate,
    Poll,
    Notify,
    /// `honeytoken watch`.
    Watch,
}

pub const FILTERS: [Filter; 5] = [Filter::Audit, Filter::Remediate, Filter::Poll, Filter::Notify, Filter::Watch];

/// How many decoys are watched.
const DECOYS: usize = 2000;

impl Filter {
    pub fn name(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Remediate => "remediate",
            Self::Poll => "poll",
            Self::Notify => "notify",
            Self::Watch => "honeytoken",
        }
    }

    /// The tool with what it needs to answer [`valid`](Self::valid) records.
    pub fn tool(self) -> Tool {
        match self {
            Self::Audit => Tool::new("audit").args(["--now", NOW, "--checks", "iam_user_mfa,sqs_public"]),
            Self::Remediate => account().tool("remediate"),
            Self::Poll => account().tool("poll").arg("-"),
            Self::Notify => Tool::new("notify").arg("--dry-run"),
            Self::Watch => {
                let tool = Tool::new("honeytoken").args(["watch", "--tokens", "tokens.ndjson"]);
                std::fs::write(tool.home().join("tokens.ndjson"), decoys()).expect("a list of decoys");
                tool
            }
        }
    }

    /// A record to which the tool answers with one of its own.
    pub fn valid(self, number: usize) -> Value {
        let (account, id) = (account().id(), format!("r{number}"));
        let arn = format!("arn:aws:iam::{account}:user/{id}");
        match self {
            Self::Audit => json!({
                "kind": "resource", "account": account, "region": "global", "type": "iam_user", "id": id, "arn": arn,
                "tags": {"Owner": "web"}, "config": {
                    "UserName": id, "CreateDate": "2020-01-01T00:00:00Z", "PasswordEnabled": true, "MfaActive": false,
                    "PasswordLastChanged": "2020-01-01T00:00:00Z", "AccessKeys": [],
                }, "observed_at": NOW,
            }),
            // What the finding itself settles costs no call: there may be thousands.
            Self::Remediate | Self::Notify => json!({
                "kind": "finding", "key": format!("iam_user_mfa:{arn}"), "check": "iam_user_mfa",
                "status": if self == Self::Notify { "fail" } else { "pass" }, "severity": "medium", "account": account,
                "region": "global", "type": "iam_user", "id": id, "arn": arn, "tags": {"Owner": "web"},
                "title": format!("user {id} has a password and no MFA"), "evidence": {"MfaActive": false},
                "controls": ["CIS 1.10"], "action": "iam_delete_login_profile", "found_at": NOW,
            }),
            Self::Poll => json!({"account": account, "region": "global", "type": "iam_user", "id": id}),
            Self::Watch => json!({
                "eventVersion": "1.11", "eventID": format!("e{number}"), "eventTime": NOW,
                "eventSource": "sts.amazonaws.com", "eventName": "GetCallerIdentity", "awsRegion": "us-east-1",
                "sourceIPAddress": "203.0.113.9", "userAgent": "aws-cli/2.31.4", "recipientAccountId": account,
                "userIdentity": {"type": "IAMUser", "accountId": account, "arn": arn, "userName": id},
            }),
        }
    }

    /// The numbers of the valid records that were answered.
    pub fn answered(self, ran: &Ran) -> Vec<usize> {
        let number = |text: &str| text.strip_prefix('r').and_then(|number| number.parse().ok());
        let ids = |kind: &str| -> Vec<usize> {
            ran.kind(kind).iter().filter_map(|record| number(record["id"].as_str()?)).collect()
        };
        match self {
            Self::Audit => ids("finding"),
            Self::Remediate => ids("outcome"),
            Self::Poll => ids("resource"),
            Self::Watch => {
                let opened = ran.matching(&json!({"kind": "alert", "status": "open"}));
                opened.iter().filter_map(|alert| number(alert["id"].as_str()?)).collect()
            }
            Self::Notify => {
                let slack = ran.matching(&json!({"kind": "delivery", "channel": "slack"}));
                let keys = slack.iter().filter_map(|delivery| delivery["keys"].as_array()).flatten();
                let mut numbers: Vec<usize> =
                    keys.filter_map(|key| number(key.as_str()?.rsplit('/').next()?)).collect();
                // The worst first, not in the order of the input.
                numbers.sort_unstable();
                numbers
            }
        }
    }

    /// What the tool says of its input.
    pub fn complaints(self, ran: &Ran) -> Vec<String> {
        let prefix = format!("{}: error: ", self.name());
        let said = ran.stderr.lines().filter_map(|line| line.strip_prefix(&prefix));
        said.filter(|said| said.starts_with("line")).map(str::to_owned).collect()
    }
}

/// The decoys that are watched, as `honeytoken export` writes them.
fn decoys() -> String {
    let account = account().id();
    let decoy = |number: usize| {
        json!({
            "kind": "token", "token": format!("t{number}"), "state": "active", "account": account, "region": "global",
            "type": "iam_user", "id": format!("r{number}"), "arn": format!("arn:aws:iam::{account}:user/r{number}"),
            "guard": "inline", "created_at": NOW,
        })
    };
    (1..=DECOYS).map(|number| decoy(number).to_string() + "\n").collect()
}

/// An account with users that can be looked up.
pub fn account() -> &'static Account {
    static ACCOUNT: OnceLock<Account> = OnceLock::new();
    ACCOUNT.get_or_init(|| {
        let account = Account::new();
        for number in 1..=USERS {
            let form = format!("Version=2010-05-08&Action=CreateUser&UserName=r{number}");
            assert_eq!(account.call("iam", Request::form(form)).expect("iam:CreateUser").status, 200);
        }
        account
    })
}

/// Whatever came in: no panic, and nothing on stderr that a terminal would obey or show in another order.
pub fn is_calm(ran: &Ran) {
    for word in ["panicked", "RUST_BACKTRACE"] {
        assert!(!ran.stderr.contains(word), "{ran}");
    }
    assert_eq!(commands(&ran.stderr), [' '; 0], "{ran}");
    let longest = ran.stderr.lines().map(str::len).max().unwrap_or_default();
    assert!(longest < 10_000, "a line of {longest} bytes on stderr");
}

/// Characters that a terminal obeys, or that change the direction of writing.
pub fn commands(text: &str) -> Vec<char> {
    let bidi = |c| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|&c| (c.is_control() && c != '\n') || bidi(c)).collect()
}

/// A record as a line.
pub fn line(record: &Value) -> Vec<u8> {
    format!("{record}\n").into_bytes()
}

/// A valid record on line 1, `rubbish` from line 2 on, and two valid ones behind it.
pub fn around(filter: Filter, rubbish: &[u8]) -> Vec<u8> {
    [&line(&filter.valid(1)), rubbish, b"\n", &line(&filter.valid(2)), &line(&filter.valid(3))].concat()
}
