//! Portfolio history over REST.

use reqwest::Method;
use rust_decimal::Decimal;
use serde_json::json;
use venue::{ReplayOptions, Source, VenueOptions};

use crate::support::{KEY, fixture, same_shape, start, synthetic};

const PATH: &str = "/v2/account/portfolio/history";

#[tokio::test]
async fn a_new_account_starts_at_its_cash_and_a_deposit_is_no_gain() {
    let (venue, http) = start(synthetic()).await;
    venue.transfer(KEY, Decimal::from(5_000)).unwrap();
    let history = http.get(&format!("{PATH}?period=1D&timeframe=1Min&cashflow_types=ALL")).await;
    let length = history["timestamp"].as_array().unwrap().len();
    assert!(length >= 1, "{history}");
    for column in ["equity", "profit_loss", "profit_loss_pct"] {
        assert_eq!(history[column].as_array().unwrap().len(), length, "{column}");
    }
    assert_eq!(history["equity"][length - 1], 105_000);
    assert_eq!(history["profit_loss"][length - 1], 0);
    assert_eq!(history["base_value"], 100_000);
    assert_eq!(history["timeframe"], "1Min");
    let flows = history["cashflow"]["CSD"].as_array().unwrap();
    assert_eq!(flows.iter().filter_map(serde_json::Value::as_i64).sum::<i64>(), 5_000);
    venue.stop().await;
}

#[tokio::test]
async fn the_curve_of_a_replay_follows_the_position() {
    let tape = tempfile::tempdir().unwrap();
    let rows = "timestamp,open,high,low,close,volume\n\
        2024-03-04,100,100,100,100,1000\n\
        2024-03-05,101,101,101,101,1000\n\
        2024-03-06,102,102,102,102,1000\n\
        2024-03-07,103,103,103,103,1000\n\
        2024-03-08,104,104,104,104,1000\n";
    std::fs::write(tape.path().join("ABC_1d.csv"), rows).unwrap();
    let options = VenueOptions {
        source: Source::Replay(ReplayOptions::new(tape.path())),
        requests_per_minute: 100_000,
        ..VenueOptions::default()
    };
    let (venue, http) = start(options).await;
    let order = json!({"symbol": "ABC", "qty": 10, "side": "buy", "type": "market",
        "time_in_force": "gtc"});
    http.order(order).await;
    let subscribe = json!({"action": "subscribe", "bars": ["ABC"]});
    let mut socket = crate::support::Socket::data(&venue, "/v2/iex", subscribe).await;
    let reading = async { while socket.frame_or_end().await.is_some() {} };
    tokio::select! {
        () = reading => {}
        () = venue.replay_finished() => {}
    }
    let path = format!("{PATH}?period=1W&timeframe=1D&pnl_reset=no_reset");
    let history = http.get(&path).await;
    let mut expected = fixture("portfolio_history.json");
    if history.get("base_value_asof").is_none() {
        expected.as_object_mut().unwrap().remove("base_value_asof");
    }
    same_shape("portfolio history", &expected, &history);
    let equity: Vec<i64> =
        history["equity"].as_array().unwrap().iter().map(|one| one.as_i64().unwrap()).collect();
    assert_eq!(equity.first(), Some(&100_000), "{history}");
    assert_eq!(equity.last(), Some(&100_040), "{history}");
    assert!(equity.is_sorted(), "{equity:?}");
    assert_eq!(history["profit_loss"][equity.len() - 1], 40);
    venue.stop().await;
}

#[tokio::test]
async fn what_no_history_can_be_is_refused_by_name() {
    let (venue, http) = start(synthetic()).await;
    for (query, named) in [
        ("period=1Q", "period"),
        ("period=0D", "period"),
        ("timeframe=2Min", "timeframe"),
        ("period=1M&timeframe=1Min", "timeframe 1Min covers at most 7 days"),
        ("period=1A&timeframe=1H", "timeframe 1H covers at most 31 days"),
        ("intraday_reporting=always", "intraday_reporting"),
        ("pnl_reset=daily", "pnl_reset"),
        ("start=2026-01-01&end=2026-01-02&period=1D", "only two of"),
        ("start=2999-01-01", "start must be before"),
        ("date_end=tomorrow", "date_end"),
        ("end=noon", "end must be"),
    ] {
        let answer = http.send(Method::GET, &format!("{PATH}?{query}"), None).await;
        let message = answer.body["message"].as_str().unwrap();
        assert_eq!((answer.status, &answer.body["code"]), (422, &json!(40_010_001)), "{query}");
        assert!(message.contains(named), "{query}: {message}");
    }
    for query in [
        "",
        "period=1A",
        "period=7D&timeframe=5Min&extended_hours=True",
        "period=1W&intraday_reporting=continuous&timeframe=15Min",
        "date_end=2026-11-20&period=3D&timeframe=1H",
    ] {
        let history = http.get(&format!("{PATH}?{query}")).await;
        assert!(history["timestamp"].is_array(), "{query}: {history}");
    }
    venue.stop().await;
}
