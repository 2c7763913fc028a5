//! Money, prices and quantities: decimal, checked, never `f64`.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;

/// Decimal places that an average price is kept with; the venue prints at most nine.
const AVERAGE_PLACES: u32 = 9;

/// Why a number is not an amount.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MoneyError {
    /// A price must be above zero.
    #[error("a price must be above zero, not {0}")]
    PriceNotPositive(Decimal),
    /// A quantity must be above zero.
    #[error("a quantity must be above zero, not {0}")]
    QuantityNotPositive(Decimal),
    /// A market-data number that no decimal can hold: not finite, or too large.
    #[error("{0} is not a price")]
    NotANumber(String),
    /// The result does not fit into 28 digits.
    #[error("the amount is too large: {0}")]
    Overflow(&'static str),
}

/// An amount of US dollars; may be negative.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Usd(Decimal);

/// A price in US dollars per share or coin; above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Decimal", into = "Decimal")]
pub struct Price(Decimal);

/// A number of shares or coins; above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Decimal", into = "Decimal")]
pub struct Quantity(Decimal);

impl Usd {
    /// No money.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// An amount, positive or negative.
    pub const fn new(amount: Decimal) -> Self {
        Self(amount)
    }

    /// The amount as a decimal.
    pub const fn amount(self) -> Decimal {
        self.0
    }

    /// The sum.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_add(other.0).map(Self).ok_or(MoneyError::Overflow("sum"))
    }

    /// The difference.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_sub(other.0).map(Self).ok_or(MoneyError::Overflow("difference"))
    }

    /// The amount times a bare factor, such as a share of capital.
    pub fn times(self, factor: Decimal) -> Result<Self, MoneyError> {
        self.0.checked_mul(factor).map(Self).ok_or(MoneyError::Overflow("product"))
    }

    /// The amount divided by a bare number; dividing by zero is an overflow.
    pub fn over(self, divisor: Decimal) -> Result<Self, MoneyError> {
        self.0.checked_div(divisor).map(Self).ok_or(MoneyError::Overflow("quotient"))
    }
}

impl Price {
    /// A price above zero.
    pub fn new(price: Decimal) -> Result<Self, MoneyError> {
        if price > Decimal::ZERO {
            Ok(Self(price.normalize()))
        } else {
            Err(MoneyError::PriceNotPositive(price))
        }
    }

    /// A price from market data, rounded half to even to nine places.
    pub fn from_market(price: f64) -> Result<Self, MoneyError> {
        let decimal =
            Decimal::try_from(price).map_err(|error| MoneyError::NotANumber(error.to_string()))?;
        Self::new(decimal.round_dp(AVERAGE_PLACES))
    }

    /// The price as a decimal.
    pub const fn amount(self) -> Decimal {
        self.0
    }

    /// What `quantity` costs at this price.
    pub fn cost_of(self, quantity: Quantity) -> Result<Usd, MoneyError> {
        self.0.checked_mul(quantity.0).map(Usd).ok_or(MoneyError::Overflow("cost"))
    }
}

impl Quantity {
    /// A quantity above zero.
    pub fn new(quantity: Decimal) -> Result<Self, MoneyError> {
        if quantity > Decimal::ZERO {
            Ok(Self(quantity.normalize()))
        } else {
            Err(MoneyError::QuantityNotPositive(quantity))
        }
    }

    /// The quantity as a decimal.
    pub const fn amount(self) -> Decimal {
        self.0
    }
}

impl TryFrom<Decimal> for Price {
    type Error = MoneyError;

    fn try_from(price: Decimal) -> Result<Self, Self::Error> {
        Self::new(price)
    }
}

impl From<Price> for Decimal {
    fn from(price: Price) -> Self {
        price.0
    }
}

impl TryFrom<Decimal> for Quantity {
    type Error = MoneyError;

    fn try_from(quantity: Decimal) -> Result<Self, Self::Error> {
        Self::new(quantity)
    }
}

impl From<Quantity> for Decimal {
    fn from(quantity: Quantity) -> Self {
        quantity.0
    }
}

impl fmt::Display for Usd {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Display for Price {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Rounds `value` down to a whole number of `step`s: never more than asked for.
pub fn floor_to_step(value: Decimal, step: Decimal) -> Option<Decimal> {
    let steps = value.checked_div(step)?.round_dp_with_strategy(0, RoundingStrategy::ToZero);
    steps.checked_mul(step).map(|rounded| rounded.normalize())
}

/// Rounds an average price half to even, so that errors do not pile up on one side.
pub fn round_average(value: Decimal) -> Decimal {
    value.round_dp_with_strategy(AVERAGE_PLACES, RoundingStrategy::MidpointNearestEven).normalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn a_price_or_quantity_of_zero_or_less_does_not_exist() {
        for text in ["0", "-1"] {
            assert!(Price::new(decimal(text)).is_err());
            assert!(Quantity::new(decimal(text)).is_err());
            assert!(serde_json::from_str::<Price>(&format!("\"{text}\"")).is_err());
        }
    }

    #[test]
    fn rounding_to_a_step_never_rounds_up() {
        assert_eq!(floor_to_step(decimal("9.999"), decimal("1")), Some(decimal("9")));
        assert_eq!(
            floor_to_step(decimal("0.123456789"), decimal("0.0001")),
            Some(decimal("0.1234"))
        );
        assert_eq!(floor_to_step(decimal("5"), Decimal::ZERO), None);
    }

    #[test]
    fn market_data_that_is_no_number_is_no_price() {
        assert!(Price::from_market(f64::NAN).is_err());
        assert!(Price::from_market(f64::INFINITY).is_err());
        assert_eq!(Price::from_market(187.25).unwrap().amount(), decimal("187.25"));
    }

    #[test]
    fn an_amount_that_does_not_fit_is_an_error_and_not_a_wrong_number() {
        let most = Usd::new(Decimal::MAX);
        assert_eq!(most.plus(most), Err(MoneyError::Overflow("sum")));
        assert_eq!(most.over(Decimal::ZERO), Err(MoneyError::Overflow("quotient")));
    }
}
