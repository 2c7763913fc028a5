//! What the rules of trading ask of an asset.

use rust_decimal::Decimal;

use crate::assets::Asset;
use crate::number;

/// Digits of a stock's price from one dollar, and below it: SEC rule 612.
const PRICE_DECIMALS: u32 = 2;
const PRICE_DECIMALS_BELOW_ONE: u32 = 4;
/// Digits of the finest price that anything has.
const QUOTED_DECIMALS_MAX: u32 = 9;

impl Asset {
    /// What prices of about this height are multiples of.
    pub(crate) fn increment_at(&self, price: Decimal) -> Decimal {
        let increment = if self.is_crypto() || self.recorded {
            self.price_increment
        } else if price >= Decimal::ONE {
            number::increment(PRICE_DECIMALS)
        } else {
            number::increment(PRICE_DECIMALS_BELOW_ONE)
        };
        if increment.is_zero() { number::increment(QUOTED_DECIMALS_MAX) } else { increment }
    }

    /// A price rounded to what the asset is priced in.
    pub(crate) fn rounded(&self, price: Decimal) -> Decimal {
        let increment = self.increment_at(price);
        ((price / increment).round() * increment).normalize()
    }

    /// Whether shares of it are lent.
    pub(crate) fn is_shortable(&self) -> bool {
        !self.is_crypto()
    }
}
