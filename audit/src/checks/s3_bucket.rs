//! S3 buckets: <https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html>.

use common::action::{Action, Statements};
use common::record::Severity;
use common::resource::{Bucket, Grant, Grantee, ResourceType};
use serde_json::{Value, json};

use super::policies::{self, HasPolicy};
use super::{About, Case, Check, Checked, Problem, Unclear, always, tags};

impl Checked for Bucket {
    const CHECKS: &'static [Check<Self>] = &[
        Check {
            about: About {
                id: "s3_bucket_public_acl",
                kind: ResourceType::S3Bucket,
                severity: Severity::Critical,
                controls: &["FSBP S3.2", "FSBP S3.3"],
                actions: &["s3_make_acl_private"],
                fix: true,
                needs: &["AccountPublicAccessBlockConfiguration", "Grants", "PublicAccessBlockConfiguration"],
                meaning: "The bucket's ACL lets in anyone, and no public access block takes its effect away.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-2",
            },
            arises: always,
            judge: |case| Ok(public_acl(case)),
        },
        Check {
            about: About {
                id: "s3_bucket_public_policy",
                kind: ResourceType::S3Bucket,
                severity: Severity::Critical,
                controls: &["FSBP S3.2", "FSBP S3.3"],
                actions: &["s3_remove_policy_statements"],
                fix: true,
                needs: &["AccountPublicAccessBlockConfiguration", "Policy", "PublicAccessBlockConfiguration"],
                meaning: "The bucket's policy lets in anyone, and no public access block takes its effect away.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-3",
            },
            arises: always,
            judge: public_policy,
        },
        Check {
            about: About {
                id: "s3_bucket_policy_outsiders",
                kind: ResourceType::S3Bucket,
                severity: Severity::High,
                controls: &["FSBP S3.6"],
                actions: &["s3_remove_policy_statements"],
                fix: true,
                needs: &["Policy"],
                meaning: "The bucket's policy lets in somebody whom the settings do not trust.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-6",
            },
            arises: always,
            judge: |case| {
                policies::outsiders(case, |statements| Action::S3RemovePolicyStatements(Statements { statements }))
            },
        },
        Check {
            about: About {
                id: "s3_bucket_public_access_block",
                kind: ResourceType::S3Bucket,
                severity: Severity::High,
                controls: &["FSBP S3.8", "CIS 2.1.4"],
                actions: &["s3_block_public_access"],
                fix: true,
                needs: &["AccountPublicAccessBlockConfiguration", "PublicAccessBlockConfiguration"],
                meaning: "One of the four switches of S3's block public access is off, in the bucket and in its account.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-8",
            },
            arises: always,
            judge: |case| Ok(public_access_block(case)),
        },
        Check {
            about: About {
                id: "s3_bucket_encryption",
                kind: ResourceType::S3Bucket,
                severity: Severity::Medium,
                // S3.4 is retired since S3 encrypts every new bucket by itself, and S3.17 asks for KMS.
                controls: &[],
                actions: &["s3_encrypt_by_default"],
                fix: true,
                needs: &["ServerSideEncryptionConfiguration"],
                meaning: "The bucket has no rule that encrypts new objects.",
                page: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html",
            },
            arises: always,
            judge: |case| Ok(encryption(case)),
        },
        Check {
            about: About {
                id: "s3_bucket_tls",
                kind: ResourceType::S3Bucket,
                severity: Severity::Medium,
                controls: &["FSBP S3.5", "CIS 2.1.1"],
                actions: &["s3_deny_insecure_transport"],
                fix: true,
                needs: &["Policy"],
                meaning: "The bucket's policy does not deny requests over plain HTTP.",
                page: "https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-5",
            },
            arises: always,
            judge: policies::tls,
        },
        Check {
            about: About {
                id: "s3_bucket_required_tags",
                kind: ResourceType::S3Bucket,
                severity: Severity::Low,
                controls: &[],
                actions: &[],
                fix: true,
                needs: &["Tags"],
                meaning: "The bucket lacks a tag that the settings require.",
                page: "https://docs.aws.amazon.com/config/latest/developerguide/required-tags.html",
            },
            arises: tags::required,
            judge: |case| Ok(tags::missing(case).into_iter().collect()),
        },
    ];
}

impl HasPolicy for Bucket {
    fn policy(&self) -> Option<&Value> {
        self.policy.as_ref()
    }

