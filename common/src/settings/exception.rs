//! Exceptions: what may break a rule, why, and until when.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::id::{AccountId, Region};
use crate::record::{ExceptionKind, Resource};
use crate::resource::ResourceType;
use crate::wildcard;

mod file;
mod patterns;
pub(super) mod until;
mod whitelist;

pub use file::ExceptionsError;
pub(super) use file::place_in_toml;
pub use patterns::Patterns;

/// Somebody said that these resources may break these rules. It covers what fits each criterion that it has.
///
/// In the settings as `[[exceptions]]`, or in a file of its own (`--exceptions`). `docs/exceptions.md` shows both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Exception {
    /// The accounts, by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Patterns>,
    /// The regions; `global` for IAM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Patterns>,
    /// The types.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<Patterns>,
    /// The checks that may fail. With this, it covers findings alone, no tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<Patterns>,
    /// What the service calls the resources, as it stands in the records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Patterns>,
    /// The resources' ARNs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<Patterns>,
    /// An ARN, or a pattern of ARNs with the wildcards of [`wildcard::shell`], as a whitelist of Krampus's or the Justice
    /// Engine's has it (`--whitelist`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whitelist: Option<String>,
    /// The tags that the resources have, all of these: names in any case, and their values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, Patterns>,
    /// Why this is allowed, and who says so.
    pub reason: String,
    /// The last second in which it holds; `None`: for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Where it stands, for people who are to renew or drop it.
    #[serde(skip)]
    pub place: Option<Place>,
    /// Whether it is a decoy's, and nobody has written it. It holds for tasks, too, in spite of its `check`.
    #[serde(skip)]
    pub decoy: bool,
}

/// Where an exception stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line on which it starts, from 1.
    pub line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} line {}", self.file.display(), self.line)
    }
}

/// What is wrong with an exception. An exception is a guard: one that is not understood must not be passed over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum ExceptionError {
    #[error("`reason` is blank: say why this is allowed, and who says so")]
    Reason,
    #[error(
        "an exception needs one of account, region, type, check, id, arn and tags: this one would cover everything"
    )]
    Everything,
    #[error("`{0}` is an empty list, which nothing matches: leave it out, or name something")]
    None(String),
    #[error("`{0}` has an empty text, which nothing matches")]
    Empty(&'static str),
    #[error("`tags` has a tag without a name")]
    TagName,
    #[error("`{field}` has `{text}`, {why}")]
    Never { field: &'static str, text: String, why: &'static str },
}

impl Exception {
    /// One that covers everything, until it is told what.
    pub(crate) fn because(reason: String, place: Option<Place>) -> Self {
        Self {
            account: None,
            region: None,
            r#type: None,
            check: None,
            id: None,
            arn: None,
            whitelist: None,
            tags: BTreeMap::new(),
            reason,
            until: None,
            place,
            decoy: false,
        }
    }

