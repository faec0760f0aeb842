//! What is told of spending.

use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Amount, Cost, EstimatedCharge, Source, Spend};

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

/// Samples of `EstimatedCharges`: when, and what the month had cost.
fn charged(samples: &[(&str, &str)]) -> Spend {
    let sample = |(at, maximum): &(&str, &str)| EstimatedCharge {
        timestamp: format!("2026-{at}:00Z").parse().unwrap(),
        maximum: maximum.parse().unwrap(),
        currency: "USD".to_owned(),
    };
    Spend { estimated_charges: samples.iter().map(sample).collect(), ..Spend::default() }
}

/// An amount in short.
fn shown(amount: Option<Amount>) -> String {
    amount.map_or_else(
        || "nothing".to_owned(),
        |it| format!("{} {} {} {} {:?}", it.value, it.unit, it.from, it.to, it.source),
    )
}

#[test]
fn samples_tell_what_was_spent_between_them() {
    let spend = charged(&[
        ("11-01T04:00", "10"),
        ("11-20T00:00", "500.5"),
        ("11-20T04:00", "520"),
        ("11-20T08:00", "600"),
        ("11-20T12:00", "640"),
    ]);
    for (window, expected) in [
        (6, "120 USD 2026-11-20T04:00:00Z 2026-11-20T12:00:00Z EstimatedCharges"),
        (4, "40 USD 2026-11-20T08:00:00Z 2026-11-20T12:00:00Z EstimatedCharges"),
        (12, "139.5 USD 2026-11-20T00:00:00Z 2026-11-20T12:00:00Z EstimatedCharges"),
        // The next is three weeks before.
        (13, "nothing"),
        (1, "nothing"),
        (1000, "nothing"),
        (0, "nothing"),
        (-6, "nothing"),
    ] {
        assert_eq!(shown(spend.within(hours(window))), expected, "{window} hours");
    }
    assert_eq!(shown(spend.month_to_date()), "640 USD 2026-11-01T00:00:00Z 2026-11-20T12:00:00Z EstimatedCharges");
    assert_eq!(shown(Spend::default().within(hours(6))), "nothing");
    assert_eq!(shown(Spend::default().month_to_date()), "nothing");
}

#[test]
fn a_new_month_begins_at_nothing_and_a_credit_is_one() {
    type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
    let value = |samples: &[(&str, &str)]| charged(samples).within(hours(12)).map(|amount| amount.value.to_string());
    let rows: [Row<'_>; 5] = [
        ("anew", &[("10-31T16:00", "900"), ("10-31T20:00", "910"), ("11-01T00:00", "2"), ("11-01T04:00", "5")], "15"),
        // The last month's are still being added up when the new one has begun.
        ("late", &[("10-31T16:00", "900"), ("10-31T23:00", "910"), ("11-01T02:00", "912"), ("11-01T06:00", "4")], "16"),
        ("once", &[("10-31T20:00", "910"), ("11-01T04:00", "50"), ("11-01T06:00", "20"), ("11-01T08:00", "21")], "21"),
        ("credit", &[("11-20T00:00", "500"), ("11-20T06:00", "450"), ("11-20T12:00", "470")], "-30"),
        ("much at once", &[("10-31T20:00", "3"), ("11-01T02:00", "40"), ("11-01T08:00", "41")], "38"),
    ];
    for (name, samples, expected) in rows {
        assert_eq!(value(samples).as_deref(), Some(expected), "{name}");
    }
    let costs = [Cost::default(), Cost::default()];
    assert_eq!(Spend { cost_and_usage: costs.to_vec(), ..Spend::default() }.within(hours(1)), None);
    assert_eq!(Source::Report.field(), "Report");
}

/// Hours or days in a row, ending with the given one: what each cost.
fn costs(end: &str, length: i64, amounts: &[&str]) -> Vec<Cost> {
    let end: Timestamp = format!("2026-{end}:00Z").parse().unwrap();
    let count = i64::try_from(amounts.len()).unwrap();
    let start = |at: i64| end - hours((count - at) * length);
    amounts
        .iter()
        .zip(0..)
        .map(|(amount, at)| Cost {
            start: start(at),
            end: start(at + 1),
            amount: amount.parse().unwrap(),
            unit: "USD".to_owned(),
            estimated: None,
        })
        .collect()
}

