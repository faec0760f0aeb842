//! SES that answers in every way.

use std::time::Duration;

use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::config::{BehaviorVersion, Builder, Credentials, Region};
use common::exit::Exit;
use common::record::DeliveryStatus::{Delivered, Failed};
use common::settings::Aws;
use serde_json::Value;

use crate::channels::{Channel, Mail};

use super::server::{Answer, Server};
use super::{findings, run};

fn mail(url: &str, to: &[String]) -> Channel {
    let config = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("AKIAEXAMPLE", "secret", None, None, "test"))
        .endpoint_url(url)
        .build();
    let mail = Mail::new(Some("sluice@acme.example"), to, ("from", "to"), None, None, &Aws::default()).unwrap();
    let mut mail = mail.with_client(Client::from_conf(config));
    assert_eq!(mail.spacing, Duration::from_secs(1), "what the sandbox allows");
    mail.spacing = Duration::ZERO;
    Channel::Mail(mail)
}

const SENT: Answer = Answer::Http(200, "Content-Type: application/json\r\n", r#"{"MessageId":"m-1"}"#);

macro_rules! error {
    ($status:literal, $code:literal) => {
        Answer::Http(
            $status,
            concat!("Content-Type: application/json\r\nX-Amzn-ErrorType: ", $code, "\r\n"),
            r#"{"message":"it says"}"#,
        )
    };
}

#[test]
fn the_answer_decides_how_often_a_mail_is_sent() {
    let refused = |code: &str| format!("ses:SendEmail failed: {code}: it says");
    let rows = [
        ("200", vec![SENT], 1, None),
        ("too many", vec![error!(429, "TooManyRequestsException"), SENT], 2, None),
        ("limit", vec![error!(400, "LimitExceededException"), SENT], 2, None),
        ("500", vec![error!(500, "InternalFailure"), SENT], 2, None),
        ("cut", vec![Answer::Cut, SENT], 2, None),
        ("hang", vec![Answer::Hang(Duration::from_secs(2)), SENT], 2, None),
        ("rejected", vec![error!(400, "MessageRejected")], 1, Some(refused("MessageRejected"))),
        ("paused", vec![error!(400, "SendingPausedException")], 1, Some(refused("SendingPausedException"))),
        ("denied", vec![error!(403, "AccessDeniedException")], 1, Some(refused("AccessDeniedException"))),
        ("bad", vec![error!(400, "BadRequestException")], 1, Some(refused("BadRequestException"))),
    ];
    for (name, answers, times, error) in rows {
        let server = Server::start(answers);
        let ran = run(&["--deadline", "20s"], &findings(1), vec![mail(&server.url, &["a@acme.example".to_owned()])]);
        let requests = server.requests();
        assert_eq!(requests.len(), times, "{name}: {ran:?}");
        let delivery = &ran.deliveries[0];
        let status = if error.is_none() { Delivered } else { Failed };
        assert_eq!((delivery.status, delivery.attempts as usize), (status, times), "{name}: {delivery:?}");
        assert_eq!(delivery.message_id.as_deref(), error.is_none().then_some("m-1"), "{name}");
        assert!(
            delivery.error.as_deref().unwrap_or_default().contains(&error.clone().unwrap_or_default()),
            "{delivery:?}"
        );
        assert_eq!(delivery.target, "a@acme.example");
        assert_eq!(ran.exit, Ok(if error.is_none() { Exit::Done } else { Exit::Incomplete }), "{name}");
        for request in &requests {
            assert!(request.head.starts_with("POST /v2/email/outbound-emails HTTP/1.1"), "{}", request.head);
            assert_eq!(request.body, requests[0].body, "the same is sent again");
        }
    }
}

#[test]
fn a_failed_mail_takes_nothing_from_the_other_recipients() {
    let to: Vec<String> = (0..60).map(|index| format!("a{index}@acme.example")).collect();
    let server = Server::start(vec![error!(400, "MessageRejected"), SENT]);
    let ran = run(&["--deadline", "20s"], &findings(2), vec![mail(&server.url, &to)]);
    assert_eq!(ran.exit, Ok(Exit::Incomplete));
    let counts: Vec<usize> = server
        .requests()
        .iter()
        .map(|request| {
            let mail: Value = serde_json::from_str(&request.body).unwrap();
            mail["Destination"]["ToAddresses"].as_array().unwrap().len()
        })
        .collect();
    assert_eq!(counts, [50, 10]);
    let statuses: Vec<_> = ran.deliveries.iter().map(|delivery| delivery.status).collect();
    assert_eq!(statuses, [Failed, Delivered]);
}
