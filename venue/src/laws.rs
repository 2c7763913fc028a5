//! The laws of the books under random orders, prices and cancels.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use rust_decimal::Decimal;
use secrecy::SecretString;
use uuid::Uuid;

use crate::assets::AssetTable;
use crate::books::{Books, Change};
use crate::calendar::Hours;
use crate::clock::VenueClock;
use crate::exchange::{Exchange, Inner};
use crate::fills::Fills;
use crate::market::{Happening, MarketEvent, Quote, Trade};
use crate::options::AccountSpec;
use crate::order_request::{Amount, OrderRequest};
use crate::orders::{OrderType, Side, TimeInForce};
use crate::store::Opened;
use crate::universe;

const SYMBOLS: [&str; 3] = ["AAPL", "KO", "BTC/USD"];
const CASH: i64 = 10_000;

/// Something that happens to the exchange.
#[derive(Clone, Debug)]
enum Action {
    Order { symbol: usize, side: Side, amount: Amount, limit: Option<i64>, tif: TimeInForce },
    Cancel { nth: usize },
    Price { symbol: usize, cents: i64, kind: PriceKind },
    Pass { minutes: i64 },
}

#[derive(Clone, Copy, Debug)]
enum PriceKind {
    Quote,
    Trade,
    Open,
    Path,
    Over,
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let symbol = 0..SYMBOLS.len();
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let amount = prop_oneof![
        (1_i64..200).prop_map(|qty| Amount::Quantity(Decimal::from(qty))),
        (1_i64..5_000_000).prop_map(|parts| Amount::Quantity(Decimal::new(parts, 5))),
        (1_i64..9_000).prop_map(|dollars| Amount::Notional(Decimal::from(dollars))),
    ];
    let tif = prop_oneof![
        Just(TimeInForce::Day),
        Just(TimeInForce::Gtc),
        Just(TimeInForce::Ioc),
        Just(TimeInForce::Fok)
    ];
    let kind = prop_oneof![
        Just(PriceKind::Quote),
        Just(PriceKind::Trade),
        Just(PriceKind::Open),
        Just(PriceKind::Path),
        Just(PriceKind::Over)
    ];
    let order =
        (symbol.clone(), side, amount, proptest::option::of(5_000_i64..15_000), tif).prop_map(
            |(symbol, side, amount, limit, tif)| Action::Order { symbol, side, amount, limit, tif },
        );
    let price = (symbol, 5_000_i64..15_000, kind).prop_map(|(symbol, cents, kind)| Action::Price {
        symbol,
        cents,
        kind,
    });
    let action = prop_oneof![
        4 => order,
        1 => (0_usize..20).prop_map(|nth| Action::Cancel { nth }),
        5 => price,
        1 => (1_i64..900).prop_map(|minutes| Action::Pass { minutes }),
    ];
    proptest::collection::vec(action, 1..120)
}

struct Trial {
    exchange: Exchange,
    account_id: Uuid,
    now: DateTime<Utc>,
}

impl Trial {
    fn new(fills: Fills, multiplier: u8) -> Self {
        let now: DateTime<Utc> = "2026-03-02T15:00:00Z".parse().unwrap();
        let assets = AssetTable::new(universe::assets());
        let clock = VenueClock::simulated(now);
        let exchange = Exchange::new(clock, assets, Hours::Always, fills, Opened::ephemeral());
        let spec = AccountSpec {
            key_id: "K".to_owned(),
            secret: SecretString::from("s"),
            cash: Decimal::from(CASH),
            multiplier,
        };
        let account_id = exchange.open_account(&spec).unwrap();
        Self { exchange, account_id, now }
    }

    fn act(&mut self, action: &Action) {
        match action {
            Action::Order { symbol, side, amount, limit, tif } => {
                let request = OrderRequest {
                    symbol: SYMBOLS[*symbol].to_owned(),
                    amount: *amount,
                    side: *side,
                    order_type: if limit.is_some() { OrderType::Limit } else { OrderType::Market },
                    time_in_force: *tif,
                    limit_price: limit.map(|cents| Decimal::new(cents, 2)),
                    extended_hours: false,
                    client_order_id: None,
                };
                // A refusal is as good an answer as an order; the laws hold after both.
                drop(self.exchange.submit(self.account_id, request));
            }
            Action::Cancel { nth } => {
                let id = self.exchange.read(|inner| {
                    inner.books.orders_of(self.account_id).nth(*nth).map(|order| order.id)
                });
                if let Some(id) = id {
                    drop(self.exchange.cancel(self.account_id, id));
                }
            }
            Action::Price { symbol, cents, kind } => self.price(SYMBOLS[*symbol], *cents, *kind),
            Action::Pass { minutes } => {
                self.now += TimeDelta::minutes(*minutes);
                self.exchange.clock.advance_to(self.now);
                self.exchange.pass_time(self.now);
            }
        }
    }

    fn price(&mut self, symbol: &str, cents: i64, kind: PriceKind) {
        self.now += TimeDelta::seconds(1);
        let at = self.now;
        let price = Decimal::new(cents, 2);
        let one = Decimal::ONE;
        let trade = Trade { at, price, size: one, id: 1, taker_buys: true };
        let ask = price + Decimal::new(5, 2);
        let quote = Quote { at, bid: price, bid_size: one, ask, ask_size: one };
        let what = match kind {
            PriceKind::Quote => Happening::Quote(quote),
            PriceKind::Trade => Happening::Trade(trade),
            PriceKind::Open => Happening::OpenTrade(trade),
            PriceKind::Path => Happening::PathTrade(trade),
            PriceKind::Over => Happening::BarOver(quote),
        };
        let asset = Arc::clone(self.exchange.assets.find(symbol).unwrap());
        self.exchange.on_events(&[MarketEvent { asset, at, what }]);
    }

