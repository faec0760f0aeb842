//! What is done to buckets.

mod empty;

use audit::policy::{Document, denies_insecure_transport};
use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types as s3;
use common::action::{Action, Change, Grants, Kill};
use common::aws::{AwsError, Session};
use common::id::Region;
use common::operation::{self, Operation};
use common::record::Resource;
use common::resource::{
    AccessControlPolicy, Bucket, Encryption, EncryptionByDefault, EncryptionRule, Grant, Grantee, Owner,
    PublicAccessBlock,
};
use common::settings::Remediate;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::call::sent;
use super::change::{pending, rebased};
use super::policy::{self, text};
use super::refusal::{foreign, needs};
use super::{ApiCall, Mended, Planned, Refusal, Turn};

/// A call on a bucket.
#[derive(Debug, Serialize)]
#[serde(untagged, rename_all_fields = "PascalCase")]
pub(crate) enum Step {
    PutAcl { bucket: String, access_control_policy: AccessControlPolicy },
    PutPolicy { bucket: String, policy: Value },
    DeletePolicy { bucket: String },
    PutPublicAccessBlock { bucket: String, public_access_block_configuration: PublicAccessBlock },
    DeletePublicAccessBlock { bucket: String },
    PutEncryption { bucket: String, server_side_encryption_configuration: Encryption },
    DeleteEncryption { bucket: String },
    AbortUploads { bucket: String, all_uploads: bool },
    DeleteObjects { bucket: String, all_versions: bool },
    DeleteBucket { bucket: String },
}

type BucketPlan = Result<Planned<Bucket, Step>, Refusal>;

impl Mended for Bucket {
    type Step = Step;

