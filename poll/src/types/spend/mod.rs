//! `spend`: what an account spends. One record for each account.
//!
//! CloudWatch's `EstimatedCharges` are always asked for, with the account's own session; Cost Explorer and the Cost and
//! Usage Report where the settings say so. Each is a field of its own, and what cannot be read of one is unread.

mod charges;
mod explorer;
mod report;
mod sources;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use aws_sdk_costexplorer::types::Granularity;
use common::arn::Arn;
use common::aws::{AwsError, Session};
use common::clock;
use common::id::Region;
use common::operation::{CE_GET_COST_AND_USAGE, CLOUDWATCH_GET_METRIC_DATA, Operation, S3_GET_OBJECT};
use common::record::Resource;
use common::resource::{Cost, EstimatedCharge, Spend};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Owner, Polled, read};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::Sink;

pub(crate) use sources::Sources;

/// How far back all sources go, at least: a week, and a day for what AWS is late by.
const BACK: SignedDuration = SignedDuration::from_hours(8 * 24);

impl Polled for Spend {
    const LIST: &'static [Operation] = &[CE_GET_COST_AND_USAGE, CLOUDWATCH_GET_METRIC_DATA, S3_GET_OBJECT];
    // A look knows no settings, and costs nothing.
    const LOOK: &'static [Operation] = &[CLOUDWATCH_GET_METRIC_DATA];
    const SETTLES: bool = false;

    async fn list(account: &Account, _: &Reach, sink: &Sink) -> Result<(), AwsError> {
        // No account is the misconfiguration maker's, and it has no tags that could say so.
        if sink.only_tests() {
            return Ok(());
        }
        sink.resource(ask(&account.session, &account.spend).await?).await;
        Ok(())
    }

    async fn look(session: &Session, _: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        if id != session.account().as_str() {
            let message = format!("`{id}` is not the account {}", session.account());
            return Err(AwsError::of(CLOUDWATCH_GET_METRIC_DATA, "BadReference", message));
        }
        ask(session, &Sources::default()).await.map(Some)
    }
}

async fn ask(session: &Session, sources: &Sources) -> Result<Resource<Spend>, AwsError> {
    let answers = sources.ask(session, Span::up_to(clock::now())).await;
    convert(&Owner::of(session), answers)
}

/// What AWS knows of money it knows in one region of a partition:
/// <https://docs.aws.amazon.com/general/latest/gr/billing.html>.
fn billing_region(session: &Session) -> Region {
    let name = match session.partition() {
        "aws" => "us-east-1",
        "aws-cn" => "cn-northwest-1",
        // What GovCloud costs, the standard account that it belongs to knows.
        _ => return session.home_region().clone(),
    };
    name.parse().unwrap_or_else(|_| session.home_region().clone())
}

/// Of when the sources are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    /// The start of the month, or of `fine` where that is earlier.
    since: Timestamp,
    /// The start of the day eight days ago: from there on, hours are told by themselves.
    fine: Timestamp,
    now: Timestamp,
}

impl Span {
    fn up_to(now: Timestamp) -> Self {
        let date = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
        let fine = date(now.saturating_sub(BACK).unwrap_or(now));
        let since = fine.min(date(now).first_of_month());
        Self { since: start_of(since).unwrap_or(now), fine: start_of(fine).unwrap_or(now), now }
    }
}

/// The start of a day in UTC.
fn start_of(day: Date) -> Option<Timestamp> {
    day.to_zoned(TimeZone::UTC).ok().map(|start| start.timestamp())
}

/// What the sources answered; nothing where one was not asked.
#[derive(Debug)]
struct Answers {
    charges: Result<Vec<EstimatedCharge>, AwsError>,
    granularity: Option<Granularity>,
    costs: Option<Result<Vec<Cost>, AwsError>>,
    report: Option<Result<Vec<Cost>, AwsError>>,
}

/// The record of what an account spends.
///
/// # Errors
///
/// Where nothing at all could be read: a record that says so would make a scope look covered.
fn convert(owner: &Owner, answers: Answers) -> Result<Resource<Spend>, AwsError> {
    let Answers { charges, granularity, costs, report } = answers;
    let told = [&costs, &report].into_iter().any(|answer| matches!(answer, Some(Ok(_))));
    if let Err(error) = &charges
        && !told
    {
        return Err(error.clone());
    }
    let mut unread = Vec::new();
    let mut read_costs =
        |answer: Option<_>, field| answer.and_then(|answer| read(answer, &[field], &mut unread)).unwrap_or_default();
    let (cost_and_usage, report) = (read_costs(costs, "CostAndUsage"), read_costs(report, "Report"));
    let spend = Spend {
        estimated_charges: read(charges, &["EstimatedCharges"], &mut unread).unwrap_or_default(),
        granularity: granularity.map(|granularity| granularity.as_str().to_owned()),
        cost_and_usage,
        report,
    };
    let id = owner.account.as_str();
    let arn = Arn::new(&owner.partition, "ce", "", id, format!("spend/{id}"));
    let mut record = owner.resource(&Region::global(), id, arn, BTreeMap::new(), spend);
    record.unread = unread;
    Ok(record)
}
