//! An account's history over REST: executions, transfers, filters and pages.

use reqwest::Method;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use venue::{Store, VenueOptions};

use crate::support::{KEY, start, synthetic};

const PATH: &str = "/v2/account/activities";

#[tokio::test]
async fn deposits_and_withdrawals_are_booked_and_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let options =
        || VenueOptions { store: Store::Directory(directory.path().to_owned()), ..synthetic() };
    let (venue, http) = start(options()).await;
    venue.transfer(KEY, Decimal::from(500)).unwrap();
    venue.transfer(KEY, Decimal::from(-200)).unwrap();
    assert!(venue.transfer(KEY, Decimal::from(-200_000)).is_err());
    assert!(venue.transfer("NOBODY", Decimal::ONE).is_err());
    let before = http.get(PATH).await;
    venue.stop().await;
    let (venue, http) = start(options()).await;
    let after = http.get(PATH).await;
    assert_eq!(before, after);
    let pairs: Vec<(&Value, &Value)> = after
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["activity_type"], &one["net_amount"]))
        .collect();
    assert_eq!(pairs, [(&json!("CSW"), &json!("-200")), (&json!("CSD"), &json!("500"))]);
    assert_eq!(http.get("/v2/account").await["cash"], "100300");
    venue.stop().await;
}

#[tokio::test]
async fn history_is_filtered_by_kind_and_category_and_contradictions_are_refused() {
    let (venue, http) = start(synthetic()).await;
    venue.transfer(KEY, Decimal::from(500)).unwrap();
    let order = json!({"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market",
        "time_in_force": "day"});
    let order = http.order(order).await;
    http.order_in(order["id"].as_str().unwrap(), "filled").await;
    for (query, expected) in [
        ("", vec!["FILL", "CSD"]),
        ("?direction=asc", vec!["CSD", "FILL"]),
        ("?category=trade_activity", vec!["FILL"]),
        ("?category=non_trade_activity", vec!["CSD"]),
        ("?activity_types=CSD,FEE", vec!["CSD"]),
        ("/FILL", vec!["FILL"]),
        ("/DIV", vec![]),
        ("?until=2000-01-01", vec![]),
    ] {
        let items = http.get(&format!("{PATH}{query}")).await;
        let kinds: Vec<&str> = items
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["activity_type"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, expected, "{query}");
    }
    for query in [
        "?category=trade_activity&activity_types=FILL",
        "?category=all",
        "?date=2026-03-02&after=2026-03-01",
        "?page_size=0",
        "?page_size=101",
        "?direction=up",
        "?date=yesterday",
    ] {
        let answer = http.send(Method::GET, &format!("{PATH}{query}"), None).await;
        assert_eq!((answer.status, &answer.body["code"]), (422, &json!(40_010_001)), "{query}");
    }
    venue.stop().await;
}
