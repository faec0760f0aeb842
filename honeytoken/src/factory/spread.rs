//! Tokens are spread over the accounts: each goes where there is most room.

use std::sync::{Mutex, PoisonError};

/// How many users each account has room for, by its place among the accounts.
#[derive(Debug)]
pub(crate) struct Spread(Mutex<Vec<u64>>);

impl Spread {
    pub(crate) fn new(rooms: Vec<u64>) -> Self {
        Self(Mutex::new(rooms))
    }

    /// Takes room for one: where there is most, and of several such the first. `None`: there is none.
    pub(crate) fn take(&self) -> Option<usize> {
        self.with(|rooms| {
            // The last of several equal ones is what `max_by_key` answers with.
            let (at, room) = rooms.iter_mut().enumerate().rev().max_by_key(|(_, room)| **room)?;
            *room = room.checked_sub(1)?;
            Some(at)
        })
    }

    /// Gives room back that was not used. An account that turned out to be full stays so.
    pub(crate) fn give_back(&self, at: usize) {
        self.with(|rooms| {
            if let Some(room) = rooms.get_mut(at).filter(|room| **room > 0) {
                *room += 1;
            }
        });
    }

    /// The account takes no more. Answers whether that is news.
    pub(crate) fn full(&self, at: usize) -> bool {
        self.with(|rooms| rooms.get_mut(at).is_some_and(|room| std::mem::take(room) > 0))
    }

    fn with<T>(&self, change: impl FnOnce(&mut Vec<u64>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(spread: &Spread, how_many: usize) -> Vec<Option<usize>> {
        (0..how_many).map(|_| spread.take()).collect()
    }

    #[test]
    fn each_goes_where_there_is_most_room() {
        let spread = Spread::new(vec![1, 3, 2]);
        let taken = [Some(1), Some(1), Some(2), Some(0), Some(1), Some(2), None, None];
        assert_eq!(take(&spread, taken.len()), taken);
        assert_eq!(take(&Spread::new(vec![]), 1), [None]);
        let spread = Spread::new(vec![5000, 5000, 5000]);
        let mut counts = [0; 3];
        for at in take(&spread, 999).into_iter().flatten() {
            counts[at] += 1;
        }
        assert_eq!(counts, [333; 3]);
    }

    #[test]
    fn one_that_is_full_stays_full() {
        let spread = Spread::new(vec![9, 2]);
        assert_eq!(spread.take(), Some(0));
        assert!(spread.full(0));
        spread.give_back(0);
        assert!(!spread.full(0));
        assert_eq!(take(&spread, 3), [Some(1), Some(1), None]);
    }

    #[test]
    fn room_that_was_not_used_is_used_by_others() {
        let spread = Spread::new(vec![3]);
        assert_eq!(take(&spread, 2), [Some(0), Some(0)]);
        spread.give_back(0);
        assert_eq!(take(&spread, 3), [Some(0), Some(0), None]);
    }
}
