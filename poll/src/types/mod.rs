//! One file for each resource type: how it is listed, how one of it is looked up, and how AWS's answers become the
//! configuration in [`common::resource`]. SDK types stop there.
//!
//! Whoever adds a type adds a file with a [`Polled`] in it.

mod account;
mod ami;
mod auto_scaling_group;
mod balancer;
mod document;
mod ebs_snapshot;
mod ebs_volume;
mod ec2;
pub(crate) mod ecs;
mod ecs_service;
mod ecs_task;
mod ecs_task_set;
mod elb;
mod elbv2;
mod iam;
mod iam_group;
mod iam_policy;
mod iam_role;
mod iam_user;
mod kms_key;
mod lambda_function;
mod organization;
mod rds;
mod rds_cluster;
mod rds_cluster_snapshot;
mod rds_snapshot;
mod redshift;
mod region;
mod s3_bucket;
mod security_group;
pub(crate) mod spend;
mod spot_request;
mod sqs;

use std::collections::{BTreeMap, HashMap};

use aws_smithy_types::DateTime;
use common::arn::Arn;
use common::aws::{AwsError, Session, timestamp};
use common::clock;
use common::id::{AccountId, Region};
use common::operation::Operation;
use common::record::{Resource, ResourceKind, Unread};
use common::reference::Reference;
use common::resource::{Config, Extent, ResourceType};
use common::with_config;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::account::Account;
use crate::plan::Reach;
use crate::sink::Sink;

/// How many resources of one listing are described at a time. What the process as a whole may have under way is the
/// session layer's to limit; this only bounds how much one listing holds in memory.
pub(crate) const AT_ONCE: usize = 32;

/// What a fresh look at one resource found.
#[derive(Clone, Debug)]
pub enum Look {
    /// The resource as it is now. The parts that could not be read stand in its `unread`.
    Found(Box<Resource>),
    /// AWS answered, and there is no such resource.
    Gone,
}

impl Look {
    fn of<C: Config>(found: Option<Resource<C>>) -> Self {
        found.map_or(Self::Gone, |resource| Self::Found(Box::new(untyped(resource))))
    }
}

/// Looks one resource up afresh: every call goes to AWS, nothing is remembered from an earlier look.
///
/// The answer is [`Look::Gone`] only where AWS said that the resource does not exist; a call that failed or was denied
/// is an error. A denied detail call is no error: its field stands in the record's `unread`.
///
/// # Errors
///
/// The call that failed. A type that this version does not cover and an id that cannot be one of its type are errors
/// as well, of the code `BadReference` or AWS's own.
pub async fn look(session: &Session, reference: &Reference) -> Result<Look, AwsError> {
    let kind = type_of(reference).map_err(|why| AwsError::of("poll:look", "BadReference", why))?;
    let (region, id) = (&reference.region, reference.id.as_str());
    Ok(with_config!(kind, C => Look::of(C::look(session, region, id).await?)))
}

/// Looks several resources of a type up afresh, as [`look`] does, with one answer for each, in their order.
///
/// `closely`: with what only some actions need to know, such as what is attached to a user. Those fields stand in no record
/// that `poll` writes.
pub async fn look_all(
    session: &Session,
    region: &Region,
    kind: ResourceType,
    ids: &[String],
    closely: bool,
) -> Vec<Result<Look, AwsError>> {
    async fn typed<C: Polled>(
        session: &Session,
        region: &Region,
        ids: &[String],
        closely: bool,
    ) -> Vec<Result<Look, AwsError>> {
        let mut looks = Vec::with_capacity(ids.len());
        for ids in ids.chunks(C::TOGETHER) {
            let mut these = C::look_all(session, region, ids).await;
            if closely {
                let mut found: Vec<_> = these.iter_mut().filter_map(|look| look.as_mut().ok()?.as_mut()).collect();
                C::look_closely(session, region, &mut found).await;
            }
            looks.extend(these.into_iter().map(|look| look.map(Look::of)));
        }
        looks
    }
    if kind.extent() == Extent::Regional && region.is_global() {
        let bad = |id: &String| AwsError::of("poll:look", "BadReference", in_no_region(kind, id));
        return ids.iter().map(|id| Err(bad(id))).collect();
    }
    with_config!(kind, C => typed::<C>(session, region, ids, closely).await)
}

/// Up to how many resources of a type one look takes.
pub fn looked_at_together(kind: ResourceType) -> usize {
    with_config!(kind, C => C::TOGETHER)
}

