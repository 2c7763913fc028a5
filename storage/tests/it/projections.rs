//! Orders, fills, positions and trades, as the journal writes them and readers see them.

use rust_decimal::Decimal;
use storage::journal;
use storage::orders::{self, OrderFilter, OrderState};
use storage::page::PageRequest;
use storage::positions::{self, Holding};
use storage::testing::TestDatabase;
use storage::trades::{self, TradeFilter};
use storage::{Side, fills, users};

use crate::support::{at, filled_order, id, insert_user, order};

#[tokio::test]
async fn an_order_is_followed_from_new_to_filled_and_only_by_its_owner() {
    let test = TestDatabase::create().await;
    let mut connection = test.pool().acquire().await.unwrap();
    insert_user(&mut connection, 1).await;
    let mut placed = filled_order(1, 1);
    placed.fills.clear();
    placed.trades.clear();
    placed.orders = vec![order(1, "o-1", "new")];
    journal::commit(test.pool(), std::slice::from_ref(&placed), at(10)).await.unwrap();
    let found = orders::get(&mut connection, id(1), "o-1").await.unwrap();
    assert_eq!(found, Some(order(1, "o-1", "new")));

    let mut filled = filled_order(1, 2);
    filled.orders = vec![order(1, "o-1", "filled")];
    filled.fills[0].client_order_id = "o-1".to_owned();
    journal::commit(test.pool(), std::slice::from_ref(&filled), at(11)).await.unwrap();
    let found = orders::get(&mut connection, id(1), "o-1").await.unwrap();
    assert_eq!(found, Some(order(1, "o-1", "filled")));
    let booked = fills::of_order(&mut connection, id(1), "o-1").await.unwrap();
    assert_eq!(booked, filled.fills);

    assert_eq!(orders::get(&mut connection, id(2), "o-1").await.unwrap(), None);
    assert!(fills::of_order(&mut connection, id(2), "o-1").await.unwrap().is_empty());
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn orders_are_listed_newest_first_by_state_ticker_config_and_time() {
    let test = TestDatabase::create().await;
    let mut connection = test.pool().acquire().await.unwrap();
    insert_user(&mut connection, 1).await;
    let mut commit = filled_order(1, 1);
    commit.orders = (1..=4)
        .map(|number| {
            let mut order =
                order(1, &format!("o-{number}"), if number == 4 { "filled" } else { "new" });
            order.created_at = at(number);
            if number == 2 {
                order.ticker = "IBM".to_owned();
                order.config_id = None;
            }
            order
        })
        .collect();
    journal::commit(test.pool(), &[commit], at(10)).await.unwrap();
    let all = OrderFilter::default();
    let rows = [
        (all.clone(), vec!["o-4", "o-3", "o-2", "o-1"]),
        (OrderFilter { state: OrderState::Open, ..all.clone() }, vec!["o-3", "o-2", "o-1"]),
        (OrderFilter { state: OrderState::Closed, ..all.clone() }, vec!["o-4"]),
        (OrderFilter { ticker: Some("IBM".to_owned()), ..all.clone() }, vec!["o-2"]),
        (OrderFilter { config_id: Some(id(500)), ..all.clone() }, vec!["o-4", "o-3", "o-1"]),
        (OrderFilter { after: Some(at(2)), until: Some(at(4)), ..all.clone() }, vec!["o-3", "o-2"]),
    ];
    for (filter, expected) in rows {
        let page = orders::list(&mut connection, id(1), &filter, PageRequest::default()).await;
        let page = page.unwrap();
        let ids: Vec<_> = page.items.iter().map(|order| order.client_order_id.as_str()).collect();
        assert_eq!(ids, expected, "{filter:?}");
        assert_eq!(page.total, u64::try_from(expected.len()).unwrap());
    }
    let page = PageRequest { limit: 1, offset: 1 };
    let page = orders::list(&mut connection, id(1), &all, page).await.unwrap();
    assert_eq!((page.items.len(), page.total), (1, 4));
    assert_eq!(page.items[0].client_order_id, "o-3");
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn a_closed_position_is_kept_with_its_profit_and_shown_on_request() {
    let test = TestDatabase::create().await;
    let mut connection = test.pool().acquire().await.unwrap();
    insert_user(&mut connection, 1).await;
    journal::commit(test.pool(), &[filled_order(1, 1)], at(10)).await.unwrap();
    let mut closing = filled_order(1, 2);
    closing.positions[0].quantity = Decimal::ZERO;
    closing.positions[0].realized_profit = Decimal::new(-1_234_567_891, 8);
    journal::commit(test.pool(), std::slice::from_ref(&closing), at(11)).await.unwrap();
    let open = positions::list(&mut connection, id(1), Holding::Open).await.unwrap();
    assert!(open.is_empty());
    let all = positions::list(&mut connection, id(1), Holding::All).await.unwrap();
    assert_eq!(all, closing.positions);
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn the_trade_history_is_filtered_counted_and_paged_newest_first() {
    let test = TestDatabase::create().await;
    let mut connection = test.pool().acquire().await.unwrap();
    for user in [1, 2] {
        insert_user(&mut connection, user).await;
    }
    let mut commits: Vec<_> = (1..=5).map(|seq| filled_order(1, seq)).collect();
    commits[1].trades[0].ticker = "BTC/USD".to_owned();
    commits[1].trades[0].side = Side::Sell;
    commits[1].trades[0].quantity = Decimal::new(123_456_789, 9);
    commits[1].trades[0].price = Decimal::new(1, 9);
    commits.push(filled_order(2, 1));
    journal::commit(test.pool(), &commits, at(10)).await.unwrap();

    let all = TradeFilter::default();
    let page = PageRequest { limit: 2, offset: 1 };
    let page = trades::history(&mut connection, id(1), &all, page).await.unwrap();
    assert_eq!(page.total, 5);
    assert_eq!(page.items[0].record, commits[3].trades[0]);
    assert_eq!(page.items[0].total_value, Decimal::new(100_250, 2));
    assert_eq!(page.items.len(), 2);

    let coins = TradeFilter { ticker: Some("BTC/USD".to_owned()), ..all.clone() };
    let page = trades::history(&mut connection, id(1), &coins, PageRequest::default()).await;
    let page = page.unwrap();
    assert_eq!((page.total, &page.items[0].record), (1, &commits[1].trades[0]));
    let span = TradeFilter { start: Some(at(2)), end: Some(at(4)), ..all };
    let page = trades::history(&mut connection, id(1), &span, PageRequest::default()).await;
    let times: Vec<_> = page.unwrap().items.iter().map(|trade| trade.record.executed_at).collect();
    assert_eq!(times, [at(3), at(2)]);
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn users_of_one_broker_account_each_keep_their_own_copy_of_an_order() {
    let test = TestDatabase::create().await;
    let mut connection = test.pool().acquire().await.unwrap();
    for user in [1, 2] {
        insert_user(&mut connection, user).await;
    }
    let (first, mut second) = (filled_order(1, 1), filled_order(2, 1));
    second.orders[0].client_order_id.clone_from(&first.orders[0].client_order_id);
    second.orders[0].status = "canceled".to_owned();
    second.fills[0].client_order_id.clone_from(&first.fills[0].client_order_id);
    journal::commit(test.pool(), &[first.clone(), second.clone()], at(10)).await.unwrap();
    for commit in [first, second] {
        let kept = orders::get(&mut connection, commit.user_id, "1-1").await.unwrap();
        assert_eq!(kept.as_ref(), commit.orders.first());
        let booked = fills::of_order(&mut connection, commit.user_id, "1-1").await.unwrap();
        assert_eq!(booked, commit.fills);
    }
    drop(connection);
    test.drop_database().await;
}

#[tokio::test]
async fn text_the_database_cannot_hold_is_not_found_rather_than_an_error() {
    let test = TestDatabase::create().await;
    let mut connection = test.pool().acquire().await.unwrap();
    let ticker = Some("A\0".to_owned());
    assert_eq!(orders::get(&mut connection, id(1), "a\0").await.unwrap(), None);
    let filter = OrderFilter { ticker: ticker.clone(), ..OrderFilter::default() };
    let page = orders::list(&mut connection, id(1), &filter, PageRequest::default()).await;
    assert_eq!(page.unwrap().total, 0);
    let filter = TradeFilter { ticker, ..TradeFilter::default() };
    let page = trades::history(&mut connection, id(1), &filter, PageRequest::default()).await;
    assert_eq!(page.unwrap().total, 0);
    let user = users::by_username_or_email(&mut connection, "ann\0").await.unwrap();
    assert!(user.is_none());
    drop(connection);
    test.drop_database().await;
}
