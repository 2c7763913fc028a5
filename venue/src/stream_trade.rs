//! The `trade_updates` stream: authentication in both dialects, then news of the account's orders.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;
use uuid::Uuid;

use crate::auth::Credentials;
use crate::clock;
use crate::faults::{Gate, Wire};
use crate::link::{self, Link};
use crate::server::Server;
use crate::tasks;
use crate::trade_hub::{Frames, Listener};

/// How long a refused client may read its refusal.
const GOODBYE: Duration = Duration::from_secs(1);
/// Silence after an acknowledgement: apca drops updates that come while it waits for the reply.
const PAUSE_AFTER_ACKNOWLEDGEMENT: Duration = Duration::from_millis(60);

struct Session {
    server: Arc<Server>,
    link: Arc<Link>,
    gate: Gate,
    frames: Frames,
    account_id: Option<Uuid>,
    /// No update is sent before this.
    not_before: Instant,
    /// Set once the client is refused: when the connection ends.
    leaves_at: Option<Instant>,
}

/// Serves one connection until either side ends it.
pub(crate) async fn serve(mut socket: WebSocket, server: Arc<Server>, wire: Wire, frames: Frames) {
    let Some(_seat) = server.take_seat() else {
        return link::close(&mut socket, "connection limit exceeded").await;
    };
    let (link, mut queue) = Link::new();
    let link = Arc::new(link);
    let mut session = Session {
        server: Arc::clone(&server),
        link: Arc::clone(&link),
        gate: Gate::trade(Arc::clone(&server), wire),
        frames,
        account_id: None,
        not_before: Instant::from_std(clock::steady_now()),
        leaves_at: None,
    };
    session.run(&mut socket, &mut queue).await;
    server.exchange.trade_hub.remove(&link);
}

impl Session {
    async fn run(&mut self, socket: &mut WebSocket, queue: &mut mpsc::Receiver<Message>) {
        let link = Arc::clone(&self.link);
        let mut stop = self.server.stop.subscribe();
        let auth_deadline = Instant::from_std(clock::steady_now()) + self.server.auth_timeout;
        loop {
            let deadline = match (self.leaves_at, self.account_id) {
                (Some(at), _) => Some(at),
                (None, None) => Some(auth_deadline),
                (None, Some(_)) => None,
            };
            let not_before = self.not_before;
            let next_update = async {
                tokio::time::sleep_until(not_before).await;
                queue.recv().await
            };
            tokio::select! {
                () = tasks::stopped(&mut stop) => {
                    return link::close(socket, "the venue stops").await;
                }
                () = link.is_slow() => return link::close(socket, "slow client").await,
                () = until(deadline) => return link::close(socket, "not authorized").await,
                Some(frame) = next_update => {
                    if self.gate.send(socket, frame).await.is_err() {
                        return;
                    }
                }
                () = self.gate.changed() => {
                    if self.gate.disturb(socket).await.is_err() {
                        return;
                    }
                }
                received = socket.recv() => {
                    let Some(Ok(received)) = received else { return };
                    if self.receive(socket, received).await.is_break() {
                        return;
                    }
                }
            }
        }
    }

    async fn receive(&mut self, socket: &mut WebSocket, received: Message) -> ControlFlow<()> {
        let request: Option<Value> = match received {
            Message::Text(text) => serde_json::from_str(&text).ok(),
            Message::Binary(bytes) if self.frames == Frames::MessagePack => {
                rmp_serde::from_slice(&bytes).ok()
            }
            Message::Binary(bytes) => serde_json::from_slice(&bytes).ok(),
            Message::Pong(payload) => {
                self.link.pong(&payload);
                return ControlFlow::Continue(());
            }
            Message::Ping(_) => return ControlFlow::Continue(()),
            Message::Close(_) => return ControlFlow::Break(()),
        };
        let Some(answer) = request.as_ref().and_then(|request| self.answer(request)) else {
            return ControlFlow::Continue(());
        };
        if link::write(socket, self.frames.encode(&answer)).await.is_err() {
            return ControlFlow::Break(());
        }
        self.not_before = Instant::from_std(clock::steady_now()) + PAUSE_AFTER_ACKNOWLEDGEMENT;
        ControlFlow::Continue(())
    }

    /// The reply to a request; anything unknown gets none, as on the real stream.
    fn answer(&mut self, request: &Value) -> Option<Value> {
        match request["action"].as_str() {
            Some("auth") => Some(self.authenticate(&request["key"], &request["secret"])),
            Some("authenticate") => {
                let data = &request["data"];
                Some(self.authenticate(&data["key_id"], &data["secret_key"]))
            }
            Some("listen") => Some(self.listen(&request["data"]["streams"])),
            _ => None,
        }
    }

    fn authenticate(&mut self, key: &Value, secret: &Value) -> Value {
        let given = Credentials::new(key.as_str().unwrap_or(""), secret.as_str().unwrap_or(""));
        self.account_id = match self.gate.refuses(&given) {
            None => self.server.keys.check(&given),
            Some(_code) => None,
        };
        let data = if self.account_id.is_some() {
            json!({"action": "authenticate", "status": "authorized"})
        } else {
            self.leaves_at = Some(Instant::from_std(clock::steady_now()) + GOODBYE);
            json!({
                "action": "authenticate",
                "message": "access key verification failed",
                "status": "unauthorized",
            })
        };
        json!({"stream": "authorization", "data": data})
    }

    /// Replaces the set of streams; the echo names only those that this venue knows.
    fn listen(&mut self, streams: &Value) -> Value {
        let Some(account_id) = self.account_id else {
            let data = json!({"action": "listen", "status": "unauthorized"});
            return json!({"stream": "authorization", "data": data});
        };
        let hub = &self.server.exchange.trade_hub;
        hub.remove(&self.link);
        let wanted = streams
            .as_array()
            .is_some_and(|names| names.iter().any(|name| name == "trade_updates"));
        let echo: &[&str] = if wanted { &["trade_updates"] } else { &[] };
        if wanted {
            let link = Arc::clone(&self.link);
            hub.add(Arc::new(Listener { account_id, frames: self.frames, link }));
        }
        json!({"stream": "listening", "data": {"streams": echo}})
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
