//! One market move, all the way through; and what a failure on the way reaches.

use super::support::*;
use crate::ActivateRefusal;
use crate::market::StrategyMessage;
use crate::stage::{ActorState, ActorView, Address};
use crate::troupe::Troupe;
use engine::{ConfigId, Ticker};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use storage::testing::TestDatabase;

/// The actor at a path that starts so.
async fn actor(troupe: &Troupe, path: &str) -> Option<ActorView> {
    troupe.actors().await.into_iter().find(|actor| actor.path.starts_with(path))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_move_becomes_an_order_a_fill_and_a_row() {
    let (database, venue) = (TestDatabase::create().await, synthetic_venue().await);
    let troupe = troupe(&database, &venue, wall()).await;
    let user = user(&database).await;
    let config = config(&database, user, &["AAPL", "MSFT", "BTC/USD"], 1).await;
    activate(&troupe, user, config).await;
    let trades = wait_for("three trades", || async {
        let trades = trades(&database, user).await;
        (trades.len() >= 3).then_some(trades)
    })
    .await;
    let at_venue: BTreeMap<_, _> = venue_orders(&venue).await.into_iter().collect();
    let mut booked: BTreeMap<String, Decimal> = BTreeMap::new();
    for trade in &trades {
        let order = trade.record.order_id.clone().expect("an order");
        *booked.entry(order).or_default() += trade.record.quantity;
    }
    for (order, quantity) in booked {
        let filled = at_venue.get(&order).copied();
        assert!(filled.is_some_and(|filled| filled >= quantity), "{order}: {filled:?} {quantity}");
    }
    let prices = wait_for("a price of each ticker", || async {
        let prices = troupe.prices_since(0).await.expect("the hub answers").prices;
        (prices.len() >= 3).then_some(prices)
    })
    .await;
    assert!(prices.iter().all(|price| price.price > 0.0), "{prices:?}");
    let status = troupe.status().await;
    assert!(status.journal_ok && status.venue_connected, "{}", debug(&status));
    assert!(status.equity.is_some(), "every holding has a price");
    troupe.stop().await;
    venue.stop().await;
    database.drop_database().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_config_that_cannot_be_traded_is_refused_with_its_reason() {
    let (database, venue) = (TestDatabase::create().await, synthetic_venue().await);
    let troupe = troupe(&database, &venue, wall()).await;
    let user = user(&database).await;
    let config = config(&database, user, &["NOSUCH"], 60).await;
    let refusal = wait_for("a verdict", || async {
        let refusal = troupe.activate(user, config).await.expect_err("an unknown ticker");
        (refusal != ActivateRefusal::VenueUnavailable).then_some(refusal)
    })
    .await;
    assert_eq!(refusal, ActivateRefusal::UnknownTicker { ticker: "NOSUCH".to_owned() });
    let nobodys = ConfigId::new(new_id());
    assert_eq!(troupe.activate(user, nobodys).await, Err(ActivateRefusal::NotFound));
    troupe.stop().await;
    venue.stop().await;
    database.drop_database().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panicking_strategy_is_restarted_warm_and_nobody_else_notices() {
    let (database, venue) = (TestDatabase::create().await, synthetic_venue().await);
    let troupe = troupe(&database, &venue, wall()).await;
    let user = user(&database).await;
    let config = config(&database, user, &["AAPL", "MSFT"], 1).await;
    activate(&troupe, user, config).await;
    let path = "market/strategy/sma_cross(fast=2,slow=3)@AAPL";
    let is_warm =
        |actor: &ActorView| actor.summary["warm"] == true && actor.summary["subscribers"] == 1;
    let before = wait_for("AAPL's strategy is warm", || async {
        actor(&troupe, path).await.filter(is_warm)
    })
    .await;
    assert_eq!(before.restarts, 0);
    let address: Address<StrategyMessage> = troupe.stage().address(&before.path, "strategy");
    address.tell(StrategyMessage::Panic).expect("it lives");
    let after = wait_for("it lives again, warm, with its subscriber", || async {
        actor(&troupe, path).await.filter(|actor| actor.restarts == 1 && is_warm(actor))
    })
    .await;
    assert_eq!(after.state, ActorState::Running);
    assert!(after.last_error.as_deref().is_some_and(|error| error.contains("divided by zero")));
    let bars = after.summary["bars"].as_u64().expect("a number");
    assert!(bars >= 40, "it was shown its history again: {bars} bars");
    let others = troupe.actors().await;
    let others: Vec<_> = others.iter().filter(|actor| actor.path != after.path).collect();
    assert!(others.iter().all(|actor| actor.restarts == 0), "{}", debug(&others));
    // It still trades: the next change of mind reaches the account.
    let count = trades(&database, user).await.len();
    wait_for("another trade of AAPL", || async {
        let trades = trades(&database, user).await;
        (trades.len() > count).then_some(())
    })
    .await;
    troupe.stop().await;
    venue.stop().await;
    database.drop_database().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strategy_that_keeps_failing_stays_down_and_the_others_trade_on() {
    let (database, venue) = (TestDatabase::create().await, synthetic_venue().await);
    let mut parts = parts(&database, &venue, wall());
    parts.supervision.max_restarts = 2;
    let troupe = Troupe::start(parts).await.expect("the actors start");
    let user = user(&database).await;
    let config = config(&database, user, &["AAPL", "MSFT"], 1).await;
    activate(&troupe, user, config).await;
    let path = "market/strategy/sma_cross(fast=2,slow=3)@AAPL";
    let stage = troupe.stage();
    let view = wait_for("AAPL's strategy runs", || async {
        actor(&troupe, path).await.filter(|actor| actor.state == ActorState::Running)
    })
    .await;
    let address: Address<StrategyMessage> = stage.address(&view.path, "strategy");
    let down = wait_for("it stays down", || async {
        // Between two lives nobody takes the message.
        drop(address.tell(StrategyMessage::Panic));
        actor(&troupe, path)
            .await
            .filter(|actor| actor.restarts == 2 && actor.state == ActorState::Failed)
    })
    .await;
    assert!(down.last_error.is_some());
    let msft = Ticker::new("MSFT").expect("a ticker");
    wait_for("MSFT still trades", || async {
        let trades = trades(&database, user).await;
        trades.iter().any(|trade| trade.record.ticker == msft.as_str()).then_some(())
    })
    .await;
    troupe.stop().await;
    venue.stop().await;
    database.drop_database().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_venue_that_is_not_there_is_waited_for_and_found() {
    let database = TestDatabase::create().await;
    let first = synthetic_venue().await;
    let address = first.address();
    let parts = parts(&database, &first, wall());
    first.stop().await;
    let troupe = Troupe::start(parts).await.expect("the actors start without a venue");
    let user = user(&database).await;
    let config = config(&database, user, &["ETH/USD", "BTC/USD"], 1).await;
    let refused = troupe.activate(user, config).await;
    assert_eq!(refused, Err(ActivateRefusal::VenueUnavailable));
    assert!(!troupe.status().await.venue_connected);
    let options = venue::VenueOptions { listen: address, ..venue::VenueOptions::default() };
    let second = super::support::venue(options).await;
    activate(&troupe, user, config).await;
    wait_for("a trade", || async { (!trades(&database, user).await.is_empty()).then_some(()) })
        .await;
    troupe.stop().await;
    second.stop().await;
    database.drop_database().await;
}
