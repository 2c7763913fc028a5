//! What the tests share: a running venue, a plain HTTP client, a WebSocket client, and waiting for
//! a state with a deadline.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

use std::path::PathBuf;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use venue::{Source, SyntheticOptions, Venue, VenueOptions};

pub(crate) const KEY: &str = "PKVENUEDEMO";
pub(crate) const SECRET: &str = "venue-demo-secret";
/// Generous, because the machine may be busy; reaching it is a failure.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// A venue round the clock, without partial fills, so that a test says what it means.
pub(crate) fn synthetic() -> VenueOptions {
    let options = SyntheticOptions {
        always_open: true,
        partial_fill_chance: 0.0,
        ..SyntheticOptions::default()
    };
    VenueOptions {
        source: Source::Synthetic(options),
        requests_per_minute: 100_000,
        ..VenueOptions::default()
    }
}

pub(crate) async fn start(options: VenueOptions) -> (Venue, Http) {
    let venue = Venue::start(options).await.expect("the venue starts");
    let http = Http::new(&venue);
    (venue, http)
}

/// A client of the REST API with the demo account's key.
pub(crate) struct Http {
    client: reqwest::Client,
    base: String,
    pub(crate) key: String,
    pub(crate) secret: String,
}

/// Status and body of an answer; an empty body is null.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Http {
    pub(crate) fn new(venue: &Venue) -> Self {
        // A second installation in the same process is refused, and does not matter.
        drop(rustls::crypto::ring::default_provider().install_default());
        Self {
            client: reqwest::Client::new(),
            base: format!("http://{}", venue.address()),
            key: KEY.to_owned(),
            secret: SECRET.to_owned(),
        }
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<&str>) -> Answer {
        let response = self.raw(method, path, body).await;
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
        Answer { status, body }
    }

    pub(crate) async fn raw(
        &self,
        method: Method,
        path: &str,
        body: Option<&str>,
    ) -> reqwest::Response {
        self.request(method, path, body).send().await.unwrap()
    }

    /// Any bytes as a body.
    pub(crate) async fn raw_bytes(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> reqwest::Response {
        self.request(method, path, None).body(body).send().await.unwrap()
    }

    fn request(&self, method: Method, path: &str, body: Option<&str>) -> reqwest::RequestBuilder {
        let request = self
            .client
            .request(method, format!("{}{path}", self.base))
            .header("APCA-API-KEY-ID", &self.key)
            .header("APCA-API-SECRET-KEY", &self.secret);
        match body {
            Some(body) => request.body(body.to_owned()),
            None => request,
        }
    }

    /// The status of an answer; `None` when the connection is lost before it is whole.
    pub(crate) async fn attempt(
        &self,
        method: Method,
        path: &str,
        body: Option<&str>,
    ) -> Option<u16> {
        let response = self.request(method, path, body).send().await.ok()?;
        let status = response.status().as_u16();
        response.text().await.ok().map(|_body| status)
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.send(Method::GET, path, None).await;
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.body);
        answer.body
    }

    /// Sends an order and expects it to be taken.
    pub(crate) async fn order(&self, order: Value) -> Value {
        let answer = self.post_order(order).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    pub(crate) async fn post_order(&self, order: Value) -> Answer {
        self.send(Method::POST, "/v2/orders", Some(&order.to_string())).await
    }

    /// Reads an order until it has a status.
    pub(crate) async fn order_in(&self, id: &str, status: &str) -> Value {
        let wait = async {
            loop {
                let order = self.get(&format!("/v2/orders/{id}")).await;
                if order["status"] == status {
                    return order;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(DEADLINE, wait)
            .await
            .unwrap_or_else(|_| panic!("order {id} never became {status}"))
    }
}

/// A WebSocket client.
pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    pub(crate) async fn open(venue: &Venue, path: &str) -> Self {
        Self::open_with(venue, path, &[]).await
    }

    pub(crate) async fn open_with(
        venue: &Venue,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Self {
        let mut request = format!("ws://{}{path}", venue.address()).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (stream, _response) = tokio_tungstenite::connect_async(request).await.unwrap();
        Self { stream }
    }

    /// A trade stream that is authenticated and listens.
    pub(crate) async fn trade_updates(venue: &Venue) -> Self {
        let mut socket = Self::open(venue, "/stream").await;
        socket.send(&json!({"action": "auth", "key": KEY, "secret": SECRET})).await;
        assert_eq!(socket.next().await["data"]["status"], "authorized");
        let listen = json!({"action": "listen", "data": {"streams": ["trade_updates"]}});
        socket.send(&listen).await;
        assert_eq!(socket.next().await["data"]["streams"], json!(["trade_updates"]));
        socket
    }

    /// A data stream that is authenticated and subscribed.
    pub(crate) async fn data(venue: &Venue, path: &str, subscribe: Value) -> Self {
        let mut socket = Self::open(venue, path).await;
        assert_eq!(socket.next().await[0]["msg"], "connected");
        socket.send(&json!({"action": "auth", "key": KEY, "secret": SECRET})).await;
        assert_eq!(socket.next().await[0]["msg"], "authenticated");
        socket.send(&subscribe).await;
        assert_eq!(socket.next().await[0]["T"], "subscription");
        socket
    }

    pub(crate) async fn send(&mut self, value: &Value) {
        self.stream.send(Message::text(value.to_string())).await.unwrap();
    }

    pub(crate) async fn send_bytes(&mut self, bytes: Vec<u8>) {
        self.stream.send(Message::binary(bytes)).await.unwrap();
    }

    /// Sends bytes to a venue that may have ended the connection.
    pub(crate) async fn attempt_bytes(&mut self, bytes: Vec<u8>) {
        drop(self.stream.send(Message::binary(bytes)).await);
    }

    /// Sends a text to a venue that may have ended the connection.
    pub(crate) async fn attempt_text(&mut self, text: String) {
        drop(self.stream.send(Message::text(text)).await);
    }

    /// The next text or binary frame; pings are answered on the way.
    pub(crate) async fn next_frame(&mut self) -> Message {
        self.frame_or_end().await.expect("the connection is open")
    }

    /// The next frame, or `None` when the venue has closed the connection.
    pub(crate) async fn frame_or_end(&mut self) -> Option<Message> {
        loop {
            let next = tokio::time::timeout(DEADLINE, self.stream.next()).await;
            match next.expect("a frame in time") {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(frame)) => return Some(frame),
            }
        }
    }

    pub(crate) async fn next(&mut self) -> Value {
        let frame = self.next_frame().await;
        serde_json::from_slice(&frame.into_data()).unwrap()
    }

    /// Pings the venue; whether a pong came in time. Other frames on the way are lost.
    pub(crate) async fn ping_is_answered(&mut self, within: Duration) -> bool {
        self.stream.send(Message::Ping(b"anybody?".to_vec().into())).await.unwrap();
        let pong = async {
            while let Some(Ok(frame)) = self.stream.next().await {
                if matches!(frame, Message::Pong(_)) {
                    return true;
                }
            }
            false
        };
        tokio::time::timeout(within, pong).await.unwrap_or(false)
    }

    /// Waits for the end of the connection; the code of the venue's goodbye, if it said one.
    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        let end = async {
            loop {
                match self.stream.next().await {
                    Some(Ok(Message::Close(frame))) => return frame.map(|one| one.code.into()),
                    Some(Err(_)) | None => return None,
                    Some(Ok(_)) => {}
                }
            }
        };
        tokio::time::timeout(DEADLINE, end).await.expect("the connection ends in time")
    }

    /// Reads trade updates until one has this event.
    pub(crate) async fn update(&mut self, event: &str) -> Value {
        loop {
            let message = self.next().await;
            if message["data"]["event"] == event {
                return message["data"].clone();
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a test measures real time")]
pub(crate) fn steady_now() -> std::time::Instant {
    std::time::Instant::now()
}

/// A fixture of Alpaca's shapes.
pub(crate) fn fixture(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Compares the shape of an answer with a fixture's: the same keys, and the same type where neither
/// is null. Lists are compared by their first items.
pub(crate) fn same_shape(place: &str, fixture: &Value, answer: &Value) {
    match (fixture, answer) {
        (Value::Object(expected), Value::Object(found)) => {
            let names = |map: &serde_json::Map<String, Value>| {
                let mut names: Vec<String> = map.keys().cloned().collect();
                names.sort();
                names
            };
            assert_eq!(names(expected), names(found), "keys of {place}");
            for (name, value) in expected {
                same_shape(&format!("{place}.{name}"), value, &found[name]);
            }
        }
        (Value::Array(expected), Value::Array(found)) => {
            if let (Some(expected), Some(found)) = (expected.first(), found.first()) {
                same_shape(&format!("{place}[0]"), expected, found);
            }
        }
        (Value::Null, _)
        | (_, Value::Null)
        | (Value::String(_), Value::String(_))
        | (Value::Bool(_), Value::Bool(_))
        | (Value::Number(_), Value::Number(_)) => {}
        (expected, found) => panic!("{place}: {found} is not shaped like {expected}"),
    }
}

/// The lines of a fixture that has one message on each.
pub(crate) fn lines(name: &str) -> Vec<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
