//! Which tokens a record is about, and what it does to them.

use std::sync::LazyLock;

use common::event::Record;
use common::resource::ResourceType;
use jiff::Timestamp;
use memchr::memmem::{self, Finder};
use serde_json::Value;
use serde_json::value::RawValue;

use super::index::{Hint, Index};
use super::trigger::Trigger;
use crate::registry::Caller;

/// A token that a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    /// Its place in the index.
    pub(crate) place: usize,
    /// What happened to it.
    pub(crate) trigger: Trigger,
}

/// The policies that AWS attaches to users whose keys are public begin with this:
/// <https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSCompromisedKeyQuarantineV3.html>.
const QUARANTINE: &str = "AWSCompromisedKeyQuarantine";

/// How calls begin that change nothing.
const READS: &[&str] =
    &["Get", "List", "Describe", "Head", "Generate", "Simulate", "Lookup", "Search", "View", "Check"];

/// What access key ids begin with, and how IAM users' ARNs go on.
static KEY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("AKIA"));
static SESSION_KEY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("ASIA"));
static USER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(":user/"));

/// The tokens that a record is about: the one that called first.
pub(crate) fn hits(record: &Record<'_>, at: Timestamp, index: &Index) -> Vec<Hit> {
    let mut hits = Vec::new();
    if let Some(hit) = caller(record, at, index) {
        hits.push(hit);
    }
    for place in mentioned(record, at, index) {
        if hits.iter().all(|hit| hit.place != place) {
            hits.extend(touch(record).map(|trigger| Hit { place, trigger }));
        }
    }
    hits
}

/// The token whose credentials made the call.
fn caller(record: &Record<'_>, at: Timestamp, index: &Index) -> Option<Hit> {
    let identity = &record.user_identity;
    let issuer = &identity.session_context.session_issuer;
    let account = if identity.account_id.is_empty() { record.account() } else { &identity.account_id };
    let issuer_account = if issuer.account_id.is_empty() { account } else { &issuer.account_id };
    let key = &*identity.access_key_id;
    let hint = Hint { principal: &identity.principal_id, at };
    // Of a role and of a federated user the name is not a user's.
    let is_user = matches!(&*identity.kind, "IAMUser" | "");
    let own = || {
        index
            .by_principal(account, &identity.principal_id)
            .or_else(|| index.by_key(key))
            .or_else(|| index.by_arn(&identity.arn, hint))
            .or_else(|| is_user.then(|| index.by_name(account, &identity.user_name, hint)).flatten())
    };
    let issued = || {
        let hint = Hint { principal: &issuer.principal_id, at };
        let is_user = matches!(&*issuer.kind, "IAMUser" | "");
        index
            .by_principal(issuer_account, &issuer.principal_id)
            .or_else(|| index.by_arn(&issuer.arn, hint))
            .or_else(|| is_user.then(|| index.by_name(issuer_account, &issuer.user_name, hint)).flatten())
    };
    if let Some(place) = own() {
        let trigger = if &*record.event_source == "signin.amazonaws.com" {
            Trigger::ConsoleLogin
        } else if key.starts_with("ASIA") {
            Trigger::UsedViaSession
        } else {
            Trigger::Used
        };
        return Some(Hit { place, trigger });
    }
    if let Some(place) = issued().or_else(|| index.by_derived_key(key)) {
        return Some(Hit { place, trigger: Trigger::UsedViaSession });
    }
    // In the record of the other account's, AWS may tell who it was in the error alone.
    let named = record.error_message.split_once("User: ")?.1.split_whitespace().next()?;
    index.by_arn(named, Hint { principal: "", at }).map(|place| Hit { place, trigger: Trigger::Used })
}

/// The tokens that are named in what was asked, in the resources meant, or in an error.
fn mentioned(record: &Record<'_>, at: Timestamp, index: &Index) -> Vec<usize> {
    let mut found = Vec::new();
    let mut add = |place: Option<usize>| found.extend(place.filter(|place| !found.contains(place)));
    let hint = Hint { principal: "", at };
    let request = record.request_parameters.map(RawValue::get).unwrap_or_default();
    if &*record.event_source == "iam.amazonaws.com" && request.contains("userName") {
        let request = record.request();
        add(request["userName"].as_str().and_then(|name| index.by_name(record.account(), name, hint)));
    }
    let resources = record.resources.map(RawValue::get).unwrap_or_default();
    for text in [request, resources, &*record.error_message] {
        for key in keys(text) {
            add(index.by_key(key).or_else(|| index.by_derived_key(key)));
        }
        for arn in user_arns(text) {
            add(index.by_arn(arn, hint));
        }
    }
    found
}

