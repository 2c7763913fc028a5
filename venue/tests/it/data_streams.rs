//! The data streams: every channel in the shape of its fixture, limits, feeds.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};

use rmp_serde::from_slice;
use serde_json::{Map, Value, json};
use venue::{DataPlan, Source, SyntheticOptions, VenueOptions};

use crate::support::{KEY, SECRET, Socket, lines, same_shape, start, synthetic};

/// A market whose clock starts where a test needs it, and runs fast.
fn at(start: &str, speed: f64) -> VenueOptions {
    let source = SyntheticOptions {
        start: Some(start.parse().unwrap()),
        speed,
        always_open: true,
        ..SyntheticOptions::default()
    };
    VenueOptions { source: Source::Synthetic(source), ..synthetic() }
}

/// Reads until each of these kinds has been seen, and returns the first message of each.
async fn kinds(socket: &mut Socket, wanted: &[&str]) -> BTreeMap<String, Value> {
    let mut seen = BTreeMap::new();
    while !wanted.iter().all(|kind| seen.contains_key(*kind)) {
        for message in socket.next().await.as_array().unwrap() {
            let kind = message["T"].as_str().unwrap().to_owned();
            seen.entry(kind).or_insert_with(|| message.clone());
        }
    }
    seen
}

#[tokio::test]
async fn the_test_symbol_shows_every_kind_of_message_in_the_shape_of_the_fixtures() {
    let (venue, _http) = start(at("2026-11-20T15:09:30Z", 30.0)).await;
    let subscribe = json!({"action": "subscribe", "trades": ["FAKEPACA"], "quotes": ["FAKEPACA"],
        "bars": ["*"], "updatedBars": ["*"], "dailyBars": ["*"], "statuses": ["*"],
        "lulds": ["*"], "imbalances": ["*"]});
    let mut socket = Socket::data(&venue, "/v2/test", subscribe).await;
    let seen = kinds(&mut socket, &["t", "q", "b", "d", "u", "s", "l", "c", "x", "i"]).await;
    let mut compared = BTreeSet::new();
    for name in ["md_stream_apca_safe.jsonl", "md_stream_other.jsonl"] {
        for fixture in lines(name).iter().flat_map(|line| line.as_array().unwrap().clone()) {
            let kind = fixture["T"].as_str().unwrap().to_owned();
            if let Some(message) = seen.get(&kind) {
                same_shape(&kind, &fixture, message);
                compared.insert(kind);
            }
        }
    }
    assert_eq!(compared, ["b", "c", "d", "l", "q", "s", "t", "u", "x"].map(str::to_owned).into());
    assert!(seen.values().all(|message| message["S"] == "FAKEPACA"));
    assert!(seen["u"]["v"].as_i64() > Some(0), "{}", seen["u"]);
    venue.stop().await;
}

#[tokio::test]
async fn an_order_book_is_whole_at_first_and_its_changes_lead_to_the_next_quotes() {
    let (venue, _http) = start(synthetic()).await;
    let subscribe =
        json!({"action": "subscribe", "orderbooks": ["BTC/USD"], "quotes": ["BTC/USD"]});
    let mut socket = Socket::data(&venue, "/v1beta3/crypto/us", subscribe).await;
    let mut sides: [BTreeMap<u64, f64>; 2] = [BTreeMap::new(), BTreeMap::new()];
    let (mut books, mut quote) = (0, Value::Null);
    while books < 6 {
        for message in socket.next().await.as_array().unwrap() {
            if message["T"] == "q" {
                quote = message.clone();
                continue;
            }
            assert_eq!(message["r"], if books == 0 { json!(true) } else { Value::Null });
            books += 1;
            for (side, name) in sides.iter_mut().zip(["b", "a"]) {
                for level in message[name].as_array().unwrap() {
                    let (price, size) =
                        (level["p"].as_f64().unwrap(), level["s"].as_f64().unwrap());
                    if size == 0.0 {
                        side.remove(&price.to_bits());
                    } else {
                        side.insert(price.to_bits(), size);
                    }
                }
            }
            let best_bid = sides[0].last_key_value().map(|(price, _)| f64::from_bits(*price));
            let best_ask = sides[1].first_key_value().map(|(price, _)| f64::from_bits(*price));
            assert_eq!((best_bid, best_ask), (quote["bp"].as_f64(), quote["ap"].as_f64()));
            assert_eq!((sides[0].len(), sides[1].len()), (10, 10));
        }
    }
    venue.stop().await;
}

