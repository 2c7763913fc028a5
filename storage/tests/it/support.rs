//! What the tests share.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use chrono::{DateTime, Duration, Utc};
use rust_decimal::Decimal;
use serde_json::json;
use storage::fills::FillRecord;
use storage::journal::{Commit, NewEvent};
use storage::orders::OrderRecord;
use storage::positions::PositionRecord;
use storage::testing::TestDatabase;
use storage::trades::TradeRecord;
use storage::users::{self, NewUser, Role, User};
use storage::{PgConnection, PgPool, Side};
use uuid::Uuid;

/// The n-th second of the tests' time.
pub(crate) fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_770_000_000, 0).unwrap() + Duration::seconds(second)
}

/// The n-th id of the tests.
pub(crate) fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x7e57_0000_0000_0000_0000_0000_0000_0000 + number)
}

pub(crate) fn new_user(number: u128) -> NewUser {
    NewUser {
        id: id(number),
        email: format!("user{number}@example.com"),
        username: format!("user{number}"),
        password_hash: "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA".to_owned().into(),
        first_name: Some("Ann".to_owned()),
        last_name: None,
        role: Role::User,
        is_verified: false,
        created_at: at(i64::try_from(number).unwrap()),
    }
}

pub(crate) async fn insert_user(connection: &mut PgConnection, number: u128) -> User {
    users::insert(connection, &new_user(number)).await.unwrap()
}

pub(crate) fn event(seq: i64, kind: &str) -> NewEvent {
    NewEvent {
        seq,
        at: at(seq),
        kind: kind.to_owned(),
        version: 1,
        client_order_id: Some(format!("order-{seq}")),
        config_id: Some(id(500)),
        payload: json!({"price": "100.25", "ratio": 0.1, "large": 1e5, "list": [1, null]}),
    }
}

/// An order of `user` that was filled by event `seq`, with everything that follows from it.
pub(crate) fn filled_order(user: u128, seq: i64) -> Commit {
    let client_order_id = format!("{user}-{seq}");
    let order = order(user, &client_order_id, "filled");
    let fill = FillRecord {
        client_order_id: client_order_id.clone(),
        cumulative_quantity: Decimal::TEN,
        user_id: id(user),
        execution_id: Some(format!("execution-{user}-{seq}")),
        quantity: Decimal::TEN,
        price: Decimal::new(10_025, 2),
        side: Side::Buy,
        ticker: "AAPL".to_owned(),
        config_id: Some(id(500)),
        executed_at: at(seq),
        seq,
    };
    let position = PositionRecord {
        user_id: id(user),
        config_id: id(500),
        ticker: "AAPL".to_owned(),
        quantity: Decimal::from(10 * seq),
        average_price: Decimal::new(10_025, 2),
        realized_profit: Decimal::ZERO,
        updated_at: at(seq),
    };
    let trade = TradeRecord {
        id: id(1_000_000 * user + u128::try_from(seq).unwrap()),
        user_id: id(user),
        ticker: "AAPL".to_owned(),
        strategy_name: "sma_cross".to_owned(),
        side: Side::Buy,
        quantity: Decimal::TEN,
        price: Decimal::new(10_025, 2),
        signal: 1,
        order_id: Some(client_order_id),
        cumulative_quantity: Some(Decimal::TEN),
        config_id: Some(id(500)),
        executed_at: at(seq),
    };
    Commit {
        user_id: id(user),
        events: vec![event(seq, "order_filled")],
        orders: vec![order],
        fills: vec![fill],
        positions: vec![position],
        trades: vec![trade],
    }
}

pub(crate) fn order(user: u128, client_order_id: &str, status: &str) -> OrderRecord {
    let is_filled = status == "filled";
    OrderRecord {
        client_order_id: client_order_id.to_owned(),
        user_id: id(user),
        config_id: Some(id(500)),
        ticker: "AAPL".to_owned(),
        strategy_name: Some("sma_cross".to_owned()),
        signal_id: Some(id(600)),
        venue_order_id: is_filled.then(|| id(700)),
        side: Side::Buy,
        order_type: "limit".to_owned(),
        time_in_force: "day".to_owned(),
        quantity: Decimal::TEN,
        limit_price: Some(Decimal::new(10_025, 2)),
        status: status.to_owned(),
        filled_quantity: if is_filled { Decimal::TEN } else { Decimal::ZERO },
        filled_average_price: is_filled.then(|| Decimal::new(10_025, 2)),
        reason: None,
        created_at: at(1),
        submitted_at: is_filled.then(|| at(2)),
        closed_at: is_filled.then(|| at(3)),
        updated_at: at(3),
    }
}

pub(crate) async fn with_users(count: u128) -> TestDatabase {
    let test = TestDatabase::create().await;
    let mut connection = test.pool().acquire().await.unwrap();
    for number in 1..=count {
        insert_user(&mut connection, number).await;
    }
    drop(connection);
    test
}

/// Rows of each table the journal writes.
pub(crate) async fn counts(pool: &PgPool) -> [i64; 5] {
    let sql = "select array[(select count(*) from order_events), (select count(*) from orders), \
               (select count(*) from fills), (select count(*) from positions), \
               (select count(*) from trade_history)]";
    let counts: Vec<i64> = sqlx::query_scalar(sql).fetch_one(pool).await.unwrap();
    counts.try_into().unwrap()
}

/// Waits for a state that another process brings about.
pub(crate) async fn poll_until(what: &str, mut reached: impl FnMut() -> bool) {
    let waiting = async {
        while !reached() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(std::time::Duration::from_mins(1), waiting).await;
    assert!(waited.is_ok(), "waited in vain for {what}");
}
