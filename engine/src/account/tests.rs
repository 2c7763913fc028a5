//! The account's rules in rows, its laws as properties.

use super::*;
use crate::ids::{ExecutionId, InstanceId, SignalId, VenueOrderId};
use crate::invariants;
use crate::market::PricePoint;
use crate::money::{Price, Quantity};
use crate::order::{Fill, Status};
use crate::risk::Limits;
use crate::strategy::Stance;
use crate::ticker::{Asset, AssetClass};
use proptest::prelude::*;
use uuid::Uuid;

const CONFIG: ConfigId = ConfigId::new(Uuid::from_u128(1));
const VENUE_ORDER: VenueOrderId = VenueOrderId::new(Uuid::from_u128(9));

fn at(second: i64) -> Timestamp {
    chrono::DateTime::from_timestamp(second, 0).unwrap()
}

fn ticker() -> Ticker {
    Ticker::new("AAPL").unwrap()
}

fn asset() -> Asset {
    Asset {
        ticker: ticker(),
        class: AssetClass::UsEquity,
        tradable: true,
        quantity_step: Decimal::ONE,
        quantity_min: Decimal::ONE,
    }
}

fn limits() -> Limits {
    Limits {
        order_notional_max: Usd::new(Decimal::from(25_000)),
        orders_per_minute_max: 1_000,
        open_orders_max: 100,
        positions_max: 5,
        price_age_max_bars: 2,
        price_age_min_s: 30,
    }
}

fn terms() -> Terms {
    Terms {
        config_id: CONFIG,
        tickers: 1,
        risk_per_trade: "0.02".parse().unwrap(),
        stop_fraction: "0.10".parse().unwrap(),
    }
}

fn signal(stance: Stance, second: i64, price: f64) -> Signal {
    let instance = InstanceId::new("sma_cross(fast=3,slow=8)@AAPL/60s");
    Signal {
        id: SignalId::of(&instance, at(second), stance),
        instance,
        strategy: "sma_cross".to_owned(),
        ticker: ticker(),
        seconds: 60,
        stance,
        at: at(second),
        reference: PricePoint { price, at: at(second) },
        indicators: BTreeMap::new(),
    }
}

fn decide(account: &Account, signal: &Signal, second: i64) -> Vec<Event> {
    let (terms, asset, limits) = (terms(), asset(), limits());
    let context = SignalContext { terms: &terms, asset: &asset, limits: &limits, now: at(second) };
    decide_signal(account, signal, &context)
}

fn opening(capital: Usd) -> Event {
    Event::BookOpened { config_id: CONFIG, capital, ignores_until: None, at: at(0) }
}

fn opened() -> Account {
    let mut account = Account::new(UserId::new(Uuid::from_u128(7)));
    let capital = Usd::new(Decimal::from(10_000));
    account.apply(&opening(capital)).unwrap();
    account
}

fn take(account: &mut Account, events: Vec<Event>) {
    for event in events {
        account.apply(&event).unwrap();
        invariants::check(account).unwrap();
    }
}

fn report(account: &mut Account, report: &Report) {
    let events = decide_report(account, report).unwrap();
    take(account, events);
}

fn filled(order: &Order, cumulative: i64, quantity: i64, price: i64) -> Report {
    Report::Filled {
        client_order_id: order.draft.client_order_id.clone(),
        venue_order_id: VENUE_ORDER,
        execution_id: Some(ExecutionId::new(format!("e{cumulative}"))),
        cumulative: Decimal::from(cumulative),
        fill: Fill {
            quantity: Quantity::new(Decimal::from(quantity)).unwrap(),
            price: Price::new(Decimal::from(price)).unwrap(),
            at: at(100),
        },
    }
}

fn only_order(account: &Account) -> Order {
    assert_eq!(account.orders.len(), 1);
    account.orders.values().next().unwrap().clone()
}