    const CALLS: &'static [(&'static str, &'static [Operation])] = &[
        ("disable", &[operation::S3_PUT_BUCKET_ACL, operation::S3_PUT_PUBLIC_ACCESS_BLOCK]),
        ("kill", &[operation::S3_ABORT_MULTIPART_UPLOAD, operation::S3_DELETE_OBJECTS, operation::S3_DELETE_BUCKET]),
        ("s3_remove_grants", &[operation::S3_PUT_BUCKET_ACL]),
        ("s3_make_acl_private", &[operation::S3_PUT_BUCKET_ACL]),
        ("s3_set_acl", &[operation::S3_PUT_BUCKET_ACL]),
        ("s3_block_public_access", &[operation::S3_PUT_PUBLIC_ACCESS_BLOCK]),
        (
            "s3_set_public_access_block",
            &[operation::S3_PUT_PUBLIC_ACCESS_BLOCK, operation::S3_DELETE_PUBLIC_ACCESS_BLOCK],
        ),
        ("s3_remove_policy_statements", &[operation::S3_PUT_BUCKET_POLICY, operation::S3_DELETE_BUCKET_POLICY]),
        ("s3_deny_insecure_transport", &[operation::S3_PUT_BUCKET_POLICY]),
        ("s3_set_policy", &[operation::S3_PUT_BUCKET_POLICY, operation::S3_DELETE_BUCKET_POLICY]),
        ("s3_encrypt_by_default", &[operation::S3_PUT_BUCKET_ENCRYPTION]),
        ("s3_set_encryption", &[operation::S3_PUT_BUCKET_ENCRYPTION, operation::S3_DELETE_BUCKET_ENCRYPTION]),
    ];

    const CLOSELY: &'static [&'static str] = &["kill"];

    fn plan(action: &Action, resource: &Resource<Self>) -> BucketPlan {
        match action {
            Action::S3RemoveGrants(grants) => {
                needs(resource, &["Owner", "Grants"])?;
                remove_grants(resource, grants)
            }
            Action::S3MakeAclPrivate => {
                needs(resource, &["Grants"])?;
                let now = resource.config.access_control_policy();
                let grants: Vec<Grant> =
                    now.grants.iter().filter(|grant| !grant.grantee.is_public()).cloned().collect();
                set_acl(resource, &Change { from: now.clone(), to: AccessControlPolicy { grants, ..now } })
            }
            Action::S3SetAcl(change) => {
                needs(resource, &["Grants"])?;
                set_acl(resource, change)
            }
            Action::S3BlockPublicAccess => {
                needs(resource, &["PublicAccessBlockConfiguration"])?;
                let from = resource.config.public_access_block_configuration;
                set_public_access_block(resource, &Change { from, to: Some(PublicAccessBlock::ALL) })
            }
            Action::S3SetPublicAccessBlock(change) => {
                needs(resource, &["PublicAccessBlockConfiguration"])?;
                set_public_access_block(resource, change)
            }
            Action::S3RemovePolicyStatements(unwanted) => {
                needs(resource, &["Policy"])?;
                let from = resource.config.policy.clone();
                let to = from.as_ref().and_then(|policy| policy::without(policy, &unwanted.statements));
                set_policy(resource, &Change { from, to })
            }
            Action::S3DenyInsecureTransport => {
                needs(resource, &["Policy"])?;
                deny_insecure_transport(resource)
            }
            Action::S3SetPolicy(change) => {
                needs(resource, &["Policy"])?;
                set_policy(resource, change)
            }
            Action::S3EncryptByDefault => {
                needs(resource, &["ServerSideEncryptionConfiguration"])?;
                encrypt_by_default(resource)
            }
            Action::S3SetEncryption(change) => {
                needs(resource, &["ServerSideEncryptionConfiguration"])?;
                set_encryption(resource, change)
            }
            other => Err(foreign(other, resource)),
        }
    }

    fn disable(_: &Resource<Self>, _: &Remediate) -> Result<Vec<Action>, Refusal> {
        Ok(vec![Action::S3RemoveGrants(Grants::default()), Action::S3BlockPublicAccess])
    }

    fn kill(resource: &Resource<Self>, kill: Kill, _: &Remediate) -> BucketPlan {
        kill_bucket(resource, kill)
    }

    fn rebase(undo: Action, predicted: &Self, observed: &Self) -> Action {
        match undo {
            Action::S3SetAcl(change) => {
                let (sent, seen) = (predicted.access_control_policy(), observed.access_control_policy());
                Action::S3SetAcl(rebased(change, &sent, seen))
            }
            Action::S3SetPolicy(change) => {
                Action::S3SetPolicy(rebased(change, &predicted.policy, observed.policy.clone()))
            }
            Action::S3SetEncryption(change) => {
                let sent = &predicted.server_side_encryption_configuration;
                Action::S3SetEncryption(rebased(change, sent, observed.server_side_encryption_configuration.clone()))
            }
            other => other,
        }
    }

    /// AWS refuses a public ACL or policy as long as the block stands that an undo is to take away; and once the block stands
    /// that is to come, it also refuses to add a statement to a policy that stays public.
    fn turn(action: &Action) -> Turn {
        let Action::S3SetPublicAccessBlock(change) = action else {
            return if *action == Action::S3DenyInsecureTransport { Turn::First } else { Turn::Usual };
        };
        let (from, to) = (change.from.unwrap_or_default(), change.to.unwrap_or_default());
        let taken = |from: bool, to: bool| from && !to;
        let any = taken(from.block_public_acls, to.block_public_acls)
            || taken(from.ignore_public_acls, to.ignore_public_acls)
            || taken(from.block_public_policy, to.block_public_policy)
            || taken(from.restrict_public_buckets, to.restrict_public_buckets);
        if any { Turn::First } else { Turn::Usual }
    }
}

/// The permissions of an ACL: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#permissions>.
const PERMISSIONS: [&str; 5] = [FULL_CONTROL, "READ", "WRITE", "READ_ACP", "WRITE_ACP"];

/// All of the others at once.
const FULL_CONTROL: &str = "FULL_CONTROL";

