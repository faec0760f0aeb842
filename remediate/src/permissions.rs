//! `--iam-policy`: what the role that acts must be allowed.

use std::collections::BTreeSet;

use common::cli::Failure;
use common::document::{Object, Place};
use common::iam_policy;
use common::operation::Operation;
use common::resource::ResourceType;
use common::settings::Settings;
use serde_json::{Value, json};

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
    let mut policy = iam_policy::document(operations, arguments.aws.role_everywhere(&settings.aws).as_deref());
    if let (Some(Place::S3(object)), Some(statements)) = (&arguments.tasks, policy["Statement"].as_array_mut()) {
        statements.extend(tasks(object));
    }
    Ok(policy)
}

/// What the caller needs for a tasks file in S3. Without `s3:ListBucket` a missing object looks like a forbidden one
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>).
fn tasks(object: &Object) -> [Value; 2] {
    let Object { bucket, key } = object;
    let allow = |sid: &str, actions: [&str; 2], resource: String| json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource});
    [
        allow("SluiceTasks", ["s3:GetObject", "s3:PutObject"], format!("arn:aws:s3:::{bucket}/{key}")),
        allow("SluiceFindsTasks", ["s3:GetBucketLocation", "s3:ListBucket"], format!("arn:aws:s3:::{bucket}")),
    ]
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
    use clap::Parser;

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
    fn tasks_in_s3_are_read_and_written() {
        let arguments = ["remediate", "--iam-policy", "--actions", "stop", "--tasks", "s3://acme/a/tasks.json"];
        let policy = policy(&Arguments::parse_from(arguments), &Settings::default()).unwrap();
        let resources: Vec<&Value> = policy["Statement"].as_array().unwrap().iter().map(|it| &it["Resource"]).collect();
        assert_eq!(resources, ["*", "arn:aws:s3:::acme/a/tasks.json", "arn:aws:s3:::acme"]);
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
