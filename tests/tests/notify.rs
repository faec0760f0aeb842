//! `notify` against the emulator's SNS, read back through a queue, and against an HTTP server in Slack's place.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::fs::{self, File};
use std::io::Write as _;
use std::process::Stdio;

use aws_sdk_sqs::types::QueueAttributeName;
use predicates::prelude::PredicateBooleanExt;
use predicates::str;
use serde_json::{Value, json};
use tests::record::finding;
use tests::{Account, HttpSink, Reply, Tool, ndjson};

/// A topic and the queue that gets what is published to it.
fn topic(account: &Account) -> (String, String) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let config = account.sdk();
        let (sns, sqs) = (aws_sdk_sns::Client::new(&config), aws_sdk_sqs::Client::new(&config));
        let queue = sqs.create_queue().queue_name("heard").send().await.unwrap().queue_url.unwrap();
        let attributes = sqs.get_queue_attributes().queue_url(&queue).attribute_names(QueueAttributeName::QueueArn);
        let arn = attributes.send().await.unwrap().attributes.unwrap()[&QueueAttributeName::QueueArn].clone();
        let topic = sns.create_topic().name("alerts").send().await.unwrap().topic_arn.unwrap();
        sns.subscribe().topic_arn(&topic).protocol("sqs").endpoint(arn).send().await.unwrap();
        (topic, queue)
    })
}

/// What came through the topic: subject and message.
fn heard(account: &Account, queue: &str) -> Vec<(String, String)> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let received = runtime.block_on(async {
        let sqs = aws_sdk_sqs::Client::new(&account.sdk());
        sqs.receive_message().queue_url(queue).max_number_of_messages(10).send().await.unwrap()
    });
    let text = |envelope: &Value, field: &str| envelope[field].as_str().unwrap().to_owned();
    let envelopes = received.messages().iter().map(|message| serde_json::from_str(message.body().unwrap()).unwrap());
    envelopes.map(|envelope: Value| (text(&envelope, "Subject"), text(&envelope, "Message"))).collect()
}

#[test]
fn what_sns_delivers_is_what_was_found() {
    let account = Account::new();
    let (topic, queue) = topic(&account);
    // Titles as long as nobody writes them, in two accounts: a subject has fewer than 100 characters, in ASCII.
    let mut long = finding("444455556666", "acme-bücket", "critical");
    long["title"] = json!("ü".repeat(300_000));
    let records = [finding(account.id(), "acme-logs", "high"), long];
    let ran = account.tool("notify").args(["--sns-topic", &topic]).stdin(ndjson(&records)).run().exits(0);
    let delivery = ran.one(&json!({"kind": "delivery", "channel": "sns", "target": topic, "status": "delivered"}));
    assert_eq!(delivery["keys"].as_array().unwrap().len(), 2, "one message for both accounts: {ran}");

    let heard = heard(&account, &queue);
    let [(subject, message)] = heard.as_slice() else { panic!("{heard:?}") };
    assert!(subject.len() < 100 && subject.chars().all(|character| (' '..='~').contains(&character)), "{subject}");
    assert!(subject.starts_with("2 accounts: 1 critical, 1 high"), "{subject}");
    assert!(message.len() <= 262_144, "{}", message.len());
    let at = |text: &str| message.find(text).unwrap_or_else(|| panic!("{text}: {message}"));
    let mine = format!("=== {}: 1 high ===", account.id());
    let order = ["=== 444455556666: 1 critical ===", &mine, "S3 bucket acme-logs", "arn:aws:s3:::acme-logs"];
    assert!(order.map(at).is_sorted(), "the account with the worst first: {message}");
    assert!(message.contains("s3_make_acl_private"), "{message}");
}

