//! Which resting orders a price reaches: an index per symbol, so that a tick looks only at those.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rust_decimal::Decimal;

use crate::fills::WorkingOrder;
use crate::orders::{Order, Side};

/// The orders of one symbol that may trade, by what can move them.
#[derive(Debug, Default)]
pub(crate) struct WorkingOrders {
    orders: BTreeMap<u64, WorkingOrder>,
    market: BTreeSet<u64>,
    /// Best price last.
    buys: BTreeSet<(Decimal, u64)>,
    /// Best price first.
    sells: BTreeSet<(Decimal, u64)>,
}

/// The working orders of every symbol.
#[derive(Debug, Default)]
pub(crate) struct WorkingBook {
    by_symbol: HashMap<String, WorkingOrders>,
    none: WorkingOrders,
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
    /// Notes the order's new state: indexed while it may trade, forgotten once it may not.
    pub(crate) fn put(&mut self, order: &Order) {
        let working = order.working();
        let orders = match self.by_symbol.get_mut(&order.symbol) {
            Some(orders) => orders,
            None if working.is_none() => return,
            None => self.by_symbol.entry(order.symbol.clone()).or_default(),
        };
        orders.remove(order.sequence);
        if let Some(working) = working {
            orders.insert(working);
        }
        if orders.orders.is_empty() {
            self.by_symbol.remove(&order.symbol);
        }
    }

    /// Whether nothing may trade in a symbol.
    pub(crate) fn is_idle(&self, symbol: &str) -> bool {
        !self.by_symbol.contains_key(symbol)
    }

    /// The orders of a symbol.
    pub(crate) fn of(&self, symbol: &str) -> &WorkingOrders {
        self.by_symbol.get(symbol).unwrap_or(&self.none)
    }
}

impl WorkingOrders {
    /// An order by its number.
    pub(crate) fn get(&self, sequence: u64) -> Option<&WorkingOrder> {
        self.orders.get(&sequence)
    }

    /// The orders that these prices reach, in the order they came.
    pub(crate) fn reached(&self, reach: Reach) -> impl Iterator<Item = &WorkingOrder> {
        let mut reached = BTreeSet::new();
        if reach.market_orders == MarketOrders::Trade {
            reached.extend(&self.market);
        }
        reached.extend(self.buys.range((reach.ask, 0)..).map(|(_, sequence)| *sequence));
        reached.extend(self.sells.range(..=(reach.bid, u64::MAX)).map(|(_, sequence)| *sequence));
        reached.into_iter().filter_map(|sequence| self.orders.get(&sequence))
    }

    fn insert(&mut self, order: WorkingOrder) {
        match (order.side, order.limit_price) {
            (Side::Buy, Some(limit)) => self.buys.insert((limit, order.sequence)),
            (Side::Sell, Some(limit)) => self.sells.insert((limit, order.sequence)),
            (_, None) => self.market.insert(order.sequence),
        };
        self.orders.insert(order.sequence, order);
    }

    fn remove(&mut self, sequence: u64) {
        let Some(order) = self.orders.remove(&sequence) else { return };
        match (order.side, order.limit_price) {
            (Side::Buy, Some(limit)) => self.buys.remove(&(limit, sequence)),
            (Side::Sell, Some(limit)) => self.sells.remove(&(limit, sequence)),
            (_, None) => self.market.remove(&sequence),
        };
    }
}
