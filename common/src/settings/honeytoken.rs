//! `[honeytoken]`: where the decoys are, how they look, and who may touch them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Deserialize;

use super::exception::until;
use super::{Patterns, Period};
use crate::id::{AccountId, Region};
use crate::record::Guard;

/// `[honeytoken]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Honeytoken {
    /// The registry. `audit` and `remediate` except its decoys from what would take the bait away.
    pub registry: Option<PathBuf>,
    /// What keeps a decoy's user from doing anything. Without it an inline policy.
    pub guard: Option<Guard>,
    /// The group that is the guard, where that is one. It is made where it is missing.
    pub group: Option<String>,
    /// The ARN of the policy that is the permissions boundary, where that is the guard. `{account}` stands for the account.
    pub boundary: Option<String>,
    /// The users' path. Without it `/`.
    pub path: Option<String>,
    /// Templates of the users' names, one of which is taken for each, such as `svc-{service}-{env}`.
    pub names: Vec<String>,
    /// Words for the templates, instead of the built-in ones: `[honeytoken.words] service = ["billing", "export"]`.
    pub words: BTreeMap<String, Vec<String>>,
    /// The key of the tag by which a user is known again. Its value is the token's id. Without it `cost-center`; empty: no tag.
    pub tag: Option<String>,
    /// After how long without an event an incident is over. Without it half an hour.
    pub quiet: Option<Period>,
    /// The accounts that decoys are made in. Empty: the caller's own.
    pub accounts: BTreeMap<AccountId, DecoyAccount>,
    /// Callers who are allowed for: they are counted, and alert nobody.
    pub allow: Vec<Allowed>,
}

/// `[honeytoken.accounts."111122223333"]`: an account that decoys are made in. What is not said here is as in `[honeytoken]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DecoyAccount {
    /// The role to assume in it, instead of `[aws]`'s: a name, a path and name, or an ARN.
    pub role: Option<String>,
    /// How many users there may be in it, those that are no decoys included. Without it what IAM's quota says.
    pub max_users: Option<u64>,
    /// What keeps a decoy's user from doing anything.
    pub guard: Option<Guard>,
    /// The users' path.
    pub path: Option<String>,
    /// Templates of the users' names.
    pub names: Vec<String>,
    /// The regions whose event history is read. Empty: all that every account has, and those of `[aws]`.
    pub regions: Vec<Region>,
}

/// One of `[[honeytoken.allow]]`: calls that alert nobody. All conditions that are given must hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Allowed {
    /// Why, for the report.
    pub reason: String,
    /// Addresses: networks such as `203.0.113.0/24`. An address that comes through a VPC endpoint matches none.
    pub cidr: Vec<String>,
    /// User agents.
    pub user_agent: Option<Patterns>,
    /// Calls, such as `s3:HeadBucket` or `ec2:Describe*`.
    pub operation: Option<Patterns>,
    /// Regions.
    pub region: Option<Patterns>,
    /// The ARNs of callers, for calls about a decoy by somebody else.
    pub principal: Option<Patterns>,
    /// Triggers, such as `touched`.
    pub trigger: Option<Patterns>,
    /// Tokens: ids in the registry, or names of users.
    pub token: Option<Patterns>,
    /// Until when: a date, to its end in UTC, or a time.
    #[serde(deserialize_with = "until::read")]
    pub until: Option<Timestamp>,
    /// Also calls that AWS let happen. Without it those always alert, save for looks of a principal that is named.
    pub also_allowed_calls: bool,
}