/// Whose profile is taken shows in who gets through: there is but one in the files.
#[test]
fn a_flag_beats_aws_profile_beats_the_settings() {
    let account = Account::new();
    let (topic, _) = topic(&account);
    // A role that is none: who took more than the profile would fail.
    let settings = |profile: &str| format!("[aws]\nprofile = \"{profile}\"\nrole = \"a:b\"\n");
    // The flag, the variable, the settings, and who is not there.
    let rows = [
        (Some("there"), Some("variable"), "settings", None),
        (Some("flag"), Some("there"), "there", Some("flag")),
        (None, Some("there"), "settings", None),
        (None, Some("variable"), "there", Some("variable")),
        (None, Some(""), "there", None),
        (None, None, "there", None),
        (None, None, "settings", Some("settings")),
    ];
    for (flag, variable, profile, absent) in rows {
        let mut tool = account.tool("notify").args(["--sns-topic", &topic, "--config", "settings.toml"]);
        let credentials = account.credentials();
        let files = tool.home().join(".aws");
        fs::create_dir_all(&files).unwrap();
        let lines = [
            "[there]".to_owned(),
            format!("aws_access_key_id = {}", credentials.access_key_id),
            format!("aws_secret_access_key = {}", credentials.secret_access_key),
            format!("aws_session_token = {}", credentials.session_token),
        ];
        fs::write(files.join("credentials"), lines.join("\n")).unwrap();
        fs::write(tool.home().join("settings.toml"), settings(profile)).unwrap();
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
            tool = tool.without_env(name);
        }
        tool = flag.into_iter().fold(tool, |tool, name| tool.args(["--profile", name]));
        tool = variable.into_iter().fold(tool, |tool, name| tool.env("AWS_PROFILE", name));
        let ran = tool.stdin(ndjson(&[finding(account.id(), "acme-logs", "high")])).run();
        if let Some(absent) = absent {
            let ran = ran.exits(4).says(&format!("the profile `{absent}` is neither in"));
            let _ = ran.one(&json!({"kind": "delivery", "status": "failed"}));
        } else {
            let _ = ran.exits(0).one(&json!({"kind": "delivery", "status": "delivered"}));
        }
    }
}

#[test]
fn slack_is_told_again_when_it_was_too_busy() {
    let slack = HttpSink::new([Reply::too_many(Some(1)), Reply::status(500, "rollup_error")]);
    let tool = Tool::new("notify").env("SLACK_WEBHOOK_URL", format!("{}/services/T0/B0/s3cr3t", slack.url()));
    let ran = tool.stdin(ndjson(&[finding("111122223333", "acme-logs", "high")])).run().exits(0);
    let delivery = ran.one(&json!({"kind": "delivery", "channel": "slack", "status": "delivered"}));
    assert_eq!(delivery["attempts"], 3, "{ran}");
    assert_eq!(delivery["keys"], json!(["s3_bucket_public_acl:arn:aws:s3:::acme-logs"]));
    assert!(!ran.text().contains("s3cr3t"), "the webhook is a secret: {ran}");

    let sent = slack.json();
    assert_eq!(sent.len(), 3);
    assert_eq!(sent[0], sent[2], "the same message, not another");
    let waited = slack.times()[1] - slack.times()[0];
    assert!(waited.as_millis() >= 1000, "Retry-After was one second: {waited:?}");
    let text = sent[2].to_string();
    assert!(text.contains("&lt;!channel&gt;") && !text.contains("<!channel>"), "{text}");
}

#[test]
fn what_did_not_get_through_is_named() {
    let slack = HttpSink::new([Reply::status(404, "no_service")]);
    let tool = Tool::new("notify").env("SLACK_WEBHOOK_URL", format!("{}/services/T0/B0/s3cr3t", slack.url()));
    let ran = tool.stdin(ndjson(&[finding("111122223333", "acme-logs", "high")])).run().exits(3).says("acme-logs");
    let delivery = ran.one(&json!({"kind": "delivery", "status": "failed"}));
    assert!(delivery["error"].as_str().unwrap().contains("no_service"), "{delivery}");
    assert_eq!(slack.requests().len(), 1, "a webhook that is gone is not asked again");
    assert!(!ran.text().contains("s3cr3t"), "{ran}");
}

