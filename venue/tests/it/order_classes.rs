//! Groups, replacements and short sales as clients see them.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Http, Socket, fixture, start, synthetic};

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// A bracket around a limit far below the market, so that it rests.
fn bracket() -> Value {
    json!({"symbol": "KO", "qty": "3", "side": "buy", "type": "limit", "limit_price": "10",
        "time_in_force": "gtc", "order_class": "bracket", "take_profit": {"limit_price": "900"},
        "stop_loss": {"stop_price": "8", "limit_price": 7.5}})
}

fn id(order: &Value) -> String {
    order["id"].as_str().unwrap().to_owned()
}

async fn buy(http: &Http, symbol: &str, qty: u32) {
    let order = json!({"symbol": symbol, "qty": qty, "side": "buy", "type": "market",
        "time_in_force": "day"});
    let order = http.order(order).await;
    http.order_in(&id(&order), "filled").await;
}

#[tokio::test]
async fn a_bracket_has_the_shape_of_the_fixture_and_rolls_up_when_asked() {
    let (venue, http) = start(synthetic()).await;
    let order = http.order(bracket()).await;
    let expected = fixture("order_bracket.json");
    assert_eq!(keys(&order), keys(&expected));
    assert_eq!(order["order_class"], "bracket");
    let legs = order["legs"].as_array().unwrap();
    let shown: Vec<[&str; 4]> = legs
        .iter()
        .map(|leg| {
            ["type", "side", "status", "position_intent"].map(|key| leg[key].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        shown,
        [
            ["limit", "sell", "held", "sell_to_close"],
            ["stop_limit", "sell", "held", "sell_to_close"]
        ]
    );
    assert_eq!(keys(&legs[0]), keys(&expected["legs"][0]));

    let flat = http.get("/v2/orders").await;
    assert_eq!(flat.as_array().unwrap().len(), 3);
    assert!(flat.as_array().unwrap().iter().all(|order| order["legs"].is_null()));
    let nested = http.get("/v2/orders?nested=True").await;
    assert_eq!(nested.as_array().unwrap().len(), 1);
    assert_eq!(nested[0]["legs"].as_array().unwrap().len(), 2);
    let path = format!("/v2/orders/{}?nested=true", id(&order));
    assert_eq!(http.get(&path).await["legs"][0]["id"], legs[0]["id"]);
    venue.stop().await;
}

#[tokio::test]
async fn canceling_all_answers_for_every_member_of_a_group() {
    let (venue, http) = start(synthetic()).await;
    http.order(bracket()).await;
    let answer = http.send(Method::DELETE, "/v2/orders", None).await;
    let statuses: Vec<&Value> =
        answer.body.as_array().unwrap().iter().map(|item| &item["status"]).collect();
    assert_eq!((answer.status, statuses), (207, vec![&json!(200); 3]));
    assert_eq!(http.get("/v2/orders").await, json!([]));
    let again = http.send(Method::DELETE, "/v2/orders", None).await;
    assert_eq!((again.status, again.body), (207, json!([])));
    venue.stop().await;
}

#[tokio::test]
async fn a_replacement_is_a_new_order_and_two_events() {
    let (venue, http) = start(synthetic()).await;
    let mut updates = Socket::trade_updates(&venue).await;
    let old = http
        .order(json!({"symbol": "KO", "qty": 3, "side": "buy", "type": "limit",
            "limit_price": 10, "time_in_force": "day"}))
        .await;
    let path = format!("/v2/orders/{}", id(&old));
    let body = r#"{"qty":"4","limit_price":11,"time_in_force":"gtc","stop_price":null,
        "trail":null,"client_order_id":"second"}"#;
    let answer = http.send(Method::PATCH, &path, Some(body)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let new = answer.body;
    assert_eq!(new["replaces"], old["id"]);
    assert_eq!([&new["qty"], &new["limit_price"], &new["client_order_id"]], ["4", "11", "second"]);
    assert_eq!(updates.update("replaced").await["order"]["replaced_by"], new["id"]);
    let event = updates.update("new").await;
    assert_eq!(event["order"]["id"], new["id"]);
    assert!(event["execution_id"].is_string());
    let old = http.get(&path).await;
    assert_eq!((&old["status"], &old["replaced_by"]), (&json!("replaced"), &new["id"]));
    assert!(old["replaced_at"].is_string());
    let missing = "/v2/orders/00000000-0000-4000-8000-000000000000";
    assert_eq!(http.send(Method::PATCH, missing, Some("{\"qty\":1}")).await.status, 404);
    assert_eq!(http.send(Method::PATCH, "/v2/orders/abc", Some("{}")).await.status, 422);
    venue.stop().await;
}

#[tokio::test]
async fn a_short_position_is_negative_and_is_closed_in_parts_and_whole() {
    let (venue, http) = start(synthetic()).await;
    let order = json!({"symbol": "KO", "qty": 10, "side": "sell", "type": "market",
        "time_in_force": "day"});
    let order = http.order(order).await;
    assert_eq!(order["position_intent"], "sell_to_open");
    http.order_in(&id(&order), "filled").await;
    let position = http.get("/v2/positions/KO").await;
    assert_eq!(keys(&position), keys(&fixture("position.json")));
    assert_eq!([&position["qty"], &position["side"]], ["-10", "short"]);
    assert_eq!(position["qty_available"], "-10");
    for member in ["market_value", "cost_basis"] {
        assert!(position[member].as_str().unwrap().starts_with('-'), "{member}");
    }
    let account = http.get("/v2/account").await;
    assert!(account["short_market_value"].as_str().unwrap().starts_with('-'));
    assert_eq!(account["shorting_enabled"], true);
    let fill = http.get("/v2/account/activities/FILL").await;
    assert_eq!(fill[0]["side"], "sell_short");

    let part = http.send(Method::DELETE, "/v2/positions/KO?percentage=45", None).await;
    assert_eq!((&part.body["side"], &part.body["qty"]), (&json!("buy"), &json!("4")));
    http.order_in(&id(&part.body), "filled").await;
    let rows = [
        ("?qty=1&percentage=10", 422, "only one of qty or percentage is accepted"),
        ("?percentage=101", 422, "percentage must be <= 100"),
        ("?percentage=1", 422, "qty must be > 0"),
        ("?qty=7", 403, "insufficient qty available for order (requested: 7, available: 6)"),
    ];
    for (query, status, message) in rows {
        let answer = http.send(Method::DELETE, &format!("/v2/positions/KO{query}"), None).await;
        assert_eq!((answer.status, &answer.body["message"]), (status, &json!(message)), "{query}");
    }
    let rest = http.send(Method::DELETE, "/v2/positions/KO", None).await;
    http.order_in(&id(&rest.body), "filled").await;
    assert_eq!(http.send(Method::GET, "/v2/positions/KO", None).await.status, 404);
    venue.stop().await;
}

#[tokio::test]
async fn closing_all_needs_the_held_shares_back() {
    let (venue, http) = start(synthetic()).await;
    buy(&http, "KO", 5).await;
    buy(&http, "IBM", 5).await;
    http.order(json!({"symbol": "KO", "qty": 5, "side": "sell", "type": "limit",
        "limit_price": 900, "time_in_force": "gtc"}))
        .await;
    let held = http.send(Method::DELETE, "/v2/positions", None).await;
    assert_eq!(held.status, 207);
    let status = |answer: &Value, symbol: &str| {
        let items = answer.as_array().unwrap();
        items.iter().find(|item| item["symbol"] == symbol).map(|item| item["status"].clone())
    };
    assert_eq!(status(&held.body, "KO"), Some(json!(403)));
    assert_eq!(status(&held.body, "IBM"), Some(json!(200)));
    let freed = http.send(Method::DELETE, "/v2/positions?cancel_orders=True", None).await;
    assert_eq!(status(&freed.body, "KO"), Some(json!(200)));
    venue.stop().await;
}

#[tokio::test]
async fn orders_are_listed_before_and_after_one_of_them() {
    let (venue, http) = start(synthetic()).await;
    let mut ids = Vec::new();
    for price in [1, 2, 3] {
        let order = json!({"symbol": "KO", "qty": 1, "side": "buy", "type": "limit",
            "limit_price": price, "time_in_force": "day"});
        ids.push(id(&http.order(order).await));
    }
    let listed = async |query: &str| -> Vec<String> {
        let orders = http.get(&format!("/v2/orders?direction=asc&{query}")).await;
        orders.as_array().unwrap().iter().map(id).collect()
    };
    assert_eq!(listed(&format!("after_order_id={}", ids[0])).await, ids[1..]);
    assert_eq!(listed(&format!("before_order_id={}", ids[2])).await, ids[..2]);
    let both = format!("/v2/orders?after_order_id={}&after=2026-01-01", ids[0]);
    assert_eq!(http.send(Method::GET, &both, None).await.status, 422);
    venue.stop().await;
}

#[tokio::test]
async fn the_settings_of_an_account_take_any_subset_and_refuse_what_is_wrong() {
    let (venue, http) = start(synthetic()).await;
    let path = "/v2/account/configurations";
    let answer = http.send(Method::PATCH, path, Some(r#"{"no_shorting":true}"#)).await;
    assert_eq!((answer.status, &answer.body["no_shorting"]), (200, &json!(true)));
    assert_eq!(keys(&answer.body), keys(&fixture("account_configurations.json")));
    assert_eq!(http.get("/v2/account").await["shorting_enabled"], false);
    let wrong = [
        r#"{"max_margin_multiplier":"3"}"#,
        r#"{"trade_confirm_email":"some"}"#,
        r#"{"suspend_trade":"maybe"}"#,
        r#"{"max_options_trading_level":9}"#,
        "[",
    ];
    for body in wrong {
        assert_eq!(http.send(Method::PATCH, path, Some(body)).await.status, 400, "{body}");
    }
    let body = r#"{"suspend_trade":true,"pdt_check":"entry"}"#;
    assert_eq!(http.send(Method::PATCH, path, Some(body)).await.status, 200);
    assert_eq!(http.get("/v2/account").await["trade_suspended_by_user"], true);
    let refused = http.post_order(bracket()).await;
    assert_eq!(refused.body["message"], "new orders are rejected by user request");
    venue.stop().await;
}
