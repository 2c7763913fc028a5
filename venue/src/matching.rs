//! Which resting orders a price reaches: an index per symbol, so that a tick looks only at those.

use std::collections::{BTreeSet, HashMap};

use rust_decimal::Decimal;

use crate::orders::{Order, OrderStatus, OrderType, Side, TimeInForce};

/// The open orders of one symbol, by what can move them.
#[derive(Debug, Default)]
pub(crate) struct WorkingOrders {
    market: BTreeSet<u64>,
    /// Best price last.
    buys: BTreeSet<(Decimal, u64)>,
    /// Best price first.
    sells: BTreeSet<(Decimal, u64)>,
    /// Sent outside hours and waiting for the open.
    queued: BTreeSet<u64>,
    /// Day orders whose symbol has not traded since they came; only a replay asks.
    untraded: BTreeSet<u64>,
}

/// The open orders of every symbol.
#[derive(Debug, Default)]
pub(crate) struct WorkingBook {
    by_symbol: HashMap<String, WorkingOrders>,
}

/// The prices at which an order could trade: a buy at `ask`, a sell at `bid`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reach {
    pub(crate) bid: Decimal,
    pub(crate) ask: Decimal,
    pub(crate) market_orders: MarketOrders,
}

/// Whether market orders may trade on a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MarketOrders {
    Trade,
    Wait,
}

impl WorkingBook {
    /// Notes the order's new state: indexed while it is open, forgotten once it is closed.
    pub(crate) fn put(&mut self, order: &Order) {
        let orders = self.by_symbol.entry(order.symbol.clone()).or_default();
        orders.remove(order);
        if order.status.is_open() {
            orders.insert(order);
        }
        if orders.is_empty() {
            self.by_symbol.remove(&order.symbol);
        }
    }

    /// Whether anything is waiting in a symbol.
    pub(crate) fn is_idle(&self, symbol: &str) -> bool {
        !self.by_symbol.contains_key(symbol)
    }

    /// The orders that these prices reach, in the order they came.
    pub(crate) fn reached(&self, symbol: &str, reach: Reach) -> Vec<u64> {
        let Some(orders) = self.by_symbol.get(symbol) else { return Vec::new() };
        let mut reached = BTreeSet::new();
        if reach.market_orders == MarketOrders::Trade {
            reached.extend(&orders.market);
        }
        reached.extend(orders.buys.range((reach.ask, 0)..).map(|(_, sequence)| *sequence));
        reached.extend(orders.sells.range(..=(reach.bid, u64::MAX)).map(|(_, sequence)| *sequence));
        reached.into_iter().collect()
    }

    /// Orders that wait for the open.
    pub(crate) fn queued(&self, symbol: &str) -> Vec<u64> {
        self.by_symbol
            .get(symbol)
            .map(|all| all.queued.iter().copied().collect())
            .unwrap_or_default()
    }

    /// Day orders that have not yet seen a trade in their symbol.
    pub(crate) fn untraded(&self, symbol: &str) -> Vec<u64> {
        self.by_symbol
            .get(symbol)
            .map(|all| all.untraded.iter().copied().collect())
            .unwrap_or_default()
    }
}

impl WorkingOrders {
    fn insert(&mut self, order: &Order) {
        match (order.order_type, order.side, order.limit_price) {
            (OrderType::Limit, Side::Buy, Some(limit)) => {
                self.buys.insert((limit, order.sequence));
            }
            (OrderType::Limit, Side::Sell, Some(limit)) => {
                self.sells.insert((limit, order.sequence));
            }
            (OrderType::Market | OrderType::Limit, _, _) => {
                self.market.insert(order.sequence);
            }
        }
        if order.status == OrderStatus::Accepted {
            self.queued.insert(order.sequence);
        }
        if order.time_in_force == TimeInForce::Day && order.first_traded_day.is_none() {
            self.untraded.insert(order.sequence);
        }
    }

    fn remove(&mut self, order: &Order) {
        if let Some(limit) = order.limit_price {
            self.buys.remove(&(limit, order.sequence));
            self.sells.remove(&(limit, order.sequence));
        }
        self.market.remove(&order.sequence);
        self.queued.remove(&order.sequence);
        self.untraded.remove(&order.sequence);
    }

    fn is_empty(&self) -> bool {
        self.market.is_empty() && self.buys.is_empty() && self.sells.is_empty()
    }
}
