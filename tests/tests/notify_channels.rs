//! `notify` by mail, read back from the emulator's SES, into a file, and to a server that takes JSON.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::fs;

use serde_json::{Value, json};
use tests::http::Request;
use tests::record::{alert, finding};
use tests::{Account, HttpSink, Reply, Tool, ndjson};

const SENDER: &str = "sluice@acme.example";

/// Has SES verify the sender in a region.
fn verify(account: &Account, region: &str) {
    let request = Request::new("POST", "/v2/email/identities").with("Content-Type", "application/json");
    let answer = account.call_in(region, "ses", request.body(json!({"EmailIdentity": SENDER}).to_string())).unwrap();
    assert!(answer.status < 300, "{answer:?}");
}

/// What SES sent for an account.
fn sent(account: &Account) -> Vec<Value> {
    let path = format!("/sent-mails?account={}", account.id());
    let answer = account.call("ses", Request::new("GET", &path)).unwrap();
    serde_json::from_str(&answer.text()).unwrap()
}

#[test]
fn what_ses_sends_is_what_was_found() {
    let account = Account::new();
    verify(&account, "eu-west-1");
    let mut long = finding("444455556666", "acme-bücket", "critical");
    long["title"] = json!("ü<b>".repeat(300_000));
    let tool = account.tool("notify").args(["--config", "settings.toml"]);
    let settings = format!(
        "[notify]\nmail_from = \"Sluice <{SENDER}>\"\nmail_region = \"eu-west-1\"\n\
         [notify.targets.web]\nchannel = \"mail\"\nto = [\"web@acme.example\", \"Cloud <cloud@acme.example>\"]\n\
         [[route]]\nto = [\"web\"]\n"
    );
    fs::write(tool.home().join("settings.toml"), settings).unwrap();
    let records = [finding(account.id(), "acme-logs", "high"), long];
    let ran = tool.stdin(ndjson(&records)).run().exits(0);
    let delivery = ran.one(&json!({"kind": "delivery", "channel": "mail", "status": "delivered", "attempts": 1}));

    let mails = sent(&account);
    assert_eq!(mails.len(), 1, "one mail for both accounts: {mails:?}");
    let mail = &mails[0];
    assert_eq!((&mail["Region"], &mail["MessageId"]), (&json!("eu-west-1"), &delivery["message_id"]));
    assert_eq!(mail["FromEmailAddress"], format!("\"Sluice\" <{SENDER}>"));
    assert_eq!(mail["Destination"]["ToAddresses"], json!(["web@acme.example", "\"Cloud\" <cloud@acme.example>"]));
    let simple = &mail["Content"]["Simple"];
    assert_eq!(simple["Subject"]["Data"], "2 accounts: 1 critical, 1 high");
    let text = simple["Body"]["Text"]["Data"].as_str().unwrap();
    assert!(text.contains("S3 bucket acme-logs <script>") && text.contains("arn:aws:s3:::acme-logs"), "{text}");
    let html = simple["Body"]["Html"]["Data"].as_str().unwrap();
    assert!(html.contains("S3 bucket acme-logs &lt;script&gt;") && !html.contains("<script>"), "{html}");
    assert!(html.len() <= 100_000 && text.len() <= 262_144, "{} {}", html.len(), text.len());
}

