//! Required tags, which several types have.

use common::id::AccountId;
use serde_json::json;

use super::{Case, Checked, Problem};
use crate::judge::Rules;

/// Whether any tag is required: an empty list requires nothing.
pub(super) fn required(rules: &Rules, _: &AccountId) -> bool {
    !rules.required_tags.is_empty()
}

/// The required tags that a resource lacks, if any. Names count in any case: AWS tells `Owner` and `owner` apart, but the
/// people who set them do not.
pub(super) fn missing<C: Checked>(case: &Case<'_, C>) -> Option<Problem> {
    let present: Vec<String> = case.resource.tags.keys().map(|name| name.to_lowercase()).collect();
    let missing: Vec<&str> = case
        .rules
        .required_tags
        .iter()
        .filter(|required| !present.contains(&required.to_lowercase()))
        .map(String::as_str)
        .collect();
    if missing.is_empty() {
        return None;
    }
    let which = if missing.len() == 1 { "the required tag" } else { "the required tags" };
    Some(Problem::new(format!("lacks {which} {}", missing.join(", ")), json!({ "MissingTags": missing })))
}