/// An account with an order of 20 shares at about 100 on its way.
fn buying() -> (Account, Order) {
    let mut account = opened();
    let events = decide(&account, &signal(Stance::Long, 60, 100.0), 60);
    take(&mut account, events);
    let order = only_order(&account);
    assert_eq!(order.draft.quantity.amount(), Decimal::from(20), "2 % of 10 000 at a 10 % stop");
    (account, order)
}

#[test]
fn a_signal_is_decided_once_however_often_it_is_told() {
    let (account, _) = buying();
    assert_eq!(decide(&account, &signal(Stance::Long, 60, 101.0), 61), []);
    assert_eq!(
        decide(&account, &signal(Stance::Flat, 59, 101.0), 61),
        [],
        "older than the decided"
    );
}

#[test]
fn a_denied_signal_is_journalled_with_its_numbers_and_not_decided_again() {
    let mut account = opened();
    let stale = signal(Stance::Long, 60, 100.0);
    let events = decide(&account, &stale, 60 + 121);
    let [Event::OrderDenied { denied, .. }] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(denied.code(), "price_stale");
    let before = account.free_cash(CONFIG).unwrap();
    take(&mut account, events);
    assert_eq!(account.free_cash(CONFIG).unwrap(), before, "a denial changes no money");
    assert_eq!(decide(&account, &stale, 61), []);
}

#[test]
fn an_order_on_its_way_counts_against_free_cash_and_positions() {
    let (account, _) = buying();
    assert_eq!(account.free_cash(CONFIG).unwrap(), Usd::new(Decimal::from(8_000)));
    assert_eq!(account.tickers_held().len(), 1);
}

#[test]
fn a_repeated_fill_is_booked_once() {
    let (mut account, order) = buying();
    for _ in 0..3 {
        report(&mut account, &filled(&order, 5, 5, 100));
    }
    assert_eq!(only_order(&account).filled(), Decimal::from(5));
    assert_eq!(account.book(CONFIG).unwrap().cash(), Usd::new(Decimal::from(9_500)));
}

#[test]
fn fills_and_acknowledgements_may_overtake_each_other() {
    let (mut account, order) = buying();
    report(&mut account, &filled(&order, 20, 15, 100));
    report(&mut account, &filled(&order, 5, 5, 100));
    assert_eq!(only_order(&account).status, Status::Filled);
    let late = Report::Acknowledged {
        client_order_id: order.draft.client_order_id,
        venue_order_id: VENUE_ORDER,
        status: Status::New,
        at: at(99),
    };
    assert_eq!(decide_report(&account, &late), Ok(Vec::new()));
}

#[test]
fn impossible_fills_are_errors() {
    let (mut account, order) = buying();
    report(&mut account, &filled(&order, 5, 5, 100));
    let over = decide_report(&account, &filled(&order, 21, 16, 100)).unwrap_err();
    assert!(matches!(over, ReportError::Overfilled { .. }));
    let overlap = decide_report(&account, &filled(&order, 7, 4, 100)).unwrap_err();
    assert!(matches!(overlap, ReportError::OverlappingFill { .. }));
    let mut stranger = order;
    stranger.draft.client_order_id = ClientOrderId::new("by-hand");
    let unknown = decide_report(&account, &filled(&stranger, 1, 1, 100)).unwrap_err();
    assert!(matches!(unknown, ReportError::UnknownOrder(_)));
}

#[test]
fn a_change_of_mind_cancels_what_works_and_waits_for_its_end() {
    let (mut account, order) = buying();
    report(&mut account, &filled(&order, 5, 5, 100));
    let exit = signal(Stance::Flat, 120, 101.0);
    let events = decide(&account, &exit, 120);
    assert_eq!(
        events.iter().map(Event::kind).collect::<Vec<_>>(),
        ["signal_deferred", "cancel_requested"]
    );
    take(&mut account, events);
    assert_eq!(account.deferred_ready(), None, "the order still works");
    let closed = Report::Closed {
        client_order_id: order.draft.client_order_id,
        status: Status::Canceled,
        reason: None,
        at: at(121),
    };
    report(&mut account, &closed);
    let (config, ready) = account.deferred_ready().unwrap();
    assert_eq!((config, ready.id), (CONFIG, exit.id));
    let events = decide(&account, &ready, 121);
    let [Event::OrderInitialized { draft, .. }] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((draft.side, draft.quantity.amount()), (Side::Sell, Decimal::from(5)));
    take(&mut account, events);
    assert_eq!(account.deferred_ready(), None);
}

