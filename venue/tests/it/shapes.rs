//! The answers have the keys and JSON types of the fixtures.
#![expect(clippy::panic, reason = "a test may panic")]

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Socket, fixture, start, synthetic};

/// Compares the shape of an answer with a fixture's: the same keys, and the same type where neither
/// is null. Lists are compared by their first items.
fn same_shape(place: &str, fixture: &Value, answer: &Value) {
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

#[tokio::test]
async fn the_trading_api_answers_in_the_shape_of_the_fixtures() {
    let (venue, http) = start(synthetic()).await;
    let order = json!({"symbol": "AAPL", "qty": 10, "side": "buy", "type": "limit",
        "limit_price": 9999, "time_in_force": "day"});
    let order = http.order(order).await;
    same_shape("order", &fixture("order_new.json"), &order);
    http.order_in(order["id"].as_str().unwrap(), "filled").await;
    let mut fill = fixture("activities.json");
    fill.as_array_mut().unwrap().truncate(1);
    for (path, expected) in [
        ("/v2/account", fixture("account.json")),
        ("/v2/account/configurations", fixture("account_configurations.json")),
        ("/v2/account/activities", fill),
        ("/v2/assets/BTC%2FUSD", fixture("asset_crypto.json")),
        ("/v2/assets/AAPL", fixture("asset_equity.json")),
        ("/v2/clock", fixture("clock.json")),
        ("/v2/calendar?start=2026-03-02&end=2026-03-02", fixture("calendar.json")),
        ("/v2/positions/AAPL", fixture("position.json")),
        ("/v2/orders?status=all", json!([fixture("order_new.json")])),
    ] {
        same_shape(path, &expected, &http.get(path).await);
    }
    let answer = http.send(Method::DELETE, "/v2/positions?cancel_orders=True", None).await;
    assert_eq!(answer.status, 207);
    let mut closed = fixture("close_all_207.json");
    closed.as_array_mut().unwrap().truncate(1);
    same_shape("close all", &closed, &answer.body);
    venue.stop().await;
}

#[tokio::test]
async fn the_data_api_answers_in_the_shape_of_the_fixtures() {
    let (venue, http) = start(synthetic()).await;
    let day = "start=2026-11-20T15:00:00Z&end=2026-11-20T15:10:00Z&limit=3";
    for (path, name) in [
        (format!("/v2/stocks/bars?symbols=AAPL&timeframe=1Min&{day}"), "bars_multi.json"),
        (format!("/v2/stocks/AAPL/bars?timeframe=1Min&{day}"), "bars_single.json"),
        (format!("/v2/stocks/AAPL/trades?{day}"), "trades_single.json"),
        (format!("/v2/stocks/AAPL/quotes?{day}"), "quotes_single.json"),
        ("/v2/stocks/quotes/latest?symbols=AAPL".to_owned(), "quotes_latest_multi.json"),
    ] {
        same_shape(&path, &fixture(name), &http.get(&path).await);
    }
    let bars = http.get(&format!("/v2/stocks/AAPL/bars?timeframe=1Min&{day}")).await;
    assert!(bars["bars"][0]["v"].is_u64(), "{bars}");
    let snapshot = http.get("/v2/stocks/AAPL/snapshot").await;
    for member in ["latestTrade", "latestQuote", "minuteBar"] {
        assert!(snapshot[member].is_object(), "{member} of {snapshot}");
    }
    venue.stop().await;
}

#[tokio::test]
async fn trade_updates_have_the_shape_of_the_fixtures() {
    let (venue, http) = start(synthetic()).await;
    let mut updates = Socket::trade_updates(&venue).await;
    http.order(json!({"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market",
        "time_in_force": "day"}))
        .await;
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path.join("tests/fixtures/trade_updates.jsonl")).unwrap();
    let fixtures: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |event: &str| {
        fixtures.iter().find(|one| one["data"]["event"] == event).unwrap()["data"].clone()
    };
    for event in ["pending_new", "new", "fill"] {
        same_shape(event, &of(event), &updates.update(event).await);
    }
    venue.stop().await;
}
