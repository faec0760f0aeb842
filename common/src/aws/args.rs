//! Which accounts, with which credentials: the part of a command line that every tool with an AWS session has.

use std::collections::BTreeMap;

use crate::arn::partition_of;
use crate::id::{AccountId, Region};
use crate::settings;

use super::role::{OrgRole, Role};
use super::start::StartError;

/// How many requests may be under way at once unless somebody says otherwise.
pub const DEFAULT_CONCURRENCY: usize = 32;

/// The arguments of a tool that talks to AWS. A flag beats an environment variable beats the settings' `[aws]`.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct AwsArgs {
    /// The profile of the AWS configuration files whose credentials are used, whatever else the environment holds
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The home region, for the first calls and for global services [default: the environment's, the profile's, us-east-1]
    #[arg(long, value_name = "REGION")]
    pub region: Option<Region>,
    /// The role to assume in each account but the caller's own: its name, path/name, or ARN with {account}
    #[arg(long, value_name = "ROLE", value_parser = role)]
    pub role: Option<String>,
    /// The external id that the role's trust policy asks for
    #[arg(long, value_name = "ID")]
    pub external_id: Option<String>,
    /// The name of the sessions with that role, as CloudTrail shows it [default: sluice-TOOL]
    #[arg(long, value_name = "NAME", value_parser = session_name)]
    pub session_name: Option<String>,
    /// The accounts to look at, separated by commas [default: the caller's own]
    #[arg(long, value_name = "ID,...", value_delimiter = ',')]
    pub accounts: Vec<AccountId>,
    /// Look at all active accounts of the organization
    #[arg(long, conflicts_with = "accounts")]
    pub org: bool,
    /// The ARN of the role to assume for reading the organization, where the caller's account may not (--external-id and
    /// --session-name count for it too)
    #[arg(long, value_name = "ARN", value_parser = org_role)]
    pub org_role: Option<String>,
    /// How many requests may be under way at once [default: 32]
    #[arg(long, value_name = "N", value_parser = concurrency)]
    pub concurrency: Option<usize>,
}

/// What the arguments, the environment and the settings come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) profile: Profile,
    pub(super) region: Option<Region>,
    pub(super) role: Option<Role>,
    /// The roles of single accounts.
    pub(super) roles: BTreeMap<AccountId, Role>,
    pub(super) org_role: Option<OrgRole>,
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
    /// The role that is assumed in each account, as a policy names it. The partition is that of `--region`.
    pub fn role_everywhere(&self, settings: &settings::Aws) -> Option<String> {
        let role = Role::parse(self.role.as_deref().or(settings.role.as_deref())?).ok()?;
        Some(role.everywhere(self.region.as_ref().map_or("aws", |region| partition_of(region.as_str()))))
    }

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
        let roles = match &self.role {
            // The flag is for all accounts.
            Some(_) => BTreeMap::new(),
            None => settings
                .roles
                .iter()
                .map(|(account, role)| Ok((account.clone(), Role::parse(role)?)))
                .collect::<Result<_, StartError>>()?,
        };
        let org_role = self.org_role.as_deref().or(settings.org_role.as_deref()).map(OrgRole::parse).transpose()?;
        let session_name =
            self.session_name.clone().or_else(|| settings.session_name.clone()).unwrap_or(format!("sluice-{tool}"));
        let session_name = check_session_name(&session_name)?;
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
        let concurrency = check_concurrency(concurrency)?;
        let region = self.region.clone();
        let external_id = self.external_id.clone().or_else(|| settings.external_id.clone());
        Ok(Choice { profile, region, role, roles, org_role, external_id, session_name, accounts, concurrency })
    }
}

/// What is wrong on the command line is a usage error; the same in the settings is found when they are chosen.
fn role(text: &str) -> Result<String, StartError> {
    Role::parse(text).map(|_| text.to_owned())
}

fn org_role(text: &str) -> Result<String, StartError> {
    OrgRole::parse(text).map(|role| role.arn)
}

fn session_name(text: &str) -> Result<String, StartError> {
    check_session_name(text)
}

fn concurrency(text: &str) -> Result<usize, String> {
    let number = text.parse().map_err(|_| format!("`{text}` is not a number from 1 on"))?;
    check_concurrency(number).map_err(|error| error.to_string())
}

/// Session names become part of ARNs and log lines.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
fn check_session_name(name: &str) -> Result<String, StartError> {
    let fits = (2..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte));
    if fits { Ok(name.to_owned()) } else { Err(StartError::SessionName(name.chars().take(80).collect())) }
}

