//! `--iam-policy`: the least that a tool's credentials must be allowed, as a policy document.
//!
//! It is made from the calls that the code makes ([`Operation`]), and a test holds both against each other.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::operation::Operation;

/// The policy that allows these calls, on any resource: what they are made on is only known once it was listed.
///
/// `roles` is the ARN of the role to assume in each account (`arn:aws:iam::*:role/sluice`); the policy is then that of both,
/// the caller, who needs only the second statement, and the role, which needs only the first.
pub fn document(operations: impl IntoIterator<Item = Operation>, roles: Option<&str>) -> Value {
    let actions: BTreeSet<&str> =
        operations.into_iter().flat_map(|operation| operation.permissions().iter().copied()).collect();
    let mut statements = vec![json!({"Sid": "Sluice", "Effect": "Allow", "Action": actions, "Resource": "*"})];
    if let Some(roles) = roles {
        statements.push(json!({
            "Sid": "SluiceEntersAccounts", "Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": roles,
        }));
    }
    json!({"Version": "2012-10-17", "Statement": statements})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::{S3_GET_BUCKET_ACL, S3_LIST_BUCKETS, STS_GET_CALLER_IDENTITY};

    #[test]
    fn permissions_are_sorted_and_there_once() {
        let calls = [S3_LIST_BUCKETS, S3_GET_BUCKET_ACL, S3_LIST_BUCKETS, STS_GET_CALLER_IDENTITY];
        let policy = document(calls, None);
        assert_eq!(policy["Statement"][0]["Action"], json!(["s3:GetBucketAcl", "s3:ListAllMyBuckets"]));
        assert_eq!(policy["Statement"].as_array().map(Vec::len), Some(1));
        let policy = document(calls, Some("arn:aws:iam::*:role/sluice"));
        assert_eq!(policy["Statement"][1]["Resource"], "arn:aws:iam::*:role/sluice");
    }
}
