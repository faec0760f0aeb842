//! The users in IAM, held against the registry: whether each is there, can be used, and can do nothing.
//!
//! All users of an account come in one listing, with their policies, groups and boundaries; what groups and managed policies say
//! comes in another. Keys are in neither: those are one question a token.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_iam::Client;
use aws_sdk_iam::types::EntityType;
use common::aws::AwsError;
use common::operation::IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS;
use common::record::{Finding, Guard, KeyStatus, Severity, Token, TokenState};
use futures_util::{StreamExt, stream};
use serde_json::json;

use super::policy::{Effect, effect, effect_of_managed, is_quarantine};
use super::report::{
    BLIND, EXPOSED, GUARD_MISSING, KEY_BLIND, KEY_UNKNOWN, PERMISSIONS, Rated, Subject, USER_GONE, USER_REPLACED,
};
use crate::accounts::DecoyAccountInUse;
use crate::iam::Iam;
use crate::iam::list::{self, Listed, ListedKey, is_gone};

/// How many users are asked for their keys at once; IAM's own pace holds them back where that is too fast.
const AT_ONCE: usize = 16;

/// What groups and managed policies do.
#[derive(Clone, Debug, Default)]
struct Policies {
    groups: HashMap<String, Group>,
    /// The account's own managed policies, by their ARNs.
    managed: HashMap<String, Effect>,
}

/// What a group brings its members.
#[derive(Clone, Debug, Default)]
struct Group {
    inline: Vec<Effect>,
    /// ARNs of managed policies.
    attached: Vec<String>,
}

/// Looks at an account's users, and says what is wrong with those of the tokens.
pub(super) async fn examine(account: &DecoyAccountInUse, subject: &Subject, tokens: &[&Token]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = tokens.iter().filter_map(|token| blind(token)).collect();
    let (users, policies) = tokio::join!(list::users(&account.iam), policies(&account.iam));
    let there = match (users, policies) {
        (Ok(users), Ok(policies)) => {
            // IAM knows no two names that differ in case alone.
            let users: HashMap<String, Listed> =
                users.into_iter().map(|user| (user.name.to_lowercase(), user)).collect();
            let found = |token: &&&Token| users.get(&token.id.to_lowercase());
            findings.extend(tokens.iter().flat_map(|token| judge(token, found(&token), &policies)));
            tokens.iter().filter(|token| found(token).is_some()).copied().collect()
        }
        (Err(error), _) | (_, Err(error)) => {
            let checks = [USER_GONE, USER_REPLACED, GUARD_MISSING, PERMISSIONS, EXPOSED];
            findings.extend(checks.iter().map(|check| subject.unknown(*check, &error)));
            tokens.to_vec()
        }
    };
    findings.extend(keys(account, subject, &there).await);
    findings
}

/// What the groups and managed policies of an account do: all of them, or an error.
async fn policies(iam: &Iam) -> Result<Policies, AwsError> {
    let mut policies = Policies::default();
    let mut marker: Option<String> = None;
    loop {
        let look = |client: Client| {
            let call = client.get_account_authorization_details().max_items(1000).set_marker(marker.clone());
            let call = call.filter(EntityType::Group).filter(EntityType::LocalManagedPolicy);
            async move { call.send().await.map_err(|error| AwsError::new(IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS, error)) }
        };
        let page = iam.look(look).await?;
        for policy in page.policies() {
            let documents = policy.policy_version_list().iter().find(|version| version.is_default_version());
            let document = documents.and_then(|version| version.document()).unwrap_or_default();
            policies.managed.insert(policy.arn().unwrap_or_default().to_owned(), effect(document));
        }
        for group in page.group_detail_list() {
            let inline = group.group_policy_list().iter();
            let inline = inline.map(|policy| effect(policy.policy_document().unwrap_or_default())).collect();
            let attached = group.attached_managed_policies().iter();
            let attached = attached.filter_map(|policy| policy.policy_arn().map(str::to_owned)).collect();
            policies.groups.insert(group.group_name().unwrap_or_default().to_owned(), Group { inline, attached });
        }
        marker = next(page.is_truncated(), page.marker())?;
        if marker.is_none() {
            return Ok(policies);
        }
    }
}

