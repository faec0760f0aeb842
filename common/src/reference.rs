//! A reference: the least that names a resource, and the smallest thing that a person has to type.
//!
//! `{"account","region","type","id"}`, the message of the original framework, is one; so is any record that holds an
//! `arn` from which these follow, and a task of Krampus's, which calls the ARN `aws_resource_name` (and, where the Justice
//! Engine wrote it, the account and the region `aws_account` and `aws_region`).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::arn::{Arn, partition_of};
use crate::id::{AccountId, IdError, Region};
use crate::resource::{Extent, ResourceType};
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
    /// It is AWS's own, and nobody says in which account it is meant.
    #[error("{0} is managed by AWS itself: nobody else can change it")]
    AwsManaged(Box<Arn>),
    /// Two fields that mean the same say different things.
    #[error("the record's `{one}` and `{other}` are not the same: {values}")]
    Disagreement {
        /// The first field.
        one: &'static str,
        /// The other.
        other: &'static str,
        /// What they hold.
        values: String,
    },
    /// The id of a region or an account is another than the one beside it.
    #[error("the record's `id` is {given}, but it is in {named}")]
    OtherPlace {
        /// What the record gives.
        given: String,
        /// The region or account that it gives as well.
        named: String,
    },
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
    aws_account: Value,
    aws_region: Value,
    aws_resource_name: Value,
}

impl Reference {
    /// Whether an ARN names the same resource, as far as it can tell: an S3 ARN has neither account nor region (but
    /// Krampus's have), what AWS manages is in all accounts, and the ARN of a type that this version does not cover is
    /// taken at its word.
    pub fn agrees_with(&self, arn: &Arn) -> Result<(), ReferenceError> {
        let same = |field, given: &str, arn: &str| {
            if given == arn {
                return Ok(());
            }
            Err(ReferenceError::Contradiction { field, given: given.to_owned(), arn: arn.to_owned() })
        };
        if !arn.account.is_empty() && !arn.is_aws_managed() {
            same("account", self.account.as_str(), &arn.account)?;
        }
        let Some(kind) = ResourceType::of_arn(arn) else { return Ok(()) };
        same("type", &self.kind, kind.name())?;
        if kind.extent() == Extent::Regional && !arn.region.is_empty() {
            same("region", self.region.as_str(), &arn.region)?;
        }
        if kind.is_id_in(&self.id, arn) { Ok(()) } else { same("id", &self.id, arn.resource_name()) }
    }

    /// Reads the reference out of a record of any kind.
    pub fn from_json(text: &str) -> Result<Self, ReferenceError> {
        Self::with_arn(text).map(|(reference, _)| reference)
    }

    /// Reads the reference out of a record of any kind, and the ARN that the record has, if it has one.
    pub fn with_arn(text: &str) -> Result<(Self, Option<Arn>), ReferenceError> {
        let parts: Parts =
            serde_json::from_str(text).map_err(|error| ReferenceError::Unreadable(without_place(&error)))?;
        let arn = match either([("arn", &parts.arn), ("aws_resource_name", &parts.aws_resource_name)])? {
            Some(arn) => Some(arn.parse::<Arn>()?),
            None => None,
        };
        let reference = Self::of(&parts, arn.as_ref())?;
        Ok((reference, arn))
    }

