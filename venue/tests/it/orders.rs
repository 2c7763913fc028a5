//! Orders from the request to the execution.

use serde_json::json;

use crate::support::{Socket, start, synthetic};

#[tokio::test]
async fn a_market_order_fills_and_shows_in_position_cash_activities_and_stream() {
    let (venue, http) = start(synthetic()).await;
    let mut updates = Socket::trade_updates(&venue).await;
    let order = http
        .order(json!({"symbol": "AAPL", "qty": 10, "side": "buy", "type": "market",
            "time_in_force": "day", "client_order_id": "one"}))
        .await;
    assert_eq!(order["status"], "pending_new");
    assert!(updates.update("pending_new").await.get("execution_id").is_none());
    assert!(updates.update("new").await["execution_id"].is_string());
    let fill = updates.update("fill").await;
    assert_eq!(fill["position_qty"], "10");
    assert_eq!(fill["qty"], "10");

    let filled = http.order_in(order["id"].as_str().unwrap(), "filled").await;
    assert_eq!(filled["filled_avg_price"], fill["price"]);
    let position = http.get("/v2/positions/AAPL").await;
    assert_eq!(position["qty"], "10");
    assert_eq!(position["avg_entry_price"], fill["price"]);
    let price: f64 = fill["price"].as_str().unwrap().parse().unwrap();
    let cash: f64 = http.get("/v2/account").await["cash"].as_str().unwrap().parse().unwrap();
    assert!((cash - (100_000.0 - 10.0 * price)).abs() < 1e-6, "{cash}");
    let activities = http.get("/v2/account/activities/FILL").await;
    assert_eq!(activities[0]["order_id"], order["id"]);
    venue.stop().await;
}

#[tokio::test]
async fn the_data_streams_carry_what_was_subscribed_and_nothing_else() {
    let (venue, _http) = start(synthetic()).await;
    let subscribe = json!({"action": "subscribe", "trades": ["AAPL"], "quotes": ["MSFT"]});
    let mut stocks = Socket::data(&venue, "/v2/iex", subscribe).await;
    let coins = json!({"action": "subscribe", "trades": ["*"], "bars": []});
    let mut crypto = Socket::data(&venue, "/v1beta3/crypto/us", coins).await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        for message in stocks.next().await.as_array().unwrap() {
            seen.insert(format!("{} {}", message["T"], message["S"]).replace('"', ""));
        }
        for message in crypto.next().await.as_array().unwrap() {
            assert_eq!(message["T"], "t");
            assert!(message["S"].as_str().unwrap().ends_with("/USD"));
        }
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["q MSFT", "t AAPL"]);
    venue.stop().await;
}
