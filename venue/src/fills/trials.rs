//! The realistic model inside the whole exchange: its laws under random orders, prices and cancels
//! of two accounts, with fees; and that one seed gives one sequence of fills.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use rust_decimal::Decimal;
use secrecy::SecretString;
use uuid::Uuid;

use super::{Days, Fills};
use crate::activities::NonTradeKind;
use crate::assets::AssetTable;
use crate::calendar::Hours;
use crate::clock::VenueClock;
use crate::exchange::Exchange;
use crate::hash;
use crate::market::{Happening, MarketEvent, Quote, Trade};
use crate::options::{AccountSpec, FeeRates, Latency, RealisticOptions};
use crate::order_request::{Amount, OrderRequest};
use crate::orders::{OrderType, Side, TimeInForce};
use crate::store::Opened;
use crate::universe;

const SYMBOLS: [&str; 2] = ["KO", "BTC/USD"];
const ACCOUNTS: usize = 2;
const CASH: i64 = 50_000;

#[derive(Clone, Debug)]
enum Action {
    Order {
        account: usize,
        symbol: usize,
        side: Side,
        amount: Amount,
        limit: Option<i64>,
        ioc: bool,
    },
    Cancel {
        account: usize,
        nth: usize,
    },
    Quote {
        symbol: usize,
        cents: i64,
        sizes: (i64, i64),
    },
    Trade {
        symbol: usize,
        cents: i64,
        size: i64,
        taker_buys: bool,
    },
    Open {
        symbol: usize,
        cents: i64,
        size: i64,
    },
    Pass {
        ms: i64,
    },
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let amount = prop_oneof![
        4 => (1_i64..300).prop_map(|qty| Amount::Quantity(Decimal::from(qty))),
        1 => (1_i64..9_000).prop_map(|dollars| Amount::Notional(Decimal::from(dollars))),
    ];
    let limit = proptest::option::weighted(0.8, 9_950_i64..10_050);
    let order = (0..ACCOUNTS, 0..SYMBOLS.len(), side, amount, limit, any::<bool>()).prop_map(
        |(account, symbol, side, amount, limit, ioc)| Action::Order {
            account,
            symbol,
            side,
            amount,
            limit,
            ioc,
        },
    );
    let cents = 9_960_i64..10_040;
    let quote = (0..SYMBOLS.len(), cents.clone(), (1_i64..200, 1_i64..200))
        .prop_map(|(symbol, cents, sizes)| Action::Quote { symbol, cents, sizes });
    let trade = (0..SYMBOLS.len(), cents.clone(), 1_i64..200, any::<bool>()).prop_map(
        |(symbol, cents, size, taker_buys)| Action::Trade { symbol, cents, size, taker_buys },
    );
    let open = (0..SYMBOLS.len(), cents, 1_i64..2_000)
        .prop_map(|(symbol, cents, size)| Action::Open { symbol, cents, size });
    let action = prop_oneof![
        5 => order,
        1 => (0..ACCOUNTS, 0_usize..20).prop_map(|(account, nth)| Action::Cancel { account, nth }),
        5 => quote,
        4 => trade,
        1 => open,
        2 => (1_i64..200).prop_map(|ms| Action::Pass { ms }),
        1 => Just(Action::Pass { ms: 90_000_000 }),
    ];
    proptest::collection::vec(action, 1..150)
}

struct Trial {
    exchange: Exchange,
    accounts: Vec<Uuid>,
    now: DateTime<Utc>,
}

impl Trial {
    fn new(seed: u64) -> Self {
        let now: DateTime<Utc> = "2026-03-02T15:00:00Z".parse().unwrap();
        let latency = Latency { minimum_us: 2_000, median_us: 50_000, spread: 0.8 };
        let options = RealisticOptions { seed, latency, ..RealisticOptions::default() };
        let fills = Fills::Realistic { options, days: Days::OfSessions };
        let assets = AssetTable::new(universe::assets());
        let clock = VenueClock::simulated(now);
        let exchange = Exchange::new(clock, assets, Hours::Always, fills, Opened::ephemeral())
            .charging(Some(FeeRates::default()));
        let open = |number: usize| {
            let spec = AccountSpec {
                key_id: format!("K{number}"),
                secret: SecretString::from("s"),
                cash: Decimal::from(CASH),
                multiplier: 1,
            };
            exchange.open_account(&spec).unwrap()
        };
        let accounts = (0..ACCOUNTS).map(open).collect();
        Self { exchange, accounts, now }
    }

