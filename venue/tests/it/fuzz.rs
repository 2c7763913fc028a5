//! Random and mutated bytes at every door: nothing panics, nothing is answered with a 5xx, and the
//! venue serves the next client as if nothing had been.
//!
//! A run looks at a bounded number of cases; `VENUE_FUZZ_CASES=5000 cargo nextest run -p venue fuzz`
//! looks for longer. The cases are others with every run; a failure prints its case whole.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use venue::Venue;

use crate::support::{DEADLINE, Http, KEY, SECRET, Socket, start, synthetic};

/// Cases of each test when nothing is said.
const CASES_DEFAULT: u32 = 200;

/// Every path that a client may ask for, and some that it may not.
const PATHS: [&str; 40] = [
    "/v2/account",
    "/v2/account/configurations",
    "/v2/account/activities",
    "/v2/account/activities/FILL",
    "/v2/account/portfolio/history",
    "/v2/orders",
    "/v2/orders/00000000-0000-4000-8000-000000000000",
    "/v2/orders/nonsense",
    "/v2/orders:by_client_order_id",
    "/v2/positions",
    "/v2/positions/AAPL",
    "/v2/positions/BTC/USD",
    "/v2/positions/BTC%2FUSD",
    "/v2/assets",
    "/v2/assets/AAPL",
    "/v2/assets/BTC/USD",
    "/v2/clock",
    "/v2/calendar",
    "/v2/watchlists",
    "/v2/watchlists:by_name",
    "/v2/watchlists/00000000-0000-4000-8000-000000000000",
    "/v2/watchlists/00000000-0000-4000-8000-000000000000/AAPL",
    "/v2/stocks/bars",
    "/v2/stocks/trades",
    "/v2/stocks/quotes",
    "/v2/stocks/AAPL/bars",
    "/v2/stocks/AAPL/trades/latest",
    "/v2/stocks/snapshots",
    "/v2/stocks/auctions",
    "/v2/stocks/meta/conditions/trade",
    "/v1beta3/crypto/us/bars",
    "/v1beta3/crypto/us/latest/orderbooks",
    "/v1beta3/crypto/mars/bars",
    "/v1beta1/news",
    "/v1beta1/screener/stocks/most-actives",
    "/v1/corporate-actions",
    "/stream",
    "/v2/iex",
    "/",
    "/%00/%ff",
];

const STREAMS: [&str; 5] =
    ["/stream", "/v2/iex", "/v2/test", "/v1beta3/crypto/us", "/v1beta1/news"];

/// Members of bodies and queries.
const NAMES: [&str; 38] = [
    "symbol",
    "symbols",
    "qty",
    "notional",
    "side",
    "type",
    "time_in_force",
    "limit_price",
    "stop_price",
    "trail_price",
    "trail_percent",
    "extended_hours",
    "client_order_id",
    "order_class",
    "take_profit",
    "stop_loss",
    "position_intent",
    "legs",
    "status",
    "limit",
    "after",
    "until",
    "direction",
    "nested",
    "page_size",
    "page_token",
    "activity_types",
    "date",
    "start",
    "end",
    "timeframe",
    "period",
    "feed",
    "sort",
    "adjustment",
    "percentage",
    "name",
    "cancel_orders",
];

/// Values that are right somewhere, nearly right, or far out.
const WORDS: [&str; 56] = [
    "AAPL",
    "BTC/USD",
    "BTCUSD",
    "aapl",
    "NOSUCH",
    "buy",
    "sell",
    "market",
    "limit",
    "stop",
    "stop_limit",
    "trailing_stop",
    "day",
    "gtc",
    "ioc",
    "fok",
    "opg",
    "cls",
    "simple",
    "bracket",
    "oco",
    "oto",
    "mleg",
    "0",
    "1",
    "-1",
    "0.000000001",
    "0.0000000001",
    "1e400",
    "1e-400",
    "NaN",
    "Infinity",
    "79228162514264337593543950335",
    "99999999999999999999999999999999",
    "true",
    "False",
    "null",
    "",
    " ",
    "2026-03-02",
    "2026-03-02T14:30:00Z",
    "9999-12-31",
    "-262143-01-01",
    "0000-00-00",
    "1Min",
    "59Min",
    "60Min",
    "1Day",
    "12Month",
    "1D",
    "999999D",
    "1A",
    "\u{0}",
    "日本語",
    "%",
    "../../etc",
];

fn cases() -> u32 {
    let wanted = std::env::var("VENUE_FUZZ_CASES").ok().and_then(|cases| cases.parse().ok());
    wanted.unwrap_or(CASES_DEFAULT)
}

/// As many values of a strategy as there are cases, from proptest's own seed.
fn samples<S: Strategy>(strategy: &S) -> Vec<S::Value> {
    let mut runner = TestRunner::new(Config::default());
    (0..cases()).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => select(&WORDS[..]).prop_map(Value::from),
        1 => any::<String>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ]
}

