//! Numbers on the wire: the trading API writes decimals as strings, the data API as numbers.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;

/// A JSON number that is whole where the clients insist on it (share volumes, sizes).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Number {
    Whole(i64),
    Real(f64),
}

impl Number {
    /// A whole number where the value is one and fits, else a real one.
    pub(crate) fn of(value: Decimal) -> Self {
        if value.fract().is_zero()
            && let Some(whole) = value.to_i64()
        {
            return Self::Whole(whole);
        }
        Self::Real(real(value))
    }
}

/// The shortest decimal text: `187.25`, never `187.2500`.
pub(crate) fn text(value: Decimal) -> String {
    value.normalize().to_string()
}

/// The double nearest to a decimal.
///
/// The division of two exactly representable numbers rounds once, so the double prints as the
/// decimal does; a wider mantissa takes the slow way through text.
#[expect(clippy::cast_precision_loss, reason = "only mantissas that a double holds exactly")]
pub(crate) fn real(value: Decimal) -> f64 {
    const EXACT_MAX: i128 = 1 << 53;
    const POWERS_OF_TEN_EXACT_MAX: u32 = 22;
    if value.mantissa().abs() < EXACT_MAX && value.scale() <= POWERS_OF_TEN_EXACT_MAX {
        let exponent = i32::try_from(value.scale()).unwrap_or(0);
        return value.mantissa() as f64 / 10_f64.powi(exponent);
    }
    value.to_string().parse().unwrap_or(f64::NAN)
}

/// A decimal from what clients send: plain or scientific.
pub(crate) fn parse(text: &str) -> Option<Decimal> {
    let text = text.trim();
    text.parse().ok().or_else(|| Decimal::from_scientific(text).ok())
}

/// How many digits stand after the point, trailing zeros not counted.
pub(crate) fn decimals(value: Decimal) -> u32 {
    value.normalize().scale()
}

/// `10^-places`: the step of a price or quantity with that many digits after the point.
pub(crate) fn increment(places: u32) -> Decimal {
    Decimal::new(1, places.min(Decimal::MAX_SCALE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_prints_the_same_as_a_double_and_as_text() {
        for price in ["187.24", "0.00001633", "61250.5", "116402.35", "3.809153", "100", "1.1"] {
            let value: Decimal = price.parse().unwrap();
            assert_eq!(real(value).to_string(), price);
            assert_eq!(text(value), price);
        }
    }

    #[test]
    fn scientific_notation_is_read_and_nonsense_is_not() {
        assert_eq!(parse("1e-3"), Some(Decimal::new(1, 3)));
        assert_eq!(parse(" 2.50 "), Some(Decimal::new(25, 1)));
        assert_eq!(parse("ten"), None);
    }
}
