//! What keeps tokens from being noticed, or gives them away: findings, as `audit` writes them.
//!
//! What AWS does not tell is `unknown`, with the call and the code, and never passes.
//!
//! - `report`: the checks, and how findings are made. `local`: what needs no AWS.
//! - `trail`: CloudTrail. `queue`: SQS and EventBridge. `users`: IAM; `policy`: what its policies do.

mod local;
mod policy;
mod queue;
mod report;
mod trail;
mod users;

use std::collections::BTreeMap;
use std::io;

use common::aws::{AwsError, Sessions, block_on};
use common::cli::Failure;
use common::clock;
use common::exit::Exit;
use common::id::AccountId;
use common::operation::{
    CLOUDTRAIL_DESCRIBE_TRAILS, CLOUDTRAIL_GET_EVENT_SELECTORS, CLOUDTRAIL_GET_TRAIL_STATUS, EVENTS_DESCRIBE_RULE,
    EVENTS_LIST_RULE_NAMES_BY_TARGET, IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS, IAM_GET_ACCOUNT_SUMMARY,
    IAM_LIST_ACCESS_KEYS, Operation, SQS_GET_QUEUE_ATTRIBUTES,
};
use common::record::{Finding, FindingStatus, Token, TokenState};
use common::stream::Writer;
use futures_util::{StreamExt, stream};
use serde_json::json;

use crate::accounts::{Accounts, DecoyAccountInUse};
use crate::commands::Sources;
use crate::commands::doctor::Args;
use crate::context::Context;
use crate::registry::{Filter, Registry};
use report::{ACCOUNT_CLOSED, ACCOUNT_FULL, QUEUE_MISSING, Subject};
use trail::Need;

/// The calls that it makes.
pub(crate) const CALLS: &[Operation] = &[
    CLOUDTRAIL_DESCRIBE_TRAILS,
    CLOUDTRAIL_GET_EVENT_SELECTORS,
    CLOUDTRAIL_GET_TRAIL_STATUS,
    EVENTS_DESCRIBE_RULE,
    EVENTS_LIST_RULE_NAMES_BY_TARGET,
    IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS,
    IAM_GET_ACCOUNT_SUMMARY,
    IAM_LIST_ACCESS_KEYS,
    SQS_GET_QUEUE_ATTRIBUTES,
];

/// How many accounts are looked at at once.
const ACCOUNTS_AT_ONCE: usize = 8;
/// A user each, where IAM says nothing else.
const QUOTA: u64 = 5000;

/// Looks at all of it.
pub(crate) fn run(args: &Args, context: Context<'_>) -> Result<Exit, Failure> {
    let registry = context.open()?;
    block_on(examine(args, context, &registry))
}

async fn examine(args: &Args, context: Context<'_>, registry: &Registry) -> Result<Exit, Failure> {
    let sessions = context.sessions(&args.aws).await?;
    let accounts = Accounts::open(&sessions, &context.settings.honeytoken, registry).await?;
    let tokens = registry.tokens(&Filter::default())?;
    let mut by_account: BTreeMap<&AccountId, Vec<&Token>> = BTreeMap::new();
    for account in accounts.all() {
        by_account.entry(&account.id).or_default();
    }
    for token in tokens.iter().filter(|token| matches!(token.state, TokenState::Active | TokenState::Disabled)) {
        by_account.entry(&token.account).or_default().push(token);
    }
    let now = clock::now();
    let own = Subject::account(sessions.partition(), sessions.caller());
    let need = need(&args.sources);

    let mut findings = local::registry_files(registry.path(), &own);
    findings.extend(local::watch(&registry.sources_read()?, &args.sources, &own, now));
    findings.extend(by_account.values().flatten().flat_map(|token| local::token(token)));
    let looks = by_account.iter().map(async |(id, tokens)| {
        let subject = Subject::account(sessions.partition(), id);
        let mut findings = local::account(&subject, tokens);
        match accounts.of(id) {
            Ok(account) => findings.extend(Box::pin(look(account, &subject, tokens, &need, now)).await),
            Err(error) => {
                let evidence = json!({"operation": error.operation, "code": error.code, "tokens": tokens.len()});
                findings.push(Finding { evidence, ..subject.unknown(ACCOUNT_CLOSED, &error) });
            }
        }
        findings
    });
    let queue = queue(&sessions, &args.sources, &own);
    let accounts = stream::iter(looks).buffer_unordered(ACCOUNTS_AT_ONCE).collect::<Vec<_>>();
    let (accounts, queue) = tokio::join!(accounts, queue);
    findings.extend(accounts.into_iter().flatten().chain(queue));

    findings.sort_by(|one, other| one.key.cmp(&other.key));
    let mut output = Writer::new(context.io.output);
    for finding in &mut findings {
        finding.found_at = now;
    }
    write(&mut output, &findings).map_err(Failure::Output)?;
    Ok(exit(&findings))
}