    fn check(&self) -> Result<(), TestCaseError> {
        self.exchange.read(|inner| {
            self.executions_add_up(inner)?;
            self.orders_are_sound(inner)?;
            self.money_is_never_short(inner)?;
            self.books_can_be_written_and_read(inner)
        })
    }

    /// Cash and positions are what was put in and what the executions made of it.
    fn executions_add_up(&self, inner: &Inner) -> Result<(), TestCaseError> {
        let account = inner.books.account(self.account_id).unwrap();
        let mut cash = Decimal::from(CASH);
        let mut positions: BTreeMap<&str, Decimal> = BTreeMap::new();
        for execution in inner.books.activities_of(self.account_id) {
            let sign = if execution.side == Side::Buy { Decimal::ONE } else { -Decimal::ONE };
            cash -= sign * execution.price * execution.qty;
            *positions.entry(&execution.symbol).or_default() += sign * execution.qty;
            prop_assert!(execution.qty > Decimal::ZERO);
        }
        prop_assert_eq!(account.cash, cash);
        positions.retain(|_, qty| !qty.is_zero());
        let held: BTreeMap<&str, Decimal> =
            account.positions.values().map(|one| (one.symbol.as_str(), one.qty)).collect();
        prop_assert_eq!(held, positions);
        Ok(())
    }

    /// No order trades more than it asked for, or at a worse price than its limit.
    fn orders_are_sound(&self, inner: &Inner) -> Result<(), TestCaseError> {
        for order in inner.books.orders_of(self.account_id) {
            prop_assert!(order.qty.is_none_or(|qty| order.filled_qty <= qty), "{:?}", order);
            prop_assert!(order.notional.is_none_or(|most| order.filled_value <= most));
        }
        for execution in inner.books.activities_of(self.account_id) {
            let order = inner.books.order_by_id(self.account_id, execution.order_id).unwrap();
            let within = match (order.side, order.limit_price) {
                (_, None) => true,
                (Side::Buy, Some(limit)) => execution.price <= limit,
                (Side::Sell, Some(limit)) => execution.price >= limit,
            };
            prop_assert!(within, "{} against {:?}", execution.price, order);
        }
        Ok(())
    }

    /// A cash account never spends what it does not have, and buying power is never negative.
    fn money_is_never_short(&self, inner: &Inner) -> Result<(), TestCaseError> {
        let account = inner.books.account(self.account_id).unwrap();
        let value = inner.value(account, None);
        prop_assert!(value.buying_power >= Decimal::ZERO);
        prop_assert!(value.non_marginable >= Decimal::ZERO);
        prop_assert!(account.multiplier > 1 || account.cash >= Decimal::ZERO);
        prop_assert!(account.positions.values().all(|one| one.qty > Decimal::ZERO));
        Ok(())
    }

    /// Books that are written down and read again are the same books.
    fn books_can_be_written_and_read(&self, inner: &Inner) -> Result<(), TestCaseError> {
        let mut again = Books::default();
        for change in inner.books.as_changes() {
            again.apply(written_and_read(&change));
        }
        prop_assert_eq!(again.account(self.account_id), inner.books.account(self.account_id));
        let orders =
            |books: &Books| -> Vec<_> { books.orders_of(self.account_id).cloned().collect() };
        prop_assert_eq!(orders(&again), orders(&inner.books));
        let executions = |books: &Books| books.activities_of(self.account_id).to_vec();
        prop_assert_eq!(executions(&again), executions(&inner.books));
        Ok(())
    }
}

fn written_and_read(change: &Change) -> Change {
    serde_json::from_str(&serde_json::to_string(change).unwrap()).unwrap()
}

fn run(fills: Fills, multiplier: u8, actions: &[Action]) -> Result<(), TestCaseError> {
    let mut trial = Trial::new(fills, multiplier);
    for action in actions {
        trial.act(action);
        trial.exchange.read(|inner| {
            trial.money_is_never_short(inner)?;
            trial.executions_add_up(inner)
        })?;
    }
    trial.check()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn paper_fills_keep_the_laws(actions in actions(), multiplier in 1_u8..3) {
        run(Fills::Paper { seed: 7, partial_chance: 0.3 }, multiplier, &actions)?;
    }

    #[test]
    fn recorded_fills_keep_the_laws(actions in actions(), multiplier in 1_u8..3) {
        run(Fills::Recorded, multiplier, &actions)?;
    }
}

#[test]
fn random_trials_do_trade() {
    let mut trial = Trial::new(Fills::Recorded, 1);
    trial.act(&Action::Price { symbol: 1, cents: 6_000, kind: PriceKind::Trade });
    let order = |side| Action::Order {
        symbol: 1,
        side,
        amount: Amount::Quantity(Decimal::TEN),
        limit: None,
        tif: TimeInForce::Gtc,
    };
    trial.act(&order(Side::Buy));
    trial.act(&Action::Price { symbol: 1, cents: 6_100, kind: PriceKind::Open });
    trial.act(&order(Side::Sell));
    trial.act(&Action::Price { symbol: 1, cents: 6_200, kind: PriceKind::Path });
    let cash = trial.exchange.read(|inner| inner.books.account(trial.account_id).unwrap().cash);
    assert_eq!(cash, Decimal::from(CASH + 10));
}
