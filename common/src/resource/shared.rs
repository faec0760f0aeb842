//! What AMIs and the snapshots of volumes and databases have in common: their owner can share them with others.
//!
//! AWS lists the others in a shape of each type's own. Here they are a set of texts, in which an action names them too:
//! account ids, [`EVERYONE`], and for an AMI the ARNs of organizations and organizational units.

use std::collections::BTreeSet;

use super::{
    Config, CreateVolumePermission, DbClusterSnapshot, DbSnapshot, Image, LaunchPermission, Snapshot, SnapshotAttribute,
};

/// The group that all accounts are in: what is shared with it is public.
pub const EVERYONE: &str = "all";

/// The attribute of a database's snapshot that says who may restore it.
pub const RESTORE: &str = "restore";

/// A configuration that says with whom the resource is shared.
pub trait Shared: Config {
    /// The field that says it.
    const FIELD: &'static str;

    /// With whom; `None` where an entry names nobody whom this version knows of.
    fn shared_with(&self) -> Option<BTreeSet<String>>;

    /// The configuration as it is when the resource is shared with these and nobody else.
    #[must_use]
    fn sharing_with(&self, with: &BTreeSet<String>) -> Self;
}

/// Whom one entry of a list names, by the fields of which each may name somebody.
fn named(group: Option<&str>, others: &[&Option<String>]) -> Option<Vec<String>> {
    if group.is_some_and(|group| group != EVERYONE) {
        return None;
    }
    let others = others.iter().filter_map(|name| name.as_deref());
    let all: Vec<String> = group.into_iter().chain(others).map(str::to_owned).collect();
    (!all.is_empty()).then_some(all)
}

/// All that the entries name.
fn all(entries: impl Iterator<Item = Option<Vec<String>>>) -> Option<BTreeSet<String>> {
    entries.collect::<Option<Vec<_>>>().map(|names| names.into_iter().flatten().collect())
}

/// Whether the text is an ARN of AWS Organizations, of an organizational unit where `unit` says so.
fn is_organization(text: &str, unit: bool) -> bool {
    text.starts_with("arn:") && text.contains(":ou/") == unit
}

impl LaunchPermission {
    /// The permission of somebody, as [`Shared::shared_with`] names them.
    pub fn of(who: &str) -> Self {
        let who_is = |it: bool| it.then(|| who.to_owned());
        let (organization, unit) = (is_organization(who, false), is_organization(who, true));
        Self {
            group: who_is(who == EVERYONE),
            user_id: who_is(who != EVERYONE && !organization && !unit),
            organization_arn: who_is(organization),
            organizational_unit_arn: who_is(unit),
        }
    }
}

impl Shared for Image {
    const FIELD: &'static str = "LaunchPermissions";

    fn shared_with(&self) -> Option<BTreeSet<String>> {
        all(self
            .launch_permissions
            .iter()
            .map(|it| named(it.group.as_deref(), &[&it.user_id, &it.organization_arn, &it.organizational_unit_arn])))
    }

    fn sharing_with(&self, with: &BTreeSet<String>) -> Self {
        let mut launch_permissions: Vec<_> = with.iter().map(|who| LaunchPermission::of(who)).collect();
        launch_permissions.sort_unstable();
        Self { launch_permissions, public: Some(with.contains(EVERYONE)), ..self.clone() }
    }
}

impl CreateVolumePermission {
    /// The permission of somebody, as [`Shared::shared_with`] names them.
    pub fn of(who: &str) -> Self {
        if who == EVERYONE {
            Self { group: Some(who.to_owned()), user_id: None }
        } else {
            Self { group: None, user_id: Some(who.to_owned()) }
        }
    }
}

impl Shared for Snapshot {
    const FIELD: &'static str = "CreateVolumePermissions";

    fn shared_with(&self) -> Option<BTreeSet<String>> {
        all(self.create_volume_permissions.iter().map(|it| named(it.group.as_deref(), &[&it.user_id])))
    }

    fn sharing_with(&self, with: &BTreeSet<String>) -> Self {
        let mut create_volume_permissions: Vec<_> = with.iter().map(|who| CreateVolumePermission::of(who)).collect();
        create_volume_permissions.sort_unstable();
        Self { create_volume_permissions, ..self.clone() }
    }
}

impl SnapshotAttribute {
    fn is_restore(&self) -> bool {
        self.attribute_name.as_deref() == Some(RESTORE)
    }
}

/// Who may restore. An attribute without a name is one that is not understood.
fn restorers(attributes: &[SnapshotAttribute]) -> Option<BTreeSet<String>> {
    let understood = attributes.iter().all(|it| it.attribute_name.is_some());
    let restore = || attributes.iter().filter(|it| it.is_restore());
    understood.then(|| restore().flat_map(|it| it.attribute_values.iter().cloned()).collect())
}

