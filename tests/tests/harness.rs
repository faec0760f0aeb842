//! The harness itself: what the other tests rely on.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use tests::http::Response;
use tests::{Account, Emulator, HttpSink, Proxy, Reply, Tool, Verdict, ndjson, on};

/// One request by hand, as an SDK would sign it; the answer's status and text, or `None` when there was none.
fn send(account: &Account, service: &str, start: &str, headers: &[&str], body: &str) -> Option<(u16, String)> {
    let host = account.endpoint().trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap();
    let credentials = account.credentials();
    write!(
        stream,
        "{start} HTTP/1.1\r\nHost: {host}\r\nX-Amz-Security-Token: {}\r\nAuthorization: AWS4-HMAC-SHA256 \
         Credential={}/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0\r\n",
        credentials.session_token, credentials.access_key_id
    )
    .unwrap();
    for header in headers {
        write!(stream, "{header}\r\n").unwrap();
    }
    let length = if headers.iter().any(|header| header.starts_with("Transfer-Encoding")) {
        String::new()
    } else {
        format!("Content-Length: {}\r\n", body.len())
    };
    write!(stream, "{length}\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer))
}

fn form(account: &Account, service: &str, form: &str) -> Option<(u16, String)> {
    send(account, service, "POST /", &["Content-Type: application/x-www-form-urlencoded"], form)
}

fn users(account: &Account) -> String {
    form(account, "iam", "Action=ListUsers&Version=2010-05-08").unwrap().1
}

fn create_user(account: &Account, name: &str) -> Option<(u16, String)> {
    form(account, "iam", &format!("Action=CreateUser&Version=2010-05-08&UserName={name}"))
}

fn wait_until(what: &str, check: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !check() {
        assert!(Instant::now() < end, "{what}: not within 20 s");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn accounts_do_not_see_each_other() {
    let (one, other) = (Account::new(), Account::new());
    assert_ne!(one.id(), other.id());
    assert!(one.id().len() == 12 && one.id().bytes().all(|byte| byte.is_ascii_digit()), "{}", one.id());

    assert_eq!(create_user(&one, "alice").unwrap().0, 200);
    assert!(users(&one).contains(&format!("arn:aws:iam::{}:user/alice", one.id())));
    assert!(!users(&other).contains("alice"));
    assert!(users(&Account::with_id(one.id())).contains("alice"));
}

#[test]
fn the_emulator_starts_without_images_of_its_own() {
    let (status, answer) =
        form(&Account::new(), "ec2", "Action=DescribeImages&Version=2016-11-15&Owner.1=amazon").unwrap();
    assert_eq!(status, 200, "{answer}");
    assert!(!answer.contains("<imageId>"), "{answer}");
}

/// Not a test: the process that the next one kills.
#[test]
#[ignore = "run by the_emulator_ends_with_a_test_that_is_killed"]
fn hold_an_emulator() {
    let emulator = Emulator::shared();
    println!("held {} {}", emulator.process_id(), emulator.address());
    thread::sleep(Duration::from_mins(1));
}

#[test]
fn the_emulator_ends_with_a_test_that_is_killed() {
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "hold_an_emulator", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    let held = lines.map_while(Result::ok).find_map(|line| {
        // Behind what the test runner says on the same line.
        let words: Vec<String> = line.split_once("held ")?.1.split(' ').map(str::to_owned).collect();
        Some((words.first()?.clone(), words.get(1)?.clone()))
    });
    let (process_id, address) = held.expect("the address of an emulator");
    assert!(TcpStream::connect(&address).is_ok(), "nobody listens at {address}");
    holder.kill().unwrap();
    holder.wait().unwrap();
    wait_until("the emulator's port is closed", || TcpStream::connect(&address).is_err());
    wait_until("the emulator's process is gone", || {
        let listed = Command::new("ps").args(["-o", "stat=", "-p", &process_id]).output().unwrap();
        // Where nobody reaps orphans (a container without init), the dead stay listed as Z.
        String::from_utf8_lossy(&listed.stdout).trim().trim_start_matches('Z').is_empty()
    });
}

#[test]
fn the_proxy_denies_records_and_lets_the_rest_pass() {
    let account = Account::new();
    let proxy = Proxy::new(Emulator::shared()).deny("iam:ListUsers").deny("ec2:*");
    let seen = account.through(&proxy);

    assert_eq!(create_user(&seen, "alice").unwrap().0, 200);
    let (status, answer) = form(&seen, "iam", "Action=ListUsers&Version=2010-05-08").unwrap();
    assert_eq!(status, 403);
    assert!(answer.contains("<Code>AccessDenied</Code>") && answer.contains("iam:ListUsers"), "{answer}");
    assert_eq!(form(&seen, "ec2", "Action=DescribeInstances&Version=2016-11-15").unwrap().0, 403);
    assert!(users(&account).contains("alice"), "only the proxy denies");

    let counts: Vec<(String, usize)> = proxy.counts().into_iter().collect();
    let expected = [("ec2:DescribeInstances", 1), ("iam:CreateUser", 1), ("iam:ListUsers", 1)];
    assert_eq!(counts, expected.map(|(name, count)| (name.to_owned(), count)));
    assert_eq!(proxy.count("iam:*"), 2);
    assert_eq!(proxy.count(on("*").about("alice")), 1);
    assert!(proxy.calls().iter().all(|call| call.access_key == account.credentials().access_key_id));

    proxy.reset();
    assert!(users(&seen).contains("alice"));
    assert_eq!(proxy.count("*"), 1);
}

#[test]
fn the_proxy_denies_buckets_one_by_one() {
    let account = Account::new();
    let proxy = Proxy::new(Emulator::shared()).deny(on("s3:GetBucketAcl").about("closed"));
    let seen = account.through(&proxy);
    for name in ["open", "closed"] {
        let bucket = format!("{name}-{}", account.id());
        assert_eq!(send(&seen, "s3", &format!("PUT /{bucket}"), &[], "").unwrap().0, 200);
        let (status, answer) = send(&seen, "s3", &format!("GET /{bucket}?acl"), &[], "").unwrap();
        assert_eq!(status, if name == "open" { 200 } else { 403 }, "{answer}");
    }
    assert_eq!(proxy.count("s3:GetBucketAcl"), 2);
}

#[test]
fn the_proxy_carries_bodies_of_any_size_and_coding() {
    let account = Account::new();
    let proxy = Proxy::new(Emulator::shared());
    let seen = account.through(&proxy);
    let bucket = format!("large-{}", account.id());
    assert_eq!(send(&seen, "s3", &format!("PUT /{bucket}"), &[], "").unwrap().0, 200);

    let large = "0123456789abcdef".repeat(200_000);
    let put = format!("PUT /{bucket}/large");
    assert_eq!(send(&seen, "s3", &put, &["Expect: 100-continue"], &large).unwrap().0, 100, "asked before it sends");
    assert!(send(&seen, "s3", &format!("GET /{bucket}/large"), &[], "").unwrap().1.ends_with(&large));

    let put = format!("PUT /{bucket}/chunked");
    let body = "5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\nTrailer: 1\r\n\r\n";
    assert_eq!(send(&seen, "s3", &put, &["Transfer-Encoding: chunked"], body).unwrap().0, 200);
    assert!(send(&seen, "s3", &format!("GET /{bucket}/chunked"), &[], "").unwrap().1.ends_with("\r\n\r\nhello, world"));
    let head = send(&seen, "s3", &format!("HEAD /{bucket}/chunked"), &[], "").unwrap();
    assert_eq!(head.0, 200, "{}", head.1);
}

#[test]
fn the_proxy_throttles_every_nth_call() {
    let proxy = Proxy::new(Emulator::shared()).throttle(on("iam:ListUsers").every(3));
    let seen = Account::new().through(&proxy);
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(form(&seen, "iam", "Action=ListUsers&Version=2010-05-08").unwrap().0);
    }
    assert_eq!(statuses, [200, 200, 400, 200, 200, 400]);
}

#[test]
fn the_proxy_cuts_before_and_after() {
    let account = Account::new();
    let proxy = Proxy::new(Emulator::shared())
        .cut_before(on("iam:CreateUser").about("never"))
        .cut_after(on("iam:CreateUser").about("unheard").first(1));
    let seen = account.through(&proxy);
    assert_eq!(create_user(&seen, "never"), None);
    assert_eq!(create_user(&seen, "unheard"), None);
    assert!(!users(&account).contains("never"));
    assert!(users(&account).contains("unheard"));
    let (status, answer) = create_user(&seen, "unheard").unwrap();
    assert!(status == 409 && answer.contains("EntityAlreadyExists"), "{answer}");
}

#[test]
fn the_proxy_answers_delays_and_interferes() {
    let account = Account::new();
    let behind = account.clone();
    let proxy = Proxy::new(Emulator::shared())
        .delay("iam:ListUsers", Duration::from_millis(300))
        .rule(on("iam:ListUsers").first(1), move |_| {
            create_user(&behind, "meanwhile").unwrap();
            Verdict::Pass
        })
        .answer(on("iam:ListUsers").after(1), Response::new(299, "mine"))
        .fail("s3:ListBuckets", 403, "InvalidAccessKeyId", "unknown key");
    let seen = account.through(&proxy);
    let start = Instant::now();
    assert!(users(&seen).contains("meanwhile"));
    assert!(start.elapsed() >= Duration::from_millis(300));
    let (status, answer) = form(&seen, "iam", "Action=ListUsers&Version=2010-05-08").unwrap();
    assert!(status == 299 && answer.ends_with("\r\n\r\nmine"), "{answer}");
    let (status, answer) = send(&seen, "s3", "GET /", &[], "").unwrap();
    assert!(status == 403 && answer.contains("<Error><Code>InvalidAccessKeyId</Code>"), "{answer}");
}

fn post(sink: &HttpSink, path: &str, body: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(sink.url().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    write!(stream, "POST {path} HTTP/1.1\r\nHost: sink\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some((answer.split(' ').nth(1)?.parse().ok()?, answer))
}

#[test]
fn the_sink_follows_its_script_and_remembers() {
    let sink = HttpSink::new([
        Reply::too_many(Some(2)),
        Reply::too_many(None),
        Reply::status(500, "server_error"),
        Reply::Hang,
        Reply::Cut,
    ]);
    let (status, answer) = post(&sink, "/services/T/B/x", "{\"text\":\"1\"}").unwrap();
    assert!(status == 429 && answer.contains("Retry-After: 2\r\n"), "{answer}");
    let (status, answer) = post(&sink, "/services/T/B/x", "{\"text\":\"2\"}").unwrap();
    assert!(status == 429 && !answer.contains("Retry-After"), "{answer}");
    assert_eq!(post(&sink, "/", "{\"text\":\"3\"}").unwrap().0, 500);
    let start = Instant::now();
    assert_eq!(post(&sink, "/", "{\"text\":\"4\"}"), None);
    assert!(start.elapsed() >= Duration::from_millis(300), "a hanging server says nothing, it does not close");
    assert_eq!(sink.left(), [Reply::Cut]);
    assert_eq!(post(&sink, "/", "{\"text\":\"5\"}"), None);
    assert_eq!(post(&sink, "/", "{\"text\":\"6\"}").unwrap().0, 200);

    let texts: Vec<_> = sink.json().iter().map(|body| body["text"].as_str().unwrap().to_owned()).collect();
    assert_eq!(texts, ["1", "2", "3", "4", "5", "6"]);
    assert_eq!(sink.requests()[0].path(), "/services/T/B/x");
    assert_eq!(sink.times().len(), 6);
}

#[test]
fn tools_run_with_nothing_of_the_callers_but_the_path() {
    let account = Account::new();
    let ran = account.tool("/bin/sh").args(["-c", "env; pwd"]).run().exits(0);
    let mut names: Vec<String> = Vec::new();
    for line in ran.text().lines() {
        // What the shell itself adds.
        let name = line.split('=').next().unwrap_or_default();
        if !["PWD", "SHLVL", "_", "OLDPWD"].contains(&name) && line.contains('=') {
            names.push(name.to_owned());
        }
    }
    names.sort();
    let mut expected: Vec<&str> = account.env().iter().map(|(name, _)| *name).collect();
    expected.extend(["HOME", "PATH"]);
    expected.sort_unstable();
    assert_eq!(names, expected, "{ran}");

    let bare = Tool::new("/bin/sh").args(["-c", "env"]).run();
    assert!(!bare.text().contains("AWS_"), "{bare}");
    let without = account.tool("/bin/sh").without_env("AWS_SESSION_TOKEN").env("AWS_REGION", "eu-west-1");
    let text = without.args(["-c", "env"]).run().text();
    assert!(!text.contains("AWS_SESSION_TOKEN") && text.contains("AWS_REGION=eu-west-1"), "{text}");
}

#[test]
fn a_tool_reads_what_the_one_before_wrote() {
    let records = ndjson(&[json!({"kind": "a", "n": 1}), json!({"kind": "b", "n": 2}), json!({"kind": "a", "n": 3})]);
    let ran = Tool::new("/bin/cat").stdin(records).run().exits(0);
    assert_eq!(ran.kind("a").len(), 2);
    assert_eq!(ran.one(&json!({"n": 2})), json!({"kind": "b", "n": 2}));
    let edited = ran.pipe_edited("/bin/cat", |records| records.truncate(1)).run().exits(0);
    assert_eq!(edited.text(), "{\"kind\":\"a\",\"n\":1}\n");
    let _ = edited.pipe("/bin/sh").args(["-c", "wc -l; echo oh >&2; exit 3"]).run().exits(3).says("oh");
}

#[test]
#[should_panic(expected = "--- stderr:\noh")]
fn an_unexpected_exit_shows_what_was_said() {
    let _ = Tool::new("/bin/sh").args(["-c", "echo oh >&2; exit 3"]).run().exits(0);
}

#[test]
#[should_panic(expected = "without kind as its first field")]
fn a_record_begins_with_its_kind() {
    Tool::new("/bin/sh").args(["-c", r#"echo '{"n":1,"kind":"a"}'"#]).run().records();
}

#[test]
#[should_panic(expected = "the last line of stdout is cut off")]
fn a_record_ends_with_its_line() {
    Tool::new("/bin/sh").args(["-c", r#"printf '{"kind":"a"}'"#]).run().records();
}

#[test]
#[should_panic(expected = "ended by a signal")]
fn a_tool_that_hangs_is_ended() {
    Tool::new("/bin/sleep").arg("60").time_limit(Duration::from_millis(200)).run();
}
