//! One user's account: sub-accounts, orders, cash. The journal is the account: applying its events
//! in order gives this state, on the first start and after a crash alike.

mod apply;
mod event;
mod report;
mod signal;
#[cfg(test)]
mod tests;

pub use apply::BrokenEvent;
pub use event::{EVENT_VERSION, Event, Outcome};
pub use report::{Report, ReportError, decide_report};
pub use signal::{SignalContext, Terms, decide_signal, deny_signal};

use crate::clock::Timestamp;
use crate::ids::{ClientOrderId, ConfigId, UserId};
use crate::instance::Signal;
use crate::money::{MoneyError, Usd};
use crate::order::{Order, Side};
use crate::position::Position;
use crate::ticker::Ticker;
use rust_decimal::Decimal;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Ended orders that stay in memory, so that late and repeated reports still find them.
pub const CLOSED_ORDERS_MAX: usize = 1_000;

/// Window of the order-rate limit, seconds.
pub const RATE_WINDOW_S: i64 = 60;

/// A user's account.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Account {
    pub(crate) user: UserId,
    pub(crate) seq: i64,
    pub(crate) books: BTreeMap<ConfigId, Book>,
    pub(crate) orders: BTreeMap<ClientOrderId, Order>,
    pub(crate) open: BTreeSet<ClientOrderId>,
    pub(crate) closed: VecDeque<ClientOrderId>,
    /// When the newest orders were created, in order: those of the last [`RATE_WINDOW_S`].
    pub(crate) created: VecDeque<Timestamp>,
}

/// The books of one trading config: a sub-account with its own cash and positions.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Book {
    pub(crate) active: bool,
    pub(crate) ignores_until: Option<Timestamp>,
    pub(crate) capital: Usd,
    pub(crate) cash: Usd,
    pub(crate) bought: Usd,
    pub(crate) sold: Usd,
    pub(crate) positions: BTreeMap<Ticker, Position>,
    pub(crate) decided: BTreeMap<Ticker, Timestamp>,
    pub(crate) deferred: BTreeMap<Ticker, Signal>,
}

impl Account {
    /// The account before its first event.
    pub fn new(user: UserId) -> Self {
        Self {
            user,
            seq: 0,
            books: BTreeMap::new(),
            orders: BTreeMap::new(),
            open: BTreeSet::new(),
            closed: VecDeque::new(),
            created: VecDeque::new(),
        }
    }

    /// Whose account it is.
    pub fn user(&self) -> UserId {
        self.user
    }

    /// Number of events applied so far; the next one is this plus one.
    pub fn seq(&self) -> i64 {
        self.seq
    }

    /// The sub-accounts.
    pub fn books(&self) -> impl Iterator<Item = (ConfigId, &Book)> {
        self.books.iter().map(|(id, book)| (*id, book))
    }

    /// One sub-account.
    pub fn book(&self, config: ConfigId) -> Option<&Book> {
        self.books.get(&config)
    }

    /// An order that is open or ended not long ago.
    pub fn order(&self, id: &ClientOrderId) -> Option<&Order> {
        self.orders.get(id)
    }

    /// Orders that have not ended.
    pub fn open_orders(&self) -> impl Iterator<Item = &Order> {
        self.open.iter().filter_map(|id| self.orders.get(id))
    }

    /// Open orders of one sub-account and ticker.
    pub fn open_orders_of<'a>(
        &'a self,
        config: ConfigId,
        ticker: &'a Ticker,
    ) -> impl Iterator<Item = &'a Order> {
        self.open_orders()
            .filter(move |order| order.draft.config_id == config && &order.draft.ticker == ticker)
    }

    /// Orders created in the [`RATE_WINDOW_S`] before `now`.
    pub fn orders_lately(&self, now: Timestamp) -> u32 {
        let earlier = self.created.partition_point(|at| !is_recent(*at, now));
        u32::try_from(self.created.len().saturating_sub(earlier)).unwrap_or(u32::MAX)
    }

    /// Tickers that are held, or on their way, in any sub-account.
    pub fn tickers_held(&self) -> BTreeSet<Ticker> {
        let held = self.books.values().flat_map(|book| {
            let holding =
                book.positions.iter().filter(|(_, position)| !position.quantity.is_zero());
            holding.map(|(ticker, _)| ticker.clone())
        });
        let coming = self
            .open_orders()
            .filter(|order| order.draft.side == Side::Buy)
            .map(|order| order.draft.ticker.clone());
        held.chain(coming).collect()
    }

    /// Cash of a sub-account less what its open buys have reserved, US dollars.
    pub fn free_cash(&self, config: ConfigId) -> Result<Usd, MoneyError> {
        let cash = self.books.get(&config).map_or(Usd::ZERO, |book| book.cash);
        self.open_orders()
            .filter(|order| order.draft.config_id == config && order.draft.side == Side::Buy)
            .try_fold(cash, |free, order| free.minus(order_reserve(order)?))
    }

    /// Holding of a sub-account less what its open sells will take.
    pub fn free_quantity(&self, config: ConfigId, ticker: &Ticker) -> Decimal {
        let held = self
            .books
            .get(&config)
            .and_then(|book| book.positions.get(ticker))
            .map_or(Decimal::ZERO, |position| position.quantity);
        self.open_orders_of(config, ticker)
            .filter(|order| order.draft.side == Side::Sell)
            .fold(held, |free, order| free.saturating_sub(order.remaining()))
    }

    /// A signal that waited for open orders to end, and now may be decided.
    pub fn deferred_ready(&self) -> Option<(ConfigId, Signal)> {
        self.books.iter().find_map(|(config, book)| {
            let ready = |(ticker, _): &(&Ticker, &Signal)| {
                self.open_orders_of(*config, ticker).next().is_none()
            };
            book.deferred.iter().find(ready).map(|(_, signal)| (*config, signal.clone()))
        })
    }
}

impl Book {
    /// Whether the config takes signals.
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// What the sub-account started with, US dollars.
    pub fn capital(&self) -> Usd {
        self.capital
    }

    /// Its cash, US dollars.
    pub fn cash(&self) -> Usd {
        self.cash
    }

    /// Its holdings; closed ones stay with quantity zero and their realized profit.
    pub fn positions(&self) -> &BTreeMap<Ticker, Position> {
        &self.positions
    }

    /// The profit of everything sold so far, before fees, US dollars.
    pub fn realized(&self) -> Result<Usd, MoneyError> {
        self.positions.values().try_fold(Usd::ZERO, |sum, position| sum.plus(position.realized))
    }
}

/// Whether an order created at `at` counts against the order rate at `now`.
fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    now.signed_duration_since(at).num_seconds() < RATE_WINDOW_S
}

/// The part of an order's reserve that its unfilled quantity still needs.
fn order_reserve(order: &Order) -> Result<Usd, MoneyError> {
    order.reserved.times(order.remaining())?.over(order.draft.quantity.amount())
}
