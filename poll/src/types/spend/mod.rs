//! `spend`: what an account spends. One record for each account.
//!
//! CloudWatch's `EstimatedCharges` are always asked for, with the account's own session; Cost Explorer and the Cost and
//! Usage Report where the settings say so. Each is a field of its own, and what cannot be read of one is unread.

mod charges;

use std::collections::BTreeMap;

use common::arn::Arn;
use common::aws::{AwsError, Session};
use common::clock;
use common::id::Region;
use common::operation::{CLOUDWATCH_GET_METRIC_DATA, Operation};
use common::record::Resource;
use common::resource::{EstimatedCharge, Spend};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Owner, Polled, read};
use crate::account::Account;
use crate::plan::Reach;
use crate::sink::Sink;
use charges::charges;

/// How far back all sources go, at least: a week, and a day for what AWS is late by.
const BACK: SignedDuration = SignedDuration::from_hours(8 * 24);

impl Polled for Spend {
    const LIST: &'static [Operation] = &[CLOUDWATCH_GET_METRIC_DATA];
    const LOOK: &'static [Operation] = &[CLOUDWATCH_GET_METRIC_DATA];
    const SETTLES: bool = false;

    async fn list(account: &Account, _: &Reach, sink: &Sink) -> Result<(), AwsError> {
        // No account is the misconfiguration maker's, and it has no tags that could say so.
        if sink.only_tests() {
            return Ok(());
        }
        let session = &account.session;
        let span = Span::up_to(clock::now());
        let answers = Answers { charges: charges(session, span.since, span.now).await };
        sink.resource(convert(&Owner::of(session), answers)?).await;
        Ok(())
    }

    async fn look(session: &Session, _: &Region, id: &str) -> Result<Option<Resource<Self>>, AwsError> {
        if id != session.account().as_str() {
            let message = format!("`{id}` is not the account {}", session.account());
            return Err(AwsError::of(CLOUDWATCH_GET_METRIC_DATA, "BadReference", message));
        }
        let span = Span::up_to(clock::now());
        let answers = Answers { charges: charges(session, span.since, span.now).await };
        convert(&Owner::of(session), answers).map(Some)
    }
}

/// What AWS keeps of money it keeps in one region of a partition:
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
    /// The start of the month or of a day eight days ago, whichever is earlier.
    since: Timestamp,
    now: Timestamp,
}

impl Span {
    fn up_to(now: Timestamp) -> Self {
        let date = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
        let first = date(now.saturating_sub(BACK).unwrap_or(now)).min(date(now).first_of_month());
        let since = first.to_zoned(TimeZone::UTC).map_or(now, |start| start.timestamp());
        Self { since, now }
    }
}

/// What the sources answered.
#[derive(Debug)]
struct Answers {
    charges: Result<Vec<EstimatedCharge>, AwsError>,
}

/// The record of what an account spends.
///
/// # Errors
///
/// Where nothing at all could be read.
fn convert(owner: &Owner, answers: Answers) -> Result<Resource<Spend>, AwsError> {
    if let Err(error) = answers.charges {
        return Err(error);
    }
    let mut unread = Vec::new();
    let spend = Spend {
        estimated_charges: read(answers.charges, &["EstimatedCharges"], &mut unread).unwrap_or_default(),
        ..Spend::default()
    };
    let id = owner.account.as_str();
    let arn = Arn::new(&owner.partition, "ce", "", id, format!("spend/{id}"));
    let mut record = owner.resource(&Region::global(), id, arn, BTreeMap::new(), spend);
    record.unread = unread;
    Ok(record)
}
