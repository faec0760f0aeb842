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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::registry::tests::token as plain;

    const DENY: &str = r#"{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;
    const ALLOW: &str = r#"{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    const NOTHING: &str = r#"{"Statement":[]}"#;
    const QUARANTINE: &str = "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3";
    const OWN: &str = "arn:aws:iam::111122223333:policy/own";

    fn token(guard: Guard) -> Token {
        Token { guard, principal_id: Some("AIDAONE".into()), state: TokenState::Active, ..plain("t1", "svc-billing") }
    }

    fn user() -> Listed {
        Listed {
            name: "svc-billing".into(),
            principal_id: "AIDAONE".into(),
            arn: "arn:aws:iam::111122223333:user/team/svc-billing".parse().unwrap(),
            created_at: "2026-11-20T10:00:00Z".parse().unwrap(),
            tags: [].into(),
            groups: vec![],
            inline: [].into(),
            attached: vec![],
            boundary: None,
        }
    }

    fn policies() -> Policies {
        let group = |inline: &[&str], attached: &[&str]| Group {
            inline: inline.iter().map(|document| effect(document)).collect(),
            attached: attached.iter().map(|&arn| arn.to_owned()).collect(),
        };
        let groups = [
            ("held".to_owned(), group(&[DENY], &[])),
            ("free".to_owned(), group(&[], &["arn:aws:iam::aws:policy/ReadOnlyAccess"])),
            ("denied".to_owned(), group(&[], &["arn:aws:iam::aws:policy/AWSDenyAll"])),
        ];
        let managed = [(OWN.to_owned(), effect(NOTHING)), (format!("{OWN}-wide"), effect(ALLOW))];
        Policies { groups: groups.into(), managed: managed.into() }
    }

    /// The checks that fail, with how bad that is.
    fn told(guard: Guard, user: &Listed) -> Vec<String> {
        let findings = judge(&token(guard), Some(user), &policies());
        findings.into_iter().map(|it| format!("{} {}", it.check.replace("honeytoken_", ""), it.severity)).collect()
    }

    #[test]
    fn a_guard_is_there_and_denies_everything() {
        let inline = |document: &str| Listed { inline: [("p".to_owned(), document.to_owned())].into(), ..user() };
        let grouped = |group: &str| Listed { groups: vec![group.to_owned()], ..user() };
        let bound = |arn: &str| Listed { boundary: Some(arn.to_owned()), ..user() };
        let attached = |arn: &str| Listed { attached: vec![arn.to_owned()], ..user() };
        let cases: Vec<(Guard, Listed, &[&str])> = vec![
            (Guard::Inline, inline(DENY), &[]),
            (Guard::Inline, user(), &["guard_missing high"]),
            (Guard::Inline, inline(ALLOW), &["guard_missing high", "permissions critical"]),
            (Guard::Inline, inline(NOTHING), &["guard_missing high"]),
            (Guard::Inline, inline("not JSON"), &["guard_missing high", "permissions critical"]),
            (Guard::Inline, grouped("held"), &["guard_missing medium"]),
            (Guard::Inline, attached("arn:aws:iam::aws:policy/AWSDenyAll"), &["guard_missing medium"]),
            (Guard::Inline, attached(QUARANTINE), &["guard_missing high", "exposed critical"]),
            (Guard::Inline, Listed { attached: vec![QUARANTINE.into()], ..inline(DENY) }, &["exposed critical"]),
            (Guard::Inline, Listed { attached: vec![format!("{OWN}-wide")], ..inline(DENY) }, &["permissions medium"]),
            (Guard::Inline, Listed { groups: vec!["free".into()], ..inline(DENY) }, &["permissions medium"]),
            (Guard::Group, grouped("held"), &[]),
            (Guard::Group, grouped("denied"), &[]),
            (Guard::Group, grouped("gone"), &["guard_missing high"]),
            (Guard::Group, grouped("free"), &["guard_missing high", "permissions critical"]),
            (Guard::Boundary, bound(OWN), &[]),
            (Guard::Boundary, bound("arn:aws:iam::aws:policy/AWSDenyAll"), &[]),
            (Guard::Boundary, bound(&format!("{OWN}-wide")), &["guard_missing high"]),
            (Guard::Boundary, bound("arn:aws:iam::111122223333:policy/gone"), &["guard_missing high"]),
            (Guard::None, user(), &[]),
            (Guard::None, attached("arn:aws:iam::aws:policy/ReadOnlyAccess"), &["permissions critical"]),
        ];
        for (guard, user, expected) in cases {
            assert_eq!(told(guard, &user), expected, "{guard} {user:?}");
        }
    }

    #[test]
    fn another_user_of_the_same_name_is_not_the_tokens() {
        let other = Listed { principal_id: "AIDATWO".into(), ..user() };
        assert_eq!(told(Guard::Inline, &other), ["user_replaced high"], "its policies say nothing of the token");
        let gone = judge(&token(Guard::Inline), None, &policies());
        assert_eq!(gone[0].check, "honeytoken_user_gone");
        let unread = Token { principal_id: None, ..token(Guard::None) };
        assert_eq!(judge(&unread, Some(&other), &policies()), []);
    }

    #[test]
    fn keys_are_as_the_registry_has_them() {
        let known = |id: &str, status: &str| {
            let key = json!({"id": id, "status": status, "created_at": "2026-11-20T10:00:00Z"});
            serde_json::from_value(key).unwrap()
        };
        let listed = |id: &str, is_active| ListedKey {
            id: id.to_owned(),
            is_active,
            created_at: "2026-11-20T10:00:00Z".parse().unwrap(),
        };
        let one = |status: &str| Token { keys: vec![known("AKIA1", status)], ..token(Guard::Inline) };
        for (token, keys, expected) in [
            (one("active"), vec![listed("AKIA1", true)], vec![]),
            (one("active"), vec![listed("AKIA1", false)], vec!["key_blind:AKIA1"]),
            (one("active"), vec![], vec!["key_blind:AKIA1"]),
            (one("inactive"), vec![listed("AKIA1", false)], vec![]),
            (one("deleted"), vec![], vec![]),
            (one("deleted"), vec![listed("AKIA1", true)], vec!["key_unknown:AKIA1"]),
            (one("active"), vec![listed("AKIA1", true), listed("AKIA2", false)], vec!["key_unknown:AKIA2"]),
            (one("unconfirmed"), vec![], vec![]),
        ] {
            let found = judge_keys(&token, &keys);
            let arn = token.arn.to_string();
            let found: Vec<_> =
                found.iter().map(|it| it.key.replace(&format!(":{arn}"), "").replace("honeytoken_", "")).collect();
            assert_eq!(found, expected, "{token:?} {keys:?}");
        }
    }

    #[test]
    fn a_list_that_breaks_off_is_no_list() {
        assert_eq!(next(false, None), Ok(None));
        assert_eq!(next(false, Some("x")), Ok(None));
        assert_eq!(next(true, Some("x")), Ok(Some("x".into())));
        assert!(next(true, None).is_err() && next(true, Some("")).is_err());
    }

    #[test]
    fn a_token_that_is_known_to_be_blind_is_told() {
        let since = "2026-11-20T10:00:00Z".parse().ok();
        let disabled = Token { state: TokenState::Disabled, blind_since: since, ..token(Guard::Inline) };
        assert_eq!(blind(&disabled).map(|it| it.evidence["token"].clone()), Some(Value::from("t1")));
        assert_eq!(blind(&token(Guard::Inline)), None);
    }
}
