//! The laws of the books under random orders, groups, replacements, prices, cancels and faults.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rust_decimal::Decimal;
use secrecy::SecretString;
use uuid::Uuid;

use crate::accounts::Reserved;
use crate::activities::Item;
use crate::assets::AssetTable;
use crate::books::{Books, Change};
use crate::calendar::Hours;
use crate::clock::VenueClock;
use crate::exchange::{Exchange, Inner};
use crate::faults::{Delay, Fault, FaultKind, FaultScope, HaltedOrders};
use crate::fills::{Days, Fills};
use crate::market::{Happening, MarketEvent, Quote, Trade};
use crate::options::{AccountSpec, RealisticOptions};
use crate::order_request::{Amount, OrderRequest, StopLoss};
use crate::orders::{Order, OrderClass, OrderStatus, OrderType, Role, Side, TimeInForce, Trail};
use crate::replace_request::ReplaceRequest;
use crate::store::Opened;
use crate::universe;

const SYMBOLS: [&str; 3] = ["AAPL", "KO", "BTC/USD"];
const CASH: i64 = 10_000;

/// What a trial must see trade to say anything.
const KINDS: [&str; 24] = [
    "market",
    "limit",
    "stop",
    "stop_limit",
    "trailing_stop",
    "day",
    "gtc",
    "ioc",
    "fok",
    "opg",
    "cls",
    "buy_to_open",
    "buy_to_close",
    "sell_to_open",
    "sell_to_close",
    "bracket Some(Entry)",
    "bracket Some(TakeProfit)",
    "bracket Some(StopLoss)",
    "oco Some(TakeProfit)",
    "oco Some(StopLoss)",
    "oto Some(Entry)",
    "oto Some(TakeProfit)",
    "oto Some(StopLoss)",
    "replacement",
];

/// Something that happens to the exchange.
#[derive(Clone, Debug)]
enum Action {
    Order(Wish),
    Replace {
        nth: usize,
        wish: Wish,
    },
    Cancel {
        nth: usize,
    },
    CancelAll,
    Close {
        symbol: usize,
    },
    Price {
        symbol: usize,
        cents: i64,
        kind: PriceKind,
    },
    Pass {
        minutes: i64,
    },
    /// A fault is armed, or all are removed.
    Fault(Option<Fault>),
    Restart,
}

/// What somebody may want, measured from where the market stands.
#[derive(Clone, Debug)]
struct Wish {
    symbol: usize,
    side: Side,
    amount: Amount,
    order_type: OrderType,
    class: OrderClass,
    tif: TimeInForce,
    /// Cents from the newest price to the limit, above or below.
    limit: i64,
    /// Cents from the newest price to the stop and to the legs; below zero on the wrong side.
    distance: i64,
    stop_loss_limit: bool,
    extended_hours: bool,
}

#[derive(Clone, Copy, Debug)]
enum PriceKind {
    Quote,
    Trade,
    Open,
    Path,
    Over,
}

fn wishes() -> impl Strategy<Value = Wish> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let amount = prop_oneof![
        4 => (1_i64..40).prop_map(|qty| Amount::Quantity(Decimal::from(qty))),
        1 => (1_i64..5_000_000).prop_map(|parts| Amount::Quantity(Decimal::new(parts, 5))),
        1 => (1_i64..9_000).prop_map(|dollars| Amount::Notional(Decimal::from(dollars))),
    ];
    let order_type = prop_oneof![
        Just(OrderType::Market),
        Just(OrderType::Limit),
        Just(OrderType::Stop),
        Just(OrderType::StopLimit),
        Just(OrderType::TrailingStop)
    ];
    let class = prop_oneof![
        3 => Just(OrderClass::Simple),
        1 => Just(OrderClass::Bracket),
        1 => Just(OrderClass::Oco),
        1 => Just(OrderClass::Oto)
    ];
    let tif = prop_oneof![
        3 => Just(TimeInForce::Day),
        3 => Just(TimeInForce::Gtc),
        1 => Just(TimeInForce::Ioc),
        1 => Just(TimeInForce::Fok),
        1 => Just(TimeInForce::Opg),
        1 => Just(TimeInForce::Cls)
    ];
    let prices = (-1_500_i64..1_500, -200_i64..1_500, any::<bool>(), proptest::bool::weighted(0.2));
    ((0..SYMBOLS.len(), side, amount, order_type), (class, tif, prices)).prop_map(
        |((symbol, side, amount, order_type), (class, tif, prices))| {
            let (limit, distance, stop_loss_limit, extended_hours) = prices;
            Wish {
                symbol,
                side,
                amount,
                order_type,
                class,
                tif,
                limit,
                distance,
                stop_loss_limit,
                extended_hours,
            }
        },
    )
}

