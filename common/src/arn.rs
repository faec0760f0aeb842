//! Amazon Resource Names, of all partitions and services.
//!
//! `arn:partition:service:region:account:resource`, see
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>. Region and account may be empty (S3 buckets
//! have neither, IAM has no region), and the resource may hold colons and slashes of its own.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A parsed ARN. Printing it gives back the text it was parsed from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Arn {
    /// `aws`, `aws-cn`, `aws-us-gov`, `aws-iso`, ...
    pub partition: String,
    /// The service's namespace, such as `s3`.
    pub service: String,
    /// Empty where the service has none.
    pub region: String,
    /// Twelve digits, empty where the service has none, or `aws` for what AWS itself manages.
    pub account: String,
    /// All after the fifth colon: `role/team/deploy`, `function:name:alias`, `my-bucket/key`.
    pub resource: String,
}

/// Why a text is no ARN.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an ARN: {why}")]
pub struct ArnError {
    text: String,
    why: &'static str,
}

impl Arn {
    /// An ARN from its parts.
    pub fn new(partition: &str, service: &str, region: &str, account: &str, resource: impl Into<String>) -> Self {
        Self {
            partition: partition.to_owned(),
            service: service.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
            resource: resource.into(),
        }
    }

    /// The ARN of a bucket, which has neither region nor account.
    pub fn s3_bucket(partition: &str, bucket: &str) -> Self {
        Self::new(partition, "s3", "", "", bucket)
    }

    /// Whether AWS itself manages what it names, for all accounts: `arn:aws:iam::aws:policy/AdministratorAccess`.
    pub fn is_aws_managed(&self) -> bool {
        self.account == "aws"
    }

    /// What stands before the first `/` or `:` of the resource: `role`, `instance`, `function`. `None` where the
    /// resource is a bare name (S3, SNS, SQS).
    pub fn resource_type(&self) -> Option<&str> {
        if matches!(self.service.as_str(), "s3" | "sns" | "sqs") {
            return None;
        }
        self.resource.split_once(['/', ':']).map(|(kind, _)| kind)
    }

    /// The name that the service's API takes. IAM paths are left out (`user/team/jane` is the user `jane`), so is a
    /// Lambda function's alias or version (`function:name:alias` is the function `name`), and the id of an Auto Scaling group
    /// (`autoScalingGroup:id:autoScalingGroupName/name` is the group `name`).
    pub fn resource_name(&self) -> &str {
        let Some(kind) = self.resource_type() else {
            return if self.service == "s3" {
                self.resource.split_once('/').map_or(self.resource.as_str(), |(bucket, _)| bucket)
            } else {
                &self.resource
            };
        };
        let rest = &self.resource[kind.len() + 1..];
        match self.service.as_str() {
            "iam" => rest.rsplit('/').next().unwrap_or(rest),
            "lambda" => rest.split(':').next().unwrap_or(rest),
            // Names may hold slashes, but no colon.
            "autoscaling" => rest.split_once("Name/").map_or(rest, |(_, name)| name),
            _ => rest,
        }
    }
}

/// The partition that a region belongs to.
///
/// The list of <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>, by the
/// prefixes that botocore's partitions file gives.
pub fn partition_of(region: &str) -> &'static str {
    const PREFIXES: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("us-iso-", "aws-iso"),
        ("eu-isoe-", "aws-iso-e"),
        ("eusc-", "aws-eusc"),
    ];
    PREFIXES.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

impl FromStr for Arn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, ArnError> {
        let fail = |why| ArnError { text: text.chars().take(80).collect(), why };
        let mut parts = text.splitn(6, ':');
        if parts.next() != Some("arn") {
            return Err(fail("it does not begin with `arn:`"));
        }
        let mut part = || parts.next().ok_or_else(|| fail("it has fewer than six parts"));
        let arn = Self {
            partition: part()?.to_owned(),
            service: part()?.to_owned(),
            region: part()?.to_owned(),
            account: part()?.to_owned(),
            resource: part()?.to_owned(),
        };
        if !arn.partition.starts_with("aws") {
            return Err(fail("its partition is not one of AWS's"));
        }
        if arn.service.is_empty() || arn.resource.is_empty() {
            return Err(fail("its service or its resource is empty"));
        }
        if text.chars().any(char::is_control) {
            return Err(fail("it holds control characters"));
        }
        Ok(arn)
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, service, region, account, resource } = self;
        write!(out, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

impl Serialize for Arn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Arn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Arn {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Arn".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^arn:aws[a-z-]*:[^:]+:[^:]*:[^:]*:.+$"})
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_those_that_the_apis_take() {
        let rows = [
            ("arn:aws:s3:::acme-logs", None, "acme-logs"),
            ("arn:aws:s3:::acme-logs/2026/x:y", None, "acme-logs"),
            ("arn:aws:iam::111122223333:user/team/web/jane", Some("user"), "jane"),
            ("arn:aws-us-gov:iam::111122223333:role/deploy", Some("role"), "deploy"),
            ("arn:aws:iam::111122223333:root", None, "root"),
            ("arn:aws:lambda:eu-west-1:111122223333:function:resize:live", Some("function"), "resize"),
            ("arn:aws-cn:ec2:cn-north-1:111122223333:instance/i-0abc", Some("instance"), "i-0abc"),
            ("arn:aws:sqs:us-east-1:111122223333:jobs.fifo", None, "jobs.fifo"),
            ("arn:aws:rds:us-east-1:111122223333:db:prod", Some("db"), "prod"),
            (
                "arn:aws:autoscaling:us-east-1:111122223333:autoScalingGroup:0f9d-1:autoScalingGroupName/web/Name/blue",
                Some("autoScalingGroup"),
                "web/Name/blue",
            ),
        ];
        for (text, kind, name) in rows {
            let arn: Arn = text.parse().unwrap();
            assert_eq!(arn.to_string(), text);
            if text != "arn:aws:iam::111122223333:root" {
                assert_eq!(arn.resource_type(), kind, "{text}");
                assert_eq!(arn.resource_name(), name, "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_arn_is_refused() {
        for bad in [
            "",
            "arn",
            "arn:aws:s3",
            "urn:aws:s3:::b",
            "arn:aws:s3:::",
            "arn:gcp:s3:::b",
            "arn:aws::::b",
            "arn:aws:s3:::b\u{7}",
        ] {
            assert!(bad.parse::<Arn>().is_err(), "{bad}");
        }
    }

    #[test]
    fn regions_know_their_partition() {
        for (region, partition) in [
            ("eu-west-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-isob-east-1", "aws-iso-b"),
        ] {
            assert_eq!(partition_of(region), partition);
        }
    }

    proptest! {
        #[test]
        fn printing_gives_back_what_was_parsed(text in "arn:aws(-cn)?:[a-z0-9]{1,8}:[a-z0-9-]{0,12}:[0-9]{0,12}:[!-~]{1,40}") {
            prop_assert_eq!(text.parse::<Arn>().unwrap().to_string(), text);
        }

        #[test]
        fn nothing_panics(text in ".{0,80}") {
            let _ = text.parse::<Arn>().map(|arn| (arn.resource_name().to_owned(), arn.resource_type().map(str::to_owned)));
        }
    }
}