#[tokio::test]
async fn news_come_over_their_stream_as_the_api_has_them_and_in_msgpack_with_timestamps() {
    // What the newsroom writes is known before: the clock starts a moment earlier.
    let (venue, http) = start(at("2026-11-20T16:00:00Z", 1.0)).await;
    let page = http.get("/v1beta1/news?limit=1&include_content=true").await;
    let known = page["news"][0].clone();
    venue.stop().await;
    let created: chrono::DateTime<chrono::Utc> =
        known["created_at"].as_str().unwrap().parse().unwrap();
    let minute_end = created.timestamp().div_euclid(60) * 60 + 60;
    let soon = chrono::DateTime::from_timestamp(minute_end - 4, 0).unwrap();

    let (venue, _http) = start(at(&soon.to_rfc3339(), 1.0)).await;
    let headers = [("content-type", "application/msgpack")];
    let mut packed = Socket::open_with(&venue, "/v1beta1/news", &headers).await;
    packed.next_frame().await;
    let subscribe = json!({"action": "subscribe", "news": ["*"]});
    for request in [&json!({"action": "auth", "key": KEY, "secret": SECRET}), &subscribe] {
        packed.send_bytes(rmp_serde::to_vec_named(request).unwrap()).await;
        packed.next_frame().await;
    }
    let mut socket = Socket::data(&venue, "/v1beta1/news", subscribe).await;
    let streamed = kinds(&mut socket, &["n"]).await["n"].clone();
    for (name, value) in streamed.as_object().unwrap() {
        if name != "T" {
            assert_eq!(value, &known[name], "{name}");
        }
    }
    let frame = packed.next_frame().await.into_data();
    let stamp = b"\xaacreated_at\xd7\xff";
    assert!(frame.windows(stamp.len()).any(|bytes| bytes == stamp));
    venue.stop().await;
}

#[tokio::test]
async fn the_delayed_feed_is_a_quarter_of_an_hour_behind_and_has_bars_of_its_own() {
    let (venue, _http) = start(at("2026-11-20T15:30:50Z", 4.0)).await;
    let subscribe = json!({"action": "subscribe", "trades": ["AAPL"], "bars": ["AAPL"]});
    let mut socket = Socket::data(&venue, "/v2/delayed_sip", subscribe).await;
    let seen = kinds(&mut socket, &["t", "b"]).await;
    for message in seen.values() {
        let at: chrono::DateTime<chrono::Utc> = message["t"].as_str().unwrap().parse().unwrap();
        assert!((venue.clock().now() - at).num_seconds() >= 15 * 60, "{message}");
    }
    assert!(seen["b"]["t"].as_str().unwrap().ends_with(":00Z"), "{}", seen["b"]);
    venue.stop().await;
}

#[tokio::test]
async fn the_night_feeds_have_the_night() {
    let (venue, _http) = start(at("2026-11-21T02:00:00Z", 1.0)).await;
    for path in ["/v2/boats", "/v2/overnight", "/v2/iex"] {
        let subscribe = json!({"action": "subscribe", "trades": ["AAPL"]});
        let mut socket = Socket::data(&venue, path, subscribe).await;
        assert_eq!(socket.next().await[0]["S"], "AAPL", "{path}");
    }
    venue.stop().await;
    // At 08:59:59.5 UTC it is a moment before 04:00 in New York: the night ends under the client.
    let (venue, _http) = start(at("2026-11-20T08:59:58Z", 1.0)).await;
    let subscribe = json!({"action": "subscribe", "trades": ["AAPL"]});
    let mut night = Socket::data(&venue, "/v2/boats", subscribe.clone()).await;
    let mut day = Socket::data(&venue, "/v2/iex", subscribe).await;
    let is_day = |trade: &Value| trade["t"].as_str().unwrap() >= "2026-11-20T09:00:01";
    while !day.next().await.as_array().unwrap().iter().any(is_day) {}
    venue.stop().await;
    while let Some(frame) = night.frame_or_end().await {
        let trades: Vec<Map<String, Value>> = serde_json::from_slice(&frame.into_data()).unwrap();
        for trade in trades {
            assert!(trade["t"].as_str().unwrap() < "2026-11-20T09:00:00", "{trade:?}");
        }
    }
}

