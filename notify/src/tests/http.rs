//! PagerDuty and a webhook that answer in every way.

use std::time::Duration;

use common::aws::block_on;
use common::exit::Exit;
use common::record::DeliveryStatus::{Delivered, Failed};
use serde_json::Value;
use tokio::time::timeout;

use crate::channels::http::Webhook;
use crate::channels::secret::{Secret, SecretKind};
use crate::channels::{Channel, JsonWebhook, Message, Pagerduty};
use crate::send::Policy;

use super::server::{Answer, Server};
use super::{Ran, findings, run};

const KEY: &str = "R0SeCrEt0123456789abcdef01234567";
const PATH: &str = "/hooks/SeCrEt?token=SeCrEt";

fn pagerduty(url: &str, spacing: Duration) -> Channel {
    let url = Webhook::parse(&format!("{url}/v2/enqueue"), "it").unwrap();
    let mut pagerduty = Pagerduty::at(url, Secret::parse(SecretKind::RoutingKey, KEY, "it").unwrap()).unwrap();
    pagerduty.spacing = spacing;
    Channel::Pagerduty(pagerduty)
}

fn webhook(url: &str) -> Channel {
    let authorization = Secret::parse(SecretKind::Authorization, "Bearer SeCrEt", "it").unwrap();
    let url = Webhook::parse(&format!("{url}{PATH}"), "it").unwrap();
    Channel::Webhook(JsonWebhook::new(url, Some(&authorization)).unwrap())
}

fn against(answers: Vec<Answer>, make: impl Fn(&str) -> Channel, accounts: usize) -> (Ran, Server) {
    let server = Server::start(answers);
    let ran = run(&["--deadline", "20s"], &findings(accounts), vec![make(&server.url)]);
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains("SeCrEt"), "{text}");
    }
    (ran, server)
}