/// Takes out exactly what is named.
fn remove_grants(resource: &Resource<Bucket>, unwanted: &Grants) -> BucketPlan {
    if let Some(odd) = unwanted.permissions.iter().find(|name| !PERMISSIONS.contains(&name.as_str())) {
        let why = format!("`{odd}` in `Permissions` is none of an ACL: name {}", PERMISSIONS.join(", "));
        return Err(Refusal::Impossible(why));
    }
    let owner = resource.config.owner.as_ref().map(|owner| owner.id.as_str());
    let named = |grantee: &Grantee| match &unwanted.principal {
        Some(principal) => is(grantee, principal),
        None => grantee.id.is_none() || grantee.id.as_deref() != owner,
    };
    let all = unwanted.permissions.is_empty();
    let has = |permission: &String| all || unwanted.permissions.contains(permission);
    let now = resource.config.access_control_policy();
    let (gone, kept): (Vec<Grant>, Vec<Grant>) =
        now.grants.iter().cloned().partition(|grant| named(&grant.grantee) && has(&grant.permission));
    // Else it would read as taken away, and be had all the same.
    if kept.iter().any(|grant| named(&grant.grantee) && grant.permission == FULL_CONTROL) {
        let why = format!("what is to go is had by a grant of {FULL_CONTROL} too: name that as well");
        return Err(Refusal::Impossible(why));
    }
    if gone.is_empty() {
        return Ok(Planned::nothing(resource));
    }
    set_acl(resource, &Change { from: now.clone(), to: AccessControlPolicy { grants: kept, ..now } })
}

/// Whether a grantee is the one of this URI, canonical id or address.
fn is(grantee: &Grantee, principal: &str) -> bool {
    let same = |uri: &String| uri.trim_end_matches('/').eq_ignore_ascii_case(principal.trim_end_matches('/'));
    grantee.uri.as_ref().is_some_and(same)
        || grantee.id.as_deref() == Some(principal)
        || grantee.email_address.as_deref() == Some(principal)
}

/// What somebody has begun to upload is data, too.
fn kill_bucket(resource: &Resource<Bucket>, kill: Kill) -> BucketPlan {
    needs(resource, &["HasObjects", "HasUploads"])?;
    let (Some(objects), Some(uploads)) = (resource.config.has_objects, resource.config.has_uploads) else {
        return Err(Refusal::Impossible("it is not known whether it holds objects".to_owned()));
    };
    if (objects || uploads) && !kill.include_data {
        let what =
            if objects { "objects, versions of objects or delete markers" } else { "uploads that are not complete" };
        let why =
            format!("it holds {what}: empty it, or say \"IncludeData\": true to have all of it deleted, for good");
        return Err(Refusal::Impossible(why));
    }
    let bucket = || resource.config.name.clone();
    let steps = [
        uploads.then(|| Step::AbortUploads { bucket: bucket(), all_uploads: true }),
        objects.then(|| Step::DeleteObjects { bucket: bucket(), all_versions: true }),
        Some(Step::DeleteBucket { bucket: bucket() }),
    ];
    Ok(Planned { steps: steps.into_iter().flatten().collect(), undo: None, after: None })
}

fn set_acl(resource: &Resource<Bucket>, change: &Change<AccessControlPolicy>) -> BucketPlan {
    let sorted = |mut list: AccessControlPolicy| {
        list.grants.sort();
        list
    };
    let now = resource.config.access_control_policy();
    let change = Change { from: sorted(change.from.clone()), to: sorted(change.to.clone()) };
    if !pending(&change, &sorted(now.clone()), "the ACL")? {
        return Ok(Planned::nothing(resource));
    }
    if change.to.owner.is_none() {
        return Err(Refusal::Impossible("the ACL names no owner, without whom S3 takes no ACL".to_owned()));
    }
    let step = Step::PutAcl { bucket: resource.config.name.clone(), access_control_policy: change.to.clone() };
    let after = Bucket { owner: change.to.owner.clone(), grants: change.to.grants.clone(), ..resource.config.clone() };
    Ok(Planned::one(step, Some(Action::S3SetAcl(Change { from: change.to, to: now })), after))
}

fn set_public_access_block(resource: &Resource<Bucket>, change: &Change<Option<PublicAccessBlock>>) -> BucketPlan {
    let now = resource.config.public_access_block_configuration;
    if !pending(change, &now, "the public access block")? {
        return Ok(Planned::nothing(resource));
    }
    let bucket = resource.config.name.clone();
    let step = match change.to {
        Some(public_access_block_configuration) => {
            Step::PutPublicAccessBlock { bucket, public_access_block_configuration }
        }
        None => Step::DeletePublicAccessBlock { bucket },
    };
    let after = Bucket { public_access_block_configuration: change.to, ..resource.config.clone() };
    Ok(Planned::one(step, Some(Action::S3SetPublicAccessBlock(Change { from: change.to, to: now })), after))
}

