//! When somebody wants the run to end.

use std::sync::Arc;

use common::aws::terminated;

use crate::wait::Stop;

/// Ctrl-C and SIGTERM: the calls of what is under way are made and looked after once, the rest is not begun.
pub(crate) fn watch(stop: Arc<Stop>) {
    tokio::spawn(async move {
        terminated().await;
        stop.set();
    });
}
