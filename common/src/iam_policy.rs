//! `--iam-policy`: the least that a tool's credentials must be allowed, as a policy document.
//!
//! It is made from the calls that the code makes ([`Operation`]), and a test holds both against each other.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::operation::Operation;

/// The policy that allows these calls, on any resource: what they are made on is only known once it was listed.
///
/// `roles` are the ARNs of the roles that are assumed: that in each account (`arn:aws:iam::*:role/sluice`), and that which
/// reads the organization. The policy is then that of all, the caller, who needs only the second statement, and the roles,
/// which need only the first.
pub fn document<'a>(
    operations: impl IntoIterator<Item = Operation>,
    roles: impl IntoIterator<Item = &'a str>,
) -> Value {
    let actions: BTreeSet<&str> =
        operations.into_iter().flat_map(|operation| operation.permissions().iter().copied()).collect();
    let mut statements = vec![json!({"Sid": "Sluice", "Effect": "Allow", "Action": actions, "Resource": "*"})];
    let roles: Vec<&str> = roles.into_iter().collect();
    if !roles.is_empty() {
        let roles = if let [role] = roles[..] { json!(role) } else { json!(roles) };
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
        let policy = document(calls, ["arn:aws:iam::*:role/sluice", "arn:aws:iam::111122223333:role/org-read"]);
        assert_eq!(policy["Statement"][1]["Resource"].as_array().map(Vec::len), Some(2));
    }
}