fn set_policy(resource: &Resource<Bucket>, change: &Change<Option<Value>>) -> BucketPlan {
    let now = resource.config.policy.clone();
    if !pending(change, &now, "the policy")? {
        return Ok(Planned::nothing(resource));
    }
    let bucket = resource.config.name.clone();
    let step = match change.to.clone() {
        Some(policy) => Step::PutPolicy { bucket, policy },
        None => Step::DeletePolicy { bucket },
    };
    let after = Bucket { policy: change.to.clone(), ..resource.config.clone() };
    Ok(Planned::one(step, Some(Action::S3SetPolicy(Change { from: change.to.clone(), to: now })), after))
}

/// The statement of <https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html#example-bucket-policies-HTTP-HTTPS>,
/// merged into the policy.
fn deny_insecure_transport(resource: &Resource<Bucket>) -> BucketPlan {
    let from = resource.config.policy.clone();
    let arn = resource.arn.to_string();
    if let Some(policy) = &from {
        let document = Document::parse(policy)
            .map_err(|error| Refusal::Impossible(format!("the policy is not understood: {error}")))?;
        if denies_insecure_transport(&document, &arn) {
            return Ok(Planned::nothing(resource));
        }
    }
    let statement = Map::from_iter([
        ("Effect".to_owned(), json!("Deny")),
        ("Principal".to_owned(), json!("*")),
        ("Action".to_owned(), json!("s3:*")),
        ("Resource".to_owned(), json!([arn, format!("{arn}/*")])),
        ("Condition".to_owned(), json!({"Bool": {"aws:SecureTransport": "false"}})),
    ]);
    let to = Some(policy::with(from.as_ref(), "DenyInsecureTransport", statement));
    set_policy(resource, &Change { from, to })
}

fn encrypt_by_default(resource: &Resource<Bucket>) -> BucketPlan {
    let from = resource.config.server_side_encryption_configuration.clone();
    let encrypts = |encryption: &Encryption| {
        encryption.rules.iter().any(|rule| rule.apply_server_side_encryption_by_default.is_some())
    };
    if from.as_ref().is_some_and(encrypts) {
        return Ok(Planned::nothing(resource));
    }
    let by_default = EncryptionByDefault { sse_algorithm: "AES256".to_owned(), kms_master_key_id: None };
    let rule = EncryptionRule { apply_server_side_encryption_by_default: Some(by_default), bucket_key_enabled: None };
    set_encryption(resource, &Change { from, to: Some(Encryption { rules: vec![rule] }) })
}

fn set_encryption(resource: &Resource<Bucket>, change: &Change<Option<Encryption>>) -> BucketPlan {
    let now = resource.config.server_side_encryption_configuration.clone();
    if !pending(change, &now, "the default encryption")? {
        return Ok(Planned::nothing(resource));
    }
    let bucket = resource.config.name.clone();
    let step = match change.to.clone() {
        Some(server_side_encryption_configuration) => {
            Step::PutEncryption { bucket, server_side_encryption_configuration }
        }
        None => Step::DeleteEncryption { bucket },
    };
    let after = Bucket { server_side_encryption_configuration: change.to.clone(), ..resource.config.clone() };
    Ok(Planned::one(step, Some(Action::S3SetEncryption(Change { from: change.to.clone(), to: now })), after))
}

impl ApiCall for Step {
    fn operation(&self) -> Operation {
        match self {
            Self::PutAcl { .. } => operation::S3_PUT_BUCKET_ACL,
            Self::PutPolicy { .. } => operation::S3_PUT_BUCKET_POLICY,
            Self::DeletePolicy { .. } => operation::S3_DELETE_BUCKET_POLICY,
            Self::PutPublicAccessBlock { .. } => operation::S3_PUT_PUBLIC_ACCESS_BLOCK,
            Self::DeletePublicAccessBlock { .. } => operation::S3_DELETE_PUBLIC_ACCESS_BLOCK,
            Self::PutEncryption { .. } => operation::S3_PUT_BUCKET_ENCRYPTION,
            Self::DeleteEncryption { .. } => operation::S3_DELETE_BUCKET_ENCRYPTION,
            Self::AbortUploads { .. } => operation::S3_ABORT_MULTIPART_UPLOAD,
            Self::DeleteObjects { .. } => operation::S3_DELETE_OBJECTS,
            Self::DeleteBucket { .. } => operation::S3_DELETE_BUCKET,
        }
    }

