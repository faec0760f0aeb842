//! What of a digest has room in one document: the worst of all accounts first, in the digest's own order.
//!
//! What is read goes by [`pack`](super::pack), which knows of headings and of several messages. This is for programs: a first
//! account with a thousand small matters must not push out what is critical in the last.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::digest::{Digest, Group};
use crate::entry::Entry;

/// What has room.
#[derive(Debug)]
pub(crate) struct Kept<'a> {
    /// The accounts of which anything is told, each with what its entries are in the document.
    pub(crate) accounts: Vec<(&'a Group, Vec<String>)>,
    /// What did not fit.
    pub(crate) left: Vec<&'a Entry>,
}

/// Keeps what fits into `max` bytes: an entry takes what `render` makes of it and a byte to part it from the next, an
/// account takes `over`.
pub(crate) fn keep(digest: &Digest, max: usize, over: usize, render: impl Fn(&Entry) -> String) -> Kept<'_> {
    let places = digest.groups.iter().enumerate().flat_map(|(account, group)| {
        group.entries.iter().enumerate().map(move |(place, entry)| (account, place, group, entry.as_ref()))
    });
    let mut order: Vec<(usize, usize, &Group, &Entry)> = places.collect();
    order.sort_by_key(|(.., entry)| Reverse(entry.weight()));
    let mut kept: BTreeMap<usize, (&Group, BTreeMap<usize, String>)> = BTreeMap::new();
    let (mut size, mut left) = (0, Vec::new());
    for (account, place, group, entry) in order {
        let block = render(entry);
        let head = if kept.contains_key(&account) { 0 } else { over };
        // One that is far too long does not keep out the shorter ones behind it.
        if size + head + block.len() < max {
            size += head + block.len() + 1;
            kept.entry(account).or_insert_with(|| (group, BTreeMap::new())).1.insert(place, block);
        } else {
            left.push(entry);
        }
    }
    let accounts = kept.into_values().map(|(group, entries)| (group, entries.into_values().collect()));
    Kept { accounts: accounts.collect(), left }
}

#[cfg(test)]
mod tests {
    use common::record::{Finding, Severity};
    use common::settings::Settings;

    use super::*;
    use crate::group::Groups;
    use crate::samples;

    #[test]
    fn the_worst_of_all_accounts_comes_first_and_the_order_stays() {
        let mut groups = Groups::default();
        for (account, severity) in [("111122223333", Severity::Low), ("444455556666", Severity::Critical)] {
            for index in 0..10 {
                let account = account.parse().unwrap();
                let id = format!("b{index}");
                groups.finding(Finding { account, severity, ..samples::finding(&id, severity) });
            }
        }
        let digest = samples::digest(groups, &Settings::default());
        // The fourth of each is far too long.
        let render =
            |entry: &Entry| entry.place.chars().take(if entry.place.contains(":b3 ") { 30 } else { 15 }).collect();
        let (critical, low) = ("444455556666", "111122223333");
        for (max, expected, left) in [
            (0, vec![], 20),
            (27, vec![(critical, 1)], 19),
            (175, vec![(critical, 9)], 11),
            (200, vec![(critical, 10)], 10),
            (215, vec![(critical, 10), (low, 1)], 9),
            (2_000, vec![(critical, 10), (low, 10)], 0),
        ] {
            let told = keep(&digest, max, 10, render);
            let counts = told.accounts.iter().map(|(group, entries)| (group.account.as_str(), entries.len()));
            assert_eq!((counts.collect::<Vec<_>>(), told.left.len()), (expected, left), "{max}");
            assert!(told.accounts.iter().all(|(_, entries)| entries.is_sorted()));
        }
    }
}
