use chrono::DateTime;
use proptest::prelude::*;

use super::*;
use crate::assets::AssetClass;
use crate::orders::TimeInForce;

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn book() -> OrderBook {
    OrderBook::new(Depth { key: 7, price_increment: dec("0.01"), lot: Decimal::ONE })
}

fn quoted(bid: &str, bid_size: i64, ask: &str, ask_size: i64) -> Quote {
    Quote {
        at: DateTime::UNIX_EPOCH,
        bid: dec(bid),
        bid_size: Decimal::from(bid_size),
        ask: dec(ask),
        ask_size: Decimal::from(ask_size),
    }
}

fn order(sequence: u64, side: Side, limit: Option<&str>, qty: i64) -> WorkingOrder {
    WorkingOrder {
        sequence,
        account_id: Uuid::from_u128(u128::from(sequence)),
        asset_class: AssetClass::UsEquity,
        side,
        limit_price: limit.map(dec),
        elected_price: None,
        time_in_force: TimeInForce::Gtc,
        extended_hours: false,
        left: Left::Quantity(Decimal::from(qty)),
        executions: 0,
        created_at: DateTime::UNIX_EPOCH,
    }
}

/// Sequence, price and quantity of each match.
fn seen(matches: &[Match]) -> Vec<(u64, String, String)> {
    let text = |value: Decimal| value.normalize().to_string();
    matches.iter().map(|one| (one.sequence, text(one.price), text(one.qty))).collect()
}

fn row(sequence: u64, price: &str, qty: &str) -> (u64, String, String) {
    (sequence, price.to_owned(), qty.to_owned())
}

fn print(price: &str, size: i64) -> Incoming {
    Incoming {
        price: dec(price),
        size: Some(Decimal::from(size)),
        at_price: AtPrice::Queued,
        paid: Paid::Limit,
    }
}

#[test]
fn a_taker_walks_the_levels_and_finds_them_emptied_the_next_time() {
    let mut book = book();
    book.show(&quoted("99.99", 100, "100.01", 50));
    let taker = order(1, Side::Buy, Some("100.02"), 1_000);
    let first = book.plan(&taker);
    book.commit(Side::Buy, &first);
    let prices: Vec<String> = first.iter().map(|one| one.price.to_string()).collect();
    assert_eq!(prices, ["100.01", "100.02"]);
    assert_eq!(first[0].qty, Decimal::from(50), "the displayed size and no more");
    assert_eq!(book.plan(&taker), []);
    book.show(&quoted("99.99", 100, "100.01", 80));
    assert_eq!(seen(&book.plan(&taker)), [row(1, "100.01", "30")], "what was added since");
}

#[test]
fn an_order_waits_behind_the_displayed_size_until_trades_have_consumed_it() {
    let mut book = book();
    book.show(&quoted("100.00", 300, "100.02", 50));
    book.rest(&order(1, Side::Buy, Some("100.00"), 100));
    assert_eq!(book.meet(Side::Buy, print("100.00", 200)), []);
    assert_eq!(seen(&book.meet(Side::Buy, print("100.00", 150))), [row(1, "100", "50")]);
    assert_eq!(seen(&book.meet(Side::Buy, print("99.99", 10))), [row(1, "100", "10")]);
}

#[test]
fn cancels_before_an_order_shorten_its_queue() {
    let mut book = book();
    book.show(&quoted("100.00", 300, "100.02", 50));
    book.rest(&order(1, Side::Buy, Some("100.00"), 100));
    book.show(&quoted("100.00", 20, "100.02", 50));
    assert_eq!(seen(&book.meet(Side::Buy, print("100.00", 60))), [row(1, "100", "40")]);
}

#[test]
fn price_comes_before_time_and_time_before_size() {
    let mut book = book();
    book.show(&quoted("99.00", 10, "101.00", 10));
    book.rest(&order(1, Side::Buy, Some("100.00"), 5));
    book.rest(&order(2, Side::Buy, Some("100.50"), 5));
    book.rest(&order(3, Side::Buy, Some("100.00"), 50));
    let met = book.meet(Side::Buy, print("100.00", 12));
    assert_eq!(seen(&met), [row(2, "100.5", "5"), row(1, "100", "5"), row(3, "100", "2")]);
}

#[test]
fn orders_of_two_accounts_trade_with_each_other_at_the_price_of_the_one_that_waited() {
    let mut book = book();
    book.show(&quoted("99.00", 10, "101.00", 10));
    book.rest(&order(1, Side::Sell, Some("100.10"), 5));
    let taker = order(2, Side::Buy, Some("100.50"), 8);
    let found = book.plan(&taker);
    book.commit(Side::Buy, &found);
    assert_eq!(seen(&found), [row(2, "100.1", "5")]);
    assert_eq!(found[0].against, Some(1));
    assert!(!book.is_resting(1), "it was served whole");
}

