//! The answers have the keys and JSON types of the fixtures.
use reqwest::Method;
use serde_json::{Value, json};
use venue::VenueOptions;

use crate::support::{Socket, fixture, same_shape, start, synthetic};

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
        ("/v2/assets?asset_class=us_equity&status=active", json!([fixture("asset_equity.json")])),
        (
            "/v2/assets?exchange=CRYPTO&attributes=ipo,fractional_eh_enabled",
            json!([fixture("asset_crypto.json")]),
        ),
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

#[tokio::test]
async fn the_calendar_knows_early_closes_settlement_and_both_meanings_of_its_dates() {
    let (venue, http) = start(VenueOptions::default()).await;
    let day = http.get("/v2/calendar?start=2026-11-27&end=2026-11-27").await;
    assert_eq!(
        day,
        json!([{"date": "2026-11-27", "open": "09:30", "close": "13:00", "session_open": "0400",
            "session_close": "1700", "settlement_date": "2026-11-30"}])
    );
    let query = "/v2/calendar?start=2026-11-27&end=2026-11-30&date_type=SETTLEMENT";
    let settled: Vec<Value> = http.get(query).await.as_array().unwrap().clone();
    let dates: Vec<&str> = settled.iter().map(|day| day["date"].as_str().unwrap()).collect();
    assert_eq!(dates, ["2026-11-25", "2026-11-27"]);
    for query in ["?date_type=OTHER", "?start=soon", "?start=2000-01-01&end=2090-01-01"] {
        let answer = http.send(Method::GET, &format!("/v2/calendar{query}"), None).await;
        assert_eq!((answer.status, &answer.body["code"]), (422, &json!(40_010_001)), "{query}");
    }
    venue.stop().await;
}
