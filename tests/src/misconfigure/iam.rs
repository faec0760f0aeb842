//! What users, roles, groups and policies that are made have in common.

use aws_sdk_iam::Client;
use aws_sdk_iam::types::Tag;
use common::arn::Arn;
use common::aws::AwsError;
use common::resource::ResourceType;

use super::{Missing, PREFIX, Place, Report, TAG, for_each, unbuilt, verdict};

/// The path of all of them.
pub(super) const PATH: &str = "/sluice-test/";

/// The inline policy by which they may do nothing.
pub(super) const POLICY_NAME: &str = "sluice-test-deny-all";
pub(super) const DENY_ALL: &str =
    r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}"#;

/// What IAM answers where there is no such thing.
pub(super) const NONE: &[&str] = &["NoSuchEntity"];

/// The ARN of a `user`, `role`, `group` or `policy`.
pub(super) fn arn(place: &Place, word: &str, name: &str) -> Arn {
    place.arn("iam", format!("{word}{PATH}{name}"))
}

/// The tag of what is made by an operation.
pub(super) fn tag(operation: &str, what: &str) -> Result<Tag, AwsError> {
    Tag::builder().key(TAG).value(verdict(what)).build().map_err(|error| unbuilt(operation, error))
}

/// Whether something is ours to remove.
pub(super) fn is_ours(path: &str, name: &str) -> bool {
    path == PATH && name.starts_with(PREFIX)
}

/// Refuses to take over what has the name of ours, and another path.
pub(super) fn has_our_path(word: &str, path: &str) -> Result<(), Missing> {
    if path == PATH {
        return Ok(());
    }
    Err(Missing::Impossible(format!("there is a {word} of that name with the path {path}, which is not ours")))
}

/// Removes users or roles, all at once.
pub(super) async fn clean<F>(
    place: &Place,
    client: &Client,
    (kind, word): (ResourceType, &str),
    names: Vec<String>,
    remove: impl Fn(Client, String) -> F,
) -> Report
where
    F: Future<Output = Result<(), AwsError>> + Send + 'static,
{
    let results = for_each(names, |name| {
        let gone = place.removed(kind, &name, arn(place, word, &name));
        let removal = remove(client.clone(), name.clone());
        async move { (name, removal.await.map(|()| gone).map_err(Missing::from)) }
    });
    Report::collect(results.await)
}
