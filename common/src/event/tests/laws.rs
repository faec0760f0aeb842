//! Laws, for any records, any wrapping of them, and any bytes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{gzip, record, records, said};
use crate::event::{Events, Record, found_in};
use crate::stream::compact;

fn any_record() -> impl Strategy<Value = Value> {
    let odd = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[\\]\\[{}:,\\\\\"\n\u{1}é𝄞]{0,12}".prop_map(Value::from),
        Just(json!({"Records": [{"eventSource": "aws:s3"}], "tasks": [1]})),
    ];
    (
        any::<u32>(),
        vec((prop_oneof!["[a-z]{1,6}", Just("sourceIPAddress".into()), Just("requestParameters".into())], odd), 0..4),
    )
        .prop_map(|(id, more)| {
            let mut record = record(&id.to_string());
            for (key, value) in more.into_iter().filter(|(key, _)| key != "kind") {
                record[key] = value;
            }
            record
        })
}

/// One of the ways in which AWS passes things on.
#[derive(Debug, Clone, Copy)]
enum Wrap {
    Each(Around),
    Array,
    LogFile,
    PrettyLogFile,
    LookupEvents,
    TokenFirst,
    Logs,
    PackedLogs,
    Lines,
}

/// What one thing is wrapped in.
#[derive(Debug, Clone, Copy)]
enum Around {
    Bridge,
    Sns,
    SnsToLambda,
    Sqs,
    CliSqs,
}

fn around() -> impl Strategy<Value = Around> {
    proptest::sample::select(vec![Around::Bridge, Around::Sns, Around::SnsToLambda, Around::Sqs, Around::CliSqs])
}

fn wraps() -> impl Strategy<Value = Wrap> {
    prop_oneof![
        around().prop_map(Wrap::Each),
        proptest::sample::select(vec![
            Wrap::Array,
            Wrap::LogFile,
            Wrap::PrettyLogFile,
            Wrap::LookupEvents,
            Wrap::TokenFirst,
            Wrap::Logs,
            Wrap::PackedLogs,
            Wrap::Lines,
        ]),
    ]
}

/// `text` in the body of a message.
fn carry(text: &str, around: Around) -> Value {
    let sns = json!({"Type": "Notification", "MessageId": "m", "Message": text});
    match around {
        Around::Bridge => json!({"detail-type": "AWS API Call via CloudTrail", "detail": text}),
        Around::Sns => sns,
        Around::SnsToLambda => json!({"Records": [{"EventSource": "aws:sns", "Sns": sns}]}),
        Around::Sqs => json!({"Records": [{"messageId": "m", "body": text, "eventSource": "aws:sqs"}]}),
        Around::CliSqs => json!({"Messages": [{"MessageId": "m", "Body": text}]}),
    }
}

fn wrap(records: &[Value], how: Wrap) -> String {
    let lookup =
        || records.iter().map(|it| json!({"EventId": "e", "CloudTrailEvent": it.to_string()})).collect::<Vec<_>>();
    let logs = || {
        let events = records.iter().map(|it| json!({"id": "1", "timestamp": 1, "message": it.to_string()}));
        json!({"messageType": "DATA_MESSAGE", "logEvents": events.collect::<Vec<_>>()}).to_string()
    };
    match how {
        Wrap::Each(around) => records.iter().map(|it| carry(&it.to_string(), around).to_string() + "\n").collect(),
        Wrap::Array => json!(records).to_string(),
        Wrap::LogFile => json!({"Records": records}).to_string(),
        Wrap::PrettyLogFile => serde_json::to_string_pretty(&json!({"Records": records, "x": {"y": []}})).unwrap(),
        Wrap::LookupEvents => json!({"Events": lookup(), "NextToken": "x"}).to_string(),
        Wrap::TokenFirst => json!({"NextToken": "x", "Events": lookup()}).to_string(),
        Wrap::Logs => logs(),
        Wrap::PackedLogs => json!({"awslogs": {"data": STANDARD.encode(gzip(logs()))}}).to_string(),
        Wrap::Lines => records.iter().map(|it| it.to_string() + "\n").collect(),
    }
}