/// JSON of any shape, with the members that the venue looks for.
fn document() -> impl Strategy<Value = Value> {
    let name =
        || prop_oneof![8 => select(&NAMES[..]).prop_map(str::to_owned), 1 => any::<String>()];
    scalar().prop_recursive(3, 32, 8, move |inner| {
        prop_oneof![
            3 => prop::collection::vec((name(), inner.clone()), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
            1 => prop::collection::vec(inner, 0..5).prop_map(Value::Array),
        ]
    })
}

/// An order that would be taken, with some members put wrong.
fn near_order() -> impl Strategy<Value = Value> {
    let change = (select(&NAMES[..]), prop_oneof![3 => scalar(), 1 => document()]);
    prop::collection::vec(change, 0..4).prop_map(|changes| {
        let mut order = json!({"symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit",
            "limit_price": "10", "time_in_force": "day"});
        for (name, value) in changes {
            order[name] = value;
        }
        order
    })
}

/// Bytes: of a document, of a document that was bitten into, or of nothing at all.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let bitten = (document(), any::<prop::sample::Index>(), any::<u8>()).prop_map(
        |(document, place, byte)| {
            let mut bytes = document.to_string().into_bytes();
            let at = place.index(bytes.len());
            bytes[at] = byte;
            if byte % 3 == 0 {
                bytes.truncate(at);
            }
            bytes
        },
    );
    let text = |value: Value| value.to_string().into_bytes();
    prop_oneof![
        4 => near_order().prop_map(text),
        3 => document().prop_map(text),
        2 => bitten,
        1 => prop::collection::vec(any::<u8>(), 0..64),
        1 => Just(Vec::new()),
    ]
}

fn query() -> impl Strategy<Value = String> {
    let value = prop_oneof![5 => select(&WORDS[..]).prop_map(str::to_owned), 1 => any::<String>()];
    prop::collection::vec((select(&NAMES[..]), value), 0..5).prop_map(|pairs| {
        let pair = |(name, value): (&str, String)| format!("{name}={}", escaped(&value));
        pairs.into_iter().map(pair).collect::<Vec<_>>().join("&")
    })
}

/// Escapes what cannot stand in a query; a percent sign stays as it is now and then.
fn escaped(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'%' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

async fn is_well(venue: &Venue, http: &Http) {
    assert_eq!(http.get("/v2/account").await["status"], "ACTIVE");
    let mut socket = Socket::trade_updates(venue).await;
    assert!(socket.ping_is_answered(DEADLINE).await);
}

#[tokio::test]
async fn no_request_is_answered_with_a_server_error() {
    let (venue, http) = start(synthetic()).await;
    let method =
        select(vec![Method::GET, Method::POST, Method::PATCH, Method::PUT, Method::DELETE]);
    let request = (method, select(&PATHS[..]), query(), body());
    for (method, path, query, body) in samples(&request) {
        let target = format!("{path}?{query}");
        let answer = http.raw_bytes(method.clone(), &target, body.clone()).await;
        let status = answer.status();
        let shown = String::from_utf8_lossy(&body).into_owned();
        assert!(!status.is_server_error(), "{status}: {method} {target} {shown}");
        if status.is_client_error() && path.starts_with("/v") {
            let text = answer.text().await.unwrap();
            let refusal: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
            assert!(refusal["message"].is_string(), "{status} {method} {target} {shown}: {text}");
        }
    }
    is_well(&venue, &http).await;
    venue.stop().await;
}

#[tokio::test]
async fn no_order_is_answered_with_a_server_error() {
    let (venue, http) = start(synthetic()).await;
    for order in samples(&near_order()) {
        let answer = http.post_order(order.clone()).await;
        assert!(answer.status < 500, "{order}: {}", answer.body);
        if answer.status >= 400 {
            // Alpaca answers malformed members with 422 and a code that starts with 400.
            let family = answer.body["code"].as_u64().unwrap_or_default() / 100_000;
            let status = u64::from(answer.status);
            let fits = family == status || (status, family) == (422, 400);
            assert!(fits, "{status} to {order}: {}", answer.body);
        }
        if let Some(id) = answer.body["id"].as_str() {
            let path = format!("/v2/orders/{id}");
            let replaced = http.send(Method::PATCH, &path, Some(&order.to_string())).await;
            assert!(replaced.status < 500, "PATCH {order}: {}", replaced.body);
        }
    }
    is_well(&venue, &http).await;
    venue.stop().await;
}

/// What a client may send on a stream: nearly right requests, JSON, bytes.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let action = prop_oneof![
        select(vec!["auth", "authenticate", "listen", "subscribe", "unsubscribe"])
            .prop_map(Value::from),
        scalar(),
    ];
    let channel = select(vec![
        "trades",
        "quotes",
        "bars",
        "dailyBars",
        "updatedBars",
        "statuses",
        "orderbooks",
        "news",
        "data",
        "streams",
        "key",
        "secret",
    ]);
    let value = prop_oneof![
        2 => prop::collection::vec(scalar(), 0..4).prop_map(Value::Array),
        1 => document(),
    ];
    let near =
        (action, prop::collection::vec((channel, value), 0..4)).prop_map(|(action, members)| {
            let mut request = json!({"action": action});
            for (name, value) in members {
                request[name] = value;
            }
            request
        });
    let packed = near.clone().prop_map(|value| rmp_serde::to_vec_named(&value).unwrap());
    prop_oneof![
        4 => near.prop_map(|value| value.to_string().into_bytes()),
        3 => packed,
        2 => document().prop_map(|value| value.to_string().into_bytes()),
        2 => prop::collection::vec(any::<u8>(), 0..128),
    ]
}

