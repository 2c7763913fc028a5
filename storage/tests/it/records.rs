//! Bars, signals and the audit log.

use storage::audit::{self, AuditEntry};
use storage::bars::{self, BarRecord};
use storage::page::PageRequest;
use storage::signals::{self, SignalRecord};
use storage::testing::TestDatabase;

use crate::support::{at, id, insert_user};

fn bar(minute: i64, close: f64) -> BarRecord {
    BarRecord {
        ticker: "AAPL".to_owned(),
        seconds: 60,
        at: at(60 * minute),
        open: 0.1,
        high: 1e300,
        low: f64::MIN_POSITIVE,
        close,
        volume: 12.5,
        trades: 3,
    }
}

fn signal(number: u128, second: i64) -> SignalRecord {
    SignalRecord {
        id: id(number),
        instance: "sma_cross(fast=10,slow=20)/AAPL/60".to_owned(),
        strategy_name: "sma_cross".to_owned(),
        ticker: "AAPL".to_owned(),
        bar_seconds: 60,
        stance: "long".to_owned(),
        at: at(second),
        price: 0.1 + 0.2,
        indicators: serde_json::json!({"fast": 101.5, "slow": null}),
    }
}

#[tokio::test]
async fn bars_come_back_bit_for_bit_by_range_and_newest_first_to_last() {
    let test = TestDatabase::create().await;
    let mut connection = test.pool().acquire().await.unwrap();
    let written: Vec<BarRecord> = (0..10).map(|minute| bar(minute, 0.1 + 0.2)).collect();
    bars::upsert(&mut connection, &written).await.unwrap();
    bars::upsert(&mut connection, &[]).await.unwrap();
    let some = bars::range(&mut connection, "AAPL", 60, at(120), at(240)).await.unwrap();
    assert_eq!(some, written[2..4]);
    let newest = bars::newest(&mut connection, "AAPL", 60, None, 3).await.unwrap();
    assert_eq!(newest, written[7..]);
    let before = bars::newest(&mut connection, "AAPL", 60, Some(at(120)), 3).await.unwrap();
    assert_eq!(before, written[..2]);
    assert!(bars::newest(&mut connection, "AAPL", 300, None, 3).await.unwrap().is_empty());
    assert!(bars::newest(&mut connection, "IBM", 60, None, 3).await.unwrap().is_empty());
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn a_bar_given_again_replaces_the_stored_one_and_the_last_of_a_batch_counts() {
    let test = TestDatabase::create().await;
    let mut connection = test.pool().acquire().await.unwrap();
    bars::upsert(&mut connection, &[bar(0, 1.0), bar(1, 2.0), bar(0, 3.0)]).await.unwrap();
    bars::upsert(&mut connection, &[bar(1, 4.0)]).await.unwrap();
    let stored = bars::newest(&mut connection, "AAPL", 60, None, 10).await.unwrap();
    assert_eq!(stored, [bar(0, 3.0), bar(1, 4.0)]);
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn ten_thousand_bars_are_one_statement() {
    let test = TestDatabase::create().await;
    let mut connection = test.pool().acquire().await.unwrap();
    let written: Vec<BarRecord> = (0..10_000).map(|minute| bar(minute, 7.0)).collect();
    bars::upsert(&mut connection, &written).await.unwrap();
    let count: i64 = sqlx::query_scalar(
        "select count(*) from bars where xmin = (select xmin from bars limit 1)",
    )
    .fetch_one(&mut *connection)
    .await
    .unwrap();
    assert_eq!(count, 10_000);
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn a_signal_computed_again_is_the_same_row() {
    let test = TestDatabase::create().await;
    let mut connection = test.pool().acquire().await.unwrap();
    let written = [signal(1, 60), signal(2, 120)];
    assert_eq!(signals::insert_new(&mut connection, &written).await.unwrap(), 2);
    let again = [signal(2, 120), signal(3, 180)];
    assert_eq!(signals::insert_new(&mut connection, &again).await.unwrap(), 1);
    assert_eq!(signals::insert_new(&mut connection, &[]).await.unwrap(), 0);
    let newest = signals::newest(&mut connection, "AAPL", 2).await.unwrap();
    assert_eq!(newest, [signal(3, 180), signal(2, 120)]);
    assert_eq!(signals::by_id(&mut connection, id(1)).await.unwrap(), Some(signal(1, 60)));
    assert_eq!(signals::by_id(&mut connection, id(9)).await.unwrap(), None);
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn the_audit_log_keeps_what_was_done_when_its_user_is_deleted() {
    let test = TestDatabase::create().await;
    let mut connection = test.pool().acquire().await.unwrap();
    insert_user(&mut connection, 1).await;
    let by_user = AuditEntry {
        id: id(10),
        user_id: Some(id(1)),
        action: "config.activated".to_owned(),
        resource_type: Some("trading_config".to_owned()),
        resource_id: Some(id(20)),
        details: Some(serde_json::json!({"name": "Mine\0", "list": ["\0", 1, null]})),
        ip_address: Some("2001:db8::1".parse().unwrap()),
        created_at: at(1),
    };
    let by_engine = AuditEntry {
        id: id(11),
        user_id: None,
        action: "engine.started".to_owned(),
        resource_type: None,
        resource_id: None,
        details: None,
        ip_address: None,
        created_at: at(2),
    };
    for entry in [&by_user, &by_engine] {
        audit::insert(&mut connection, entry).await.unwrap();
    }
    // What the database cannot hold is replaced, the entry is not lost.
    let held = serde_json::json!({"name": "Mine\u{fffd}", "list": ["\u{fffd}", 1, null]});
    let by_user = AuditEntry { details: Some(held), ..by_user };
    let page = audit::list(&mut connection, PageRequest::default()).await.unwrap();
    assert_eq!(page.total, 2);
    assert_eq!(page.items, [by_engine.clone(), by_user.clone()]);
    sqlx::query("delete from users").execute(&mut *connection).await.unwrap();
    let page = audit::list(&mut connection, PageRequest::default()).await.unwrap();
    assert_eq!(page.items, [by_engine, AuditEntry { user_id: None, ..by_user }]);
    drop(connection);
    test.drop_database().await;
}
