//! `GET /trades/history`.

use rust_decimal::Decimal;
use serde_json::{Value, json};
use storage::Side;
use storage::journal::{self, Commit, NewEvent};
use storage::trades::TradeRecord;
use uuid::Uuid;

use crate::support::{Call, Gateway, at, pairs, text};

const HISTORY: &str = "/v1/trades/history";

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// The n-th trade, a minute after the one before.
fn trade(user_id: Uuid, number: u32, ticker: &str, side: Side) -> TradeRecord {
    TradeRecord {
        id: Uuid::from_u128(0x7ade << 64 | user_id.as_u128() << 16 | u128::from(number)),
        user_id,
        ticker: ticker.to_owned(),
        strategy_name: "sma_cross(fast=3,slow=8)".to_owned(),
        side,
        quantity: decimal("10"),
        price: decimal("150.25"),
        signal: if side == Side::Buy { 1 } else { -1 },
        order_id: Some(format!("troupe-{number}")),
        cumulative_quantity: Some(decimal("10")),
        config_id: Some(Uuid::from_u128(9)),
        executed_at: at(i64::from(number) * 60),
    }
}

/// Writes trades the way the engine does: with the events that explain them.
async fn book(gateway: &Gateway, user_id: Uuid, trades: Vec<TradeRecord>) {
    let event = NewEvent {
        seq: 0,
        at: at(0),
        kind: "test".to_owned(),
        version: 1,
        client_order_id: None,
        config_id: None,
        payload: json!({}),
    };
    let events = vec![event];
    let (orders, fills, positions) = (Vec::new(), Vec::new(), Vec::new());
    let commit = Commit { user_id, events, orders, fills, positions, trades };
    journal::commit(gateway.test.pool(), &[commit], at(0)).await.unwrap();
}

/// A user with three trades, and a stranger with one; answers the user's token.
async fn with_trades(gateway: &Gateway) -> String {
    let user = gateway.register("trader123").await;
    let stranger = gateway.register("stranger").await;
    let trades = vec![
        trade(user, 1, "AAPL", Side::Buy),
        trade(user, 2, "BTC/USD", Side::Buy),
        trade(user, 1440, "AAPL", Side::Sell),
    ];
    book(gateway, user, trades).await;
    book(gateway, stranger, vec![trade(stranger, 1, "AAPL", Side::Buy)]).await;
    text(&gateway.login("trader123").await["access_token"])
}

fn orders(answer: &Value) -> Vec<String> {
    let trades = answer["trades"].as_array().unwrap();
    trades.iter().map(|trade| text(&trade["order_id"])).collect()
}

