//! Which files a month's report has.

use common::aws::{AwsError, Bucket};
use common::settings::ReportPlace;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::Deserialize;

use super::{Span, broken, is_missing};

/// As much of a manifest as is needed.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Manifest {
    /// Of a Cost and Usage Report.
    report_keys: Vec<String>,
    /// Of a Data Export.
    data_files: Vec<String>,
}

/// The months that a span touches, as their first days: the last one is that of now.
pub(super) fn months(span: Span) -> Vec<Date> {
    let first = |at: Timestamp| at.to_zoned(TimeZone::UTC).date().first_of_month();
    let (earlier, now) = (first(span.since), first(span.now));
    if earlier < now { vec![earlier, now] } else { vec![now] }
}

/// The keys of a month's files.
pub(super) async fn read(bucket: &Bucket<'_>, place: &ReportPlace, month: Date) -> Result<Vec<String>, AwsError> {
    let [report, export] = keys(place, month);
    let (key, text) = match bucket.whole(&report).await {
        Err(missing) if is_missing(&missing) => match bucket.whole(&export).await {
            Ok(text) => (export, text),
            // That there is no export is nothing that anybody needs to hear of who has a report.
            Err(error) if is_missing(&error) => return Err(missing),
            Err(error) => return Err(error),
        },
        text => (report, text?),
    };
    files(&text, &place.bucket).map_err(|why| broken(&key, &why))
}

/// Where a manifest may be.
fn keys(place: &ReportPlace, month: Date) -> [String; 2] {
    let ReportPlace { prefix, name, .. } = place;
    let folder = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
    let next = month.saturating_add(1.month());
    [
        format!("{folder}/{}-{}/{name}-Manifest.json", month.strftime("%Y%m%d"), next.strftime("%Y%m%d")),
        format!("{folder}/metadata/BILLING_PERIOD={}/{name}-Manifest.json", month.strftime("%Y-%m")),
    ]
}

/// The files that a manifest lists.
fn files(text: &[u8], bucket: &str) -> Result<Vec<String>, String> {
    let Manifest { mut report_keys, data_files } = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let own = format!("s3://{bucket}/");
    report_keys.extend(data_files.into_iter().map(|file| file.strip_prefix(&own).map_or(file.clone(), str::to_owned)));
    match report_keys.iter().find(|key| !key.ends_with(".csv.gz")) {
        _ if report_keys.is_empty() => Err("it lists no files".to_owned()),
        Some(key) => Err(format!("{key} is no gzipped CSV: choose text/csv and GZIP for the report")),
        None => Ok(report_keys),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_a_folder() {
        let place: ReportPlace = "s3://acme-billing/cur/hourly".parse().unwrap();
        let december = "2026-12-01".parse().unwrap();
        assert_eq!(
            keys(&place, december),
            [
                "cur/hourly/20261201-20270101/hourly-Manifest.json",
                "cur/hourly/metadata/BILLING_PERIOD=2026-12/hourly-Manifest.json",
            ]
        );
        let bare: ReportPlace = "s3://acme-billing/hourly".parse().unwrap();
        assert_eq!(keys(&bare, december)[0], "hourly/20261201-20270101/hourly-Manifest.json");
    }

    #[test]
    fn the_first_days_of_a_month_need_the_one_before() {
        for (now, expected) in [
            ("2026-11-20T10:00:00Z", &["2026-11-01"][..]),
            ("2026-11-09T00:00:00Z", &["2026-11-01"]),
            ("2026-11-08T23:59:59Z", &["2026-10-01", "2026-11-01"]),
            ("2027-01-01T00:00:00Z", &["2026-12-01", "2027-01-01"]),
        ] {
            let months = months(Span::up_to(now.parse().unwrap()));
            assert_eq!(months.iter().map(Date::to_string).collect::<Vec<_>>(), expected, "{now}");
        }
    }

    #[test]
    fn only_gzipped_csv_is_read() {
        let of = |text: &str| files(text.as_bytes(), "acme-billing");
        assert_eq!(of(r#"{"reportKeys": ["a/b-00001.csv.gz"], "x": 1}"#).unwrap(), ["a/b-00001.csv.gz"]);
        assert_eq!(of(r#"{"dataFiles": ["s3://acme-billing/a/b-00001.csv.gz"]}"#).unwrap(), ["a/b-00001.csv.gz"]);
        for (text, expected) in [
            ("{}", "lists no files"),
            ("<html>", "expected value"),
            (r#"{"reportKeys": ["a/b.csv.gz", "a/c.snappy.parquet"]}"#, "a/c.snappy.parquet is no gzipped CSV"),
            (r#"{"reportKeys": ["a/b.csv.zip"]}"#, "choose text/csv and GZIP"),
        ] {
            let error = of(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
