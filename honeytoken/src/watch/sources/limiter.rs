//! Calls at a rate that is never exceeded.

use std::time::Duration;

use common::aws::AwsError;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// How often a call that failed for a while is made again.
const AGAIN: u32 = 6;
/// How long to wait at most before that.
const LONGEST_REST: Duration = Duration::from_secs(30);

/// What time it is, and waiting: a test has a clock of its own.
pub(super) trait Clock: Send + Sync {
    fn now(&self) -> Instant;
    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + Send;
}

/// Everybody's time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Real;

impl Clock for Real {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + Send {
        sleep_until(at)
    }
}

/// Lets one call after the other go, with at least so much time between their starts.
#[derive(Debug)]
pub(super) struct Limiter<C = Real> {
    clock: C,
    every: Duration,
    last: Mutex<Option<Instant>>,
}

impl<C: Clock> Limiter<C> {
    pub(super) fn new(clock: C, every: Duration) -> Self {
        Self { clock, every, last: Mutex::default() }
    }

    /// Waits for the next call's turn. The time that counts is that at which the one before was let go, not that at which it
    /// was meant to be: who wakes late does not push the next one closer.
    pub(super) async fn turn(&self) {
        let mut last = self.last.lock().await;
        if let Some(last) = *last {
            self.clock.sleep_until(last + self.every).await;
        }
        *last = Some(self.clock.now());
    }

    /// Makes a call, and again where it failed for a while, each time in its turn. The client must not do that by itself.
    ///
    /// # Errors
    ///
    /// What lasts, at once; what does not, after some tries.
    pub(super) async fn call<T, F>(&self, call: impl Fn() -> F + Send) -> Result<T, AwsError>
    where
        F: Future<Output = Result<T, AwsError>> + Send,
        T: Send,
    {
        let mut tries = 0;
        loop {
            self.turn().await;
            match call().await {
                Err(error) if tries < AGAIN && !error.is_lasting() => {
                    tries += 1;
                    let rest = Duration::from_secs(1 << tries).min(LONGEST_REST);
                    self.clock.sleep_until(self.clock.now() + rest).await;
                }
                answer => return answer,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as StdMutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;

    use super::*;

    /// A clock that goes as far as somebody sleeps; each sleeper wakes a little late.
    #[derive(Debug)]
    struct Virtual(StdMutex<Instant>);

    impl Clock for &Virtual {
        fn now(&self) -> Instant {
            *self.0.lock().unwrap()
        }

        async fn sleep_until(&self, at: Instant) {
            let mut now = self.0.lock().unwrap();
            *now = at.max(*now) + Duration::from_millis(3);
        }
    }

    #[tokio::test]
    async fn no_second_has_more_calls_than_it_may_whatever_fails() {
        let clock = &Virtual(StdMutex::new(Instant::now()));
        let limiter = Limiter::new(clock, Duration::from_millis(550));
        let (calls, starts) = (AtomicUsize::new(0), StdMutex::new(Vec::new()));
        let call = || async {
            starts.lock().unwrap().push((&clock).now());
            match calls.fetch_add(1, Ordering::SeqCst) % 3 {
                0 => Err(AwsError::of("cloudtrail:LookupEvents", "ThrottlingException", "Rate exceeded")),
                _ => Ok(()),
            }
        };
        // Several at once share the rate, too.
        let answers = join_all((0..40).map(|_| limiter.call(call))).await;
        assert!(answers.iter().all(Result::is_ok));
        let starts = starts.into_inner().unwrap();
        assert!(starts.len() > 50, "{}", starts.len());
        for window in starts.windows(3) {
            assert!(window[2] - window[0] > Duration::from_secs(1), "three within {:?}", window[2] - window[0]);
        }
    }

    #[tokio::test]
    async fn what_lasts_is_not_tried_again_and_what_does_not_is_given_up_some_time() {
        for (code, expected) in [("AccessDeniedException", 1), ("ThrottlingException", 7), ("InternalError", 7)] {
            let clock = &Virtual(StdMutex::new(Instant::now()));
            let limiter = Limiter::new(clock, Duration::from_millis(550));
            let calls = AtomicUsize::new(0);
            let answer = limiter
                .call(|| async {
                    calls.fetch_add(1, Ordering::SeqCst);
                    Err::<(), _>(AwsError::of("cloudtrail:LookupEvents", code, "no"))
                })
                .await;
            assert_eq!((answer.unwrap_err().code(), calls.into_inner()), (code, expected));
        }
    }
}