#[test]
fn an_order_counts_against_the_rate_for_a_minute() {
    let (account, _) = buying();
    assert_eq!([60, 119, 120].map(|second| account.orders_lately(at(second))), [1, 1, 0]);
}

#[test]
fn a_closed_book_takes_no_signals_and_keeps_its_positions() {
    let (mut account, order) = buying();
    report(&mut account, &filled(&order, 20, 20, 100));
    account.apply(&Event::BookClosed { config_id: CONFIG, at: at(130) }).unwrap();
    assert_eq!(decide(&account, &signal(Stance::Flat, 180, 90.0), 180), []);
    assert_eq!(account.free_quantity(CONFIG, &ticker()), Decimal::from(20));
}

#[test]
fn a_book_that_does_not_join_standing_signals_takes_the_next_one() {
    let mut account = Account::new(UserId::new(Uuid::from_u128(7)));
    let capital = Usd::new(Decimal::from(10_000));
    let ignores_until = Some(at(90));
    let opening = Event::BookOpened { config_id: CONFIG, capital, ignores_until, at: at(90) };
    account.apply(&opening).unwrap();
    assert_eq!(decide(&account, &signal(Stance::Long, 60, 100.0), 91), []);
    assert_eq!(decide(&account, &signal(Stance::Long, 120, 100.0), 120).len(), 1);
}

#[test]
fn each_limit_denies_by_its_own_name() {
    type Change = fn(&mut Limits, &mut Asset);
    let rows: [(Change, &str); 5] = [
        (|_, asset| asset.tradable = false, "not_tradable"),
        (|limits, _| limits.orders_per_minute_max = 0, "order_rate_exceeded"),
        (|limits, _| limits.open_orders_max = 0, "open_orders_exceeded"),
        (|limits, _| limits.positions_max = 0, "max_positions_reached"),
        (|_, asset| asset.quantity_min = Decimal::from(21), "quantity_too_small"),
    ];
    for (change, code) in rows {
        let (mut limits, mut asset) = (limits(), asset());
        change(&mut limits, &mut asset);
        let terms = terms();
        let context = SignalContext { terms: &terms, asset: &asset, limits: &limits, now: at(60) };
        let events = decide_signal(&opened(), &signal(Stance::Long, 60, 100.0), &context);
        let [Event::OrderDenied { denied, .. }] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!(denied.code(), code);
    }
}

/// The stored form of every event: a change of a name here would make old journals unreadable.
#[test]
fn the_stored_form_of_events_does_not_change_silently() {
    let (mut account, order) = buying();
    let denied = decide(&account, &signal(Stance::Flat, 120, -1.0), 120);
    take(&mut account, denied);
    let stored = serde_json::to_value(Event::OrderInitialized {
        draft: order.draft.clone(),
        reserved: order.reserved,
        checks: order.checks[..1].to_vec(),
        at: at(60),
    })
    .unwrap();
    let expected = serde_json::json!({
        "kind": "order_initialized",
        "draft": {
            "client_order_id": order.draft.client_order_id.as_str(),
            "config_id": "00000000-0000-0000-0000-000000000001",
            "ticker": "AAPL", "strategy": "sma_cross",
            "signal": order.draft.signal.to_string(), "signal_at": "1970-01-01T00:01:00Z",
            "stance": "long", "side": "buy", "type": "market", "time_in_force": "day",
            "quantity": "20", "reference_price": "100"
        },
        "reserved": "2000",
        "checks": [{"code": "not_tradable", "value": "1", "limit": "1"}],
        "at": "1970-01-01T00:01:00Z"
    });
    assert_eq!(stored, expected);
    let fill = serde_json::to_value(Event::OrderFilled {
        client_order_id: ClientOrderId::new("troupe-1"),
        execution_id: None,
        cumulative: Decimal::from(5),
        fill: Fill {
            quantity: Quantity::new(Decimal::from(5)).unwrap(),
            price: Price::new("100.25".parse().unwrap()).unwrap(),
            at: at(61),
        },
    })
    .unwrap();
    let expected = serde_json::json!({
        "kind": "order_filled", "client_order_id": "troupe-1", "execution_id": null,
        "cumulative": "5", "quantity": "5", "price": "100.25", "at": "1970-01-01T00:01:01Z"
    });
    assert_eq!(fill, expected);
}

