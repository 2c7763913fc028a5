//! Faults of streams: one gate per connection, which every frame passes on its way out.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::fault::{Cut, Family, Fault, FaultKind};
use super::scope::StreamKind;
use super::wire::Wire;
use super::{Faults, Strike};
use crate::auth::Credentials;
use crate::data_hub;
use crate::data_wire::{self, Codec};
use crate::link::{self, TooSlow};
use crate::server::Server;
use crate::tasks;

/// Bytes of a frame's head at most: the smallest that a payload is cut at.
const HEAD_BYTES: usize = 2;

/// One connection of a stream, as its faults see it.
#[derive(Debug)]
pub(crate) struct Gate {
    server: Arc<Server>,
    wire: Wire,
    stream: StreamKind,
    /// How a data stream writes its errors.
    codec: Codec,
    key_id: Option<String>,
    is_over: bool,
    /// Turns with every fault that is armed or removed.
    changes: watch::Receiver<u64>,
}

/// Why a connection is at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The client does not read, or is gone.
    TooSlow,
    /// A fault has ended it.
    Injected,
}

/// The key is wrong.
const AUTH_FAILED: u16 = 402;
/// Alpaca's errors on the data stream that a fault may bring.
const STREAM_ERRORS: [(u16, &str); 13] = [
    (400, "invalid syntax"),
    (401, "not authenticated"),
    (402, "auth failed"),
    (403, "already authenticated"),
    (404, "auth timeout"),
    (405, "symbol limit exceeded"),
    (406, "connection limit exceeded"),
    (407, "slow client"),
    (408, "v2 not enabled"),
    (409, "insufficient subscription"),
    (410, "invalid subscribe action for this feed"),
    (411, "insufficient scope"),
    (500, "internal error"),
];

impl Gate {
    /// The gate of a connection to the trade stream.
    pub(crate) fn trade(server: Arc<Server>, wire: Wire) -> Self {
        Self::new(server, wire, StreamKind::Trade, Codec::Json)
    }

    /// The gate of a connection to a data stream.
    pub(crate) fn data(server: Arc<Server>, wire: Wire, codec: Codec) -> Self {
        Self::new(server, wire, StreamKind::Data, codec)
    }

    fn new(server: Arc<Server>, wire: Wire, stream: StreamKind, codec: Codec) -> Self {
        let changes = server.faults.shared.changes.subscribe();
        Self { server, wire, stream, codec, key_id: None, is_over: false, changes }
    }

    /// Whether a fault refuses a key before it is looked at: the error's number, 402 where the key
    /// is said to be wrong. Remembers whose connection this is.
    pub(crate) fn refuses(&mut self, given: &Credentials) -> Option<u16> {
        self.key_id = Some(given.key_id.clone());
        let now = self.server.exchange.clock.now();
        let wrong_key = self.faults().strikes(Family::Key, now, |fault| {
            // Without a path and a method it is about requests and streams alike.
            let of_requests = fault.scope.path.is_some() || fault.scope.method.is_some();
            !of_requests && self.is_meant(fault)
        });
        if !wrong_key.is_empty() {
            return Some(AUTH_FAILED);
        }
        let refused = self.faults().strikes(Family::Frame, now, |fault| {
            of_authentication(&fault.inject).is_some() && self.is_meant(fault)
        });
        let code = refused.iter().find_map(|strike| of_authentication(&strike.kind));
        self.is_over = code.is_some();
        code
    }

    /// Whether the connection ends once the refusal is sent.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Writes a frame, unless a fault makes something else of it. An error ends the connection.
    pub(crate) async fn send(
        &mut self,
        socket: &mut WebSocket,
        frame: Message,
    ) -> Result<(), Ended> {
        if !self.faults().has(Family::Frame) {
            return Ok(link::write(socket, frame).await?);
        }
        let mut strikes = self.strikes();
        // However they are ordered, a stall comes first: what is cut says nothing any more.
        strikes.sort_by_key(|strike| !matches!(strike.kind, FaultKind::Stall { .. }));
        let mut is_cut = false;
        let mut cut_afterwards = None;
        for strike in strikes {
            match strike.kind {
                FaultKind::Stall { for_ms } => self.stall(strike.id, for_ms).await?,
                FaultKind::StreamError { code } => return self.fail(socket, code).await,
                FaultKind::Disconnect { at: Cut::Before, close_code } => {
                    return self.end(socket, close_code).await;
                }
                FaultKind::Disconnect { at: Cut::MidFrame, .. } => {
                    let bytes = (HEAD_BYTES + payload(&frame)).div_ceil(2);
                    self.wire.cut_after(bytes);
                    is_cut = true;
                }
                FaultKind::Disconnect { at: Cut::After, close_code } => {
                    cut_afterwards = Some(close_code);
                }
                _ => {}
            }
        }
        let written = link::write(socket, frame).await;
        match (cut_afterwards, is_cut) {
            (_, true) => Err(Ended::Injected),
            (Some(close_code), false) => self.end(socket, close_code).await,
            (None, false) => Ok(written?),
        }
    }