/// A type as AWS tells of it.
pub(crate) trait Polled: Config {
    /// The calls that a listing may come to.
    const LIST: &'static [Operation];
    /// The calls that a look may come to.
    const LOOK: &'static [Operation];
    /// The calls that a closer look takes beside those of a look.
    const CLOSER: &'static [Operation] = &[];
    /// Up to how many one look takes.
    const TOGETHER: usize = 1;
    /// Whether AWS may still be at work on one when it is listed, so that `--settle` takes looks as well.
    const SETTLES: bool = true;

    /// Lists all within reach. What was listed before an error is in the sink.
    fn list(account: &Account, reach: &Reach, sink: &Sink) -> impl Future<Output = Result<(), AwsError>> + Send;

    /// Looks one up afresh; nothing where AWS says that there is no such thing.
    fn look(
        session: &Session,
        region: &Region,
        id: &str,
    ) -> impl Future<Output = Result<Option<Resource<Self>>, AwsError>> + Send;

    /// Looks several up afresh, up to [`TOGETHER`](Self::TOGETHER), with one answer for each, in their order.
    fn look_all(
        session: &Session,
        region: &Region,
        ids: &[String],
    ) -> impl Future<Output = Vec<Result<Option<Resource<Self>>, AwsError>>> + Send {
        each(session, region, ids)
    }

    /// Adds what only some actions need to know, and no check: what is attached to it, what it holds. What cannot be read
    /// is unread.
    fn look_closely(
        _session: &Session,
        _region: &Region,
        _found: &mut [&mut Resource<Self>],
    ) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// Looks each up by itself.
async fn each<C: Polled>(
    session: &Session,
    region: &Region,
    ids: &[String],
) -> Vec<Result<Option<Resource<C>>, AwsError>> {
    let looks = ids.iter().map(|id| C::look(session, region, id));
    futures_util::future::join_all(looks).await
}

/// One answer for each id, in their order, from what one call for all of them found. Where it failed, it failed for each.
fn answers<D, C: Config>(
    ids: &[String],
    found: Result<HashMap<String, D>, AwsError>,
    convert: impl Fn(D) -> Resource<C>,
) -> Vec<Result<Option<Resource<C>>, AwsError>> {
    match found {
        Ok(mut found) => ids.iter().map(|id| Ok(found.remove(id).map(&convert))).collect(),
        Err(error) => ids.iter().map(|_| Err(error.clone())).collect(),
    }
}

/// The calls that a look at a resource of a type may come to.
pub fn look_calls(kind: ResourceType) -> &'static [Operation] {
    with_config!(kind, C => C::LOOK)
}

/// The calls that a closer look at a resource of a type may come to, beside those of a look.
pub fn closer_calls(kind: ResourceType) -> &'static [Operation] {
    with_config!(kind, C => C::CLOSER)
}

/// The calls that a listing of a type may come to.
pub(crate) fn list_calls(kind: ResourceType) -> &'static [Operation] {
    with_config!(kind, C => C::LIST)
}

/// The calls that waiting for what a listing found may come to.
pub(crate) fn settle_calls(kind: ResourceType) -> &'static [Operation] {
    with_config!(kind, C => if C::SETTLES { C::LOOK } else { &[] })
}

/// The type of a reference that can be looked up.
pub(crate) fn type_of(reference: &Reference) -> Result<ResourceType, String> {
    let kind: ResourceType =
        reference.kind.parse().map_err(|error: common::resource::UnknownType| error.to_string())?;
    // Asked for in the home region it would not be there, and seem to be gone.
    if kind.extent() == Extent::Regional && reference.region.is_global() {
        return Err(in_no_region(kind, &reference.id));
    }
    Ok(kind)
}

fn in_no_region(kind: ResourceType, id: &str) -> String {
    format!("{} {id} is in no region `global`", kind.singular())
}

/// Lists all resources of a type within reach. What was listed before an error is in the sink.
pub(crate) async fn list(kind: ResourceType, account: &Account, reach: &Reach, sink: &Sink) -> Result<(), AwsError> {
    with_config!(kind, C => C::list(account, reach, sink).await)
}

/// Whose resources are being written: what every record and every ARN needs of the session.
#[derive(Clone, Debug)]
struct Owner {
    account: AccountId,
    partition: String,
}

impl Owner {
    fn of(session: &Session) -> Self {
        Self { account: session.account().clone(), partition: session.partition().to_owned() }
    }

