//! Whether a bucket refuses requests over plain HTTP.

use super::document::{Document, Statement};
use super::operator::{Comparison, Condition};

/// Whether the bucket's policy denies everyone every S3 action, on the bucket and on all that is in it, when the request
/// is not over TLS; in one statement or in several.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html#transit>; what Config's
/// `s3-bucket-ssl-requests-only` asks for.
pub fn denies_insecure_transport(document: &Document, bucket_arn: &str) -> bool {
    let denies: Vec<&Statement> = document.statements.iter().filter(|statement| refuses(statement)).collect();
    [bucket_arn.to_owned(), format!("{bucket_arn}/*")]
        .iter()
        .all(|resource| denies.iter().any(|deny| deny.actions.covers("s3:*") && deny.resources.covers(resource)))
}

fn refuses(statement: &Statement) -> bool {
    !statement.allow && statement.is_for_everyone() && statement.conditions.iter().all(holds_without_tls)
}

/// The key is in every request, so `IfExists` and the quantifiers change nothing:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-securetransport>.
fn holds_without_tls(condition: &Condition) -> bool {
    condition.key == "aws:securetransport"
        && condition.operator.comparison == Comparison::Bool
        && !condition.operator.negated
        && condition.has("false")
}
