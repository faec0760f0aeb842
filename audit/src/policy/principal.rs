//! `Principal` and `NotPrincipal`.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>

use serde_json::Value;

use super::document::{Place, PolicyError};
use super::federation::Provider;
use super::grantee::Grantee;
use super::wildcard;

/// Whom a statement is about.
#[derive(Clone, Debug)]
pub(super) enum Principals {
    /// `Principal`.
    Only(Vec<Principal>),
    /// `NotPrincipal`: everyone else, anonymous callers too. See
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html>.
    AllBut(Vec<Principal>),
}

/// One entry of a `Principal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Principal {
    /// `*`.
    Everyone,
    /// `{"AWS": "*"}`: the same for anonymous callers, but not sure to mean services and federations.
    EveryoneInAws,
    /// A wildcard where AWS takes none: read as anyone in an Allow, as no one in a Deny.
    Pattern(String),
    /// An identity provider that many customers share.
    Shared(Provider),
    /// All else.
    Named(Grantee),
}

impl Principal {
    pub(super) fn parse_all(place: &mut Place<'_>, field: &str, value: &Value) -> Result<Vec<Self>, PolicyError> {
        let map = match value {
            Value::String(text) if text == "*" => return Ok(vec![Self::Everyone]),
            Value::Object(map) if !map.is_empty() => map,
            _ => return Err(place.error(field, "is neither `*` nor an object")),
        };
        let mut found = Vec::new();
        for (kind, value) in map {
            let field = format!("{field}.{kind}");
            let read = match kind.as_str() {
                "AWS" => aws,
                "Service" => service,
                "Federated" => federated,
                "CanonicalUser" => canonical,
                _ => return Err(place.error(&field, "is no kind of principal")),
            };
            for text in place.strings(&field, value)? {
                found.push(read(&text).ok_or_else(|| place.error(&field, "holds what names no principal"))?);
            }
        }
        Ok(found)
    }

    pub(super) fn is_everyone(&self) -> bool {
        matches!(self, Self::Everyone | Self::EveryoneInAws)
    }

    /// Whom an Allow for it lets in, before its conditions.
    pub(super) fn grantee(&self) -> Grantee {
        match self {
            Self::Everyone | Self::EveryoneInAws | Self::Pattern(_) | Self::Shared(_) => Grantee::Public,
            Self::Named(grantee) => grantee.clone(),
        }
    }

    /// Whether a Deny for it surely meets all that an Allow for `other` lets in.
    pub(super) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Everyone, _) => true,
            (Self::EveryoneInAws, other) => {
                let not_aws = matches!(other, Self::Named(Grantee::Service { .. } | Grantee::Federated { .. }));
                !not_aws && !matches!(other, Self::Shared(_))
            }
            // A user or role is never allowed more than its account.
            (
                Self::Named(Grantee::Account { id, principal: None }),
                Self::Named(Grantee::Account { id: other_id, .. }),
            ) => id == other_id,
            _ => self == other,
        }
    }
}

fn aws(text: &str) -> Option<Principal> {
    if text == "*" {
        return Some(Principal::EveryoneInAws);
    }
    if is_account(text) {
        return Some(Principal::Named(Grantee::account(text)));
    }
    if is_unique_id(text) {
        return Some(Principal::Named(Grantee::Deleted { id: text.to_owned() }));
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [prefix, _, service, _, account, resource] = parts.as_slice() else {
        return wildcard::has_wildcard(text).then(|| Principal::Pattern(text.to_owned()));
    };
    if parts[..5].iter().any(|part| wildcard::has_wildcard(part)) {
        return Some(Principal::Pattern(text.to_owned()));
    }
    if *prefix != "arn" || !matches!(*service, "iam" | "sts") || resource.is_empty() {
        return None;
    }
    // <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html>
    if *account == "cloudfront" {
        let id = resource.rsplit(' ').next().unwrap_or(resource);
        return Some(Principal::Named(Grantee::OriginAccessIdentity { id: id.to_owned() }));
    }
    if !is_account(account) {
        return None;
    }
    let principal = (*resource != "root").then(|| text.to_owned());
    Some(Principal::Named(Grantee::Account { id: (*account).to_owned(), principal }))
}

fn service(text: &str) -> Option<Principal> {
    if text == "*" {
        return Some(Principal::Named(Grantee::Service { name: None, source: None }));
    }
    let name = text.to_ascii_lowercase();
    name.contains('.').then_some(Principal::Named(Grantee::Service { name: Some(name), source: None }))
}

fn canonical(text: &str) -> Option<Principal> {
    if wildcard::has_wildcard(text) {
        return Some(Principal::Pattern(text.to_owned()));
    }
    (!text.is_empty()).then(|| Principal::Named(Grantee::CanonicalUser { id: text.to_owned() }))
}

fn federated(text: &str) -> Option<Principal> {
    if wildcard::has_wildcard(text) {
        return Some(Principal::Pattern(text.to_owned()));
    }
    let provider = Provider::parse(text)?;
    Some(if provider.is_shared() { Principal::Shared(provider) } else { Principal::Named(provider.grantee()) })
}

/// Twelve digits.
pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// `AIDA...`, `AROA...` and their like:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>.
pub(super) fn is_unique_id(text: &str) -> bool {
    (12..=128).contains(&text.len())
        && text.starts_with('A')
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}