/// What a call does to a token that it names and that did not make it. Nothing, where a service of AWS's looks around: that is
/// what Config and its like do all day.
fn touch(record: &Record<'_>) -> Option<Trigger> {
    let identity = &record.user_identity;
    if matches!(&*record.event_name, "AttachUserPolicy" | "PutUserPolicy")
        && record.request_parameters.is_some_and(|request| request.get().contains(QUARANTINE))
    {
        return Some(Trigger::Quarantined);
    }
    if !READS.iter().any(|read| record.event_name.starts_with(read)) {
        return Some(Trigger::Touched);
    }
    let is_service = &*identity.kind == "AWSService" || identity.invoked_by.ends_with(".amazonaws.com");
    (!is_service).then_some(Trigger::Looked)
}

/// As whom the call was made, as honeytoken would know itself.
pub(crate) fn called_as(record: &Record<'_>) -> Option<Caller> {
    let identity = &record.user_identity;
    let issuer = &identity.session_context.session_issuer;
    let (kind, name) = match &*identity.kind {
        "AssumedRole" if &*issuer.kind == "Role" => (ResourceType::IamRole, &issuer.user_name),
        "IAMUser" => (ResourceType::IamUser, &identity.user_name),
        _ => return None,
    };
    Some(Caller { account: identity.account_id.to_string(), r#type: kind.name().to_owned(), name: name.to_string() })
}

/// The access key id that the call gave its caller: of `GetSessionToken`, `AssumeRole` and their like, and of
/// `CreateAccessKey`, by which a thief gets a key of another user's.
pub(crate) fn given_key(record: &Record<'_>) -> Option<String> {
    let answer = record.response_elements?.get();
    if record.failed() || !answer.contains("accessKeyId") {
        return None;
    }
    let answer = record.response();
    let given = ["/credentials/accessKeyId", "/accessKey/accessKeyId"].iter().find_map(|path| answer.pointer(path));
    let Some(Value::String(key)) = given else { return None };
    // What is no key id is no way to know anybody by.
    let is_key = (16..=128).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_key.then(|| key.clone())
}

/// The tokens that a notice of AWS Health says are exposed. What an organization's account hears of another one names that
/// beside: <https://docs.aws.amazon.com/health/latest/ug/aws-health-events-eventbridge-schema.html>.
pub(crate) fn exposed(detail: &Value, account: &str, at: Timestamp, index: &Index) -> Vec<usize> {
    let account = detail["affectedAccount"].as_str().filter(|affected| !affected.is_empty()).unwrap_or(account);
    let hint = Hint { principal: "", at };
    let mut found: Vec<usize> = Vec::new();
    let mut add = |place: Option<usize>| found.extend(place.filter(|place| !found.contains(place)));
    let entities = detail["affectedEntities"].as_array().into_iter().flatten();
    let values = entities.filter_map(|entity| entity["entityValue"].as_str());
    for value in values {
        add(index.by_key(value).or_else(|| index.by_arn(value, hint)).or_else(|| index.by_name(account, value, hint)));
    }
    let descriptions = detail["eventDescription"].as_array().into_iter().flatten();
    for text in descriptions.filter_map(|description| description["latestDescription"].as_str()) {
        for key in keys(text) {
            add(index.by_key(key));
        }
        for arn in user_arns(text) {
            add(index.by_arn(arn, hint));
        }
    }
    found
}

/// What looks like access key ids in a text, or in the JSON of one.
fn keys(text: &str) -> impl Iterator<Item = &str> {
    let bytes = text.as_bytes();
    KEY.find_iter(bytes).chain(SESSION_KEY.find_iter(bytes)).filter_map(move |start| {
        let rest = text.get(start..)?;
        let end = rest.bytes().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(rest.len());
        rest.get(..end).filter(|key| (16..=128).contains(&key.len()))
    })
}

/// What looks like the ARNs of users.
fn user_arns(text: &str) -> impl Iterator<Item = &str> {
    USER.find_iter(text.as_bytes()).filter_map(move |user| {
        // `arn:aws-us-gov:iam::111122223333` is the longest that can stand before it.
        let from = user.saturating_sub(40);
        let start = from + memmem::rfind(text.as_bytes().get(from..user)?, b"arn:")?;
        let rest = text.get(start..)?;
        let path = rest.get(user - start + 1..)?;
        let in_name = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-/".contains(&byte);
        let end = path.bytes().position(|byte| !in_name(byte)).unwrap_or(path.len());
        // A sentence may end behind it.
        rest.get(..user - start + 1 + end).map(|arn| arn.trim_end_matches(['.', ',']))
    })
}
