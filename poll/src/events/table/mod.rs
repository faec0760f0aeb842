//! The table: which calls change something that is looked at, of which types, and where their ids stand in the record.
//!
//! A call is here where it makes or deletes a resource of ours, or changes a field that its record holds. What is not here
//! on purpose: what only a closer look before an action shows (a user's SSH keys, who is in a group), what no field tells
//! (a key's rotation, a bucket's versioning), and calls of which neither the record nor AWS can say what they changed
//! (`ec2:DisassociateAddress`, after which nobody knows the instance).

mod balancers;
mod databases;
mod ec2;
mod ecs;
mod iam;
mod organization;
mod region;
mod security;
mod storage;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::place::Events;

/// All of them, by service.
pub(super) const ALL: &[&[Events]] = &[
    storage::EVENTS,
    ec2::EVENTS,
    balancers::EVENTS,
    ecs::EVENTS,
    iam::EVENTS,
    security::EVENTS,
    databases::EVENTS,
    region::EVENTS,
    organization::EVENTS,
];

/// The service whose calls have a version in their names: `AddPermission20150331v2`.
pub(super) const DATED: &str = "lambda";

/// By service and name.
static BY_NAME: LazyLock<HashMap<(&str, &str), &Events>> = LazyLock::new(|| {
    let groups = ALL.iter().copied().flatten();
    groups.flat_map(|group| group.names.iter().map(move |name| ((group.service, *name), group))).collect()
});

/// What the table knows of an event.
pub(super) fn event(source: &str, name: &str) -> Option<&'static Events> {
    // Some services of the partition aws-cn have a suffix of its own.
    let service = source.strip_suffix(".cn").unwrap_or(source).strip_suffix(".amazonaws.com")?;
    let name = if service == DATED { undated(name) } else { name };
    BY_NAME.get(&(service, name)).copied()
}

/// `AddPermission` of `AddPermission20150331v2` or `AddPermission20150331`.
pub(super) fn undated(name: &str) -> &str {
    let digits = |text: &str| text.trim_end_matches(|last: char| last.is_ascii_digit()).len();
    let version = digits(name);
    let unversioned = name[..version].strip_suffix('v').filter(|_| version < name.len()).unwrap_or(name);
    let date = digits(unversioned);
    if unversioned.len() - date == 8 { &unversioned[..date] } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambda_dates_its_calls() {
        for (name, expected) in [
            ("AddPermission20150331v2", "AddPermission"),
            ("CreateFunction20150331", "CreateFunction"),
            ("AddPermission", "AddPermission"),
            ("UpdateFunctionCode2", "UpdateFunctionCode2"),
            ("20150331v2", ""),
            ("v", "v"),
            ("", ""),
        ] {
            assert_eq!(undated(name), expected);
        }
    }
}