#[test]
fn the_answer_decides_how_often_it_is_sent() {
    const ACCEPTED: &str = r#"{"status":"success","message":"Event processed","dedup_key":"k"}"#;
    const INVALID: &str = r#"{"status":"invalid event","message":"Event object is invalid","errors":["Length of 'routing_key' is incorrect (should be 32 characters)"]}"#;
    let ok = Answer::Http(202, "", ACCEPTED);
    let rows = [
        ("200", vec![Answer::Http(200, "", "")], 1, None),
        ("202", vec![ok.clone()], 1, None),
        ("429 with seconds", vec![Answer::Http(429, "Retry-After: 1\r\n", ""), ok.clone()], 2, None),
        ("429 without a time", vec![Answer::Http(429, "", ""), ok.clone()], 2, None),
        ("500", vec![Answer::Http(500, "", "SeCrEt"), ok.clone()], 2, None),
        ("500 for ever", vec![Answer::Http(500, "", "SeCrEt")], 3, Some("HTTP 500")),
        ("400", vec![Answer::Http(400, "", INVALID)], 1, Some("HTTP 400")),
        (
            "403 that repeats the secret",
            vec![Answer::Http(403, "", r#"{"message":"no R0SeCrEt0123456789abcdef01234567"}"#)],
            1,
            Some("HTTP 403"),
        ),
        ("302", vec![Answer::Http(302, "Location: /SeCrEt\r\n", "")], 1, Some("redirects are not followed")),
        ("cut", vec![Answer::Cut, ok.clone()], 2, None),
        ("hang", vec![Answer::Hang(Duration::from_secs(2)), ok], 2, None),
        ("hang for ever", vec![Answer::Hang(Duration::from_secs(5))], 3, Some("it may have arrived")),
    ];
    let pagerduty = |url: &str| pagerduty(url, Duration::ZERO);
    for (name, answers, times, error) in rows {
        for (channel, make) in [("pagerduty", &pagerduty as &dyn Fn(&str) -> Channel), ("webhook", &webhook)] {
            let (ran, server) = against(answers.clone(), make, 1);
            let requests = server.requests();
            assert_eq!(requests.len(), times, "{channel}, {name}: {ran:?}");
            assert_eq!(ran.deliveries.len(), 1, "{channel}, {name}: {ran:?}");
            let delivery = &ran.deliveries[0];
            let status = if error.is_none() { Delivered } else { Failed };
            assert_eq!(
                (delivery.status, delivery.attempts as usize),
                (status, times),
                "{channel}, {name}: {delivery:?}"
            );
            assert_eq!((delivery.channel.as_str(), delivery.target.as_str()), (channel, "127.0.0.1"));
            let said = delivery.error.as_deref().unwrap_or_default();
            assert!(said.contains(error.unwrap_or_default()), "{channel}, {name}: {said}");
            let repeats = said.contains("Length of 'routing_key' is incorrect");
            assert_eq!(repeats, channel == "pagerduty" && name == "400", "PagerDuty's own words alone: {said}");
            let exit = if error.is_none() { Exit::Done } else { Exit::Incomplete };
            assert_eq!(ran.exit, Ok(exit), "{channel}, {name}");
            for request in &requests {
                assert_eq!(request.body, requests[0].body, "the same is sent again");
                assert!(request.head.to_ascii_lowercase().contains("content-type: application/json"));
            }
            if name == "429 with seconds" {
                let waited = requests[1].at - requests[0].at;
                assert!(waited >= Duration::from_millis(950), "{channel}: {waited:?}");
            }
        }
    }
}

#[test]
fn each_problem_is_an_event_of_its_own_with_the_key() {
    let (ran, server) = against(vec![Answer::Http(202, "", "")], |url| pagerduty(url, Duration::ZERO), 3);
    assert_eq!((ran.exit, ran.deliveries.len()), (Ok(Exit::Done), 3));
    let mut keys: Vec<String> = Vec::new();
    for request in server.requests() {
        assert!(request.head.starts_with("POST /v2/enqueue HTTP/1.1"), "{}", request.head);
        let event: Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!((&event["routing_key"], &event["event_action"]), (&KEY.into(), &"trigger".into()));
        keys.push(event["dedup_key"].as_str().unwrap().to_owned());
    }
    keys.sort();
    assert_eq!(keys, [0, 1, 2].map(|index| format!("s3_bucket_public_acl:arn:aws:s3:::b{index}")));
}

#[test]
fn events_are_spaced() {
    let spacing = Duration::from_millis(300);
    let (_, server) = against(vec![Answer::Http(202, "", "")], |url| pagerduty(url, spacing), 3);
    for pair in server.requests().windows(2) {
        // When they come, not when they were sent: on a busy machine the first of two may be seen late.
        assert!(pair[1].at - pair[0].at >= spacing / 3);
    }
    let key = Secret::parse(SecretKind::RoutingKey, KEY, "it").unwrap();
    assert_eq!(Pagerduty::new(key, false).unwrap().spacing, Duration::from_millis(500));
}

#[test]
fn a_webhook_gets_all_in_one_object() {
    let (ran, server) = against(vec![Answer::Http(204, "", "")], webhook, 3);
    assert_eq!((ran.exit, ran.deliveries.len()), (Ok(Exit::Done), 1));
    let requests = server.requests();
    assert!(requests[0].head.starts_with(&format!("POST {PATH} HTTP/1.1")), "{}", requests[0].head);
    assert!(requests[0].head.contains("authorization: Bearer SeCrEt"), "{}", requests[0].head);
    let object: Value = serde_json::from_str(&requests[0].body).unwrap();
    assert_eq!((&object["kind"], &object["counts"]["records"]), (&"message".into(), &3.into()));
    assert_eq!(object["accounts"].as_array().unwrap().len(), 3);
}

#[test]
fn a_rehearsal_shows_no_secret() {
    for (make, field) in [
        (&(|url: &str| pagerduty(url, Duration::ZERO)) as &dyn Fn(&str) -> Channel, "dedup_key"),
        (&webhook, "accounts"),
    ] {
        let server = Server::start(vec![Answer::Cut]);
        let ran = run(&["--dry-run"], &findings(1), vec![make(&server.url)]);
        let record: Value = serde_json::from_str(ran.stdout.lines().next().unwrap()).unwrap();
        assert!(!record["payload"][field].is_null(), "{record}");
        assert!(!ran.stdout.contains("SeCrEt") && !ran.stderr.contains("SeCrEt"), "{ran:?}");
        assert_eq!(server.requests().len(), 0);
    }
}

#[test]
fn who_has_said_yes_and_falls_silent_is_not_asked_again() {
    // Its body never comes.
    let server = Server::start(vec![Answer::Silent(202, Duration::from_mins(1))]);
    for channel in [pagerduty(&server.url, Duration::ZERO), webhook(&server.url)] {
        let message = Message {
            subject: String::new(),
            body: "{}".to_owned(),
            plain: None,
            keys: Vec::new(),
            about: String::new(),
        };
        let attempt = Policy::default().timeout;
        let answer = block_on(async { Ok(timeout(attempt, channel.send(&message)).await) }).unwrap();
        assert_eq!(answer.unwrap(), Ok(None), "{channel:?}");
    }
    assert_eq!(server.requests().len(), 2);
}
