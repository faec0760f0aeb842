//! `notify` by the real binary while its input is open, and who hears of what.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::http::Request;
use tests::record::{alert, finding};
use tests::{Account, HttpSink, Reply, Tool, ndjson};

/// Long enough for a loaded machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A `notify` whose input stays open, with what it writes line by line.
struct Live {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Live {
    fn start(tool: &Tool) -> Self {
        let mut command = tool.command();
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = pipes.spawn().unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || output.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok()));
        let input = child.stdin.take();
        Self { child, input, lines }
    }

    fn write(&mut self, records: &[Value]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(&ndjson(records)).unwrap();
        input.flush().unwrap();
    }

    fn line(&self) -> Value {
        serde_json::from_str(&self.lines.recv_timeout(PATIENCE).unwrap()).unwrap()
    }

    /// The exit code.
    fn end(mut self) -> Option<i32> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(start.elapsed() < PATIENCE, "it does not end");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn slack(sink: &HttpSink) -> Tool {
    Tool::new("notify").env("SLACK_WEBHOOK_URL", format!("{}/services/T0/B0/s3cr3t", sink.url()))
}

#[test]
fn an_alert_is_told_while_the_input_is_open() {
    let sink = HttpSink::new([]);
    let mut live = Live::start(&slack(&sink).arg("--tee"));
    let (found, touched) = (finding("111122223333", "acme-logs", "high"), alert("111122223333", "i"));
    live.write(&[found.clone(), touched.clone()]);
    assert_eq!([live.line(), live.line()], [found, touched], "what is passed on comes first");
    let delivery = live.line();
    assert_eq!((&delivery["status"], &delivery["keys"]), (&json!("delivered"), &json!(["i/1"])));
    assert_eq!(sink.requests().len(), 1, "the finding waits");
    drop(live.input.take());
    assert_eq!(live.line()["keys"], json!(["s3_bucket_public_acl:arn:aws:s3:::acme-logs"]));
    assert_eq!((live.end(), sink.requests().len()), (Some(0), 2));
}

