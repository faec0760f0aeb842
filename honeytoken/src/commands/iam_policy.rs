//! `honeytoken iam-policy`.

use std::io::Write;

use clap::ValueEnum;
use common::arn::partition_of;
use common::aws::AwsArgs;
use common::aws::queue::RECEIVE_CALLS;
use common::cli::Failure;
use common::exit::Exit;
use common::iam_policy;
use common::operation::{CLOUDTRAIL_LOOKUP_EVENTS, Operation, S3_GET_OBJECT, S3_LIST_OBJECTS_V2};
use common::settings::Honeytoken;
use serde_json::{Value, json};

use crate::context::Context;
use crate::{doctor, iam, watch};

/// `honeytoken iam-policy`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// What the credentials are for
    #[arg(value_name = "WORK", required = true, value_enum)]
    pub(crate) work: Vec<Work>,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
}

/// What credentials are for.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// To make, rotate, disable, delete and reconcile tokens; users are changed below the settings' paths alone
    Tokens,
    /// To watch a trail's bucket
    S3,
    /// To watch a queue, and the files that its messages name
    Sqs,
    /// To watch the event history
    Lookup,
    /// To watch when keys were last used
    LastUsed,
    /// To find what keeps tokens from being noticed
    Doctor,
}

impl Work {
    /// The calls on anything. A drill needs no permission, and is made with the token's own key.
    fn calls(self) -> Vec<Operation> {
        match self {
            Self::Tokens => iam::CALLS.to_vec(),
            Self::S3 => vec![S3_GET_OBJECT, S3_LIST_OBJECTS_V2],
            Self::Sqs => RECEIVE_CALLS.iter().copied().chain([S3_GET_OBJECT]).collect(),
            Self::Lookup => vec![CLOUDTRAIL_LOOKUP_EVENTS],
            Self::LastUsed => watch::sources::LAST_USED_CALLS.to_vec(),
            Self::Doctor => doctor::CALLS.to_vec(),
        }
    }
}

/// Print the IAM policy that the credentials need.
#[expect(clippy::needless_pass_by_value, reason = "all commands are called alike")]
pub(crate) fn run(args: Args, context: Context<'_>) -> Result<Exit, Failure> {
    let settings = context.settings;
    let mut aws = settings.aws.clone();
    if aws.role.is_none() {
        // Of several roles each account knows its own alone: their names say which may be entered.
        aws.role = settings.honeytoken.accounts.values().find_map(|account| account.role.clone());
    }
    let role = args.aws.role_everywhere(&aws);
    let operations = args.work.iter().flat_map(|work| work.calls());
    let mut policy = iam_policy::document(operations, role.as_deref());
    if args.work.contains(&Work::Tokens)
        && let Some(statements) = policy["Statement"].as_array_mut()
    {
        let partition = args.aws.region.as_ref().map_or("aws", |region| partition_of(region.as_str()));
        statements.insert(1, changes(&settings.honeytoken, partition));
    }
    let mut output = context.io.output;
    writeln!(output, "{policy:#}").and_then(|()| output.flush()).map(|()| Exit::Done).map_err(Failure::Output)
}

/// What is allowed of users: below the paths that tokens have, and nowhere else.
fn changes(settings: &Honeytoken, partition: &str) -> Value {
    let own = settings.path.as_deref().unwrap_or("/");
    let mut paths: Vec<&str> =
        settings.accounts.values().map(|account| account.path.as_deref().unwrap_or(own)).collect();
    if paths.is_empty() {
        paths.push(own);
    }
    paths.sort_unstable();
    paths.dedup();
    let users: Vec<String> = paths.iter().map(|path| format!("arn:{partition}:iam::*:user{path}*")).collect();
    let mut actions: Vec<&str> =
        iam::USER_CALLS.iter().flat_map(|operation| operation.permissions()).copied().collect();
    actions.sort_unstable();
    actions.dedup();
    json!({"Sid": "SluiceDecoys", "Effect": "Allow", "Action": actions, "Resource": users})
}
