//! What the doctor looks for, and how it says what it found: findings, as `audit` writes them.

use common::arn::Arn;
use common::aws::AwsError;
use common::id::{AccountId, Region};
use common::record::{Finding, FindingKind, FindingStatus, Severity, Token};
use jiff::Timestamp;
use serde_json::Value;

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Check {
    /// Its id.
    pub(super) id: &'static str,
    /// How bad it is, unless a case is worse or better.
    pub(super) severity: Severity,
}

macro_rules! checks {
    ($( $(#[doc = $about:literal])+ $name:ident = $id:literal, $severity:ident; )+) => {
        $( $(#[doc = $about])+ pub(super) const $name: Check = Check { id: $id, severity: Severity::$severity }; )+

        /// All of them.
        #[cfg(test)]
        pub(super) const ALL: &[Check] = &[$($name,)+];
    };
}

checks! {
    /// No trail logs all management events.
    NO_TRAIL = "honeytoken_no_trail", Critical;
    /// A trail cannot deliver its files, or has not for a day.
    TRAIL_DELIVERY = "honeytoken_trail_delivery", High;
    /// All trails leave out the events of some services.
    TRAIL_LEAVES_OUT = "honeytoken_trail_leaves_out", Medium;
    /// No trail logs data events.
    NO_DATA_EVENTS = "honeytoken_no_data_events", Medium;
    /// No trail writes to the bucket that is watched.
    TRAIL_BUCKET = "honeytoken_trail_bucket", High;
    /// Nothing brings events to a watch.
    NO_SOURCE = "honeytoken_no_source", High;
    /// The watch stands still.
    WATCH_STALE = "honeytoken_watch_stale", High;
    /// There is no such queue.
    QUEUE_MISSING = "honeytoken_queue_missing", Critical;
    /// Nobody may write to the queue.
    QUEUE_CLOSED = "honeytoken_queue_closed", High;
    /// A message that cannot be worked on is lost.
    QUEUE_NO_DEAD_LETTERS = "honeytoken_queue_no_dead_letters", Medium;
    /// Messages are lost when the watch rests for a day.
    QUEUE_FORGETS = "honeytoken_queue_forgets", Medium;
    /// Messages wait.
    QUEUE_BACKLOG = "honeytoken_queue_backlog", Medium;
    /// No rule brings events to the queue.
    NO_RULE = "honeytoken_no_rule", High;
    /// A rule leaves out reads, or all.
    RULE_STATE = "honeytoken_rule_state", High;
    /// The account cannot be looked into.
    ACCOUNT_CLOSED = "honeytoken_account_closed", High;
    /// A public list knows the account.
    ACCOUNT_KNOWN = "honeytoken_account_known", High;
    /// There is not much room for more users.
    ACCOUNT_FULL = "honeytoken_account_full", Medium;
    /// The users' names have one shape.
    NAMES_ALIKE = "honeytoken_names_alike", Medium;
    /// No drill has shown that a token of the account is noticed.
    NEVER_DRILLED = "honeytoken_never_drilled", Low;
    /// The last drill was not noticed.
    DRILL_FAILED = "honeytoken_drill_failed", High;
    /// The keys are not active, so that a use leaves no trace.
    BLIND = "honeytoken_blind", Low;
    /// The user is gone.
    USER_GONE = "honeytoken_user_gone", High;
    /// Another user has its name.
    USER_REPLACED = "honeytoken_user_replaced", High;
    /// A key is gone, or inactive, and the registry does not know.
    KEY_BLIND = "honeytoken_key_blind", High;
    /// The user has a key that the registry does not know.
    KEY_UNKNOWN = "honeytoken_key_unknown", High;
    /// Nothing keeps the user from doing anything.
    GUARD_MISSING = "honeytoken_guard_missing", High;
    /// The user may do something, or may when the guard goes.
    PERMISSIONS = "honeytoken_permissions", Critical;
    /// AWS found the key in public.
    EXPOSED = "honeytoken_exposed", Critical;
    /// A thief's tool knows the name.
    NAME_KNOWN = "honeytoken_name_known", Medium;
    /// Others may change the registry, or read it.
    REGISTRY_OPEN = "honeytoken_registry_open", High;
}

/// What a finding is about.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    account: AccountId,
    region: Region,
    kind: &'static str,
    id: String,
    arn: Arn,
    /// How a title begins.
    name: String,
}

impl Subject {
    /// An account.
    pub(super) fn account(partition: &str, account: &AccountId) -> Self {
        Self {
            account: account.clone(),
            region: Region::global(),
            kind: "account",
            id: account.to_string(),
            arn: Arn::new(partition, "iam", "", account.as_str(), "root"),
            name: format!("account {account}"),
        }
    }

    /// A token's user.
    pub(super) fn token(token: &Token) -> Self {
        Self {
            account: token.account.clone(),
            region: Region::global(),
            kind: "iam_user",
            id: token.id.clone(),
            arn: token.arn.clone(),
            name: format!("user {}", token.id),
        }
    }

    /// Something that has an ARN with account and region: a queue, a rule, a trail. `kind` is a word for it.
    pub(super) fn regional(kind: &'static str, word: &str, arn: &Arn, account: &AccountId, region: &Region) -> Self {
        let id = arn.resource_name().to_owned();
        let name = format!("{word} {id}");
        Self { account: account.clone(), region: region.clone(), kind, id, arn: arn.clone(), name }
    }

    /// It breaks the check; `what` goes on where the subject's name ends.
    pub(super) fn fails(&self, check: Check, what: impl AsRef<str>, evidence: Value) -> Finding {
        let title = format!("{} {}", self.name, what.as_ref());
        self.finding(check, None, FindingStatus::Fail, title, evidence, None)
    }

    /// The same for one part of it, such as a key.
    pub(super) fn part_fails(&self, check: Check, part: &str, what: impl AsRef<str>, evidence: Value) -> Finding {
        let title = format!("{} {}", self.name, what.as_ref());
        self.finding(check, Some(part), FindingStatus::Fail, title, evidence, None)
    }

    /// Nobody knows: AWS did not say.
    pub(super) fn unknown(&self, check: Check, error: &AwsError) -> Finding {
        let title = format!("{} cannot be judged: {} was answered with {}", self.name, error.operation, error.code);
        let evidence = serde_json::json!({"operation": error.operation, "code": error.code});
        self.finding(check, None, FindingStatus::Unknown, title, evidence, Some(error.to_string()))
    }

    fn finding(
        &self,
        check: Check,
        part: Option<&str>,
        status: FindingStatus,
        title: String,
        evidence: Value,
        reason: Option<String>,
    ) -> Finding {
        let key = match part {
            Some(part) => format!("{}:{}:{part}", check.id, self.arn),
            None => format!("{}:{}", check.id, self.arn),
        };
        Finding {
            kind: FindingKind::Kind,
            key,
            check: check.id.to_owned(),
            status,
            severity: check.severity,
            account: self.account.clone(),
            region: self.region.clone(),
            r#type: self.kind.to_owned(),
            id: self.id.clone(),
            arn: self.arn.clone(),
            tags: std::collections::BTreeMap::new(),
            title,
            evidence,
            controls: Vec::new(),
            action: None,
            reason,
            until: None,
            found_at: Timestamp::UNIX_EPOCH,
        }
    }
}

/// The same finding, as bad as that.
pub(super) trait Rated {
    /// With this severity instead of the check's.
    fn rated(self, severity: Severity) -> Self;
}

impl Rated for Finding {
    fn rated(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn checks_have_ids_of_their_own() {
        let ids: BTreeSet<_> = ALL.iter().map(|check| check.id).collect();
        assert_eq!(ids.len(), ALL.len());
        assert!(ids.iter().all(|id| id.starts_with("honeytoken_")));
    }
}
