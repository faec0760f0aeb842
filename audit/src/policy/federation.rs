//! Identity providers in a `Principal`, and the claims that tell their customers apart.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html>: of a provider that
//! many customers share, anyone can have a token, so a policy has to look at a claim that names the customer.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif>

use super::grantee::Grantee;
use super::operator::Constraint;
use super::principal::is_account;
use super::wildcard;

/// Built into AWS: the client id that a token was issued for names the customer.
const BUILT_IN: [&str; 4] =
    ["cognito-identity.amazonaws.com", "accounts.google.com", "graph.facebook.com", "www.amazon.com"];
/// Hosted for all customers under one issuer, with an audience that is the same for all: only the subject tells.
const SHARED: [&str; 7] = [
    "token.actions.githubusercontent.com",
    "gitlab.com",
    "app.terraform.io",
    "agent.buildkite.com",
    "oidc.codefresh.io",
    "api.pulumi.com/oidc",
    "oidc.vercel.com",
];

/// An identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Provider {
    /// As written.
    name: String,
    /// The prefix of its condition keys.
    issuer: String,
    account: Option<String>,
    saml: bool,
}

impl Provider {
    /// From a host or a provider's ARN.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (account, resource) = match text.strip_prefix("arn:") {
            None => (None, text),
            Some(rest) => match rest.splitn(5, ':').collect::<Vec<_>>().as_slice() {
                [_, "iam", "", account, resource] if is_account(account) => (Some((*account).to_owned()), *resource),
                _ => return None,
            },
        };
        let (issuer, saml) = match (&account, resource.split_once('/')) {
            (None, _) => (resource, false),
            (Some(_), Some(("oidc-provider", issuer))) => (issuer, false),
            (Some(_), Some(("saml-provider", name))) => (name, true),
            _ => return None,
        };
        (!issuer.is_empty()).then(|| Self { name: text.to_owned(), issuer: issuer.to_ascii_lowercase(), account, saml })
    }

    /// Whether anyone can have a token of it.
    pub(super) fn is_shared(&self) -> bool {
        !self.saml && (self.account.is_none() || BUILT_IN.iter().chain(&SHARED).any(|shared| self.issuer == *shared))
    }

    pub(super) fn grantee(&self) -> Grantee {
        Grantee::Federated { provider: self.name.clone(), account: self.account.clone() }
    }

    /// Whether the constraint lets in one customer of the provider only.
    pub(super) fn is_limited_by(&self, constraint: &Constraint<'_>) -> bool {
        let Some(claim) = constraint.condition.key.strip_prefix(&self.issuer).and_then(|rest| rest.strip_prefix(':'))
        else {
            return false;
        };
        let by_client = !SHARED.contains(&self.issuer.as_str());
        let fixed = |value: &str| !wildcard::has_wildcard(value) && !value.contains("${") && !value.is_empty();
        constraint.is_positive()
            && !constraint.absent()
            && constraint.condition.values.iter().all(|value| match claim {
                "aud" | "oaud" | "azp" | "app_id" | "id" | "user_id" | "email" => by_client && fixed(value),
                "repository_id" | "repository_owner" | "repository_owner_id" | "namespace_id" => fixed(value),
                "sub" => fixed(value) || (!by_client && names_customer(value)),
                "repository" | "job_workflow_ref" | "project_path" => fixed(value) || names_owner(value),
                _ => false,
            })
    }
}

/// `repo:acme/*`: the first name stands in full before any wildcard. Not `repo:acme*`, which `acme-evil` meets too.
fn names_customer(subject: &str) -> bool {
    subject.split_once(':').is_some_and(|(kind, rest)| !wildcard::has_wildcard(kind) && names_owner(rest))
}

fn names_owner(path: &str) -> bool {
    path.find(['/', ':'])
        .is_some_and(|end| end > 0 && !wildcard::has_wildcard(&path[..end]) && !path[..end].contains('$'))
}
