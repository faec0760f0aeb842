//! `--iam-policy`: what the role that acts must be allowed.

use std::collections::BTreeSet;

use common::cli::Failure;
use common::iam_policy;
use common::operation::Operation;
use common::resource::ResourceType;
use common::settings::Settings;
use serde_json::Value;

use crate::actions::{self, calls};
use crate::args::Arguments;

/// The least that the chosen actions need, on resources of the chosen types: their own calls, and those of a look at such
/// a resource, before and after.
///
/// # Errors
///
/// Where none of the actions is done to any of the types: a policy without a permission is none.
pub(crate) fn policy(arguments: &Arguments, settings: &Settings) -> Result<Value, Failure> {
    let operations = operations(&arguments.actions, &arguments.types);
    if operations.is_empty() {
        return Err(Failure::Usage("none of these --actions is done to resources of these --types".to_owned()));
    }
    Ok(iam_policy::document(operations, arguments.aws.role_everywhere(&settings.aws).as_deref()))
}

/// The calls that actions come to, on resources of these types; an empty list leaves none out.
fn operations(actions: &[String], types: &[ResourceType]) -> BTreeSet<Operation> {
    let chosen = calls().filter(|(kind, action, _)| {
        let named = actions.is_empty() || actions.iter().any(|name| name == action);
        named && (types.is_empty() || types.contains(kind))
    });
    let needed = chosen.flat_map(|(kind, action, calls)| {
        let closer = if actions::is_closely(action, kind) { poll::closer_calls(kind) } else { &[] };
        calls.iter().chain(poll::look_calls(kind)).chain(closer)
    });
    needed.copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(actions: &[&str], types: &[ResourceType]) -> Vec<&'static str> {
        let actions: Vec<String> = actions.iter().map(|&name| name.to_owned()).collect();
        operations(&actions, types).into_iter().map(Operation::name).collect()
    }

    #[test]
    fn an_action_needs_its_calls_and_a_look() {
        let looks = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueueTags"];
        assert_eq!(names(&["sqs_set_policy"], &[]), [&looks[..], &["sqs:SetQueueAttributes"]].concat());
        let stop = names(&["stop"], &[ResourceType::Rds]);
        assert_eq!(stop, ["rds:DescribeDBInstances", "rds:StopDBInstance"], "of one type alone");
        let both = names(&["stop", "start"], &[ResourceType::Rds]);
        assert_eq!(both, ["rds:DescribeDBInstances", "rds:StartDBInstance", "rds:StopDBInstance"]);
        assert_eq!(names(&["stop"], &[ResourceType::Sqs]), [""; 0]);
    }

    #[test]
    fn all_are_meant_where_none_is_named() {
        let all = names(&[], &[]);
        for (_, _, calls) in calls() {
            assert!(calls.iter().all(|call| all.contains(&call.name())), "{calls:?}");
        }
        let queues = names(&[], &[ResourceType::Sqs]);
        assert!(queues.contains(&"sqs:SetQueueAttributes") && queues.iter().all(|name| name.starts_with("sqs:")));
    }
}