/// A service that is stopped has told what came until then.
#[cfg(unix)]
#[test]
fn who_is_told_to_end_tells_what_came() {
    for signal in ["-TERM", "-INT"] {
        let sink = HttpSink::new([Reply::status(500, "rollup_error")]);
        let mut live = Live::start(&slack(&sink).args(["--every", "1h"]));
        live.write(&[finding("111122223333", "acme-logs", "high"), json!({"kind": "token"})]);
        assert_eq!(live.line(), json!({"kind": "token"}));
        let killed = Command::new("kill").args([signal, &live.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let delivery = live.line();
        assert_eq!((&delivery["status"], &delivery["attempts"]), (&json!("delivered"), &json!(2)));
        assert_eq!((live.end(), sink.requests().len()), (Some(0), 2), "the input is still open");
    }
}

#[test]
fn what_was_collected_is_told_when_its_time_has_come() {
    let sink = HttpSink::new([]);
    let mut live = Live::start(&slack(&sink).args(["--every", "100ms"]));
    for id in ["one", "two"] {
        live.write(&[finding("111122223333", id, "high")]);
        assert_eq!(live.line()["keys"], json!([format!("s3_bucket_public_acl:arn:aws:s3:::{id}")]));
    }
    drop(live.input.take());
    assert_eq!((live.end(), sink.requests().len()), (Some(0), 2));
}

/// Krampus's map, in S3, by Krampus's variables, with the commas of Krampus's example.
#[test]
fn an_account_belongs_to_those_whom_the_map_in_s3_names() {
    let account = Account::new();
    let bucket = format!("maps-{}", account.id());
    let put = |path: String, body: String| {
        let answer = account.call("s3", Request::new("PUT", &path).body(body)).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    put(format!("/{bucket}"), String::new());
    let map = r##"[
        {"AccountName": "web", "AccountNumber": "111122223333", "ContactEmail": "web@acme.example", "SlackChannel": "#web",},
        {"AccountNumber": "acme", "SlackChannel": "#lost"},
    ]"##;
    put(format!("/{bucket}/map.json"), map.to_owned());
    let sink = HttpSink::new([]);
    let tool = account.tool("notify").env("SLACK_WEBHOOK_URL", format!("{}/services/T0/B0/s3cr3t", sink.url()));
    let tool = tool.env("SLACK_DEFAULT_ROOM", "#cloud").env("AWS_ACCOUNTMAPPING_BUCKET", &bucket);
    let records = [finding("111122223333", "hers", "high"), finding("444455556666", "nobodys", "high")];
    // The pace of one webhook is a message a second.
    let ran = tool.env("AWS_ACCOUNTMAPPING_KEY", "map.json").stdin(ndjson(&records)).run().exits(0).says("entry 2");
    for (channel, id) in [("#web", "hers"), ("#cloud", "nobodys")] {
        let target = format!("127.0.0.1 {channel}");
        let delivery = ran.one(&json!({"kind": "delivery", "status": "delivered", "target": target}));
        assert_eq!(delivery["keys"], json!([format!("s3_bucket_public_acl:arn:aws:s3:::{id}")]));
        let posts = sink.json();
        let post = posts.iter().find(|post| post["channel"] == channel).unwrap();
        assert!(post.to_string().contains(id), "{post}");
    }
    assert!(sink.json().iter().any(|post| post.to_string().contains("111122223333 (web)")), "an account has its name");

    // No map, no messages: nothing is even read.
    let tool = account.tool("notify").env("SLACK_WEBHOOK_URL", format!("{}/services/T0/B0/s3cr3t", sink.url()));
    let tool = tool.args(["--account-map", &format!("s3://{bucket}/none.json")]);
    let ran = tool.stdin(ndjson(&records)).run().exits(4).says("NoSuchKey");
    assert_eq!((ran.text().len(), sink.requests().len()), (0, 2));
}

#[test]
fn routes_share_out_what_was_found_and_nothing_is_lost() {
    let (web, all) = (HttpSink::new([Reply::status(404, "no_service")]), HttpSink::new([]));
    let tool = slack(&all).args(["--config", "settings.toml", "-v"]);
    let hook = tool.home().join("hook");
    fs::write(&hook, format!("{}/services/T0/B0/s3cr3t", web.url())).unwrap();
    let settings = format!(
        "[notify.targets.web]\nchannel = \"slack\"\nwebhook_file = {hook:?}\n\
         [notify.targets.log]\nchannel = \"file\"\npath = {:?}\n\
         [[route]]\nseverity = \"high\"\nto = [\"web\", \"log\"]\n\
         [[route]]\naccount = \"444455556666\"\nto = [\"none\"]\n",
        tool.home().join("said.ndjson")
    );
    fs::write(tool.home().join("settings.toml"), settings).unwrap();
    let said = tool.home().join("said.ndjson");
    let records = [
        finding("111122223333", "high", "high"),
        finding("111122223333", "low", "low"),
        finding("444455556666", "hidden", "low"),
        finding("444455556666", "critical", "critical"),
    ];
    let ran = tool.stdin(ndjson(&records)).run().exits(3).says("slack (web) did not get 1 message on 2 records");
    let ran = ran.says("1 record told to nobody, as the routes say");
    let key = |id: &str| format!("s3_bucket_public_acl:arn:aws:s3:::{id}");
    let keys = |pattern: Value| {
        let mut keys: Vec<String> = serde_json::from_value(ran.one(&pattern)["keys"].clone()).unwrap();
        keys.sort();
        keys
    };
    assert_eq!(keys(json!({"name": "web", "status": "failed"})), [key("critical"), key("high")]);
    assert_eq!(keys(json!({"name": "log", "status": "delivered"})), [key("critical"), key("high")]);
    assert_eq!(keys(json!({"channel": "slack", "status": "delivered"})), [key("low")]);
    assert_eq!(fs::read_to_string(said).unwrap().lines().count(), 1);
}

#[test]
fn a_mistake_in_the_settings_is_told_before_anything_is_read() {
    for (settings, expected) in [
        ("[[route]]\nto = [\"oncall\"]\n", "[[route]] number 1 (to = [\"oncall\"]): `oncall` is none of"),
        ("[[route]]\nkind = \"findings\"\nto = [\"slack\"]\n", "[[route]] number 1"),
        ("[notify]\ndefault = [\"mail:a@acme.example\"]\n", "notify.default: nobody sends the mail"),
        ("[notify.targets.x]\nchannel = \"pagerduty\"\nrouting_key_file = \"/nonexistent/key\"\n", "/nonexistent/key"),
    ] {
        let sink = HttpSink::new([]);
        let tool = slack(&sink).args(["--config", "settings.toml"]);
        fs::write(tool.home().join("settings.toml"), settings).unwrap();
        let ran = tool.stdin(ndjson(&[alert("111122223333", "i")])).run().exits(4).says(expected);
        assert_eq!((ran.text().len(), sink.requests().len()), (0, 0), "{ran}");
    }
}