    async fn send(&self, session: &Session, region: &Region) -> Result<Option<String>, AwsError> {
        let client = common::client!(aws_sdk_s3, session, region);
        let operation = self.operation();
        // Bucket names are free for the taking once deleted: somebody else's bucket is not touched.
        let owner = session.account().as_str();
        match self {
            Self::PutAcl { bucket, access_control_policy } => {
                let list = sdk_acl(access_control_policy).map_err(|error| unbuilt(operation, &error))?;
                let put = client.put_bucket_acl().bucket(bucket).expected_bucket_owner(owner);
                sent(operation, put.access_control_policy(list).send().await)
            }
            Self::PutPolicy { bucket, policy } => {
                let put = client.put_bucket_policy().bucket(bucket).expected_bucket_owner(owner);
                sent(operation, put.policy(text(policy)).send().await)
            }
            Self::DeletePolicy { bucket } => {
                let delete = client.delete_bucket_policy().bucket(bucket).expected_bucket_owner(owner);
                sent(operation, delete.send().await)
            }
            Self::PutPublicAccessBlock { bucket, public_access_block_configuration: block } => {
                let block = s3::PublicAccessBlockConfiguration::builder()
                    .block_public_acls(block.block_public_acls)
                    .ignore_public_acls(block.ignore_public_acls)
                    .block_public_policy(block.block_public_policy)
                    .restrict_public_buckets(block.restrict_public_buckets)
                    .build();
                let put = client.put_public_access_block().bucket(bucket).expected_bucket_owner(owner);
                sent(operation, put.public_access_block_configuration(block).send().await)
            }
            Self::DeletePublicAccessBlock { bucket } => {
                let delete = client.delete_public_access_block().bucket(bucket).expected_bucket_owner(owner);
                sent(operation, delete.send().await)
            }
            Self::PutEncryption { bucket, server_side_encryption_configuration: encryption } => {
                let encryption = sdk_encryption(encryption).map_err(|error| unbuilt(operation, &error))?;
                let put = client.put_bucket_encryption().bucket(bucket).expected_bucket_owner(owner);
                sent(operation, put.server_side_encryption_configuration(encryption).send().await)
            }
            Self::DeleteEncryption { bucket } => {
                let delete = client.delete_bucket_encryption().bucket(bucket).expected_bucket_owner(owner);
                sent(operation, delete.send().await)
            }
            Self::AbortUploads { bucket, .. } => empty::abort_uploads(&client, bucket, owner).await,
            Self::DeleteObjects { bucket, .. } => empty::delete_objects(&client, bucket, owner).await,
            Self::DeleteBucket { bucket } => {
                sent(operation, client.delete_bucket().bucket(bucket).expected_bucket_owner(owner).send().await)
            }
        }
    }
}

/// A request that the SDK refuses to build: a required field of a record is missing.
fn unbuilt(operation: Operation, error: &BuildError) -> AwsError {
    AwsError::of(operation, "InvalidRequest", error.to_string())
}

fn sdk_acl(list: &AccessControlPolicy) -> Result<s3::AccessControlPolicy, BuildError> {
    let owner = |owner: &Owner| s3::Owner::builder().id(&owner.id).set_display_name(owner.display_name.clone()).build();
    let grants = list.grants.iter().map(|grant| {
        let grantee = s3::Grantee::builder()
            .r#type(s3::Type::from(grant.grantee.kind.as_str()))
            .set_id(grant.grantee.id.clone())
            .set_uri(grant.grantee.uri.clone())
            .set_display_name(grant.grantee.display_name.clone())
            .set_email_address(grant.grantee.email_address.clone())
            .build()?;
        let permission = s3::Permission::from(grant.permission.as_str());
        Ok::<_, BuildError>(s3::Grant::builder().grantee(grantee).permission(permission).build())
    });
    Ok(s3::AccessControlPolicy::builder()
        .set_owner(list.owner.as_ref().map(owner))
        .set_grants(Some(grants.collect::<Result<_, BuildError>>()?))
        .build())
}

