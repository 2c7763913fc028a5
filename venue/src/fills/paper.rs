//! Alpaca's paper trading: at the touch of the quote, sizes not looked at, sometimes only a part.

use rust_decimal::prelude::FromPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

use super::{Fill, FillModel, Left, Liquidity, Occasion, Scene, WorkingOrder};
use crate::hash;
use crate::market::{Happening, Quote};
use crate::matching::{MarketOrders, Reach};
use crate::orders::{QUANTITY_DECIMALS, Side, TimeInForce};

/// The paper model: one seed, one sequence of fills.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paper {
    pub(crate) seed: u64,
    /// The chance that an order which may fill gets only a part.
    pub(crate) partial_chance: f64,
}

impl FillModel for Paper {
    fn fills(&mut self, scene: Scene<'_>, occasion: Occasion<'_>) -> Vec<Fill> {
        match occasion {
            Occasion::Arrival(order) | Occasion::Begun { order, by: _ } => {
                let touch = scene.newest.and_then(|newest| newest.touch(scene.at));
                touch
                    .and_then(|quote| self.fill(order, quote, Liquidity::Taker))
                    .into_iter()
                    .collect()
            }
            Occasion::Event(event) => {
                let Some(quote) = tradable_quote(&event.what) else { return Vec::new() };
                let market_orders = MarketOrders::Trade;
                let reach = Reach { bid: quote.bid, ask: quote.ask, market_orders };
                let reached = scene.working.reached(reach);
                reached.filter_map(|order| self.fill(order, &quote, Liquidity::Maker)).collect()
            }
        }
    }
}

impl Paper {
    fn fill(&self, order: &WorkingOrder, quote: &Quote, liquidity: Liquidity) -> Option<Fill> {
        let price = match order.side {
            Side::Buy => quote.ask,
            Side::Sell => quote.bid,
        };
        let quantity = self.quantity(order, price);
        order.accepts(price).then_some(Fill {
            sequence: order.sequence,
            price,
            quantity,
            liquidity,
            against: None,
        })
    }

    /// All that is left, or a random part of it.
    fn quantity(&self, order: &WorkingOrder, price: Decimal) -> Decimal {
        let remaining = order.quantity_at(price);
        if matches!(order.left, Left::Dollars(_)) || order.time_in_force == TimeInForce::Fok {
            return remaining;
        }
        let word = hash::mix(hash::mix(self.seed, order.sequence), u64::from(order.executions));
        if hash::unit(word) >= self.partial_chance {
            return remaining;
        }
        let share = 0.05 + 0.9 * hash::unit(hash::mix(word, 1));
        let places = if remaining.fract().is_zero() { 0 } else { QUANTITY_DECIMALS };
        let part = remaining * Decimal::from_f64(share).unwrap_or(Decimal::ONE);
        let part = part.round_dp_with_strategy(places, RoundingStrategy::ToZero);
        if part.is_zero() { remaining } else { part }
    }
}

/// The quote on which resting orders trade; the prints of a recorded bar stand for one.
fn tradable_quote(what: &Happening) -> Option<Quote> {
    match what {
        Happening::Quote(quote) => Some(quote.clone()),
        Happening::OpenTrade(trade) | Happening::PathTrade(trade) => Some(Quote {
            at: trade.at,
            bid: trade.price,
            bid_size: trade.size,
            ask: trade.price,
            ask_size: trade.size,
        }),
        Happening::Trade(_)
        | Happening::BarOver(_)
        | Happening::Minute(_)
        | Happening::Day(_)
        | Happening::Status(_) => None,
    }
}