fn faults() -> impl Strategy<Value = Option<Fault>> {
    let kind = prop_oneof![
        Just(FaultKind::RejectOrder {}),
        Just(FaultKind::Halt { orders: HaltedOrders::Rest }),
        Just(FaultKind::Halt { orders: HaltedOrders::Refuse }),
        Just(FaultKind::StaleQuote {}),
        Just(FaultKind::DropUpdate {}),
        Just(FaultKind::RepeatUpdate { times: 2, delay: Delay::default() }),
        Just(FaultKind::Bust { before: true }),
    ];
    let of_symbol = (kind, 0..SYMBOLS.len())
        .prop_map(|(kind, symbol)| Fault::new(kind).within(FaultScope::symbol(SYMBOLS[symbol])));
    prop_oneof![2 => of_symbol.prop_map(Some), 1 => Just(None)]
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let symbol = 0..SYMBOLS.len();
    let kind = prop_oneof![
        3 => Just(PriceKind::Quote),
        3 => Just(PriceKind::Trade),
        1 => Just(PriceKind::Open),
        1 => Just(PriceKind::Path),
        1 => Just(PriceKind::Over)
    ];
    let price = (symbol.clone(), 8_500_i64..11_500, kind)
        .prop_map(|(symbol, cents, kind)| Action::Price { symbol, cents, kind });
    let action = prop_oneof![
        12 => wishes().prop_map(Action::Order),
        3 => (0_usize..6, wishes()).prop_map(|(nth, wish)| Action::Replace { nth, wish }),
        2 => (0_usize..20).prop_map(|nth| Action::Cancel { nth }),
        1 => Just(Action::CancelAll),
        1 => symbol.prop_map(|symbol| Action::Close { symbol }),
        15 => price,
        2 => prop_oneof![4 => 1_i64..20, 1 => 1_i64..900]
            .prop_map(|minutes| Action::Pass { minutes }),
        2 => faults().prop_map(Action::Fault),
        1 => Just(Action::Restart),
    ];
    proptest::collection::vec(action, 1..120)
}

struct Trial {
    exchange: Exchange,
    account_id: Uuid,
    now: DateTime<Utc>,
    multiplier: u8,
    fills: Fills,
    hours: Hours,
    /// The quantity that each group was sent with; its exits shrink as they trade.
    groups: BTreeMap<u64, Decimal>,
}

impl Trial {
    fn new(fills: Fills, hours: Hours, multiplier: u8) -> Self {
        let now: DateTime<Utc> = "2026-03-02T15:00:00Z".parse().unwrap();
        let exchange = exchange(fills, hours, now, Opened::ephemeral());
        let spec = AccountSpec {
            key_id: "K".to_owned(),
            secret: SecretString::from("s"),
            cash: Decimal::from(CASH),
            multiplier,
        };
        let account_id = exchange.open_account(&spec).unwrap();
        Self { exchange, account_id, now, multiplier, fills, hours, groups: BTreeMap::new() }
    }

    /// A refusal is as good an answer as an order; the laws hold after both.
    fn act(&mut self, action: &Action) {
        match action {
            Action::Order(wish) => {
                let wish = self.sensible(wish);
                let placed = self.exchange.submit(self.account_id, &self.request(&wish));
                if let Ok(order) = placed.map(|placed| placed.order)
                    && let (Some(membership), Some(qty)) = (order.membership, order.qty)
                {
                    self.groups.insert(membership.group, qty);
                }
            }
            Action::Replace { nth, wish } => self.replace(*nth, wish),
            Action::Cancel { nth } => {
                let id = self.order_id(|inner| {
                    inner.books.orders_of(self.account_id).nth(*nth).map(|order| order.id)
                });
                if let Some(id) = id {
                    drop(self.exchange.cancel(self.account_id, id));
                }
            }
            Action::CancelAll => drop(self.exchange.cancel_all(self.account_id)),
            Action::Close { symbol } => self.close(SYMBOLS[*symbol]),
            Action::Price { symbol, cents, kind } => self.price(SYMBOLS[*symbol], *cents, *kind),
            Action::Pass { minutes } => {
                self.now += TimeDelta::minutes(*minutes);
                self.exchange.clock.advance_to(self.now);
                self.exchange.pass_time(self.now);
            }
            Action::Fault(Some(fault)) => drop(self.exchange.faults.arm(fault.clone())),
            Action::Fault(None) => self.exchange.faults.clear(),
            Action::Restart => self.restart(),
        }
    }

