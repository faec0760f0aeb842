//! How fast IAM is called.
//!
//! IAM's rates are not published, differ from call to call, and are shared by all who call it in an account. So nothing is held
//! back until IAM says `Throttling`; from then on calls are spread over time, at a rate that grows with each one that goes well
//! and is halved, at most once a second, by one that does not. That settles around what IAM bears. A call that was throttled is
//! made again after a pause of its own as well, of a length that is drawn by lot (full jitter,
//! <https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/>): all that were refused together must not
//! come back together.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use common::aws::AwsError;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How many calls of one account may be under way at once.
const AT_ONCE: usize = 16;
/// Calls a second after the first that was throttled.
const FIRST: f64 = 10.0;
/// It is never slower than this: the pauses of the single calls do the rest.
const SLOWEST: f64 = 2.0;
/// From this rate on nothing is held back: so many calls are never under way.
const UNBOUNDED: f64 = 500.0;
/// What each call that goes well adds.
const GROWTH: f64 = 1.0;
/// Calls that are throttled together are one sign that it was too fast.
const ONE_SIGN: Duration = Duration::from_secs(1);
/// The first pause of a call is at most this long, and each next one at most twice as long as the one before ...
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);
/// ... up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// The pace of the calls of one kind in one account.
#[derive(Debug)]
pub(super) struct Pace {
    slots: Semaphore,
    rate: Mutex<Rate>,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { slots: Semaphore::new(AT_ONCE), rate: Mutex::default() }
    }

    /// Waits until the next call may be made; it may take as long as the answer is held.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        let at = self.with(|rate| rate.turn(Instant::now()));
        if let Some(at) = at {
            tokio::time::sleep_until(at.into()).await;
        }
        // Nobody closes it; without it there is one call more under way.
        self.slots.acquire().await.ok()
    }

    /// A call was throttled.
    pub(super) fn too_fast(&self) {
        self.with(|rate| rate.too_fast(Instant::now()));
    }

    /// A call was not throttled.
    pub(super) fn went_through(&self) {
        self.with(Rate::went_through);
    }

    fn with<T>(&self, change: impl FnOnce(&mut Rate) -> T) -> T {
        change(&mut self.rate.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Calls a second, where they are held back.
#[derive(Debug, Default)]
struct Rate {
    bound: Option<Bound>,
}

#[derive(Clone, Copy, Debug)]
struct Bound {
    per_second: f64,
    /// When the next call may be made.
    next: Instant,
    /// When it was made slower last.
    slowed: Instant,
}

impl Rate {
    /// When a call may be made that somebody wants to make now.
    fn turn(&mut self, now: Instant) -> Option<Instant> {
        let bound = self.bound.as_mut()?;
        let at = bound.next.max(now);
        bound.next = at + Duration::from_secs_f64(1.0 / bound.per_second);
        Some(at)
    }

    fn too_fast(&mut self, now: Instant) {
        match &mut self.bound {
            None => self.bound = Some(Bound { per_second: FIRST, next: now, slowed: now }),
            Some(bound) if now.duration_since(bound.slowed) >= ONE_SIGN => {
                bound.per_second = (bound.per_second / 2.0).max(SLOWEST);
                bound.slowed = now;
            }
            Some(_) => {}
        }
    }

    fn went_through(&mut self) {
        if let Some(bound) = &mut self.bound {
            bound.per_second += GROWTH;
            if bound.per_second > UNBOUNDED {
                self.bound = None;
            }
        }
    }
}

/// For how long a call pauses that was refused so often, the first time being 0.
pub(super) fn pause(refused: u32) -> Duration {
    let longest = SHORTEST_PAUSE.saturating_mul(2_u32.saturating_pow(refused)).min(LONGEST_PAUSE);
    longest.mul_f64(lot())
}

/// From 0 to 1. Without randomness, which no system lacks, the middle.
fn lot() -> f64 {
    getrandom::u32().map_or(0.5, |drawn| f64::from(drawn) / f64::from(u32::MAX))
}

/// Whether IAM did not do it because it was asked too often, as the SDK's own list has it:
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html>. (`LimitExceeded` is none of these: that is a quota.)
pub(crate) fn is_throttled(error: &AwsError) -> bool {
    matches!(
        error.code(),
        "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "RequestLimitExceeded"
            | "TooManyRequestsException"
            | "SlowDown"
            | "PriorRequestNotComplete"
    )
}

/// Whether IAM did not do it because another change of the same thing is under way.
pub(super) fn is_in_the_way(error: &AwsError) -> bool {
    matches!(error.code(), "ConcurrentModification" | "EntityTemporarilyUnmodifiable")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many calls go through and how many are throttled, second by second, where IAM bears `bears` a second and as many
    /// callers as are allowed ask all the time.
    fn seconds(bears: f64, how_many: u64) -> Vec<(u32, u32)> {
        let mut rate = Rate::default();
        let start = Instant::now();
        let mut now = start;
        let mut room = bears;
        let mut counted = vec![(0, 0); usize::try_from(how_many).unwrap()];
        while let Some(second) = counted.get_mut(usize::try_from((now - start).as_secs()).unwrap()) {
            // Without a bound a call takes 3 ms: 16 of 50 ms each.
            let next = rate.turn(now).unwrap_or(now).max(now + Duration::from_millis(3));
            room = (room + (next - now).as_secs_f64() * bears).min(bears);
            now = next;
            if room >= 1.0 {
                room -= 1.0;
                second.0 += 1;
                rate.went_through();
            } else {
                second.1 += 1;
                rate.too_fast(now);
            }
        }
        counted
    }

    #[test]
    fn nothing_is_held_back_until_it_is_throttled() {
        let mut rate = Rate::default();
        for _ in 0..100 {
            assert_eq!(rate.turn(Instant::now()), None);
            rate.went_through();
        }
    }

    #[test]
    fn it_settles_around_what_iam_bears() {
        for bears in [5.0, 20.0, 100.0] {
            let settled = &seconds(bears, 60)[20..];
            let through: u32 = settled.iter().map(|(through, _)| through).sum();
            let throttled: u32 = settled.iter().map(|(_, throttled)| throttled).sum();
            let share = f64::from(through) / (bears * 40.0);
            assert!(share > 0.85, "{bears} a second: {share} of them are used");
            assert!(throttled < through * 3 / 4, "{bears} a second: {throttled} throttled, {through} not");
        }
    }

    #[test]
    fn many_that_are_throttled_together_are_one_sign() {
        let (mut rate, start) = (Rate::default(), Instant::now());
        let per_second = |rate: &Rate| rate.bound.map(|bound| bound.per_second);
        for (after, expected) in [(0, FIRST), (10, FIRST), (999, FIRST), (1000, FIRST / 2.0), (1500, FIRST / 2.0)] {
            rate.too_fast(start + Duration::from_millis(after));
            assert_eq!(per_second(&rate), Some(expected), "after {after} ms");
        }
        for second in 3..20 {
            rate.too_fast(start + Duration::from_secs(second));
        }
        assert_eq!(per_second(&rate), Some(SLOWEST));
        let (first, second) = (rate.turn(start).unwrap(), rate.turn(start).unwrap());
        assert_eq!(second - first, Duration::from_secs_f64(1.0 / SLOWEST));
        for _ in 0..600 {
            rate.went_through();
        }
        assert_eq!(per_second(&rate), None, "and in the end it is as fast as ever");
    }

    #[test]
    fn pauses_are_drawn_by_lot_and_have_an_end() {
        for (refused, longest) in
            [(0, SHORTEST_PAUSE), (3, SHORTEST_PAUSE * 8), (20, LONGEST_PAUSE), (900, LONGEST_PAUSE)]
        {
            let drawn: Vec<_> = (0..20).map(|_| pause(refused)).collect();
            assert!(drawn.iter().all(|it| *it <= longest), "{refused}: {drawn:?}");
            assert!(drawn.iter().any(|it| *it != drawn[0]), "{refused}: {drawn:?}");
        }
    }

    #[test]
    fn a_quota_is_not_a_rate() {
        for (code, throttled, in_the_way) in [
            ("Throttling", true, false),
            ("LimitExceeded", false, false),
            ("ServiceFailure", false, false),
            ("ConcurrentModification", false, true),
            ("EntityTemporarilyUnmodifiable", false, true),
        ] {
            let error = AwsError::of("iam:CreateUser", code, "no");
            assert_eq!((is_throttled(&error), is_in_the_way(&error)), (throttled, in_the_way), "{code}");
        }
    }
}
