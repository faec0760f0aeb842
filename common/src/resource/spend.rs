//! `spend`: what an account spends, by each source that tells of it.
//!
//! The sources know different things at different times: CloudWatch's `EstimatedCharges` comes several times a day and
//! costs nothing, Cost Explorer and Cost and Usage Reports are finer and about a day late. [`Spend::within`] takes the one
//! that knows most of the last hours.

mod tell;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::decimal::{self, Decimal};

pub use tell::{Amount, Source};

/// What an account spends. `id` is the account's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Spend {
    /// The samples of CloudWatch's `EstimatedCharges`, oldest first: what the month had cost up to each. They go back to
    /// the start of the month, and eight days at least.
    pub estimated_charges: Vec<EstimatedCharge>,
    /// `DAILY` or `HOURLY`: how long the intervals of `CostAndUsage` are. `null` where Cost Explorer was not asked.
    pub granularity: Option<String>,
    /// What Cost Explorer tells, oldest first, without gaps.
    pub cost_and_usage: Vec<Cost>,
    /// What the Cost and Usage Report tells, oldest first: hours of the last eight days and days before, without gaps, and
    /// by themselves what is longer than a day, such as a month's fees.
    pub report: Vec<Cost>,
}

/// A sample of `EstimatedCharges`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct EstimatedCharge {
    /// When.
    pub timestamp: Timestamp,
    /// What the month had cost by then.
    #[serde(with = "decimal::number")]
    #[cfg_attr(feature = "schema", schemars(with = "f64"))]
    pub maximum: Decimal,
    /// `USD`; `CNY` in China.
    pub currency: String,
}

/// What an interval cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Cost {
    /// When it began.
    pub start: Timestamp,
    /// When it ended; where it has not, when AWS was asked.
    pub end: Timestamp,
    /// What it cost, without credits and refunds.
    pub amount: Decimal,
    /// `USD`, `CNY`, ...
    pub unit: String,
    /// Whether the amount may still change. A report does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated: Option<bool>,
}
