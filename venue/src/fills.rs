//! The seam between orders and prices: a model that says which orders trade, at what and how much.
//!
//! The exchange tells the model what happened and shows it one symbol's prices and the orders that
//! may trade there. The model answers with a list of fills and judges nothing else: whether the
//! account can still pay, whether the session allows it and what follows for the order's group is
//! decided by `execution`, which may shorten a fill or leave it out.

mod arrivals;
mod depth;
pub(crate) mod fees;
mod latency;
mod listing;
mod order_book;
mod paper;
mod realistic;
mod recorded;
#[cfg(test)]
mod trials;

use std::fmt::Debug;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::assets::{Asset, AssetClass};
use crate::market::{MarketEvent, Newest};
use crate::matching::WorkingOrders;
use crate::options::{FillOptions, RealisticOptions};
use crate::orders::{Order, QUANTITY_DECIMALS, Side, TimeInForce};

pub(crate) use latency::Trip;
pub(crate) use paper::Paper;
pub(crate) use realistic::Realistic;
pub(crate) use recorded::Recorded;

/// When and how orders fill.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fills {
    /// As Alpaca's paper trading: at the quote, sometimes only in part.
    Paper { seed: u64, partial_chance: f64 },
    /// On what was recorded, in full.
    Recorded,
    /// Against an order book, with all that paper trading leaves out.
    Realistic { options: RealisticOptions, days: Days },
}

/// How long a day order lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Days {
    /// Until its session closes.
    OfSessions,
    /// On a tape: until the end of the first UTC day on which its symbol traded.
    OfTape,
}

/// How prices meet orders.
pub(crate) trait FillModel: Debug + Send {
    /// The executions that follow, in the order in which they happen. An order may be named more
    /// than once, at several prices; together its fills never exceed what is left of it.
    fn fills(&mut self, scene: Scene<'_>, occasion: Occasion<'_>) -> Vec<Fill>;

    /// An order came, changed or is gone, as the books now have it. Models without books of their
    /// own look at the scene instead.
    fn note(&mut self, _order: &Order, _asset: &Asset) {}

    /// Whether the model keeps books of its own. Then it sees every event of a symbol that it
    /// follows, and orders arrive when [`Self::next_due`] says so.
    fn follows(&self, _symbol: &str) -> bool {
        false
    }

    /// Whether messages of an asset travel for some time before they arrive.
    fn travels(&self, _asset: &Asset) -> Travels {
        Travels::Not
    }

    /// The next message that has arrived by now; each is handed out once.
    fn next_due(&mut self, _now: DateTime<Utc>) -> Option<Due> {
        None
    }
}

/// How messages reach a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Travels {
    /// The exchange shows an order to the model as soon as it was accepted.
    Not,
    /// The model says when an order arrives; a cancel works at once.
    AtOnce,
    /// The model says when orders and cancels arrive.
    ForSomeTime,
}

/// A message that has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) at: DateTime<Utc>,
    pub(crate) sequence: u64,
    pub(crate) trip: Trip,
}

/// One symbol at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) symbol: &'a str,
    /// The newest prices, the occasion's own included; `None` before the first.
    pub(crate) newest: Option<&'a Newest>,
    /// The orders that may trade, the occasion's own included.
    pub(crate) working: &'a WorkingOrders,
    pub(crate) at: DateTime<Utc>,
}

/// What made the exchange ask.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Occasion<'a> {
    /// A price came in; any working order may trade.
    Event(&'a MarketEvent),
    /// This order arrived and may trade with what is there. What may not rest is canceled right
    /// after the answer.
    Arrival(&'a WorkingOrder),
    /// This order began to work because of an event that is still happening: its stop was elected,
    /// or the entry before it filled.
    Begun { order: &'a WorkingOrder, by: &'a MarketEvent },
}

/// An order that may trade now, as models see it: read-only, without its history.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WorkingOrder {
    /// The order of arrival, and the key by which a fill names the order.
    pub(crate) sequence: u64,
    pub(crate) account_id: Uuid,
    pub(crate) asset_class: AssetClass,
    pub(crate) side: Side,
    /// The worst price; `None` for an order at any price.
    pub(crate) limit_price: Option<Decimal>,
    /// The price that elected it, when it was a stop.
    pub(crate) elected_price: Option<Decimal>,
    pub(crate) time_in_force: TimeInForce,
    /// Whether it may also trade before and after the regular session.
    pub(crate) extended_hours: bool,
    pub(crate) left: Left,
    /// How often it has traded.
    pub(crate) executions: u32,
    pub(crate) created_at: DateTime<Utc>,
}

