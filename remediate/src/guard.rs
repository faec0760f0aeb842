//! How much one run may do. Beyond it nothing is done, and the plan is printed.

use std::collections::{BTreeMap, BTreeSet};

use common::reference::Reference;

/// Percentages say nothing of a handful of resources: one of two is half of all.
const PERCENT_COUNTS_ABOVE: usize = 5;

/// The limits of one run.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// How many actions.
    pub(crate) max_actions: usize,
    /// How many per cent of a type's polled resources.
    pub(crate) max_percent: u8,
    /// How many resources of each type were polled, as the stream's scope records tell.
    pub(crate) polled: BTreeMap<String, u64>,
}

impl Limits {
    /// Which limit actions on these resources would exceed, if any.
    pub(crate) fn exceeded<'a>(&self, touched: impl Iterator<Item = &'a Reference>) -> Option<String> {
        let mut actions = 0_usize;
        let mut by_type: BTreeMap<&str, BTreeSet<&Reference>> = BTreeMap::new();
        for reference in touched {
            actions += 1;
            by_type.entry(&reference.kind).or_default().insert(reference);
        }
        if actions > self.max_actions {
            return Some(format!("{actions} actions are more than --max-actions {}", self.max_actions));
        }
        by_type.into_iter().find_map(|(kind, resources)| {
            let polled = self.polled.get(kind).copied().filter(|polled| *polled > 0)?;
            let touched = resources.len() as u64;
            let beyond = resources.len() > PERCENT_COUNTS_ABOVE
                && touched.saturating_mul(100) > polled.saturating_mul(u64::from(self.max_percent));
            beyond.then(|| {
                format!(
                    "{touched} of {polled} resources of type {kind} are more than --max-percent {}",
                    self.max_percent
                )
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references(count: usize) -> Vec<Reference> {
        let reference = |number: usize| Reference {
            account: "111122223333".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
            kind: "ec2".to_owned(),
            id: format!("i-{number}"),
        };
        (0..count).map(reference).collect()
    }

    #[test]
    fn the_limits_hold_to_the_last_action() {
        let limits = |max_actions, max_percent, polled: u64| Limits {
            max_actions,
            max_percent,
            polled: BTreeMap::from([("ec2".to_owned(), polled)]),
        };
        let rows = [
            (20, limits(20, 100, 100), None),
            (21, limits(20, 100, 100), Some("21 actions are more than --max-actions 20")),
            (10, limits(20, 10, 100), None),
            (11, limits(20, 10, 100), Some("11 of 100 resources of type ec2 are more than --max-percent 10")),
            // Of a handful, and of a number that is not known, nothing can be said.
            (5, limits(20, 10, 5), None),
            (11, limits(20, 10, 0), None),
            // Nobody has so many: the record was not poll's.
            (11, limits(20, 10, u64::MAX), None),
        ];
        for (count, limits, expected) in rows {
            let said = limits.exceeded(references(count).iter());
            match expected {
                Some(expected) => {
                    assert!(said.as_deref().is_some_and(|said| said.starts_with(expected)), "{count}: {said:?}");
                }
                None => assert_eq!(said, None, "{count}"),
            }
        }
    }

    #[test]
    fn two_actions_on_one_resource_are_one_resource() {
        let limits = Limits { max_actions: 20, max_percent: 50, polled: BTreeMap::from([("ec2".to_owned(), 12)]) };
        let twice = [references(6), references(6)].concat();
        assert_eq!(limits.exceeded(twice.iter()), None);
    }
}
