//! All accounts of a run: who calls, which accounts there are, and a session for each.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_config::identity::IdentityCache;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::SdkConfig;
use tokio::sync::OnceCell;

use crate::arn::{Arn, ArnError};
use crate::id::{AccountId, Region};
use crate::record::Resource;
use crate::resource::Organization;
use crate::settings;

use super::args::{Accounts, AwsArgs, Choice};
use super::assume::{self, AssumedRole};
use super::config;
use super::error::AwsError;
use super::intercept::{Requests, Watch};
use super::organization::{enterable, organization};
use super::session::Session;
use super::start::StartError;

/// For how long the SDK waits for credentials: `AssumeRole` with all its retries.
const CREDENTIALS_DEADLINE: Duration = Duration::from_mins(2);

/// For how long a role that was denied is not asked for again.
const LASTING_KEPT: Duration = Duration::from_mins(10);
/// The same for one that could not be had for any other reason. The SDK has tried eight times.
const PASSING_KEPT: Duration = Duration::from_secs(30);

/// The sessions of a run. Clones are the same sessions.
#[derive(Clone, Debug)]
pub struct Sessions(Arc<Inner>);

struct Inner {
    choice: Choice,
    own: Session,
    config: SdkConfig,
    requests: Requests,
    /// What became of each account: a role that was denied is not asked for again for each resource.
    accounts: Mutex<HashMap<AccountId, Entry>>,
    /// The session that reads the organization, where that is not the caller's own.
    organization_session: OnceCell<Result<Session, AwsError>>,
    organization: OnceCell<Result<Resource<Organization>, AwsError>>,
}

/// One account's answer, which whoever comes first waits for and all others share.
#[derive(Debug)]
struct Entry {
    answer: Arc<OnceCell<Result<Session, AwsError>>>,
    asked: Instant,
}

impl Default for Entry {
    fn default() -> Self {
        Self { answer: Arc::default(), asked: Instant::now() }
    }
}

impl Entry {
    /// Whether it is time to ask again: a service that runs for months outlives a missing role, and a moment of trouble.
    fn is_stale(&self, now: Instant) -> bool {
        let kept = match self.answer.get() {
            Some(Err(error)) if error.is_lasting() => LASTING_KEPT,
            Some(Err(_)) => PASSING_KEPT,
            Some(Ok(_)) | None => return false,
        };
        now.duration_since(self.asked) >= kept
    }
}

impl std::fmt::Debug for Inner {
    /// Without the configuration, which has the credentials.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Sessions").field("own", &self.own).finish_non_exhaustive()
    }
}

impl Sessions {
    /// Finds credentials and asks AWS whose they are.
    ///
    /// A flag beats the environment beats the settings. `tool` is the tool's name, which CloudTrail shows as
    /// `app/sluice-TOOL` in the user agent.
    pub async fn start(args: &AwsArgs, settings: &settings::Aws, tool: &'static str) -> Result<Self, StartError> {
        let choice = args.choose(settings, |name| std::env::var(name).ok(), tool)?;
        let config = config::load(&choice, tool).await?;
        Self::with_config(choice, config).await
    }

    /// The rest of the start, with a configuration that a test may have made.
    pub(super) async fn with_config(choice: Choice, config: SdkConfig) -> Result<Self, StartError> {
        let home = config::home_region(&config)?;
        let requests = Requests::default();
        let watch = Watch::new(requests.clone());
        // Before the first answer neither account nor partition is known, and that call needs neither.
        let nobody: AccountId =
            "000000000000".parse().map_err(|error: crate::id::IdError| StartError::Region(error.to_string()))?;
        let unknown = Arn::new("", "", "", "", "");
        let first = Session::new(nobody, &unknown, home.clone(), config.clone(), watch.clone());
        let identity = crate::client!(aws_sdk_sts, &first, &home)
            .get_caller_identity()
            .send()
            .await
            .map_err(|error| StartError::first_call(error, &choice.profile))?;
        let arn = identity.arn().unwrap_or_default();
        let nonsense =
            || StartError::Caller(AwsError::of("sts:GetCallerIdentity", "BadResponse", format!("`{arn}` is nobody")));
        let caller = arn.parse::<Arn>().map_err(|_| nonsense())?;
        let account: AccountId = identity.account().unwrap_or_default().parse().map_err(|_| nonsense())?;
        let own = Session::new(account, &caller, home, config.clone(), watch);
        Ok(Self(Arc::new(Inner {
            choice,
            own,
            config,
            requests,
            accounts: Mutex::default(),
            organization_session: OnceCell::new(),
            organization: OnceCell::new(),
        })))
    }

    /// The account whose credentials these are.
    pub fn caller(&self) -> &AccountId {
        self.0.own.account()
    }

    /// The partition that the caller is in.
    pub fn partition(&self) -> &str {
        self.0.own.partition()
    }