    /// Completes when a fault was armed or removed.
    pub(crate) async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Lets stalls and disconnects happen to an idle connection: they do not wait for a frame. An
    /// error ends the connection.
    pub(crate) async fn disturb(&mut self, socket: &mut WebSocket) -> Result<(), Ended> {
        if !self.faults().has(Family::Frame) {
            return Ok(());
        }
        let now = self.server.exchange.clock.now();
        let strikes = self.faults().strikes(Family::Frame, now, |fault| {
            let at_once = matches!(
                fault.inject,
                FaultKind::Stall { .. } | FaultKind::Disconnect { at: Cut::Before, .. }
            );
            at_once && self.is_meant(fault)
        });
        for strike in strikes {
            match strike.kind {
                FaultKind::Stall { for_ms } => self.stall(strike.id, for_ms).await?,
                FaultKind::Disconnect { close_code, .. } => {
                    return self.end(socket, close_code).await;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn faults(&self) -> &Faults {
        &self.server.faults
    }

    fn strikes(&self) -> Vec<Strike> {
        let now = self.server.exchange.clock.now();
        self.faults().strikes(Family::Frame, now, |fault| {
            of_authentication(&fault.inject).is_none() && self.is_meant(fault)
        })
    }

    fn is_meant(&self, fault: &Fault) -> bool {
        let scope = &fault.scope;
        // Only data streams have errors with numbers.
        let has_errors = self.stream == StreamKind::Data;
        (has_errors || !matches!(fault.inject, FaultKind::StreamError { .. }))
            && scope.stream.is_none_or(|stream| stream == self.stream)
            && scope.account.as_ref().is_none_or(|account| self.key_id.as_ref() == Some(account))
    }

    /// Says and reads nothing until the time is over or the fault is gone. The venue's stop ends
    /// the connection.
    async fn stall(&mut self, id: u64, for_ms: Option<u64>) -> Result<(), Ended> {
        let faults = self.faults().clone();
        let changes = &mut self.changes;
        let removed = async { while faults.is_armed(id) && changes.changed().await.is_ok() {} };
        let mut stop = self.server.stop.subscribe();
        let over = async {
            match for_ms {
                Some(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = tasks::stopped(&mut stop) => Err(Ended::Injected),
            () = over => Ok(()),
            () = removed => Ok(()),
        }
    }

    /// Ends the connection, with a goodbye or without.
    async fn end(&self, socket: &mut WebSocket, close_code: Option<u16>) -> Result<(), Ended> {
        match close_code {
            Some(code) => {
                let goodbye = CloseFrame { code, reason: "injected".into() };
                link::write(socket, Message::Close(Some(goodbye))).await?;
            }
            None => self.wire.cut_after(0),
        }
        Err(Ended::Injected)
    }

    async fn fail(&self, socket: &mut WebSocket, code: u16) -> Result<(), Ended> {
        let text = error_text(code);
        let bytes = data_wire::bytes(&stream_error(code), self.codec);
        let frame = data_hub::frame(data_wire::array(&[&bytes], self.codec), self.codec);
        link::write(socket, frame).await?;
        link::close(socket, text).await;
        Err(Ended::Injected)
    }
}

/// One of Alpaca's errors on the data stream.
pub(crate) fn stream_error(code: u16) -> Value {
    json!({"T": "error", "code": code, "msg": error_text(code)})
}

fn error_text(code: u16) -> &'static str {
    STREAM_ERRORS
        .iter()
        .find(|(known, _)| *known == code)
        .map_or("internal error", |(_, text)| text)
}

/// The number of an error that answers an authentication instead of breaking in later.
fn of_authentication(kind: &FaultKind) -> Option<u16> {
    match kind {
        FaultKind::StreamError { code: code @ (AUTH_FAILED | 406 | 408 | 409 | 411) } => {
            Some(*code)
        }
        _ => None,
    }
}

impl From<TooSlow> for Ended {
    fn from(_slow: TooSlow) -> Self {
        Self::TooSlow
    }
}

fn payload(frame: &Message) -> usize {
    match frame {
        Message::Text(text) => text.as_str().len(),
        Message::Binary(bytes) | Message::Ping(bytes) | Message::Pong(bytes) => bytes.len(),
        Message::Close(_) => 0,
    }
}
