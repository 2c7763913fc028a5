//! Every fixture of the protocol is served by a venue: the same keys, the same JSON types.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use reqwest::Method;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use venue::{FeeRates, Source, Venue, VenueOptions};

use crate::support::{Http, KEY, Socket, fixture, lines, same_shape, start, synthetic};

/// What a venue answered, by the fixture that it is held against.
type Answers = BTreeMap<&'static str, Value>;

async fn order(http: &Http, symbol: &str, rest: Value) -> Value {
    let mut order = json!({"symbol": symbol, "side": "buy", "time_in_force": "gtc"});
    for (name, value) in rest.as_object().unwrap() {
        order[name] = value.clone();
    }
    http.order(order).await
}

/// Orders of every kind, a fill, positions and what follows from them.
async fn trading(http: &Http, answers: &mut Answers) {
    let limit = |price: f64| json!({"type": "limit", "limit_price": price, "qty": 10});
    let bought = order(http, "AAPL", limit(9_999.0)).await;
    http.order_in(bought["id"].as_str().unwrap(), "filled").await;
    answers.insert("order_new.json", bought);
    let mut coin = limit(90_000.0);
    coin["qty"] = json!("0.001");
    answers.insert("order_crypto.json", order(http, "BTC/USD", coin).await);
    let notional = json!({"type": "market", "notional": "250.5", "time_in_force": "day"});
    answers.insert("order_market_notional.json", order(http, "MSFT", notional).await);
    let trailing =
        json!({"type": "trailing_stop", "side": "sell", "qty": 10, "trail_percent": 1.5});
    answers.insert("order_trailing.json", order(http, "AAPL", trailing).await);
    let bracket = json!({"type": "limit", "limit_price": 20, "qty": 10, "order_class": "bracket",
        "take_profit": {"limit_price": 30}, "stop_loss": {"stop_price": 10}});
    answers.insert("order_bracket.json", order(http, "KO", bracket).await);
    let bitcoin = json!({"type": "market", "notional": 500});
    let bitcoin = order(http, "BTC/USD", bitcoin).await;
    http.order_in(bitcoin["id"].as_str().unwrap(), "filled").await;
    let too_much = json!({"symbol": "SPY", "qty": 100_000, "side": "buy", "type": "limit",
        "limit_price": 500, "time_in_force": "day"});
    let refused = http.post_order(too_much).await;
    assert_eq!(refused.status, 403);
    answers.insert("error_buying_power.json", refused.body);
    answers.insert("orders.json", http.get("/v2/orders?status=all&nested=true&limit=500").await);
    answers.insert("position.json", http.get("/v2/positions/AAPL").await);
    answers.insert("positions.json", http.get("/v2/positions").await);
    let canceled = http.send(Method::DELETE, "/v2/orders", None).await;
    assert_eq!(canceled.status, 207);
    answers.insert("cancel_all_207.json", canceled.body);
    let closed = http.send(Method::DELETE, "/v2/positions?cancel_orders=true", None).await;
    assert_eq!(closed.status, 207);
    answers.insert("close_all_207.json", closed.body);
}

/// The account and the reference data.
async fn account(http: &Http, answers: &mut Answers) {
    for (name, path) in [
        ("account.json", "/v2/account"),
        ("account_configurations.json", "/v2/account/configurations"),
        ("asset_crypto.json", "/v2/assets/BTC/USD"),
        ("asset_equity.json", "/v2/assets/AAPL"),
        ("assets.json", "/v2/assets?status=active"),
        ("clock.json", "/v2/clock"),
        ("calendar.json", "/v2/calendar?start=2026-03-02&end=2026-03-02"),
    ] {
        answers.insert(name, http.get(path).await);
    }
    let list = json!({"name": "core", "symbols": ["AAPL"]}).to_string();
    let list = http.send(Method::POST, "/v2/watchlists", Some(&list)).await.body;
    answers.insert("watchlist.json", list);
    answers.insert("watchlists.json", http.get("/v2/watchlists").await);
    // The base of an account that is older than the history has a date.
    let mut history =
        http.get("/v2/account/portfolio/history?period=1D&timeframe=5Min&end=2099-01-01").await;
    history["base_value_asof"] = json!("2026-02-27");
    answers.insert("portfolio_history.json", history);
    let fill = http.get("/v2/account/activities/FILL?page_size=1").await[0].clone();
    // The fee of a buy, which is taken from the coins. Its group is optional, and not in the fixture.
    let fees = http.get("/v2/account/activities/CFEE?direction=asc").await;
    let mut fee = fees[0].clone();
    assert!(fee.as_object_mut().unwrap().remove("group_id").is_some_and(|id| id.is_string()));
    answers.insert("activities.json", json!([fill, fee]));
}