    /// The region for the first calls and for services that have none: `--region`, else `AWS_REGION` or
    /// `AWS_DEFAULT_REGION`, else the profile's, else that of the instance, else us-east-1. In another partition than
    /// `aws` it has to be named: who the caller is, only a region of that partition can say.
    pub fn home_region(&self) -> &Region {
        self.0.own.home_region()
    }

    /// The accounts to look at: `--accounts`, `--org`, the settings' or the caller's own.
    pub async fn accounts(&self) -> Result<Vec<AccountId>, AwsError> {
        match &self.0.choice.accounts {
            Accounts::Own => Ok(vec![self.caller().clone()]),
            Accounts::These(accounts) => Ok(accounts.clone()),
            Accounts::Organization => enterable(&self.organization().await?.config),
        }
    }

    /// The organization, with all its accounts. AWS is asked once, also where that fails.
    pub async fn organization(&self) -> Result<Resource<Organization>, AwsError> {
        let read = Box::pin(async { organization(&self.organization_session().await?).await });
        self.0.organization.get_or_init(|| read).await.clone()
    }

    /// The session that may read the organization: that of `--org-role`, which like `--role` is not assumed in the caller's
    /// own account, or else the caller's own.
    pub async fn organization_session(&self) -> Result<Session, AwsError> {
        match &self.0.choice.org_role {
            Some(role) if role.account != *self.caller() => {
                let enter = || self.assume(&role.account, role.arn.clone());
                self.0.organization_session.get_or_init(enter).await.clone()
            }
            _ => Ok(self.0.own.clone()),
        }
    }

    /// The session of an account. The answer is kept; an error for some minutes, so that a denied role is not asked for again
    /// for each resource.
    pub async fn account(&self, account: &AccountId) -> Result<Session, AwsError> {
        if account == self.caller() {
            return Ok(self.0.own.clone());
        }
        let cell = {
            let mut accounts = self.0.accounts.lock().unwrap_or_else(PoisonError::into_inner);
            let entry = accounts.entry(account.clone()).or_default();
            if entry.is_stale(Instant::now()) {
                *entry = Entry::default();
            }
            Arc::clone(&entry.answer)
        };
        cell.get_or_init(|| self.enter(account)).await.clone()
    }

    async fn enter(&self, account: &AccountId) -> Result<Session, AwsError> {
        let Inner { choice, own, .. } = &*self.0;
        let unusable = |message| AwsError::of(assume::OPERATION, "NoRole", message);
        let role = choice.roles.get(account).or(choice.role.as_ref()).ok_or_else(|| {
            let own = own.account();
            unusable(format!(
                "the credentials are those of account {own}: to enter {account}, give --role, a role there that they may assume"
            ))
        })?;
        let arn = role.arn(own.partition(), account).ok_or_else(|| {
            let role = role.as_str();
            unusable(format!(
                "the role {role} is not one of account {account}: give --role a name, or an ARN with {{account}} in it"
            ))
        })?;
        // Once for each account; whatever waits for a session would otherwise carry it along.
        Box::pin(self.assume(account, arn)).await
    }

    /// Assumes a role of an account.
    async fn assume(&self, account: &AccountId, arn: String) -> Result<Session, AwsError> {
        let Inner { choice, own, config, requests, .. } = &*self.0;
        let sts = crate::client!(aws_sdk_sts, own, own.home_region());
        let (external_id, session_name) = (choice.external_id.clone(), choice.session_name.clone());
        let works_as: Arn =
            arn.parse().map_err(|why: ArnError| AwsError::of(assume::OPERATION, "NoRole", why.to_string()))?;
        let role = AssumedRole::start(sts, account.clone(), arn, external_id, session_name).await?;
        // A cache of its own: the SDK's default one holds 64 identities for all that share it.
        let cache = IdentityCache::lazy().buffer_time(assume::RENEW_BEFORE).load_timeout(CREDENTIALS_DEADLINE).build();
        let config = config
            .to_builder()
            .credentials_provider(SharedCredentialsProvider::new(role))
            .identity_cache(cache)
            .build();
        let watch = Watch::new(requests.clone());
        Ok(Session::new(account.clone(), &works_as, own.home_region().clone(), config, watch))
    }

    /// How many requests were sent, retries included, by operation: `"s3:GetBucketAcl" => 12`.
    pub fn requests(&self) -> BTreeMap<String, u64> {
        self.0.requests.counted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_kept_for_a_while() {
        for (code, seconds) in [("AccessDenied", 600), ("Throttling", 30)] {
            let entry = Entry::default();
            assert!(!entry.is_stale(entry.asked + Duration::from_hours(9)), "nobody has asked yet");
            entry.answer.set(Err(AwsError::of("sts:AssumeRole", code, "no"))).unwrap();
            assert!(!entry.is_stale(entry.asked + Duration::from_secs(seconds - 1)), "{code}");
            assert!(entry.is_stale(entry.asked + Duration::from_secs(seconds)), "{code}");
        }
    }
}