    fn order_id(&self, look: impl FnOnce(&Inner) -> Option<Uuid>) -> Option<Uuid> {
        self.exchange.read(look)
    }

    /// An exit is wished for what there is.
    fn sensible(&self, wish: &Wish) -> Wish {
        let mut wish = wish.clone();
        let symbol = SYMBOLS[wish.symbol];
        let position = self.exchange.read(|inner| inner.position_qty(self.account_id, symbol));
        if wish.class == OrderClass::Oco && !position.is_zero() {
            wish.side = if position.is_sign_negative() { Side::Buy } else { Side::Sell };
            wish.amount = Amount::Quantity(position.abs());
        }
        wish
    }

    fn request(&self, wish: &Wish) -> OrderRequest {
        let symbol = SYMBOLS[wish.symbol];
        let market = self.exchange.read(|inner| inner.market.price(symbol));
        let market = market.unwrap_or(Decimal::ONE_HUNDRED);
        let away = Decimal::new(wish.distance, 2);
        // Exits close by are met more often.
        let leg = Decimal::new(wish.distance / 4, 2);
        let limit = market + Decimal::new(wish.limit, 2);
        // Buy stops lie above the market, sell stops below it.
        let stop = market + wish.side.signed(away);
        let has_limit = matches!(wish.order_type, OrderType::Limit | OrderType::StopLimit);
        let has_stop = matches!(wish.order_type, OrderType::Stop | OrderType::StopLimit);
        let trail = if wish.limit > 0 {
            Trail::Price(Decimal::new(wish.limit, 2))
        } else {
            Trail::Percent(Decimal::new(1 - wish.limit, 2).max(Decimal::new(1, 1)))
        };
        let entry_side =
            if wish.class == OrderClass::Oco { wish.side.opposite() } else { wish.side };
        let base = if has_limit && wish.class != OrderClass::Oco { limit } else { market };
        let profit = base + entry_side.signed(leg);
        let loss = base - entry_side.signed(leg);
        let with_profit = wish.class != OrderClass::Simple
            && (wish.class != OrderClass::Oto || wish.stop_loss_limit);
        let with_loss = wish.class != OrderClass::Simple
            && (wish.class != OrderClass::Oto || !wish.stop_loss_limit);
        let stop_loss =
            StopLoss { stop_price: loss, limit_price: wish.stop_loss_limit.then_some(limit) };
        let oco = wish.class == OrderClass::Oco;
        OrderRequest {
            order_type: if oco { OrderType::Limit } else { wish.order_type },
            limit_price: if oco { Some(profit) } else { has_limit.then_some(limit) },
            stop_price: (has_stop && !oco).then_some(stop),
            trail: (wish.order_type == OrderType::TrailingStop && !oco).then_some(trail),
            extended_hours: wish.extended_hours,
            class: wish.class,
            take_profit: with_profit.then_some(profit),
            stop_loss: with_loss.then_some(stop_loss),
            ..OrderRequest::market(symbol.to_owned(), wish.side, wish.amount, wish.tif)
        }
    }

    fn replace(&self, nth: usize, wish: &Wish) {
        let id = self.order_id(|inner| {
            inner.books.open_orders_of(self.account_id).nth(nth).map(|order| order.id)
        });
        let Some(id) = id else { return };
        let asked = self.request(wish);
        let request = ReplaceRequest {
            qty: match wish.amount {
                Amount::Quantity(qty) => Some(qty),
                Amount::Notional(_) => None,
            },
            limit_price: asked.limit_price,
            stop_price: asked.stop_price,
            trail: asked.trail.map(|trail| match trail {
                Trail::Price(value) | Trail::Percent(value) => value,
            }),
            time_in_force: wish.stop_loss_limit.then_some(wish.tif),
            client_order_id: None,
        };
        drop(self.exchange.replace(self.account_id, id, &request));
    }

