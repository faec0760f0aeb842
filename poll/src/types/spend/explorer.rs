//! Cost Explorer: what each day or hour cost.
//!
//! Each page costs 0.01 USD: <https://aws.amazon.com/aws-cost-management/aws-cost-explorer/pricing/>. Without credits and
//! refunds: what is paid for by a credit is being spent all the same, and what AWS gives back for last month is not saved
//! today.

use aws_sdk_costexplorer::types::{DateInterval, Dimension, DimensionValues, Expression, Granularity, ResultByTime};
use common::aws::{AwsError, Session};
use common::client;
use common::operation::CE_GET_COST_AND_USAGE;
use common::resource::Cost;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{Span, billing_region, start_of};

/// What is asked for: what each hour cost in itself, as the report's `lineItem/UnblendedCost` is.
const COST: &str = "UnblendedCost";

/// The intervals of a span, oldest first.
pub(super) async fn costs(session: &Session, granularity: &Granularity, span: Span) -> Result<Vec<Cost>, AwsError> {
    let region = billing_region(session);
    let client = client!(aws_sdk_costexplorer, session, &region);
    let interval = interval(granularity, span)?;
    let (mut results, mut next) = (Vec::new(), None);
    loop {
        let request = client
            .get_cost_and_usage()
            .granularity(granularity.clone())
            .metrics(COST)
            .time_period(interval.clone())
            .filter(filter(session.account().as_str()))
            .set_next_page_token(next);
        let page = request.send().await.map_err(|error| AwsError::new(CE_GET_COST_AND_USAGE, error))?;
        results.extend(page.results_by_time.unwrap_or_default());
        next = page.next_page_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return convert(&results, span.now);
        }
    }
}

/// What is asked for: up to the end of the day or hour that it is. Cost Explorer has the hours of 14 days.
fn interval(granularity: &Granularity, span: Span) -> Result<DateInterval, AwsError> {
    let (start, end) = if *granularity == Granularity::Hourly {
        let hour = span.now.as_second().div_euclid(3600) + 1;
        let end = Timestamp::from_second(hour * 3600).unwrap_or(span.now);
        (span.fine.to_string(), end.to_string())
    } else {
        let date = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
        (date(span.since).to_string(), date(span.now).tomorrow().unwrap_or(Date::MAX).to_string())
    };
    let interval = DateInterval::builder().start(start).end(end).build();
    interval.map_err(|error| AwsError::of(CE_GET_COST_AND_USAGE, "NotSent", error.to_string()))
}

/// Of one that pays for others, this account's alone; without what AWS gives back.
fn filter(account: &str) -> Expression {
    let dimension = |key: Dimension, values: &[&str]| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        Expression::builder().dimensions(DimensionValues::builder().key(key).set_values(Some(values)).build()).build()
    };
    let given = dimension(Dimension::RecordType, &["Credit", "Refund"]);
    Expression::builder()
        .and(dimension(Dimension::LinkedAccount, &[account]))
        .and(Expression::builder().not(given).build())
        .build()
}

fn convert(results: &[ResultByTime], now: Timestamp) -> Result<Vec<Cost>, AwsError> {
    let mut costs = Vec::with_capacity(results.len());
    for result in results {
        let bad = |what: &str| AwsError::of(CE_GET_COST_AND_USAGE, "BadResponse", format!("an interval has no {what}"));
        let period = result.time_period.as_ref().ok_or_else(|| bad("TimePeriod"))?;
        let start = time(&period.start).ok_or_else(|| bad("Start that is a time"))?;
        let end = time(&period.end).ok_or_else(|| bad("End that is a time"))?;
        if start >= now {
            continue;
        }
        let total = result.total.as_ref().and_then(|total| total.get(COST));
        let total = total.ok_or_else(|| bad("UnblendedCost"))?;
        let amount = total.amount.as_deref().and_then(|amount| amount.parse().ok());
        costs.push(Cost {
            start,
            end: end.min(now),
            amount: amount.ok_or_else(|| bad("Amount that is a number"))?,
            unit: total.unit.clone().unwrap_or_default(),
            estimated: Some(result.estimated),
        });
    }
    costs.sort_by_key(|cost| cost.start);
    Ok(costs)
}

/// A date, or a time where hours were asked for.
fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| start_of(text.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use aws_sdk_costexplorer::types::MetricValue;

    use super::*;

    fn span() -> Span {
        Span::up_to("2026-11-20T10:20:30Z".parse().unwrap())
    }

    fn result(start: &str, end: &str, amount: &str) -> ResultByTime {
        let amount = MetricValue::builder().amount(amount).unit("USD").build();
        let period = DateInterval::builder().start(start).end(end).build().unwrap();
        ResultByTime::builder().time_period(period).total("UnblendedCost", amount).estimated(true).build()
    }

    #[test]
    fn days_begin_with_the_month_and_hours_eight_days_ago() {
        let shown = |granularity: Granularity| {
            let interval = interval(&granularity, span()).unwrap();
            (interval.start, interval.end)
        };
        assert_eq!(shown(Granularity::Daily), ("2026-11-01".to_owned(), "2026-11-21".to_owned()));
        assert_eq!(shown(Granularity::Hourly), ("2026-11-12T00:00:00Z".to_owned(), "2026-11-20T11:00:00Z".to_owned()));
    }

    #[test]
    fn what_has_not_ended_ends_now() {
        let results = [
            result("2026-11-20", "2026-11-21", "3.2E-7"),
            result("2026-11-19", "2026-11-20", "12.50"),
            result("2026-11-21", "2026-11-22", "0"),
        ];
        let shown: Vec<String> = convert(&results, span().now)
            .unwrap()
            .iter()
            .map(|cost| format!("{} {} {} {}", cost.start, cost.end, cost.amount, cost.unit))
            .collect();
        assert_eq!(
            shown,
            [
                "2026-11-19T00:00:00Z 2026-11-20T00:00:00Z 12.5 USD",
                "2026-11-20T00:00:00Z 2026-11-20T10:20:30Z 0.00000032 USD"
            ]
        );
        let hour = [result("2026-11-19T05:00:00Z", "2026-11-19T06:00:00Z", "1")];
        assert_eq!(convert(&hour, span().now).unwrap()[0].start.to_string(), "2026-11-19T05:00:00Z");
    }

    #[test]
    fn an_answer_that_makes_no_sense_is_an_error() {
        let empty = ResultByTime::builder().estimated(false).build();
        let rows = [
            empty,
            result("soon", "2026-11-20", "1"),
            result("2026-11-19", "later", "1"),
            result("2026-11-19", "2026-11-20", "much"),
        ];
        for row in rows {
            assert_eq!(convert(std::slice::from_ref(&row), span().now).unwrap_err().code(), "BadResponse", "{row:?}");
        }
    }
}
