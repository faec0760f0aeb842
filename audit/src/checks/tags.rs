//! Required tags, which several types have.

use common::id::AccountId;
use common::resource::ResourceType;
use serde_json::json;

use super::{Case, Checked, Problem};
use crate::judge::Rules;

/// Whether any tag is required: an empty list requires nothing.
pub(super) fn required(rules: &Rules, kind: ResourceType, account: &AccountId) -> bool {
    rules.required_tags.iter().any(|required| required.applies_to(kind, account))
}

/// The required tags that a resource lacks, or has with a value that is not allowed, if any.
pub(super) fn missing<C: Checked>(case: &Case<'_, C>) -> Option<Problem> {
    let resource = case.resource;
    let (mut missing, mut wrong, mut said) = (Vec::new(), Vec::new(), Vec::new());
    for required in case.rules.required_tags.iter().filter(|it| it.applies_to(C::TYPE, &resource.account)) {
        let same = |name: &str| name.to_lowercase() == required.name.to_lowercase();
        let values: Vec<&String> =
            resource.tags.iter().filter(|(name, _)| same(name)).map(|(_, value)| value).collect();
        let allowed = |value: &&&String| required.values.is_empty() || required.values.contains(value);
        match values.first() {
            None => {
                said.push(format!("lacks the required tag {}", required.name));
                missing.push(&required.name);
            }
            Some(first) if values.iter().find(allowed).is_none() => {
                let allowed = required.values.join(", ");
                said.push(format!("has the tag {} with `{first}`, which is none of {allowed}", required.name));
                wrong.push(json!({"Key": required.name, "Value": first, "Allowed": required.values}));
            }
            Some(_) => {}
        }
    }
    if said.is_empty() {
        return None;
    }
    let mut evidence = json!({});
    if !missing.is_empty() {
        evidence["MissingTags"] = json!(missing);
    }
    if !wrong.is_empty() {
        evidence["WrongTags"] = json!(wrong);
    }
    Some(Problem::new(said.join(", "), evidence))
}