    fn close(&self, symbol: &str) {
        let position = self.exchange.read(|inner| inner.position_qty(self.account_id, symbol));
        if position.is_zero() {
            return;
        }
        let side = if position.is_sign_negative() { Side::Buy } else { Side::Sell };
        let tif = if symbol == "BTC/USD" { TimeInForce::Gtc } else { TimeInForce::Day };
        let amount = Amount::Quantity(position.abs());
        let request = OrderRequest::market(symbol.to_owned(), side, amount, tif);
        drop(self.exchange.submit(self.account_id, &request));
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
        let event = MarketEvent { asset, at, what };
        let exchange = &self.exchange;
        exchange.on_events(&exchange.faults.pass(&exchange.assets, vec![event], at));
    }

    /// The venue is killed and started again on what was written.
    fn restart(&mut self) {
        let mut opened = Opened::ephemeral();
        self.exchange.read(|inner| {
            for change in inner.books.as_changes() {
                opened.books.apply(written_and_read(&change));
            }
            opened.ids = inner.ids.clone();
        });
        self.exchange = exchange(self.fills, self.hours, self.now, opened);
    }

    fn check(&self) -> Result<(), TestCaseError> {
        self.exchange.read(|inner| {
            self.executions_add_up(inner)?;
            self.orders_are_sound(inner)?;
            self.groups_are_sound(inner)?;
            self.money_is_never_short(inner)?;
            self.books_can_be_written_and_read(inner)
        })
    }

    /// Cash and positions are what was put in and what the executions and fees made of it.
    fn executions_add_up(&self, inner: &Inner) -> Result<(), TestCaseError> {
        let account = inner.books.account(self.account_id).unwrap();
        let mut cash = Decimal::from(CASH);
        let mut positions: BTreeMap<&str, Decimal> = BTreeMap::new();
        for item in inner.books.history_of(self.account_id) {
            match item {
                Item::Execution(execution) => {
                    let signed = execution.side.signed(execution.qty);
                    cash -= signed * execution.price;
                    *positions.entry(&execution.symbol).or_default() += signed;
                    prop_assert!(execution.qty > Decimal::ZERO);
                }
                Item::NonTrade(fee) => {
                    cash += fee.net_amount;
                    if let (Some(symbol), Some(qty)) = (&fee.symbol, fee.qty) {
                        *positions.entry(symbol).or_default() += qty;
                    }
                }
            }
        }
        prop_assert_eq!(account.cash, cash);
        positions.retain(|_, qty| !qty.is_zero());
        let held: BTreeMap<&str, Decimal> =
            account.positions.values().map(|one| (one.symbol.as_str(), one.qty)).collect();
        prop_assert_eq!(held, positions);
        Ok(())
    }

    /// No order trades more than it asked for, at a worse price than its limit, before its stop was
    /// met, or after it was replaced.
    fn orders_are_sound(&self, inner: &Inner) -> Result<(), TestCaseError> {
        let mut filled: BTreeMap<Uuid, Decimal> = BTreeMap::new();
        for execution in inner.books.activities_of(self.account_id) {
            let order = inner.books.order_by_id(self.account_id, execution.order_id).unwrap();
            prop_assert!(order.accepts(execution.price), "{} {:?}", execution.price, order);
            prop_assert!(!order.waits_for_stop(), "{:?}", order);
            *filled.entry(order.id).or_default() += execution.qty;
        }
        for order in inner.books.orders_of(self.account_id) {
            prop_assert!(order.qty.is_none_or(|qty| order.filled_qty <= qty), "{:?}", order);
            prop_assert!(order.notional.is_none_or(|most| order.filled_value <= most));
            prop_assert!(order.reserved_value() >= Decimal::ZERO, "{:?}", order);
            prop_assert!(order.held_quantity(None) >= Decimal::ZERO, "{:?}", order);
            let before =
                order.replaces.map(|id| inner.books.order_by_id(self.account_id, id).unwrap());
            let carried = before.map_or(Decimal::ZERO, |before| before.filled_qty);
            let own = filled.get(&order.id).copied().unwrap_or_default();
            prop_assert_eq!(carried + own, order.filled_qty, "{:?}", order);
            prop_assert!(before.is_none_or(|before| before.replaced_by == Some(order.id)));
            let replaced = order.status == OrderStatus::Replaced;
            prop_assert_eq!(replaced, order.replaced_by.is_some());
        }
        Ok(())
    }