fn sdk_encryption(encryption: &Encryption) -> Result<s3::ServerSideEncryptionConfiguration, BuildError> {
    let rules = encryption.rules.iter().map(|rule| {
        let by_default = rule.apply_server_side_encryption_by_default.as_ref().map(|by_default| {
            s3::ServerSideEncryptionByDefault::builder()
                .sse_algorithm(s3::ServerSideEncryption::from(by_default.sse_algorithm.as_str()))
                .set_kms_master_key_id(by_default.kms_master_key_id.clone())
                .build()
        });
        Ok::<_, BuildError>(
            s3::ServerSideEncryptionRule::builder()
                .set_apply_server_side_encryption_by_default(by_default.transpose()?)
                .set_bucket_key_enabled(rule.bucket_key_enabled)
                .build(),
        )
    });
    s3::ServerSideEncryptionConfiguration::builder().set_rules(Some(rules.collect::<Result<_, BuildError>>()?)).build()
}

#[cfg(test)]
mod tests {
    use common::action::Statements;
    use common::resource::Grantee;

    use super::*;
    use crate::actions::rebase;
    use crate::actions::tests::{Samples, after, looked, needs, only, planned, resource, statement, the_call};

    fn group(uri: &str) -> Grantee {
        Grantee { kind: "Group".into(), uri: Some(uri.into()), id: None, display_name: None, email_address: None }
    }

    fn bucket() -> Resource<Bucket> {
        let owner = Grantee {
            kind: "CanonicalUser".into(),
            id: Some("abc".into()),
            uri: None,
            display_name: None,
            email_address: None,
        };
        let policy = json!({"Version": "2012-10-17", "Id": "kept", "Statement": [statement("one"), statement("two")]});
        let config = Bucket {
            name: "acme".into(),
            owner: Some(Owner { id: "abc".into(), display_name: None }),
            grants: vec![
                Grant { grantee: group(Grantee::ALL_USERS), permission: "READ".into() },
                Grant { grantee: owner, permission: "FULL_CONTROL".into() },
                Grant { grantee: group("http://acs.amazonaws.com/groups/s3/LogDelivery"), permission: "WRITE".into() },
                Grant { grantee: group(Grantee::AUTHENTICATED_USERS), permission: "READ_ACP".into() },
            ],
            policy: Some(policy),
            ..Bucket::default()
        };
        resource("acme", "arn:aws:s3:::acme", config)
    }

    /// A bucket that holds objects, or parts of some.
    fn holding(objects: bool, uploads: bool) -> Resource<Bucket> {
        let mut bucket = bucket();
        (bucket.config.has_objects, bucket.config.has_uploads) = (Some(objects), Some(uploads));
        bucket
    }

    impl Samples for Bucket {
        fn samples() -> Vec<(Action, Resource<Self>)> {
            let both = Statements { statements: vec![statement("one"), statement("two")] };
            vec![
                (Action::Disable, bucket()),
                (Action::Kill(Kill { include_data: true }), holding(true, true)),
                (Action::S3RemoveGrants(Grants::default()), bucket()),
                (Action::S3MakeAclPrivate, bucket()),
                (Action::S3BlockPublicAccess, bucket()),
                (Action::S3RemovePolicyStatements(only("one")), bucket()),
                (Action::S3RemovePolicyStatements(both), bucket()),
                (Action::S3DenyInsecureTransport, bucket()),
                (Action::S3EncryptByDefault, bucket()),
            ]
        }
    }

    #[test]
    fn the_calls_are_the_smallest_that_mend() {
        let (operation, parameters) = the_call(&Action::S3MakeAclPrivate, &bucket());
        assert_eq!(operation, "s3:PutBucketAcl");
        let grants = parameters["AccessControlPolicy"]["Grants"].as_array().unwrap();
        assert_eq!(grants.len(), 2, "the owner's grant and that of the log delivery stay: {parameters}");
        let both = Statements { statements: vec![statement("one"), statement("two")] };
        let (operation, parameters) = the_call(&Action::S3RemovePolicyStatements(both), &bucket());
        assert_eq!((operation.as_str(), parameters), ("s3:DeleteBucketPolicy", json!({"Bucket": "acme"})));
    }

