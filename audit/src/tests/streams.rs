//! Whatever the stream looks like, the findings are the same, and what is not consumed comes out as it went in.

use std::io::{self, Read, Write};

use common::cli::{Captured, Failure, Io, Say};
use common::exit::Exit;
use common::settings::Settings;
use serde_json::{Value, json};

use super::{audit, audit_with, lines, queue, scope, user};
use crate::{Arguments, run};

#[test]
fn what_is_not_consumed_comes_out_as_it_went_in() {
    let lines = [
        r#"{"kind":"scope","account":"111122223333","region":"eu-west-1","type":"ec2","status":"ok","resources":1,"x":1.50e1}"#,
        r#"{"x":{"b":1,"a":[ ]},"kind":"outcome","text":"\u00e9 é \/"}"#,
        r#"{"kind":"finding","key":"an old one","n":12345678901234567890123}"#,
        r#"{"kind":"resource","account":"111122223333","region":"eu-west-1","type":"cloudfront","id":"k","arn":"arn:aws:cloudfront::111122223333:distribution/k","config":{}}"#,
    ];
    let done = audit(&[], &lines.join("\n"));
    assert_eq!(done.stdout.lines().collect::<Vec<_>>(), [lines[0], &lines[1].replace("[ ]", "[]"), lines[2], lines[3]]);
    assert_eq!(done.exit, Exit::Done);
    assert!(
        done.stderr.contains("passed on, for want of checks for their types: 1 of `cloudfront`"),
        "{}",
        done.stderr
    );
}

#[test]
fn lines_arrays_and_pretty_printing_give_the_same_findings() {
    let records = vec![queue("jobs"), scope("ok", "kms_key"), user("jane"), user("joe")];
    let plain = lines(&records);
    let expected = audit(&[], &plain);
    assert_eq!(expected.findings(), ["sqs_public fail", "iam_user_mfa fail", "iam_user_mfa fail"]);
    let pretty: String = records.iter().map(|record| serde_json::to_string_pretty(record).unwrap() + "\r\n").collect();
    let array = serde_json::to_string_pretty(&Value::Array(records.clone())).unwrap();
    let concatenated: String = records.iter().map(Value::to_string).collect();
    for input in [pretty, array, concatenated, format!("\u{feff}{plain}")] {
        let done = audit(&[], &input);
        assert_eq!(done.stdout, expected.stdout);
        assert_eq!(done.exit, Exit::Done, "{}", done.stderr);
    }
    let backwards = lines(records.iter().rev());
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&audit(&[], &backwards).stdout), sorted(&expected.stdout), "each resource is judged for itself");
}

#[test]
fn what_is_broken_is_named_with_its_line_and_the_rest_goes_on() {
    let mut misfit = user("misfit");
    misfit["config"]["AccessKeys"] = json!("none");
    let mut nowhere = user("nowhere");
    nowhere["account"] = json!("prod");
    let reference = json!({"account": "111122223333", "region": "eu-west-1", "type": "ec2", "id": "i-1"});
    let odd_scope = json!({"kind": "scope", "account": "111122223333"});
    let input = format!(
        "{}\nnonsense\n{misfit}\n{nowhere}\n{reference}\n[1]\n{{\"kind\":7}}\n{odd_scope}\n{}\n{{\"kind\":\"res",
        user("jane"),
        user("joe")
    );
    let done = audit(&[], &input);
    assert_eq!(done.exit, Exit::Incomplete);
    assert_eq!(done.findings(), ["iam_user_mfa fail", "iam_user_mfa fail"]);
    assert_eq!(done.of_kind("scope"), [odd_scope], "a record that is not consumed is not lost either");
    for expected in [
        "audit: error: line 2: expected a JSON object, found `n`",
        "audit: error: line 3: arn:aws:iam::111122223333:user/misfit: its `config` is not that of `iam_user`: invalid type: \
         string \"none\", expected a sequence\n",
        "audit: error: line 4: `prod` is not an account id: twelve digits are expected (in \
         arn:aws:iam::111122223333:user/nowhere)",
        "audit: error: line 5: this is no record: it has no `kind`",
        "audit: error: line 6: a record is a JSON object, this is a number",
        "audit: error: line 7: `kind` is not a string",
        "audit: error: line 8: missing field `region`",
        "audit: error: line 10: the input ends inside this value",
    ] {
        assert!(done.stderr.contains(expected), "{expected}\nis not in\n{}", done.stderr);
    }
}

