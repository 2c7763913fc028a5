//! One WebSocket connection as the rest of the venue sees it: a bounded queue that is never waited
//! for, and a ping that proves the client has read what was queued before it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures_util::future::join_all;
use tokio::sync::{Notify, mpsc, watch};

/// Frames that may wait for one client; beyond it the client is too slow and is let go.
const QUEUE_MAX: usize = 4_096;
/// How long one frame may take to leave.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to answer the ping of a replay's step.
const BARRIER_TIMEOUT: Duration = Duration::from_secs(5);

/// The venue's end of a connection.
#[derive(Debug)]
pub(crate) struct Link {
    queue: mpsc::Sender<Message>,
    slow: Notify,
    /// The newest ping that was answered.
    answered: watch::Sender<u64>,
    in_barrier: AtomicBool,
    /// Whether something was queued since the last ping.
    unproven: AtomicBool,
    next_ping: AtomicU64,
}

/// A connection that could not take one more frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooSlow;

impl Link {
    /// A link and the queue that its connection empties.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Message>) {
        let (queue, receiver) = mpsc::channel(QUEUE_MAX);
        let link = Self {
            queue,
            slow: Notify::new(),
            answered: watch::Sender::new(0),
            in_barrier: AtomicBool::new(true),
            unproven: AtomicBool::new(false),
            next_ping: AtomicU64::new(0),
        };
        (link, receiver)
    }

    /// Queues a frame without waiting; a full queue ends the connection.
    pub(crate) fn send(&self, message: Message) -> Result<(), TooSlow> {
        self.unproven.store(true, Ordering::Release);
        match self.queue.try_send(message) {
            // A closed queue belongs to a client that left by itself.
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.slow.notify_one();
                Err(TooSlow)
            }
        }
    }

    /// Completes when the connection has to be ended because its client is too slow.
    pub(crate) async fn is_slow(&self) {
        self.slow.notified().await;
    }

    /// Takes note of a pong.
    pub(crate) fn pong(&self, payload: &[u8]) {
        if let Ok(bytes) = <[u8; 8]>::try_from(payload) {
            self.answered.send_replace(u64::from_be_bytes(bytes));
        }
    }

    /// Waits until the client has read everything that was queued before this call. A client that
    /// does not answer in time is left out from then on.
    async fn settle(&self) {
        if !self.in_barrier.load(Ordering::Acquire) || !self.unproven.swap(false, Ordering::AcqRel)
        {
            return;
        }
        let ping = self.next_ping.fetch_add(1, Ordering::AcqRel) + 1;
        let mut answered = self.answered.subscribe();
        let exchange = async {
            let frame = Message::Ping(ping.to_be_bytes().to_vec().into());
            if self.queue.send(frame).await.is_err() {
                return;
            }
            tokio::select! {
                // The sender of this watch is the link itself, so waiting cannot fail.
                _answered = answered.wait_for(|newest| *newest >= ping) => {}
                () = self.queue.closed() => {}
            }
        };
        if tokio::time::timeout(BARRIER_TIMEOUT, exchange).await.is_err() {
            self.in_barrier.store(false, Ordering::Release);
            tracing::warn!(
                timeout_s = BARRIER_TIMEOUT.as_secs(),
                "a client did not answer a ping, the replay no longer waits for it"
            );
        }
    }
}

/// Waits until every one of these clients has read what was queued for it.
pub(crate) async fn barrier(links: impl IntoIterator<Item = impl AsRef<Link>>) {
    let links: Vec<_> = links.into_iter().collect();
    join_all(links.iter().map(|link| link.as_ref().settle())).await;
}

/// Writes one frame, within a time limit.
pub(crate) async fn write(socket: &mut WebSocket, message: Message) -> Result<(), TooSlow> {
    match tokio::time::timeout(SEND_TIMEOUT, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(TooSlow),
    }
}

/// Says goodbye, if the client still listens.
pub(crate) async fn close(socket: &mut WebSocket, reason: &'static str) {
    let frame = CloseFrame { code: close_code::NORMAL, reason: reason.into() };
    // The connection ends here whether or not the client hears it.
    if write(socket, Message::Close(Some(frame))).await.is_err() {
        tracing::debug!(reason, "a client left before the close frame");
    }
}
