//! Background tasks: the one place where they start, and how they hear that the venue stops.

use std::future::Future;

use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Starts a task of the server: a connection, a feed, the listener. Each ends on the venue's stop
/// signal, so that `Venue::stop` leaves nothing behind.
#[expect(
    clippy::disallowed_methods,
    reason = "the venue is a server of its own beside the engine's actors; it ends its tasks itself"
)]
pub(crate) fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(future)
}

/// Completes when the venue stops, or when its owner is gone.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        tracing::debug!("the venue's owner is gone");
    }
}
