//! When to stop: Ctrl-C, or the polite signal of a service manager.

/// Completes at the first Ctrl-C or SIGTERM.
#[cfg(unix)]
pub(crate) async fn stop_requested() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Completes at the first Ctrl-C.
#[cfg(not(unix))]
pub(crate) async fn stop_requested() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
