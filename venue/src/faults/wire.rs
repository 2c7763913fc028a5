//! The bytes below HTTP: a listener whose connections can be cut at a byte.
//!
//! An answer that is lost, or half a WebSocket frame, cannot be made above the server's own
//! encoding. So every connection counts down a budget of bytes once it is given one, and is gone
//! when it is used up.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::extract::FromRequestParts;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::serve::{IncomingStream, Listener};
use http::request::Parts;
use std::convert::Infallible;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// The budget of a connection that is not going to be cut.
const UNLIMITED: usize = usize::MAX;

/// A handle on one connection.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    budget: Arc<AtomicUsize>,
}

/// Accepts connections that can be cut.
#[derive(Debug)]
pub(crate) struct WireListener(TcpListener);

/// A connection that can be cut.
#[derive(Debug)]
pub(crate) struct WireStream {
    stream: TcpStream,
    wire: Wire,
}

impl Wire {
    fn new() -> Self {
        Self { budget: Arc::new(AtomicUsize::new(UNLIMITED)) }
    }

    /// Lets this many more bytes through to the client, then the connection is gone.
    pub(crate) fn cut_after(&self, bytes: usize) {
        self.budget.store(bytes, Ordering::Release);
    }

    /// Bytes that may still leave; `None` without a limit.
    fn left(&self) -> Option<usize> {
        let left = self.budget.load(Ordering::Acquire);
        (left != UNLIMITED).then_some(left)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Wire {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let known = parts.extensions.get::<ConnectInfo<Self>>();
        Ok(known.map_or_else(Self::new, |ConnectInfo(wire)| wire.clone()))
    }
}

impl Connected<IncomingStream<'_, WireListener>> for Wire {
    fn connect_info(stream: IncomingStream<'_, WireListener>) -> Self {
        stream.io().wire.clone()
    }
}

impl WireListener {
    pub(crate) fn new(listener: TcpListener) -> Self {
        Self(listener)
    }
}

impl Listener for WireListener {
    type Io = WireStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (WireStream, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Frames are small and each waits for an answer: without this a step of a replay costs the
        // 40 ms of a delayed acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its small packets back");
        }
        (WireStream { stream, wire: Wire::new() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl AsyncRead for WireStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.wire.left() == Some(0) {
            return Poll::Ready(Err(cut()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for WireStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(left) = self.wire.left() else {
            return Pin::new(&mut self.stream).poll_write(context, bytes);
        };
        let allowed = bytes.get(..left.min(bytes.len())).unwrap_or_default();
        if allowed.is_empty() {
            return Poll::Ready(Err(cut()));
        }
        let written = std::task::ready!(Pin::new(&mut self.stream).poll_write(context, allowed))?;
        self.wire.cut_after(left - written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.wire.left().is_none() {
            return Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        }
        let first = slices.iter().find(|slice| !slice.is_empty());
        self.poll_write(context, first.map_or(&[], |slice| slice))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "a fault has cut this connection")
}
