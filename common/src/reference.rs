//! A reference: the least that names a resource, and the smallest thing that a person has to type.
//!
//! `{"account","region","type","id"}`, the message of the original framework, is one; so is any record that holds an
//! `arn` from which these follow.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::arn::{Arn, partition_of};
use crate::id::{AccountId, IdError, Region};
use crate::resource::{ResourceType, Scope};
use crate::stream::without_place;

/// Which resource is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reference {
    /// The account that owns the resource.
    pub account: AccountId,
    /// The resource's real region; `global` for IAM.
    pub region: Region,
    /// The resource's type, by its name in [`ResourceType`] where this version knows it.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the service calls it: a name, an id, a queue's URL.
    pub id: String,
}

/// Why a record does not name a resource.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// It is no object, has a part twice, or a text that is none (a lone surrogate).
    #[error("the record cannot be read: {0}")]
    Unreadable(String),
    /// A part is missing, and there is no ARN to take it from.
    #[error("the record names no `{0}`, and has no ARN that does")]
    Missing(&'static str),
    /// A part is there, but is no text.
    #[error("the record's `{0}` is not a text")]
    NotText(&'static str),
    /// The account or region is malformed.
    #[error(transparent)]
    Id(#[from] IdError),
    /// The ARN is malformed.
    #[error(transparent)]
    Arn(#[from] crate::arn::ArnError),
    /// The parts contradict the ARN beside them.
    #[error("the record's `{field}` is {given}, but its ARN says {arn}")]
    Contradiction {
        /// Which part.
        field: &'static str,
        /// What the record gives.
        given: String,
        /// What the ARN gives.
        arn: String,
    },
}

/// The parts of a reference as they stand in a record: each may be missing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Parts {
    account: Value,
    region: Value,
    #[serde(rename = "type")]
    kind: Value,
    id: Value,
    arn: Value,
}

impl Reference {
    /// Whether an ARN names the same resource, as far as it can tell: an S3 ARN has neither account nor region (but
    /// Krampus's have), and the ARN of a type that this version does not cover is taken at its word.
    pub fn agrees_with(&self, arn: &Arn) -> Result<(), ReferenceError> {
        let same = |field, given: &str, arn: &str| {
            if given == arn {
                return Ok(());
            }
            Err(ReferenceError::Contradiction { field, given: given.to_owned(), arn: arn.to_owned() })
        };
        if !arn.account.is_empty() {
            same("account", self.account.as_str(), &arn.account)?;
        }
        let Some(kind) = type_of(arn) else { return Ok(()) };
        same("type", &self.kind, kind.name())?;
        if kind.scope() == Scope::Regional && !arn.region.is_empty() {
            same("region", self.region.as_str(), &arn.region)?;
        }
        // A queue's id is its URL, whose host is an endpoint's; its name stands at the end of both.
        let id = if kind == ResourceType::Sqs { self.id.rsplit('/').next().unwrap_or_default() } else { &self.id };
        same("id", id, arn.resource_name())
    }

    /// Reads the reference out of a record of any kind.
    pub fn from_json(text: &str) -> Result<Self, ReferenceError> {
        let parts: Parts =
            serde_json::from_str(text).map_err(|error| ReferenceError::Unreadable(without_place(&error)))?;
        let arn = match text_of("arn", &parts.arn)? {
            Some(arn) => Some(arn.parse::<Arn>()?),
            None => None,
        };
        let kind = text_of("type", &parts.kind)?
            .or_else(|| arn.as_ref().and_then(type_of).map(|kind| kind.name().to_owned()))
            .ok_or(ReferenceError::Missing("type"))?;
        let account = text_of("account", &parts.account)?;
        let account = account
            .or_else(|| arn.as_ref().map(|arn| arn.account.clone()).filter(|account| !account.is_empty()))
            .ok_or(ReferenceError::Missing("account"))?
            .parse()?;
        let global = kind.parse::<ResourceType>().is_ok_and(|kind| kind.scope() == Scope::Global);
        let region = match text_of("region", &parts.region)? {
            _ if global => Region::global(),
            Some(region) => region.parse()?,
            None => arn
                .as_ref()
                .map(|arn| arn.region.clone())
                .filter(|region| !region.is_empty())
                .ok_or(ReferenceError::Missing("region"))?
                .parse()?,
        };
        let id = text_of("id", &parts.id)?
            .or_else(|| arn.as_ref().map(|arn| id_of(arn, &kind)))
            .filter(|id| !id.is_empty())
            .ok_or(ReferenceError::Missing("id"))?;
        let reference = Self { account, region, kind, id };
        arn.map_or(Ok(()), |arn| reference.agrees_with(&arn))?;
        Ok(reference)
    }
}

/// A text, or nothing where the field is absent, null or empty.
fn text_of(field: &'static str, value: &Value) -> Result<Option<String>, ReferenceError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        // `"account": 111122223333` is what jq makes of an unquoted id. It is accepted unless leading zeros were lost.
        Value::Number(number) if field == "account" => Ok(Some(number.to_string())),
        _ => Err(ReferenceError::NotText(field)),
    }
}

/// The resource type that an ARN names.
fn type_of(arn: &Arn) -> Option<ResourceType> {
    match (arn.service.as_str(), arn.resource_type()) {
        ("s3", _) => Some(ResourceType::S3Bucket),
        ("sqs", _) => Some(ResourceType::Sqs),
        ("ec2", Some("instance")) => Some(ResourceType::Ec2),
        ("ec2", Some("security-group")) => Some(ResourceType::SecurityGroup),
        ("iam", Some("user")) => Some(ResourceType::IamUser),
        _ => None,
    }
}

/// The id that goes with an ARN: the name, save for queues, which go by their URL.
fn id_of(arn: &Arn, kind: &str) -> String {
    if kind == ResourceType::Sqs.name() {
        let suffix = if arn.partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
        return format!("https://sqs.{}.{suffix}/{}/{}", arn.region, arn.account, arn.resource);
    }
    arn.resource_name().to_owned()
}

/// The partition of a record that may have an ARN: the ARN's, or its region's.
pub fn partition(arn: Option<&Arn>, region: &Region) -> String {
    arn.map_or_else(|| partition_of(region.as_str()).to_owned(), |arn| arn.partition.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(account: &str, region: &str, kind: &str, id: &str) -> Reference {
        Reference {
            account: account.parse().unwrap(),
            region: region.parse().unwrap(),
            kind: kind.to_owned(),
            id: id.to_owned(),
        }
    }

    #[test]
    fn four_fields_or_an_arn_are_enough() {
        let rows = [
            (
                r#"{"account":"111122223333","region":"eu-west-1","type":"ec2","id":"i-1"}"#,
                reference("111122223333", "eu-west-1", "ec2", "i-1"),
            ),
            (
                r#"{"kind":"finding","arn":"arn:aws:ec2:eu-west-1:111122223333:instance/i-1"}"#,
                reference("111122223333", "eu-west-1", "ec2", "i-1"),
            ),
            (
                r#"{"arn":"arn:aws:iam::111122223333:user/team/jane"}"#,
                reference("111122223333", "global", "iam_user", "jane"),
            ),
            (
                r#"{"arn":"arn:aws:sqs:eu-west-1:111122223333:jobs"}"#,
                reference("111122223333", "eu-west-1", "sqs", "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs"),
            ),
            (
                r#"{"account":"111122223333","region":"eu-west-1","arn":"arn:aws:s3:::acme"}"#,
                reference("111122223333", "eu-west-1", "s3_bucket", "acme"),
            ),
            // Krampus's S3 ARNs carry the region and the account.
            (
                r#"{"arn":"arn:aws:s3:eu-west-1:111122223333:acme"}"#,
                reference("111122223333", "eu-west-1", "s3_bucket", "acme"),
            ),
            (
                r#"{"account":111122223333,"region":"eu-west-1","type":"redshift","id":"x"}"#,
                reference("111122223333", "eu-west-1", "redshift", "x"),
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(Reference::from_json(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let rows = [
            ("{}", "names no `type`"),
            ("[1]", "names no `type`"),
            (r#"{"type":"ec2","id":"i-1","region":"eu-west-1"}"#, "names no `account`"),
            (r#"{"type":"ec2","id":"i-1","account":"111122223333"}"#, "names no `region`"),
            (r#"{"type":"ec2","account":"111122223333","region":"eu-west-1"}"#, "names no `id`"),
            (r#"{"type":"ec2","id":"i-1","account":"prod","region":"eu-west-1"}"#, "`prod` is not an account id"),
            (r#"{"type":"ec2","id":"i-1","account":"111122223333","region":"evil.com/"}"#, "is not a region"),
            (r#"{"type":"ec2","id":["i-1"],"account":"111122223333","region":"eu-west-1"}"#, "`id` is not a text"),
            (r#"{"arn":"arn:aws:s3:::acme","region":"eu-west-1"}"#, "names no `account`"),
            (r#"{"arn":"arn:aws"}"#, "is not an ARN"),
            ("17", "cannot be read: invalid type: integer `17`"),
            (r#"{"id":"i-1","id":"i-2"}"#, "cannot be read: duplicate field `id`"),
            (r#"{"id":"\ud800"}"#, "cannot be read: unexpected end of hex escape"),
            (
                r#"{"account":"444455556666","arn":"arn:aws:ec2:eu-west-1:111122223333:instance/i-1"}"#,
                "its ARN says 111122223333",
            ),
        ];
        for (text, expected) in rows {
            let error = Reference::from_json(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