    /// The legs wait for their entry, close no more than it opened, and end together.
    fn groups_are_sound(&self, inner: &Inner) -> Result<(), TestCaseError> {
        let parents = inner.books.orders_of(self.account_id).filter_map(|order| order.membership);
        for group in parents.filter(|one| one.is_parent()).map(|one| one.group) {
            let members: Vec<&Order> = inner
                .books
                .group(group)
                .filter(|order| order.status != OrderStatus::Replaced)
                .collect();
            let entry = members.iter().find(|order| order.role() == Some(Role::Entry));
            let exits: Vec<&&Order> =
                members.iter().filter(|order| order.role() != Some(Role::Entry)).collect();
            let closed: Decimal = exits.iter().map(|order| order.filled_qty).sum();
            if let Some(entry) = entry {
                prop_assert!(closed <= entry.filled_qty, "{:?}", members);
                let waits = exits.iter().any(|order| order.status == OrderStatus::Held);
                prop_assert!(!waits || entry.status.is_open(), "{:?}", members);
                let begun = exits.iter().any(|order| order.status.is_working());
                prop_assert!(!begun || entry.status == OrderStatus::Filled, "{:?}", members);
            } else {
                prop_assert!(closed <= self.groups[&group], "{:?}", members);
            }
            let done = |order: &&&Order| {
                !order.status.is_open() && order.status != OrderStatus::Filled
                    || order.role() != Some(Role::Entry) && order.status == OrderStatus::Filled
            };
            let over = members.iter().any(|order| done(&order));
            let open = members.iter().any(|order| order.status.is_open());
            prop_assert!(!over || !open, "{:?}", members);
        }
        Ok(())
    }

