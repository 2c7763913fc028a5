//! Recorded tapes: orders fill in full on what was recorded, and never between two bars.

use rust_decimal::Decimal;

use super::{Fill, FillModel, Liquidity, Occasion, Scene, WorkingOrder};
use crate::market::Happening;
use crate::matching::{MarketOrders, Reach};
use crate::orders::Side;

/// The model of a replay.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recorded;

/// Where an event lets orders trade.
#[derive(Clone, Copy, Debug)]
struct Prints {
    reach: Reach,
    /// The price passed everything up to here: an order fills at its own price.
    passed: bool,
}

impl FillModel for Recorded {
    fn fills(&mut self, scene: Scene<'_>, occasion: Occasion<'_>) -> Vec<Fill> {
        match occasion {
            Occasion::Arrival(order) => {
                let touch = scene.newest.and_then(|newest| newest.touch(scene.at));
                let price = touch.map(|quote| match order.side {
                    Side::Buy => quote.ask,
                    Side::Sell => quote.bid,
                });
                let price = price.filter(|price| order.accepts(*price));
                price.map(|price| order.filled_at(price, Liquidity::Taker)).into_iter().collect()
            }
            Occasion::Event(event) => {
                let Some(prints) = prints(scene, &event.what) else { return Vec::new() };
                let reached = scene.working.reached(prints.reach);
                reached
                    .map(|order| order.filled_at(prints.price_of(order), Liquidity::Maker))
                    .collect()
            }
            Occasion::Begun { order, by } => prints(scene, &by.what)
                .and_then(|prints| prints.price_of_begun(order))
                .map(|price| order.filled_at(price, Liquidity::Taker))
                .into_iter()
                .collect(),
        }
    }
}

impl Prints {
    fn side(self, side: Side) -> Decimal {
        match side {
            Side::Buy => self.reach.ask,
            Side::Sell => self.reach.bid,
        }
    }

    fn price_of(self, order: &WorkingOrder) -> Decimal {
        let price = self.side(order.side);
        if self.passed { order.limit_price.unwrap_or(price) } else { price }
    }

    /// The price for an order that began to work on the way to this print.
    fn price_of_begun(self, order: &WorkingOrder) -> Option<Decimal> {
        if self.reach.market_orders == MarketOrders::Wait && order.limit_price.is_none() {
            return None;
        }
        let print = self.side(order.side);
        let price = match order.elected_price {
            // The price came through the stop: it was had there, not at the extreme.
            Some(elected) if self.passed => elected,
            _ => print,
        };
        if order.accepts(price) {
            let at_limit = self.passed && order.elected_price.is_none();
            return Some(if at_limit { order.limit_price.unwrap_or(price) } else { price });
        }
        // Elected beyond its limit; the way goes on to the print, which may lie within it.
        (self.passed && order.accepts(print)).then_some(order.limit_price.unwrap_or(print))
    }
}

fn prints(scene: Scene<'_>, what: &Happening) -> Option<Prints> {
    let quoted = scene.newest.is_some_and(|newest| newest.touch(scene.at).is_some());
    // Where quotes are recorded, market orders trade on them.
    let on_trade = if quoted { MarketOrders::Wait } else { MarketOrders::Trade };
    let (bid, ask, market_orders, passed) = match what {
        Happening::Quote(quote) => (quote.bid, quote.ask, MarketOrders::Trade, false),
        Happening::Trade(trade) => (trade.price, trade.price, on_trade, false),
        Happening::OpenTrade(trade) => (trade.price, trade.price, MarketOrders::Trade, false),
        Happening::PathTrade(trade) => (trade.price, trade.price, MarketOrders::Trade, true),
        Happening::BarOver(_) | Happening::Minute(_) | Happening::Day(_) | Happening::Status(_) => {
            return None;
        }
    };
    Some(Prints { reach: Reach { bid, ask, market_orders }, passed })
}