    /// Whether it still holds at a time.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        // `until` is a second, and holds to its end.
        self.until.is_none_or(|until| now.as_second() <= until.as_second())
    }

    /// Whether it is about a check of a resource, or (without a check) about whatever is done to the resource.
    ///
    /// Where the tags could not be read, an exception that goes by tags covers nothing.
    pub fn covers<C>(&self, resource: &Resource<C>, check: Option<&str>) -> bool {
        let Self { account, region, r#type, check: checks, id, arn, whitelist, tags, .. } = self;
        let fits = |patterns: &Option<Patterns>, text: &str| patterns.as_ref().is_none_or(|them| them.matches(text));
        let fits_check = match (checks, check) {
            (None, _) => true,
            (Some(checks), Some(check)) => checks.matches(check),
            // Whatever is done to a decoy takes the bait away.
            (Some(_), None) => self.decoy,
        };
        fits_check
            && fits(account, resource.account.as_str())
            && fits(region, resource.region.as_str())
            && fits(r#type, &resource.r#type)
            && fits(id, &resource.id)
            && arn.as_ref().is_none_or(|them| them.matches(&resource.arn.to_string()))
            && whitelist.as_ref().is_none_or(|pattern| whitelist::covers(pattern, resource))
            && (tags.is_empty() || (resource.unread("Tags").is_none() && has_tags(tags, &resource.tags)))
    }

    /// What is wrong with it, if anything: a criterion that nothing can fit was misspelt.
    fn checked(self) -> Result<Self, ExceptionError> {
        let Self { account, region, r#type, check, id, arn, whitelist, tags, reason, .. } = &self;
        if reason.trim().is_empty() {
            return Err(ExceptionError::Reason);
        }
        let criteria = [
            ("account", account, account_can_match as fn(&str) -> Result<(), &'static str>),
            ("region", region, region_can_match),
            ("type", r#type, type_can_match),
            ("check", check, |_| Ok(())),
            ("id", id, |_| Ok(())),
            ("arn", arn, arn_can_match),
        ];
        if tags.is_empty() && whitelist.is_none() && criteria.iter().all(|(_, patterns, _)| patterns.is_none()) {
            return Err(ExceptionError::Everything);
        }
        for (field, patterns, can_match) in criteria {
            let Some(patterns) = patterns else { continue };
            if patterns.is_empty() {
                return Err(ExceptionError::None(field.to_owned()));
            }
            for text in patterns.texts() {
                if text.is_empty() {
                    return Err(ExceptionError::Empty(field));
                }
                can_match(text).map_err(|why| ExceptionError::Never { field, text: text.to_owned(), why })?;
            }
        }
        if let Some(pattern) = whitelist.as_ref().filter(|pattern| !whitelist::can_match(pattern)) {
            let (text, why) = (pattern.clone(), "which is no ARN, nor a pattern of one");
            return Err(ExceptionError::Never { field: "whitelist", text, why });
        }
        if tags.keys().any(|name| name.trim().is_empty()) {
            return Err(ExceptionError::TagName);
        }
        match tags.iter().find(|(_, values)| values.is_empty()) {
            Some((name, _)) => Err(ExceptionError::None(format!("tags.{name}"))),
            None => Ok(self),
        }
    }
}

/// Whether tags are among those of a resource. AWS tells `Owner` and `owner` apart, but the people who set them do not.
fn has_tags(wanted: &BTreeMap<String, Patterns>, tags: &BTreeMap<String, String>) -> bool {
    wanted.iter().all(|(name, values)| {
        let name = name.to_lowercase();
        tags.iter().any(|(tag, value)| tag.to_lowercase() == name && values.matches(value))
    })
}

fn account_can_match(pattern: &str) -> Result<(), &'static str> {
    let digits = pattern.bytes().all(|byte| byte.is_ascii_digit() || b"*?".contains(&byte));
    let fits = if wildcard::has_wildcard(pattern) {
        digits && wildcard::overlaps(pattern, "????????????")
    } else {
        pattern.parse::<AccountId>().is_ok()
    };
    if fits { Ok(()) } else { Err("which is no account id: twelve digits, or a part of them with `*`") }
}

fn region_can_match(pattern: &str) -> Result<(), &'static str> {
    let fits = if wildcard::has_wildcard(pattern) {
        pattern.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-*?".contains(&byte))
    } else {
        pattern.parse::<Region>().is_ok()
    };
    if fits { Ok(()) } else { Err("which is no region: a name such as eu-west-1, `global`, or a part of one with `*`") }
}

fn type_can_match(pattern: &str) -> Result<(), &'static str> {
    let fits = ResourceType::ALL.iter().any(|kind| wildcard::matches(pattern, kind.name()));
    if fits { Ok(()) } else { Err("which is no resource type (`poll --help` lists them)") }
}

/// What every ARN is one of.
const ARNS: &str = "arn:aws*:?*:*:*:?*";

fn arn_can_match(pattern: &str) -> Result<(), &'static str> {
    if wildcard::overlaps(pattern, ARNS) { Ok(()) } else { Err("which is no ARN, nor a part of one with `*`") }
}

/// An exception as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// In a JSON stream, where every record says its kind.
    #[serde(default, rename = "kind")]
    _kind: ExceptionKind,
    account: Option<Patterns>,
    region: Option<Patterns>,
    r#type: Option<Patterns>,
    check: Option<Patterns>,
    id: Option<Patterns>,
    arn: Option<Patterns>,
    whitelist: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, Patterns>,
    reason: String,
    #[serde(default, deserialize_with = "until::read")]
    until: Option<Timestamp>,
}

impl<'de> Deserialize<'de> for Exception {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Table;

        // A visitor, so that TOML knows on which line an exception stands that is written well and makes no sense.
        impl<'de> Visitor<'de> for Table {
            type Value = Exception;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an exception: a table with a `reason` and what it covers")
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Exception, M::Error> {
                let Written { _kind, account, region, r#type, check, id, arn, whitelist, tags, reason, until } =
                    Written::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Exception {
                    account,
                    region,
                    r#type,
                    check,
                    id,
                    arn,
                    whitelist,
                    tags,
                    reason,
                    until,
                    place: None,
                    decoy: false,
                }
                .checked()
                .map_err(de::Error::custom)
            }
        }

        deserializer.deserialize_map(Table)
    }
}

#[cfg(test)]
mod tests;