    #[test]
    fn an_undo_does_not_wipe_out_what_came_after_it() {
        let mended = planned(&Action::S3RemovePolicyStatements(only("one")), &bucket()).unwrap();
        let mut since: Resource<Bucket> = after(&mended);
        since.config.policy =
            Some(json!({"Version": "2012-10-17", "Statement": [statement("two"), statement("three")]}));
        assert!(matches!(planned(&mended.undo.unwrap(), &since), Err(Refusal::Changed(_))));
    }

    #[test]
    fn an_undo_starts_from_what_aws_made_of_it() {
        let plan = planned(&Action::S3EncryptByDefault, &bucket()).unwrap();
        let mut seen: Resource<Bucket> = after(&plan);
        if let Some(Encryption { rules }) = &mut seen.config.server_side_encryption_configuration {
            rules[0].bucket_key_enabled = Some(false);
        }
        let expected = seen.config.server_side_encryption_configuration.clone();
        let undo = rebase(plan.undo.unwrap(), &plan.after.unwrap(), &looked(&seen));
        assert_eq!(undo, Action::S3SetEncryption(Change { from: expected, to: None }));
    }

    #[test]
    fn an_undo_does_not_take_somebody_elses_change_for_its_own() {
        let plan = planned(&Action::S3RemovePolicyStatements(only("one")), &bucket()).unwrap();
        let from = |statements: Value| {
            let mut seen: Resource<Bucket> = after(&plan);
            seen.config.policy = Some(json!({"Version": "2012-10-17", "Id": "kept", "Statement": statements}));
            match rebase(plan.undo.clone().unwrap(), plan.after.as_ref().unwrap(), &looked(&seen)) {
                Action::S3SetPolicy(change) => change.from.unwrap()["Statement"].clone(),
                other => panic!("another undo: {other:?}"),
            }
        };
        let mut spelt = statement("two");
        spelt["Action"] = json!(["s3:GetObject"]);
        assert_eq!(from(json!([spelt])), json!([spelt]), "AWS spells it otherwise");
        let sent = json!([statement("two")]);
        assert_eq!(from(json!([statement("two"), statement("three")])), sent, "somebody has added a statement");
    }

    #[test]
    fn what_could_not_be_read_is_not_changed() {
        for (action, field) in [
            (Action::S3MakeAclPrivate, "Grants"),
            (Action::S3DenyInsecureTransport, "Policy"),
            (Action::S3BlockPublicAccess, "PublicAccessBlockConfiguration"),
            (Action::S3EncryptByDefault, "ServerSideEncryptionConfiguration"),
        ] {
            assert!(needs(&action, bucket(), field), "{action:?}");
        }
    }