/// Bytes that look like what AWS writes often enough to get far.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&[u8]> = vec![
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\"",
        b"\"a\"",
        b"1",
        b"null",
        b" ",
        b"\n",
        b"\\",
        b"\xff",
        b"x",
        b"{\"Records\":[",
        b"{\"Events\":[",
        b"{\"Messages\" : [",
        b",\"logEvents\":[",
        b"]}",
        b"},",
        b"{\"eventVersion\":\"1.08\",\"userIdentity\":{\"type\":1}}",
        b"{\"eventVersion\":\"1.08\",\"userIdentity\":{\"type\":",
        b"{\"eventSource\":\"aws:s3\",\"s3\":{}}",
        b"\"Sns\":",
        b"{\"Type\":\"Notification\",\"Message\":\"",
        b"{\"eventSource\":\"aws:sqs\",\"body\":\"{}\"}",
        b"{\"CloudTrailEvent\":\"{\\\"a\\\":",
        b"\"kind\":",
        b"\x1f\x8b\x08\0",
        b"{\"awslogs\":{\"data\":\"H4sIAAAAAAAA\"}}",
        b"{\"awslogs\":{\"data\":\"",
        b"\"detail-type\":\"AWS API Call via CloudTrail\"",
        b"\"detail\":",
        b"{\"s3Bucket\":\"b\",\"s3ObjectKey\":[",
        b"\\u00",
        b"\\ud800",
    ];
    prop_oneof![vec(any::<u8>(), 0..200), vec(proptest::sample::select(words), 0..40).prop_map(|words| words.concat())]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Any wrapping of any records comes out as the same records, in their order.
    #[test]
    fn wrapped_records_come_back(
        wanted in vec(any_record(), 1..5),
        how in wraps(),
        arounds in vec(around(), 0..4),
        packed: bool,
    ) {
        let mut text = wrap(&wanted, how);
        for around in arounds {
            text = carry(&text, around).to_string();
        }
        let input = if packed { gzip(&text) } else { text.clone().into_bytes() };
        let (found, failed) = records(&input);
        prop_assert!(!failed);
        let found: Vec<String> = found.iter().map(|text| compact(text).into_owned()).collect();
        let wanted: Vec<String> = wanted.iter().map(Value::to_string).collect();
        prop_assert_eq!(&found, &wanted);
        prop_assert_eq!(found_in(&text).len(), wanted.len());
    }

    /// Neither the pieces that an input comes in nor its packing change what is found.
    #[test]
    fn any_bytes_are_the_same_in_any_form(input in noise(), cut: proptest::sample::Index) {
        let whole = said(Events::new(&*input));
        let cut = cut.index(input.len() + 1);
        let (head, tail) = input.split_at(cut);
        prop_assert_eq!(&whole, &said(Events::new(std::io::Read::chain(head, tail))));
        if !input.starts_with(&[0x1f]) {
            prop_assert_eq!(&whole, &said(Events::new(&*gzip(&input))));
            let members = [gzip(head), gzip(tail)].concat();
            prop_assert_eq!(&whole, &said(Events::new(&*members)));
        }
    }

    /// Random bytes, and gzip with a byte changed or cut off: no panic, and never silence about what is missing.
    #[test]
    fn damage_is_no_panic(wanted in vec(any_record(), 1..4), at: proptest::sample::Index, byte: u8, cut: bool) {
        let mut input = gzip(wrap(&wanted, Wrap::LogFile));
        let at = at.index(input.len());
        if cut {
            input.truncate(at);
        } else if let Some(old) = input.get_mut(at) {
            *old = byte;
        }
        let (found, _) = records(&input);
        prop_assert!(found.len() <= wanted.len());
    }

    #[test]
    fn any_text_is_a_message(text in any::<String>()) {
        prop_assert!(!found_in(&text).is_empty());
        Record::parse(&text).ok();
    }

    /// What one slip of the disk breaks in a file on one line: at most the two records that it stands between.
    #[test]
    fn a_slip_costs_no_more_than_its_neighbours(
        ids in 4usize..8,
        at: proptest::sample::Index,
        slip in prop_oneof![Just(None), any::<u8>().prop_map(Some)],
    ) {
        let wanted: Vec<String> = (0..ids).map(|id| record(&id.to_string()).to_string()).collect();
        let start = "{\"Records\":[";
        let mut input = format!("{start}{}]}}", wanted.join(",")).into_bytes();
        // Not its first `{`: an array of something else is no envelope.
        let at = start.len() + 1 + at.index(input.len() - start.len() - 1);
        match slip {
            Some(byte) => input[at] = byte,
            None => drop(input.remove(at)),
        }
        let (found, _) = records(&input);
        let intact = wanted.iter().filter(|record| found.contains(record)).count();
        prop_assert!(intact + 2 >= wanted.len(), "{intact} of {}: {}", wanted.len(), String::from_utf8_lossy(&input));
    }
}
