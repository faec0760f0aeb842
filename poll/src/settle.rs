//! `--settle`: waiting for what AWS is still at work on.
//!
//! A database that is being made has no address yet, and one that is being modified has the old one still: neither can be
//! judged. Each such resource is looked at again, until it has settled or the limit is reached; what is known of it then
//! is written. Its listing's `scope` record waits as well, so that it stays behind the listing's resources.

use std::time::Duration;

use common::aws::Session;
use common::record::Resource;
use common::settings::Period;
use tokio::time::{Instant, sleep_until};

use crate::types::{Look, look};

/// How long to wait before each look; the last goes for all that follow.
const PAUSES: [u64; 6] = [1, 2, 4, 8, 15, 30];

/// Until when to wait: one limit for the whole run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settle {
    until: Instant,
}

impl Settle {
    /// Waits for so long, from now on.
    pub(crate) fn within(limit: Period) -> Self {
        Self { until: Instant::now() + limit.get().unsigned_abs() }
    }

    /// The resource when it has settled, or as it was seen last when the time is up; nothing where it is gone.
    ///
    /// A look that fails is made again: what was seen before is better than nothing, and says itself that it is not settled.
    pub(crate) async fn wait(self, session: &Session, mut resource: Resource) -> Option<Resource> {
        let reference = resource.reference();
        for pause in PAUSES.into_iter().chain(std::iter::repeat(PAUSES[PAUSES.len() - 1])) {
            let next = Instant::now() + Duration::from_secs(pause);
            if resource.settled || Instant::now() >= self.until {
                break;
            }
            // A last look at the very end, instead of one that is never made.
            sleep_until(next.min(self.until)).await;
            match look(session, &reference).await {
                Ok(Look::Found(found)) => resource = *found,
                Ok(Look::Gone) => return None,
                Err(_) => {}
            }
        }
        Some(resource)
    }
}
