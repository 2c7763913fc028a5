//! An engine that ends in the middle, and the next one on the same books.

use super::support::*;
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
    second.deactivate(user, config).await.expect("it was active");
    wait_for("no order is open", || async {
        let accounts = second.status().await.accounts;
        accounts.iter().all(|account| account.open_orders == 0).then_some(())
    })
    .await;
    second.settled().await;
    // What the venue filled is what was booked, order by order, once.
    let at_venue = venue_orders(&venue).await;
    let ids: BTreeSet<_> = at_venue.iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), at_venue.len(), "each id is at the venue once");
    let mut booked: BTreeMap<String, rust_decimal::Decimal> = BTreeMap::new();
    for trade in trades(&database, user).await {
        *booked.entry(trade.record.order_id.expect("an order")).or_default() +=
            trade.record.quantity;
    }
    let filled: BTreeMap<_, _> =
        at_venue.into_iter().filter(|(_, filled)| !filled.is_zero()).collect();
    let booked: BTreeMap<_, _> =
        booked.into_iter().map(|(order, quantity)| (order, quantity.normalize())).collect();
    assert_eq!(booked, filled);
    second.stop().await;
    venue.stop().await;
    database.drop_database().await;
}
