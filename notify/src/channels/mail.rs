//! E-mail by SES: plain text, as SNS sends it, and the same as HTML.
//!
//! The sender has to be an identity that SES has verified in that region, and the credentials need `ses:SendEmail` on it.
//! In SES's sandbox the recipients have to be verified too, and one mail a second and 200 a day are all.
//! <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html>
//!
//! Nothing of a record becomes a header but the subject, which is one line: AWS makes the message of it, and the only
//! other headers are our own.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::config::Builder;
use aws_sdk_sesv2::config::retry::RetryConfig;
use aws_sdk_sesv2::error::BuildError;
use aws_sdk_sesv2::types;
use common::id::Region;
use common::settings::{self, Zone};
use serde::{Deserialize, Serialize};
use serde_json::Error;
use tokio::time::Instant;

use crate::digest::Digest;
use crate::entry::Alarm;
use crate::render::{html, text};
use crate::text::clean;

use super::address::{Address, AddressError};
use super::aws::{Login, fate};
use super::fingerprint::fingerprint;
use super::{Message, SendError};

/// How many addresses one mail may go to. <https://docs.aws.amazon.com/ses/latest/dg/quotas.html>
const RECIPIENTS: usize = 50;
/// One mail a second: what the sandbox allows. Out of it SES allows more, and nobody needs it here.
const SPACING: Duration = Duration::from_secs(1);
/// The most characters of a subject: more is not shown anywhere, and a line of a mail may have 998.
const SUBJECT: usize = 200;
const UTF_8: &str = "UTF-8";

/// Why there is no mail channel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MailError {
    /// There is no sender.
    #[error("mail needs a sender: give --mail-from ADDRESS, or notify.mail_from in the settings")]
    NoSender,
    /// There is nobody to send to.
    #[error("{0} names nobody: at least one e-mail address is expected")]
    Nobody(String),
    /// An address is none.
    #[error("{from}: {error}")]
    Address {
        /// Where it stood.
        from: String,
        /// Why.
        error: AddressError,
    },
}

/// Mail to some addresses.
#[derive(Debug)]
pub(crate) struct Mail {
    from: Address,
    to: Vec<Address>,
    target: String,
    region: Option<Region>,
    login: Login,
    client: Option<Client>,
    pub(crate) spacing: Duration,
}

