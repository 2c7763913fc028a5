//! Every refusal that clients rely on: status, code and words.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use reqwest::Method;
use serde_json::{Value, json};
use venue::{Source, SyntheticOptions, Venue, VenueError, VenueOptions};

use crate::support::{start, synthetic};

/// An order for one share of AAPL with some members replaced; null takes one out.
fn order(changes: &Value) -> Value {
    let mut order = json!({"symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit",
        "limit_price": "1", "time_in_force": "day"});
    for (name, value) in changes.as_object().unwrap() {
        order[name] = value.clone();
    }
    order
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table: one row per refusal")]
async fn each_refused_order_has_alpacas_status_code_and_message() {
    let (venue, http) = start(synthetic()).await;
    let bought = http.order(order(&json!({"type": "market", "limit_price": null, "qty": 5}))).await;
    http.order_in(bought["id"].as_str().unwrap(), "filled").await;
    http.order(order(&json!({"client_order_id": "taken", "symbol": "MSFT"}))).await;
    let coin = json!({"symbol": "BTC/USD", "time_in_force": "gtc"});
    let with = |base: &Value, changes: Value| {
        let mut merged = base.clone();
        for (name, value) in changes.as_object().unwrap() {
            merged[name] = value.clone();
        }
        merged
    };
    let rows = [
        (json!({"qty": 99_999, "limit_price": 100}), 403, 40_310_000, "insufficient buying power"),
        (
            json!({"side": "sell", "qty": 6, "limit_price": 9999}),
            403,
            40_310_000,
            "insufficient qty available for order (requested: 6, available: 5)",
        ),
        (
            with(&coin, json!({"side": "sell", "qty": 1, "limit_price": 999_999})),
            403,
            40_310_000,
            "insufficient balance for BTC (requested: 1, available: 0)",
        ),
        (
            with(&coin, json!({"qty": "0.00002", "limit_price": 10_000})),
            403,
            40_310_000,
            "cost basis must be >= minimal amount of order 1",
        ),
        (
            json!({"type": "stop", "stop_price": 1, "limit_price": null}),
            422,
            42_210_000,
            "stop price must be greater than current price",
        ),
        (
            json!({"type": "stop", "side": "sell", "stop_price": 9999, "limit_price": null}),
            422,
            42_210_000,
            "stop price must be less than current price",
        ),
        (
            json!({"type": "stop", "limit_price": null}),
            422,
            40_010_001,
            "stop orders require a stop price",
        ),
        (
            json!({"type": "stop_limit"}),
            422,
            40_010_001,
            "stop limit orders require both stop and limit price",
        ),
        (
            json!({"type": "trailing_stop", "limit_price": null}),
            422,
            40_010_001,
            "trailing stop orders must specify one of trail_price or trail_percent",
        ),
        (
            json!({"type": "trailing_stop", "limit_price": null, "trail_percent": "0.05"}),
            422,
            40_010_001,
            "trail_percent must be greater than or equal to 0.1",
        ),
        (
            json!({"type": "stop", "stop_price": "9999.001", "limit_price": null}),
            422,
            42_210_000,
            "invalid stop_price 9999.001. sub-penny increment does not fulfill minimum pricing criteria",
        ),
        (
            json!({"type": "stop", "stop_price": 9999, "limit_price": null, "extended_hours": true}),
            422,
            42_210_000,
            "stop orders are not eligible for extended hours trading",
        ),
        (
            json!({"type": "stop", "stop_price": 9999, "limit_price": null, "time_in_force": "ioc"}),
            422,
            40_010_001,
            "invalid time_in_force",
        ),
        (
            json!({"qty": "0.5", "order_class": "oto", "stop_loss": {"stop_price": "0.5"}}),
            422,
            42_210_000,
            "fractional orders must be simple orders",
        ),
        (
            json!({"symbol": "IBM", "side": "sell", "qty": "0.5", "limit_price": 999}),
            422,
            42_210_000,
            "fractional orders cannot be sold short",
        ),
        (
            json!({"order_class": "bracket", "take_profit": {"limit_price": 1},
                "stop_loss": {"stop_price": "0.5"}}),
            422,
            42_210_000,
            "take_profit.limit_price must be >= base_price + 0.01",
        ),
        (
            json!({"order_class": "bracket", "take_profit": {"limit_price": 2},
                "stop_loss": {"stop_price": "1"}}),
            422,
            42_210_000,
            "stop_loss.stop_price must be <= base_price - 0.01",
        ),
        (
            json!({"order_class": "bracket", "take_profit": {"limit_price": 2}}),
            422,
            40_010_001,
            "bracket orders require stop_loss.stop_price",
        ),
        (
            json!({"position_intent": "buy_to_close"}),
            422,
            42_210_000,
            "position intent mismatch, inferred: buy_to_open, specified: buy_to_close",
        ),
        (
            with(&coin, json!({"type": "stop", "stop_price": 999_999, "limit_price": null})),
            422,
            40_010_001,
            "invalid order type for crypto order",
        ),
        (
            with(&coin, json!({"time_in_force": "fok"})),
            422,
            42_210_000,
            "invalid crypto time_in_force",
        ),
        (
            json!({"qty": "0.1", "limit_price": "1"}),
            403,
            40_310_000,
            "cost basis must be >= minimal amount of order 1",
        ),
        (json!({"client_order_id": "taken"}), 422, 40_010_001, "client_order_id must be unique"),
        (
            json!({"client_order_id": "x".repeat(129)}),
            422,
            40_010_001,
            "client_order_id must be no more than 128 characters",
        ),
        (json!({"qty": "-1"}), 422, 40_010_001, "qty must be > 0"),
        (json!({"limit_price": "0"}), 422, 40_010_001, "limit price must be > 0"),
        (json!({"qty": null}), 422, 40_010_001, "qty or notional is required"),
        (json!({"notional": "5"}), 422, 40_010_001, "only one of qty or notional is accepted"),
        (json!({"limit_price": null}), 422, 40_010_001, "limit orders require a limit price"),
        (
            json!({"type": "market"}),
            422,
            40_010_001,
            "market orders require no stop or limit price",
        ),
        (json!({"time_in_force": "soon"}), 422, 40_010_001, "invalid time_in_force"),
        (json!({"type": "iceberg"}), 422, 40_010_001, "invalid order type"),
        (json!({"symbol": "NOPE"}), 422, 42_210_000, "asset \"NOPE\" not found"),
        (json!({"symbol": "FAKEPACA"}), 422, 42_210_000, "asset \"FAKEPACA\" is not tradable"),
        (
            json!({"limit_price": "290.123"}),
            422,
            42_210_000,
            "invalid limit_price 290.123. sub-penny increment does not fulfill minimum pricing criteria",
        ),
        (
            json!({"extended_hours": true, "time_in_force": "ioc"}),
            422,
            42_210_000,
            "extended hours order must be DAY or GTC limit orders",
        ),
        (
            json!({"qty": "0.5", "time_in_force": "gtc"}),
            422,
            42_210_000,
            "fractional orders must be DAY orders",
        ),
        (json!({"qty": null, "notional": 0.5}), 422, 42_210_000, "notional must be >= 1.00"),
        (
            with(&coin, json!({"time_in_force": "day"})),
            422,
            42_210_000,
            "invalid crypto time_in_force",
        ),
    ];
    for (changes, status, code, message) in rows {
        let answer = http.post_order(order(&changes)).await;
        assert_eq!(answer.status, status, "{changes}: {}", answer.body);
        assert_eq!(answer.body["code"], code, "{changes}");
        assert_eq!(answer.body["message"], message, "{changes}");
    }
    venue.stop().await;
}

#[tokio::test]
async fn an_order_that_could_trade_with_an_own_one_is_a_wash_trade() {
    let (venue, http) = start(synthetic()).await;
    let bought = http.order(order(&json!({"type": "market", "limit_price": null, "qty": 5}))).await;
    http.order_in(bought["id"].as_str().unwrap(), "filled").await;
    let resting = http.order(order(&json!({"limit_price": 1}))).await;
    let crossing = [
        (json!({"side": "sell", "type": "market", "limit_price": null}), 403),
        (json!({"side": "sell", "limit_price": 1}), 403),
        (json!({"side": "sell", "limit_price": "9999"}), 200),
    ];
    for (changes, status) in crossing {
        let answer = http.post_order(order(&changes)).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        if status == 403 {
            assert_eq!(answer.body["message"], "potential wash trade detected. use complex orders");
            assert_eq!(answer.body["existing_order_id"], resting["id"]);
        }
    }
    venue.stop().await;
}

#[tokio::test]
async fn refusals_carry_their_numbers() {
    let (venue, http) = start(synthetic()).await;
    let answer = http.post_order(order(&json!({"qty": 9000, "limit_price": "100.5"}))).await;
    assert_eq!(answer.body["cost_basis"], "904500");
    assert_eq!(answer.body["buying_power"], "200000");
    venue.stop().await;
}

#[tokio::test]
async fn missing_things_are_404_and_a_terminal_order_is_not_canceled_twice() {
    let (venue, http) = start(synthetic()).await;
    let missing = "00000000-0000-4000-8000-000000000000";
    let rows = [
        (
            Method::GET,
            format!("/v2/orders/{missing}"),
            404,
            format!("order not found for {missing}"),
        ),
        (
            Method::DELETE,
            format!("/v2/orders/{missing}"),
            404,
            format!("order not found for {missing}"),
        ),
        (Method::GET, "/v2/orders/abc".to_owned(), 422, "order_id is missing".to_owned()),
        (Method::GET, "/v2/positions/AAPL".to_owned(), 404, "position does not exist".to_owned()),
        (Method::GET, "/v2/positions/NOPE".to_owned(), 404, "symbol not found: NOPE".to_owned()),
        (Method::GET, "/v2/assets/NOPE".to_owned(), 404, "asset not found for NOPE".to_owned()),
        (Method::GET, "/v2/nothing".to_owned(), 404, "endpoint not found".to_owned()),
        (
            Method::GET,
            "/v2/orders?limit=501".to_owned(),
            422,
            "limit must be between 1 and 500, not 501".to_owned(),
        ),
        (
            Method::GET,
            "/v2/stocks/bars?symbols=AAPL".to_owned(),
            400,
            "timeframe is required".to_owned(),
        ),
        (Method::GET, "/v2/stocks/A$/trades".to_owned(), 400, "invalid symbol: A$".to_owned()),
    ];
    for (method, path, status, message) in rows {
        let answer = http.send(method, &path, None).await;
        assert_eq!((answer.status, &answer.body["message"]), (status, &json!(message)), "{path}");
    }
    let placed = http.order(order(&json!({}))).await;
    let path = format!("/v2/orders/{}", placed["id"].as_str().unwrap().replace('-', ""));
    let canceled = http.send(Method::DELETE, &path, None).await;
    assert_eq!((canceled.status, canceled.body), (204, Value::Null));
    let again = http.send(Method::DELETE, &path, None).await;
    assert_eq!(again.status, 422);
    assert_eq!(again.body["message"], "order is already in \"canceled\" state");
    venue.stop().await;
}

#[tokio::test]
async fn a_wrong_secret_is_401_and_a_request_too_many_is_429_with_headers() {
    let options = VenueOptions { requests_per_minute: 3, ..synthetic() };
    let (venue, mut http) = start(options).await;
    http.secret = "wrong".to_owned();
    let answer = http.send(Method::GET, "/v2/account", None).await;
    assert_eq!((answer.status, &answer.body["code"]), (401, &json!(40_110_000)));
    http.secret = crate::support::SECRET.to_owned();
    for remaining in ["2", "1", "0"] {
        let response = http.raw(Method::GET, "/v2/clock", None).await;
        assert_eq!(response.headers()["x-ratelimit-remaining"], remaining);
        assert!(response.headers().contains_key("x-request-id"));
    }
    let refused = http.raw(Method::GET, "/v2/clock", None).await;
    assert_eq!(refused.status().as_u16(), 429);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(
        http.send(Method::GET, "/v2/stocks/bars/latest?symbols=IBM", None).await.status,
        200
    );
    venue.stop().await;
}

#[tokio::test]
async fn a_port_in_use_and_a_wrong_option_are_named() {
    let (venue, _http) = start(synthetic()).await;
    let address = venue.address();
    let error = Venue::start(VenueOptions { listen: address, ..synthetic() }).await.unwrap_err();
    assert!(matches!(error, VenueError::Listen { address: named, .. } if named == address));
    let source =
        Source::Synthetic(SyntheticOptions { trades_per_second: 0, ..SyntheticOptions::default() });
    let error = Venue::start(VenueOptions { source, ..synthetic() }).await.unwrap_err();
    assert!(matches!(error, VenueError::Option { option: "trades_per_second", .. }));
    venue.stop().await;
}
