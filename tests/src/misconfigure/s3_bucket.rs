//! Buckets, each of them empty, and each in order but for the one thing that it is for.

use common::aws::AwsError;
use common::resource::{self, Grantee, PublicAccessBlock, ResourceType};
use serde_json::{Value, json};

use super::s3_calls::S3;
use super::{Made, Misconfigured, Missing, PREFIX, Place, Report, for_each, verdict};

/// Statements of a policy, given the bucket's ARN.
type Statements = fn(&Place, &str) -> Result<Vec<Value>, Missing>;

/// A bucket.
struct Spec {
    name: &'static str,
    what: &'static str,
    checks: &'static [&'static str],
    /// The group whose members may read the ACL.
    acl: Option<&'static str>,
    /// Its own public access block.
    block: Option<PublicAccessBlock>,
    encrypted: bool,
    /// The statements of its policy beside the one that denies plain HTTP, which goes with them. `None`: no policy.
    policy: Option<Statements>,
}

const GOOD: Spec = Spec {
    name: "good",
    what: "good: private, encrypted, TLS alone",
    checks: &[],
    acl: None,
    block: Some(PublicAccessBlock::ALL),
    encrypted: true,
    policy: Some(|_, _| Ok(Vec::new())),
};

/// Public policies are still blocked.
const ACLS_ALLOWED: PublicAccessBlock =
    PublicAccessBlock { block_public_acls: false, ignore_public_acls: false, ..PublicAccessBlock::ALL };

/// Public ACLs are still blocked.
const POLICIES_ALLOWED: PublicAccessBlock =
    PublicAccessBlock { block_public_policy: false, restrict_public_buckets: false, ..PublicAccessBlock::ALL };

const SPECS: &[Spec] = &[
    GOOD,
    Spec {
        name: "public-acl",
        what: "bad: its ACL shows itself to anyone",
        checks: &["s3_bucket_public_acl", "s3_bucket_public_access_block"],
        acl: Some(Grantee::ALL_USERS),
        block: Some(ACLS_ALLOWED),
        ..GOOD
    },
    Spec {
        name: "authenticated-acl",
        what: "bad: its ACL shows itself to anyone with an AWS account",
        checks: &["s3_bucket_public_acl", "s3_bucket_public_access_block"],
        acl: Some(Grantee::AUTHENTICATED_USERS),
        block: Some(ACLS_ALLOWED),
        ..GOOD
    },
    Spec {
        name: "public-policy",
        what: "bad: one of four statements lets in anyone, another would if a third did not deny it",
        checks: &["s3_bucket_public_policy", "s3_bucket_public_access_block"],
        block: Some(POLICIES_ALLOWED),
        policy: Some(|place, bucket| Ok(public_policy(place, bucket))),
        ..GOOD
    },
    Spec {
        name: "outsider-policy",
        what: "bad: its policy lets in a foreign account",
        checks: &["s3_bucket_policy_outsiders"],
        policy: Some(|place, bucket| {
            let outsider = place.outsider()?;
            let foreign = allow("Outsider", &json!({"AWS": outsider}), "s3:GetBucketAcl", bucket);
            Ok(vec![keep(place, bucket), foreign])
        }),
        ..GOOD
    },
    Spec {
        name: "no-block",
        what: "bad: nothing blocks public access",
        checks: &["s3_bucket_public_access_block"],
        block: None,
        ..GOOD
    },
    Spec {
        name: "no-encryption",
        what: "bad: no default encryption",
        checks: &["s3_bucket_encryption"],
        encrypted: false,
        ..GOOD
    },
    Spec { name: "no-tls", what: "bad: takes plain HTTP", checks: &["s3_bucket_tls"], policy: None, ..GOOD },
];

fn allow(sid: &str, principal: &Value, action: &str, bucket: &str) -> Value {
    json!({"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": action, "Resource": bucket})
}

/// What a fix must leave alone.
fn keep(place: &Place, bucket: &str) -> Value {
    allow("KeepOwnAccount", &json!({"AWS": place.root_of(place.account())}), "s3:ListBucket", bucket)
}

fn public_policy(place: &Place, bucket: &str) -> Vec<Value> {
    vec![
        keep(place, bucket),
        allow("Public", &json!("*"), "s3:GetBucketAcl", bucket),
        allow("PublicButDenied", &json!({"AWS": "*"}), "s3:GetBucketVersioning", bucket),
        json!({
            "Sid": "DenyOthers", "Effect": "Deny", "Principal": "*", "Action": "s3:GetBucketVersioning",
            "Resource": bucket, "Condition": {"StringNotEquals": {"aws:PrincipalAccount": place.account()}},
        }),
    ]
}

