//! `/ws/prices` and `/ws/prices/{symbol}`.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::support::{Gateway, PATIENCE, Served, Socket};

/// The next message that is no ping.
async fn next(socket: &mut Socket) -> Message {
    loop {
        let message = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap();
        let message = message.unwrap().unwrap();
        if !message.is_ping() {
            return message;
        }
    }
}

async fn frame(socket: &mut Socket) -> Value {
    serde_json::from_str(next(socket).await.to_text().unwrap()).unwrap()
}

async fn say(socket: &mut Socket, text: &str) {
    socket.send(Message::text(text)).await.unwrap();
}

#[tokio::test]
async fn the_first_frame_holds_everything_and_the_next_ones_what_changed() {
    let gateway = Gateway::start().await;
    gateway.engine.price("AAPL", 187.25);
    gateway.engine.price("BTC/USD", 45_050.75);
    let served = Served::of(&gateway).await;
    let mut socket = served.connect("/ws/prices").await.unwrap();
    let expected = json!({
        "type": "price_update",
        "prices": {"AAPL": "187.25", "BTC/USD": "45050.75"},
        "timestamp": "2026-02-02T02:40:00Z",
        "source": "venue",
    });
    assert_eq!(frame(&mut socket).await, expected);
    gateway.clock.forward(1);
    // The same price again is no change.
    gateway.engine.price("BTC/USD", 45_050.75);
    gateway.engine.price("AAPL", 187.5);
    let mut prices = json!({});
    while prices["AAPL"] != "187.5" {
        let update = frame(&mut socket).await;
        assert_eq!(update["timestamp"], "2026-02-02T02:40:01Z");
        prices = update["prices"].clone();
    }
    assert_eq!(prices, json!({"AAPL": "187.5"}));
    served.stop().await;
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_stream_of_one_symbol_holds_only_that() {
    let gateway = Gateway::start().await;
    gateway.engine.price("AAPL", 187.25);
    gateway.engine.price("BTC/USD", 45_050.75);
    let served = Served::of(&gateway).await;
    for path in ["/ws/prices/BTC%2FUSD", "/ws/prices/BTC/USD", "/ws/prices/btc/usd"] {
        let mut socket = served.connect(path).await.unwrap();
        assert_eq!(frame(&mut socket).await["prices"], json!({"BTC/USD": "45050.75"}), "{path}");
    }
    served.stop().await;
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn an_unknown_symbol_is_refused_before_the_upgrade_if_the_venues_list_is_known() {
    let gateway = Gateway::start().await;
    let served = Served::of(&gateway).await;
    for path in ["/ws/prices/NOPE", "/ws/prices/A;B", "/ws/prices/NO/PE"] {
        let (status, problem) = served.connect(path).await.unwrap_err();
        assert_eq!((status, &problem["code"]), (404, &json!("unknown_symbol")), "{path}");
    }
    *gateway.engine.venue_unavailable.lock().unwrap() = true;
    gateway.engine.price("NOPE", 1.0);
    let mut socket = served.connect("/ws/prices/NOPE").await.unwrap();
    assert_eq!(frame(&mut socket).await["prices"], json!({"NOPE": "1"}));
    served.stop().await;
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_ping_is_answered_and_nonsense_is_refused_without_ending_the_stream() {
    let gateway = Gateway::start().await;
    let served = Served::of(&gateway).await;
    let mut socket = served.connect("/ws/prices").await.unwrap();
    let rows = [(r#"{"type":"subscribe"}"#, "unknown_message"), ("ping", "invalid_json")];
    for (text, code) in rows {
        say(&mut socket, text).await;
        let answer = frame(&mut socket).await;
        assert_eq!((&answer["type"], &answer["code"]), (&json!("error"), &json!(code)), "{text}");
    }
    say(&mut socket, r#"{"type":"ping"}"#).await;
    assert_eq!(frame(&mut socket).await, json!({"type": "pong"}));
    served.stop().await;
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_client_that_talks_too_much_or_too_long_is_let_go() {
    let gateway = Gateway::start().await;
    let served = Served::of(&gateway).await;
    let mut chatty = served.connect("/ws/prices").await.unwrap();
    for _ in 0..21 {
        say(&mut chatty, r#"{"type":"ping"}"#).await;
    }
    let mut codes = Vec::new();
    let close = loop {
        match next(&mut chatty).await {
            Message::Close(close) => break close.unwrap(),
            message => {
                let text = message.to_text().unwrap();
                codes.push(serde_json::from_str::<Value>(text).unwrap());
            }
        }
    };
    assert_eq!(codes.len(), 21);
    assert_eq!(codes[20]["code"], "too_many_messages");
    assert_eq!(close.code, CloseCode::Policy);
    let mut long = served.connect("/ws/prices").await.unwrap();
    say(&mut long, &"x".repeat(5000)).await;
    let ended = tokio::time::timeout(PATIENCE, long.next()).await.unwrap();
    assert!(!matches!(ended, Some(Ok(Message::Text(_)))), "it is not read");
    served.stop().await;
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn an_address_has_so_many_streams_and_a_closed_one_makes_room() {
    let gateway = Gateway::start_with(|s| s.limits.websockets_per_address = 2).await;
    let served = Served::of(&gateway).await;
    let first = served.connect("/ws/prices").await.unwrap();
    let _second = served.connect("/ws/prices").await.unwrap();
    let (status, problem) = served.connect("/ws/prices").await.unwrap_err();
    assert_eq!((status, &problem["code"]), (429, &json!("too_many_websockets")));
    drop(first);
    // The server learns of it when the closed connection is read.
    let again = async {
        while served.connect("/ws/prices").await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, again).await.unwrap();
    served.stop().await;
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn streams_are_told_when_the_server_ends() {
    let gateway = Gateway::start().await;
    let served = Served::of(&gateway).await;
    let mut socket = served.connect("/ws/prices").await.unwrap();
    let stopped = served.stop();
    let (message, ()) = tokio::join!(next(&mut socket), stopped);
    let Message::Close(Some(close)) = message else { unreachable!("{message:?}") };
    assert_eq!(close.code, CloseCode::Away);
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_browser_page_that_is_no_websocket_is_told_so() {
    let gateway = Gateway::start().await;
    let answer = gateway.send(crate::support::Call::get("/ws/prices")).await;
    assert!((400..500).contains(&answer.problem().0), "{}", answer.text());
    gateway.test.drop_database().await;
}
