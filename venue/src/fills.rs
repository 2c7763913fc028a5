//! The seam between orders and prices: a model that says which orders trade, at what and how much.
//!
//! The exchange tells the model what happened and shows it one symbol's prices and the orders that
//! may trade there. The model answers with a list of fills and judges nothing else: whether the
//! account can still pay, whether the session allows it and what follows for the order's group is
//! decided by `execution`, which may shorten a fill or leave it out.

mod paper;
mod recorded;

use std::fmt::Debug;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::assets::AssetClass;
use crate::market::{MarketEvent, Newest};
use crate::matching::WorkingOrders;
use crate::orders::{Order, QUANTITY_DECIMALS, Side, TimeInForce};

pub(crate) use paper::Paper;
pub(crate) use recorded::Recorded;

/// When and how orders fill.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fills {
    /// As Alpaca's paper trading: at the quote, sometimes only in part.
    Paper { seed: u64, partial_chance: f64 },
    /// On what was recorded, in full.
    Recorded,
}

/// How prices meet orders.
pub(crate) trait FillModel: Debug + Send {
    /// The executions that follow, in the order in which they happen. An order may be named more
    /// than once, at several prices; together its fills never exceed what is left of it.
    fn fills(&mut self, scene: Scene<'_>, occasion: Occasion<'_>) -> Vec<Fill>;

    /// What an execution costs on top of its price; nothing by default, as in paper trading.
    fn charges(&self, _executed: &Execution<'_>) -> Vec<Charge> {
        Vec::new()
    }
}

/// One symbol at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene<'a> {
    #[expect(dead_code, reason = "for models that keep a book of their own")]
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
    #[expect(dead_code, reason = "stops and groups come with the next step")]
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
}

/// Which side of the spread an execution was on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Liquidity {
    /// The order rested and was met.
    Maker,
    /// The order met what rested.
    Taker,
}

/// An execution for which charges are asked.
#[derive(Clone, Copy, Debug)]
#[expect(dead_code, reason = "for models that charge")]
pub(crate) struct Execution<'a> {
    pub(crate) order: &'a Order,
    pub(crate) price: Decimal,
    pub(crate) quantity: Decimal,
    pub(crate) liquidity: Liquidity,
}

/// A fee on an execution, booked in the same step.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Charge {
    /// What it is for, as the activity names it: `FEE` or `CFEE`.
    pub(crate) kind: String,
    pub(crate) description: String,
    pub(crate) amount: ChargedIn,
}

/// What a fee is taken from; amounts are above zero.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChargedIn {
    /// Dollars of cash.
    Cash(Decimal),
    /// Shares or coins of the position; never more than the execution brought.
    Asset(Decimal),
}

impl Fills {
    /// The model behind the choice.
    pub(crate) fn model(self) -> Box<dyn FillModel> {
        match self {
            Self::Paper { seed, partial_chance } => Box::new(Paper { seed, partial_chance }),
            Self::Recorded => Box::new(Recorded),
        }
    }
}

impl WorkingOrder {
    /// What is left at a price, rounded down to a tradable quantity.
    pub(crate) fn quantity_at(&self, price: Decimal) -> Decimal {
        match self.left {
            Left::Quantity(quantity) => quantity,
            Left::Dollars(dollars) => dollars
                .checked_div(price)
                .unwrap_or_default()
                .round_dp_with_strategy(QUANTITY_DECIMALS, rust_decimal::RoundingStrategy::ToZero),
        }
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
        Fill { sequence: self.sequence, price, quantity: self.quantity_at(price), liquidity }
    }
}
