//! The harness itself: what the other tests rely on.

use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use aws_sdk_s3::error::ProvideErrorMetadata;
use serde_json::json;
use tests::http::{Request, Response};
use tests::{Account, Call, Emulator, HttpSink, Proxy, Reply, Tool, Verdict, ndjson, on};

fn iam(account: &Account, form: &str) -> io::Result<Response> {
    account.call("iam", Request::form(format!("Version=2010-05-08&{form}")))
}

fn users(account: &Account) -> io::Result<String> {
    Ok(iam(account, "Action=ListUsers")?.text())
}

fn create_user(account: &Account, name: &str) -> io::Result<Response> {
    iam(account, &format!("Action=CreateUser&UserName={name}"))
}

fn s3(account: &Account, method: &str, target: &str) -> io::Result<Response> {
    account.call("s3", Request::new(method, target))
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

    assert_eq!(create_user(&one, "alice").unwrap().status, 200);
    assert!(users(&one).unwrap().contains(&format!("arn:aws:iam::{}:user/alice", one.id())));
    assert!(!users(&other).unwrap().contains("alice"));
    assert!(users(&Account::with_id(one.id())).unwrap().contains("alice"));
}

#[test]
fn the_emulator_starts_without_images_of_its_own() {
    let request = Request::form("Action=DescribeImages&Version=2016-11-15&Owner.1=amazon");
    let answer = Account::new().call("ec2", request).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(!answer.text().contains("<imageId>"), "{answer:?}");
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
        // Where nobody reaps orphans (a container without init), the dead stay listed as Z. Where there is no /proc, the
        // port has to do.
        let stat = std::fs::read_to_string(format!("/proc/{process_id}/stat"));
        stat.map_or(true, |stat| stat.contains(") Z "))
    });
}

#[test]
fn the_proxy_denies_records_and_lets_the_rest_pass() {
    let account = Account::new();
    let proxy = Proxy::new(Emulator::shared()).deny("iam:ListUsers").deny("ec2:*");
    let seen = account.through(&proxy);

    assert_eq!(create_user(&seen, "alice").unwrap().status, 200);
    let answer = iam(&seen, "Action=ListUsers").unwrap();
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("<Code>AccessDenied</Code>"), "{answer:?}");
    let request = Request::form("Action=DescribeInstances&Version=2016-11-15");
    assert_eq!(seen.call("ec2", request).unwrap().status, 403);
    assert!(users(&account).unwrap().contains("alice"), "only the proxy denies");

    let counts: Vec<(String, usize)> = proxy.counts().into_iter().collect();
    let expected = [("ec2:DescribeInstances", 1), ("iam:CreateUser", 1), ("iam:ListUsers", 1)];
    assert_eq!(counts, expected.map(|(name, count)| (name.to_owned(), count)));
    assert_eq!(proxy.count("iam:*"), 2);
    assert_eq!(proxy.count(on("*").about("alice")), 1);
    assert!(proxy.calls().iter().all(|call| call.access_key == account.credentials().access_key_id));

    proxy.reset();
    assert!(users(&seen).unwrap().contains("alice"));
    assert_eq!(proxy.count("*"), 1);
}

#[test]
fn the_proxy_denies_buckets_one_by_one() {
    let account = Account::new();
    let proxy = Proxy::new(Emulator::shared()).deny(on("s3:GetBucketAcl").about("closed"));
    let seen = account.through(&proxy);
    for name in ["open", "closed"] {
        let bucket = format!("/{name}-{}", account.id());
        assert_eq!(s3(&seen, "PUT", &bucket).unwrap().status, 200);
        let answer = s3(&seen, "GET", &format!("{bucket}?acl")).unwrap();
        assert_eq!(answer.status, if name == "open" { 200 } else { 403 }, "{answer:?}");
    }
    assert_eq!(proxy.count("s3:GetBucketAcl"), 2);
}