/// A mail, as the request to SES has it: what `aws sesv2 send-email --cli-input-json` takes.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    from_email_address: String,
    destination: Destination,
    content: Content,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Destination {
    to_addresses: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    simple: Simple,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Simple {
    subject: Text,
    body: Body,
    headers: Vec<Header>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    text: Text,
    html: Text,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Text {
    data: String,
    charset: String,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Header {
    name: String,
    value: String,
}

/// What a mail says, whoever gets it.
struct Letter {
    subject: String,
    text: String,
    html: String,
    headers: Vec<Header>,
    keys: Vec<String>,
    about: String,
}

impl Mail {
    /// A channel from one address to others, each of which gets one mail however often it is named. `names` says where
    /// sender and recipients stood, for errors. Without a region it is that of the session.
    pub(crate) fn new(
        from: Option<&str>,
        to: &[String],
        names: (&str, &str),
        region: Option<Region>,
        profile: Option<String>,
        settings: &settings::Aws,
    ) -> Result<Self, MailError> {
        let parse = |text: &str, from: &str| {
            text.parse::<Address>().map_err(|error| MailError::Address { from: from.to_owned(), error })
        };
        let from = from.filter(|from| !from.trim().is_empty()).ok_or(MailError::NoSender)?;
        let from = parse(from, names.0)?;
        let mut seen = BTreeSet::new();
        let mut recipients = Vec::new();
        for text in to {
            let address = parse(text, names.1)?;
            if seen.insert(address.identity()) {
                recipients.push(address);
            }
        }
        if recipients.is_empty() {
            return Err(MailError::Nobody(names.1.to_owned()));
        }
        Ok(Self {
            target: recipients.iter().map(Address::bare).collect::<Vec<_>>().join(", "),
            from,
            to: recipients,
            region,
            login: Login::new(profile, settings),
            client: None,
            spacing: SPACING,
        })
    }

    #[cfg(test)]
    pub(crate) fn with_client(self, client: Client) -> Self {
        Self { client: Some(client), ..self }
    }

    /// The addresses.
    pub(super) fn target(&self) -> &str {
        &self.target
    }

    /// The mails that tell a digest: one for every fifty recipients.
    pub(super) fn messages(&self, digest: &Digest) -> Result<Vec<Message>, Error> {
        let letters = text::letters(digest);
        self.mails(&Letter {
            subject: digest.headline(),
            text: letters.into_iter().map(|letter| letter.body).collect::<Vec<_>>().join("\n"),
            html: html::digest(digest),
            headers: headers(None),
            keys: digest.entries().flat_map(|entry| &entry.keys).chain(&digest.counted.keys).cloned().collect(),
            about: digest.about(),
        })
    }

    /// The mails that tell an alert. Mail programs show those of one incident together.
    pub(super) fn alert(&self, alarm: &Alarm, zone: &Zone) -> Result<Vec<Message>, Error> {
        self.mails(&Letter {
            subject: alarm.subject.clone(),
            text: text::alert(alarm, zone).body,
            html: html::alert(alarm, zone),
            headers: headers(Some(&alarm.incident)),
            keys: alarm.entry.keys.clone(),
            about: alarm.entry.about.account.to_string(),
        })
    }

    fn mails(&self, letter: &Letter) -> Result<Vec<Message>, Error> {
        let text = |data: &str| Text { data: data.to_owned(), charset: UTF_8.to_owned() };
        let subject = clean(&letter.subject, SUBJECT);
        let mail = |to: &[Address]| {
            let request = Request {
                from_email_address: self.from.to_string(),
                destination: Destination { to_addresses: to.iter().map(ToString::to_string).collect() },
                content: Content {
                    simple: Simple {
                        subject: text(&subject),
                        body: Body { text: text(&letter.text), html: text(&letter.html) },
                        headers: letter.headers.clone(),
                    },
                },
            };
            Ok(Message {
                subject: subject.clone(),
                body: serde_json::to_string(&request)?,
                plain: Some(letter.text.clone()),
                keys: letter.keys.clone(),
                about: letter.about.clone(),
            })
        };
        self.to.chunks(RECIPIENTS).map(mail).collect()
    }

    pub(super) async fn open(&mut self, until: Instant) -> Result<(), String> {
        if self.client.is_none() {
            let session = self.login.session(self.region.clone(), until).await?;
            let region = self.region.clone().unwrap_or_else(|| session.home_region().clone());
            self.client = Some(common::client!(aws_sdk_sesv2, &session, &region));
        }
        Ok(())
    }

    pub(super) async fn send(&self, message: &Message) -> Result<Option<String>, SendError> {
        let Some(client) = &self.client else { return Err(SendError::Refused("the channel is not open".to_owned())) };
        let refused = |why: String| SendError::Refused(format!("cannot write the mail: {why}"));
        let Request { from_email_address, destination, content } =
            serde_json::from_str(&message.body).map_err(|error| refused(error.to_string()))?;
        let content = content.simple.build().map_err(|error| refused(error.to_string()))?;
        let to = types::Destination::builder().set_to_addresses(Some(destination.to_addresses)).build();
        let send = client.send_email().from_email_address(from_email_address).destination(to).content(content);
        // How often a message is sent is one policy for all channels.
        let once = Builder::new().retry_config(RetryConfig::disabled());
        match send.customize().config_override(once).send().await {
            Ok(output) => Ok(output.message_id),
            Err(error) => Err(fate("ses:SendEmail", error)),
        }
    }
}

impl Simple {
    fn build(self) -> Result<types::EmailContent, BuildError> {
        let text = |Text { data, charset }| types::Content::builder().data(data).charset(charset).build();
        let header = |Header { name, value }| types::MessageHeader::builder().name(name).value(value).build();
        let body = types::Body::builder().text(text(self.body.text)?).html(text(self.body.html)?).build();
        let headers = self.headers.into_iter().map(header).collect::<Result<_, _>>()?;
        let message = types::Message::builder().subject(text(self.subject)?).body(body).set_headers(Some(headers));
        Ok(types::EmailContent::builder().simple(message.build()).build())
    }
}

/// Our own headers: no machine is to answer (RFC 3834), and what belongs to one incident answers one mail that there never
/// was, since SES gives each mail an id of its own.
fn headers(incident: Option<&str>) -> Vec<Header> {
    let header = |name: &str, value: String| Header { name: name.to_owned(), value };
    let mut headers = vec![header("Auto-Submitted", "auto-generated".to_owned())];
    if let Some(incident) = incident {
        // `.invalid` is nobody's domain (RFC 2606).
        let id = format!("<{}@incident.sluice.invalid>", fingerprint(incident));
        headers.push(header("In-Reply-To", id.clone()));
        headers.push(header("References", id));
    }
    headers
}

#[cfg(test)]
mod tests {
    use common::record::{Alert, Finding, Severity};
    use common::settings::Settings;
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::group::Groups;
    use crate::samples;

    fn mail(to: &[&str]) -> Result<Mail, MailError> {
        let to: Vec<String> = to.iter().map(|&to| to.to_owned()).collect();
        let names = ("notify.mail_from", "notify.targets.web.to");
        Mail::new(Some("Sluice <sluice@acme.example>"), &to, names, None, None, &settings::Aws::default())
    }

    fn json(message: &Message) -> Value {
        serde_json::from_str(&message.body).unwrap()
    }

    #[test]
    fn a_mail_is_what_ses_asks_for() {
        let mut groups = Groups::default();
        groups.finding(samples::finding("acme-logs", Severity::High));
        let digest = samples::digest(groups, &samples::settings("[accounts.\"111122223333\"]\nname = \"ünïcode\""));
        let messages = mail(&["a@acme.example", "Bob <b@acme.example>"]).unwrap().messages(&digest).unwrap();
        assert_eq!(messages.len(), 1);
        let request = json(&messages[0]);
        assert_eq!(request["FromEmailAddress"], "\"Sluice\" <sluice@acme.example>");
        assert_eq!(
            request["Destination"]["ToAddresses"],
            serde_json::json!(["a@acme.example", "\"Bob\" <b@acme.example>"])
        );
        let simple = &request["Content"]["Simple"];
        assert_eq!(simple["Subject"]["Data"], "111122223333 (ünïcode): 1 high");
        assert_eq!(simple["Subject"]["Charset"], "UTF-8");
        let text = simple["Body"]["Text"]["Data"].as_str().unwrap();
        assert_eq!(Some(text), messages[0].plain.as_deref());
        assert!(text.contains("arn:aws:s3:::acme-logs"));
        assert!(simple["Body"]["Html"]["Data"].as_str().unwrap().starts_with("<!DOCTYPE html>"));
        assert_eq!(simple["Headers"].as_array().unwrap().len(), 1);
        assert_eq!(messages[0].keys, ["s3_bucket_public_acl:arn:aws:s3:::acme-logs"]);
    }

    #[test]
    fn alerts_of_one_incident_answer_one_mail() {
        let mail = mail(&["a@acme.example"]).unwrap();
        let ids = |incident: &str, status: &str| {
            let alarm = Alarm::new(&Alert { incident: incident.to_owned(), ..samples::alert(status) });
            let message = mail.alert(&alarm, &Zone::default()).unwrap().remove(0);
            let headers = json(&message)["Content"]["Simple"]["Headers"].clone();
            let value = |name: &str| {
                let header = headers.as_array().unwrap().iter().find(|header| header["Name"] == name).unwrap();
                header["Value"].as_str().unwrap().to_owned()
            };
            assert_eq!(value("References"), value("In-Reply-To"));
            value("References")
        };
        assert_eq!(ids("one\r\nBcc: evil@evil.example", "open"), ids("one\r\nBcc: evil@evil.example", "closed"));
        assert_ne!(ids("one", "open"), ids("two", "open"));
        assert!(ids("one\r\n", "open").bytes().all(|byte| (b'!'..=b'~').contains(&byte)));
    }

    #[test]
    fn fifty_get_one_mail_and_nobody_two() {
        let many: Vec<String> = (0..120).map(|index| format!("a{}@acme.example", index % 101)).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).chain(["a0@ACME.example"]).collect();
        let mut groups = Groups::default();
        groups.finding(samples::finding("b", Severity::High));
        let messages = mail(&many).unwrap().messages(&samples::digest(groups, &Settings::default())).unwrap();
        let to: Vec<usize> = messages
            .iter()
            .map(|message| json(message)["Destination"]["ToAddresses"].as_array().unwrap().len())
            .collect();
        assert_eq!(to, [50, 50, 1]);
    }

    #[test]
    fn who_is_nobody_is_an_error_that_names_the_setting() {
        for (from, to, expected) in [
            (None, "a@acme.example", "mail needs a sender"),
            (Some(" "), "a@acme.example", "mail needs a sender"),
            (Some("acme"), "a@acme.example", "notify.mail_from: `acme` is not an e-mail address"),
            (Some("a@acme.example"), "b@acme.example\nBcc: c@evil.example", "the account map: `b@acme.example Bcc: c@"),
        ] {
            let names = ("notify.mail_from", "the account map");
            let error = Mail::new(from, &[to.to_owned()], names, None, None, &settings::Aws::default()).unwrap_err();
            assert!(error.to_string().starts_with(expected), "{error}");
        }
        assert_eq!(
            mail(&[]).unwrap_err().to_string(),
            "notify.targets.web.to names nobody: at least one e-mail address is expected"
        );
    }

    proptest! {
        #[test]
        fn a_subject_is_one_short_line_and_headers_are_ours(text in "\\PC{0,300}|.{0,2000}|[\r\n\u{85}\u{2028}:a]{0,300}") {
            let mail = mail(&["a@acme.example"]).unwrap();
            let mut groups = Groups::default();
            groups.finding(Finding { title: text.clone(), id: text.clone(), ..samples::finding("b", Severity::High) });
            let mut messages = mail.messages(&samples::digest(groups, &Settings::default())).unwrap();
            let alarm = Alarm::new(&Alert { title: text.clone(), incident: text.clone(), ..samples::alert("open") });
            messages.extend(mail.alert(&alarm, &Zone::default()).unwrap());
            for message in &messages {
                let simple = &json(message)["Content"]["Simple"];
                let subject = simple["Subject"]["Data"].as_str().unwrap();
                prop_assert!((1..=SUBJECT).contains(&subject.chars().count()));
                let breaks = |character: char| character.is_control() || character == '\u{2028}';
                prop_assert!(!subject.contains(breaks));
                for header in simple["Headers"].as_array().unwrap() {
                    let value = header["Value"].as_str().unwrap();
                    prop_assert!(value.len() <= 200 && value.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
                }
                prop_assert!(message.body.len() < 1_000_000);
            }
        }
    }
}
