//! A webhook that answers in every way.

use std::time::{Duration, Instant};

use common::exit::Exit;
use common::record::DeliveryStatus::{Delivered, Failed};

use crate::channels::http::Webhook;
use crate::channels::{Channel, Slack};

use super::server::{Answer, Server};
use super::{Ran, alerts, findings, run};

const SECRET: &str = "T000/B000/SeCrEt";
const OK: Answer = Answer::Http(200, "", "ok");

pub(super) fn slack(url: &str, spacing: Duration) -> Vec<Channel> {
    let mut slack = Slack::new(Webhook::parse(&format!("{url}/services/{SECRET}"), "it").unwrap()).unwrap();
    slack.spacing = spacing;
    vec![Channel::Slack(slack)]
}

fn against(answers: Vec<Answer>, input: &str) -> (Ran, Server) {
    let server = Server::start(answers);
    let ran = run(&["--deadline", "10s"], input, slack(&server.url, Duration::ZERO));
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains("SeCrEt") && !text.contains("T000"), "{text}");
    }
    (ran, server)
}

#[test]
fn the_answer_decides_how_often_a_message_is_sent() {
    let rows = [
        ("200", vec![OK], 1, Delivered, None),
        ("200 without ok", vec![Answer::Http(200, "", "")], 1, Delivered, None),
        ("429 with seconds", vec![Answer::Http(429, "Retry-After: 1\r\n", "rate_limited"), OK], 2, Delivered, None),
        (
            "429 with a date",
            vec![
                Answer::Http(
                    429,
                    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:49:38 GMT\r\n",
                    "",
                ),
                OK,
            ],
            2,
            Delivered,
            None,
        ),
        ("429 without a time", vec![Answer::Http(429, "", ""), OK], 2, Delivered, None),
        ("429 with nonsense", vec![Answer::Http(429, "Retry-After: soon\r\n", ""), OK], 2, Delivered, None),
        ("500 then 200", vec![Answer::Http(500, "", "rollup_error"), OK], 2, Delivered, None),
        ("500 for ever", vec![Answer::Http(500, "", "rollup_error")], 3, Failed, Some("HTTP 500: rollup_error")),
        ("400", vec![Answer::Http(400, "", "invalid_payload")], 1, Failed, Some("HTTP 400: invalid_payload")),
        ("404 of another server", vec![Answer::Http(404, "", "<p>/services/T000")], 1, Failed, Some("HTTP 404")),
        ("ok: false", vec![Answer::Http(200, "", r#"{"ok":false,"error":"invalid_blocks"}"#)], 1, Failed, None),
        ("302", vec![Answer::Http(302, "Location: /T000\r\n", "")], 1, Failed, Some("redirects are not followed")),
        ("cut, then 200", vec![Answer::Cut, OK], 2, Delivered, None),
        ("hang, then 200", vec![Answer::Hang(Duration::from_secs(2)), OK], 2, Delivered, None),
        ("hang for ever", vec![Answer::Hang(Duration::from_secs(5))], 3, Failed, Some("it may have arrived")),
    ];
    for (name, answers, times, status, error) in rows {
        let (ran, server) = against(answers, &findings(1));
        let requests = server.requests();
        assert_eq!(requests.len(), times, "{name}: {ran:?}");
        assert_eq!(ran.deliveries.len(), 1, "{name}");
        let delivery = &ran.deliveries[0];
        assert_eq!((delivery.status, delivery.attempts as usize), (status, times), "{name}: {delivery:?}");
        assert_eq!(delivery.error.is_some(), status == Failed, "{name}: {delivery:?}");
        if let Some(error) = error {
            assert!(delivery.error.as_ref().unwrap().contains(error), "{name}: {delivery:?}");
        }
        assert_eq!(delivery.target, "127.0.0.1", "{name}");
        assert_eq!(delivery.keys, ["s3_bucket_public_acl:arn:aws:s3:::b0"], "{name}");
        let expected = if status == Failed { Exit::Incomplete } else { Exit::Done };
        assert_eq!(ran.exit, Ok(expected), "{name}");
        assert_eq!(
            ran.stderr.contains("did not get 1 message on 1 record: "),
            status == Failed,
            "{name}: {}",
            ran.stderr
        );
        for request in &requests {
            assert!(request.head.starts_with("POST /services/T000/B000/SeCrEt HTTP/1.1"), "{}", request.head);
            assert!(request.head.to_ascii_lowercase().contains("content-type: application/json"), "{}", request.head);
            assert_eq!(request.body, requests[0].body, "the same is sent again");
            let payload: serde_json::Value = serde_json::from_str(&request.body).unwrap();
            assert_eq!(payload["blocks"][0]["type"], "header");
        }
        if name == "429 with seconds" || name == "429 with a date" {
            let waited = requests[1].at - requests[0].at;
            assert!(waited >= Duration::from_millis(950), "{name}: {waited:?}");
        }
    }
}

#[test]
fn nobody_listens() {
    let ran = run(&["--deadline", "3s"], &findings(1), slack(&Server::nobody(), Duration::ZERO));
    assert_eq!(ran.exit, Ok(Exit::Incomplete));
    assert_eq!(ran.deliveries[0].attempts, 3);
    let error = ran.deliveries[0].error.as_ref().unwrap();
    assert!(error.contains("Connection refused") && !error.contains("SeCrEt"), "{error}");
}

#[test]
fn one_failed_message_does_not_stop_the_next() {
    let (ran, server) = against(vec![Answer::Http(400, "", "invalid_payload"), OK], &alerts(3));
    assert_eq!(server.requests().len(), 3);
    let statuses: Vec<_> = ran.deliveries.iter().map(|delivery| delivery.status).collect();
    assert_eq!(statuses, [Failed, Delivered, Delivered]);
    assert_eq!(ran.exit, Ok(Exit::Incomplete));
}

#[test]
fn messages_are_spaced() {
    let server = Server::start(vec![OK]);
    let spacing = Duration::from_millis(300);
    let ran = run(&[], &alerts(4), slack(&server.url, spacing));
    assert_eq!(ran.exit, Ok(Exit::Done));
    let requests = server.requests();
    assert_eq!(requests.len(), 4);
    for pair in requests.windows(2) {
        // When they come, not when they were sent: on a busy machine the first of two may be seen late.
        assert!(pair[1].at - pair[0].at >= spacing / 3, "{:?}", pair[1].at - pair[0].at);
    }
    // A second is what Slack allows.
    assert_eq!(Slack::new(Webhook::parse(&server.url, "it").unwrap()).unwrap().spacing, Duration::from_secs(1));
}

#[test]
fn who_asks_to_wait_means_all_messages() {
    let (ran, server) = against(vec![Answer::Http(429, "Retry-After: 1\r\n", ""), OK], &alerts(2));
    assert_eq!(ran.exit, Ok(Exit::Done));
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests[1].at - requests[0].at >= Duration::from_millis(950));
}

#[test]
fn nothing_is_sent_after_the_deadline() {
    let start = Instant::now();
    let (ran, server) = against(vec![Answer::Http(429, "Retry-After: 300\r\n", "")], &alerts(3));
    assert!(start.elapsed() < Duration::from_secs(2), "it does not wait for what cannot be: {:?}", start.elapsed());
    assert_eq!(server.requests().len(), 1);
    let errors: Vec<_> = ran.deliveries.iter().map(|delivery| delivery.error.clone().unwrap()).collect();
    let late = "the deadline left no time to send it";
    assert_eq!(errors, ["HTTP 429; the deadline leaves no time to send it again", late, late]);
    let attempts: Vec<_> = ran.deliveries.iter().map(|delivery| delivery.attempts).collect();
    assert_eq!(attempts, [1, 0, 0]);
    assert_eq!(ran.exit, Ok(Exit::Incomplete));
    assert!(ran.stderr.contains("did not get 3 messages on 3 records"), "{}", ran.stderr);
}

#[test]
fn broken_input_and_a_good_message_are_incomplete() {
    let server = Server::start(vec![OK]);
    let ran = run(&[], &format!("nonsense\n{}", findings(1)), slack(&server.url, Duration::ZERO));
    assert_eq!(ran.exit, Ok(Exit::Incomplete));
    assert_eq!(ran.deliveries[0].status, Delivered);
    assert!(ran.stderr.contains("line 1: "), "{}", ran.stderr);
}

#[test]
fn one_dead_target_does_not_hold_up_another() {
    let (dead, alive) = (Server::start(vec![Answer::Hang(Duration::from_secs(5))]), Server::start(vec![OK]));
    let channels =
        [slack(&dead.url, Duration::ZERO), slack(&alive.url, Duration::ZERO)].into_iter().flatten().collect();
    let ran = run(&["--deadline", "2s"], &findings(1), channels);
    assert_eq!(ran.exit, Ok(Exit::Incomplete));
    // Written as soon as it was known: the one that arrived comes first.
    let statuses: Vec<_> = ran.deliveries.iter().map(|delivery| delivery.status).collect();
    assert_eq!(statuses, [Delivered, Failed]);
}
