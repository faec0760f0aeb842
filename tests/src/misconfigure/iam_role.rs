//! Roles that could do nothing, whoever assumed them.

use aws_sdk_iam::Client;
use aws_sdk_iam::types::Role as Listed;
use common::aws::AwsError;
use common::client;
use common::resource::{ResourceType, Role};
use serde_json::{Value, json};

use super::iam::{self, DENY_ALL, NONE, PATH, POLICY_NAME};
use super::{Made, Misconfigured, Missing, Place, Report, call, for_each, unless};

/// A role.
struct Spec {
    name: &'static str,
    what: &'static str,
    checks: &'static [&'static str],
    /// The statements of its trust policy.
    statements: fn(&Place) -> Result<Value, Missing>,
}

/// What functions run as.
const RUNNER: Spec = Spec {
    name: "sluice-test-runner",
    what: "good: trusts a service",
    checks: &[],
    statements: |_| Ok(json!([trust("Lambda", &json!({"Service": "lambda.amazonaws.com"}))])),
};

const SPECS: &[Spec] = &[
    Spec {
        name: "sluice-test-good",
        what: "good: trusts its own account",
        checks: &[],
        statements: |place| Ok(json!([keep(place)])),
    },
    RUNNER,
    Spec {
        name: "sluice-test-public",
        what: "bad: one of two statements trusts anyone",
        checks: &["iam_role_public"],
        statements: |place| Ok(json!([keep(place), trust("Public", &json!({"AWS": "*"}))])),
    },
    Spec {
        name: "sluice-test-public-alone",
        what: "bad: trusts anyone, in the only statement",
        checks: &["iam_role_public"],
        statements: |_| Ok(json!([trust("Public", &json!({"AWS": "*"}))])),
    },
    Spec {
        name: "sluice-test-narrowed",
        what: "good: trusts anyone in its own account",
        checks: &[],
        statements: |place| {
            let mut statement = trust("Own", &json!({"AWS": "*"}));
            statement["Condition"] = json!({"StringEquals": {"aws:PrincipalAccount": place.account()}});
            Ok(json!([statement]))
        },
    },
    Spec {
        name: "sluice-test-outsider",
        what: "bad: trusts a foreign account",
        checks: &["iam_role_outsiders"],
        statements: |place| Ok(json!([keep(place), trust("Outsider", &json!({"AWS": place.outsider()?}))])),
    },
];

fn trust(sid: &str, principal: &Value) -> Value {
    json!({"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})
}

/// What a fix must leave alone.
fn keep(place: &Place) -> Value {
    trust("KeepOwnAccount", &json!({"AWS": place.root_of(place.account())}))
}

fn document(statements: &Value) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

impl Misconfigured for Role {
    async fn make(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_iam, &place.session, place.session.home_region());
        let results = for_each(SPECS, |spec| {
            let (place, client) = (place.clone(), client.clone());
            async move { (spec.name.to_owned(), make_one(&place, &client, spec).await) }
        });
        Ok(Report::collect(results.await))
    }

    async fn clean(place: &Place) -> Result<Report, Missing> {
        let client = client!(aws_sdk_iam, &place.session, place.session.home_region());
        let mut pages = client.list_roles().path_prefix(PATH).into_paginator().items().send();
        let mut roles: Vec<Listed> = Vec::new();
        while let Some(role) = pages.next().await {
            roles.push(role.map_err(|error| AwsError::new("iam:ListRoles", error))?);
        }
        roles.retain(|role| iam::is_ours(&role.path, &role.role_name));
        let names = roles.into_iter().map(|role| role.role_name).collect();
        let remove = |client, name: String| async move { remove(&client, &name).await };
        Ok(iam::clean(place, &client, (ResourceType::IamRole, "role"), names, remove).await)
    }
}

/// The role that functions run as, made if need be: its ARN.
pub(super) async fn runner(place: &Place) -> Result<String, Missing> {
    let client = client!(aws_sdk_iam, &place.session, place.session.home_region());
    Ok(make_one(place, &client, &RUNNER).await?.arn.to_string())
}

/// Removes the role that functions run as, where no role's own run does.
pub(super) async fn remove_runner(place: &Place) -> Result<(), Missing> {
    if place.options.types.contains(&ResourceType::IamRole) {
        return Ok(());
    }
    let client = client!(aws_sdk_iam, &place.session, place.session.home_region());
    Ok(remove(&client, RUNNER.name).await?)
}

async fn make_one(place: &Place, client: &Client, spec: &Spec) -> Result<Made, Missing> {
    let name = spec.name;
    let statements = (spec.statements)(place)?;
    let present = unless(NONE, call!("iam:GetRole", client.get_role().role_name(name)))?;
    if let Some(role) = present.and_then(|answer| answer.role) {
        iam::has_our_path("role", &role.path)?;
    } else {
        let tag = iam::tag("iam:CreateRole", spec.what)?;
        // Nobody may assume it until it may do nothing.
        let closed = json!([{"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]);
        let request = client.create_role().role_name(name).path(PATH).tags(tag);
        call!("iam:CreateRole", request.assume_role_policy_document(document(&closed)))?;
    }
    let request = client.put_role_policy().role_name(name).policy_name(POLICY_NAME).policy_document(DENY_ALL);
    call!("iam:PutRolePolicy", request)?;
    let request = client.update_assume_role_policy().role_name(name).policy_document(document(&statements));
    call!("iam:UpdateAssumeRolePolicy", request)?;
    let arn = iam::arn(place, "role", name);
    Ok(place.made(ResourceType::IamRole, name, arn, spec.what, spec.checks))
}

/// Removes what we gave a role, and the role: IAM refuses where somebody gave it more.
async fn remove(client: &Client, name: &str) -> Result<(), AwsError> {
    let request = client.delete_role_policy().role_name(name).policy_name(POLICY_NAME);
    unless(NONE, call!("iam:DeleteRolePolicy", request))?;
    unless(NONE, call!("iam:DeleteRole", client.delete_role().role_name(name))).map(drop)
}