    fn of(parts: &Parts, arn: Option<&Arn>) -> Result<Self, ReferenceError> {
        let kind = text_of("type", &parts.kind)?.or_else(|| arn.map(kind_of)).ok_or(ReferenceError::Missing("type"))?;
        let account = either([("account", &parts.account), ("aws_account", &parts.aws_account)])?;
        if let (Some(arn), None) = (arn.filter(|arn| arn.is_aws_managed()), &account) {
            return Err(ReferenceError::AwsManaged(Box::new(arn.clone())));
        }
        let account: AccountId = account
            .or_else(|| arn.map(|arn| arn.account.clone()).filter(|account| !account.is_empty()))
            .ok_or(ReferenceError::Missing("account"))?
            .parse()?;
        let known = kind.parse::<ResourceType>().ok();
        let global = known.is_some_and(|kind| matches!(kind.extent(), Extent::Global | Extent::Organization));
        let region = if global {
            Region::global()
        } else {
            let in_arn = arn.map(|arn| arn.region.clone()).filter(|region| !region.is_empty());
            match either([("region", &parts.region), ("aws_region", &parts.aws_region)])?.or(in_arn) {
                Some(region) => region.parse()?,
                // Of what this version does not cover, an ARN without a region may well have none.
                None if known.is_none() && arn.is_some() => Region::global(),
                None => return Err(ReferenceError::Missing("region")),
            }
        };
        // There is one of these in each region or account, and the original framework leaves its id empty.
        let only = match known {
            Some(ResourceType::Region) => Some(region.as_str()),
            Some(ResourceType::Account | ResourceType::Spend) => Some(account.as_str()),
            _ => None,
        };
        let id = text_of("id", &parts.id)?
            .or_else(|| {
                arn.and_then(|arn| known.map_or_else(|| Some(arn.resource_name().to_owned()), |kind| kind.id_in(arn)))
            })
            .or_else(|| only.map(str::to_owned))
            .filter(|id| !id.is_empty())
            .ok_or(ReferenceError::Missing("id"))?;
        if let Some(only) = only.filter(|only| *only != id) {
            let (given, named) = (id, only.to_owned());
            return Err(ReferenceError::OtherPlace { given, named });
        }
        let reference = Self { account, region, kind, id };
        arn.map_or(Ok(()), |arn| reference.agrees_with(arn))?;
        Ok(reference)
    }
}

/// What an ARN calls the resource's type: one of [`ResourceType`], or `dynamodb_table` for one that this version does not
/// cover, so that it can be named.
fn kind_of(arn: &Arn) -> String {
    let service = &arn.service;
    match (ResourceType::of_arn(arn), arn.resource_type()) {
        (Some(kind), _) => kind.name().to_owned(),
        (None, Some(kind)) if !kind.is_empty() => format!("{service}_{}", kind.replace('-', "_")),
        (None, _) => service.clone(),
    }
}

