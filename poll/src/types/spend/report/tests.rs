//! Reports, from their lines to what an account spent.

use std::io::{self, Write as _};

use common::resource::{Cost, Spend};
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::SignedDuration;

use super::lines::{UNBLENDED, add_up};
use super::sums::{Report, Sums};
use super::*;

const HEADER: &str = "identity/LineItemId,lineItem/UsageAccountId,lineItem/LineItemType,lineItem/UsageStartDate,\
                      lineItem/UsageEndDate,lineItem/CurrencyCode,lineItem/UnblendedCost,lineItem/LineItemDescription\n";

fn span() -> Span {
    Span::up_to("2026-11-20T10:20:30Z".parse().unwrap())
}

fn gzipped(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn line(account: &str, kind: &str, start: &str, end: &str, cost: &str) -> String {
    format!("x,{account},{kind},2026-{start}:00:00Z,2026-{end}:00:00Z,USD,{cost},\"m5.large, Linux\"\n")
}

fn sums(lines: &[String]) -> Result<Sums, String> {
    add_up(&gzipped(&(HEADER.to_owned() + &lines.concat()))[..], UNBLENDED, span())
}

fn report(lines: &[String]) -> Report {
    Report::new(sums(lines).unwrap(), span().since)
}

/// What is not nothing.
fn shown(costs: &[Cost]) -> Vec<String> {
    let some = costs.iter().filter(|cost| cost.amount.to_string() != "0");
    some.map(|cost| format!("{} {} {}", cost.start, cost.end, cost.amount)).collect()
}

const OURS: &str = "111122223333";
const THEIRS: &str = "444455556666";

#[test]
fn lines_are_added_up_by_account_and_hour() {
    let report = report(&[
        line(OURS, "Usage", "11-19T05", "11-19T06", "0.0000032500"),
        line(OURS, "Usage", "11-19T05", "11-19T06", "1.25"),
        line(OURS, "Tax", "11-19T06", "11-19T07", "0.1"),
        line(OURS, "SavingsPlanNegation", "11-19T06", "11-19T07", "-0.3"),
        line(OURS, "Usage", "11-19T08", "11-19T09", ""),
        // What AWS gives back hides nothing.
        line(OURS, "Credit", "11-19T05", "11-19T06", "-500"),
        line(OURS, "Refund", "11-19T05", "11-19T06", "-500"),
        line(THEIRS, "Usage", "11-19T09", "11-19T10", "7"),
        // Hours of before eight days are their day's.
        line(OURS, "Usage", "11-02T05", "11-02T06", "2"),
        line(OURS, "Usage", "11-02T23", "11-03T00", "3"),
        // Another month's, and one that has not come.
        line(OURS, "Usage", "10-31T23", "11-01T00", "9"),
        line(OURS, "Usage", "11-20T11", "11-20T12", "9"),
    ]);
    let costs = report.of(OURS).unwrap();
    assert_eq!(
        shown(&costs),
        [
            "2026-11-02T00:00:00Z 2026-11-03T00:00:00Z 5",
            "2026-11-19T05:00:00Z 2026-11-19T06:00:00Z 1.25000325",
            "2026-11-19T06:00:00Z 2026-11-19T07:00:00Z -0.2",
        ]
    );
    // Without gaps, up to the last hour of which the report tells anything of anybody.
    assert!(costs.windows(2).all(|pair| pair[0].end == pair[1].start), "{costs:?}");
    assert_eq!(costs.first().unwrap().start, span().since);
    assert_eq!(costs.last().unwrap().end.to_string(), "2026-11-19T10:00:00Z");
    assert_eq!(costs.len(), 11 + 7 * 24 + 10);
    assert_eq!(shown(&report.of(THEIRS).unwrap()), ["2026-11-19T09:00:00Z 2026-11-19T10:00:00Z 7"]);
    assert_eq!(report.of("777788889999").unwrap_err().code(), "NotInReport");
}

#[test]
fn a_day_is_spread_over_its_hours_and_a_month_is_no_hour() {
    let report = report(&[
        line(OURS, "Usage", "11-19T01", "11-19T02", "1"),
        line(OURS, "Usage", "11-18T00", "11-19T00", "24"),
        line(OURS, "Fee", "11-01T00", "12-01T00", "300"),
    ]);
    let spend = Spend { report: report.of(OURS).unwrap(), ..Spend::default() };
    let within = |hours| spend.within(SignedDuration::from_hours(hours)).unwrap().value.to_string();
    assert_eq!([within(1), within(2), within(3), within(26)], ["1", "1", "2", "25"]);
    assert_eq!(spend.month_to_date().unwrap().value.to_string(), "325");
}

#[test]
fn a_report_by_days_tells_no_hours() {
    let report = report(&[
        line(OURS, "Usage", "11-18T00", "11-19T00", "24"),
        line(OURS, "Usage", "11-19T00", "11-20T00", "10.1"),
    ]);
    let costs = report.of(OURS).unwrap();
    assert_eq!(
        shown(&costs),
        ["2026-11-18T00:00:00Z 2026-11-19T00:00:00Z 24", "2026-11-19T00:00:00Z 2026-11-20T00:00:00Z 10.1"]
    );
    let spend = Spend { report: costs, ..Spend::default() };
    assert_eq!(spend.within(SignedDuration::from_hours(6)), None);
    assert_eq!(spend.within(SignedDuration::from_hours(24)).unwrap().value.to_string(), "10.1");
}

#[test]
fn a_fee_of_an_hour_does_not_end_a_report_by_days() {
    let report = report(&[
        line(OURS, "Fee", "11-03T09", "11-03T10", "12"),
        line(OURS, "Usage", "11-18T00", "11-19T00", "24"),
        line(OURS, "Usage", "11-19T00", "11-20T00", "10"),
    ]);
    let spend = Spend { report: report.of(OURS).unwrap(), ..Spend::default() };
    let day = spend.within(SignedDuration::from_hours(24)).unwrap();
    assert_eq!((day.value.to_string(), day.to.to_string()), ("10".to_owned(), "2026-11-20T00:00:00Z".to_owned()));
    assert_eq!(spend.month_to_date().unwrap().value.to_string(), "46");
}

#[test]
fn files_and_exports_are_one_report() {
    let file = |cost: &str| sums(&[line(OURS, "Usage", "11-19T05", "11-19T06", cost)]).unwrap();
    let both = Report::new(file("1.5").and(file("2")), span().since);
    assert_eq!(shown(&both.of(OURS).unwrap()), ["2026-11-19T05:00:00Z 2026-11-19T06:00:00Z 3.5"]);

    let export = "line_item_usage_account_id,line_item_line_item_type,line_item_usage_start_date,\
                  line_item_usage_end_date,line_item_currency_code,line_item_net_unblended_cost\n\
                  111122223333,Usage,2026-11-19T05:00:00.000Z,2026-11-19T06:00:00.000Z,USD,4\n";
    let sums = add_up(&gzipped(export)[..], "lineItem/NetUnblendedCost", span()).unwrap();
    let report = Report::new(sums, span().since);
    assert_eq!(shown(&report.of(OURS).unwrap()), ["2026-11-19T05:00:00Z 2026-11-19T06:00:00Z 4"]);
}

#[test]
fn amounts_in_two_currencies_are_not_added_up() {
    let rupees = line(OURS, "Usage", "11-19T05", "11-19T06", "80").replace("USD", "INR");
    let error = report(&[line(OURS, "Usage", "11-19T05", "11-19T06", "1"), rupees]).of(OURS).unwrap_err();
    assert!(error.code() == "SeveralCurrencies" && error.message.contains("USD and INR"), "{error}");
}

/// A file of many members, which never is in memory as a whole.
struct Endless<'a> {
    header: &'a [u8],
    member: &'a [u8],
    left: usize,
    at: &'a [u8],
}