#[test]
fn a_resource_needs_no_kind() {
    let mut bare = user("jane");
    bare.as_object_mut().unwrap().shift_remove("kind");
    let done = audit(&[], &bare.to_string());
    assert_eq!((done.exit, done.findings()), (Exit::Done, vec!["iam_user_mfa fail".to_owned()]));
}

#[test]
fn the_time_is_what_now_says() {
    let input = user("jane").to_string();
    let [first, second] = [(), ()].map(|()| audit(&[], &input).stdout);
    assert_eq!(first, second);
    assert!(first.contains(r#""found_at":"2026-11-20T10:00:00Z""#), "{first}");
    let arguments =
        <Arguments as clap::Parser>::try_parse_from(["audit", "--now", "2026-11-01T12:00:00+01:00"]).unwrap();
    let (out, say) = (Captured::default(), Say::to("audit", Captured::default()));
    let io = Io { input: Box::new(input.as_bytes()), output: Box::new(out.clone()), terminal: false, say: &say };
    assert_eq!(run(arguments, &Settings::default(), io).unwrap(), Exit::Done);
    assert_eq!(out.text(), "", "that day the password was eleven hours old");
}

/// Gives one record, and looks whether its finding is out before it is asked for more.
struct Slow {
    record: Option<Vec<u8>>,
    out: Captured,
    flushed: bool,
}

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(record) = self.record.take() else {
            self.flushed = self.out.text().contains("iam_user_mfa");
            assert!(self.flushed, "the finding waits in a buffer");
            return Ok(0);
        };
        buffer[..record.len()].copy_from_slice(&record);
        Ok(record.len())
    }
}

#[test]
fn a_finding_is_out_before_the_next_record_is_waited_for() {
    let out = Captured::default();
    let record = Some(format!("{}\n", user("jane")).into_bytes());
    let input = Slow { record, out: out.clone(), flushed: false };
    let say = Say::to("audit", Captured::default());
    let io = Io { input: Box::new(input), output: Box::new(out), terminal: false, say: &say };
    let arguments = <Arguments as clap::Parser>::try_parse_from(["audit"]).unwrap();
    assert_eq!(run(arguments, &Settings::default(), io).unwrap(), Exit::Done);
}

struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

#[test]
fn a_closed_output_ends_it_quietly() {
    for output in ["ndjson", "table"] {
        let say = Say::to("audit", Captured::default());
        let input = user("jane").to_string();
        let io = Io { input: Box::new(input.as_bytes()), output: Box::new(Closed), terminal: false, say: &say };
        let arguments = <Arguments as clap::Parser>::try_parse_from(["audit", "-o", output]).unwrap();
        let failure = run(arguments, &Settings::default(), io).unwrap_err();
        assert!(matches!(failure, Failure::Output(_)));
        assert_eq!(failure.exit(), Exit::Done);
    }
}

struct Torn;

impl Read for Torn {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the disk is gone"))
    }
}

#[test]
fn an_input_that_breaks_off_is_incomplete() {
    let record = format!("{}\n", user("jane"));
    let done = audit_with(&Settings::default(), &[], record.as_bytes().chain(Torn));
    assert_eq!((done.exit, done.findings()), (Exit::Incomplete, vec!["iam_user_mfa fail".to_owned()]));
    assert!(done.stderr.contains("the disk is gone"), "{}", done.stderr);
}
