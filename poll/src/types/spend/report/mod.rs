//! The Cost and Usage Report: gzipped CSV files in S3, which a manifest lists for each month.
//!
//! The manifest is at `<prefix>/<name>/<YYYYMMDD>-<YYYYMMDD>/<name>-Manifest.json`, whether each delivery has a folder of
//! its own or overwrites the last (<https://docs.aws.amazon.com/cur/latest/userguide/understanding-report-versions.html>),
//! and that of a Data Export, whose columns are the same by other names, at
//! `<prefix>/<name>/metadata/BILLING_PERIOD=<YYYY-MM>/<name>-Manifest.json`
//! (<https://docs.aws.amazon.com/cur/latest/userguide/dataexports-export-delivery.html>).
//!
//! A month has millions of lines: files are fetched in pieces and added up as they come, so that what is in memory depends
//! on how many accounts and hours there are, and not on the lines.

mod lines;
mod manifest;
mod sums;

use common::aws::{AwsError, Bucket, Session};
use common::operation::S3_GET_OBJECT;
use common::settings::ReportPlace;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::task::spawn_blocking;

use super::Span;
use sums::Sums;

pub(super) use lines::UNBLENDED;
pub(super) use sums::Report;

/// How many files are read at once: unpacking is the work of a processor.
const FILES: usize = 4;

/// Reads what the report has of a span.
///
/// # Errors
///
/// No manifest of any month, a call that failed, a file that is no report's. A report of which a part is missing tells
/// nothing.
pub(super) async fn read(session: &Session, place: &ReportPlace, cost: &str, span: Span) -> Result<Report, AwsError> {
    let bucket = Bucket::find(session, &place.bucket);
    let (mut files, mut from, mut missing) = (Vec::new(), None, None);
    for month in manifest::months(span) {
        match manifest::read(&bucket, place, month).await {
            Ok(listed) => {
                files.extend(listed);
                from = from.or(Some(month));
            }
            // A new month's first report comes within a day; the month before it may be older than the report.
            Err(error) if is_missing(&error) => missing = Some(error),
            Err(error) => return Err(error),
        }
    }
    let from = match (from, missing) {
        (Some(month), _) => super::start_of(month).unwrap_or(span.since).max(span.since),
        (None, Some(error)) => return Err(error),
        (None, None) => span.since,
    };
    let sums = stream::iter(files)
        .map(|key| add_up(&bucket, key, cost, span))
        .buffer_unordered(FILES)
        .try_fold(Sums::new(span), |all, one| async { Ok(all.and(one)) })
        .await?;
    Ok(Report::new(sums, from))
}

/// Adds up a file.
async fn add_up(bucket: &Bucket<'_>, key: String, cost: &str, span: Span) -> Result<Sums, AwsError> {
    let (fetch, pieces) = bucket.fetch(&key);
    let (named, cost) = (key.clone(), cost.to_owned());
    let unpack = spawn_blocking(move || lines::add_up(pieces, &cost, span));
    let (fetched, unpacked) = tokio::join!(fetch, unpack);
    // A file that ends too soon is no gzip file: why it ended is the better answer.
    fetched?;
    let unpacked = unpacked.map_err(|error| broken(&named, &error.to_string()))?;
    unpacked.map_err(|why| broken(&named, &why))
}

/// A file that is not what a report's should be.
fn broken(key: &str, why: &str) -> AwsError {
    AwsError::of(S3_GET_OBJECT, "BadReport", format!("{key}: {why}"))
}

/// Whether a file may not be there: without the permission to list the bucket, S3 says that what is not there is forbidden.
fn is_missing(error: &AwsError) -> bool {
    error.code() == "NoSuchKey" || error.is_denied()
}

#[cfg(test)]
mod tests;