    fn is_own(&self, canonical_id: &str) -> Option<bool> {
        self.owner.as_ref().map(|owner| owner.id == canonical_id)
    }
}

/// What a permission on a bucket allows:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#permissions>.
fn public_acl(case: &Case<'_, Bucket>) -> Vec<Problem> {
    let bucket = case.config();
    let public: Vec<&Grant> = bucket.grants.iter().filter(|grant| grant.grantee.is_public()).collect();
    if public.is_empty() || bucket.effective_public_access_block().ignore_public_acls {
        return Vec::new();
    }
    let anonymous = public.iter().any(|grant| {
        let uri = grant.grantee.uri.as_deref().unwrap_or_default();
        uri.trim_end_matches('/').eq_ignore_ascii_case(Grantee::ALL_USERS)
    });
    let who = if anonymous { "anyone" } else { "anyone with an AWS account" };
    let may = |permission: &str| {
        public.iter().any(|grant| grant.permission == permission || grant.permission == "FULL_CONTROL")
    };
    let (read, write, read_acl, write_acl) = (may("READ"), may("WRITE"), may("READ_ACP"), may("WRITE_ACP"));
    let what = match (read, write, write_acl, read_acl) {
        (true, true, ..) => format!("is readable and writable by {who} through its ACL"),
        (_, true, ..) => format!("is writable by {who} through its ACL"),
        (_, _, true, _) => format!("can be taken over by {who}: its ACL lets them change the ACL"),
        (true, ..) => format!("is readable by {who} through its ACL"),
        (.., true) => format!("shows its ACL to {who}"),
        _ => format!("is open to {who} through its ACL"),
    };
    let asked_for = [("FSBP S3.2", read || read_acl), ("FSBP S3.3", write || write_acl)];
    let controls = asked_for.into_iter().filter(|(_, asked)| *asked).map(|(control, _)| control).collect();
    let problem = Problem::new(what, json!({ "Grants": public })).controls(controls).action(Action::S3MakeAclPrivate);
    if read_acl && !(read || write || write_acl) {
        // Who may do what is no secret that opens the bucket.
        return vec![problem.severity(Severity::Medium)];
    }
    vec![problem]
}

/// With `RestrictPublicBuckets` a public policy lets in nobody from outside the account but AWS services:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>.
fn public_policy(case: &Case<'_, Bucket>) -> Result<Vec<Problem>, Unclear> {
    if case.config().effective_public_access_block().restrict_public_buckets {
        return Ok(Vec::new());
    }
    policies::public(case, |statements| Action::S3RemovePolicyStatements(Statements { statements }))
}

fn public_access_block(case: &Case<'_, Bucket>) -> Vec<Problem> {
    let block = case.config().effective_public_access_block();
    let switches = [
        ("BlockPublicAcls", block.block_public_acls),
        ("IgnorePublicAcls", block.ignore_public_acls),
        ("BlockPublicPolicy", block.block_public_policy),
        ("RestrictPublicBuckets", block.restrict_public_buckets),
    ];
    let off: Vec<&str> = switches.into_iter().filter(|(_, on)| !on).map(|(name, _)| name).collect();
    let what = match off.as_slice() {
        [] => return Vec::new(),
        [_, _, _, _] => "does not block public access".to_owned(),
        _ => format!("does not block all public access: {} is off", off.join(", ")),
    };
    let evidence = json!({
        "PublicAccessBlockConfiguration": case.config().public_access_block_configuration,
        "AccountPublicAccessBlockConfiguration": case.config().account_public_access_block_configuration,
    });
    vec![Problem::new(what, evidence).action(Action::S3BlockPublicAccess)]
}

fn encryption(case: &Case<'_, Bucket>) -> Vec<Problem> {
    let encryption = case.config().server_side_encryption_configuration.as_ref();
    let encrypts = encryption.is_some_and(|encryption| {
        let mut defaults =
            encryption.rules.iter().filter_map(|rule| rule.apply_server_side_encryption_by_default.as_ref());
        defaults.any(|default| !default.sse_algorithm.is_empty())
    });
    if encrypts {
        return Vec::new();
    }
    let evidence = json!({ "ServerSideEncryptionConfiguration": encryption });
    vec![Problem::new("does not encrypt new objects by default", evidence).action(Action::S3EncryptByDefault)]
}
