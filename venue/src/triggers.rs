//! Stop orders that wait for a price, by the price that they wait for.

use std::collections::{BTreeSet, HashMap};

use rust_decimal::Decimal;

use crate::orders::{Order, OrderType, Side};

/// The waiting stops of every symbol.
#[derive(Debug, Default)]
pub(crate) struct TriggerBook {
    by_symbol: HashMap<String, Triggers>,
}

#[derive(Debug, Default)]
struct Triggers {
    /// Lowest stop first: a rising price meets it first.
    buys: BTreeSet<(Decimal, u64)>,
    /// Highest stop last: a falling price meets it first.
    sells: BTreeSet<(Decimal, u64)>,
    /// Those whose stop moves with the price.
    trailing: BTreeSet<u64>,
    /// Where each order stands in the sets.
    stops: HashMap<u64, (Side, Decimal)>,
}

/// The prices that elect: a buy stop at or below `high`, a sell stop at or above `low`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) low: Decimal,
    pub(crate) high: Decimal,
}

impl TriggerBook {
    /// Notes the order's new state: known while it waits for its stop.
    pub(crate) fn put(&mut self, order: &Order) {
        let waits = order.status.is_working() && order.waits_for_stop();
        let triggers = match self.by_symbol.get_mut(&order.symbol) {
            Some(triggers) => triggers,
            None if !waits => return,
            None => self.by_symbol.entry(order.symbol.clone()).or_default(),
        };
        triggers.remove(order.sequence);
        if waits {
            triggers.insert(order);
        }
        if triggers.stops.is_empty() && triggers.trailing.is_empty() {
            self.by_symbol.remove(&order.symbol);
        }
    }

    /// Whether no stop waits in a symbol.
    pub(crate) fn is_idle(&self, symbol: &str) -> bool {
        !self.by_symbol.contains_key(symbol)
    }

    /// The stops that these prices elect, in the order they came.
    pub(crate) fn elected(&self, symbol: &str, span: Span) -> Vec<u64> {
        let Some(triggers) = self.by_symbol.get(symbol) else { return Vec::new() };
        let mut elected = BTreeSet::new();
        elected.extend(triggers.buys.range(..=(span.high, u64::MAX)).map(|(_, one)| *one));
        elected.extend(triggers.sells.range((span.low, 0)..).map(|(_, one)| *one));
        elected.into_iter().collect()
    }

    /// The stops of a symbol that move with the price.
    pub(crate) fn trailing(&self, symbol: &str) -> Vec<u64> {
        self.by_symbol
            .get(symbol)
            .map(|triggers| triggers.trailing.iter().copied().collect())
            .unwrap_or_default()
    }
}

impl Triggers {
    fn insert(&mut self, order: &Order) {
        if order.order_type == OrderType::TrailingStop {
            self.trailing.insert(order.sequence);
        }
        // A trailing stop that has seen no price yet has no stop either.
        let Some(stop) = order.stop_price else { return };
        self.stops.insert(order.sequence, (order.side, stop));
        match order.side {
            Side::Buy => self.buys.insert((stop, order.sequence)),
            Side::Sell => self.sells.insert((stop, order.sequence)),
        };
    }

    fn remove(&mut self, sequence: u64) {
        self.trailing.remove(&sequence);
        match self.stops.remove(&sequence) {
            Some((Side::Buy, stop)) => self.buys.remove(&(stop, sequence)),
            Some((Side::Sell, stop)) => self.sells.remove(&(stop, sequence)),
            None => false,
        };
    }
}