    fn act(&mut self, action: &Action) {
        let cents = |cents: i64| Decimal::new(cents, 2);
        match *action {
            Action::Order { account, symbol, side, amount, limit, ioc } => {
                let time_in_force = match (ioc, amount, symbol) {
                    (_, Amount::Notional(_), 0) => TimeInForce::Day,
                    (true, _, _) => TimeInForce::Ioc,
                    (false, _, _) => TimeInForce::Gtc,
                };
                let symbol = SYMBOLS[symbol].to_owned();
                let market = OrderRequest::market(symbol, side, amount, time_in_force);
                let order_type = if limit.is_some() { OrderType::Limit } else { OrderType::Market };
                let request = OrderRequest { order_type, limit_price: limit.map(cents), ..market };
                // A refusal is as good an answer as an order; the laws hold after both.
                drop(self.exchange.submit(self.accounts[account], &request));
            }
            Action::Cancel { account, nth } => {
                let id = self.exchange.read(|inner| {
                    inner.books.orders_of(self.accounts[account]).nth(nth).map(|order| order.id)
                });
                if let Some(id) = id {
                    drop(self.exchange.cancel(self.accounts[account], id));
                }
            }
            Action::Quote { symbol, cents: bid, sizes: (bid_size, ask_size) } => {
                let (bid_size, ask_size) = (Decimal::from(bid_size), Decimal::from(ask_size));
                let at = self.tick();
                let (bid, ask) = (cents(bid), cents(bid + 3));
                self.show(symbol, Happening::Quote(Quote { at, bid, bid_size, ask, ask_size }));
            }
            Action::Trade { symbol, cents: price, size, taker_buys } => {
                let trade = self.trade(cents(price), size, taker_buys);
                self.show(symbol, Happening::Trade(trade));
            }
            Action::Open { symbol, cents: price, size } => {
                let trade = self.trade(cents(price), size, true);
                self.show(symbol, Happening::OpenTrade(trade));
            }
            Action::Pass { ms } => {
                self.now += TimeDelta::milliseconds(ms);
                self.exchange.clock.advance_to(self.now);
                self.exchange.pass_time(self.now);
            }
        }
    }

    fn tick(&mut self) -> DateTime<Utc> {
        self.now += TimeDelta::milliseconds(20);
        self.now
    }

    fn trade(&mut self, price: Decimal, size: i64, taker_buys: bool) -> Trade {
        Trade { at: self.tick(), price, size: Decimal::from(size), id: 1, taker_buys }
    }

    fn show(&self, symbol: usize, what: Happening) {
        let asset = Arc::clone(self.exchange.assets.find(SYMBOLS[symbol]).unwrap());
        self.exchange.on_events(&[MarketEvent { asset, at: self.now, what }]);
    }

    /// Cash and holdings are what was put in and what executions and fees made of it.
    fn books_add_up(&self, account_id: Uuid) -> Result<(), TestCaseError> {
        self.exchange.read(|inner| {
            let account = inner.books.account(account_id).unwrap();
            let mut cash = Decimal::from(CASH);
            let mut held: BTreeMap<String, Decimal> = BTreeMap::new();
            for execution in inner.books.activities_of(account_id) {
                let signed = execution.side.signed(execution.qty);
                cash -= signed * execution.price;
                *held.entry(execution.symbol.clone()).or_default() += signed;
            }
            for other in inner.books.non_trades_of(account_id) {
                prop_assert!(matches!(other.kind, NonTradeKind::Fee | NonTradeKind::CryptoFee));
                prop_assert!(other.net_amount <= Decimal::ZERO);
                cash += other.net_amount;
                if let (Some(symbol), Some(qty)) = (&other.symbol, other.qty) {
                    *held.entry(symbol.clone()).or_default() += qty;
                }
            }
            prop_assert_eq!(account.cash, cash);
            held.retain(|_, qty| !qty.is_zero());
            let positions: BTreeMap<String, Decimal> =
                account.positions.values().map(|one| (one.symbol.clone(), one.qty)).collect();
            prop_assert_eq!(positions, held);
            let value = inner.value(account, None);
            prop_assert!(value.buying_power >= Decimal::ZERO);
            for order in inner.books.orders_of(account_id) {
                prop_assert!(order.qty.is_none_or(|qty| order.filled_qty <= qty), "{:?}", order);
                prop_assert!(order.notional.is_none_or(|most| order.filled_value <= most));
            }
            for execution in inner.books.activities_of(account_id) {
                let order = inner.books.order_by_id(account_id, execution.order_id).unwrap();
                let within = order.limit_price.is_none_or(|limit| match order.side {
                    Side::Buy => execution.price <= limit,
                    Side::Sell => execution.price >= limit,
                });
                prop_assert!(within, "{} against {:?}", execution.price, order);
            }
            Ok(())
        })
    }