/// Where the next page begins.
fn next(is_truncated: bool, marker: Option<&str>) -> Result<Option<String>, AwsError> {
    let marker = marker.filter(|marker| is_truncated && !marker.is_empty()).map(str::to_owned);
    if is_truncated && marker.is_none() {
        let why = "the list goes on, and the answer does not say where";
        return Err(AwsError::of(IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS, "BadResponse", why));
    }
    Ok(marker)
}

impl Policies {
    fn managed(&self, arn: &str) -> Effect {
        let unknown = Effect { denies_everything: false, allows: true };
        effect_of_managed(arn).or_else(|| self.managed.get(arn).copied()).unwrap_or(unknown)
    }

    /// What keeps a user from doing anything.
    fn guards(&self, user: &Listed) -> BTreeSet<&'static str> {
        let mut guards = BTreeSet::new();
        if user.inline.values().any(|document| effect(document).denies_everything) {
            guards.insert(Guard::Inline.name());
        }
        let denies = |group: &String| self.of_group(group).any(|effect| effect.denies_everything);
        if user.groups.iter().any(denies) {
            guards.insert(Guard::Group.name());
        }
        let boundary = user.boundary.as_ref().map(|arn| self.managed(arn));
        if boundary.is_some_and(|effect| effect.denies_everything || !effect.allows) {
            guards.insert(Guard::Boundary.name());
        }
        if user.attached.iter().any(|arn| self.managed(arn).denies_everything) {
            guards.insert("managed");
        }
        guards
    }

    /// What allows a user something, or would without its guard.
    fn allowing(&self, user: &Listed) -> Vec<String> {
        let inline = user.inline.iter().filter(|(_, document)| effect(document).allows).map(|(name, _)| name.clone());
        let attached = user.attached.iter().filter(|arn| self.managed(arn).allows).cloned();
        let allows = |group: &&String| self.of_group(group).any(|effect| effect.allows);
        let groups = user.groups.iter().filter(allows).map(|group| format!("group {group}"));
        inline.chain(attached).chain(groups).collect()
    }

    fn of_group(&self, group: &str) -> impl Iterator<Item = Effect> {
        let group = self.groups.get(group);
        let inline = group.into_iter().flat_map(|group| group.inline.iter().copied());
        inline.chain(group.into_iter().flat_map(|group| group.attached.iter().map(|arn| self.managed(arn))))
    }
}

/// A token that says nothing, as the registry knows.
fn blind(token: &Token) -> Option<Finding> {
    let since = token.blind_since.filter(|_| token.state == TokenState::Disabled)?;
    let evidence = json!({"token": token.token, "since": since});
    Some(Subject::token(token).fails(BLIND, "has no active key: a use of what is planted leaves no trace", evidence))
}