#[tokio::test]
async fn the_callers_own_trades_are_answered_as_the_contract_says_on_both_faces() {
    let gateway = Gateway::start().await;
    let token = with_trades(&gateway).await;
    for face in ["/v1", "/api"] {
        let answer = gateway.send(Call::get(format!("{face}/trades/history")).bearer(&token)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.text().contains("\"total_value\":1502.50"), "{}", answer.text());
        let mut body = answer.json();
        assert_eq!(orders(&body), ["troupe-1440", "troupe-2", "troupe-1"], "newest first");
        let mut last = body["trades"].as_array_mut().unwrap().pop().unwrap();
        last["id"] = json!("uuid");
        let expected = json!({
            "id": "uuid",
            "ticker": "AAPL",
            "strategy_name": "sma_cross(fast=3,slow=8)",
            "action": "BUY",
            "quantity": 10,
            "price": 150.25,
            "total_value": 1502.50,
            "executed_at": "2026-02-02T02:41:00Z",
            "config_id": "00000000-0000-0000-0000-000000000009",
            "order_id": "troupe-1",
        });
        assert_eq!(last, expected);
        let page = (&body["total"], &body["limit"], &body["offset"]);
        assert_eq!(page, (&json!(3), &json!(100), &json!(0)));
    }
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn trades_are_filtered_by_ticker_and_time_and_cut_into_pages() {
    let gateway = Gateway::start().await;
    let token = with_trades(&gateway).await;
    // The three are at 02:41 and 02:42 of the 2nd, and at 02:40 of the 3rd of February 2026.
    let rows: [(&str, &[u32], u64); 11] = [
        ("ticker=aapl", &[1440, 1], 2),
        ("ticker=BTC/USD", &[2], 1),
        ("ticker=BTC%2FUSD", &[2], 1),
        ("start_date=2026-02-03", &[1440], 1),
        ("end_date=2026-02-02", &[2, 1], 2),
        ("start_date=2026-02-02T02:42:00Z&end_date=2026-02-03", &[1440, 2], 2),
        ("end_date=2026-02-02T02:41:00Z", &[1], 1),
        ("end_date=2026-02-02T03:41:00%2B01:00", &[1], 1),
        ("end_date=2026-02-02T03:41:00+01:00", &[1], 1),
        ("limit=1&offset=1", &[2], 3),
        ("offset=3", &[], 3),
    ];
    for (query, expected, total) in rows {
        let answer = gateway.send(Call::get(format!("{HISTORY}?{query}")).bearer(&token)).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
        let expected: Vec<String> = expected.iter().map(|n| format!("troupe-{n}")).collect();
        assert_eq!(
            (orders(&answer.json()), &answer.json()["total"]),
            (expected, &json!(total)),
            "{query}"
        );
    }
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn every_wrong_parameter_is_named() {
    let gateway = Gateway::start().await;
    let token = gateway.token_of("trader123").await;
    let rows = [
        ("ticker=A;B", vec![("ticker", "invalid")]),
        ("start_date=yesterday&limit=0", vec![("start_date", "invalid"), ("limit", "invalid")]),
        ("end_date=2026-02-30", vec![("end_date", "invalid")]),
        ("start_date=2026-02-03&end_date=2026-02-02", vec![("end_date", "out_of_range")]),
        ("limit=1001&offset=-1", vec![("limit", "invalid"), ("offset", "invalid")]),
        ("limit=1&limit=2", vec![("limit", "duplicate")]),
        ("tickr=AAPL", vec![("tickr", "unknown_field")]),
        ("start_date=%2B262142-01-01", vec![("start_date", "invalid")]),
    ];
    for (query, expected) in rows {
        let answer = gateway.send(Call::get(format!("{HISTORY}?{query}")).bearer(&token)).await;
        assert_eq!(answer.wrong_fields(), pairs(&expected), "{query}");
    }
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn a_spreadsheet_gets_its_csv() {
    let gateway = Gateway::start().await;
    let token = with_trades(&gateway).await;
    let call = Call::get(format!("{HISTORY}?limit=1&offset=2")).bearer(&token);
    let answer = gateway.send(call.header("accept", "text/csv, */*;q=0.1")).await;
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert_eq!(answer.header("x-total-count"), "3");
    let body = answer.text();
    let lines: Vec<&str> = body.split("\r\n").collect();
    let header =
        "id,ticker,strategy_name,action,quantity,price,total_value,executed_at,config_id,order_id";
    assert_eq!((lines.len(), lines[0]), (3, header));
    let rest = ",AAPL,\"sma_cross(fast=3,slow=8)\",BUY,10,150.25,1502.50,2026-02-02T02:41:00Z,\
                00000000-0000-0000-0000-000000000009,troupe-1";
    assert!(lines[1].ends_with(rest), "{}", lines[1]);
    let call =
        Call::get(HISTORY).bearer(&token).header("accept", "application/json, text/csv;q=0.5");
    assert_eq!(gateway.send(call).await.header("content-type"), "application/json");
    gateway.test.drop_database().await;
}

#[tokio::test]
async fn the_history_is_nobody_elses_business() {
    let gateway = Gateway::start().await;
    let answer = gateway.send(Call::get(HISTORY)).await;
    assert_eq!(answer.problem(), (401, "authentication_required".to_owned()));
    gateway.test.drop_database().await;
}
