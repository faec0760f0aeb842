//! The checks of IAM roles.

use common::resource::{ResourceType, Role};
use common::settings::{Check, Settings, Trusted};
use serde_json::{Value, json};

use super::{Example, judge, resource, settings, table, with};

impl Example for Role {
    const ARN: &'static str = "arn:aws:iam::111122223333:role/service-role/deploy";
    const IDS: &'static [&'static str] = &["iam_role_public", "iam_role_outsiders", "iam_role_runaway"];

    fn healthy() -> Value {
        json!({
            "RoleName": "deploy", "Path": "/service-role/", "RolePolicyList": [],
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"},
            ]},
        })
    }

    fn rotten() -> Value {
        json!({"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [
            trust(&json!({"AWS": "*"})), trust(&json!({"AWS": "444455556666"})),
        ]}})
    }
}

const GITHUB: &str = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
const COGNITO: &str = "cognito-identity.amazonaws.com";

fn role(statements: &Value) -> Value {
    with(ResourceType::IamRole, json!({"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": statements}}))
}

fn trust(principal: &Value) -> Value {
    json!({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})
}

/// Everyone in AWS, under a condition.
fn anyone_if(condition: &Value) -> Value {
    let mut statement = trust(&json!({"AWS": "*"}));
    statement["Condition"] = condition.clone();
    role(&statement)
}

fn federated(provider: &str, action: &str, condition: &Value) -> Value {
    role(&json!([{
        "Effect": "Allow", "Principal": {"Federated": provider}, "Action": action, "Condition": condition,
    }]))
}

fn web(provider: &str, condition: &Value) -> Value {
    federated(provider, "sts:AssumeRoleWithWebIdentity", condition)
}