#[test]
fn intervals_are_added_up_that_cover_the_window() {
    let hourly = costs("11-20T10:00", 1, &["1", "2", "4", "8"]);
    let value = |costs: &[Cost], window| {
        let report = Spend { report: costs.to_vec(), ..Spend::default() };
        report.within(window).map(|amount| amount.value.to_string())
    };
    let of = |window| value(&hourly, hours(window));
    assert_eq!([of(1), of(3), of(4), of(5)].map(Option::unwrap_or_default), ["8", "14", "15", ""]);
    let minutes = |minutes| value(&hourly, SignedDuration::from_mins(minutes)).unwrap_or_default();
    assert_eq!([minutes(30), minutes(61), minutes(180)], ["8", "12", "14"]);

    let mut gap = hourly.clone();
    gap.remove(2);
    assert_eq!([value(&gap, hours(1)), value(&gap, hours(2))], [Some("8".to_owned()), None]);
    // A month's fee is in no hour.
    let fee = Cost { end: "2026-12-01T00:00:00Z".parse().unwrap(), ..gap[0].clone() };
    let with_fee = [hourly.clone(), vec![fee]].concat();
    assert_eq!(value(&with_fee, hours(4)), of(4));

    // Today is no whole day.
    let mut daily = costs("11-21T00:00", 24, &["10", "20", "30", "4"]);
    daily[3].end = "2026-11-20T10:00:00Z".parse().unwrap();
    let of = |window| value(&daily, hours(window)).unwrap_or_default();
    assert_eq!([of(4), of(10), of(24), of(48), of(96)], ["", "4", "34", "54", ""]);
}

#[test]
fn what_cost_explorer_does_not_know_yet_is_not_nothing() {
    let of = |amounts: &[&str], window| {
        let spend = Spend { cost_and_usage: costs("11-20T10:00", 1, amounts), ..Spend::default() };
        shown(spend.within(hours(window)))
    };
    assert_eq!(of(&["1", "2", "3", "0", "0"], 2), "5 USD 2026-11-20T06:00:00Z 2026-11-20T08:00:00Z CostAndUsage");
    assert_eq!(of(&["0"; 40], 2), "nothing");
    let mut long = ["0"; 60];
    long[0] = "900";
    assert_eq!(of(&long, 2), "0 USD 2026-11-18T08:00:00Z 2026-11-18T10:00:00Z CostAndUsage");
}

#[test]
fn who_knows_most_of_the_last_hours_is_asked() {
    let mut spend = charged(&[("11-20T00:00", "500"), ("11-20T06:00", "550")]);
    spend.cost_and_usage = costs("11-19T12:00", 1, &["1"; 12]);
    spend.report = costs("11-19T12:00", 1, &["2"; 12]);
    let of = |spend: &Spend| spend.within(hours(6)).unwrap();
    assert_eq!((of(&spend).source, of(&spend).value.to_string()), (Source::EstimatedCharges, "50".to_owned()));
    spend.estimated_charges.remove(0);
    assert_eq!((of(&spend).source, of(&spend).value.to_string()), (Source::Report, "12".to_owned()));
    spend.cost_and_usage = costs("11-19T13:00", 1, &["1"; 12]);
    assert_eq!((of(&spend).source, of(&spend).value.to_string()), (Source::CostAndUsage, "6".to_owned()));
}

#[test]
fn a_month_is_told_from_its_start() {
    let month = |costs: Vec<Cost>| shown(Spend { report: costs, ..Spend::default() }.month_to_date());
    let mut days = costs("11-04T00:00", 24, &["7", "10", "20", "30"]);
    assert_eq!(month(days.clone()), "60 USD 2026-11-01T00:00:00Z 2026-11-04T00:00:00Z Report");
    let (start, end) = (days[1].start, "2026-12-01T00:00:00Z".parse().unwrap());
    days.insert(1, Cost { start, end, ..days[1].clone() });
    assert_eq!(month(days.clone()), "70 USD 2026-11-01T00:00:00Z 2026-11-04T00:00:00Z Report");
    assert_eq!(month(days[3..].to_vec()), "nothing");
    days.remove(3);
    assert_eq!(month(days), "nothing");
}

