//! Who is let in, and what is left of two such answers when both have to hold.

use serde::Serialize;

/// Whom a statement lets in.
///
/// An answer may name more callers than really get in, never fewer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Grantee {
    /// Anyone: without credentials where the service takes such calls, or with those of any AWS account, or with a login
    /// at a public identity provider.
    Public,
    /// Anyone who comes from these networks.
    Network {
        /// The condition key, such as `aws:sourceip`.
        key: String,
        /// The address range, VPC or endpoint.
        value: String,
    },
    /// Anyone who meets a fixed value that AWS documents as not public though it says nothing of who calls.
    Restricted {
        /// The condition key.
        key: String,
        /// Its value.
        value: String,
    },
    /// Whom the S3 access points of an account let through.
    AccessPoint {
        /// The account that owns the access points.
        account: String,
    },
    /// A user or a role by its unique id; which account it is in is not to be seen.
    UniqueId {
        /// As in `aws:userid`: `AIDA...`, `AROA...` or `AROA...:session`.
        id: String,
    },
    /// The accounts of an organization.
    Organization {
        /// `o-...`, or `${aws:ResourceOrgID}` for the owner's own.
        id: String,
        /// A part of it, as in `aws:PrincipalOrgPaths`.
        #[serde(skip_serializing_if = "Option::is_none")]
        path: Option<String>,
    },
    /// Another account.
    Account {
        /// Its id.
        id: String,
        /// The one user, role or session of it; a pattern where a condition names it. All where there is none.
        #[serde(skip_serializing_if = "Option::is_none")]
        principal: Option<String>,
    },
    /// The account that owns the resource.
    Own {
        /// As for `Account`.
        #[serde(skip_serializing_if = "Option::is_none")]
        principal: Option<String>,
    },
    /// Those that an identity provider vouches for.
    Federated {
        /// The provider's ARN, or its name where AWS has it built in.
        provider: String,
        /// The account that the provider is set up in.
        #[serde(skip_serializing_if = "Option::is_none")]
        account: Option<String>,
    },
    /// An account by its canonical user id, which S3 alone has.
    CanonicalUser {
        /// 64 hexadecimal digits.
        id: String,
    },
    /// A `CloudFront` origin access identity.
    OriginAccessIdentity {
        /// `E...`.
        id: String,
    },
    /// A user or a role that was deleted: AWS shows the unique id when the name is gone. Nobody gets in by it.
    Deleted {
        /// `AIDA...` or `AROA...`.
        id: String,
    },
    /// AWS services.
    Service {
        /// Such as `sns.amazonaws.com`; any where there is none.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// On whose behalf it has to call. Where there is none, whoever uses the service can have it call (the confused
        /// deputy): <https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html>.
        #[serde(skip_serializing_if = "Option::is_none")]
        source: Option<Source>,
    },
}

/// On whose behalf a service calls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// An account's (`aws:SourceAccount`, or the account in `aws:SourceArn`).
    Account(String),
    /// An organization's.
    Organization(String),
    /// A resource's whose ARN names no account, such as a bucket.
    Resource(String),
    /// Whoever knows a token (`lambda:EventSourceToken`).
    Token,
}

impl Grantee {
    pub(super) fn account(id: impl Into<String>) -> Self {
        Self::Account { id: id.into(), principal: None }
    }

    /// The more it says of the caller the higher: of two true answers the higher is shown.
    fn rank(&self) -> u8 {
        match self {
            Self::Public => 0,
            Self::Network { .. } => 1,
            Self::Restricted { .. } => 2,
            Self::AccessPoint { .. } => 3,
            Self::Service { name: None, .. } => 4,
            Self::UniqueId { .. } => 5,
            Self::Organization { .. } => 6,
            Self::Account { .. } | Self::Own { .. } => 7,
            Self::Federated { .. } => 8,
            Self::CanonicalUser { .. } => 9,
            Self::OriginAccessIdentity { .. } => 10,
            Self::Deleted { .. } => 11,
            Self::Service { name: Some(_), .. } => 12,
        }
    }

    /// A name for those that both let in, `None` where that is surely nobody.
    pub(super) fn meet(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Service { name: one, source: from }, Self::Service { name: two, source: or_from }) => {
                let name = one.iter().chain(two).min().cloned();
                let source = from.iter().chain(or_from).min().cloned();
                Some(Self::Service { name, source })
            }
            (Self::Account { id: one, principal: who }, Self::Account { id: two, principal: or_who }) => {
                // A principal without wildcards says more than a pattern does.
                let principal = who.iter().chain(or_who).min_by_key(|who| (who.contains(['*', '?']), *who));
                (one == two).then(|| Self::Account { id: one.clone(), principal: principal.cloned() })
            }
            (Self::Organization { id: one, path }, Self::Organization { id: two, path: or_path }) => {
                // Which organization a variable means is not known here.
                if one != two && !one.contains('$') && !two.contains('$') {
                    return None;
                }
                let id = one.max(two).clone();
                Some(Self::Organization { id, path: path.iter().chain(or_path).min().cloned() })
            }
            _ => {
                Some(std::cmp::max_by_key(self, other, |grantee| (grantee.rank(), std::cmp::Reverse(*grantee))).clone())
            }
        }
    }
}
