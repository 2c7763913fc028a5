//! What both streams share: connecting, liveness by message age, pauses between tries.

use futures_util::StreamExt as _;
use std::time::Duration;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error as WireError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

/// How long a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A socket without a frame for this long is dead, whatever its state says.
const SILENCE_MAX: Duration = Duration::from_secs(45);

/// A ping after this much silence, so that a quiet market is not taken for a dead socket.
pub(super) const PING_AFTER: Duration = Duration::from_secs(15);

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Why a stream ended.
#[derive(Debug, Error)]
pub(crate) enum StreamError {
    /// The connection could not be opened in time.
    #[error("no connection to {url} within {} s", CONNECT_TIMEOUT.as_secs())]
    ConnectTimedOut {
        /// Where to.
        url: String,
    },
    /// The connection could not be opened, or broke.
    #[error("{url}: {source}")]
    Wire {
        /// Where to.
        url: String,
        /// What happened.
        source: Box<WireError>,
    },
    /// The other side closed the connection.
    #[error("{url}: closed by the other side")]
    Closed {
        /// Where to.
        url: String,
    },
    /// Nothing came for too long.
    #[error("{url}: silent for {} s", SILENCE_MAX.as_secs())]
    Silent {
        /// Where to.
        url: String,
    },
    /// The other side refused us, or spoke another protocol.
    #[error("{url}: {reason}")]
    Refused {
        /// Where to.
        url: String,
        /// In its words.
        reason: String,
    },
}

/// Pauses between tries: each twice the one before, with jitter, up to a longest one.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    min: Duration,
    max: Duration,
    tries: u32,
    seed: u64,
}

impl Backoff {
    /// `seed` spreads the tries of many clients.
    pub(crate) fn new(min: Duration, max: Duration, seed: u64) -> Self {
        Self { min, max, tries: 0, seed }
    }

    /// It worked: the next pause is the shortest again.
    pub(crate) fn reset(&mut self) {
        self.tries = 0;
    }

    /// The next pause: between half of it and all of it.
    pub(crate) fn pause(&mut self) -> Duration {
        let full = self.min.saturating_mul(2_u32.saturating_pow(self.tries.min(16))).min(self.max);
        self.tries = self.tries.saturating_add(1);
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let part = u32::try_from(self.seed >> 33).unwrap_or(0) % 512;
        full / 2 + (full / 2) * part / 512
    }
}

pub(super) async fn open(url: &str) -> Result<Socket, StreamError> {
    // Small frames are sent at once (TCP_NODELAY): a pong that waits holds up a whole replay.
    let connect = connect_async_with_config(url, None, true);
    match tokio::time::timeout(CONNECT_TIMEOUT, connect).await {
        Ok(Ok((socket, _response))) => Ok(socket),
        Ok(Err(source)) => Err(wire(url, source)),
        Err(_elapsed) => Err(StreamError::ConnectTimedOut { url: url.to_owned() }),
    }
}

/// The next frame with content; pings are answered by the library.
pub(super) async fn next_frame(socket: &mut Socket, url: &str) -> Result<Vec<u8>, StreamError> {
    loop {
        match tokio::time::timeout(SILENCE_MAX, socket.next()).await {
            Ok(Some(Ok(Message::Text(text)))) => return Ok(text.as_bytes().to_vec()),
            Ok(Some(Ok(Message::Binary(bytes)))) => return Ok(bytes.to_vec()),
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)))) => {}
            Ok(Some(Ok(Message::Close(_))) | None) => {
                return Err(StreamError::Closed { url: url.to_owned() });
            }
            Ok(Some(Err(source))) => return Err(wire(url, source)),
            Err(_elapsed) => return Err(StreamError::Silent { url: url.to_owned() }),
        }
    }
}

pub(super) fn wire(url: &str, source: WireError) -> StreamError {
    StreamError::Wire { url: url.to_owned(), source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_and_start_again_after_success() {
        let (min, max) = (Duration::from_millis(100), Duration::from_secs(1));
        let mut backoff = Backoff::new(min, max, 7);
        for full in [100, 200, 400, 800, 1_000, 1_000] {
            let pause = backoff.pause();
            let full = Duration::from_millis(full);
            assert!(pause >= full / 2 && pause <= full, "{pause:?} of {full:?}");
        }
        backoff.reset();
        assert!(backoff.pause() <= min);
    }
}