#[test]
fn an_account_never_trades_with_itself() {
    let mut book = book();
    let mut resting = order(1, Side::Sell, Some("100.10"), 5);
    let taker = order(2, Side::Buy, Some("100.50"), 8);
    resting.account_id = taker.account_id;
    book.rest(&resting);
    assert_eq!(book.plan(&taker), []);
}

#[test]
fn a_quote_through_a_resting_order_fills_it_at_its_limit_and_once() {
    let mut book = book();
    book.show(&quoted("99.00", 10, "101.00", 10));
    book.rest(&order(1, Side::Buy, Some("100.00"), 500));
    book.show(&quoted("98.00", 10, "99.50", 40));
    assert_eq!(seen(&book.meet_touch(Side::Buy)), [row(1, "100", "40")]);
    book.show(&quoted("98.00", 10, "99.50", 40));
    assert_eq!(book.meet_touch(Side::Buy), [], "the same forty shares again");
}

#[test]
fn dollars_buy_whole_billionths_and_never_more_than_the_amount() {
    let mut book = book();
    book.show(&quoted("99.99", 100, "100.01", 1));
    let mut taker = order(1, Side::Buy, None, 0);
    taker.left = Left::Dollars(dec("250"));
    let found = book.plan(&taker);
    let spent: Decimal = found.iter().map(|one| one.price * one.qty).sum();
    assert!(spent <= dec("250") && spent > dec("249.99"), "{spent}");
    assert_eq!(found[0].qty, Decimal::ONE);
}

#[derive(Clone, Debug)]
struct Try {
    buys: bool,
    limit_ticks: Option<i64>,
    qty: i64,
    rests: bool,
}

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let one = (any::<bool>(), proptest::option::of(9_980_i64..10_020), 1_i64..400, any::<bool>())
        .prop_map(|(buys, limit_ticks, qty, rests)| Try { buys, limit_ticks, qty, rests });
    proptest::collection::vec(one, 1..40)
}

proptest! {
    #[test]
    fn takers_together_get_no_more_than_is_displayed_and_nothing_beyond_their_limits(
        tries in tries(),
    ) {
        let mut book = book();
        let quote = quoted("99.99", 120, "100.01", 90);
        book.show(&quote);
        let mut of_touch = [Decimal::ZERO; 2];
        for (number, one) in (1_u64..).zip(&tries) {
            let side = if one.buys { Side::Buy } else { Side::Sell };
            let limit = one.limit_ticks.map(|ticks| Decimal::new(ticks, 2));
            let mut order = order(number, side, None, one.qty);
            order.limit_price = limit;
            let found = book.plan(&order);
            book.commit(side, &found);
            let asked = Decimal::from(one.qty);
            let got: Decimal = found.iter().map(|one| one.qty).sum();
            prop_assert!(got <= asked);
            prop_assert!(found.iter().all(|one| order.accepts(one.price) && one.qty > Decimal::ZERO));
            let best_first = found.windows(2).all(|pair| match side {
                Side::Buy => pair[0].price <= pair[1].price,
                Side::Sell => pair[0].price >= pair[1].price,
            });
            prop_assert!(best_first, "{:?}", found);
            let (touch, index) = if one.buys { (quote.ask, 0) } else { (quote.bid, 1) };
            of_touch[index] += found
                .iter()
                .filter(|one| one.against.is_none() && one.price == touch)
                .map(|one| one.qty)
                .sum::<Decimal>();
            prop_assert!(of_touch[0] <= quote.ask_size && of_touch[1] <= quote.bid_size);
            if one.rests && got < asked {
                order.left = Left::Quantity(asked - got);
                book.rest(&order);
            }
        }
    }

    #[test]
    fn a_print_is_shared_in_the_order_of_price_then_time_and_never_twice(
        limits in proptest::collection::vec((9_990_i64..10_000, 1_i64..50), 1..30),
        size in 1_i64..500,
    ) {
        let mut book = book();
        book.show(&quoted("99.80", 10, "101.00", 10));
        for (number, (ticks, qty)) in (1_u64..).zip(&limits) {
            let mut order = order(number, Side::Buy, None, *qty);
            order.limit_price = Some(Decimal::new(*ticks, 2));
            book.rest(&order);
        }
        let met = book.meet(Side::Buy, print("99.90", size));
        let sum: Decimal = met.iter().map(|one| one.qty).sum();
        prop_assert!(sum <= Decimal::from(size));
        let mut expected: Vec<(i64, u64, i64)> =
            (1_u64..).zip(&limits).map(|(number, (ticks, qty))| (-ticks, number, *qty)).collect();
        expected.sort_unstable();
        let mut left = size;
        let expected: Vec<(u64, Decimal)> = expected
            .into_iter()
            .map_while(|(_, number, qty)| {
                let qty = qty.min(left);
                left -= qty;
                (qty > 0).then(|| (number, Decimal::from(qty)))
            })
            .collect();
        let got: Vec<(u64, Decimal)> = met.iter().map(|one| (one.sequence, one.qty)).collect();
        prop_assert_eq!(got, expected);
    }
}
