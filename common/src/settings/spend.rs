//! `[spend]`: which sources tell `poll` what accounts spend.

use std::fmt;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// `[spend]`. CloudWatch's `EstimatedCharges` are always read; the others cost money, or have to be set up first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spending {
    /// Whether `poll` writes what accounts spend without being asked for it (`--types spend`).
    pub poll: bool,
    /// Whether Cost Explorer is asked, each request of which costs 0.01 USD.
    pub cost_explorer: CostExplorer,
    /// The Cost and Usage Report, which is read with the caller's own credentials.
    pub report: Option<ReportPlace>,
    /// The report's column that is added up; the default is `lineItem/UnblendedCost`.
    pub report_cost: Option<String>,
}

/// How long the intervals are that Cost Explorer is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CostExplorer {
    /// It is not asked.
    #[default]
    Off,
    /// Days.
    Daily,
    /// Hours, which somebody has to turn on in the preferences of Cost Explorer, and which cost more.
    Hourly,
}

/// Where a Cost and Usage Report lies: `s3://bucket/prefix/name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportPlace {
    /// The bucket.
    pub bucket: String,
    /// What stands before the report's name, without a slash at the end; empty where nothing does.
    pub prefix: String,
    /// The report's name.
    pub name: String,
}

/// A text that is no place of a report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no place of a Cost and Usage Report: write s3://bucket/prefix/name")]
pub struct ReportPlaceError(String);

impl FromStr for ReportPlace {
    type Err = ReportPlaceError;

    fn from_str(text: &str) -> Result<Self, ReportPlaceError> {
        let bad = || ReportPlaceError(text.chars().take(80).collect());
        let rest = text.strip_prefix("s3://").ok_or_else(bad)?;
        let (bucket, path) = rest.trim_end_matches('/').split_once('/').ok_or_else(bad)?;
        let (prefix, name) = path.rsplit_once('/').unwrap_or(("", path));
        if bucket.is_empty() || name.is_empty() {
            return Err(bad());
        }
        let [bucket, prefix, name] = [bucket, prefix, name].map(str::to_owned);
        Ok(Self { bucket, prefix, name })
    }
}

impl fmt::Display for ReportPlace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bucket, prefix, name } = self;
        let slash = if prefix.is_empty() { "" } else { "/" };
        write!(out, "s3://{bucket}/{prefix}{slash}{name}")
    }
}

impl<'de> Deserialize<'de> for ReportPlace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_a_bucket_and_a_name() {
        for (text, bucket, prefix, name) in [
            ("s3://acme-billing/cur/hourly", "acme-billing", "cur", "hourly"),
            ("s3://acme-billing/a/b/hourly/", "acme-billing", "a/b", "hourly"),
            ("s3://acme-billing/hourly", "acme-billing", "", "hourly"),
        ] {
            let place: ReportPlace = text.parse().unwrap();
            assert_eq!((&*place.bucket, &*place.prefix, &*place.name), (bucket, prefix, name));
            assert_eq!(place.to_string(), text.trim_end_matches('/'));
        }
        for text in ["", "acme-billing/hourly", "s3://", "s3://acme-billing", "s3://acme-billing/", "s3:///hourly"] {
            assert!(text.parse::<ReportPlace>().unwrap_err().to_string().contains("s3://bucket/prefix/name"), "{text}");
        }
    }

    #[test]
    fn what_is_not_set_costs_nothing() {
        let spending: Spending = toml::from_str("").unwrap();
        assert_eq!(spending, Spending::default());
        assert_eq!(spending.cost_explorer, CostExplorer::Off);
        let spending: Spending = toml::from_str("cost_explorer = \"hourly\"\nreport = \"s3://b/p/n\"").unwrap();
        assert_eq!(spending.cost_explorer, CostExplorer::Hourly);
        for text in ["cost_explorer = \"weekly\"", "report = \"b/p/n\"", "cost = 1"] {
            assert!(toml::from_str::<Spending>(text).is_err(), "{text}");
        }
    }
}
