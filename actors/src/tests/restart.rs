//! An engine that ends in the middle, and the next one on the same books.

use super::support::*;
use crate::troupe::Troupe;
use engine::{ConfigId, UserId};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};
use storage::testing::TestDatabase;

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_the_history_is_whole_and_nothing_is_placed_twice() {
    let (database, venue) = (TestDatabase::create().await, synthetic_venue().await);
    let user = user(&database).await;
    let config = config(&database, user, &["AAPL", "MSFT", "NVDA", "BTC/USD", "ETH/USD"], 1).await;
    let first = troupe(&database, &venue, wall()).await;
    activate(&first, user, config).await;
    wait_for("five trades", || async { (trades(&database, user).await.len() >= 5).then_some(()) })
        .await;
    // No good-bye: tasks and mailboxes are dropped as a kill drops them.
    first.kill().await;
    let second = troupe(&database, &venue, wall()).await;
    let count = trades(&database, user).await.len();
    wait_for("five more trades", || async {
        (trades(&database, user).await.len() >= count + 5).then_some(())
    })
    .await;
    calm_and_compare(&database, &venue, &second, (user, config)).await;
    second.stop().await;
    venue.stop().await;
    database.drop_database().await;
}

/// Ends the config's trading, and holds what was booked against what the venue filled, order by
/// order.
async fn calm_and_compare(
    database: &TestDatabase,
    venue: &venue::Venue,
    troupe: &Troupe,
    (user, config): (UserId, ConfigId),
) {
    wait_for("the config is deactivated", || async { troupe.deactivate(user, config).await.ok() })
        .await;
    wait_for("no order is open", || async {
        let accounts = troupe.status().await.accounts;
        let calm = accounts.iter().all(|account| account.open_orders == 0);
        (calm && !accounts.is_empty()).then_some(())
    })
    .await;
    troupe.settled().await;
    let at_venue = venue_orders(venue).await;
    let ids: BTreeSet<_> = at_venue.iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), at_venue.len(), "each id is at the venue once");
    let mut booked: BTreeMap<String, Decimal> = BTreeMap::new();
    for trade in trades(database, user).await {
        *booked.entry(trade.record.order_id.expect("an order")).or_default() +=
            trade.record.quantity;
    }
    let filled: BTreeMap<_, _> =
        at_venue.into_iter().filter(|(_, filled)| !filled.is_zero()).collect();
    let booked: BTreeMap<_, _> =
        booked.into_iter().map(|(order, quantity)| (order, quantity.normalize())).collect();
    assert_eq!(booked, filled);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_actor_may_be_killed_and_trading_goes_on() {
    let (database, venue) = (TestDatabase::create().await, synthetic_venue().await);
    let mut parts = parts(&database, &venue, wall());
    parts.supervision.max_restarts = 100;
    let troupe = Troupe::start(parts).await.expect("the actors start");
    let user = user(&database).await;
    let config = config(&database, user, &["AAPL", "BTC/USD"], 1).await;
    activate(&troupe, user, config).await;
    wait_for("a trade", || async { (!trades(&database, user).await.is_empty()).then_some(()) })
        .await;
    let paths = [
        "hub",
        "market/feed/venue",
        "market/feed/venue-crypto",
        "market/floor",
        "market/history",
        "market/ticker/AAPL",
        "market/ticker/BTC-USD",
        "storage/journal",
        "storage/recorder",
        "desks/office",
        &format!("desk/{user}/account"),
        &format!("desk/{user}/broker"),
    ];
    for path in paths {
        let name = troupe.stage().registered(path);
        let restarts = restarts_of(&troupe, path).await;
        ractor::registry::where_is(name).unwrap_or_else(|| panic!("{path} lives")).kill();
        wait_for(path, || async { (restarts_of(&troupe, path).await > restarts).then_some(()) })
            .await;
        let count = trades(&database, user).await.len();
        wait_for(&format!("trades after {path} was killed"), || async {
            (trades(&database, user).await.len() > count).then_some(())
        })
        .await;
    }
    calm_and_compare(&database, &venue, &troupe, (user, config)).await;
    troupe.stop().await;
    venue.stop().await;
    database.drop_database().await;
}

async fn restarts_of(troupe: &Troupe, path: &str) -> u64 {
    let actors = troupe.actors().await;
    actors.iter().find(|actor| actor.path == path).map_or(0, |actor| actor.restarts)
}
