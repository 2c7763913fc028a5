//! Open orders that wait for something other than a price.

use std::collections::{BTreeSet, HashMap};

use crate::orders::{Order, OrderStatus, TimeInForce};

/// The waiting orders of every symbol.
#[derive(Debug, Default)]
pub(crate) struct WaitingBook {
    by_symbol: HashMap<String, WaitingOrders>,
}

#[derive(Debug, Default)]
struct WaitingOrders {
    /// Sent outside hours and waiting for the open.
    queued: BTreeSet<u64>,
    /// Orders for the opening auction.
    opening: BTreeSet<u64>,
    /// Orders for a day whose symbol has not traded since they came; only a replay asks.
    untraded: BTreeSet<u64>,
}

impl WaitingBook {
    /// Notes the order's new state.
    pub(crate) fn put(&mut self, order: &Order) {
        let open = order.status.is_open();
        let queued = open && order.status == OrderStatus::Accepted;
        let opening = open && order.time_in_force == TimeInForce::Opg;
        let for_a_day = matches!(order.time_in_force, TimeInForce::Day | TimeInForce::Cls);
        let untraded = open && for_a_day && order.first_traded_day.is_none();
        let orders = match self.by_symbol.get_mut(&order.symbol) {
            Some(orders) => orders,
            None if !queued && !opening && !untraded => return,
            None => self.by_symbol.entry(order.symbol.clone()).or_default(),
        };
        set(&mut orders.queued, order.sequence, queued);
        set(&mut orders.opening, order.sequence, opening);
        set(&mut orders.untraded, order.sequence, untraded);
        if orders.is_empty() {
            self.by_symbol.remove(&order.symbol);
        }
    }

    /// Whether nothing waits in a symbol.
    pub(crate) fn is_idle(&self, symbol: &str) -> bool {
        !self.by_symbol.contains_key(symbol)
    }

    /// Orders that wait for the open.
    pub(crate) fn queued(&self, symbol: &str) -> Vec<u64> {
        self.listed(symbol, |waiting| &waiting.queued)
    }

    /// Orders that wait for the opening auction.
    pub(crate) fn opening(&self, symbol: &str) -> Vec<u64> {
        self.listed(symbol, |waiting| &waiting.opening)
    }

    /// Orders for a day that have not yet seen a trade in their symbol.
    pub(crate) fn untraded(&self, symbol: &str) -> Vec<u64> {
        self.listed(symbol, |waiting| &waiting.untraded)
    }

    fn listed(&self, symbol: &str, which: fn(&WaitingOrders) -> &BTreeSet<u64>) -> Vec<u64> {
        let waiting = self.by_symbol.get(symbol).map(which);
        waiting.map(|orders| orders.iter().copied().collect()).unwrap_or_default()
    }
}

impl WaitingOrders {
    fn is_empty(&self) -> bool {
        self.queued.is_empty() && self.opening.is_empty() && self.untraded.is_empty()
    }
}

fn set(orders: &mut BTreeSet<u64>, sequence: u64, member: bool) {
    if member {
        orders.insert(sequence);
    } else {
        orders.remove(&sequence);
    }
}