/// All that is asked of an account.
async fn look(
    account: &DecoyAccountInUse,
    subject: &Subject,
    tokens: &[&Token],
    need: &Need,
    now: jiff::Timestamp,
) -> Vec<Finding> {
    let (trails, room, users) =
        tokio::join!(trail::look(&account.session), room(account, subject), users::examine(account, subject, tokens));
    let mut findings = trail::judge(&trails, subject, need, now);
    findings.extend(room);
    findings.extend(users);
    findings
}

/// Whether there is room for more users: below a tenth of the quota it is told.
async fn room(account: &DecoyAccountInUse, subject: &Subject) -> Option<Finding> {
    use aws_sdk_iam::types::SummaryKeyType::{Users, UsersQuota};
    let look = |client: aws_sdk_iam::Client| async move {
        client.get_account_summary().send().await.map_err(|error| AwsError::new(IAM_GET_ACCOUNT_SUMMARY, error))
    };
    let answer = match account.iam.look(look).await {
        Ok(answer) => answer,
        Err(error) => return Some(subject.unknown(ACCOUNT_FULL, &error)),
    };
    let number =
        |key| answer.summary_map().and_then(|map| map.get(&key)).and_then(|number| u64::try_from(*number).ok());
    let users = number(Users).unwrap_or_default();
    let most = number(UsersQuota).unwrap_or(QUOTA).min(account.max_users.unwrap_or(u64::MAX));
    let what = format!("has {users} users, and room for {most}: name another account in [honeytoken.accounts]");
    let is_nearly_full = users.saturating_mul(10) >= most.saturating_mul(9);
    is_nearly_full.then(|| subject.fails(ACCOUNT_FULL, what, json!({"users": users, "most": most})))
}

/// The queue that was named.
async fn queue(sessions: &Sessions, sources: &Sources, own: &Subject) -> Vec<Finding> {
    let Some(url) = &sources.sqs else { return Vec::new() };
    match sessions.account(sessions.caller()).await {
        Ok(session) => queue::examine(&session, url).await,
        Err(error) => vec![own.unknown(QUEUE_MISSING, &error)],
    }
}

fn need(sources: &Sources) -> Need {
    let bucket = sources.s3.as_deref().and_then(|url| url.strip_prefix("s3://"));
    Need {
        bucket: bucket.map(|rest| rest.split('/').next().unwrap_or(rest).to_owned()),
        none: sources.lookup && sources.sqs.is_none() && sources.s3.is_none(),
        last_used: sources.last_used,
    }
}

fn write(output: &mut Writer<impl io::Write>, findings: &[Finding]) -> io::Result<()> {
    for finding in findings {
        output.write(finding)?;
    }
    output.flush()
}

fn exit(findings: &[Finding]) -> Exit {
    let of = |finding: &Finding| match finding.status {
        FindingStatus::Fail => Exit::No,
        FindingStatus::Unknown => Exit::Incomplete,
        FindingStatus::Excepted | FindingStatus::Pass => Exit::Done,
    };
    findings.iter().map(of).fold(Exit::Done, Exit::and)
}
