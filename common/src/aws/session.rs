//! One account: what a client needs to talk to it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_sts::config::retry::{ClientRateLimiter, RetryPartition};
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
use aws_smithy_runtime_api::client::retries::classifiers::SharedRetryClassifier;
use aws_types::SdkConfig;

use crate::arn::Arn;
use crate::clock;
use crate::id::{AccountId, Region};
use crate::operation::Operation;
use crate::resource::ResourceType;

use super::intercept::Watch;
use super::retry::NoBlindRetry;

/// The session of one account. Make clients with [`client!`](crate::client).
#[derive(Clone, Debug)]
pub struct Session {
    account: Arc<Account>,
    writes: bool,
    spared: &'static [Operation],
}

struct Account {
    id: AccountId,
    partition: String,
    home: Region,
    /// The user or role that it works as, by its name.
    identity: Option<(ResourceType, String)>,
    /// The instance whose credentials it has.
    instance: Option<String>,
    config: SdkConfig,
    watch: Watch,
    partitions: Mutex<HashMap<String, RetryPartition>>,
}

impl std::fmt::Debug for Account {
    /// Without the configuration, which has the credentials.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Account").field("id", &self.id).field("home", &self.home).finish_non_exhaustive()
    }
}

impl Session {
    pub(super) fn new(id: AccountId, caller: &Arn, home: Region, config: SdkConfig, watch: Watch) -> Self {
        let (partition, identity, instance) = (caller.partition.clone(), identity(caller), instance(caller));
        let account = Account { id, partition, home, identity, instance, config, watch, partitions: Mutex::default() };
        Self { account: Arc::new(account), writes: false, spared: &[] }
    }

    /// The user or role that it works as: its type and its name; `None` for the account's root.
    pub fn works_as(&self) -> Option<(ResourceType, &str)> {
        self.account.identity.as_ref().map(|(kind, name)| (*kind, name.as_str()))
    }

    /// The instance that it works on, where it has that one's credentials.
    pub fn works_on(&self) -> Option<&str> {
        self.account.instance.as_deref()
    }

    /// The account.
    pub fn account(&self) -> &AccountId {
        &self.account.id
    }

    /// `aws`, `aws-cn`, `aws-us-gov`, ...
    pub fn partition(&self) -> &str {
        &self.account.partition
    }

    /// The region for the services that have none, such as IAM.
    pub fn home_region(&self) -> &Region {
        &self.account.home
    }

    /// The same session, for calls that change something: its clients make a call again only if the first one provably
    /// had no effect (it was throttled, never reached the server, or was refused). After anything else the call fails with
    /// [`AwsError::outcome_unknown`](super::AwsError::outcome_unknown).
    #[must_use]
    pub fn for_writes(&self) -> Self {
        Self { writes: true, ..self.clone() }
    }

    /// The same session, whose clients do not make these calls: each fails at once, and nothing is sent. For whoever lists what
    /// there is and does not want to know it in detail.
    #[must_use]
    pub fn without(&self, spared: &'static [Operation]) -> Self {
        Self { spared, ..self.clone() }
    }

    /// The SDK's configuration for a region; for `global`, that of the home region. For [`client!`](crate::client), which
    /// adds what must come with it.
    #[doc(hidden)]
    pub fn sdk_config(&self, region: &Region) -> SdkConfig {
        let region = if region.is_global() { self.home_region() } else { region };
        let region = aws_types::region::Region::new(region.as_str().to_owned());
        self.account.config.to_builder().region(region).build()
    }

    #[doc(hidden)]
    pub fn interceptor(&self) -> SharedInterceptor {
        SharedInterceptor::new(Watch { spared: self.spared, ..self.account.watch.clone() })
    }

    #[doc(hidden)]
    pub fn retry_classifier(&self) -> SharedRetryClassifier {
        SharedRetryClassifier::new(NoBlindRetry { writes: self.writes })
    }

