//! When somebody wants the run to end.

/// Ctrl-C and SIGTERM. From the first time that this is awaited they no longer end the process by themselves.
#[cfg(unix)]
pub async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut term) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = term.recv() => {}
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
pub async fn terminated() {
    let _ = tokio::signal::ctrl_c().await;
}
