//! Images and snapshots that are shared: the same four of each type, of volumes and databases in which nothing ever was.

use aws_sdk_ec2::types::{ResourceType as Tagged, Tag, TagSpecification};
use common::resource::EVERYONE;

use super::{Missing, Place, TAG};

/// Something that can be shared, and with whom it is.
pub(super) struct Spec {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    everyone: bool,
    stranger: bool,
}

/// What the others are made of.
pub(super) const PRIVATE: &Spec = &SPECS[0];

pub(super) const SPECS: &[Spec] = &[
    Spec { name: "sluice-test-private", what: "good: shared with nobody", everyone: false, stranger: false },
    Spec { name: "sluice-test-public", what: "bad: shared with everyone", everyone: true, stranger: false },
    Spec { name: "sluice-test-shared", what: "bad: shared with a stranger", everyone: false, stranger: true },
    Spec {
        name: "sluice-test-public-and-shared",
        what: "bad: shared with everyone and a stranger",
        everyone: true,
        stranger: true,
    },
];

impl Spec {
    /// The checks that it fails, of a type's check for the public and the one for strangers.
    pub(super) fn checks(&self, both: &'static [&'static str; 2]) -> &'static [&'static str] {
        match (self.everyone, self.stranger) {
            (false, false) => &[],
            (true, false) => &both[..1],
            (false, true) => &both[1..],
            (true, true) => both,
        }
    }

    /// With whom it is shared: the groups, and the accounts.
    pub(super) fn shared_with(&self, place: &Place) -> Result<With, Missing> {
        let accounts = if self.stranger { vec![place.foreign_account()?.to_string()] } else { Vec::new() };
        Ok(With { groups: self.everyone.then(|| EVERYONE.to_owned()).into_iter().collect(), accounts })
    }
}

/// With whom something is shared.
pub(super) struct With {
    pub(super) groups: Vec<String>,
    pub(super) accounts: Vec<String>,
}

impl With {
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.accounts.is_empty()
    }

    /// Both in one list, as RDS takes them.
    pub(super) fn all(self) -> Vec<String> {
        [self.groups, self.accounts].concat()
    }
}

/// What costs money is made only where that was asked for.
pub(super) fn affordable(place: &Place, what: &str) -> Result<(), Missing> {
    if place.options.instances {
        return Ok(());
    }
    Err(Missing::LeftOut(format!("{what} cost money: give --instances to have them made")))
}

/// The tags of what EC2 makes, which knows it by its tag `Name`.
pub(super) fn tags(kind: Tagged, name: &str, verdict: &str, more: &[(&str, &str)]) -> TagSpecification {
    let pairs = [("Name", name), (TAG, verdict)].into_iter().chain(more.iter().copied());
    let tags = pairs.map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    TagSpecification::builder().resource_type(kind).set_tags(Some(tags)).build()
}

/// The tag `Name`.
pub(super) fn name(tags: &[Tag]) -> &str {
    tags.iter().find(|tag| tag.key() == Some("Name")).and_then(Tag::value).unwrap_or_default()
}
