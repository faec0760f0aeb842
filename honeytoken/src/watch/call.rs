//! A call, as an alert and the list of allowed callers see it. Its texts are an attacker's: they are bounded here, and escaped
//! by whoever shows them.

use std::net::{IpAddr, Ipv4Addr};

use common::cli::visible;
use common::event::Record;
use common::record::AlertEvent;
use common::stream::compact;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::agent;

/// The most characters of a user agent: CloudTrail keeps 1 KB.
const AGENT: usize = 1024;
/// The most characters of any other text.
const TEXT: usize = 256;

/// A call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// As alerts tell of it.
    pub(crate) event: AlertEvent,
    /// The ARN of the caller: of the role where a session called.
    pub(crate) caller: String,
    /// The address, where it is one that can be believed.
    pub(crate) address: Option<IpAddr>,
}

impl Call {
    /// What a record says. `text` is the record itself, by which it is known where it has no id; `now` is when it happened where
    /// it has no time.
    pub(crate) fn new(record: &Record<'_>, text: &str, now: Timestamp) -> Self {
        let identity = &record.user_identity;
        let (allowed, error) = outcome(record);
        let source = short(&record.source_ip_address, TEXT);
        let address = source.parse::<IpAddr>().ok().map(|address| address.to_canonical());
        let source_is_doubtful = !record.vpc_endpoint_id.is_empty() || address.is_some_and(is_private);
        let caller = Some(&*identity.session_context.session_issuer.arn).filter(|arn| !arn.is_empty());
        let event = AlertEvent {
            id: event_id(record, text),
            time: record.event_time.parse().unwrap_or(now),
            operation: operation(record),
            region: Some(short(&record.aws_region, TEXT)).filter(|region| !region.is_empty()),
            allowed,
            error,
            source,
            source_is_doubtful,
            user_agent: short(&record.user_agent, AGENT),
            tool: agent::tool(&record.user_agent).map(str::to_owned),
            access_key: Some(short(&identity.access_key_id, TEXT)).filter(|key| !key.is_empty()),
        };
        let address = address.filter(|_| !source_is_doubtful);
        Self { event, caller: short(caller.unwrap_or(&identity.arn), 2048), address }
    }
}

/// Whether AWS let a call happen, and if not, why not. A failed sign-in has no error's code.
fn outcome(record: &Record<'_>) -> (bool, Option<String>) {
    if record.failed() {
        return (false, Some(short(&record.error_code, TEXT)));
    }
    if &*record.event_name == "ConsoleLogin" && record.response()["ConsoleLogin"] == "Failure" {
        return (false, Some("Failure".to_owned()));
    }
    (true, None)
}

/// `sts:GetCallerIdentity`.
fn operation(record: &Record<'_>) -> String {
    let service = record.event_source.strip_suffix(".amazonaws.com").unwrap_or(&record.event_source);
    format!("{}:{}", short(service, 64), short(&record.event_name, 128))
}

/// What a record is known by, when it comes a second time.
fn event_id(record: &Record<'_>, text: &str) -> String {
    if record.event_id.is_empty() {
        return format!("sha256:{}", digest(&[&compact(text)]));
    }
    short(&record.event_id, TEXT)
}

/// A short name for texts: the first half of their SHA-256.
pub(crate) fn digest(texts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        // Of "a", "bc" and "ab", "c" each has its own.
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(text);
    }
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    hash.finalize().iter().take(16).flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// So many characters of a text at most.
pub(crate) fn short(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A part of a sentence: on one line, without control characters, of so many characters at most.
pub(crate) fn plain(text: &str, most: usize) -> String {
    let text: String = text.chars().take(most.saturating_mul(4)).map(visible).collect();
    let mut words = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    short(&words, most)
}

/// Whether an address says nothing of where a caller is.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            // 100.64.0.0/10 is what carriers translate.
            let carrier = address.octets()[0] == 100 && address.octets()[1] & 0xc0 == 0x40;
            carrier
                || address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address == Ipv4Addr::UNSPECIFIED
        }
        IpAddr::V6(address) => {
            address.is_loopback()
                || address.is_unspecified()
                || address.is_unique_local()
                || address.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(text: &str) -> Call {
        Call::new(&Record::parse(text).unwrap(), text, "2026-11-20T10:00:00Z".parse().unwrap())
    }

    #[test]
    fn addresses_that_say_little_are_doubtful() {
        for (source, endpoint, doubtful, believed) in [
            ("203.0.113.9", "", false, true),
            ("203.0.113.9", "vpce-1", true, false),
            ("10.1.2.3", "", true, false),
            ("100.64.0.1", "", true, false),
            ("100.128.0.1", "", false, true),
            ("::ffff:192.168.0.1", "", true, false),
            ("2001:db8::1", "", false, true),
            ("fd00::1", "", true, false),
            ("AWS Internal", "", false, false),
            ("config.amazonaws.com", "", false, false),
            ("300.1.2.3", "", false, false),
            ("", "", false, false),
        ] {
            let call = call(&format!(r#"{{"sourceIPAddress":"{source}","vpcEndpointId":"{endpoint}"}}"#));
            assert_eq!((call.event.source_is_doubtful, call.address.is_some()), (doubtful, believed), "{source}");
            assert_eq!(call.event.source, source);
        }
    }

    #[test]
    fn what_has_no_id_is_known_by_its_text() {
        let one = call(r#"{"eventName":"A","userIdentity":{}}"#).event.id;
        assert_eq!(call(r#"{ "eventName": "A", "userIdentity": {} }"#).event.id, one);
        assert_ne!(call(r#"{"eventName":"B","userIdentity":{}}"#).event.id, one);
        assert_eq!(call(r#"{"eventID":"e"}"#).event.id, "e");
    }

    #[test]
    fn a_sign_in_that_failed_was_not_allowed() {
        let failed = call(r#"{"eventName":"ConsoleLogin","responseElements":{"ConsoleLogin":"Failure"}}"#).event;
        assert_eq!((failed.allowed, failed.error.as_deref()), (false, Some("Failure")));
        assert!(call(r#"{"eventName":"ConsoleLogin","responseElements":{"ConsoleLogin":"Success"}}"#).event.allowed);
        assert!(call(r#"{"eventName":"ConsoleLogin","responseElements":"odd"}"#).event.allowed);
        assert!(!call(r#"{"errorCode":"AccessDenied"}"#).event.allowed);
    }

    #[test]
    fn texts_are_bounded() {
        let long = "ü".repeat(5000);
        let text = format!(
            r#"{{"eventID":"{long}","eventName":"{long}","userAgent":"{long}","sourceIPAddress":"{long}","errorCode":"{long}"}}"#
        );
        let event = call(&text).event;
        assert_eq!(event.user_agent.chars().count(), AGENT + 3);
        for text in [event.id, event.operation, event.source, event.error.unwrap()] {
            assert!(text.chars().count() <= TEXT + 3, "{text}");
        }
        assert_eq!(plain("a\u{1b}[2J\n\n  b\u{202e}", 100), "a?[2J b?");
        assert_eq!(plain(&"x ".repeat(100), 10), "x x x x x ...");
    }
}