    /// The ARN of a resource of this account in a region.
    fn arn(&self, service: &str, region: &Region, resource: String) -> Arn {
        Arn::new(&self.partition, service, region.as_str(), self.account.as_str(), resource)
    }

    /// A record, as of now, with nothing unread.
    fn resource<C: Config>(
        &self,
        region: &Region,
        id: &str,
        arn: Arn,
        tags: BTreeMap<String, String>,
        config: C,
    ) -> Resource<C> {
        Resource {
            kind: ResourceKind::Kind,
            account: self.account.clone(),
            region: region.clone(),
            r#type: C::TYPE.name().to_owned(),
            id: id.to_owned(),
            arn,
            tags,
            config,
            unread: Vec::new(),
            settled: true,
            observed_at: clock::now(),
        }
    }
}

/// A record as readers get it that have yet to see its type.
pub(crate) fn untyped<C: Serialize>(resource: Resource<C>) -> Resource {
    // Structs of texts and numbers always serialize. Were one not to, `null` would be refused by whoever reads it.
    resource.map(|config| to_raw_value(&config).unwrap_or_else(|_| RawValue::NULL.to_owned()))
}

/// The answer of a detail call, or nothing, and then the fields that it would have told are unread.
fn read<T>(answer: Result<T, AwsError>, fields: &[&str], unread: &mut Vec<Unread>) -> Option<T> {
    answer.map_err(|error| unread.extend(fields.iter().map(|field| error.unread(field)))).ok()
}

/// The ids or names that a closer look asked for, in an order that stays; nothing where they are unread.
fn read_sorted(answer: Result<Vec<String>, AwsError>, field: &str, unread: &mut Vec<Unread>) -> Option<Vec<String>> {
    let mut all = read(answer, &[field], unread)?;
    all.sort_unstable();
    Some(all)
}

/// An answer that AWS gives as an error when there is nothing to tell.
fn or_absent<T>(answer: Result<T, AwsError>, absent: &str) -> Result<Option<T>, AwsError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.code() == absent => Ok(None),
        Err(error) => Err(error),
    }
}

/// AWS's time in whole seconds, as AWS itself gives it; the fractions that emulators add differ from answer to answer.
fn time(given: &DateTime) -> Timestamp {
    let exact = timestamp(given);
    Timestamp::from_second(exact.as_second()).unwrap_or(exact)
}

/// Tags as a map; a tag without a key is none.
fn tags(pairs: impl IntoIterator<Item = (Option<String>, Option<String>)>) -> BTreeMap<String, String> {
    pairs.into_iter().filter_map(|(key, value)| Some((key?, value.unwrap_or_default()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn owner() -> Owner {
        Owner { account: "111122223333".parse().unwrap(), partition: "aws-cn".to_owned() }
    }

    pub(super) fn denied(operation: impl Into<String>) -> AwsError {
        AwsError::of(operation, "AccessDenied", "not authorized")
    }

    /// Else `--settle --iam-policy` grants what is never called.
    #[test]
    fn what_is_always_settled_is_not_waited_for() {
        use ResourceType::{
            AutoScalingGroup, EcsService, EcsTaskSet, Elb, IamGroup, IamPolicy, IamRole, IamUser, LambdaFunction,
            S3Bucket, SecurityGroup, SpotRequest, Sqs,
        };
        for kind in [
            AutoScalingGroup,
            EcsService,
            EcsTaskSet,
            Elb,
            IamGroup,
            IamPolicy,
            IamRole,
            IamUser,
            LambdaFunction,
            S3Bucket,
            SecurityGroup,
            SpotRequest,
            Sqs,
        ] {
            assert_eq!(settle_calls(kind), [], "{kind}");
        }
        assert_eq!(settle_calls(ResourceType::Rds), look_calls(ResourceType::Rds));
    }

    #[test]
    fn a_reference_that_cannot_be_looked_up_is_refused_instead_of_gone() {
        let reference = |kind: &str, region: &str| Reference {
            account: "111122223333".parse().unwrap(),
            region: region.parse().unwrap(),
            kind: kind.to_owned(),
            id: "x".to_owned(),
        };
        assert_eq!(type_of(&reference("ec2", "eu-west-1")), Ok(ResourceType::Ec2));
        assert_eq!(type_of(&reference("iam_user", "global")), Ok(ResourceType::IamUser));
        assert!(type_of(&reference("ec2", "global")).unwrap_err().contains("no region"));
        assert!(type_of(&reference("cloudfront", "eu-west-1")).unwrap_err().contains("cloudfront"));
    }
}
