//! Which regions are asked for events.

use common::id::{AccountId, Region};
use common::settings::Settings;

/// The regions of a partition that every account has, and cannot disable. Those that have to be enabled first are named with
/// `--regions` or in the settings: a key cannot be used in one that is not enabled.
/// <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html>
const BY_DEFAULT: &[(&str, &[&str])] = &[
    (
        "aws",
        &[
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
            "ap-south-1",
            "ap-southeast-1",
            "ap-southeast-2",
            "ca-central-1",
            "eu-central-1",
            "eu-north-1",
            "eu-west-1",
            "eu-west-2",
            "eu-west-3",
            "sa-east-1",
            "us-east-1",
            "us-east-2",
            "us-west-1",
            "us-west-2",
        ],
    ),
    ("aws-cn", &["cn-north-1", "cn-northwest-1"]),
    ("aws-us-gov", &["us-gov-east-1", "us-gov-west-1"]),
];

/// Where IAM and the global endpoint of STS are logged, by partition: what a thief calls first.
/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html#cloudtrail-concepts-global-service-events>
pub(super) fn of_global_services(partition: &str) -> Option<&'static str> {
    let regions = [("aws", "us-east-1"), ("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")];
    regions.iter().find(|(name, _)| *name == partition).map(|(_, region)| *region)
}

/// Those that were named, those of the account's settings, or those that every account has, with those of `[aws]`: these say
/// where the company is, and a thief chooses the region.
pub(super) fn wanted(
    named: &[Region],
    account: &AccountId,
    settings: &Settings,
    partition: &str,
    home: &Region,
) -> Vec<Region> {
    let of_account = settings.honeytoken.accounts.get(account).map(|account| account.regions.as_slice());
    let said = [named, of_account.unwrap_or_default()];
    let mut regions = said.into_iter().find(|regions| !regions.is_empty()).map_or_else(
        || {
            let by_default = BY_DEFAULT.iter().find(|(name, _)| *name == partition).map(|(_, regions)| *regions);
            let by_default = by_default.unwrap_or_default().iter().filter_map(|name| name.parse().ok());
            let regions: Vec<Region> = by_default.chain(settings.aws.regions.iter().cloned()).collect();
            // Of a partition that is not known here, one at least.
            if regions.is_empty() { vec![home.clone()] } else { regions }
        },
        <[Region]>::to_vec,
    );
    regions.retain(|region| !region.is_global());
    regions.sort_unstable();
    regions.dedup();
    regions
}

#[cfg(test)]
mod tests {
    use common::settings::DecoyAccount;

    use super::*;

    #[test]
    fn what_is_named_beats_the_settings_and_where_the_company_is_is_not_all() {
        let account: AccountId = "111122223333".parse().unwrap();
        let region = |name: &str| -> Region { name.parse().unwrap() };
        let home = region("eu-west-1");
        let mut settings = Settings::default();
        let names = |named: &[Region], settings: &Settings, partition: &str| {
            let found = wanted(named, &account, settings, partition, &home);
            found.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(names(&[], &settings, "aws").len(), 17);
        assert_eq!(names(&[], &settings, "aws-cn"), ["cn-north-1", "cn-northwest-1"]);
        assert_eq!(names(&[], &settings, "aws-iso"), ["eu-west-1"]);
        settings.aws.regions = vec![region("eu-north-1"), region("me-central-1")];
        let all = names(&[], &settings, "aws");
        assert!(
            all.len() == 18 && ["us-east-1", "me-central-1"].iter().all(|it| all.contains(&(*it).to_owned())),
            "{all:?}"
        );
        let decoys = DecoyAccount { regions: vec![region("me-south-1")], ..DecoyAccount::default() };
        settings.honeytoken.accounts.insert(account.clone(), decoys);
        assert_eq!(names(&[], &settings, "aws"), ["me-south-1"]);
        let named = [region("us-east-1"), region("global"), region("us-east-1"), region("ap-east-1")];
        assert_eq!(names(&named, &settings, "aws"), ["ap-east-1", "us-east-1"]);
    }
}
