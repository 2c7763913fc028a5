//! When to stop: Ctrl-C, or the polite signal of a service manager.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens for the wish to stop from the moment it is made, so that a signal which comes while
/// things still start is not missed.
#[derive(Debug)]
pub(crate) struct StopSignal {
    #[cfg(unix)]
    interrupt: Signal,
    #[cfg(unix)]
    terminate: Signal,
}

#[cfg(unix)]
impl StopSignal {
    /// Starts to listen. From here on neither signal ends the process by itself.
    pub(crate) fn listen() -> io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    /// Completes at the first Ctrl-C or SIGTERM.
    pub(crate) async fn received(&mut self) -> io::Result<()> {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        Ok(())
    }
}

#[cfg(not(unix))]
impl StopSignal {
    /// Starts to listen.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Completes at the first Ctrl-C.
    pub(crate) async fn received(&mut self) -> io::Result<()> {
        tokio::signal::ctrl_c().await
    }
}
