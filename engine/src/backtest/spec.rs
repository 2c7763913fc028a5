//! What a backtest is run with: money, costs, fills, sizing, protection, limits.

use super::costs::Costs;
use crate::money::Usd;
use crate::risk::Limits;
use crate::ticker::AssetClass;
use rust_decimal::Decimal;
use thiserror::Error;

/// Greatest starting cash, US dollars: far beyond it money no longer fits into 28 digits.
pub const CASH_MAX: i64 = 1_000_000_000_000;

/// Step of a quantity in shares or coins when fractions are allowed: Alpaca's nine decimals.
pub const FRACTION_STEP: Decimal = Decimal::from_parts(1, 0, 0, false, 9);

/// How a backtest trades. [`Spec::default`] is what the command line does without flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Cash at the start, US dollars.
    pub cash: Usd,
    /// Commission, fees and slippage.
    pub costs: Costs,
    /// When an order that was decided at a close is filled.
    pub fill: FillAt,
    /// Whether a short stance sells short or only closes.
    pub direction: Direction,
    /// Smallest step of a quantity: 1 for whole shares, [`FRACTION_STEP`] for fractions.
    pub quantity_step: Decimal,
    /// How large an entry is.
    pub sizing: Sizing,
    /// Exits that stand beside every entry.
    pub protection: Protection,
    /// Limits on orders as in live trading; `None`: none.
    pub limits: Option<Limits>,
    /// What is traded: decides how many days a year has.
    pub class: AssetClass,
}

/// When an order that was decided at the close of a bar is filled, if it is a market order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum FillAt {
    /// At the open of the ticker's next bar.
    #[default]
    NextOpen,
    /// At the close of the ticker's next bar.
    NextClose,
    /// At the very close that decided it. Optimistic: nobody can know a close and trade at it.
    SameClose,
}

/// Which sides of the market are traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Direction {
    /// A short stance only closes what is held.
    #[default]
    Long,
    /// A short stance sells short, with a collateral of the full value and no borrowing fee.
    LongShort,
}

/// How large an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sizing {
    /// A part of the equity, divided equally among the tickers, commission included, by the price
    /// and the equity at the fill.
    Equity {
        /// The part, above 0 and at most 1.
        fraction: Decimal,
    },
    /// The same by the price and the equity at the close that decided; what cannot be paid at the
    /// fill is cut.
    EquityAtDecision {
        /// The part, above 0 and at most 1.
        fraction: Decimal,
    },
    /// As live trading sizes a market order, at the close that decided: the capital is
    /// [`Spec::cash`], shared by the tickers.
    Live {
        /// Part of the capital that one trade may lose, a fraction.
        risk_per_trade: Decimal,
        /// Distance of the assumed stop from the entry, a fraction of the price.
        stop_fraction: Decimal,
    },
    /// A fixed number of shares or coins.
    Quantity {
        /// The number.
        quantity: Decimal,
    },
}

/// Exits placed with every entry of a stance, as fractions of the entry's price; the first one to
/// fill cancels the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Protection {
    /// A stop this far on the losing side.
    pub stop_loss: Option<Decimal>,
    /// A limit this far on the winning side.
    pub take_profit: Option<Decimal>,
    /// A stop that follows the best price at this distance.
    pub trailing_stop: Option<Decimal>,
}

/// A setting that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{setting} must be {expected}, not {value}")]
pub struct SpecError {
    /// The setting.
    pub setting: &'static str,
    /// What it must be.
    pub expected: &'static str,
    /// What it is.
    pub value: Decimal,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            cash: Usd::new(Decimal::from(10_000)),
            costs: Costs::default(),
            fill: FillAt::default(),
            direction: Direction::default(),
            quantity_step: Decimal::ONE,
            sizing: Sizing::Equity { fraction: Decimal::ONE },
            protection: Protection::default(),
            limits: None,
            class: AssetClass::UsEquity,
        }
    }
}

impl Spec {
    /// Checks every setting.
    pub fn check(&self) -> Result<(), SpecError> {
        let cash = self.cash.amount();
        ensure("cash", "above 0 and at most 1 000 000 000 000", cash, |value| {
            value > Decimal::ZERO && value <= Decimal::from(CASH_MAX)
        })?;
        ensure("quantity step", "above 0", self.quantity_step, |value| value > Decimal::ZERO)?;
        self.costs.check()?;
        self.sizing.check()?;
        self.protection.check()
    }
}

impl Sizing {
    fn check(self) -> Result<(), SpecError> {
        match self {
            Self::Equity { fraction } | Self::EquityAtDecision { fraction } => {
                share("fraction of the equity", fraction)
            }
            Self::Live { risk_per_trade, stop_fraction } => {
                share("risk per trade", risk_per_trade)?;
                share("stop fraction", stop_fraction)
            }
            Self::Quantity { quantity } => {
                ensure("quantity", "above 0", quantity, |value| value > Decimal::ZERO)
            }
        }
    }
}

impl Protection {
    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    fn check(&self) -> Result<(), SpecError> {
        let below_one = |value: Decimal| value > Decimal::ZERO && value < Decimal::ONE;
        for (setting, value) in
            [("stop-loss", self.stop_loss), ("trailing stop", self.trailing_stop)]
        {
            value
                .map_or(Ok(()), |value| ensure(setting, "above 0 and below 1", value, below_one))?;
        }
        // A short position can win at most all of its value.
        self.take_profit.map_or(Ok(()), |value| {
            ensure("take-profit", "above 0", value, |value| value > Decimal::ZERO)
        })
    }
}

pub(super) fn ensure(
    setting: &'static str,
    expected: &'static str,
    value: Decimal,
    holds: impl Fn(Decimal) -> bool,
) -> Result<(), SpecError> {
    if holds(value) { Ok(()) } else { Err(SpecError { setting, expected, value }) }
}

fn share(setting: &'static str, value: Decimal) -> Result<(), SpecError> {
    ensure(setting, "above 0 and at most 1", value, |value| {
        value > Decimal::ZERO && value <= Decimal::ONE
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_pass_and_a_senseless_setting_is_named() {
        assert_eq!(Spec::default().check(), Ok(()));
        let rows = [
            (Spec { cash: Usd::ZERO, ..Spec::default() }, "cash"),
            (Spec { quantity_step: Decimal::ZERO, ..Spec::default() }, "quantity step"),
            (
                Spec { sizing: Sizing::Equity { fraction: Decimal::TWO }, ..Spec::default() },
                "fraction of the equity",
            ),
            (
                Spec {
                    protection: Protection {
                        stop_loss: Some(Decimal::ONE),
                        ..Protection::default()
                    },
                    ..Spec::default()
                },
                "stop-loss",
            ),
        ];
        for (spec, setting) in rows {
            assert_eq!(spec.check().unwrap_err().setting, setting);
        }
    }
}
