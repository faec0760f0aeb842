//! The settings: one optional TOML file for all tools (`--config FILE` or `SLUICE_CONFIG`).
//!
//! A flag beats an environment variable beats the file, and everything works without it. An unknown key is an error: a
//! guard that was misspelt is a guard that is off. `docs/settings.md` shows every key.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer};

use crate::id::{AccountId, Region};
use crate::record::Severity;

mod exception;
mod honeytoken;
mod notify;
mod required_tag;
mod runaway;
mod schedule;
mod spend;

pub use exception::{Exception, ExceptionsError, Patterns, Place};
pub use honeytoken::{Allowed, DecoyAccount, Honeytoken};
pub use notify::{Notify, Route, Target, To, ToError, Zone, ZoneError};
pub use required_tag::{RequiredTag, RequiredTagError};
pub use runaway::{MaxSpend, MaxSpendError, Runaway, Window};
pub use schedule::{Grace, GraceError, GracePeriod, ParsePeriodError, Period, Schedule, Score, Scores};
pub use spend::{CostExplorer, ReportPlace, ReportPlaceError, Spending};

/// All settings.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How the accounts are reached.
    pub aws: Aws,
    /// Who else may be let in.
    pub trusted: Trusted,
    /// Tags that must be there. Empty: none.
    pub required_tags: Vec<RequiredTag>,
    /// What may break a rule. Those of `--exceptions` are added.
    pub exceptions: Vec<Exception>,
    /// The accounts to which the organization's security services report.
    pub central: Central,
    /// From what on an account is running away.
    pub runaway: Runaway,
    /// From what on something is too old, too long unused, or too wide.
    pub thresholds: Thresholds,
    /// Per check.
    pub checks: BTreeMap<String, Check>,
    /// Per account.
    pub accounts: BTreeMap<AccountId, Account>,
    /// Where `poll` learns what accounts spend.
    pub spend: Spending,
    /// What `remediate` may do.
    pub remediate: Remediate,
    /// When `remediate --tasks` does it.
    pub schedule: Schedule,
    /// Where `notify` speaks.
    pub notify: Notify,
    /// Who hears of what.
    pub route: Vec<Route>,
    /// The decoys.
    pub honeytoken: Honeytoken,
}

/// `[aws]`: how the accounts are reached.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Aws {
    /// The profile of the AWS configuration files.
    pub profile: Option<String>,
    /// The role (name, path and name, or ARN with `{account}`) to assume in each account but the caller's own.
    pub role: Option<String>,
    /// The ARN of the role to assume for reading the organization, where the caller's account may not.
    pub org_role: Option<String>,
    /// The external id that the roles' trust policies ask for.
    pub external_id: Option<String>,
    /// The session's name, as CloudTrail shows it.
    pub session_name: Option<String>,
    /// The accounts to look at, and the only ones that `remediate` touches. Empty: `poll` looks at the caller's own, and
    /// `remediate` goes by its records.
    pub accounts: Vec<AccountId>,
    /// The regions to look at. Empty: all that are enabled.
    pub regions: Vec<Region>,
    /// How many requests may be under way at once.
    pub concurrency: Option<usize>,
    /// The roles of single accounts, where that is another one than `role`: those of `[honeytoken.accounts]`.
    #[serde(skip)]
    pub roles: BTreeMap<AccountId, String>,
}

/// `[trusted]`: who else may be let in by a policy. Each account always trusts itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Trusted {
    /// Accounts.
    pub accounts: Vec<AccountId>,
    /// Organizations (`o-...`).
    pub organizations: Vec<String>,
    /// Canonical user ids, for S3 grants.
    pub canonical_users: Vec<String>,
}

/// `[central]`: the accounts to which the organization's security services report. A check that asks for one passes over
/// the question where it is not set.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Central {
    /// GuardDuty's administrator account.
    pub guardduty: Option<AccountId>,
    /// The account that aggregates what AWS Config records. Not for an aggregator of the whole organization, which needs
    /// nobody's authorization.
    pub config: Option<AccountId>,
    /// The account that CloudTrail's trails belong or deliver to.
    pub cloudtrail: Option<AccountId>,
}

/// `[thresholds]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// For how many hours a password may be without MFA.
    pub mfa_grace_hours: u32,
    /// After how many days without use a password is stale.
    pub password_unused_days: u32,
    /// After how many days without use an access key is stale.
    pub key_unused_days: u32,
    /// An IPv4 range with a prefix as short as this, or shorter, is open to the world: `0.0.0.0/1` and `128.0.0.0/1` are
    /// `0.0.0.0/0` in two halves.
    pub open_ipv4_prefix: u8,
    /// The same for IPv6, whose public addresses are all in `2000::/3`.
    pub open_ipv6_prefix: u8,
    /// How long at least the account's password policy has passwords be.
    pub password_min_length: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            mfa_grace_hours: 24,
            password_unused_days: 90,
            key_unused_days: 100,
            open_ipv4_prefix: 7,
            open_ipv6_prefix: 15,
            password_min_length: 14,
        }
    }
}

/// `[checks.<id>]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Check {
    /// Whether it is made at all.
    pub enabled: Option<bool>,
    /// Another severity than its own.
    pub severity: Option<Severity>,
    /// Whether its findings carry the action that mends them.
    pub fix: Option<bool>,
    /// Which of its actions they carry, where it has several; otherwise the first that `--list-checks` names.
    pub action: Option<String>,
}

