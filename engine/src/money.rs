//! Money, prices and quantities: decimal, checked, never `f64`.

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;

/// Decimal places that an average price is kept with; the venue prints at most nine.
const AVERAGE_PLACES: u32 = 9;

/// Decimal places that prices mostly have, with the power of ten that makes them whole.
const SHORT_SCALES: [(u32, f64); 2] = [(2, 1e2), (4, 1e4)];

/// Digits that an `f64` keeps whatever they are.
const EXACT_MAX: f64 = 1e15;

/// Largest whole number up to which every one is an `f64`: 2 to the 53rd.
const WHOLE_MAX: i128 = 9_007_199_254_740_992;

/// The powers of ten that are exact as `f64`.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

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
        if is_positive(price) {
            Ok(Self(price.normalize()))
        } else {
            Err(MoneyError::PriceNotPositive(price))
        }
    }

    /// A price from market data, rounded half to even to nine places.
    pub fn from_market(price: f64) -> Result<Self, MoneyError> {
        if let Some(decimal) = SHORT_SCALES.iter().find_map(|scale| short_decimal(price, *scale)) {
            return Self::new(decimal);
        }
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
        if is_positive(quantity) {
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

/// The `f64` nearest to a decimal, for statistics; never for money again.
pub fn to_float(value: Decimal) -> f64 {
    let mantissa = value.mantissa();
    let power = usize::try_from(value.scale()).ok().and_then(|scale| POWERS.get(scale));
    // Both are exact, so one division rounds once, to the nearest.
    if let Some(power) = power
        && mantissa.abs() <= WHOLE_MAX
        && let Ok(mantissa) = i64::try_from(mantissa)
        && let Some(mantissa) = mantissa.to_f64()
    {
        return divided(mantissa, *power);
    }
    value.to_f64().unwrap_or(f64::NAN)
}

/// Rounds `value` down to a whole number of `step`s: never more than asked for.
pub fn floor_to_step(value: Decimal, step: Decimal) -> Option<Decimal> {
    if step == Decimal::ONE {
        return Some(value.trunc().normalize());
    }
    let steps = value.checked_div(step)?.round_dp_with_strategy(0, RoundingStrategy::ToZero);
    steps.checked_mul(step).map(|rounded| rounded.normalize())
}

/// How many whole `step`s of a quantity at `price` each `budget` pays, as a quantity: never more
/// than the budget, to the last digit.
pub fn quantity_within(budget: Decimal, price: Decimal, step: Decimal) -> Option<Decimal> {
    let unit = price.checked_mul(step)?;
    let count = whole_quotient(budget, unit).or_else(|| {
        let quotient = budget.checked_div(unit)?;
        Some(quotient.round_dp_with_strategy(0, RoundingStrategy::ToZero))
    })?;
    if step == Decimal::ONE { Some(count) } else { count.checked_mul(step) }
}

/// Rounds an average price half to even, so that errors do not pile up on one side.
pub fn round_average(value: Decimal) -> Decimal {
    if value.scale() <= AVERAGE_PLACES {
        return value.normalize();
    }
    value.round_dp_with_strategy(AVERAGE_PLACES, RoundingStrategy::MidpointNearestEven).normalize()
}

/// Whether a decimal is above zero, without the cost of a comparison.
pub(crate) fn is_positive(value: Decimal) -> bool {
    value.is_sign_positive() && !value.is_zero()
}

/// The whole part of a quotient of two decimals above zero, by whole numbers; `None` when they do
/// not fit.
fn whole_quotient(value: Decimal, divisor: Decimal) -> Option<Decimal> {
    let (value_scale, divisor_scale) = (value.scale(), divisor.scale());
    let raise = |mantissa: i128, by: u32| mantissa.checked_mul(10_i128.checked_pow(by)?);
    let value = raise(value.mantissa(), divisor_scale.saturating_sub(value_scale))?;
    let divisor = raise(divisor.mantissa(), value_scale.saturating_sub(divisor_scale))?;
    if value < 0 || divisor <= 0 {
        return None;
    }
    // A division of 64 bits takes a fraction of the time of one of 128.
    let quotient = match (u64::try_from(value), u64::try_from(divisor)) {
        (Ok(value), Ok(divisor)) => i128::from(value.checked_div(divisor)?),
        _ => value.checked_div(divisor)?,
    };
    Decimal::try_from_i128_with_scale(quotient, 0).ok()
}

/// The decimal with so many places that `price` is the `f64` of, if there is one: most prices are
/// whole cents, and this is many times faster than the general way.
#[cfg_attr(
    not(test),
    expect(clippy::float_arithmetic, reason = "market data is f64; the result is checked exactly")
)]
fn short_decimal(price: f64, (scale, power): (u32, f64)) -> Option<Decimal> {
    let shifted = (price * power).round();
    if shifted.abs() >= EXACT_MAX || divided(shifted, power).to_bits() != price.to_bits() {
        return None;
    }
    Decimal::try_new(shifted.to_i64()?, scale).ok()
}

#[cfg_attr(
    not(test),
    expect(clippy::float_arithmetic, reason = "statistics and market data are f64")
)]
fn divided(number: f64, power: f64) -> f64 {
    number / power
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
    fn a_budget_pays_whole_steps_to_the_last_digit() {
        let rows = [
            ("10000", "100", "1", "100"),
            ("9999.99", "100", "1", "99"),
            ("10000", "169.35804", "1", "59"),
            ("1", "3", "0.000000001", "0.333333333"),
            ("-5", "3", "1", "-1"),
            ("99999999999999999999999999", "0.000000001", "1", ""),
        ];
        for (budget, price, step, expected) in rows {
            let found = quantity_within(decimal(budget), decimal(price), decimal(step));
            assert_eq!(found, expected.parse().ok(), "{budget} / {price} by {step}");
        }
    }

    #[test]
    fn market_data_that_is_no_number_is_no_price() {
        assert!(Price::from_market(f64::NAN).is_err());
        assert!(Price::from_market(f64::INFINITY).is_err());
        assert_eq!(Price::from_market(187.25).unwrap().amount(), decimal("187.25"));
    }

    #[test]
    fn the_short_way_from_market_data_gives_what_the_long_one_gives() {
        for text in ["187.25", "0.01", "128.5", "105573.73", "0.0001", "99999999999.99", "3"] {
            let price: f64 = text.parse().unwrap();
            let long = Decimal::try_from(price).unwrap().round_dp(AVERAGE_PLACES).normalize();
            assert_eq!(Price::from_market(price).unwrap().amount(), long, "{text}");
            assert_eq!(long, decimal(text));
        }
        let third = Price::from_market(1.0 / 3.0).unwrap().amount();
        assert_eq!(third, decimal("0.333333333"));
        assert!(Price::from_market(-1.5).is_err());
        assert!(Price::from_market(0.0).is_err());
    }

    #[test]
    fn a_decimal_becomes_the_nearest_float() {
        for text in ["0", "-0.1", "808906777.74", "123456789012345678901.5", "0.000000001", "-7"] {
            let float: f64 = text.parse().unwrap();
            assert_eq!(to_float(decimal(text)).to_bits(), float.to_bits(), "{text}");
        }
    }

    #[test]
    fn an_amount_that_does_not_fit_is_an_error_and_not_a_wrong_number() {
        let most = Usd::new(Decimal::MAX);
        assert_eq!(most.plus(most), Err(MoneyError::Overflow("sum")));
        assert_eq!(most.over(Decimal::ZERO), Err(MoneyError::Overflow("quotient")));
    }
}
