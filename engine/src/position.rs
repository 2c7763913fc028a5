//! What a sub-account holds of one ticker.

use crate::money::{MoneyError, Price, Quantity, Usd, round_average};
use crate::order::Side;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A holding, long only: its quantity is never below zero.
///
/// Example: buy 10 at 100, buy 10 at 120: quantity 20, average price 110. Sell 5 at 130: quantity
/// 15, average price still 110, realized profit 5 × (130 − 110) = 100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Shares or coins held.
    pub quantity: Decimal,
    /// Average price paid for what is held, US dollars; zero when nothing is.
    pub average_price: Decimal,
    /// Profit of what was sold, before fees, US dollars.
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
    /// An amount does not fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl Position {
    /// The holding after a fill.
    pub fn after(
        self,
        side: Side,
        quantity: Quantity,
        price: Price,
    ) -> Result<Self, PositionError> {
        match side {
            Side::Buy => self.bought(quantity, price),
            Side::Sell => self.sold(quantity, price),
        }
    }

    fn bought(self, quantity: Quantity, price: Price) -> Result<Self, PositionError> {
        let overflow = MoneyError::Overflow("position");
        let held = Usd::new(self.average_price).times(self.quantity)?;
        let paid = held.plus(price.cost_of(quantity)?)?;
        let total = self.quantity.checked_add(quantity.amount()).ok_or(overflow)?;
        let average_price = round_average(paid.over(total)?.amount());
        Ok(Self { quantity: total, average_price, ..self })
    }

    fn sold(self, quantity: Quantity, price: Price) -> Result<Self, PositionError> {
        let sold = quantity.amount();
        if sold > self.quantity {
            return Err(PositionError::Oversold { sold, held: self.quantity });
        }
        let cost = Usd::new(self.average_price).times(sold)?;
        let realized = self.realized.plus(price.cost_of(quantity)?.minus(cost)?)?;
        let left = self.quantity.saturating_sub(sold);
        let average_price = if left.is_zero() { Decimal::ZERO } else { self.average_price };
        Ok(Self { quantity: left, average_price, realized })
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
}
