//! CloudWatch's `EstimatedCharges`: what the month has cost up to each sample.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/monitor_estimated_charges_with_cloudwatch.html>. They are
//! there once somebody has turned on billing alerts in the account's billing preferences.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, ScanBy, StatusCode};
use aws_smithy_types::DateTime;
use common::aws::{AwsError, Session};
use common::client;
use common::decimal::Decimal;
use common::operation::CLOUDWATCH_GET_METRIC_DATA;
use common::resource::EstimatedCharge;
use jiff::Timestamp;

use super::billing_region;
use crate::types::time;

/// The query of what this account costs where it pays for others, too.
const OWN: &str = "own";
/// The query of what the account costs; of one that pays for others, all of them together.
const ALL: &str = "all";
/// In seconds. AWS writes a sample every few hours.
const PERIOD: i32 = 3600;

/// The samples since then, oldest first.
pub(super) async fn charges(
    session: &Session,
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<EstimatedCharge>, AwsError> {
    let region = billing_region(session);
    let currency = if session.partition() == "aws-cn" { "CNY" } else { "USD" };
    let account = session.account().as_str();
    let mut pages = client!(aws_sdk_cloudwatch, session, &region)
        .get_metric_data()
        .metric_data_queries(query(OWN, &[("LinkedAccount", account), ("Currency", currency)]))
        .metric_data_queries(query(ALL, &[("Currency", currency)]))
        .start_time(DateTime::from_secs(since.as_second()))
        .end_time(DateTime::from_secs(now.as_second()))
        .scan_by(ScanBy::TimestampAscending)
        .into_paginator()
        .send();
    let mut results = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::new(CLOUDWATCH_GET_METRIC_DATA, error))?;
        results.extend(page.metric_data_results.unwrap_or_default());
    }
    convert(results, currency)
}

fn query(id: &str, dimensions: &[(&str, &str)]) -> MetricDataQuery {
    let dimensions = dimensions.iter().map(|(name, value)| Dimension::builder().name(*name).value(*value).build());
    let metric = Metric::builder()
        .namespace("AWS/Billing")
        .metric_name("EstimatedCharges")
        .set_dimensions(Some(dimensions.collect()))
        .build();
    let stat = MetricStat::builder().metric(metric).period(PERIOD).stat("Maximum").build();
    MetricDataQuery::builder().id(id).metric_stat(stat).build()
}

/// The samples of the account itself, or else those of all that it pays for: of most accounts there are only these.
fn convert(results: Vec<MetricDataResult>, currency: &str) -> Result<Vec<EstimatedCharge>, AwsError> {
    let (mut own, mut all) = (BTreeMap::new(), BTreeMap::new());
    for result in results {
        // There are more on the next page where it is `PartialData`; of other answers nobody knows what is missing.
        if let Some(code @ (StatusCode::Forbidden | StatusCode::InternalError)) = &result.status_code {
            let messages = result.messages.unwrap_or_default();
            let messages: Vec<String> = messages.into_iter().filter_map(|message| message.value).collect();
            return Err(AwsError::of(CLOUDWATCH_GET_METRIC_DATA, code.as_str(), messages.join("; ")));
        }
        let samples = if result.id.as_deref() == Some(OWN) { &mut own } else { &mut all };
        let pairs = result.timestamps.unwrap_or_default().into_iter().zip(result.values.unwrap_or_default());
        for (at, value) in pairs {
            let maximum = Decimal::from_f64(value).ok_or_else(|| {
                AwsError::of(CLOUDWATCH_GET_METRIC_DATA, "BadResponse", format!("EstimatedCharges are {value}"))
            })?;
            samples.insert(time(&at), maximum);
        }
    }
    let samples = if own.is_empty() { all } else { own };
    let sample = |(timestamp, maximum)| EstimatedCharge { timestamp, maximum, currency: currency.to_owned() };
    Ok(samples.into_iter().map(sample).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(id: &str, status: StatusCode, samples: &[(i64, f64)]) -> MetricDataResult {
        MetricDataResult::builder()
            .id(id)
            .status_code(status)
            .set_timestamps(Some(samples.iter().map(|(at, _)| DateTime::from_secs(*at)).collect()))
            .set_values(Some(samples.iter().map(|(_, value)| *value).collect()))
            .build()
    }

    fn told(results: Vec<MetricDataResult>) -> Vec<(i64, String)> {
        let samples = convert(results, "USD").unwrap();
        samples.iter().map(|it| (it.timestamp.as_second(), it.maximum.to_string())).collect()
    }

    #[test]
    fn an_account_that_pays_for_others_has_samples_of_its_own() {
        let all = || result(ALL, StatusCode::Complete, &[(7200, 900.5), (3600, 800.0)]);
        let own = result(OWN, StatusCode::Complete, &[(3600, 1.25)]);
        assert_eq!(
            told(vec![result(OWN, StatusCode::Complete, &[]), all()]),
            [(3600, "800".into()), (7200, "900.5".into())]
        );
        assert_eq!(told(vec![own, all()]), [(3600, "1.25".into())]);
        assert_eq!(told(Vec::new()), []);
    }

    #[test]
    fn pages_are_one_row_and_what_is_not_known_is_no_sample() {
        let pages = vec![
            result(ALL, StatusCode::PartialData, &[(3600, 1.0)]),
            result(ALL, StatusCode::Complete, &[(7200, 2.0)]),
        ];
        assert_eq!(told(pages).len(), 2);
        for status in [StatusCode::InternalError, StatusCode::Forbidden] {
            let error = convert(vec![result(ALL, status.clone(), &[(3600, 1.0)])], "USD").unwrap_err();
            assert_eq!(error.code(), status.as_str());
        }
        assert_eq!(
            convert(vec![result(ALL, StatusCode::Complete, &[(0, f64::NAN)])], "USD").unwrap_err().code(),
            "BadResponse"
        );
    }
}
