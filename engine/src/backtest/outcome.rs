//! What a backtest found out.
#![cfg_attr(
    not(test),
    expect(clippy::float_arithmetic, reason = "drawdowns are statistics, not money")
)]

use crate::clock::Timestamp;
use crate::money::{Price, Quantity, Usd, to_float};
use crate::order::{Kind, Side, Status};
use crate::risk::Denied;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Serialize, Serializer};

/// The result of a run, without judgement: [`crate::metrics`] judges it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Cash at the start, US dollars.
    pub cash_start: f64,
    /// Value of cash and positions at the close of each step of the market, US dollars.
    pub equity: Vec<f64>,
    /// Closed trades, in the order in which they were closed.
    pub trades: Vec<Trade>,
    /// What is still held or owed after the last bar.
    pub open: Vec<OpenPosition>,
    /// Steps at whose close anything was held or owed.
    pub steps_held: u64,
    /// Value of all fills, buys and sells, US dollars.
    pub traded_usd: f64,
    /// All commissions and fees, those of open positions included, US dollars.
    pub fees_usd: f64,
    /// Orders that our own checks refused; at most [`DENIALS_MAX`](super::DENIALS_MAX) are kept.
    pub denials: Vec<Denial>,
    /// How many were refused.
    pub denied: u64,
    /// Every order with what became of it, when [`Journal::Orders`](super::Journal) was asked for.
    pub orders: Vec<OrderRecord>,
    /// When the equity fell to zero or below and everything was closed, if it did.
    pub ruined_at: Option<Timestamp>,
    /// Whether the run was canceled before its last bar.
    pub canceled: bool,
}

/// Which way a trade was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TradeSide {
    /// Bought first.
    Long,
    /// Sold first.
    Short,
}

/// A position opened and closed, or the closed part of one.
///
/// Example: buy 10 at 100, sell 10 at 110, commission 0.001: value 1 000 and 1 100, commission
/// 2.10, profit 97.90, return 0.0979.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trade {
    /// Index of its ticker in the market; the report names it.
    #[serde(skip)]
    pub leg: usize,
    /// Which way.
    pub side: TradeSide,
    /// Shares or coins.
    #[serde(serialize_with = "number")]
    pub quantity: Decimal,
    /// Start of the bar in which the position was opened.
    pub entry_time: Timestamp,
    /// Average price of the entry, US dollars.
    #[serde(serialize_with = "number")]
    pub entry_price: Decimal,
    /// Start of the bar in which it was closed.
    pub exit_time: Timestamp,
    /// Price of the exit, US dollars.
    #[serde(serialize_with = "number")]
    pub exit_price: Decimal,
    /// Commission and fees of entry and exit, US dollars.
    #[serde(serialize_with = "number")]
    pub commission: Decimal,
    /// Profit after commission and fees, US dollars.
    #[serde(serialize_with = "number")]
    pub pnl: Decimal,
    /// Profit as a fraction of the value of the entry.
    #[serde(rename = "return")]
    pub return_fraction: f64,
}

/// What is held or owed after the last bar.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OpenPosition {
    /// Index of its ticker in the market.
    #[serde(skip)]
    pub leg: usize,
    /// Which way.
    pub side: TradeSide,
    /// Shares or coins.
    #[serde(serialize_with = "number")]
    pub quantity: Decimal,
    /// Start of the bar in which it was opened.
    pub entry_time: Timestamp,
    /// Average price of the entry, US dollars.
    #[serde(serialize_with = "number")]
    pub entry_price: Decimal,
    /// Last close, US dollars.
    pub price: f64,
    /// Commission and fees so far, US dollars.
    #[serde(serialize_with = "number")]
    pub commission: Decimal,
    /// Profit at the last close, after commission and fees so far, US dollars.
    pub pnl: f64,
}

/// An order that our own checks refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Index of its ticker in the market.
    pub leg: usize,
    /// Start of the bar in which it was refused.
    pub at: Timestamp,
    /// Why.
    pub reason: Denied,
}

/// An order and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRecord {
    /// Its number, counted from 1.
    pub id: u32,
    /// Index of its ticker in the market.
    pub leg: usize,
    /// Buy or sell.
    pub side: Side,
    /// How its price is set.
    pub kind: Kind,
    /// Start of the bar at whose close it was decided; for the exits of an entry: in which that was
    /// filled.
    pub decided_at: Timestamp,
    /// Where it ended.
    pub status: Status,
    /// Its fill.
    pub fill: Option<FillRecord>,
}

/// A fill. An order of a backtest fills whole, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FillRecord {
    /// Start of the bar in which it happened.
    pub at: Timestamp,
    /// Shares or coins.
    pub quantity: Quantity,
    /// US dollars per share or coin, after slippage.
    pub price: Price,
    /// Commission and fees, US dollars.
    pub fee: Usd,
}

impl Outcome {
    /// Equity after the last step; the starting cash when there was none.
    pub fn equity_final(&self) -> f64 {
        self.equity.last().copied().unwrap_or(self.cash_start)
    }

    /// Distance of the equity from its highest value so far at each step: 0 or below, a fraction.
    pub fn drawdowns(&self) -> Vec<f64> {
        let mut peak = self.cash_start;
        self.equity
            .iter()
            .map(|equity| {
                peak = peak.max(*equity);
                equity / peak - 1.0
            })
            .collect()
    }
}

/// A decimal as a JSON number: whole numbers without a point.
pub(super) fn number<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    match value.to_i64() {
        Some(whole) if value.fract().is_zero() => serializer.serialize_i64(whole),
        Some(_) | None => serializer.serialize_f64(to_float(*value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drawdown_counts_from_the_highest_value_and_from_the_cash_at_the_start() {
        let outcome = Outcome {
            cash_start: 100.0,
            equity: vec![90.0, 120.0, 60.0, 120.0],
            ..Outcome::default()
        };
        let expected = [-0.1, 0.0, -0.5, 0.0];
        for (found, expected) in outcome.drawdowns().iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }
}
