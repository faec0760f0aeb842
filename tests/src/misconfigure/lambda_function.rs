//! Functions that nobody can call, whoever may: no copy of them ever runs.

use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{FunctionCode, Runtime};
use common::arn::Arn;
use common::aws::AwsError;
use common::client;
use common::resource::{Function, ResourceType};
use serde_json::Value;

use super::{Made, Misconfigured, Missing, PREFIX, Place, Report, TAG, call, for_each, iam_role, unless, verdict};

/// A function.
struct Spec {
    name: &'static str,
    what: &'static str,
    checks: &'static [&'static str],
    /// The statements of its policy. None of them: no policy.
    permissions: fn(&Place) -> Result<Vec<Permission>, Missing>,
}

/// A statement as `AddPermission` takes it.
struct Permission {
    sid: &'static str,
    principal: String,
    source_arn: Option<String>,
    source_account: Option<String>,
}

const SPECS: &[Spec] = &[
    Spec {
        name: "sluice-test-good",
        what: "good: no policy, which lets in its own account",
        checks: &[],
        permissions: |_| Ok(Vec::new()),
    },
    Spec {
        name: "sluice-test-public",
        what: "bad: one of two statements lets in anyone",
        checks: &["lambda_function_public"],
        permissions: |place| Ok(vec![keep(place), allow("Public", "*")]),
    },
    Spec {
        name: "sluice-test-narrowed",
        what: "good: lets in anyone, on behalf of its own account",
        checks: &[],
        permissions: |place| {
            Ok(vec![Permission { source_account: Some(place.account().to_string()), ..allow("Own", "*") }])
        },
    },
    Spec {
        name: "sluice-test-outsider",
        what: "bad: lets in a foreign account",
        checks: &["lambda_function_outsiders"],
        permissions: |place| Ok(vec![keep(place), allow("Outsider", &place.outsider()?)]),
    },
];

fn allow(sid: &'static str, principal: &str) -> Permission {
    Permission { sid, principal: principal.to_owned(), source_arn: None, source_account: None }
}

/// What a fix must leave alone.
fn keep(place: &Place) -> Permission {
    let rule = place.arn("events", "rule/sluice-test-rule").to_string();
    Permission { source_arn: Some(rule), ..allow("KeepOwnRule", "events.amazonaws.com") }
}

const GONE: &[&str] = &["ResourceNotFoundException"];

/// A ZIP file with an `index.py` whose `handler` returns nothing.
const CODE: &[u8] = b"PK\x03\x04\x14\0\0\0\0\0\0\0!\0\xaeV\xbc\xba-\0\0\0-\0\0\0\x08\0\0\0index.py\
    def handler(event, context):\n    return None\n\
    PK\x01\x02\x14\x03\x14\0\0\0\0\0\0\0!\0\xaeV\xbc\xba-\0\0\0-\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\xa4\x01\0\0\0\0index.py\
    PK\x05\x06\0\0\0\0\x01\0\x01\x006\0\0\0S\0\0\0\0\0";

/// How often, and how long apart, a new role is tried: it takes some seconds until Lambda knows it.
const ROLE_TRIES: u32 = 15;
const ROLE_PAUSE: Duration = Duration::from_secs(2);

impl Misconfigured for Function {
    /// After the roles, one of which the functions have.
    const ROUND: u8 = 1;

    async fn make(place: &Place) -> Result<Report, Missing> {
        let role = iam_role::runner(place).await?;
        let client = client!(aws_sdk_lambda, &place.session, place.region());
        let results = for_each(SPECS, |spec| {
            let (place, client, role) = (place.clone(), client.clone(), role.clone());
            async move { (spec.name.to_owned(), make_one(&place, &client, spec, &role).await) }
        });
        Ok(Report::collect(results.await))
    }

    async fn clean(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_lambda, &place.session, place.region());
        let mut pages = client.list_functions().into_paginator().items().send();
        let mut names = Vec::new();
        while let Some(function) = pages.next().await {
            let function = function.map_err(|error| AwsError::new("lambda:ListFunctions", error))?;
            names.extend(function.function_name.filter(|name| name.starts_with(PREFIX)));
        }
        let results = for_each(names, |name| {
            let (place, client) = (place.clone(), client.clone());
            async move { (name.clone(), remove(&place, &client, &name).await) }
        });
        let report = Report::collect(results.await);
        iam_role::remove_runner(place).await?;
        Ok(report)
    }
}

