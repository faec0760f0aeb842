//! What Sluice's tools share.
//!
//! # Layout
//!
//! - [`record`]: the NDJSON records that flow between the tools, and [`reference`], the least of them.
//! - [`stream`]: how they are read, from any stream of JSON, and written.
//! - [`resource`]: the configuration of each resource type, named as the AWS CLI prints it.
//! - [`action`]: what can be done to a resource, and what undoes it.
//! - [`operation`]: the calls to AWS, and the permissions that they need; [`iam_policy`]: these as a policy.
//! - [`arn`], [`id`]: names of things in AWS, checked when they are read. [`decimal`]: amounts of money.
//! - [`percent`]: texts with percent signs.
//! - [`wildcard`]: the wildcards of IAM policies, and of exceptions.
//! - [`settings`], [`cli`], [`exit`], [`clock`]: how a tool starts, speaks and ends.
//! - [`document`]: JSON documents that many change at the same time.
//! - `decoys` (feature `decoys`): the users that are bait, from a registry of `honeytoken`'s.
//! - `event` (feature `events`): CloudTrail's records, in whatever they come.
//! - `aws` (feature `aws`): sessions, credentials, errors. `audit` is built without it.

pub mod action;
pub mod arn;
#[cfg(feature = "aws")]
pub mod aws;
pub mod cli;
pub mod clock;
pub mod decimal;
#[cfg(feature = "decoys")]
pub mod decoys;
pub mod document;
#[cfg(feature = "events")]
pub mod event;
pub mod exit;
pub mod iam_policy;
pub mod id;
pub mod operation;
pub mod percent;
pub mod record;
pub mod reference;
// Ahead of those that use its macro.
#[macro_use]
pub mod resource;
#[cfg(feature = "schema")]
pub mod schema;
pub mod settings;
pub mod stream;
pub mod wildcard;