/// `[accounts."111122223333"]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Account {
    /// What people call it.
    pub name: Option<String>,
    /// Whether it is a development account, whose instances must not be on the internet.
    pub dev: bool,
    /// Who is responsible for it: mail addresses, Slack channels.
    pub contacts: Vec<String>,
    /// How many instances may run in it, instead of `[runaway]`'s.
    pub max_running_instances: Option<u64>,
    /// How much may be spent in it, instead of `[runaway]`'s.
    pub max_spend: Option<MaxSpend>,
    /// How many actions one run may take in it.
    pub max_actions: Option<usize>,
    /// How many per cent of a type's polled resources in it one run may touch.
    #[serde(deserialize_with = "percent")]
    pub max_percent: Option<u8>,
}

/// `[remediate]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Remediate {
    /// How many actions one run may take.
    pub max_actions: Option<usize>,
    /// How many per cent of a type's polled resources one run may touch.
    #[serde(deserialize_with = "percent")]
    pub max_percent: Option<u8>,
    /// Where the journal is.
    pub journal: Option<PathBuf>,
    /// For each VPC the security group without rules into which `disable` moves databases and load balancers that cannot be
    /// stopped. Where there is none, they are left alone.
    pub closed_security_groups: BTreeMap<String, String>,
    /// Whether `kill` leaves a final snapshot of a database; it does unless this says no.
    pub final_snapshot: Option<bool>,
}

/// More than all of something is no limit.
fn percent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    let percent = u8::deserialize(deserializer)?;
    if percent > 100 {
        let expected = &"a share of up to 100 per cent";
        return Err(D::Error::invalid_value(Unexpected::Unsigned(percent.into()), expected));
    }
    Ok(Some(percent))
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read the settings {path}: {error}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file is not understood; TOML's message has the line and the column.
    #[error("cannot understand the settings {path}: {error}")]
    Parse {
        /// Which file.
        path: PathBuf,
        /// Why, with the place.
        error: Box<toml::de::Error>,
    },
}

impl Settings {
    /// Reads a settings file; without one, the defaults.
    pub fn load(path: Option<&Path>) -> Result<Self, SettingsError> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text =
            std::fs::read_to_string(path).map_err(|error| SettingsError::Read { path: path.to_owned(), error })?;
        let mut settings: Self = toml::from_str(&text)
            .map_err(|error| SettingsError::Parse { path: path.to_owned(), error: Box::new(error) })?;
        exception::place_in_toml(&mut settings.exceptions, path, &text);
        Ok(settings)
    }

    /// The same, with the exceptions that these files hold behind its own.
    pub fn with_exceptions(&self, files: &[PathBuf]) -> Result<Self, ExceptionsError> {
        let mut settings = self.clone();
        for file in files {
            settings.exceptions.extend(Exception::load(file)?);
        }
        Ok(settings)
    }

    /// The same, with the exceptions that these whitelists come to behind its own.
    pub fn with_whitelists(mut self, files: &[PathBuf]) -> Result<Self, ExceptionsError> {
        for file in files {
            self.exceptions.extend(Exception::load_whitelist(file)?);
        }
        Ok(self)
    }

    /// What people call this account, if the settings say.
    pub fn account_name(&self, account: &AccountId) -> Option<&str> {
        self.accounts.get(account)?.name.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_read() {
        let settings: Settings = toml::from_str(
            r#"
            required_tags = ["Owner"]
            [aws]
            role = "sluice"
            accounts = ["111122223333"]
            regions = ["eu-west-1"]
            [trusted]
            accounts = ["444455556666"]
            [thresholds]
            key_unused_days = 30
            [checks.security_group_open]
            fix = true
            severity = "critical"
            [accounts."111122223333"]
            dev = true
            name = "sandbox"
            [remediate]
            max_actions = 5
            max_percent = 100
            [[exceptions]]
            id = "x"
            reason = "agreed"
            [notify]
            sns_topic = "arn:aws:sns:eu-west-1:111122223333:alerts"
            "#,
        )
        .unwrap();
        assert_eq!(settings.thresholds.key_unused_days, 30);
        assert_eq!(settings.thresholds.password_unused_days, 90);
        assert_eq!(settings.checks["security_group_open"].severity, Some(Severity::Critical));
        let account = "111122223333".parse().unwrap();
        assert!(settings.accounts[&account].dev);
        assert_eq!(settings.account_name(&account), Some("sandbox"));
        assert_eq!(settings.remediate.max_percent, Some(100));
        assert_eq!(settings.exceptions[0].reason, "agreed");
    }

    #[test]
    fn a_misspelt_key_is_an_error_that_names_its_place() {
        for text in [
            "requird_tags = []",
            "[remediate]\nmax_action = 3",
            "[remediate]\nmax_percent = 101",
            "[accounts.\"111122223333\"]\nmax_percent = 101",
            "[[exceptions]]\nid = \"x\"",
            "[accounts.prod]\ndev = true",
            "[checks.x]\nfixes = true",
        ] {
            assert!(toml::from_str::<Settings>(text).is_err(), "{text}");
        }
        let directory = std::env::temp_dir().join(format!("sluice-settings-{}", std::process::id()));
        std::fs::write(&directory, "required_tags = [\n\"a\"\n[aws").unwrap();
        let error = Settings::load(Some(&directory)).unwrap_err().to_string();
        std::fs::remove_file(&directory).unwrap();
        assert!(error.contains("line 3"), "{error}");
        let error = Settings::load(Some(Path::new("/nonexistent/sluice.toml"))).unwrap_err().to_string();
        assert!(error.contains("/nonexistent/sluice.toml"), "{error}");
    }
}
