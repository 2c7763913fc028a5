//! Both WebSocket streams: handshakes, dialects, codecs and refusals.

use std::time::Duration;

use rmp_serde::from_slice;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use venue::VenueOptions;

use crate::support::{KEY, SECRET, Socket, start, steady_now, synthetic};

#[tokio::test]
async fn the_trade_stream_takes_both_dialects_and_answers_in_binary_frames() {
    let (venue, _http) = start(synthetic()).await;
    let dialects = [
        json!({"action": "auth", "key": KEY, "secret": SECRET}),
        json!({"action": "authenticate", "data": {"key_id": KEY, "secret_key": SECRET}}),
    ];
    for dialect in dialects {
        let mut socket = Socket::open(&venue, "/stream").await;
        socket.send(&dialect).await;
        let frame = socket.next_frame().await;
        assert!(matches!(frame, Message::Binary(_)));
        let answer: Value = serde_json::from_slice(&frame.into_data()).unwrap();
        let data = json!({"action": "authenticate", "status": "authorized"});
        assert_eq!(answer, json!({"stream": "authorization", "data": data}));
    }
    let mut text = Socket::open(&venue, "/stream?frame=text").await;
    text.send(&json!({"action": "auth", "key": KEY, "secret": SECRET})).await;
    assert!(matches!(text.next_frame().await, Message::Text(_)));
    venue.stop().await;
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_the_connection_ends() {
    let (venue, _http) = start(synthetic()).await;
    let mut socket = Socket::open(&venue, "/stream").await;
    let listen = json!({"action": "listen", "data": {"streams": ["trade_updates"]}});
    socket.send(&listen).await;
    assert_eq!(socket.next().await["data"], json!({"action": "listen", "status": "unauthorized"}));
    socket.send(&json!({"action": "auth", "key": KEY, "secret": "wrong"})).await;
    assert_eq!(socket.next().await["data"]["message"], "access key verification failed");
    assert!(socket.frame_or_end().await.is_none());

    let mut data = Socket::open(&venue, "/v2/iex").await;
    assert_eq!(data.next().await, json!([{"T": "success", "msg": "connected"}]));
    data.send(&json!({"action": "subscribe", "trades": ["AAPL"]})).await;
    assert_eq!(data.next().await[0]["code"], 401);
    data.send(&json!({"action": "auth", "key": KEY, "secret": "wrong"})).await;
    assert_eq!(data.next().await, json!([{"T": "error", "code": 402, "msg": "auth failed"}]));
    data.send(&json!({"action": "auth", "key": KEY, "secret": SECRET})).await;
    assert_eq!(data.next().await[0]["msg"], "authenticated");
    data.send(&json!({"action": "auth", "key": KEY, "secret": SECRET})).await;
    assert_eq!(data.next().await[0]["code"], 403);
    data.send(&json!("nonsense")).await;
    assert_eq!(data.next().await[0]["code"], 400);
    venue.stop().await;
}

#[tokio::test]
async fn a_client_that_does_not_authenticate_in_time_is_told_and_let_go() {
    assert_eq!(VenueOptions::default().auth_timeout, Duration::from_secs(10));
    let options = VenueOptions { auth_timeout: Duration::from_millis(50), ..synthetic() };
    let (venue, _http) = start(options).await;
    let mut data = Socket::open(&venue, "/v2/sip").await;
    assert_eq!(data.next().await[0]["msg"], "connected");
    assert_eq!(data.next().await, json!([{"T": "error", "code": 404, "msg": "auth timeout"}]));
    assert!(data.frame_or_end().await.is_none());
    let mut trade = Socket::open(&venue, "/stream").await;
    assert!(trade.frame_or_end().await.is_none());
    venue.stop().await;
}

#[tokio::test]
async fn listening_is_a_set_and_only_known_names_are_echoed() {
    let (venue, http) = start(synthetic()).await;
    let mut socket = Socket::trade_updates(&venue).await;
    let listen = |names: Value| json!({"action": "listen", "data": {"streams": names}});
    socket.send(&listen(json!([]))).await;
    assert_eq!(socket.next().await["data"]["streams"], json!([]));
    let order = json!({"symbol": "AAPL", "qty": 1, "side": "buy", "type": "limit",
        "limit_price": 1, "time_in_force": "day"});
    http.order(order.clone()).await;
    socket.send(&listen(json!(["trade_updates", "account_updates"]))).await;
    assert_eq!(socket.next().await["data"]["streams"], json!(["trade_updates"]));
    let second = http.order(order).await;
    assert_eq!(socket.next().await["data"]["order"]["id"], second["id"]);
    venue.stop().await;
}

#[tokio::test]
async fn no_update_comes_within_fifty_milliseconds_of_an_acknowledgement() {
    let (venue, http) = start(synthetic()).await;
    let mut socket = Socket::open(&venue, "/stream").await;
    socket.send(&json!({"action": "auth", "key": KEY, "secret": SECRET})).await;
    socket.next().await;
    // The next acknowledgement is under way while the order is placed.
    let listen = json!({"action": "listen", "data": {"streams": ["trade_updates"]}});
    socket.send(&listen).await;
    socket.next().await;
    let acknowledged = steady_now();
    http.order(json!({"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market",
        "time_in_force": "day"}))
        .await;
    assert_eq!(socket.next().await["data"]["event"], "pending_new");
    assert!(acknowledged.elapsed().as_millis() >= 50);
    venue.stop().await;
}

#[tokio::test]
async fn event_ids_grow_and_executions_have_ids_of_their_own() {
    let (venue, http) = start(synthetic()).await;
    let mut updates = Socket::trade_updates(&venue).await;
    for _ in 0..3 {
        http.order(json!({"symbol": "BTC/USD", "notional": 100, "side": "buy", "type": "market",
            "time_in_force": "gtc"}))
            .await;
    }
    let mut events = Vec::new();
    for _ in 0..9 {
        events.push(updates.next().await["data"].clone());
    }
    let ids: Vec<&str> = events.iter().map(|one| one["event_id"].as_str().unwrap()).collect();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
    let executions: std::collections::BTreeSet<&str> =
        events.iter().filter_map(|one| one["execution_id"].as_str()).collect();
    assert_eq!(executions.len(), 6);
    venue.stop().await;
}

#[tokio::test]
async fn msgpack_is_spoken_when_the_handshake_asks_for_it() {
    let (venue, _http) = start(synthetic()).await;
    let headers = [("content-type", "application/msgpack")];
    let mut socket = Socket::open_with(&venue, "/v2/test", &headers).await;
    let connected: Value = from_slice(&socket.next_frame().await.into_data()).unwrap();
    assert_eq!(connected[0]["msg"], "connected");
    let send = |value: Value| rmp_serde::to_vec_named(&value).unwrap();
    socket.send_bytes(send(json!({"action": "auth", "key": KEY, "secret": SECRET}))).await;
    socket.next_frame().await;
    socket.send_bytes(send(json!({"action": "subscribe", "trades": ["FAKEPACA"]}))).await;
    let acknowledged: Value = from_slice(&socket.next_frame().await.into_data()).unwrap();
    assert_eq!(acknowledged[0]["corrections"], json!(["FAKEPACA"]));
    let frame = socket.next_frame().await.into_data();
    // A member named t (not T), whose value is an extension of type -1 with eight bytes.
    let stamp = b"\xa1t\xd7\xff";
    let start = frame.windows(stamp.len()).position(|bytes| bytes == stamp).unwrap() + stamp.len();
    let packed = u64::from_be_bytes(frame[start..start + 8].try_into().unwrap());
    let seconds = i64::try_from(packed & ((1 << 34) - 1)).unwrap();
    let age_s = venue.clock().now().timestamp() - seconds;
    assert!((0..10).contains(&age_s), "{age_s}");
    venue.stop().await;
}

#[tokio::test]
async fn keys_in_the_handshake_authenticate_a_data_stream() {
    let (venue, _http) = start(synthetic()).await;
    let headers = [("APCA-API-KEY-ID", KEY), ("APCA-API-SECRET-KEY", SECRET)];
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value));
    let names: Vec<(&'static str, &str)> =
        vec![("apca-api-key-id", headers[0].1), ("apca-api-secret-key", headers[1].1)];
    let mut socket = Socket::open_with(&venue, "/v1beta3/crypto/us", &names).await;
    assert_eq!(socket.next().await[0]["msg"], "connected");
    assert_eq!(socket.next().await[0]["msg"], "authenticated");
    socket.send(&json!({"action": "subscribe", "quotes": ["BTC/USD"]})).await;
    assert_eq!(socket.next().await[0]["quotes"], json!(["BTC/USD"]));
    assert_eq!(socket.next().await[0]["S"], "BTC/USD");
    venue.stop().await;
}