impl io::Read for Endless<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at.is_empty() {
            self.at = match self.left {
                0 => return Ok(0),
                _ => std::mem::replace(&mut self.header, self.member),
            };
            self.left -= 1;
        }
        self.at.read(into)
    }
}

#[test]
fn as_many_lines_as_there_are_take_the_room_of_their_sums() {
    let hours = (0..24).flat_map(|hour| [(OURS, hour), (THEIRS, hour)]);
    let lines: String = hours
        .map(|(account, hour)| line(account, "Usage", &format!("11-18T{hour:02}"), &format!("11-18T{hour:02}"), "0.1"))
        .collect();
    let (header, member) = (gzipped(HEADER), gzipped(&lines.repeat(50)));
    let file = Endless { header: &header, member: &member, left: 21, at: &[] };
    let report = Report::new(add_up(file, UNBLENDED, span()).unwrap(), span().since);
    let spend = Spend { report: report.of(THEIRS).unwrap(), ..Spend::default() };
    // To the cent, which no binary number is: 24 hours of 50 lines in each of 20 members.
    assert_eq!(spend.within(SignedDuration::from_hours(24)).unwrap().value.to_string(), "2400");
}

#[test]
fn what_is_no_report_is_an_error_that_says_where() {
    let good = line(OURS, "Usage", "11-19T05", "11-19T06", "1");
    for (lines, expected) in [
        (vec![good.clone(), line(OURS, "Usage", "11-19T05", "11-19T06", "much")], "line 3: `much` is not an amount"),
        (vec![good.replace("2026-11-19T05", "yesterday")], "line 2: `yesterday:00:00Z` is no time"),
        (vec![good.clone(), "x,y\n".to_owned()], "line: 3"),
    ] {
        let error = sums(&lines).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    let of = |bytes: &[u8], cost: &str| add_up(bytes, cost, span()).unwrap_err();
    assert!(of(&gzipped(HEADER), "lineItem/NetUnblendedCost").contains("no column lineItem/NetUnblendedCost"));
    assert!(of(&gzipped(""), UNBLENDED).contains("no column lineItem/UsageAccountId"));
    assert!(of(HEADER.as_bytes(), UNBLENDED).contains("gzip"));
    let whole = gzipped(&(HEADER.to_owned() + &good.repeat(1000)));
    for length in [0, 5, whole.len() / 2, whole.len() - 1] {
        assert!(add_up(&whole[..length], UNBLENDED, span()).is_err(), "{length} bytes of {}", whole.len());
    }
    // Two files in one, as some tools write them.
    let two = [gzipped(HEADER), gzipped(&good)].concat();
    assert!(add_up(&two[..], UNBLENDED, span()).is_ok());
}
