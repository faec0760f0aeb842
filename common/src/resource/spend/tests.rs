//! What is told of spending.

use jiff::SignedDuration;

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
    let value = |samples: &[(&str, &str)]| charged(samples).within(hours(12)).map(|amount| amount.value.to_string());
    let rows: [(&str, &[(&str, &str)], &str); 5] = [
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
