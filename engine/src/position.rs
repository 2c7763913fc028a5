//! What a sub-account holds of one ticker.

use crate::money::{MoneyError, Price, Quantity, Usd, is_positive, round_average};
use crate::order::Side;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A holding: above zero what is owned, below zero what is owed. Live books are long only and
/// change by [`Position::after`]; a backtest that goes short changes by [`Position::moved`].
///
/// Example: buy 10 at 100, buy 10 at 120: quantity 20, average price 110. Sell 5 at 130: quantity
/// 15, average price still 110, realized profit 5 × (130 − 110) = 100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Shares or coins held; below zero: owed.
    pub quantity: Decimal,
    /// Average price of what is held or owed, US dollars; zero when nothing is.
    pub average_price: Decimal,
    /// Profit of what was closed, before fees, US dollars.
    pub realized: Usd,
}

/// A fill that a holding cannot have had.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PositionError {
    /// More was sold than was held.
    #[error("sold {sold} of {held} held")]
    Oversold {
        /// What was sold.
        sold: Decimal,
        /// What was there.
        held: Decimal,
    },
    /// One fill closed the holding and opened one on the other side.
    #[error("{quantity} closes more than the {held} held")]
    Crossed {
        /// What was filled.
        quantity: Decimal,
        /// What was there; below zero: owed.
        held: Decimal,
    },
    /// An amount does not fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl Position {
    /// The holding after a fill, long only.
    pub fn after(
        self,
        side: Side,
        quantity: Quantity,
        price: Price,
    ) -> Result<Self, PositionError> {
        let sold = quantity.amount();
        if side == Side::Sell && sold > self.quantity {
            return Err(PositionError::Oversold { sold, held: self.quantity });
        }
        self.moved(side, quantity, price)
    }

    /// The holding after a fill, short allowed. One fill never closes and opens: a reversal is two.
    ///
    /// Example: sell 10 at 100 from nothing: quantity −10, average price 100. Buy 4 at 90: quantity
    /// −6, realized profit 4 × (100 − 90) = 40.
    pub fn moved(
        self,
        side: Side,
        quantity: Quantity,
        price: Price,
    ) -> Result<Self, PositionError> {
        let grows = match side {
            Side::Buy => self.quantity.is_zero() || is_positive(self.quantity),
            Side::Sell => !is_positive(self.quantity),
        };
        if grows { self.grown(side, quantity, price) } else { self.reduced(quantity, price) }
    }

    fn grown(self, side: Side, quantity: Quantity, price: Price) -> Result<Self, PositionError> {
        let signed = match side {
            Side::Buy => quantity.amount(),
            Side::Sell => quantity.amount().saturating_mul(Decimal::NEGATIVE_ONE),
        };
        if self.quantity.is_zero() {
            let average_price = round_average(price.amount());
            return Ok(Self { quantity: signed, average_price, ..self });
        }
        let overflow = MoneyError::Overflow("position");
        let held = Usd::new(self.average_price).times(self.quantity.abs())?;
        let paid = held.plus(price.cost_of(quantity)?)?;
        let total = self.quantity.checked_add(signed).ok_or(overflow)?;
        let average_price = round_average(paid.over(total.abs())?.amount());
        Ok(Self { quantity: total, average_price, ..self })
    }

    fn reduced(self, quantity: Quantity, price: Price) -> Result<Self, PositionError> {
        let (closed, held) = (quantity.amount(), self.quantity);
        if closed > held.abs() {
            return Err(PositionError::Crossed { quantity: closed, held });
        }
        let is_long = is_positive(held);
        let (paid, got) = (Usd::new(self.average_price), Usd::new(price.amount()));
        let gain = if is_long { got.minus(paid)? } else { paid.minus(got)? };
        let profit = gain.times(closed)?;
        let left = if is_long { held.saturating_sub(closed) } else { held.saturating_add(closed) };
        let average_price = if left.is_zero() { Decimal::ZERO } else { self.average_price };
        Ok(Self { quantity: left, average_price, realized: self.realized.plus(profit)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantity(value: i64) -> Quantity {
        Quantity::new(Decimal::from(value)).unwrap()
    }

    fn price(value: i64) -> Price {
        Price::new(Decimal::from(value)).unwrap()
    }

    #[test]
    fn the_example_of_the_documentation_holds() {
        let position = Position::default()
            .after(Side::Buy, quantity(10), price(100))
            .and_then(|position| position.after(Side::Buy, quantity(10), price(120)))
            .and_then(|position| position.after(Side::Sell, quantity(5), price(130)))
            .unwrap();
        assert_eq!(position.quantity, Decimal::from(15));
        assert_eq!(position.average_price, Decimal::from(110));
        assert_eq!(position.realized, Usd::new(Decimal::from(100)));
    }

    #[test]
    fn selling_more_than_is_held_is_an_error() {
        let held = Position::default().after(Side::Buy, quantity(1), price(1)).unwrap();
        assert!(matches!(
            held.after(Side::Sell, quantity(2), price(1)),
            Err(PositionError::Oversold { .. })
        ));
    }

    #[test]
    fn a_closed_position_has_no_average_price() {
        let closed = Position::default()
            .after(Side::Buy, quantity(3), price(7))
            .and_then(|position| position.after(Side::Sell, quantity(3), price(9)))
            .unwrap();
        assert_eq!(closed.average_price, Decimal::ZERO);
        assert_eq!(closed.realized, Usd::new(Decimal::from(6)));
    }

    #[test]
    fn a_short_holding_earns_when_it_is_bought_back_cheaper() {
        let short = Position::default().moved(Side::Sell, quantity(10), price(100)).unwrap();
        let left = short.moved(Side::Buy, quantity(4), price(90)).unwrap();
        assert_eq!(left.quantity, Decimal::from(-6));
        assert_eq!(left.average_price, Decimal::from(100));
        assert_eq!(left.realized, Usd::new(Decimal::from(40)));
        let more = left.moved(Side::Sell, quantity(6), price(80)).unwrap();
        assert_eq!(more.average_price, Decimal::from(90));
        assert!(matches!(
            more.moved(Side::Buy, quantity(13), price(1)),
            Err(PositionError::Crossed { .. })
        ));
    }
}