#[test]
fn alerts_of_one_incident_are_mails_that_belong_together() {
    let account = Account::new();
    verify(&account, "us-east-1");
    let tool = account.tool("notify").args(["--mail-to", "soc@acme.example", "--mail-from", SENDER]);
    let opened = alert(account.id(), "incident-1");
    let mut closed = opened.clone();
    (closed["key"], closed["status"]) = (json!("incident-1/2"), json!("closed"));
    let records = [opened, closed];
    let ran = tool.stdin(ndjson(&records)).run().exits(0);
    assert_eq!(ran.kind("delivery").len(), 2, "{ran}");
    let mails = sent(&account);
    assert_eq!(mails.len(), 2);
    let of = |index: usize, name: &str| {
        let simple = &mails[index]["Content"]["Simple"];
        let header = simple["Headers"].as_array().unwrap().iter().find(|header| header["Name"] == name);
        header.unwrap()["Value"].as_str().unwrap().to_owned()
    };
    for name in ["References", "In-Reply-To"] {
        assert_eq!(of(0, name), of(1, name));
    }
    for mail in &mails {
        let subject = mail["Content"]["Simple"]["Subject"]["Data"].as_str().unwrap();
        assert!(subject.contains("Bcc: evil@evil.example") && !subject.contains(['\r', '\n']), "{subject:?}");
    }
}

#[test]
fn who_may_not_send_is_told_so() {
    let account = Account::new();
    let tool = account.tool("notify").args(["--mail-to", "soc@acme.example", "--mail-from", SENDER]);
    let ran = tool.stdin(ndjson(&[finding(account.id(), "acme-logs", "high")])).run().exits(3).says("acme-logs");
    let delivery = ran.one(&json!({"kind": "delivery", "channel": "mail", "status": "failed", "attempts": 1}));
    assert!(delivery["error"].as_str().unwrap().contains("MessageRejected: Email address not verified"), "{delivery}");
    assert_eq!(sent(&account).len(), 0);
}

#[test]
fn a_file_has_a_line_for_each_message() {
    let tool = Tool::new("notify").args(["--file", "said.ndjson"]);
    let path = tool.home().join("said.ndjson");
    // What a crash left.
    fs::write(&path, "{\"kind\":\"mess").unwrap();
    let records = [finding("111122223333", "acme-logs", "high"), alert("111122223333", "incident-1")];
    let ran = tool.stdin(ndjson(&records)).run().exits(0);
    assert_eq!(ran.kind("delivery").len(), 2, "{ran}");
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines.len(), lines[0]), (3, "{\"kind\":\"mess"), "{text}");
    let objects: Vec<Value> = lines[1..].iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told = objects.iter().find(|object| object.get("accounts").is_some()).unwrap();
    assert_eq!(told["accounts"][0]["entries"][0]["keys"], json!(["s3_bucket_public_acl:arn:aws:s3:::acme-logs"]));
    let alerted = objects.iter().find(|object| object.get("alert").is_some()).unwrap();
    assert_eq!(alerted["alert"]["incident"], "incident-1");
}

#[test]
fn a_file_that_cannot_be_written_is_a_failed_delivery() {
    let tool = Tool::new("notify").args(["--file", "."]);
    let ran = tool.stdin(ndjson(&[finding("111122223333", "acme-logs", "high")])).run().exits(3).says("directory");
    let _ = ran.one(&json!({"kind": "delivery", "channel": "file", "status": "failed"}));
}

#[test]
fn a_server_gets_the_object_once_it_is_there_and_its_url_is_a_secret() {
    let server = HttpSink::new([Reply::status(503, "/hooks/s3cr3t"), Reply::too_many(Some(1)), Reply::status(201, "")]);
    let tool = Tool::new("notify").env("NOTIFY_WEBHOOK_URL", format!("{}/hooks/s3cr3t", server.url()));
    let ran = tool.arg("-v").stdin(ndjson(&[finding("111122223333", "acme-logs", "high")])).run().exits(0);
    let delivery =
        ran.one(&json!({"kind": "delivery", "channel": "webhook", "target": "127.0.0.1", "status": "delivered"}));
    assert_eq!(delivery["attempts"], 3, "{ran}");
    assert!(!ran.text().contains("s3cr3t") && !ran.stderr.contains("s3cr3t"), "{ran}");
    let objects = server.json();
    assert_eq!(objects[0], objects[2], "the same message, not another");
    assert_eq!(objects[0]["counts"]["severity"], json!({"high": 1}));
}