fn restored_by(attributes: &[SnapshotAttribute], with: &BTreeSet<String>) -> Vec<SnapshotAttribute> {
    let restore = SnapshotAttribute {
        attribute_name: Some(RESTORE.to_owned()),
        attribute_values: with.iter().cloned().collect(),
    };
    let others = attributes.iter().filter(|it| !it.is_restore()).cloned();
    let mut attributes: Vec<_> = others.chain([restore]).collect();
    attributes.sort_unstable();
    attributes
}

impl Shared for DbSnapshot {
    const FIELD: &'static str = "DBSnapshotAttributes";

    fn shared_with(&self) -> Option<BTreeSet<String>> {
        restorers(&self.db_snapshot_attributes)
    }

    fn sharing_with(&self, with: &BTreeSet<String>) -> Self {
        Self { db_snapshot_attributes: restored_by(&self.db_snapshot_attributes, with), ..self.clone() }
    }
}

impl Shared for DbClusterSnapshot {
    const FIELD: &'static str = "DBClusterSnapshotAttributes";

    fn shared_with(&self) -> Option<BTreeSet<String>> {
        restorers(&self.db_cluster_snapshot_attributes)
    }

    fn sharing_with(&self, with: &BTreeSet<String>) -> Self {
        Self { db_cluster_snapshot_attributes: restored_by(&self.db_cluster_snapshot_attributes, with), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ORGANIZATION: &str = "arn:aws:organizations::111122223333:organization/o-acme";
    const UNIT: &str = "arn:aws:organizations::111122223333:ou/o-acme/ou-web-1";

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn what_is_shared_with_somebody_says_so() {
        fn holds<C: Shared + Default>(names: &[&str]) {
            for names in [&[][..], &names[..1], names] {
                let shared = C::default().sharing_with(&set(names));
                assert_eq!(shared.shared_with(), Some(set(names)), "{shared:?}");
                // What else it may say of sharing goes.
                assert_eq!(shared.sharing_with(&set(&["444455556666"])).shared_with(), Some(set(&["444455556666"])));
                assert!(serde_json::to_value(&shared).unwrap().get(C::FIELD).is_some(), "{}", C::FIELD);
            }
        }
        holds::<Image>(&[EVERYONE, "444455556666", ORGANIZATION, UNIT]);
        holds::<Snapshot>(&[EVERYONE, "444455556666"]);
        holds::<DbSnapshot>(&[EVERYONE, "444455556666"]);
        holds::<DbClusterSnapshot>(&["777788889999", "444455556666"]);
    }

    #[test]
    fn groups_accounts_and_arns_stand_in_fields_of_their_own() {
        let image = Image::default().sharing_with(&set(&[EVERYONE, "444455556666", ORGANIZATION, UNIT]));
        let listed = |field: fn(&LaunchPermission) -> &Option<String>| -> Vec<&str> {
            image.launch_permissions.iter().filter_map(|it| field(it).as_deref()).collect()
        };
        assert_eq!(image.launch_permissions.len(), 4);
        assert_eq!(listed(|it| &it.group), [EVERYONE]);
        assert_eq!(listed(|it| &it.user_id), ["444455556666"]);
        assert_eq!(listed(|it| &it.organization_arn), [ORGANIZATION]);
        assert_eq!(listed(|it| &it.organizational_unit_arn), [UNIT]);
        assert_eq!(image.public, Some(true));
    }

    #[test]
    fn an_entry_that_names_nobody_known_is_not_taken_for_nobody() {
        let image =
            |permission| -> Image { serde_json::from_value(json!({"LaunchPermissions": [permission]})).unwrap() };
        assert_eq!(image(json!({})).shared_with(), None);
        assert_eq!(image(json!({"Group": "half"})).shared_with(), None);
        let both = image(json!({"Group": "all", "UserId": "444455556666"}));
        assert_eq!(both.shared_with(), Some(set(&["444455556666", EVERYONE])));
        let snapshot: Snapshot = serde_json::from_value(json!({"CreateVolumePermissions": [{}]})).unwrap();
        assert_eq!(snapshot.shared_with(), None);
        let attributes =
            |list| -> DbSnapshot { serde_json::from_value(json!({"DBSnapshotAttributes": list})).unwrap() };
        assert_eq!(attributes(json!([{"AttributeValues": ["all"]}])).shared_with(), None);
        assert_eq!(attributes(json!([])).shared_with(), Some(set(&[])));
        let other = attributes(json!([{"AttributeName": "copy", "AttributeValues": ["444455556666"]}]));
        assert_eq!(other.shared_with(), Some(set(&[])));
        assert_eq!(other.sharing_with(&set(&["all"])).db_snapshot_attributes.len(), 2, "the other stays");
    }
}