    /// Whose throttling this client shares: that of the same account, service and region. The SDK's own partitions know no
    /// accounts, so that one busy account would slow down all others.
    #[doc(hidden)]
    pub fn retry_partition(&self, service: &str, region: &Region) -> RetryPartition {
        let name = format!("{}-{service}-{region}", self.account.id);
        let mut partitions = self.account.partitions.lock().unwrap_or_else(PoisonError::into_inner);
        // Two partitions of one name share nothing unless they are one: each brings its own limiter.
        partitions.entry(name.clone()).or_insert_with(|| retry_partition(name)).clone()
    }
}

/// The user or role that an ARN of IAM or of STS names.
fn identity(arn: &Arn) -> Option<(ResourceType, String)> {
    match (arn.service.as_str(), arn.resource.split_once('/')?) {
        // The path is not there; behind the role's name stands the session's.
        ("sts", ("assumed-role", session)) => {
            session.split('/').next().map(|name| (ResourceType::IamRole, name.to_owned()))
        }
        ("iam", ("role", name)) => name.rsplit('/').next().map(|name| (ResourceType::IamRole, name.to_owned())),
        ("iam", ("user", name)) => name.rsplit('/').next().map(|name| (ResourceType::IamUser, name.to_owned())),
        _ => None,
    }
}

/// The instance after which EC2 has named the session of its instance profile's role: see
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable>.
fn instance(arn: &Arn) -> Option<String> {
    let (_, session) = arn.resource.strip_prefix("assumed-role/")?.rsplit_once('/')?;
    let digits = session.strip_prefix("i-")?;
    let is_one = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    (arn.service == "sts" && is_one).then(|| session.to_owned())
}

pub(super) fn retry_partition(name: String) -> RetryPartition {
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^52")]
    let now = clock::now().as_second() as f64;
    RetryPartition::custom(name).client_rate_limiter(ClientRateLimiter::new(now)).build()
}

/// Makes a client: `client!(aws_sdk_ec2, &session, &region)`.
///
/// A macro because each service's crate has its own client and its own configuration, which share no trait, and `common`
/// must not depend on them all. Make one client for an account, a service and a region, and clone it.
#[macro_export]
macro_rules! client {
    ($service:ident, $session:expr, $region:expr) => {{
        let session: &$crate::aws::Session = $session;
        let region: &$crate::id::Region = $region;
        let mut builder = $service::config::Builder::from(&session.sdk_config(region));
        builder.push_interceptor(session.interceptor());
        builder.push_retry_classifier(session.retry_classifier());
        builder.set_retry_partition(::core::option::Option::Some(
            session.retry_partition(::core::stringify!($service), region),
        ));
        $service::Client::from_conf(builder.build())
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_a_session_works_as_is_told_by_its_arn() {
        for (arn, expected) in [
            ("arn:aws:iam::111122223333:user/team/jane", Some((ResourceType::IamUser, "jane"))),
            ("arn:aws:sts::111122223333:assumed-role/sluice/run-1", Some((ResourceType::IamRole, "sluice"))),
            ("arn:aws:iam::111122223333:role/service/sluice", Some((ResourceType::IamRole, "sluice"))),
            ("arn:aws:sts::111122223333:federated-user/jane", None),
            ("arn:aws:iam::111122223333:root", None),
        ] {
            let found = identity(&arn.parse().unwrap());
            assert_eq!(found.as_ref().map(|(kind, name)| (*kind, name.as_str())), expected, "{arn}");
        }
    }

    #[test]
    fn the_instance_that_a_session_works_on_is_told_by_its_arn() {
        for (arn, expected) in [
            ("arn:aws:sts::111122223333:assumed-role/sluice/i-0abc1234567890def", Some("i-0abc1234567890def")),
            ("arn:aws:sts::111122223333:assumed-role/sluice/i-am-jane", None),
            ("arn:aws:sts::111122223333:assumed-role/sluice/run-1", None),
            ("arn:aws:iam::111122223333:user/i-0abc", None),
        ] {
            assert_eq!(instance(&arn.parse().unwrap()).as_deref(), expected, "{arn}");
        }
    }
}