#[derive(Clone, Debug)]
enum Step {
    Signal(Stance, u16),
    Fill(u8, u16),
    Repeat,
    Close,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let stance = prop_oneof![Just(Stance::Long), Just(Stance::Flat)];
    let step = prop_oneof![
        3 => (stance, 50_u16..200).prop_map(|(stance, price)| Step::Signal(stance, price)),
        4 => (1_u8..12, 50_u16..200).prop_map(|(quantity, price)| Step::Fill(quantity, price)),
        1 => Just(Step::Repeat),
        1 => Just(Step::Close),
    ];
    prop::collection::vec(step, 1..80)
}

proptest! {
    /// Whatever signals and reports come, the laws hold, money is conserved, and replaying the
    /// events gives the same account.
    #[test]
    fn any_history_keeps_the_laws_and_replays_to_the_same_account(steps in steps()) {
        let mut account = opened();
        let capital = Usd::new(Decimal::from(10_000));
        let mut journal = vec![opening(capital)];
        let mut last_report = None;
        for (index, step) in steps.into_iter().enumerate() {
            let second = 60 * (i64::try_from(index).unwrap() + 1);
            let events = match step {
                Step::Signal(stance, price) => {
                    decide(&account, &signal(stance, second, f64::from(price)), second)
                }
                Step::Fill(quantity, price) => {
                    let Some(order) = account.open_orders().next().cloned() else { continue };
                    let whole = i64::try_from(order.remaining()).unwrap();
                    let part = i64::from(quantity).min(whole);
                    let cumulative = i64::try_from(order.filled()).unwrap() + part;
                    let report = filled(&order, cumulative, part, i64::from(price));
                    last_report = Some(report.clone());
                    decide_report(&account, &report).unwrap()
                }
                Step::Repeat => {
                    let Some(report) = &last_report else { continue };
                    let events = decide_report(&account, report).unwrap();
                    prop_assert!(events.is_empty(), "a repeat is no news: {:?}", events);
                    events
                }
                Step::Close => {
                    let Some(order) = account.open_orders().next().cloned() else { continue };
                    let report = Report::Closed {
                        client_order_id: order.draft.client_order_id,
                        status: Status::Canceled,
                        reason: None,
                        at: at(second),
                    };
                    decide_report(&account, &report).unwrap()
                }
            };
            for event in events {
                account.apply(&event).unwrap();
                journal.push(event);
                prop_assert_eq!(invariants::check(&account), Ok(()));
            }
            let held = account.book(CONFIG).unwrap().positions().get(&ticker())
                .map_or(Decimal::ZERO, |position| position.quantity);
            prop_assert_eq!(invariants::traded(&account, CONFIG, &ticker()), held);
        }
        let stored = serde_json::to_string(&journal).unwrap();
        let read: Vec<Event> = serde_json::from_str(&stored).unwrap();
        let mut replayed = Account::new(account.user());
        for event in &read {
            replayed.apply(event).unwrap();
        }
        prop_assert_eq!(replayed, account);
    }
}