proptest! {
    /// Whatever was spent and whenever it was sampled: the answer is what was spent between two samples, as far apart as
    /// was asked for and no more than twice as far.
    #[test]
    fn samples_tell_what_was_spent(
        spent in vec((60..600_i64, 0..10_000_u32), 2..80),
        window in 1..72_i64,
    ) {
        // So much that each month begins with less.
        let mut total = 10_000_000_u64;
        let mut now: Timestamp = "2026-10-28T00:00:00Z".parse().unwrap();
        let mut samples = Vec::new();
        let mut row = Vec::new();
        for (minutes, cents) in spent {
            let before = now;
            now += SignedDuration::from_mins(minutes);
            let anew = now.strftime("%m").to_string() != before.strftime("%m").to_string();
            total = if anew { 0 } else { total } + u64::from(cents);
            samples.push(EstimatedCharge {
                timestamp: now,
                maximum: format!("{}.{:02}", total / 100, total % 100).parse().unwrap(),
                currency: "USD".to_owned(),
            });
            row.push((now, cents));
        }
        let window = hours(window);
        let spend = Spend { estimated_charges: samples, ..Spend::default() };
        let nearest = row.iter().rev().map(|(at, _)| *at).find(|at| now.duration_since(*at) >= window);
        let covering = nearest.filter(|at| now.duration_since(*at) <= window * 2);
        let told = spend.within(window);
        prop_assert_eq!(told.as_ref().map(|it| (it.from, it.to)), covering.map(|from| (from, now)));
        if let Some(told) = told {
            let cents: u32 = row.iter().filter(|(at, _)| *at > told.from).map(|(_, cents)| cents).sum();
            prop_assert_eq!(told.value, format!("{}.{:02}", cents / 100, cents % 100).parse().unwrap());
        }
    }

    #[test]
    fn hours_tell_what_was_spent(spent in vec(0..10_000_u32, 1..200), window in 1..200_usize) {
        let texts: Vec<String> = spent.iter().map(|cents| format!("{}.{:02}", cents / 100, cents % 100)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let spend = Spend { report: costs("11-20T10:00", 1, &texts), ..Spend::default() };
        let told = spend.within(hours(i64::try_from(window).unwrap())).map(|told| told.value);
        let cents = spent.len().checked_sub(window).map(|first| spent[first..].iter().sum::<u32>());
        let expected = cents.map(|cents| format!("{}.{:02}", cents / 100, cents % 100).parse().unwrap());
        prop_assert_eq!(told, expected);
    }

    /// Nothing that a person may have written into a record makes it fall over.
    #[test]
    fn any_row_is_told_or_not(
        samples in vec((any::<i32>(), any::<i32>()), 0..12),
        rows in vec((any::<i32>(), any::<i32>(), any::<i32>()), 0..12),
        window in any::<i64>(),
    ) {
        let at = |second: i32| Timestamp::from_second(i64::from(second)).unwrap();
        let amount = |number: i32| number.to_string().parse().unwrap();
        let cost = |&(start, end, value): &(i32, i32, i32)| {
            Cost { start: at(start), end: at(end), amount: amount(value), ..Cost::default() }
        };
        let sample = |&(when, value): &(i32, i32)| {
            EstimatedCharge { timestamp: at(when), maximum: amount(value), ..EstimatedCharge::default() }
        };
        let costs: Vec<Cost> = rows.iter().map(cost).collect();
        let spend = Spend {
            estimated_charges: samples.iter().map(sample).collect(),
            cost_and_usage: costs.clone(),
            report: costs,
            ..Spend::default()
        };
        let _ = (spend.month_to_date(), spend.within(SignedDuration::from_secs(window)));
    }
}