    /// Every execution and fee, without the ids that differ between two sets of books.
    fn tape(&self) -> String {
        let mut text = String::new();
        self.exchange.read(|inner| {
            for account_id in &self.accounts {
                for one in inner.books.activities_of(*account_id) {
                    let order = inner.books.order_by_id(*account_id, one.order_id).unwrap();
                    let (at, side) = (one.at, one.side.as_str());
                    writeln!(text, "{} {at} {side} {} at {}", order.sequence, one.qty, one.price)
                        .unwrap();
                }
                for one in inner.books.non_trades_of(*account_id) {
                    writeln!(text, "{} {} {:?}", one.sub_type, one.net_amount, one.qty).unwrap();
                }
            }
        });
        text
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn realistic_fills_with_fees_keep_the_laws(actions in actions()) {
        let mut trial = Trial::new(7);
        for action in &actions {
            trial.act(action);
            for account in &trial.accounts {
                trial.books_add_up(*account)?;
            }
        }
    }
}

/// A fixed day of both accounts, drawn from a hash.
fn a_day(seed: u64) -> Trial {
    let mut trial = Trial::new(seed);
    let draw = |step: u64, salt: u64, most: u64| hash::mix(step, salt) % most;
    let signed = |word: u64| i64::try_from(word).unwrap();
    for step in 0..600_u64 {
        let symbol = usize::try_from(draw(step, 1, 2)).unwrap();
        let middle = 10_000 + signed(draw(step, 2, 30)) - 15;
        let size = signed(draw(step, 3, 100)) + 1;
        let buys = draw(step, 4, 2) == 0;
        trial.act(&Action::Quote { symbol, cents: middle, sizes: (size, 101 - size) });
        trial.act(&Action::Trade { symbol, cents: middle, size, taker_buys: buys });
        trial.act(&Action::Order {
            account: usize::try_from(draw(step, 5, 2)).unwrap(),
            symbol,
            side: if buys { Side::Buy } else { Side::Sell },
            amount: Amount::Quantity(Decimal::from(size)),
            limit: (draw(step, 6, 3) > 0).then_some(middle + signed(draw(step, 7, 9)) - 4),
            ioc: draw(step, 8, 5) == 0,
        });
        trial.act(&Action::Cancel { account: 0, nth: usize::try_from(draw(step, 9, 40)).unwrap() });
    }
    trial.act(&Action::Pass { ms: 90_000_000 });
    trial
}

#[test]
fn one_seed_and_one_tape_give_one_sequence_of_fills() {
    let first = a_day(7).tape();
    assert_eq!(first, a_day(7).tape());
    assert_ne!(first, a_day(8).tape(), "another seed travels other times");
    assert!(first.lines().count() > 200, "{} lines", first.lines().count());
}

#[test]
fn the_two_accounts_of_a_day_trade_with_each_other_too() {
    let trial = a_day(7);
    let at_once = trial.exchange.read(|inner| {
        let [first, second] = [0, 1].map(|index| inner.books.activities_of(trial.accounts[index]));
        first
            .iter()
            .filter(|one| {
                second.iter().any(|other| {
                    (other.at, other.price, other.qty) == (one.at, one.price, one.qty)
                        && other.side != one.side
                })
            })
            .count()
    });
    assert!(at_once > 0, "no execution has its counterpart");
}
