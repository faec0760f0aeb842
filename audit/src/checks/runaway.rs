//! What the emergency brake halts in an account that is over its limit: each type's `..._runaway` check.
//!
//! A single record does not tell whether its account is over a limit. These checks take it to be, and fail while the
//! resource is to be halted: so `remediate`, which judges one resource again, sees whether it was. In a stream of records
//! [`totals`](crate::totals) holds the findings back until it knows of the account.

use std::collections::BTreeMap;

use common::arn::Arn;
use common::id::AccountId;
use common::record::Severity;
use common::resource::{ResourceType, SLUICE_DENY_ALL};
use common::settings::{Aws, Runaway, Settings};
use serde_json::{Value, json};

use super::{About, Case, Checked, Problem, Unclear};
use crate::judge::Rules;

/// The check of an account as a whole. It judges no record: [`totals`](crate::totals) makes its findings.
pub(crate) const ACCOUNT: About = About {
    id: "account_runaway",
    kind: ResourceType::Account,
    severity: Severity::Critical,
    controls: &[],
    actions: &[],
    fix: false,
    needs: &[],
    meaning: "More instances run in the account, or more is spent in it, than the settings' `[runaway]` allows.",
    page: "https://docs.aws.amazon.com/cost-management/latest/userguide/getting-started-ad.html",
};

/// Whether a check is about an account that is over its limit: part of the emergency brake.
pub fn is_runaway(check: &str) -> bool {
    check.ends_with("_runaway")
}

/// Whether an action is one by which a check halts an account that is over its limit.
pub fn halts(check: &str, action: &str) -> bool {
    let is_meant = |about: &About| about.id == check && about.actions.contains(&action);
    is_runaway(check) && super::all().any(is_meant)
}

/// The limits of all accounts.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    all: Runaway,
    own: BTreeMap<AccountId, Runaway>,
}

impl Limits {
    pub(crate) fn new(settings: &Settings) -> Self {
        let own = settings.accounts.keys().map(|account| (account.clone(), settings.limits(account))).collect();
        Self { all: settings.runaway.clone(), own }
    }

    /// Those of an account.
    pub(crate) fn of(&self, account: &AccountId) -> &Runaway {
        self.own.get(account).unwrap_or(&self.all)
    }

    /// Whether any account has one.
    pub(crate) fn are_any(&self) -> bool {
        self.all.is_limited() || self.own.values().any(Runaway::is_limited)
    }
}

/// For [`Check::arises`](super::Check::arises): the account has a limit.
pub(super) fn limited(rules: &Rules, _: ResourceType, account: &AccountId) -> bool {
    rules.limits.of(account).is_limited()
}

/// Where the evidence says what is known of the account.
pub(crate) const OF_ACCOUNT: &str = "Account";

/// A resource that is to be halted, since `why`: "it is running".
pub(super) fn to_halt<C: Checked>(case: &Case<'_, C>, why: &str, mut evidence: Value) -> Problem {
    let verb = if case.rules.rehearsal { "would be" } else { "is to be" };
    evidence[OF_ACCOUNT] = json!("taken to be over its limit");
    let account = &case.resource.account;
    Problem::new(format!("{verb} halted: {why}, and account {account} is over its limit"), evidence)
}

/// The roles by which Sluice itself enters accounts, as the settings name them.
#[derive(Clone, Debug)]
pub(crate) struct OwnRoles(Vec<String>);

impl OwnRoles {
    pub(crate) fn new(aws: &Aws) -> Self {
        Self(aws.role.iter().chain(&aws.org_role).cloned().collect())
    }

    /// Whether a role is one of them.
    pub(super) fn include(&self, role: &Arn) -> bool {
        self.0.iter().any(|own| {
            if own.starts_with("arn:") {
                return own.replace("{account}", &role.account) == role.to_string();
            }
            let name = own.strip_prefix('/').unwrap_or(own);
            let name = name.strip_prefix("role/").unwrap_or(name);
            role.resource.strip_prefix("role/") == Some(name)
        })
    }
}

/// Whether the inline policy is there by which `remediate` denies a user or role everything. An intruder may have put another in
/// its place, or made it say something else.
pub(super) fn is_denied_all<C: Checked>(case: &Case<'_, C>, policy: Option<&Value>) -> Result<bool, Unclear> {
    match case.resource.unread(SLUICE_DENY_ALL) {
        Some(unread) => Err(Unclear(format!("{SLUICE_DENY_ALL} could not be read: {}", unread.code))),
        None => Ok(policy.is_some_and(denies_all)),
    }
}

fn denies_all(policy: &Value) -> bool {
    let statements = match &policy["Statement"] {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    let is_all = |value: &Value| *value == json!("*") || *value == json!(["*"]);
    statements.iter().any(|statement| {
        statement["Effect"] == "Deny"
            && is_all(&statement["Action"])
            && is_all(&statement["Resource"])
            && statement.get("Condition").is_none()
    })
}
