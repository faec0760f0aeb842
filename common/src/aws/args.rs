//! Which accounts, with which credentials: the part of a command line that every tool with an AWS session has.

use crate::id::{AccountId, Region};
use crate::settings;

use super::error::StartError;
use super::role::Role;

/// How many requests may be under way at once unless somebody says otherwise.
pub const DEFAULT_CONCURRENCY: usize = 32;

/// The arguments of a tool that talks to AWS. A flag beats an environment variable beats the settings' `[aws]`.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct AwsArgs {
    /// The profile of the AWS configuration files whose credentials are used, whatever else the environment holds
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The home region, for the first calls and for global services [default: `AWS_REGION`, the profile's, us-east-1]
    #[arg(long, value_name = "REGION")]
    pub region: Option<Region>,
    /// The role to assume in each account but the caller's own: its name, path/name, or ARN with {account}
    #[arg(long, value_name = "ROLE")]
    pub role: Option<String>,
    /// The external id that the role's trust policy asks for
    #[arg(long, value_name = "ID")]
    pub external_id: Option<String>,
    /// The name of the sessions with that role, as `CloudTrail` shows it [default: sluice-TOOL]
    #[arg(long, value_name = "NAME")]
    pub session_name: Option<String>,
    /// The accounts to look at, separated by commas [default: the caller's own]
    #[arg(long, value_name = "ID,...", value_delimiter = ',')]
    pub accounts: Vec<AccountId>,
    /// Look at all active accounts of the organization
    #[arg(long, conflicts_with = "accounts")]
    pub org: bool,
    /// How many requests may be under way at once [default: 32]
    #[arg(long, value_name = "N")]
    pub concurrency: Option<usize>,
}

/// What the arguments, the environment and the settings come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) profile: Profile,
    pub(super) region: Option<Region>,
    pub(super) role: Option<Role>,
    pub(super) external_id: Option<String>,
    pub(super) session_name: String,
    pub(super) accounts: Accounts,
    pub(super) concurrency: usize,
}

/// Whose credentials are used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Profile {
    /// What the default chain finds, with this profile in its place in the chain.
    Chain(Option<String>),
    /// This profile's and no other. `--profile prod` beside a forgotten `AWS_ACCESS_KEY_ID` must not act on whatever
    /// account that key belongs to; the AWS CLI does the same.
    Only(String),
}

impl Profile {
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Chain(name) => name.as_deref(),
            Self::Only(name) => Some(name),
        }
    }
}

/// Which accounts are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Accounts {
    Own,
    These(Vec<AccountId>),
    Organization,
}

impl AwsArgs {
    /// Brings together what the command line, the environment and the settings say.
    pub(super) fn choose(
        &self,
        settings: &settings::Aws,
        environment: impl Fn(&str) -> Option<String>,
        tool: &str,
    ) -> Result<Choice, StartError> {
        let environment = |name| environment(name).filter(|value| !value.is_empty());
        let profile = match &self.profile {
            Some(name) => Profile::Only(name.clone()),
            None => Profile::Chain(environment("AWS_PROFILE").or_else(|| settings.profile.clone())),
        };
        let role = self.role.as_deref().or(settings.role.as_deref()).map(Role::parse).transpose()?;
        let session_name =
            self.session_name.clone().or_else(|| settings.session_name.clone()).unwrap_or(format!("sluice-{tool}"));
        check_session_name(&session_name)?;
        let accounts = if self.org {
            Accounts::Organization
        } else {
            let mut named: Vec<AccountId> = Vec::new();
            let source = if self.accounts.is_empty() { &settings.accounts } else { &self.accounts };
            for account in source {
                if !named.contains(account) {
                    named.push(account.clone());
                }
            }
            if named.is_empty() { Accounts::Own } else { Accounts::These(named) }
        };
        let concurrency = self.concurrency.or(settings.concurrency).unwrap_or(DEFAULT_CONCURRENCY);
        if concurrency == 0 || concurrency > tokio::sync::Semaphore::MAX_PERMITS {
            return Err(StartError::Concurrency(concurrency));
        }
        let region = self.region.clone();
        let external_id = self.external_id.clone().or_else(|| settings.external_id.clone());
        Ok(Choice { profile, region, role, external_id, session_name, accounts, concurrency })
    }
}

/// Session names become part of ARNs and log lines.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
fn check_session_name(name: &str) -> Result<(), StartError> {
    let fits = (2..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte));
    if fits { Ok(()) } else { Err(StartError::SessionName(name.chars().take(80).collect())) }
}