/// One channel down, one up: people hear of all, what is for others goes through to the byte, and the exit code says it.
#[test]
fn a_channel_that_is_down_takes_nothing_away() {
    let account = Account::new();
    let (topic, _) = topic(&account);
    let slack = HttpSink::new([Reply::status(404, "no_service")]);
    let place = format!(r#""account":"{}","region":"us-east-1","type":"sqs""#, account.id());
    let told = finding(account.id(), "acme-logs", "high").to_string();
    let mut outcome = finding(account.id(), "acme-web", "high");
    (outcome["kind"], outcome["status"]) = (json!("outcome"), json!("applied"));
    let outcome = outcome.to_string();
    let through = [
        format!(r#"{{"kind":"resource",{place},"id":"q","future":1.50e1,"config":{{}}}}"#),
        format!(r#"{{"kind":"scope",{place},"status":"failed","resources":0,"future":[ ]}}"#),
        r#"{"kind":"unsettled","same":1,"same":2,"text":"\u00e9 é \/"}"#.to_owned(),
        format!(r#"{{"kind":"task",{place},"id":"q","action":"stop"}}"#),
        r#"{"kind":"token","big":12345678901234567890123}"#.to_owned(),
        r#"{"kind":"delivery","status":"delivered","keys":["of another notify"]}"#.to_owned(),
    ];
    let [one, two, rest @ ..] = &through;
    let input = [one, &told, two, &outcome].into_iter().chain(rest);
    let input: String = input.flat_map(|record| [record, "\n"]).collect();
    let tool = account.tool("notify").args(["--sns-topic", &topic]);
    let tool = tool.env("SLACK_WEBHOOK_URL", format!("{}/services/T0/B0/s3cr3t", slack.url()));
    let ran = tool.stdin(input).run().exits(3).says("did not get 1 message on 3 records");

    let text = ran.text();
    let (passed, deliveries): (Vec<_>, Vec<_>) = text.lines().enumerate().partition(|(at, _)| *at < through.len());
    let passed: Vec<&str> = passed.into_iter().map(|(_, line)| line).collect();
    assert_eq!(passed, through.each_ref().map(|line| line.replace("[ ]", "[]")), "{ran}");
    assert_eq!(deliveries.len(), 2, "{ran}");
    let keys = |channel: &str, status: &str| {
        let delivery = ran.one(&json!({"kind": "delivery", "channel": channel, "status": status}));
        let mut keys: Vec<String> = serde_json::from_value(delivery["keys"].clone()).unwrap();
        keys.sort();
        keys
    };
    assert_eq!(keys("slack", "failed").len(), 3, "{ran}");
    assert_eq!(keys("slack", "failed"), keys("sns", "delivered"));
}

/// `notify | head`: nobody reads any more, and people are told all the same.
#[test]
fn a_closed_pipe_keeps_no_message_back() {
    let scope = json!({
        "kind": "scope", "account": "111122223333", "region": "eu-west-1", "type": "sqs", "status": "ok", "resources": 1,
    });
    // More than is gathered before it is written: the pipe is found closed long before the finding is read.
    let mut records = vec![scope; 3000];
    records.push(finding("111122223333", "acme-logs", "high"));
    for (reply, code) in [(Reply::ok(), 0), (Reply::status(404, "no_service"), 3)] {
        let slack = HttpSink::new([reply]);
        let tool = Tool::new("notify").env("SLACK_WEBHOOK_URL", format!("{}/services/T0/B0/s3cr3t", slack.url()));
        let mut command = tool.command();
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().unwrap();
        drop(child.stdout.take());
        child.stdin.take().unwrap().write_all(&ndjson(&records)).unwrap();
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), slack.requests().len()), (Some(code), 1), "{stderr}");
        assert_eq!(stderr.lines().count(), usize::from(code != 0), "of the pipe not a word: {stderr}");
    }
}

/// A full disk is no quiet end, and keeps no message back either.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_keeps_no_message_back() {
    let slack = HttpSink::new([]);
    let tool = Tool::new("notify").env("SLACK_WEBHOOK_URL", format!("{}/services/T0/B0/s3cr3t", slack.url()));
    let records = [json!({"kind": "token"}), finding("111122223333", "acme-logs", "high")];
    let mut command = tool.command();
    let pipes = command.stdin(Stdio::piped()).stdout(File::create("/dev/full").unwrap()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    child.stdin.take().unwrap().write_all(&ndjson(&records)).unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), slack.requests().len()), (Some(3), 1), "{stderr}");
    assert!(stderr.contains("cannot write the output: "), "{stderr}");
}

#[test]
fn without_a_channel_nothing_starts() {
    let assert =
        Tool::new("notify").assert_command().write_stdin(ndjson(&[finding("111122223333", "b", "low")])).assert();
    let names_both = str::contains("SLACK_WEBHOOK_URL").and(str::contains("--sns-topic"));
    assert.code(4).stdout(str::is_empty()).stderr(names_both);
}

#[test]
fn a_rehearsal_sends_nothing() {
    let slack = HttpSink::new([]);
    let tool = Tool::new("notify").arg("--dry-run").env("SLACK_WEBHOOK_URL", format!("{}/services/x", slack.url()));
    let ran = tool.stdin(ndjson(&[finding("111122223333", "acme-logs", "high")])).run().exits(0);
    let planned = ran.one(&json!({"kind": "delivery", "channel": "slack", "status": "planned"}));
    assert!(planned["payload"].to_string().contains("acme-logs"), "{planned}");
    assert!(slack.requests().is_empty());
}