    /// A cash account never spends or sells what it does not have, and buying power is never
    /// negative.
    fn money_is_never_short(&self, inner: &Inner) -> Result<(), TestCaseError> {
        let account = inner.books.account(self.account_id).unwrap();
        let value = inner.value(account, None);
        prop_assert!(value.buying_power >= Decimal::ZERO);
        prop_assert!(value.overnight_buying_power >= Decimal::ZERO);
        prop_assert!(value.non_marginable >= Decimal::ZERO);
        prop_assert_eq!(value.equity, account.cash + value.long_value + value.short_value);
        let reserved = inner.books.reserved(self.account_id, None);
        let mut summed = Reserved::default();
        inner.books.open_orders_of(self.account_id).for_each(|order| summed.add(order));
        prop_assert_eq!((reserved.stocks, reserved.crypto), (summed.stocks, summed.crypto));
        prop_assert!(reserved.stocks >= Decimal::ZERO && reserved.crypto >= Decimal::ZERO);
        for position in account.positions.values() {
            let allowed = self.multiplier > 1 && position.symbol != "BTC/USD";
            prop_assert!(allowed || !position.is_short(), "{:?}", position);
            prop_assert!(!position.is_short() || position.qty.fract().is_zero());
        }
        prop_assert!(self.multiplier > 1 || account.cash >= Decimal::ZERO);
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

fn exchange(fills: Fills, hours: Hours, now: DateTime<Utc>, opened: Opened) -> Exchange {
    let assets = AssetTable::new(universe::assets());
    Exchange::new(VenueClock::simulated(now), assets, hours, fills, opened)
}

fn written_and_read(change: &Change) -> Change {
    serde_json::from_str(&serde_json::to_string(change).unwrap()).unwrap()
}

fn run(
    fills: Fills,
    hours: Hours,
    multiplier: u8,
    actions: &[Action],
) -> Result<(), TestCaseError> {
    let mut trial = Trial::new(fills, hours, multiplier);
    for action in actions {
        trial.act(action);
        trial.exchange.read(|inner| {
            trial.money_is_never_short(inner)?;
            trial.executions_add_up(inner)?;
            trial.orders_are_sound(inner)?;
            trial.groups_are_sound(inner)
        })?;
    }
    trial.check()
}

fn multipliers() -> impl Strategy<Value = u8> {
    prop_oneof![Just(1_u8), Just(2), Just(4)]
}

fn all_hours() -> impl Strategy<Value = Hours> {
    prop_oneof![Just(Hours::Always), Just(Hours::Nyse)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn paper_fills_keep_the_laws(
        actions in actions(),
        multiplier in multipliers(),
        hours in all_hours(),
    ) {
        run(Fills::Paper { seed: 7, partial_chance: 0.3 }, hours, multiplier, &actions)?;
    }

    #[test]
    fn recorded_fills_keep_the_laws(actions in actions(), multiplier in multipliers()) {
        run(Fills::Recorded, Hours::Always, multiplier, &actions)?;
    }

    #[test]
    fn realistic_fills_keep_the_laws(
        actions in actions(),
        multiplier in multipliers(),
        (days, hours) in prop_oneof![
            Just((Days::OfSessions, Hours::Nyse)),
            Just((Days::OfSessions, Hours::Always)),
            Just((Days::OfTape, Hours::Always)),
        ],
    ) {
        let fills = Fills::Realistic { options: RealisticOptions::default(), days };
        run(fills, hours, multiplier, &actions)?;
    }
}

fn realistic() -> Fills {
    Fills::Realistic { options: RealisticOptions::default(), days: Days::OfSessions }
}

fn missing(reached: &BTreeSet<String>) -> Vec<&'static str> {
    KINDS.into_iter().filter(|kind| !reached.contains(*kind)).collect()
}

/// Laws that hold because nothing happens would be worth nothing.
#[test]
fn random_trials_reach_every_kind_of_order() {
    let mut runner = TestRunner::deterministic();
    let mut reached: BTreeSet<String> = BTreeSet::new();
    let paper = Fills::Paper { seed: 7, partial_chance: 0.3 };
    for number in 0..400 {
        if missing(&reached).is_empty() {
            break;
        }
        let actions = actions().new_tree(&mut runner).unwrap().current();
        let (fills, hours) = match number % 4 {
            0 => (Fills::Recorded, Hours::Always),
            1 => (realistic(), Hours::Nyse),
            2 => (paper, Hours::Always),
            _ => (paper, Hours::Nyse),
        };
        let mut trial = Trial::new(fills, hours, 2);
        // Under halts and rejections less is traded.
        for action in actions.iter().filter(|action| !matches!(action, Action::Fault(_))) {
            trial.act(action);
        }
        trial.exchange.read(|inner| {
            let traded =
                inner.books.orders_of(trial.account_id).filter(|order| order.executions > 0);
            for order in traded {
                reached.insert(order.order_type.as_str().to_owned());
                reached.insert(order.intent().as_str().to_owned());
                reached.insert(order.time_in_force.as_str().to_owned());
                reached.insert(format!("{} {:?}", order.class().as_str(), order.role()));
                if order.replaces.is_some() {
                    reached.insert("replacement".to_owned());
                }
            }
        });
    }
    let missed = missing(&reached);
    assert!(missed.is_empty(), "never traded: {missed:?}");
}

#[test]
fn random_trials_do_trade() {
    let mut trial = Trial::new(Fills::Recorded, Hours::Always, 1);
    trial.act(&Action::Price { symbol: 1, cents: 6_000, kind: PriceKind::Trade });
    let order = |side| {
        Action::Order(Wish {
            symbol: 1,
            side,
            amount: Amount::Quantity(Decimal::TEN),
            order_type: OrderType::Market,
            class: OrderClass::Simple,
            tif: TimeInForce::Gtc,
            limit: 0,
            distance: 0,
            stop_loss_limit: false,
            extended_hours: false,
        })
    };
    trial.act(&order(Side::Buy));
    trial.act(&Action::Price { symbol: 1, cents: 6_100, kind: PriceKind::Open });
    trial.act(&order(Side::Sell));
    trial.act(&Action::Price { symbol: 1, cents: 6_200, kind: PriceKind::Path });
    let cash = trial.exchange.read(|inner| inner.books.account(trial.account_id).unwrap().cash);
    assert_eq!(cash, Decimal::from(CASH + 10));
}