fn check_concurrency(number: usize) -> Result<usize, StartError> {
    let fits = (1..=tokio::sync::Semaphore::MAX_PERMITS).contains(&number);
    if fits { Ok(number) } else { Err(StartError::Concurrency(number)) }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        aws: AwsArgs,
    }

    fn args(line: &str) -> AwsArgs {
        Line::try_parse_from(format!("tool {line}").split_whitespace()).unwrap().aws
    }

    fn choose(line: &str, environment: &[(&str, &str)], settings: &settings::Aws) -> Result<Choice, StartError> {
        let environment =
            |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        args(line).choose(settings, environment, "poll")
    }

    fn settings() -> settings::Aws {
        settings::Aws {
            profile: Some("filed".into()),
            role: Some("filed-role".into()),
            org_role: Some("arn:aws:iam::111122223333:role/filed".into()),
            external_id: Some("filed-id".into()),
            session_name: Some("filed-name".into()),
            accounts: vec!["111122223333".parse().unwrap()],
            regions: vec![],
            concurrency: Some(7),
            roles: [("444455556666".parse().unwrap(), "own-role".to_owned())].into(),
        }
    }

    #[test]
    fn a_flag_beats_the_environment_beats_the_settings() {
        let none = settings::Aws::default();
        let profile = |line, environment, settings: &_| choose(line, environment, settings).unwrap().profile;
        let environment = [("AWS_PROFILE", "environ")];
        assert_eq!(profile("--profile flag", &environment, &settings()), Profile::Only("flag".into()));
        assert_eq!(profile("", &environment, &settings()), Profile::Chain(Some("environ".into())));
        assert_eq!(profile("", &[("AWS_PROFILE", "")], &settings()), Profile::Chain(Some("filed".into())));
        assert_eq!(profile("", &[], &none), Profile::Chain(None));

        let filed = choose("", &[], &settings()).unwrap();
        assert_eq!(filed.role, Some(Role::Name("filed-role".into())));
        assert_eq!(filed.org_role, OrgRole::parse("arn:aws:iam::111122223333:role/filed").ok());
        assert_eq!(filed.external_id.as_deref(), Some("filed-id"));
        assert_eq!(filed.session_name, "filed-name");
        assert_eq!(filed.accounts, Accounts::These(vec!["111122223333".parse().unwrap()]));
        assert_eq!(filed.concurrency, 7);

        assert_eq!(filed.roles.into_values().collect::<Vec<_>>(), [Role::Name("own-role".into())]);

        let line = "--role r --org-role arn:aws:iam::444455556666:role/o --external-id i --session-name name \
                    --accounts 444455556666 --concurrency 9";
        let flags = choose(line, &[], &settings()).unwrap();
        assert_eq!(flags.role, Some(Role::Name("r".into())));
        assert_eq!(flags.roles, BTreeMap::new(), "the flag is for all accounts");
        assert_eq!(flags.org_role, OrgRole::parse("arn:aws:iam::444455556666:role/o").ok());
        assert_eq!(flags.external_id.as_deref(), Some("i"));
        assert_eq!(flags.session_name, "name");
        assert_eq!(flags.accounts, Accounts::These(vec!["444455556666".parse().unwrap()]));
        assert_eq!(flags.concurrency, 9);

        let defaults = choose("", &[], &none).unwrap();
        assert_eq!(defaults.session_name, "sluice-poll");
        assert_eq!(defaults.accounts, Accounts::Own);
        assert_eq!(defaults.concurrency, DEFAULT_CONCURRENCY);
    }

    #[test]
    fn accounts_are_a_list_or_the_organization() {
        let line = "--accounts 111122223333,444455556666 --accounts 777788889999,111122223333";
        let Accounts::These(accounts) = choose(line, &[], &settings::Aws::default()).unwrap().accounts else {
            panic!()
        };
        let accounts: Vec<&str> = accounts.iter().map(AccountId::as_str).collect();
        assert_eq!(accounts, ["111122223333", "444455556666", "777788889999"]);
        assert_eq!(choose("--org", &[], &settings()).unwrap().accounts, Accounts::Organization);
        for bad in ["--org --accounts 111122223333", "--accounts 1111", "--accounts 111122223333,", "--region EU"] {
            let line = format!("tool {bad}");
            assert!(Line::try_parse_from(line.split_whitespace()).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_cannot_work_is_said_before_any_call() {
        for (line, says) in [
            ("--concurrency 0", "--concurrency"),
            ("--concurrency many", "`many` is not a number"),
            ("--session-name x", "`x` is not a session name"),
            ("--session-name a/b", "`a/b` is not a session name"),
            ("--role a:b", "`a:b` is not a role"),
            ("--org-role reader", "`reader` is not the ARN of a role"),
        ] {
            let error = Line::try_parse_from(format!("tool {line}").split_whitespace()).err().unwrap().to_string();
            assert!(error.contains(says), "{error}");
        }
        let text = |text: &str| Some(text.to_owned());
        for (settings, says) in [
            (settings::Aws { concurrency: Some(0), ..settings() }, "--concurrency"),
            (settings::Aws { session_name: text("a/b"), ..settings() }, "`a/b` is not a session name"),
            (settings::Aws { role: text("a:b"), ..settings() }, "`a:b` is not a role"),
            (
                settings::Aws { roles: [("444455556666".parse().unwrap(), "c:d".to_owned())].into(), ..settings() },
                "`c:d` is not a role",
            ),
            (settings::Aws { org_role: text("reader"), ..settings() }, "`reader` is not the ARN of a role"),
        ] {
            let error = choose("", &[], &settings).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
