//! Waiting: until a change may be seen, and not a moment longer than the run goes on.

use std::time::Duration;

use tokio::sync::watch;

/// Whether the run is to end: then nothing new is begun, and nothing is waited for.
#[derive(Debug)]
pub(crate) struct Stop(watch::Sender<bool>);

impl Stop {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(crate) fn set(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// What comes of work that may be left off half-way; `None` where the run is to end first.
    pub(crate) async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut stop = self.0.subscribe();
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => None,
            done = work => Some(done),
        }
    }
}

/// The pauses between looks at something that is to change: short at first, since most changes are seen at once, then
/// twice as long each time, up to half a minute. Together they are not longer than the patience.
pub(crate) fn pauses(patience: Duration) -> impl Iterator<Item = Duration> {
    let growing = (0..8).map(|times| Duration::from_millis(250 << times));
    let mut waited = Duration::ZERO;
    growing.chain(std::iter::repeat(Duration::from_secs(30))).take_while(move |pause| {
        waited += *pause;
        waited <= patience
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_add_up_to_the_patience() {
        let seconds = |patience: u64| -> Vec<f64> {
            pauses(Duration::from_secs(patience)).map(|pause| pause.as_secs_f64()).collect()
        };
        assert_eq!(seconds(0), [0.0; 0]);
        assert_eq!(seconds(32), [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0]);
        assert_eq!(seconds(64), [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0]);
        let long = seconds(20 * 60);
        assert_eq!(long[7..10], [32.0, 30.0, 30.0]);
        let waited: f64 = long.iter().sum();
        assert!((20.0 * 60.0 - 30.0..=20.0 * 60.0).contains(&waited), "{waited}");
    }

    #[tokio::test]
    async fn no_wait_outlasts_the_run() {
        let stop = Stop::new();
        assert_eq!(stop.or(async { 1 }).await, Some(1));
        let wait = stop.or(std::future::pending::<()>());
        let end = async {
            tokio::task::yield_now().await;
            stop.set();
        };
        let both = async { tokio::join!(wait, end) };
        let (waited, ()) = tokio::time::timeout(Duration::from_secs(10), both).await.unwrap();
        assert_eq!(waited, None);
        assert!(stop.is_set());
        assert_eq!(stop.or(async { 1 }).await, None, "nor is anything begun after it");
    }
}