    #[test]
    fn a_block_is_taken_away_before_what_it_blocks_is_put_back() {
        let set = |from, to| Action::S3SetPublicAccessBlock(Change { from, to });
        assert_eq!(Bucket::turn(&set(Some(PublicAccessBlock::ALL), None)), Turn::First);
        assert_eq!(Bucket::turn(&set(None, Some(PublicAccessBlock::ALL))), Turn::Usual);
        assert_eq!(Bucket::turn(&Action::S3MakeAclPrivate), Turn::Usual);
        // The statement about plain HTTP is added before the block comes.
        assert_eq!(Bucket::turn(&Action::S3DenyInsecureTransport), Turn::First);
        assert_eq!(Bucket::turn(&Action::S3BlockPublicAccess), Turn::Usual);
        let there_already = set(Some(PublicAccessBlock::ALL), None);
        assert!(planned(&there_already, &bucket()).unwrap().steps.is_empty());
    }
    #[test]
    fn exactly_the_grants_that_are_named_go() {
        const LOGS: &str = "http://acs.amazonaws.com/groups/s3/LogDelivery";
        let left = |principal: Option<&str>, permissions: &[&str], bucket: &Resource<Bucket>| {
            let grants = Grants {
                principal: principal.map(str::to_owned),
                permissions: permissions.iter().map(|&name| name.to_owned()).collect(),
            };
            planned(&Action::S3RemoveGrants(grants), bucket).map(|plan| {
                let after: Resource<Bucket> = after(&plan);
                let grants = after.config.grants.into_iter();
                let mut left: Vec<String> = grants.map(|it| it.grantee.uri.or(it.grantee.id).unwrap()).collect();
                left.sort();
                left
            })
        };
        let owner = bucket().config.owner.unwrap().id;
        let owner = owner.as_str();
        let (all, accounts) = (Grantee::ALL_USERS, Grantee::AUTHENTICATED_USERS);
        let rows: [(Option<&str>, &[&str], &[&str]); 8] = [
            (None, &[], &[owner]),
            (None, &["READ", "READ_ACP"], &[LOGS, owner]),
            (Some(all), &[], &[accounts, LOGS, owner]),
            (Some(&all.to_uppercase()), &["READ"], &[accounts, LOGS, owner]),
            (Some(all), &["WRITE"], &[all, accounts, LOGS, owner]),
            (Some(LOGS), &["READ", "WRITE"], &[all, accounts, owner]),
            (Some(owner), &[], &[all, accounts, LOGS]),
            (Some("nobody"), &[], &[all, accounts, LOGS, owner]),
        ];
        for (principal, permissions, expected) in rows {
            let mut expected = expected.to_vec();
            expected.sort_unstable();
            assert_eq!(left(principal, permissions, &bucket()).unwrap(), expected, "{principal:?} {permissions:?}");
        }
        let odd = left(None, &["READS"], &bucket());
        assert!(matches!(odd, Err(Refusal::Impossible(why)) if why.contains("`READS`")));
        // Who has all of them has that one, too.
        let mut full = bucket();
        for grant in &mut full.config.grants {
            grant.permission = "FULL_CONTROL".into();
        }
        let refused = left(Some(all), &["READ"], &full);
        assert!(matches!(refused, Err(Refusal::Impossible(why)) if why.contains("FULL_CONTROL")));
        assert_eq!(left(None, &["FULL_CONTROL"], &full).unwrap(), [owner]);
        for field in ["Owner", "Grants"] {
            assert!(needs(&Action::S3RemoveGrants(Grants::default()), bucket(), field), "{field}");
        }
    }

    #[test]
    fn disabled_and_back_the_block_goes_before_the_grants_come() {
        let names = |plan: &crate::actions::Plan| -> Vec<String> {
            plan.calls().into_iter().map(|call| call.operation).collect()
        };
        let disabled = planned(&Action::Disable, &bucket()).unwrap();
        assert_eq!(names(&disabled), ["s3:PutBucketAcl", "s3:PutPublicAccessBlock"]);
        let undone = planned(&disabled.undo.clone().unwrap(), &after::<Bucket>(&disabled)).unwrap();
        assert_eq!(names(&undone), ["s3:DeletePublicAccessBlock", "s3:PutBucketAcl"]);
    }

    #[test]
    fn what_holds_data_is_killed_where_the_task_says_so_alone() {
        let kill = |include_data| Action::Kill(Kill { include_data });
        for (objects, uploads, calls) in [
            (true, true, &["AbortMultipartUpload", "DeleteObjects", "DeleteBucket"][..]),
            (true, false, &["DeleteObjects", "DeleteBucket"]),
            (false, true, &["AbortMultipartUpload", "DeleteBucket"]),
            (false, false, &["DeleteBucket"]),
        ] {
            let bucket = holding(objects, uploads);
            let plan = planned(&kill(true), &bucket).unwrap().calls();
            let names: Vec<String> = plan.iter().map(|call| call.operation.replace("s3:", "")).collect();
            assert_eq!(names, calls);
            assert!(plan.iter().all(|call| call.parameters["Bucket"] == "acme"));
            let spared = planned(&kill(false), &bucket);
            match spared {
                Ok(plan) => assert!(!objects && !uploads, "{plan:?}"),
                Err(Refusal::Impossible(why)) => assert!((objects || uploads) && why.contains("IncludeData"), "{why}"),
                Err(other) => panic!("{other}"),
            }
        }
        for field in ["HasObjects", "HasUploads"] {
            assert!(needs(&kill(true), holding(false, false), field), "{field}");
        }
        assert!(matches!(planned(&kill(true), &bucket()), Err(Refusal::Impossible(_))), "nobody has looked");
    }
}
