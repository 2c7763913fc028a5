//! The market-data stream: welcome, authentication, subscriptions, and then the market.

use std::ops::ControlFlow;
use std::sync::Arc;

use axum::extract::ws::{Message, WebSocket};
use serde_json::{Map, Value, json};

use crate::auth::Credentials;
use crate::data_hub;
use crate::data_wire::{self, Codec};
use crate::faults::{self, Ended, Gate, Wire};
use crate::link::{self, Link};
use crate::server::Server;
use crate::subscription::{DataFeed, Edit, Misfit, Subscriber};
use crate::tasks;

/// What a client asked for in its handshake.
#[derive(Debug)]
pub(crate) struct Handshake {
    pub(crate) feed: DataFeed,
    pub(crate) codec: Codec,
    /// Keys may come with the upgrade request instead of a message.
    pub(crate) credentials: Option<Credentials>,
}

/// An error of the stream, by Alpaca's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    Syntax,
    NotAuthenticated,
    AuthFailed,
    AlreadyAuthenticated,
    AuthTimeout,
    SymbolLimit,
    ConnectionLimit,
    SlowClient,
    InsufficientSubscription,
    Channel,
}

struct Session {
    server: Arc<Server>,
    subscriber: Arc<Subscriber>,
    gate: Gate,
    authenticated: bool,
}

/// Serves one connection until either side ends it.
pub(crate) async fn serve(
    mut socket: WebSocket,
    server: Arc<Server>,
    wire: Wire,
    handshake: Handshake,
) {
    let Handshake { feed, codec, credentials } = handshake;
    let (link, mut queue) = Link::new();
    let link = Arc::new(link);
    let subscriber = Arc::new(Subscriber::new(feed, codec, Arc::clone(&link)));
    let Some(_seat) = server.take_seat() else {
        let refused = message(codec, &Failure::ConnectionLimit.json());
        if link::write(&mut socket, refused).await.is_ok() {
            link::close(&mut socket, "connection limit exceeded").await;
        }
        return;
    };
    let gate = Gate::data(Arc::clone(&server), wire, codec);
    let mut session =
        Session { server: Arc::clone(&server), subscriber, gate, authenticated: false };
    let mut first = vec![json!({"T": "success", "msg": "connected"})];
    if let Some(credentials) = credentials {
        first.push(session.authenticate(&credentials));
    }
    for value in first {
        if link::write(&mut socket, message(codec, &value)).await.is_err() {
            return;
        }
    }
    session.run(&mut socket, &mut queue).await;
    server.data_hub.remove(&link);
}

