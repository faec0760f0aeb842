//! Whom the policy of a resource lets in: an evaluator without a request.
//!
//! [`Document::parse`] reads a policy as AWS returns it, [`evaluate`] says who gets in and through which statements:
//!
//! ```
//! use audit::policy::{Document, Grantee, Owner, evaluate, statements};
//!
//! let policy = serde_json::json!({"Version": "2012-10-17", "Statement": [
//!     {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme/*"},
//!     {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
//!      "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-acme"}}},
//! ]});
//! let owner = Owner { account: "111122223333", arn: "arn:aws:s3:::acme" };
//! let access = evaluate(&Document::parse(&policy)?, &owner);
//! assert!(!access.is_public());
//! assert_eq!(access.grants[0].grantee, Grantee::Organization { id: "o-acme".into(), path: None });
//! assert!(statements(access.public()).is_empty());
//! # Ok::<(), audit::policy::PolicyError>(())
//! ```
//!
//! # How it works
//!
//! An Allow lets in its principals. Each of its conditions has to be met, and each Deny that surely applies has to be got
//! past, by an exception or by failing one of its conditions (`deny`). Each of these demands may leave only certain
//! callers (`limit`); what meets them all is the grantee. Two rules make the answer safe to act on:
//!
//! - It names too many rather than too few: what is not documented to keep callers out counts for nothing.
//! - What can't be read is an error, not an empty answer.

mod access;
mod deny;
mod document;
mod evaluate;
mod federation;
mod grantee;
mod limit;
mod network;
mod operator;
mod people;
mod principal;
mod transport;

#[cfg(test)]
mod tests;

pub use common::wildcard;

pub use access::{Access, Grant, Narrowing, Trusted, statements};
pub use document::{Document, PolicyError};
pub use evaluate::{Owner, evaluate};
pub use grantee::{Grantee, Source};
pub use people::{Assumers, assumers};
pub use transport::denies_insecure_transport;
