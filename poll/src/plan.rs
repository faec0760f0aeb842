//! What is listed: which types, in which regions.

use common::id::Region;
use common::resource::{Extent, ResourceType};

/// The regions that somebody wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All that are enabled for the account.
    Enabled,
    /// These.
    Named(Vec<Region>),
}

impl Wanted {
    /// What the command line says, or else the settings.
    pub(crate) fn new(arguments: &[Region], settings: &[Region]) -> Self {
        let named = without_repeats(if arguments.is_empty() { settings } else { arguments });
        if named.is_empty() { Self::Enabled } else { Self::Named(named) }
    }

    /// The scopes of a type for an account whose regions cannot be asked for.
    pub(crate) fn blind(&self, kind: ResourceType) -> Vec<Region> {
        match (kind.extent(), self) {
            (Extent::Regional | Extent::AccountWide, Self::Named(regions)) => regions.clone(),
            _ => vec![Region::global()],
        }
    }
}

/// Each element once, in the order of its first appearance.
pub(crate) fn without_repeats<T: PartialEq + Clone>(all: &[T]) -> Vec<T> {
    let mut kept: Vec<T> = Vec::with_capacity(all.len());
    for one in all {
        if !kept.contains(one) {
            kept.push(one.clone());
        }
    }
    kept
}

/// How far one listing reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    regions: Vec<Region>,
    everywhere: bool,
}

impl Reach {
    /// The regions to go to, each of which gets a `scope` record.
    pub(crate) fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// Whether what a listing of the whole account finds in this region is wanted. Where all regions are wanted, that is
    /// so for one that is not among them too: it may have been disabled after it was filled.
    pub(crate) fn covers(&self, region: &Region) -> bool {
        self.everywhere || self.regions.contains(region)
    }
}

/// One listing: a type, and how far it reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    pub(crate) kind: ResourceType,
    pub(crate) reach: Reach,
}

/// Whether any of these types lives in regions, so that it must be known which there are.
pub(crate) fn needs_regions(types: &[ResourceType]) -> bool {
    types.iter().any(|kind| matches!(kind.extent(), Extent::Regional | Extent::AccountWide))
}

/// The listings of one account. `regions` are those to look at: the wanted ones or all that are enabled.
///
/// Regions come first and types second, so that the services of many regions are asked at once, and none of them is
/// flooded.
pub(crate) fn units(types: &[ResourceType], regions: &[Region], everywhere: bool) -> Vec<Unit> {
    let unit =
        |kind: ResourceType, regions: Vec<Region>, everywhere| Unit { kind, reach: Reach { regions, everywhere } };
    let of_account = types.iter().filter_map(|&kind| match kind.extent() {
        // The organization's one record is not an account's to list.
        Extent::Regional | Extent::Organization => None,
        Extent::AccountWide => Some(unit(kind, regions.to_vec(), everywhere)),
        Extent::Global => Some(unit(kind, vec![Region::global()], false)),
    });
    let regional = types.iter().filter(|kind| kind.extent() == Extent::Regional);
    let of_regions =
        regional.flat_map(|&kind| regions.iter().map(move |region| unit(kind, vec![region.clone()], false)));
    of_account.chain(of_regions).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regions(names: &[&str]) -> Vec<Region> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    fn shown(units: &[Unit]) -> Vec<String> {
        let names = |unit: &Unit| unit.reach.regions.iter().map(Region::as_str).collect::<Vec<_>>().join("+");
        units.iter().map(|unit| format!("{} {}", unit.kind, names(unit))).collect()
    }

    #[test]
    fn regional_types_are_listed_by_region_and_the_others_once() {
        let two = regions(&["eu-west-1", "us-east-1"]);
        assert_eq!(
            shown(&units(
                &[
                    ResourceType::Organization,
                    ResourceType::S3Bucket,
                    ResourceType::Ec2,
                    ResourceType::SecurityGroup,
                    ResourceType::IamUser,
                    ResourceType::Sqs
                ],
                &two,
                true
            )),
            [
                "s3_bucket eu-west-1+us-east-1",
                "iam_user global",
                "ec2 eu-west-1",
                "ec2 us-east-1",
                "security_group eu-west-1",
                "security_group us-east-1",
                "sqs eu-west-1",
                "sqs us-east-1",
            ]
        );
        assert_eq!(shown(&units(&[ResourceType::IamUser], &[], true)), ["iam_user global"]);
        assert_eq!(shown(&units(&[ResourceType::Ec2], &[], true)), [""; 0]);
        assert!(needs_regions(&[ResourceType::IamUser, ResourceType::S3Bucket]));
        assert!(!needs_regions(&[ResourceType::IamUser]));
    }

    #[test]
    fn buckets_elsewhere_are_left_out_only_when_regions_were_named() {
        let one = regions(&["eu-west-1"]);
        let here: Region = "eu-west-1".parse().unwrap();
        let there: Region = "me-south-1".parse().unwrap();
        for (everywhere, expected) in [(true, true), (false, false)] {
            let units = units(&[ResourceType::S3Bucket], &one, everywhere);
            assert!(units[0].reach.covers(&here));
            assert_eq!(units[0].reach.covers(&there), expected);
        }
    }

    #[test]
    fn arguments_beat_settings_and_name_each_region_once() {
        let (a, b) = (regions(&["eu-west-1", "us-east-1", "eu-west-1"]), regions(&["us-west-2"]));
        assert_eq!(Wanted::new(&a, &b), Wanted::Named(regions(&["eu-west-1", "us-east-1"])));
        assert_eq!(Wanted::new(&[], &b), Wanted::Named(b.clone()));
        assert_eq!(Wanted::new(&[], &[]), Wanted::Enabled);
    }

    #[test]
    fn an_account_that_cannot_be_entered_has_scopes_all_the_same() {
        let named = Wanted::Named(regions(&["eu-west-1", "us-east-1"]));
        assert_eq!(named.blind(ResourceType::S3Bucket).len(), 2);
        assert_eq!(named.blind(ResourceType::IamUser), [Region::global()]);
        assert_eq!(Wanted::Enabled.blind(ResourceType::Ec2), [Region::global()]);
    }
}
