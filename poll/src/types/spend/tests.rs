//! Records of what accounts spend.

use super::*;
use crate::types::tests::{denied, owner};

fn plain() -> Answers {
    let charge = EstimatedCharge { currency: "USD".to_owned(), ..EstimatedCharge::default() };
    Answers { charges: Ok(vec![charge]), granularity: None, costs: None, report: None }
}

fn unread(record: &Resource<Spend>) -> Vec<&str> {
    record.unread.iter().map(|unread| unread.field.as_str()).collect()
}

#[test]
fn the_span_begins_with_the_month_or_eight_days_ago() {
    for (now, since, fine) in [
        ("2026-11-20T10:20:30Z", "2026-11-01T00:00:00Z", "2026-11-12T00:00:00Z"),
        ("2026-11-09T00:00:00Z", "2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z"),
        ("2026-11-03T10:20:30Z", "2026-10-26T00:00:00Z", "2026-10-26T00:00:00Z"),
        ("2024-03-01T00:00:00Z", "2024-02-22T00:00:00Z", "2024-02-22T00:00:00Z"),
    ] {
        let span = Span::up_to(now.parse().unwrap());
        assert_eq!((span.since.to_string(), span.fine.to_string()), (since.to_owned(), fine.to_owned()), "{now}");
    }
}

#[test]
fn what_a_source_does_not_tell_is_unread_and_what_is_not_asked_is_empty() {
    let record = convert(&owner(), plain()).unwrap();
    assert_eq!((record.id.as_str(), record.region.as_str()), ("111122223333", "global"));
    assert_eq!(record.arn.to_string(), "arn:aws-cn:ce::111122223333:spend/111122223333");
    assert_eq!((&record.config.granularity, unread(&record)), (&None, vec![]));

    let costs = Some(Ok(vec![Cost::default()]));
    let some = Answers { granularity: Some(Granularity::Daily), costs, ..plain() };
    let record = convert(&owner(), some).unwrap();
    assert_eq!((record.config.granularity.as_deref(), record.config.cost_and_usage.len()), (Some("DAILY"), 1));

    let some = Answers {
        costs: Some(Err(denied("ce:GetCostAndUsage"))),
        report: Some(Err(denied("s3:GetObject"))),
        ..plain()
    };
    let record = convert(&owner(), some).unwrap();
    assert_eq!((record.config.estimated_charges.len(), unread(&record)), (1, vec!["CostAndUsage", "Report"]));
    assert_eq!(record.unread[1].operation, "s3:GetObject");

    let charges = || Err(denied("cloudwatch:GetMetricData"));
    let some = Answers { charges: charges(), report: Some(Ok(Vec::new())), ..plain() };
    assert_eq!(unread(&convert(&owner(), some).unwrap()), ["EstimatedCharges"]);
    let none = Answers { charges: charges(), costs: Some(Err(denied("ce:GetCostAndUsage"))), ..plain() };
    assert_eq!(convert(&owner(), none).unwrap_err().operation, "cloudwatch:GetMetricData");
}