/// What is left to trade.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Left {
    /// Shares or coins.
    Quantity(Decimal),
    /// Dollars.
    Dollars(Decimal),
}

/// An execution that a model asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fill {
    pub(crate) sequence: u64,
    pub(crate) price: Decimal,
    pub(crate) quantity: Decimal,
    pub(crate) liquidity: Liquidity,
    /// The other user's order whose fill stands before this one in the list, when two users trade
    /// with each other. What that order could not book, this one cannot have.
    pub(crate) against: Option<u64>,
}

/// Which side of the spread an execution was on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Liquidity {
    /// The order rested and was met.
    Maker,
    /// The order met what rested.
    Taker,
}

/// An execution whose price in fees is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Execution<'a> {
    pub(crate) order: &'a Order,
    pub(crate) price: Decimal,
    pub(crate) quantity: Decimal,
    pub(crate) liquidity: Liquidity,
}

impl Fills {
    /// The model that was asked for; `plain` is the one of the price source.
    pub(crate) fn chosen(options: FillOptions, plain: Self) -> Self {
        match options {
            FillOptions::Alpaca => plain,
            FillOptions::Realistic(options) => Self::Realistic { options, days: plain.days() },
        }
    }

    /// The model behind the choice.
    pub(crate) fn model(self) -> Box<dyn FillModel> {
        match self {
            Self::Paper { seed, partial_chance } => Box::new(Paper { seed, partial_chance }),
            Self::Recorded => Box::new(Recorded),
            Self::Realistic { options, .. } => Box::new(Realistic::new(options)),
        }
    }

    /// How long a day order lives.
    pub(crate) fn days(self) -> Days {
        match self {
            Self::Paper { .. } => Days::OfSessions,
            Self::Recorded => Days::OfTape,
            Self::Realistic { days, .. } => days,
        }
    }
}

impl Left {
    /// The quantity that is left at a price, rounded down to a tradable one.
    pub(crate) fn at(self, price: Decimal) -> Decimal {
        match self {
            Self::Quantity(quantity) => quantity,
            Self::Dollars(dollars) => dollars
                .checked_div(price)
                .unwrap_or_default()
                .round_dp_with_strategy(QUANTITY_DECIMALS, rust_decimal::RoundingStrategy::ToZero),
        }
    }

    /// What is left after an execution.
    pub(crate) fn less(self, quantity: Decimal, price: Decimal) -> Self {
        match self {
            Self::Quantity(left) => Self::Quantity(left - quantity),
            Self::Dollars(left) => Self::Dollars(left - quantity * price),
        }
    }

    /// Whether nothing more can be traded at a price.
    pub(crate) fn is_met_at(self, price: Decimal) -> bool {
        self.at(price) <= Decimal::ZERO
    }
}

impl WorkingOrder {
    /// What is left at a price, rounded down to a tradable quantity.
    pub(crate) fn quantity_at(&self, price: Decimal) -> Decimal {
        self.left.at(price)
    }

    /// Whether a price is within the limit.
    pub(crate) fn accepts(&self, price: Decimal) -> bool {
        match (self.side, self.limit_price) {
            (_, None) => true,
            (Side::Buy, Some(limit)) => limit >= price,
            (Side::Sell, Some(limit)) => limit <= price,
        }
    }

    /// The whole of what is left, at one price.
    pub(crate) fn filled_at(&self, price: Decimal, liquidity: Liquidity) -> Fill {
        Fill {
            sequence: self.sequence,
            price,
            quantity: self.quantity_at(price),
            liquidity,
            against: None,
        }
    }
}
