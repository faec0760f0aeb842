//! When somebody wants the run to end.

use std::sync::Arc;

use crate::wait::Stop;

/// Ctrl-C and SIGTERM: the calls of what is under way are made and looked after once, the rest is not begun.
pub(crate) fn watch(stop: Arc<Stop>) {
    tokio::spawn(async move {
        terminated().await;
        stop.set();
    });
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut term) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = term.recv() => {}
    }
}

#[cfg(not(unix))]
async fn terminated() {
    let _ = tokio::signal::ctrl_c().await;
}