#[test]
fn the_proxy_carries_bodies_of_any_size_and_coding() {
    let account = Account::new();
    let proxy = Proxy::new(Emulator::shared());
    let seen = account.through(&proxy);
    let bucket = format!("/large-{}", account.id());
    assert_eq!(s3(&seen, "PUT", &bucket).unwrap().status, 200);

    let large = "0123456789abcdef".repeat(200_000);
    let request = Request::new("PUT", &format!("{bucket}/large")).body(large.as_str());
    assert_eq!(seen.call("s3", request).unwrap().status, 200);
    assert!(s3(&seen, "GET", &format!("{bucket}/large")).unwrap().text() == large);

    // By hand, what `call` does not do: chunks, and to ask before sending.
    let mut stream = TcpStream::connect(proxy.url().trim_start_matches("http://")).unwrap();
    let scope = format!("{}/20260101/us-east-1/s3/aws4_request", account.credentials().access_key_id);
    write!(
        stream,
        "PUT {bucket}/chunked HTTP/1.1\r\nHost: s3\r\nAuthorization: AWS4-HMAC-SHA256 Credential={scope}\r\n\
         Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    .unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).unwrap();
    assert_eq!(go_on, *b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\nTrailer: 1\r\n\r\n").unwrap();
    assert_eq!(Response::read(&stream).unwrap().status, 200);
    assert_eq!(s3(&seen, "GET", &format!("{bucket}/chunked")).unwrap().text(), "hello, world");

    let head = s3(&seen, "HEAD", &format!("{bucket}/chunked")).unwrap();
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[test]
fn the_proxy_throttles_every_nth_call() {
    let proxy = Proxy::new(Emulator::shared()).throttle(on("iam:ListUsers").every(3));
    let seen = Account::new().through(&proxy);
    let statuses: Vec<u16> = (0..6).map(|_| iam(&seen, "Action=ListUsers").unwrap().status).collect();
    assert_eq!(statuses, [200, 200, 400, 200, 200, 400]);
}

#[test]
fn the_proxy_cuts_before_and_after() {
    let account = Account::new();
    let proxy = Proxy::new(Emulator::shared())
        .cut_before(on("iam:CreateUser").about("never"))
        .cut_after(on("iam:CreateUser").about("unheard").first(1));
    let seen = account.through(&proxy);
    create_user(&seen, "never").unwrap_err();
    create_user(&seen, "unheard").unwrap_err();
    let users = users(&account).unwrap();
    assert!(users.contains("unheard") && !users.contains("never"), "{users}");
    let answer = create_user(&seen, "unheard").unwrap();
    assert!(answer.status == 409 && answer.text().contains("EntityAlreadyExists"), "{answer:?}");
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
    assert!(users(&seen).unwrap().contains("meanwhile"));
    assert!(start.elapsed() >= Duration::from_millis(300));
    let answer = iam(&seen, "Action=ListUsers").unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (299, "mine"));
    let answer = s3(&seen, "GET", "/").unwrap();
    assert!(answer.status == 403 && answer.text().contains("<Code>InvalidAccessKeyId</Code>"), "{answer:?}");
}

#[tokio::test]
async fn the_sdk_reads_the_errors_of_the_proxy() {
    let proxy = Proxy::new(Emulator::shared()).deny("*");
    let sdk = Account::new().through(&proxy).sdk();
    let code = |error: &dyn ProvideErrorMetadata| error.code().unwrap_or("none").to_owned();
    let s3 = aws_sdk_s3::Client::new(&sdk).get_bucket_policy().bucket("any").send().await.unwrap_err();
    assert_eq!(code(&s3), "AccessDenied");
    let ec2 = aws_sdk_ec2::Client::new(&sdk).describe_instances().send().await.unwrap_err();
    assert_eq!(code(&ec2), "UnauthorizedOperation");
    let iam = aws_sdk_iam::Client::new(&sdk).list_users().send().await.unwrap_err();
    assert_eq!(code(&iam), "AccessDenied");
    let sts = aws_sdk_sts::Client::new(&sdk).get_caller_identity().send().await.unwrap_err();
    assert_eq!(code(&sts), "AccessDenied");
    let sns = aws_sdk_sns::Client::new(&sdk).list_topics().send().await.unwrap_err();
    assert_eq!(code(&sns), "AuthorizationError");
    let sqs = aws_sdk_sqs::Client::new(&sdk).list_queues().send().await.unwrap_err();
    assert_eq!(code(&sqs), "AccessDenied");
    let names: Vec<String> = proxy.calls().iter().map(Call::name).collect();
    let expected = ["s3:GetBucketPolicy", "ec2:DescribeInstances", "iam:ListUsers", "sts:GetCallerIdentity"];
    assert_eq!(names[..4], expected);
    assert_eq!(names[4..], ["sns:ListTopics", "sqs:ListQueues"]);
}

fn post(sink: &HttpSink, path: &str, body: &str) -> io::Result<Response> {
    let mut stream = TcpStream::connect(sink.url().trim_start_matches("http://"))?;
    stream.set_read_timeout(Some(Duration::from_millis(300)))?;
    write!(stream, "POST {path} HTTP/1.1\r\nHost: sink\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
    Response::read(&stream)
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
    let retry_after = |answer: &Response| answer.headers.iter().find(|(name, _)| name == "Retry-After").cloned();
    let answer = post(&sink, "/services/T/B/x", r#"{"text":"1"}"#).unwrap();
    assert_eq!((answer.status, retry_after(&answer).unwrap().1.as_str()), (429, "2"));
    let answer = post(&sink, "/services/T/B/x", r#"{"text":"2"}"#).unwrap();
    assert_eq!((answer.status, retry_after(&answer)), (429, None));
    assert_eq!(post(&sink, "/", r#"{"text":"3"}"#).unwrap().status, 500);
    let hanging = post(&sink, "/", r#"{"text":"4"}"#).unwrap_err();
    assert!([ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&hanging.kind()), "silent, not closed: {hanging}");
    assert_eq!(sink.left(), [Reply::Cut]);
    let cut = post(&sink, "/", r#"{"text":"5"}"#).unwrap_err();
    assert!([ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset].contains(&cut.kind()), "{cut}");
    assert_eq!(post(&sink, "/", r#"{"text":"6"}"#).unwrap().status, 200);

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