/// What is wrong with a token's user.
fn judge(token: &Token, user: Option<&Listed>, policies: &Policies) -> Vec<Finding> {
    let subject = Subject::token(token);
    let Some(user) = user else { return vec![gone(token)] };
    if let Some(known) = token.principal_id.as_ref().filter(|known| **known != user.principal_id) {
        let what = format!("is not that of token {}: somebody deleted that one, and made another", token.token);
        let evidence = json!({"token": token.token, "registry": known, "iam": user.principal_id});
        return vec![subject.fails(USER_REPLACED, what, evidence)];
    }
    let mut findings = Vec::new();
    let (guards, allowing) = (policies.guards(user), policies.allowing(user));
    let wanted = token.guard;
    if wanted != Guard::None && !guards.contains(wanted.name()) {
        let evidence = json!({"token": token.token, "guard": wanted, "found": guards, "inline": user.inline.keys().collect::<Vec<_>>(),
            "groups": user.groups, "boundary": user.boundary});
        let finding = match guards.first() {
            // It is kept from all, in another way than the registry knows.
            Some(other) => subject
                .fails(
                    GUARD_MISSING,
                    format!("has no guard of the kind {wanted}, but one of the kind {other}"),
                    evidence,
                )
                .rated(Severity::Medium),
            None => {
                subject.fails(GUARD_MISSING, format!("has no guard: its {wanted} does not deny everything"), evidence)
            }
        };
        findings.push(finding);
    }
    if !allowing.is_empty() {
        let what = format!("has permissions: {}", allowing.join(", "));
        let finding =
            subject.fails(PERMISSIONS, what, json!({"token": token.token, "allowing": allowing, "guards": guards}));
        // What the guard denies nobody can do, for as long as it is there.
        findings.push(if guards.is_empty() { finding } else { finding.rated(Severity::Medium) });
    }
    if let Some(arn) = user.attached.iter().find(|arn| is_quarantine(arn)) {
        let what = "has been put under quarantine by AWS: its key lies in public, where AWS found it";
        findings.push(subject.fails(EXPOSED, what, json!({"token": token.token, "policy": arn})));
    }
    findings
}

fn gone(token: &Token) -> Finding {
    let evidence = json!({"token": token.token, "state": token.state});
    Subject::token(token).fails(USER_GONE, "is gone, and the registry does not know", evidence)
}

/// Asks for the keys of each token's user, many at once.
async fn keys(account: &DecoyAccountInUse, subject: &Subject, tokens: &[&Token]) -> Vec<Finding> {
    let asked = stream::iter(tokens.to_vec()).map(async |token| (token, list::keys(&account.iam, &token.id).await));
    let answers: Vec<_> = asked.buffer_unordered(AT_ONCE).collect().await;
    let mut findings = Vec::new();
    let mut unread: Vec<(&str, AwsError)> = Vec::new();
    for (token, keys) in answers {
        match keys {
            Ok(keys) => findings.extend(judge_keys(token, &keys)),
            Err(error) if is_gone(&error) => findings.push(gone(token)),
            Err(error) => unread.push((&token.id, error)),
        }
    }
    // A permission that is missing is missing for all of them: that is said once.
    unread.sort_by(|one, other| one.0.cmp(other.0));
    if let Some((user, error)) = unread.first() {
        let evidence =
            json!({"operation": error.operation, "code": error.code, "users": unread.len(), "such_as": user});
        findings.push(Finding { evidence, ..subject.unknown(KEY_BLIND, error) });
    }
    findings
}

/// What is wrong with a token's keys.
fn judge_keys(token: &Token, keys: &[ListedKey]) -> Vec<Finding> {
    let subject = Subject::token(token);
    let mut findings = Vec::new();
    for known in token.keys.iter().filter(|key| key.status == KeyStatus::Active) {
        let what = match keys.iter().find(|key| key.id == known.id) {
            Some(key) if key.is_active => continue,
            Some(_) => "is inactive",
            None => "is gone",
        };
        let title = format!("says nothing any more: its key {} {what}, and the registry does not know", known.id);
        let evidence = json!({"token": token.token, "key": known.id, "iam": what});
        findings.push(subject.part_fails(KEY_BLIND, &known.id, title, evidence));
    }
    for key in keys {
        let known = token.keys.iter().find(|known| known.id == key.id);
        if known.is_some_and(|known| known.status != KeyStatus::Deleted) {
            continue;
        }
        let title = format!("has a key {} that the registry does not know, or has as deleted", key.id);
        let evidence =
            json!({"token": token.token, "key": key.id, "active": key.is_active, "created_at": key.created_at});
        findings.push(subject.part_fails(KEY_UNKNOWN, &key.id, title, evidence));
    }
    findings
}
