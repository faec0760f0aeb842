//! A topic that answers in every way.

use std::time::Duration;

use aws_sdk_sns::Client;
use aws_sdk_sns::config::{BehaviorVersion, Builder, Credentials, Region};
use common::exit::Exit;
use common::record::DeliveryStatus;
use common::settings::Aws;

use crate::channels::{Channel, Sns};

use super::server::{Answer, Server};
use super::{alerts, findings, run};

const PUBLISHED: &str = "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>\
    <MessageId>m-1</MessageId></PublishResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>\
    </PublishResponse>";

macro_rules! error {
    ($code:literal) => {
        concat!(
            "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type><Code>",
            $code,
            "</Code><Message>it says</Message></Error><RequestId>r-2</RequestId></ErrorResponse>"
        )
    };
}

fn sns(url: &str, topic: &str) -> Vec<Channel> {
    let config = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("AKIAEXAMPLE", "secret", None, None, "test"))
        .endpoint_url(url)
        .build();
    let topic = format!("arn:aws:sns:eu-west-1:444455556666:{topic}").parse().unwrap();
    vec![Channel::Sns(Sns::with_client(topic, Client::from_conf(config)))]
}

fn fields(body: &str) -> Vec<(String, String)> {
    let url = reqwest::Url::parse(&format!("http://localhost/?{body}")).unwrap();
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

#[test]
fn the_answer_decides_how_often_a_message_is_published() {
    use DeliveryStatus::{Delivered, Failed};
    let ok = Answer::Http(200, "", PUBLISHED);
    let rows = [
        ("200", vec![ok.clone()], 1, Delivered, None),
        ("throttled", vec![Answer::Http(400, "", error!("Throttling")), ok.clone()], 2, Delivered, None),
        ("500", vec![Answer::Http(500, "", error!("InternalError")), ok.clone()], 2, Delivered, None),
        ("cut", vec![Answer::Cut, ok.clone()], 2, Delivered, None),
        ("hang", vec![Answer::Hang(Duration::from_secs(2)), ok], 2, Delivered, None),
        ("denied", vec![Answer::Http(403, "", error!("AuthorizationError"))], 1, Failed, Some("AuthorizationError")),
        (
            "gone",
            vec![Answer::Http(404, "", error!("NotFound"))],
            1,
            Failed,
            Some("sns:Publish failed: NotFound: it says"),
        ),
    ];
    for (name, answers, times, status, error) in rows {
        let server = Server::start(answers);
        let ran = run(&["--deadline", "5s"], &findings(1), sns(&server.url, "alerts"));
        let requests = server.requests();
        assert_eq!(requests.len(), times, "{name}: {ran:?}");
        let delivery = &ran.deliveries[0];
        assert_eq!((delivery.status, delivery.attempts as usize), (status, times), "{name}: {delivery:?}");
        assert_eq!(delivery.message_id.as_deref(), (status == Delivered).then_some("m-1"), "{name}");
        if let Some(error) = error {
            assert!(delivery.error.as_ref().unwrap().contains(error), "{name}: {delivery:?}");
        }
        assert_eq!(ran.exit, Ok(if status == Failed { Exit::Incomplete } else { Exit::Done }), "{name}");
        let fields = fields(&requests[0].body);
        let field = |name: &str| fields.iter().find(|field| field.0 == name).map(|field| field.1.as_str());
        assert_eq!(field("Action"), Some("Publish"));
        assert_eq!(field("TopicArn"), Some("arn:aws:sns:eu-west-1:444455556666:alerts"));
        assert_eq!(field("Subject"), Some("000000000001: 1 high"));
        assert!(field("Message").unwrap().contains("arn:aws:s3:::b0"));
        assert_eq!(field("MessageGroupId"), None);
    }
}

#[test]
fn a_fifo_topic_gets_the_ids_that_it_asks_for() {
    let server = Server::start(vec![Answer::Http(500, "", ""), Answer::Http(200, "", PUBLISHED)]);
    let ran = run(&["--deadline", "5s"], &findings(1), sns(&server.url, "alerts.fifo"));
    assert_eq!(ran.exit, Ok(Exit::Done), "{ran:?}");
    let ids: Vec<_> = server
        .requests()
        .iter()
        .map(|request| {
            fields(&request.body)
                .into_iter()
                .filter(|field| field.0.starts_with("Message") && field.0.ends_with("Id"))
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(ids[0].len(), 2);
    assert_eq!(ids[0], ids[1], "a retry is the same message");
}

#[test]
fn a_channel_that_cannot_be_opened_fails_each_message() {
    let topic = "arn:aws:sns:eu-west-1:444455556666:alerts".parse().unwrap();
    // The profile is in no file, so nothing is sent anywhere.
    let profile = Some("sluice-notify-test-no-such-profile".to_owned());
    let sns = Channel::Sns(Sns::new(topic, profile, &Aws::default()));
    let ran = run(&["--deadline", "5s"], &alerts(2), vec![sns]);
    assert_eq!(ran.exit, Ok(Exit::CannotStart), "{ran:?}");
    assert_eq!(ran.deliveries.len(), 2);
    for delivery in &ran.deliveries {
        assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Failed, 0));
        assert!(delivery.error.as_ref().unwrap().contains("sluice-notify-test-no-such-profile"), "{delivery:?}");
    }
}