async fn make_one(place: &Place, client: &Client, spec: &'static Spec, role: &str) -> Result<Made, Missing> {
    let name = spec.name;
    let permissions = (spec.permissions)(place)?;
    let present = call!("lambda:GetFunctionConfiguration", client.get_function_configuration().function_name(name));
    if unless(GONE, present)?.is_none() {
        create(client, spec, role).await?;
    } else if !is_ours(place, client, name).await? {
        return Err(Missing::Impossible(format!("there is a function of that name without the tag {TAG}")));
    }
    // First of all: whoever may call it then gets no answer.
    let request = client.put_function_concurrency().function_name(name).reserved_concurrent_executions(0);
    call!("lambda:PutFunctionConcurrency", request)?;
    set_permissions(client, name, permissions).await?;
    Ok(place.made(ResourceType::LambdaFunction, name, arn(place, name), spec.what, spec.checks))
}

async fn create(client: &Client, spec: &'static Spec, role: &str) -> Result<(), AwsError> {
    let mut tries = 1;
    loop {
        let request = client
            .create_function()
            .function_name(spec.name)
            .runtime(Runtime::from("python3.13"))
            .handler("index.handler")
            .role(role)
            .code(FunctionCode::builder().zip_file(Blob::new(CODE)).build())
            .tags(TAG, verdict(spec.what));
        match call!("lambda:CreateFunction", request) {
            Err(error) if error.code() == "InvalidParameterValueException" && tries < ROLE_TRIES => {
                tries += 1;
                tokio::time::sleep(ROLE_PAUSE).await;
            }
            answer => return answer.map(drop),
        }
    }
}

/// Brings the policy to these statements, in this order.
async fn set_permissions(client: &Client, name: &str, wanted: Vec<Permission>) -> Result<(), AwsError> {
    let answer = unless(GONE, call!("lambda:GetPolicy", client.get_policy().function_name(name)))?;
    let policy = answer.and_then(|answer| answer.policy).unwrap_or_default();
    let policy: Value = serde_json::from_str(&policy).unwrap_or_default();
    let statements = policy["Statement"].as_array().cloned().unwrap_or_default();
    let present: Vec<&str> = statements.iter().filter_map(|statement| statement["Sid"].as_str()).collect();
    if present.iter().eq(wanted.iter().map(|permission| &permission.sid)) {
        return Ok(());
    }
    for sid in present {
        let request = client.remove_permission().function_name(name).statement_id(sid);
        unless(GONE, call!("lambda:RemovePermission", request))?;
    }
    for Permission { sid, principal, source_arn, source_account } in wanted {
        let request = client.add_permission().function_name(name).statement_id(sid).action("lambda:InvokeFunction");
        let request = request.principal(principal).set_source_arn(source_arn).set_source_account(source_account);
        call!("lambda:AddPermission", request)?;
    }
    Ok(())
}

fn arn(place: &Place, name: &str) -> Arn {
    place.arn("lambda", format!("function:{name}"))
}

async fn is_ours(place: &Place, client: &Client, name: &str) -> Result<bool, AwsError> {
    let request = client.list_tags().resource(arn(place, name).to_string());
    let tags = unless(GONE, call!("lambda:ListTags", request))?.and_then(|answer| answer.tags);
    Ok(tags.is_some_and(|tags| tags.contains_key(TAG)))
}

/// Removes a function, if it has our tag.
async fn remove(place: &Place, client: &Client, name: &str) -> Result<Made, Missing> {
    if !is_ours(place, client, name).await? {
        return Err(Missing::LeftOut(format!("it has no tag {TAG}, so it is not ours")));
    }
    unless(GONE, call!("lambda:DeleteFunction", client.delete_function().function_name(name)))?;
    Ok(place.removed(ResourceType::LambdaFunction, name, arn(place, name)))
}
