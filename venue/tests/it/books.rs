//! More ways of an order: partial fills, cancels, times in force, several accounts.

use reqwest::Method;
use rust_decimal::Decimal;
use secrecy::SecretString;
use serde_json::json;
use venue::{AccountSpec, Source, SyntheticOptions};

use crate::support::{Http, Socket, start, synthetic};

#[tokio::test]
async fn partial_fills_add_up_to_the_order_exactly() {
    let mut options = synthetic();
    options.source = Source::Synthetic(SyntheticOptions {
        always_open: true,
        partial_fill_chance: 0.7,
        ..SyntheticOptions::default()
    });
    let (venue, http) = start(options).await;
    let mut updates = Socket::trade_updates(&venue).await;
    http.order(json!({"symbol": "ETH/USD", "qty": "3.123456789", "side": "buy",
        "type": "market", "time_in_force": "gtc"}))
        .await;
    let mut sum = Decimal::ZERO;
    loop {
        let update = updates.next().await["data"].clone();
        if let Some(qty) = update["qty"].as_str() {
            sum += qty.parse::<Decimal>().unwrap();
            assert_eq!(update["position_qty"], sum.normalize().to_string());
            assert_eq!(update["order"]["filled_qty"], sum.normalize().to_string());
        }
        if update["event"] == "fill" {
            break;
        }
    }
    assert_eq!(sum.to_string(), "3.123456789");
    venue.stop().await;
}

#[tokio::test]
async fn what_an_immediate_order_cannot_trade_at_once_is_canceled() {
    let (venue, http) = start(synthetic()).await;
    for time_in_force in ["ioc", "fok"] {
        let order = json!({"symbol": "AAPL", "qty": 1, "side": "buy", "type": "limit",
            "limit_price": 1, "time_in_force": time_in_force});
        let order = http.order(order).await;
        http.order_in(order["id"].as_str().unwrap(), "canceled").await;
        let order = json!({"symbol": "AAPL", "qty": 1, "side": "buy", "type": "limit",
            "limit_price": 9999, "time_in_force": time_in_force});
        let order = http.order(order).await;
        let filled = http.order_in(order["id"].as_str().unwrap(), "filled").await;
        let price: f64 = filled["filled_avg_price"].as_str().unwrap().parse().unwrap();
        assert!(price < 1_000.0, "at the ask, not at the limit: {price}");
    }
    venue.stop().await;
}

#[tokio::test]
async fn all_open_orders_can_be_canceled_at_once() {
    let (venue, http) = start(synthetic()).await;
    for symbol in ["AAPL", "IBM", "SPY"] {
        http.order(json!({"symbol": symbol, "qty": 1, "side": "buy", "type": "limit",
            "limit_price": 1, "time_in_force": "gtc"}))
            .await;
    }
    let answer = http.send(Method::DELETE, "/v2/orders", None).await;
    assert_eq!(answer.status, 207);
    let statuses: Vec<_> =
        answer.body.as_array().unwrap().iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, [200, 200, 200]);
    assert_eq!(http.get("/v2/orders").await, json!([]));
    let closed = http.get("/v2/orders?status=closed&symbols=IBM,SPY&direction=asc").await;
    assert_eq!(closed[0]["symbol"], "IBM");
    assert_eq!(closed.as_array().unwrap().len(), 2);
    venue.stop().await;
}

#[tokio::test]
async fn a_stock_order_outside_hours_is_accepted_and_waits() {
    let mut options = synthetic();
    options.source = Source::Synthetic(SyntheticOptions::default());
    let (venue, http) = start(options).await;
    let is_open = http.get("/v2/clock").await["is_open"].as_bool().unwrap();
    let order = http
        .order(json!({"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market",
            "time_in_force": "day"}))
        .await;
    assert_eq!(order["status"], if is_open { "pending_new" } else { "accepted" });
    if !is_open {
        let still = http.get(&format!("/v2/orders/{}", order["id"].as_str().unwrap())).await;
        assert_eq!(still["status"], "accepted");
    }
    let coin = json!({"symbol": "BTCUSD", "notional": 50, "side": "buy", "type": "market",
        "time_in_force": "gtc"});
    let coin = http.order(coin).await;
    assert_eq!(coin["symbol"], "BTC/USD");
    http.order_in(coin["id"].as_str().unwrap(), "filled").await;
    let position = http.get("/v2/positions/BTC/USD").await;
    assert_eq!(position["symbol"], "BTCUSD");
    venue.stop().await;
}

#[tokio::test]
async fn accounts_do_not_see_each_other() {
    let mut options = synthetic();
    options.accounts.push(AccountSpec {
        key_id: "PKSECOND".to_owned(),
        secret: SecretString::from("second"),
        cash: Decimal::from(500),
        multiplier: 1,
    });
    let (venue, http) = start(options).await;
    let order = http
        .order(json!({"symbol": "KO", "qty": 1, "side": "buy", "type": "limit",
            "limit_price": 1, "time_in_force": "day"}))
        .await;
    let mut other = Http::new(&venue);
    "PKSECOND".clone_into(&mut other.key);
    "second".clone_into(&mut other.secret);
    assert_eq!(other.get("/v2/account").await["buying_power"], "500");
    let path = format!("/v2/orders/{}", order["id"].as_str().unwrap());
    assert_eq!(other.send(Method::GET, &path, None).await.status, 404);
    assert_eq!(other.send(Method::DELETE, &path, None).await.status, 404);
    assert_eq!(other.get("/v2/orders?status=all").await, json!([]));
    venue.stop().await;
}

#[tokio::test]
async fn a_suspended_account_takes_no_new_orders() {
    let (venue, http) = start(synthetic()).await;
    let path = "/v2/account/configurations";
    let change = r#"{"suspend_trade": true, "dtbp_check": "both", "trade_confirm_email": null}"#;
    let changed = http.send(Method::PATCH, path, Some(change)).await;
    assert_eq!((changed.status, &changed.body["suspend_trade"]), (200, &json!(true)));
    let order = json!({"symbol": "KO", "qty": 1, "side": "buy", "type": "limit",
        "limit_price": 1, "time_in_force": "day"});
    let answer = http.post_order(order).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.body["message"], "new orders are rejected by user request");
    let wrong = http.send(Method::PATCH, path, Some(r#"{"max_margin_multiplier": "9"}"#)).await;
    assert_eq!(wrong.status, 400);
    venue.stop().await;
}

#[tokio::test]
async fn an_account_that_is_long_only_does_not_sell_short_though_it_has_margin() {
    let mut options = synthetic();
    options.long_only.insert(crate::support::KEY.to_owned());
    let (venue, http) = start(options).await;
    assert_eq!(http.get("/v2/account/configurations").await["no_shorting"], true);
    let short = json!({"symbol": "KO", "qty": 1, "side": "sell", "type": "limit",
        "limit_price": 100, "time_in_force": "day"});
    let refused = http.post_order(short).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    venue.stop().await;
}
