//! One account while it is looked at: its session, and which regions are enabled for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use common::aws::{AwsError, Session};
use common::client;
use common::id::{AccountId, Region};
use common::operation::EC2_DESCRIBE_REGIONS;
use common::resource::PublicAccessBlock;
use tokio::sync::OnceCell;

use crate::types::ecs::Ecs;
use crate::types::spend::Sources;

/// An account that could be entered, and what several types' listings have to know of it: AWS is asked once a sweep.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) session: Session,
    /// S3's public access block of the account, which the account's own record has, and each of its buckets.
    pub(crate) public_access_block: OnceCell<Result<Option<PublicAccessBlock>, AwsError>>,
    /// The clusters and services of ECS, which three types are about.
    pub(crate) ecs: Ecs,
    /// Where it is asked what the account spends.
    pub(crate) spend: Arc<Sources>,
    enabled: OnceCell<Result<Vec<Region>, AwsError>>,
}

impl Account {
    pub(crate) fn new(session: Session, spend: Arc<Sources>) -> Self {
        Self { session, public_access_block: OnceCell::new(), ecs: Ecs::default(), spend, enabled: OnceCell::new() }
    }

    /// The regions that are enabled. AWS is asked at most once.
    pub(crate) async fn enabled(&self) -> Result<&[Region], &AwsError> {
        let enabled = self.enabled.get_or_init(|| enabled(&self.session)).await;
        enabled.as_deref()
    }

    /// What a call's error means where it went to a region that is not enabled: AWS then says that the credentials are
    /// wrong, or there is no such host.
    pub(crate) async fn explain(&self, region: &Region, error: AwsError) -> AwsError {
        if !may_mean_disabled(error.code()) || region.is_global() {
            return error;
        }
        match self.enabled().await {
            Ok(enabled) if !enabled.contains(region) => {
                let said = format!(" ({}: {})", error.code, error.message);
                disabled(self.session.account(), region, error.operation.as_str(), &said)
            }
            _ => error,
        }
    }

    /// Those of some regions that are not enabled, as far as AWS tells.
    pub(crate) async fn not_enabled(&self, regions: &[&Region]) -> BTreeMap<Region, AwsError> {
        if regions.is_empty() {
            return BTreeMap::new();
        }
        let enabled = self.enabled().await;
        let is_disabled = |region: &&&Region| enabled.is_ok_and(|enabled| !enabled.contains(region));
        let error = |region| disabled(self.session.account(), region, EC2_DESCRIBE_REGIONS, "");
        regions.iter().filter(is_disabled).map(|&region| (region.clone(), error(region))).collect()
    }
}

/// An answer for each region, for which AWS is asked when it is first wanted.
#[derive(Debug)]
pub(crate) struct PerRegion<T>(Mutex<BTreeMap<Region, Arc<OnceCell<Arc<T>>>>>);

impl<T> Default for PerRegion<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> PerRegion<T> {
    /// The answer for a region. Whoever wants it while another asks waits for that one's.
    pub(crate) async fn get_or_init<F: Future<Output = T>>(&self, region: &Region, ask: impl FnOnce() -> F) -> Arc<T> {
        let cell = {
            let mut regions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(regions.entry(region.clone()).or_default())
        };
        Arc::clone(cell.get_or_init(|| async { Arc::new(ask().await) }).await)
    }
}

/// The regions that are enabled for a session's account.
pub(crate) async fn enabled(session: &Session) -> Result<Vec<Region>, AwsError> {
    let client = client!(aws_sdk_ec2, session, session.home_region());
    let answer = client.describe_regions().send().await.map_err(|error| AwsError::new(EC2_DESCRIBE_REGIONS, error))?;
    let names = answer.regions.unwrap_or_default().into_iter().filter_map(|region| region.region_name);
    let regions: Result<Vec<Region>, _> = names.map(|name| name.parse()).collect();
    let mut regions = regions
        .map_err(|error: common::id::IdError| AwsError::of(EC2_DESCRIBE_REGIONS, "BadResponse", error.to_string()))?;
    regions.sort_unstable();
    Ok(regions)
}

/// The codes with which the services turn down a caller whom a region does not know, and those of a host that is not
/// there: <https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html>.
fn may_mean_disabled(code: &str) -> bool {
    matches!(
        code,
        "AuthFailure"
            | "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "InvalidAccessKeyId"
            | "InvalidToken"
            | "OptInRequired"
            | "NoConnection"
            | "ConnectTimeout"
    )
}

fn disabled(account: &AccountId, region: &Region, operation: impl Into<String>, said: &str) -> AwsError {
    let message = format!(
        "{region} is no region that is enabled for account {account}: enable it there, or leave it out of --regions{said}"
    );
    AwsError::of(operation, "RegionNotEnabled", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_region_is_asked_once() {
        let (answers, asked) = (PerRegion::default(), Mutex::new(Vec::new()));
        let [ireland, virginia] = ["eu-west-1", "us-east-1"].map(|region| region.parse::<Region>().unwrap());
        for region in [&ireland, &virginia, &ireland] {
            let ask = || async {
                asked.lock().unwrap().push(region.to_string());
                region.to_string()
            };
            assert_eq!(*answers.get_or_init(region, ask).await, region.to_string());
        }
        assert_eq!(*asked.lock().unwrap(), ["eu-west-1", "us-east-1"]);
    }

    #[test]
    fn a_disabled_region_is_called_one_and_a_denied_call_is_not() {
        for code in ["AuthFailure", "UnrecognizedClientException", "InvalidClientTokenId", "NoConnection"] {
            assert!(may_mean_disabled(code), "{code}");
        }
        for code in ["AccessDenied", "UnauthorizedOperation", "ExpiredToken", "Throttling", "Timeout"] {
            assert!(!may_mean_disabled(code), "{code}");
        }
        let (account, region) = ("111122223333".parse().unwrap(), "me-south-1".parse().unwrap());
        let told = disabled(&account, &region, "ec2:DescribeInstances", " (AuthFailure: not able to validate)");
        assert_eq!((told.code(), told.operation.as_str()), ("RegionNotEnabled", "ec2:DescribeInstances"));
        for part in ["me-south-1", "111122223333", "--regions", "AuthFailure"] {
            assert!(told.message.contains(part), "{}", told.message);
        }
    }
}
