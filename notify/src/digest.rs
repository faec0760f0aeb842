//! What one target is told in one go.

use common::settings::Zone;

use crate::group::Group;

/// What one target is told in one go: the accounts that it hears of, in their order.
#[derive(Clone, Debug)]
pub(crate) struct Digest {
    /// One group per account, none of them empty.
    pub(crate) groups: Vec<Group>,
    /// The time zone of those who read it: times are given in UTC and in it.
    pub(crate) zone: Zone,
}