impl Session {
    async fn run(
        &mut self,
        socket: &mut WebSocket,
        queue: &mut tokio::sync::mpsc::Receiver<Message>,
    ) {
        let codec = self.subscriber.codec;
        let link = Arc::clone(&self.subscriber.link);
        let mut stop = self.server.stop.subscribe();
        let deadline = tokio::time::sleep(self.server.auth_timeout);
        tokio::pin!(deadline);
        loop {
            tokio::select! {
                () = tasks::stopped(&mut stop) => {
                    return link::close(socket, "the venue stops").await;
                }
                () = link.is_slow() => return goodbye(socket, codec, Failure::SlowClient).await,
                () = &mut deadline, if !self.authenticated => {
                    return goodbye(socket, codec, Failure::AuthTimeout).await;
                }
                Some(frame) = queue.recv() => {
                    match self.gate.send(socket, frame).await {
                        Ok(()) => {}
                        Err(Ended::Injected) => return,
                        // It may only be slow, and then it hears why; if it is gone, this fails too.
                        Err(Ended::TooSlow) => {
                            return goodbye(socket, codec, Failure::SlowClient).await;
                        }
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
        let codec = self.subscriber.codec;
        let answer = match received {
            Message::Text(text) => self.answer(serde_json::from_str(&text).ok()),
            Message::Binary(bytes) => self.answer(match codec {
                Codec::MessagePack => rmp_serde::from_slice(&bytes).ok(),
                Codec::Json => serde_json::from_slice(&bytes).ok(),
            }),
            Message::Pong(payload) => {
                self.subscriber.link.pong(&payload);
                return ControlFlow::Continue(());
            }
            Message::Ping(_) => return ControlFlow::Continue(()),
            Message::Close(_) => return ControlFlow::Break(()),
        };
        match link::write(socket, message(codec, &answer)).await {
            Ok(()) if self.gate.is_over() => {
                link::close(socket, "see the error before").await;
                ControlFlow::Break(())
            }
            Ok(()) => ControlFlow::Continue(()),
            Err(link::TooSlow) => ControlFlow::Break(()),
        }
    }

    fn answer(&mut self, request: Option<Value>) -> Value {
        let Some(Value::Object(request)) = request else { return Failure::Syntax.json() };
        match request.get("action").and_then(Value::as_str) {
            Some("auth") if self.authenticated => Failure::AlreadyAuthenticated.json(),
            Some("auth") => {
                let text = |name: &str| request.get(name).and_then(Value::as_str).unwrap_or("");
                self.authenticate(&Credentials::new(text("key"), text("secret")))
            }
            Some("subscribe") => self.subscribe(&request, Edit::Add),
            Some("unsubscribe") => self.subscribe(&request, Edit::Remove),
            _ => Failure::Syntax.json(),
        }
    }

    fn authenticate(&mut self, credentials: &Credentials) -> Value {
        if let Some(code) = self.gate.refuses(credentials) {
            return faults::stream_error(code);
        }
        let Some(account_id) = self.server.keys.check(credentials) else {
            return Failure::AuthFailed.json();
        };
        let plan = &self.server.data_plan;
        let subscriber = &self.subscriber;
        if subscriber.feed == DataFeed::Sip && !plan.sip_stream {
            return Failure::InsufficientSubscription.json();
        }
        subscriber.belongs_to(account_id);
        let added = self.server.data_hub.add(Arc::clone(subscriber), plan.stream_connections_max);
        if added.is_err() {
            return Failure::ConnectionLimit.json();
        }
        self.authenticated = true;
        json!({"T": "success", "msg": "authenticated"})
    }

    fn subscribe(&self, request: &Map<String, Value>, edit: Edit) -> Value {
        if !self.authenticated {
            return Failure::NotAuthenticated.json();
        }
        let symbols_max = self.server.data_plan.stream_symbols_max;
        match self.subscriber.edit(request, edit, symbols_max) {
            Ok(acknowledgement) => {
                self.server.data_hub.changed();
                acknowledgement
            }
            Err(Misfit::Syntax) => Failure::Syntax.json(),
            Err(Misfit::TooManySymbols) => Failure::SymbolLimit.json(),
            Err(Misfit::Channel) => Failure::Channel.json(),
        }
    }
}

impl Failure {
    fn json(self) -> Value {
        let (code, text) = match self {
            Self::Syntax => (400, "invalid syntax"),
            Self::NotAuthenticated => (401, "not authenticated"),
            Self::AuthFailed => (402, "auth failed"),
            Self::AlreadyAuthenticated => (403, "already authenticated"),
            Self::AuthTimeout => (404, "auth timeout"),
            Self::SymbolLimit => (405, "symbol limit exceeded"),
            Self::ConnectionLimit => (406, "connection limit exceeded"),
            Self::SlowClient => (407, "slow client"),
            Self::InsufficientSubscription => (409, "insufficient subscription"),
            Self::Channel => (410, "invalid subscribe action for this feed"),
        };
        json!({"T": "error", "code": code, "msg": text})
    }
}

/// A control message: an array of one.
fn message(codec: Codec, value: &Value) -> Message {
    let bytes = data_wire::bytes(value, codec);
    data_hub::frame(data_wire::array(&[&bytes], codec), codec)
}

async fn goodbye(socket: &mut WebSocket, codec: Codec, failure: Failure) {
    if link::write(socket, message(codec, &failure.json())).await.is_ok() {
        link::close(socket, "see the error before").await;
    }
}
