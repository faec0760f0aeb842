//! The misconfiguration maker: for every check something that breaks it and something that does not, in an account of
//! the caller's own.
//!
//! [`make`] brings the account to the wanted state, however much of it is there already, and says of each resource which
//! checks it is expected to fail; [`clean`] finds all that `make` ever made by name and tag, and removes it.
//!
//! # Harmless, also in an account that matters
//!
//! - Everything has a name that begins with [`PREFIX`] and the tag [`TAG`], or, where AWS has no tags for it, a path of ours;
//!   `clean` touches nothing else.
//! - What is public shows nothing: the ACL of an empty bucket, the attributes of an empty queue.
//! - Groups with open rules are attached to nothing. Instances have no role and a group without rules, so that neither
//!   their address on the internet nor a load balancer leads to them.
//! - Services and task sets of ECS run no tasks, and in those that run alone nothing listens.
//! - A policy denies users everything before they get a password or a key. Both are thrown away unseen.
//! - The account's own settings (its public access block above all) are looked at and never changed.
//!
//! One file for each resource type, with the table of what is made of it; `cli` is the binary.

mod account;
mod ami;
mod auto_scaling_group;
mod cli;
mod ebs_snapshot;
mod ebs_volume;
mod ec2;
mod ecs;
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
mod s3_calls;
mod security_group;
mod shares;
mod spend;
mod spot_request;
mod sqs;

use std::fmt;

use common::arn::Arn;
use common::aws::{AwsError, Session};
use common::id::{AccountId, Region};
use common::reference::Reference;
use common::resource::{Config, Extent, ResourceType};
use common::with_config;
use serde::Serialize;
use tokio::task::JoinSet;

pub use cli::main;

/// What each name begins with.
pub const PREFIX: &str = "sluice-test-";
/// The tag that everything has. Its value is `good` or `bad`.
pub const TAG: &str = "sluice:test-resource";

/// What is made, and where.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where everything but the users is made.
    pub region: Region,
    /// The types to make.
    pub types: Vec<ResourceType>,
    /// The foreign account that policies let in. Without it there are no such policies: S3 takes only accounts that
    /// exist, and nobody but the caller can say which one may safely be named.
    pub outsider: Option<AccountId>,
    /// Whether instances are made, which cost money.
    pub instances: bool,
    /// What instances are started from; without it, the latest Amazon Linux.
    pub image: Option<String>,
}

/// A resource that is there now (or that [`clean`] removed): a reference, as `poll -` reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Made {
    #[serde(flatten)]
    pub reference: Reference,
    pub arn: Arn,
    /// `bad: ...`, `good: ...` or `removed`.
    pub what: &'static str,
    /// The checks that it fails, at once or (`iam_user_*`) after some time: `audit --now` can be set ahead.
    pub checks: Vec<&'static str>,
}

/// Why something was not made or not removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// AWS said no.
    Failed(AwsError),
    /// The account is set up so that it cannot be made.
    Impossible(String),
    /// The options leave it out. All is well.
    LeftOut(String),
}

impl From<AwsError> for Missing {
    fn from(error: AwsError) -> Self {
        Self::Failed(error)
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(out),
            Self::Impossible(why) | Self::LeftOut(why) => out.write_str(why),
        }
    }
}

impl Missing {
    /// Whether it should be there and is not.
    pub fn is_fault(&self) -> bool {
        !matches!(self, Self::LeftOut(_))
    }
}

/// What came of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What was made or removed, by type, in the same order each time.
    pub made: Vec<Made>,
    /// What was not, by name, and why.
    pub missing: Vec<(String, Missing)>,
}

impl Report {
    fn and(mut self, other: Self) -> Self {
        self.made.extend(other.made);
        self.missing.extend(other.missing);
        self
    }

    /// The report on a part that came to its end before it could say more.
    fn of(name: &str, result: Result<Self, Missing>) -> Self {
        result.unwrap_or_else(|why| Self { made: Vec::new(), missing: vec![(name.to_owned(), why)] })
    }

    /// Brings together what became of each resource.
    fn collect(results: Vec<(String, Result<Made, Missing>)>) -> Self {
        let mut report = Self::default();
        for (name, result) in results {
            match result {
                Ok(made) => report.made.push(made),
                Err(why) => report.missing.push((name, why)),
            }
        }
        report
    }
}

/// A type of which things can be made.
trait Misconfigured: Config {
    /// What is made in an earlier round may be used in a later one (an instance by a load balancer), and is removed after it.
    const ROUND: u8 = 0;

    /// Makes what is not there yet, and makes it bad again where somebody mended it.
    fn make(place: &Place) -> impl Future<Output = Result<Report, Missing>> + Send;

