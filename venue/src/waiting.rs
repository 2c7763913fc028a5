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
    /// Day orders whose symbol has not traded since they came; only a replay asks.
    untraded: BTreeSet<u64>,
}

impl WaitingBook {
    /// Notes the order's new state.
    pub(crate) fn put(&mut self, order: &Order) {
        let open = order.status.is_open();
        let queued = open && order.status == OrderStatus::Accepted;
        let untraded =
            open && order.time_in_force == TimeInForce::Day && order.first_traded_day.is_none();
        let orders = match self.by_symbol.get_mut(&order.symbol) {
            Some(orders) => orders,
            None if !queued && !untraded => return,
            None => self.by_symbol.entry(order.symbol.clone()).or_default(),
        };
        set(&mut orders.queued, order.sequence, queued);
        set(&mut orders.untraded, order.sequence, untraded);
        if orders.queued.is_empty() && orders.untraded.is_empty() {
            self.by_symbol.remove(&order.symbol);
        }
    }

    /// Whether nothing waits in a symbol.
    pub(crate) fn is_idle(&self, symbol: &str) -> bool {
        !self.by_symbol.contains_key(symbol)
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

fn set(orders: &mut BTreeSet<u64>, sequence: u64, member: bool) {
    if member {
        orders.insert(sequence);
    } else {
        orders.remove(&sequence);
    }
}
