//! The answer: who is let in, to do what, through which statements.

use std::collections::BTreeSet;

use serde::Serialize;

use super::deny::Literal;
use super::grantee::{Grantee, Source};

/// Whom a policy lets in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Access {
    /// One for each Allow and whom it lets in, in the order of the statements.
    pub grants: Vec<Grant>,
    #[serde(skip)]
    pub(super) owner: String,
}

/// One Allow lets one grantee in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// The index of the Allow, from 0.
    pub statement: usize,
    /// Its `Sid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Whom it lets in.
    pub grantee: Grantee,
    /// Patterns of actions, as written; `* except ...` for a `NotAction`.
    pub actions: Vec<String>,
    /// Patterns of resources, cut down to the resource and what is in it.
    pub resources: Vec<String>,
    /// The conditions that made the grantee what it is: those of the Allow, and those of Denies, which have to fail.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub narrowed_by: Vec<Narrowing>,
}

/// A condition that keeps callers out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Narrowing {
    /// The index of the statement that it stands in, which may be a Deny.
    pub statement: usize,
    /// As written, such as `StringNotEquals`, or `NotPrincipal`.
    pub operator: String,
    /// The condition key in lower case; empty for `NotPrincipal`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The condition's values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

impl From<&Literal<'_>> for Narrowing {
    fn from(literal: &Literal<'_>) -> Self {
        match literal {
            Literal::Exception(statement, _) => Self {
                statement: *statement,
                operator: "NotPrincipal".to_owned(),
                key: String::new(),
                values: Vec::new(),
            },
            Literal::Constraint(constraint) => Self {
                statement: constraint.statement,
                operator: constraint.condition.written.clone(),
                key: constraint.condition.key.clone(),
                values: constraint.condition.values.clone(),
            },
        }
    }
}

/// Whom the owner trusts beside their own account.
#[derive(Clone, Debug, Default)]
pub struct Trusted {
    /// Ids of accounts. Canonical user ids and unique ids may stand here too.
    pub accounts: BTreeSet<String>,
    /// Ids of organizations, `o-...`. The owner's own stands here too, or it is not trusted.
    pub organizations: BTreeSet<String>,
}

impl Access {
    /// The grants that let anyone in.
    pub fn public(&self) -> impl Iterator<Item = &Grant> {
        self.grants.iter().filter(|grant| grant.grantee == Grantee::Public)
    }

    /// Whether anyone is let in.
    pub fn is_public(&self) -> bool {
        self.public().next().is_some()
    }

    /// The grants that let in somebody in particular who is neither the owner nor trusted: an account, an organization, a
    /// canonical user, a federation, and services that call on behalf of one of them.
    ///
    /// Not those to the public, which [`Access::public`] has, nor those to a network, which say nothing of who calls.
    pub fn outside<'a>(&'a self, trusted: &'a Trusted) -> impl Iterator<Item = &'a Grant> {
        let foreign = |id: &String| *id != self.owner && !trusted.accounts.contains(id);
        self.grants.iter().filter(move |grant| match &grant.grantee {
            Grantee::Account { id, .. } | Grantee::CanonicalUser { id } | Grantee::AccessPoint { account: id } => {
                foreign(id)
            }
            Grantee::UniqueId { id } => foreign(id) && id.split(':').next().is_none_or(|id| foreign(&id.to_owned())),
            Grantee::Organization { id, .. } | Grantee::Service { source: Some(Source::Organization(id)), .. } => {
                !trusted.organizations.contains(id) && id != "${aws:ResourceOrgID}"
            }
            Grantee::Service { source: Some(Source::Account(id)), .. } => foreign(id),
            Grantee::Federated { account, .. } => account.as_ref().is_none_or(foreign),
            _ => false,
        })
    }

    /// The grants to services that anyone who uses the service can have call, the confused deputies.
    pub fn unguarded_services(&self) -> impl Iterator<Item = &Grant> {
        self.grants.iter().filter(|grant| matches!(grant.grantee, Grantee::Service { source: None, .. }))
    }
}

/// The statements that the grants come from: what a fix has to remove, no more and no less.
pub fn statements<'a>(grants: impl Iterator<Item = &'a Grant>) -> BTreeSet<usize> {
    grants.map(|grant| grant.statement).collect()
}