    /// Removes all of it.
    fn clean(place: &Place) -> impl Future<Output = Result<Report, Missing>> + Send;
}

/// How many rounds there are.
const ROUNDS: u8 = 3;

/// Makes everything that is not there yet, and makes it bad again where somebody mended it.
pub async fn make(session: &Session, options: &Options) -> Report {
    let mut report = Report::default();
    for round in 0..ROUNDS {
        report = report.and(in_round(session, options, round, true).await);
    }
    report
}

/// Removes all that [`make`] made in this account and region, in this run or any before, and what is in no region.
pub async fn clean(session: &Session, options: &Options) -> Report {
    let mut report = Report::default();
    for round in (0..ROUNDS).rev() {
        report = report.and(in_round(session, options, round, false).await);
    }
    report
}

/// The types of a round, at once.
async fn in_round(session: &Session, options: &Options, round: u8, make: bool) -> Report {
    let place = Place { session: session.clone(), options: options.clone() };
    let wanted = ResourceType::ALL
        .iter()
        .copied()
        .filter(|kind| options.types.contains(kind) && with_config!(*kind, C => <C as Misconfigured>::ROUND) == round);
    let reports = for_each(wanted, |kind| {
        let place = place.clone();
        async move {
            let result = with_config!(kind, C => if make { C::make(&place).await } else { C::clean(&place).await });
            Report::of(kind.name(), result)
        }
    });
    reports.await.into_iter().fold(Report::default(), Report::and)
}

/// Where things are made.
#[derive(Debug, Clone)]
struct Place {
    session: Session,
    options: Options,
}

impl Place {
    fn account(&self) -> &AccountId {
        self.session.account()
    }

    fn region(&self) -> &Region {
        &self.options.region
    }

    /// An ARN of this account and region; IAM's and S3's have less.
    fn arn(&self, service: &str, resource: impl Into<String>) -> Arn {
        let (region, account) = match service {
            "s3" => ("", ""),
            "iam" => ("", self.account().as_str()),
            _ => (self.region().as_str(), self.account().as_str()),
        };
        Arn::new(self.session.partition(), service, region, account, resource)
    }

    /// The principal that stands for a whole account.
    fn root_of(&self, account: &AccountId) -> String {
        Arn::new(self.session.partition(), "iam", "", account.as_str(), "root").to_string()
    }

    /// The principal that stands for the foreign account.
    fn outsider(&self) -> Result<String, Missing> {
        self.foreign_account().map(|outsider| self.root_of(outsider))
    }

    /// The foreign account.
    fn foreign_account(&self) -> Result<&AccountId, Missing> {
        self.options.outsider.as_ref().ok_or_else(|| {
            Missing::LeftOut("it lets in a foreign account, and none was named: give --outsider".to_owned())
        })
    }

    fn made(&self, kind: ResourceType, id: &str, arn: Arn, what: &'static str, checks: &[&'static str]) -> Made {
        let global = matches!(kind.extent(), Extent::Global | Extent::Organization);
        let region = if global { Region::global() } else { self.region().clone() };
        let (account, kind, id) = (self.account().clone(), kind.name().to_owned(), id.to_owned());
        Made { reference: Reference { account, region, kind, id }, arn, what, checks: checks.to_vec() }
    }

    fn removed(&self, kind: ResourceType, id: &str, arn: Arn) -> Made {
        self.made(kind, id, arn, "removed", &[])
    }
}

/// `good` or `bad`: what a resource's tag says.
fn verdict(what: &str) -> &str {
    what.split_once(':').map_or(what, |(verdict, _)| verdict)
}

/// Sends a request: `call!("s3:PutBucketAcl", client.put_bucket_acl().bucket(name))`.
macro_rules! call {
    ($operation:literal, $request:expr) => {
        $request.send().await.map_err(|error| common::aws::AwsError::new($operation, error))
    };
}
use call;

/// An SDK struct that lacks a part.
fn unbuilt(operation: &str, error: impl fmt::Display) -> AwsError {
    AwsError::of(operation, "NotSent", error.to_string())
}

/// Takes some errors for an answer: what should be there is, or what should be gone.
fn unless<T>(codes: &[&str], result: Result<T, AwsError>) -> Result<Option<T>, AwsError> {
    match result {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if codes.contains(&error.code()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Does the same for each item at once. The answers come in the order of the items.
async fn for_each<T, F>(items: impl IntoIterator<Item = T>, work: impl Fn(T) -> F) -> Vec<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for (number, item) in items.into_iter().enumerate() {
        let task = work(item);
        tasks.spawn(async move { (number, task.await) });
    }
    let mut answers = tasks.join_all().await;
    answers.sort_by_key(|(number, _)| *number);
    answers.into_iter().map(|(_, answer)| answer).collect()
}