async fn market_data(http: &Http, answers: &mut Answers) {
    let minutes = "start=2026-11-20T15:00:00Z&end=2026-11-20T15:10:00Z";
    for (name, path) in [
        (
            "bars_multi.json",
            format!("/v2/stocks/bars?symbols=AAPL&timeframe=1Min&limit=1&{minutes}"),
        ),
        ("bars_single.json", format!("/v2/stocks/AAPL/bars?timeframe=1Min&{minutes}")),
        ("trades_single.json", format!("/v2/stocks/AAPL/trades?{minutes}")),
        ("quotes_single.json", format!("/v2/stocks/AAPL/quotes?{minutes}")),
        ("quotes_latest_multi.json", "/v2/stocks/quotes/latest?symbols=AAPL".to_owned()),
    ] {
        answers.insert(name, http.get(&path).await);
    }
}

#[tokio::test]
async fn every_fixture_of_the_rest_api_is_what_a_venue_answers() {
    let (venue, http) =
        start(VenueOptions { fees: Some(FeeRates::default()), ..synthetic() }).await;
    let mut answers = Answers::new();
    trading(&http, &mut answers).await;
    account(&http, &mut answers).await;
    market_data(&http, &mut answers).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let names: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| Path::new(name).extension().is_some_and(|end| end == "json"))
        .collect();
    let answered: BTreeSet<String> = answers.keys().map(|name| (*name).to_owned()).collect();
    assert_eq!(names, answered, "each fixture has its answer");
    for (name, answer) in &answers {
        same_items(name, &fixture(name), answer);
    }
    venue.stop().await;
}

/// Compares lists item by item where the fixture's items differ in shape, else by the first.
fn same_items(name: &str, fixture: &Value, answer: &Value) {
    let (Value::Array(expected), Value::Array(found)) = (fixture, answer) else {
        same_shape(name, fixture, answer);
        return;
    };
    assert!(!found.is_empty(), "{name} is empty");
    match name {
        "activities.json" => {
            for (expected, found) in expected.iter().zip(found) {
                same_shape(name, expected, found);
            }
        }
        // The second item is one that could not be canceled.
        "cancel_all_207.json" => found.iter().for_each(|one| same_shape(name, &expected[0], one)),
        "assets.json" | "positions.json" => {
            for expected in expected {
                let class =
                    ["asset_class", "class"].into_iter().find(|key| expected[*key].is_string());
                let class = class.unwrap();
                let same = found.iter().find(|one| one[class] == expected[class]).unwrap();
                same_shape(name, expected, same);
            }
        }
        _ => found.iter().for_each(|one| same_shape(name, &expected[0], one)),
    }
}

async fn updates_of(venue: &Venue, http: &Http) -> BTreeMap<String, Value> {
    let mut socket = Socket::trade_updates(venue).await;
    let far = order(http, "IBM", json!({"type": "limit", "limit_price": 10, "qty": 5})).await;
    let path = format!("/v2/orders/{}", far["id"].as_str().unwrap());
    let changed = http.send(Method::PATCH, &path, Some(r#"{"qty": 6}"#)).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    let path = format!("/v2/orders/{}", changed.body["id"].as_str().unwrap());
    assert_eq!(http.send(Method::DELETE, &path, None).await.status, 204);
    order(http, "AAPL", json!({"type": "market", "qty": 100, "time_in_force": "day"})).await;
    let mut seen = BTreeMap::new();
    while !seen.contains_key("fill") {
        let data = socket.next().await["data"].clone();
        seen.entry(data["event"].as_str().unwrap().to_owned()).or_insert(data);
    }
    seen
}

#[tokio::test]
async fn trade_updates_are_the_fixtures_of_their_events() {
    let mut options = synthetic();
    if let Source::Synthetic(synthetic) = &mut options.source {
        // Every fill is one in parts, until only the last is left.
        synthetic.partial_fill_chance = 0.9;
    }
    let (venue, http) = start(options).await;
    venue.transfer(KEY, Decimal::from(100_000)).unwrap();
    let seen = updates_of(&venue, &http).await;
    let fixtures = lines("trade_updates.jsonl");
    for event in ["pending_new", "new", "partial_fill", "fill", "canceled", "replaced"] {
        let expected = fixtures.iter().find(|one| one["data"]["event"] == event).unwrap();
        same_shape(event, &expected["data"], &seen[event]);
        assert_eq!(seen[event]["order"]["status"], expected["data"]["order"]["status"], "{event}");
    }
    venue.stop().await;
}