#[tokio::test]
async fn a_subscription_that_the_feed_or_the_plan_does_not_have_is_an_error_by_number() {
    let options = VenueOptions { data_plan: DataPlan::basic(), ..synthetic() };
    let (venue, _http) = start(options).await;
    let auth = json!({"action": "auth", "key": KEY, "secret": SECRET});
    let mut sip = Socket::open(&venue, "/v2/sip").await;
    sip.next().await;
    sip.send(&auth).await;
    let refused = json!([{"T": "error", "code": 409, "msg": "insufficient subscription"}]);
    assert_eq!(sip.next().await, refused);

    let mut first = Socket::open(&venue, "/v2/iex").await;
    first.next().await;
    first.send(&auth).await;
    assert_eq!(first.next().await[0]["msg"], "authenticated");
    let mut second = Socket::open(&venue, "/v2/iex").await;
    second.next().await;
    second.send(&auth).await;
    assert_eq!(
        second.next().await,
        json!([{"T": "error", "code": 406, "msg": "connection limit exceeded"}])
    );
    let many: Vec<String> = (0..31).map(|number| format!("S{number}")).collect();
    for (request, code) in [
        (json!({"action": "subscribe", "trades": many}), 405),
        (json!({"action": "subscribe", "quotes": ["*"]}), 405),
        (json!({"action": "subscribe", "orderbooks": ["AAPL"]}), 410),
        (json!({"action": "subscribe", "news": ["*"]}), 410),
        (json!({"action": "subscribe", "trades": "AAPL"}), 400),
        (json!({"action": "dance"}), 400),
        (json!(["subscribe"]), 400),
    ] {
        first.send(&request).await;
        let answer = first.next().await;
        assert_eq!(
            (&answer[0]["T"], &answer[0]["code"]),
            (&json!("error"), &json!(code)),
            "{request}"
        );
    }
    // Empty lists of channels that other feeds have are what some clients always send.
    let request = json!({"action": "subscribe", "bars": ["*"], "news": [], "orderbooks": []});
    first.send(&request).await;
    let acknowledged = first.next().await;
    assert_eq!(acknowledged[0]["bars"], json!(["*"]));
    same_shape("acknowledgement", &lines("md_stream_apca_safe.jsonl")[3], &acknowledged);
    drop(first);
    venue.stop().await;
}

#[tokio::test]
async fn a_plain_request_to_a_stream_is_told_that_it_is_one() {
    let (venue, http) = start(synthetic()).await;
    for path in ["/stream", "/v2/iex", "/v2/test", "/v1beta3/crypto/us"] {
        let answer = http.send(reqwest::Method::GET, path, None).await;
        let message = answer.body["message"].as_str().unwrap();
        assert!(answer.status == 400 && message.contains("WebSocket"), "{path}: {message}");
    }
    let mut headers: Vec<(&'static str, &str)> = vec![("content-type", "application/msgpack")];
    headers.push(("apca-api-key-id", KEY));
    headers.push(("apca-api-secret-key", "wrong"));
    let mut socket = Socket::open_with(&venue, "/v2/iex", &headers).await;
    let welcome: Value = from_slice(&socket.next_frame().await.into_data()).unwrap();
    let refused: Value = from_slice(&socket.next_frame().await.into_data()).unwrap();
    assert_eq!((&welcome[0]["msg"], &refused[0]["code"]), (&json!("connected"), &json!(402)));
    venue.stop().await;
}