#[tokio::test]
async fn no_message_breaks_a_stream() {
    let (venue, http) = start(synthetic()).await;
    let msgpack = [("content-type", "application/msgpack")];
    let frame = (select(&STREAMS[..]), any::<bool>(), any::<bool>(), any::<bool>());
    let conversation = (frame, prop::collection::vec(message(), 1..12));
    let conversations = samples(&conversation);
    // Each is a connection of its own: fewer of them, with several messages each.
    for ((path, packed, first_in, as_text), messages) in conversations.into_iter().step_by(6) {
        let headers: &[(&'static str, &str)] = if packed { &msgpack } else { &[] };
        let mut socket = Socket::open_with(&venue, path, headers).await;
        if first_in {
            let auth = json!({"action": "auth", "key": KEY, "secret": SECRET});
            let bytes = if packed {
                rmp_serde::to_vec_named(&auth).unwrap()
            } else {
                auth.to_string().into_bytes()
            };
            socket.attempt_bytes(bytes).await;
        }
        for message in messages {
            match String::from_utf8(message) {
                Ok(text) if as_text => socket.attempt_text(text).await,
                Ok(text) => socket.attempt_bytes(text.into_bytes()).await,
                Err(bytes) => socket.attempt_bytes(bytes.into_bytes()).await,
            }
        }
    }
    is_well(&venue, &http).await;
    venue.stop().await;
}

#[tokio::test]
async fn no_bytes_on_the_wire_break_the_venue() {
    let (venue, http) = start(synthetic()).await;
    let order = json!({"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market",
        "time_in_force": "day"})
    .to_string();
    let right = vec![
        format!(
            "POST /v2/orders HTTP/1.1\r\nhost: x\r\napca-api-key-id: {KEY}\r\n\
             apca-api-secret-key: {SECRET}\r\ncontent-length: {}\r\n\r\n{order}",
            order.len()
        ),
        "GET /stream HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\
         \u{1}\u{2}\u{3}\u{4}"
            .to_owned(),
    ];
    let place = || any::<prop::sample::Index>();
    let strategy = (select(right), prop::collection::vec((place(), any::<u8>()), 1..6));
    for (text, changes) in samples(&strategy).into_iter().step_by(4) {
        let mut bytes = text.into_bytes();
        for (place, byte) in changes {
            let at = place.index(bytes.len());
            if byte % 5 == 0 {
                bytes.remove(at);
            } else {
                bytes[at] = byte;
            }
        }
        let answer = said_to(&venue, &bytes).await;
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!answer.starts_with("HTTP/1.1 5"), "{answer}\nto {shown}");
    }
    is_well(&venue, &http).await;
    venue.stop().await;
}

#[tokio::test]
async fn no_websocket_frame_breaks_the_venue() {
    let (venue, http) = start(synthetic()).await;
    let upgrade = "GET /v2/iex HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\n\
                   upgrade: websocket\r\nsec-websocket-version: 13\r\n\
                   sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let frames = prop::collection::vec(any::<u8>(), 0..80);
    // The head of a frame is what there is to get wrong: kind, mask, length.
    let headed = (any::<u8>(), any::<u8>(), frames).prop_map(|(kind, length, rest)| {
        let mut bytes = vec![0x80 | (kind & 0x8f), 0x80 | length];
        bytes.extend_from_slice(&rest);
        bytes
    });
    for frame in samples(&headed).into_iter().step_by(4) {
        let mut bytes = upgrade.as_bytes().to_vec();
        bytes.extend_from_slice(&frame);
        let answer = said_to(&venue, &bytes).await;
        assert!(answer.starts_with("HTTP/1.1 101"), "{answer}\nto {frame:?}");
    }
    is_well(&venue, &http).await;
    venue.stop().await;
}

/// The first bytes of an answer; empty when the venue closed the connection or waits for more.
async fn said_to(venue: &Venue, bytes: &[u8]) -> String {
    let mut socket = TcpStream::connect(venue.address()).await.unwrap();
    // The venue may close the connection before it has read all of it.
    if socket.write_all(bytes).await.is_err() {
        return String::new();
    }
    let mut answer = vec![0; 256];
    let read = tokio::time::timeout(Duration::from_millis(200), socket.read(&mut answer)).await;
    let length = read.ok().and_then(Result::ok).unwrap_or(0);
    String::from_utf8_lossy(&answer[..length]).into_owned()
}
