//! Temporary keys that were used lately and are nobody's, as far as is known: CloudTrail's files have no order, so that what a
//! session did may be read before the call by which a token got it.

use std::hash::{BuildHasher, RandomState};

/// How many are remembered, about: the latest ones, in half a megabyte.
const MOST: usize = 1 << 16;

/// What is known of them: a fingerprint each, which a later one with the same place takes the place of.
#[derive(Debug)]
pub(super) struct Strangers {
    state: RandomState,
    prints: Vec<u64>,
}

impl Default for Strangers {
    fn default() -> Self {
        Self { state: RandomState::new(), prints: vec![0; MOST] }
    }
}

impl Strangers {
    /// Such a key was used.
    pub(super) fn note(&mut self, key: &str) {
        let (place, print) = self.print(key);
        if let Some(known) = self.prints.get_mut(place) {
            *known = print;
        }
    }

    /// Whether it was, lately.
    pub(super) fn has(&self, key: &str) -> bool {
        let (place, print) = self.print(key);
        self.prints.get(place) == Some(&print)
    }

    fn print(&self, key: &str) -> (usize, u64) {
        // None is 0, which stands for nobody.
        let print = self.state.hash_one(key) | 1 << 63;
        (usize::try_from(print).unwrap_or_default() % MOST, print)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_of_lately_are_known_and_nobody_else_is() {
        let mut strangers = Strangers::default();
        let key = |number: usize| format!("ASIA{number:016}");
        assert!((0..1000).all(|number| !strangers.has(&key(number))));
        for number in 0..1000 {
            strangers.note(&key(number));
        }
        // Two of a thousand may have the same place.
        assert!((0..1000).filter(|number| strangers.has(&key(*number))).count() > 950);
        assert!(strangers.has(&key(999)));
        assert!((1000..100_000).all(|number| !strangers.has(&key(number))));
        for number in 0..2_000_000 {
            strangers.note(&key(number));
        }
        assert!(!strangers.has(&key(0)) && strangers.prints.len() == MOST);
    }
}