/// What two fields that mean the same hold, which must not differ.
fn either([one, other]: [(&'static str, &Value); 2]) -> Result<Option<String>, ReferenceError> {
    match (text_of(one.0, one.1)?, text_of(other.0, other.1)?) {
        (Some(first), Some(second)) if first != second => {
            Err(ReferenceError::Disagreement { one: one.0, other: other.0, values: format!("{first}, {second}") })
        }
        (first, second) => Ok(first.or(second)),
    }
}

/// A text, or nothing where the field is absent, null or empty.
fn text_of(field: &'static str, value: &Value) -> Result<Option<String>, ReferenceError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        // `"account": 111122223333` is what jq makes of an unquoted id. It is accepted unless leading zeros were lost.
        Value::Number(number) if matches!(field, "account" | "aws_account") => Ok(Some(number.to_string())),
        _ => Err(ReferenceError::NotText(field)),
    }
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
            // What Krampus and the Justice Engine call them; a bucket's region is not one that the ARN must repeat.
            (
                r#"{"aws_resource_name":"arn:aws:rds:eu-west-1:111122223333:cluster:shop","aws_region":null}"#,
                reference("111122223333", "eu-west-1", "rds_cluster", "shop"),
            ),
            (
                r#"{"aws_resource_name":"arn:aws:s3:::acme","aws_account":"111122223333","aws_region":"eu-west-1"}"#,
                reference("111122223333", "eu-west-1", "s3_bucket", "acme"),
            ),
            (
                r#"{"aws_resource_name":"arn:aws:iam::111122223333:user/team/jane","aws_region":"universal","account":111122223333}"#,
                reference("111122223333", "global", "iam_user", "jane"),
            ),
            // What this version does not cover has a name all the same.
            (
                r#"{"arn":"arn:aws:dynamodb:eu-west-1:111122223333:table/shop"}"#,
                reference("111122223333", "eu-west-1", "dynamodb_table", "shop"),
            ),
            (
                r#"{"arn":"arn:aws:cloudfront::111122223333:distribution/E1"}"#,
                reference("111122223333", "global", "cloudfront_distribution", "E1"),
            ),
            (
                r#"{"arn":"arn:aws:sns:eu-west-1:111122223333:alerts"}"#,
                reference("111122223333", "eu-west-1", "sns", "alerts"),
            ),
            (
                r#"{"arn":"arn:aws:iam::aws:role/aws-service/x","account":"111122223333"}"#,
                reference("111122223333", "global", "iam_role", "x"),
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
            // The original framework's message for what a region has turned on.
            (
                r#"{"account":"111122223333","region":"eu-west-1","type":"region","id":""}"#,
                reference("111122223333", "eu-west-1", "region", "eu-west-1"),
            ),
            (
                r#"{"arn":"arn:aws:iam::111122223333:root"}"#,
                reference("111122223333", "global", "account", "111122223333"),
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(Reference::from_json(text), Ok(expected), "{text}");
        }
    }

    /// For each type, an ARN as AWS writes it, and the id that goes with it. A type without a row fails the test: its ARNs
    /// would not be compared with the references beside them.
    #[test]
    fn each_type_is_known_by_its_arns() {
        let rows = [
            (ResourceType::Organization, "arn:aws:organizations::111122223333:organization/o-acme", "o-acme"),
            (ResourceType::Account, "arn:aws:iam::111122223333:root", "111122223333"),
            (ResourceType::Spend, "arn:aws:ce::111122223333:spend/111122223333", "111122223333"),
            (ResourceType::Region, "arn:aws:ec2:eu-west-1:111122223333:region/eu-west-1", "eu-west-1"),
            (ResourceType::S3Bucket, "arn:aws:s3:::acme", "acme"),
            (ResourceType::Ec2, "arn:aws:ec2:eu-west-1:111122223333:instance/i-1", "i-1"),
            (
                ResourceType::AutoScalingGroup,
                "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:0f9d-1:autoScalingGroupName/web",
                "web",
            ),
            (ResourceType::SpotRequest, "arn:aws:ec2:eu-west-1:111122223333:spot-instances-request/sir-1", "sir-1"),
            (ResourceType::SecurityGroup, "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1", "sg-1"),
            (ResourceType::Ami, "arn:aws:ec2:eu-west-1::image/ami-1", "ami-1"),
            (ResourceType::EbsSnapshot, "arn:aws:ec2:eu-west-1::snapshot/snap-1", "snap-1"),
            (ResourceType::EbsVolume, "arn:aws:ec2:eu-west-1:111122223333:volume/vol-1", "vol-1"),
            (ResourceType::Elb, "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/web", "web"),
            (
                ResourceType::Elbv2,
                "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/50dc6c495c0c9188",
                "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/50dc6c495c0c9188",
            ),
            (ResourceType::EcsService, "arn:aws:ecs:eu-west-1:111122223333:service/blue/web", "blue/web"),
            (ResourceType::EcsTask, "arn:aws:ecs:eu-west-1:111122223333:task/blue/0f9d", "blue/0f9d"),
            (
                ResourceType::EcsTaskSet,
                "arn:aws:ecs:eu-west-1:111122223333:task-set/blue/web/ecs-svc/123",
                "blue/web/ecs-svc/123",
            ),
            (ResourceType::IamUser, "arn:aws:iam::111122223333:user/team/jane", "jane"),
            (ResourceType::IamRole, "arn:aws:iam::111122223333:role/service-role/deploy", "deploy"),
            (ResourceType::IamGroup, "arn:aws:iam::111122223333:group/team/admins", "admins"),
            (
                ResourceType::IamPolicy,
                "arn:aws:iam::111122223333:policy/team/deploy",
                "arn:aws:iam::111122223333:policy/team/deploy",
            ),
            (ResourceType::KmsKey, "arn:aws:kms:eu-west-1:111122223333:key/1234abcd", "1234abcd"),
            (ResourceType::LambdaFunction, "arn:aws:lambda:eu-west-1:111122223333:function:resize:live", "resize"),
            (ResourceType::Rds, "arn:aws:rds:eu-west-1:111122223333:db:shop", "shop"),
            (ResourceType::RdsCluster, "arn:aws:rds:eu-west-1:111122223333:cluster:shop", "shop"),
            (ResourceType::RdsSnapshot, "arn:aws:rds:eu-west-1:111122223333:snapshot:shop-1", "shop-1"),
            (ResourceType::RdsClusterSnapshot, "arn:aws:rds:eu-west-1:111122223333:cluster-snapshot:shop-1", "shop-1"),
            (ResourceType::Redshift, "arn:aws:redshift:eu-west-1:111122223333:cluster:sales", "sales"),
            (
                ResourceType::Sqs,
                "arn:aws:sqs:eu-west-1:111122223333:jobs",
                "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs",
            ),
        ];
        for kind in ResourceType::ALL {
            assert!(rows.iter().any(|(known, _, _)| known == kind), "{kind} has no row");
        }
        for (kind, arn, id) in rows {
            let arn: Arn = arn.parse().unwrap();
            assert_eq!(ResourceType::of_arn(&arn), Some(kind), "{arn}");
            assert_eq!(kind.id_in(&arn).as_deref(), Some(id), "{arn}");
            let region =
                if matches!(kind.extent(), Extent::Regional | Extent::AccountWide) { "eu-west-1" } else { "global" };
            let named = reference("111122223333", region, kind.name(), id);
            assert_eq!(named.agrees_with(&arn), Ok(()));
            let other = Reference { id: format!("{id}x"), ..named };
            assert!(other.agrees_with(&arn).is_err(), "{arn}");
        }
        assert_eq!(ResourceType::of_arn(&"arn:aws:sns:eu-west-1:111122223333:alerts".parse().unwrap()), None);
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
            (r#"{"aws_resource_name":"i-1"}"#, "`i-1` is not an ARN"),
            (r#"{"aws_resource_name":["arn:aws:s3:::acme"]}"#, "`aws_resource_name` is not a text"),
            (
                r#"{"aws_resource_name":"arn:aws:iam::aws:policy/AdministratorAccess"}"#,
                "arn:aws:iam::aws:policy/AdministratorAccess is managed by AWS itself",
            ),
            (
                r#"{"arn":"arn:aws:s3:::acme","aws_resource_name":"arn:aws:s3:::acme-2"}"#,
                "`arn` and `aws_resource_name` are not the same: arn:aws:s3:::acme, arn:aws:s3:::acme-2",
            ),
            (
                r#"{"type":"ec2","id":"i-1","region":"eu-west-1","account":"111122223333","aws_account":"444455556666"}"#,
                "`account` and `aws_account` are not the same",
            ),
            (
                r#"{"type":"ec2","id":"i-1","account":"111122223333","region":"eu-west-1","aws_region":"us-east-1"}"#,
                "`region` and `aws_region` are not the same",
            ),
            (
                r#"{"aws_resource_name":"arn:aws:ec2:eu-west-1:111122223333:instance/i-1","aws_region":"us-east-1"}"#,
                "`region` is us-east-1, but its ARN says eu-west-1",
            ),
            (
                r#"{"aws_resource_name":"arn:aws:ec2:eu-west-1:account-id:instance/i-1"}"#,
                "`account-id` is not an account id",
            ),
            (
                r#"{"account":"111122223333","region":"eu-west-1","type":"region","id":"us-east-1"}"#,
                "`id` is us-east-1, but it is in eu-west-1",
            ),
            (r#"{"arn":"arn:aws:ecs:eu-west-1:111122223333:service/web"}"#, "names no `id`"),
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