fn tls(bucket: &str) -> Value {
    json!({
        "Sid": "DenyInsecureTransport", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": [bucket, format!("{bucket}/*")], "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    })
}

impl Misconfigured for resource::Bucket {
    async fn make(place: &Place) -> Result<Report, Missing> {
        let s3 = S3::new(place);
        let present = s3.list(&name_prefix(place)).await?;
        // Who may not read it can still try.
        let account_block = s3.account_block(place).await.unwrap_or_default();
        let results = for_each(SPECS, |spec| {
            let (place, s3, present) = (place.clone(), s3.clone(), present.clone());
            async move {
                let name = name_prefix(&place) + spec.name;
                let is_new = !present.contains(&name);
                let result = make_one(&place, &s3, spec, &name, is_new, account_block).await;
                (name, result)
            }
        });
        Ok(Report::collect(results.await))
    }

    async fn clean(place: &Place) -> Result<Report, Missing> {
        let s3 = S3::new(place);
        let names = s3.list(&name_prefix(place)).await?;
        let results = for_each(names, |name| {
            let (place, s3) = (place.clone(), s3.clone());
            async move {
                // S3 deletes only empty buckets: whatever anybody put there is safe.
                let result = s3.delete(&name).await.map_err(Missing::from);
                let arn = place.arn("s3", name.as_str());
                let result = result.map(|()| place.removed(ResourceType::S3Bucket, &name, arn));
                (name, result)
            }
        });
        Ok(Report::collect(results.await))
    }
}

async fn make_one(
    place: &Place,
    s3: &S3,
    spec: &'static Spec,
    name: &str,
    is_new: bool,
    account_block: PublicAccessBlock,
) -> Result<Made, Missing> {
    possible(spec, account_block)?;
    let arn = place.arn("s3", name);
    let policy = match spec.policy {
        Some(statements) => Some(policy(statements(place, &arn.to_string())?, &arn.to_string())),
        None => None,
    };
    if is_new {
        s3.create(name).await?;
    }
    s3.tag(name, verdict(spec.what)).await?;
    s3.set_block(name, spec.block).await?;
    if let Some(group) = spec.acl {
        s3.allow_acls(name).await?;
        patiently(|| s3.show_acl(name, group)).await?;
    }
    patiently(|| s3.set_policy(name, policy.as_ref())).await?;
    if !s3.set_encryption(name, spec.encrypted).await? {
        s3.delete(name).await?;
        return Err(Missing::LeftOut("S3 encrypts every bucket by itself here, as it has since 2023".to_owned()));
    }
    Ok(place.made(ResourceType::S3Bucket, name, arn, spec.what, spec.checks))
}

fn policy(mut statements: Vec<Value>, bucket: &str) -> Value {
    statements.push(tls(bucket));
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// The account's block forbids some buckets, or makes them good. It is not ours to lift.
fn possible(spec: &Spec, account: PublicAccessBlock) -> Result<(), Missing> {
    let own = spec.block.unwrap_or_default();
    let acls = !own.ignore_public_acls && (account.block_public_acls || account.ignore_public_acls);
    let policies = !own.restrict_public_buckets && (account.block_public_policy || account.restrict_public_buckets);
    let in_the_way = if spec.block.is_none() { account == PublicAccessBlock::ALL } else { acls || policies };
    if in_the_way {
        let why = "the account's public access block is in the way, and is left as it is";
        return Err(Missing::Impossible(why.to_owned()));
    }
    Ok(())
}

/// S3 takes seconds to let a public ACL or policy in after the bucket's block is lifted.
async fn patiently<F: Future<Output = Result<(), AwsError>>>(call: impl Fn() -> F) -> Result<(), AwsError> {
    const PAUSES: [u64; 3] = [1, 2, 4];
    for pause in PAUSES {
        match call().await {
            Err(error) if error.is_denied() || error.code() == "OperationAborted" => {}
            result => return result,
        }
        tokio::time::sleep(std::time::Duration::from_secs(pause)).await;
    }
    call().await
}

/// What the names of this account's and region's buckets begin with. Names of buckets are the whole world's: a digest
/// makes them the account's own, and lets a later run find them.
fn name_prefix(place: &Place) -> String {
    // FNV-1a, which stays the same from one build to the next: http://www.isthe.com/chongo/tech/comp/fnv/
    let text = format!("{}/{}", place.account(), place.region());
    let digest = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |digest, byte| (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{PREFIX}{:012x}-", digest & 0xffff_ffff_ffff)
}
