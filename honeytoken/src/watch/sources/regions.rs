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

/// Those that were named, those of the account's settings, those of `[aws]`, or those that every account has.
pub(super) fn wanted(
    named: &[Region],
    account: &AccountId,
    settings: &Settings,
    partition: &str,
    home: &Region,
) -> Vec<Region> {
    let of_account = settings.honeytoken.accounts.get(account).map(|account| account.regions.as_slice());
    let said = [named, of_account.unwrap_or_default(), &settings.aws.regions];
    let mut regions = said.into_iter().find(|regions| !regions.is_empty()).map_or_else(
        || {
            let by_default = BY_DEFAULT.iter().find(|(name, _)| *name == partition).map(|(_, regions)| *regions);
            let regions =
                by_default.unwrap_or_default().iter().filter_map(|name| name.parse().ok()).collect::<Vec<_>>();
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
    fn what_is_named_beats_the_settings_beat_what_all_have() {
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
        settings.aws.regions = vec![region("eu-north-1")];
        assert_eq!(names(&[], &settings, "aws"), ["eu-north-1"]);
        let decoys = DecoyAccount { regions: vec![region("me-south-1")], ..DecoyAccount::default() };
        settings.honeytoken.accounts.insert(account.clone(), decoys);
        assert_eq!(names(&[], &settings, "aws"), ["me-south-1"]);
        let named = [region("us-east-1"), region("global"), region("us-east-1"), region("ap-east-1")];
        assert_eq!(names(&named, &settings, "aws"), ["ap-east-1", "us-east-1"]);
    }
}