#[test]
fn public_roles() {
    let fail = &["fail critical iam_remove_trust_statements"][..];
    let pass = &["pass"][..];
    let aud = json!({"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"});
    let sub = |sub: &str| json!({"StringEquals": aud, "StringLike": {"token.actions.githubusercontent.com:sub": sub}});
    let denied = json!([
        trust(&json!({"AWS": "*"})),
        {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole",
         "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "111122223333"}}},
    ]);
    table(
        &settings(),
        "iam_role_public",
        &[
            ("anyone", role(&json!([trust(&json!("*"))])), fail),
            ("anyone in AWS, beside others", role(&json!([trust(&json!({"AWS": ["111122223333", "*"]}))])), fail),
            ("anyone, in a single statement", role(&trust(&json!({"AWS": "*"}))), fail),
            ("every account's root", role(&json!([trust(&json!({"AWS": "arn:aws:iam::*:root"}))])), fail),
            // An external id is no secret, and MFA is anyone's.
            ("an external id", anyone_if(&json!({"StringEquals": {"sts:ExternalId": "x"}})), fail),
            ("MFA", anyone_if(&json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}})), fail),
            ("a tag", anyone_if(&json!({"StringEquals": {"aws:PrincipalTag/team": "web"}})), fail),
            (
                "a role's name in any account",
                anyone_if(&json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/deploy"}})),
                fail,
            ),
            (
                "all but one",
                role(
                    &json!([{"Effect": "Allow", "NotPrincipal": {"AWS": "444455556666"}, "Action": "sts:AssumeRole"}]),
                ),
                fail,
            ),
            (
                "roles of its own",
                anyone_if(&json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/ci-*"}})),
                pass,
            ),
            ("an organization", anyone_if(&json!({"StringEquals": {"aws:PrincipalOrgID": "o-acme"}})), pass),
            ("a Deny for all others", role(&denied), pass),
            ("a service", with(ResourceType::IamRole, json!({})), pass),
            ("a stranger is somebody", role(&json!([trust(&json!({"AWS": "444455556666"}))])), pass),
            ("one who was deleted", role(&json!([trust(&json!({"AWS": "AROAJQABLZS4A3QDU576Q"}))])), pass),
            (
                "tags for whoever may assume it",
                role(&json!([{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:TagSession"}])),
                pass,
            ),
            ("nobody", role(&json!([{"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}])), pass),
            ("GitHub, any repository", web(GITHUB, &json!({"StringEquals": aud})), fail),
            ("GitHub, any repository by a pattern", web(GITHUB, &sub("repo:*")), fail),
            ("GitHub, owners that begin alike", web(GITHUB, &sub("repo:acme*")), fail),
            ("GitHub, one owner", web(GITHUB, &sub("repo:acme/*")), pass),
            (
                "GitHub, a claim that may be absent",
                web(GITHUB, &json!({"StringLikeIfExists": {"token.actions.githubusercontent.com:sub": "repo:acme/*"}})),
                fail,
            ),
            ("any identity pool", web(COGNITO, &json!({})), fail),
            (
                "one identity pool",
                web(COGNITO, &json!({"StringEquals": {"cognito-identity.amazonaws.com:aud": "eu-west-1:pool"}})),
                pass,
            ),
            (
                "a cluster of its own",
                web("arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC", &json!({})),
                pass,
            ),
            (
                "SAML",
                federated("arn:aws:iam::111122223333:saml-provider/okta", "sts:AssumeRoleWithSAML", &json!({})),
                pass,
            ),
            (
                "a policy that nobody understands",
                role(&json!([{"Effect": "Allow", "Principal": {"Aws": "*"}, "Action": "sts:AssumeRole"}])),
                &["unknown statement 0: `Principal.Aws` is no kind of principal; look at the policy by hand"],
            ),
            (
                "no trust policy at all",
                with(ResourceType::IamRole, json!({"AssumeRolePolicyDocument": null})),
                &["unknown the record does not say its trust policy, which every IAM role has"],
            ),
        ],
    );
}

#[test]
fn only_the_open_statements_are_to_go() {
    let open = trust(&json!({"AWS": "*"}));
    let kept = trust(&json!({"Service": "ec2.amazonaws.com"}));
    let findings = judge(&settings(), "iam_role_public", &resource("iam_role", &role(&json!([kept, open]))));
    assert_eq!(findings[0].title, "IAM role deploy is open to anyone through its trust policy, for sts:AssumeRole");
    let action = serde_json::to_value(&findings[0].action).unwrap();
    assert_eq!(action, json!({"name": "iam_remove_trust_statements", "Statements": [open]}));
}

#[test]
fn outsiders() {
    let stranger = || role(&json!([trust(&json!({"AWS": "arn:aws:iam::444455556666:role/vendor"}))]));
    let organization = || anyone_if(&json!({"StringEquals": {"aws:PrincipalOrgID": "o-acme"}}));
    let cognito = json!({"StringEquals": {"cognito-identity.amazonaws.com:aud": "eu-west-1:pool"}});
    let fail = &["fail high -"][..];
    let pass = &["pass"][..];
    table(
        &settings(),
        "iam_role_outsiders",
        &[
            ("a stranger", stranger(), fail),
            ("an organization that is not known", organization(), fail),
            (
                "a stranger with an external id",
                role(&json!([{
                    "Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "sts:AssumeRole",
                    "Condition": {"StringEquals": {"sts:ExternalId": "x"}},
                }])),
                fail,
            ),
            (
                "a service for a stranger",
                role(&json!([{
                    "Effect": "Allow", "Principal": {"Service": "config.amazonaws.com"}, "Action": "sts:AssumeRole",
                    "Condition": {"StringEquals": {"aws:SourceAccount": "444455556666"}},
                }])),
                fail,
            ),
            (
                "a stranger's provider",
                federated("arn:aws:iam::444455556666:saml-provider/okta", "sts:AssumeRoleWithSAML", &json!({})),
                fail,
            ),
            (
                "its own provider",
                federated("arn:aws:iam::111122223333:saml-provider/okta", "sts:AssumeRoleWithSAML", &json!({})),
                pass,
            ),
            ("one identity pool", web(COGNITO, &cognito), pass),
            ("a service", with(ResourceType::IamRole, json!({})), pass),
            ("its own account", role(&json!([trust(&json!({"AWS": "111122223333"}))])), pass),
            ("anyone is nobody in particular", role(&json!([trust(&json!({"AWS": "*"}))])), pass),
        ],
    );
    let trusted = Trusted {
        accounts: vec!["444455556666".parse().unwrap()],
        organizations: vec!["o-acme".to_owned()],
        ..Trusted::default()
    };
    let knowing = Settings { trusted, ..settings() };
    table(
        &knowing,
        "iam_role_outsiders",
        &[("a known account", stranger(), pass), ("a known organization", organization(), pass)],
    );
    let fix = Check { fix: Some(true), ..Check::default() };
    let fixing = Settings { checks: [("iam_role_outsiders".to_owned(), fix)].into(), ..settings() };
    let both = role(&json!([trust(&json!({"AWS": ["444455556666", "111122223333"]}))]));
    table(
        &fixing,
        "iam_role_outsiders",
        &[
            ("where the settings say so", stranger(), &["fail high iam_remove_trust_statements"]),
            ("but not with somebody else", both, &["fail high -"]),
        ],
    );
}
