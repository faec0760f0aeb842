//! How much is said of an input that is not understood: so much an hour, since a watch runs for months, and whoever sends rubbish
//! must neither fill the log nor keep it from saying anything any more.

use std::time::{Duration, Instant};

/// How many complaints are said one by one in an hour.
const MOST: u64 = 100;
/// After what time others are said.
const HOUR: Duration = Duration::from_hours(1);

/// What was complained of in this hour.
#[derive(Debug)]
pub(super) struct Complaints {
    since: Instant,
    count: u64,
}

impl Complaints {
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, count: 0 }
    }

    /// One more: whether it is said.
    pub(super) fn is_said(&mut self) -> bool {
        self.count += 1;
        self.count <= MOST
    }

    /// How many were not said, where the hour is over: another one begins.
    pub(super) fn hour(&mut self, now: Instant) -> Option<u64> {
        if now.duration_since(self.since) < HOUR {
            return None;
        }
        let unsaid = self.unsaid();
        *self = Self::new(now);
        unsaid
    }

    /// How many were not said.
    pub(super) fn unsaid(&self) -> Option<u64> {
        self.count.checked_sub(MOST).filter(|unsaid| *unsaid > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hour_has_its_own_complaints_and_none_is_forgotten() {
        let start = Instant::now();
        let mut complaints = Complaints::new(start);
        let said = |complaints: &mut Complaints, count: u64| (0..count).filter(|_| complaints.is_said()).count();
        assert_eq!(said(&mut complaints, 100), 100);
        assert_eq!(complaints.unsaid(), None);
        assert_eq!(said(&mut complaints, 7), 0);
        assert_eq!(complaints.hour(start + HOUR / 2), None);
        assert_eq!((complaints.unsaid(), said(&mut complaints, 1)), (Some(7), 0));
        assert_eq!(complaints.hour(start + HOUR), Some(8));
        assert_eq!((complaints.unsaid(), said(&mut complaints, 1)), (None, 1));
        assert_eq!(complaints.hour(start + HOUR * 2), None, "all of that hour were said");
    }
}
