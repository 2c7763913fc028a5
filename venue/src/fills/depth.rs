//! What stands behind the touch: invented from the seed, the same for the same prices.

use rust_decimal::prelude::FromPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::hash;
use crate::orders::Side;

/// Levels that a taker can walk through, the touch included.
pub(crate) const LEVELS: u32 = 10;
/// How much thicker each level is than the one before it, as a share of the touch.
const THICKENING: f64 = 0.25;

/// The distance of two levels as a share of the price: half a basis point.
const SPACING: Decimal = Decimal::from_parts(5, 0, 0, false, 5);

/// Orders of the market at one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level {
    pub(crate) price: Decimal,
    pub(crate) size: Decimal,
}

/// How the levels behind a touch are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Depth {
    /// The seed, mixed with the symbol.
    pub(crate) key: u64,
    pub(crate) price_increment: Decimal,
    /// Sizes are multiples of this: whole shares, parts of a coin.
    pub(crate) lot: Decimal,
}

impl Depth {
    /// The levels of one side behind its touch, best first.
    pub(crate) fn behind(&self, side: Side, touch: Level) -> impl Iterator<Item = Level> + '_ {
        let step = self.step(touch);
        (1..LEVELS).map(move |nth| self.level(side, touch, step, nth)).take_while(is_a_price)
    }

    /// What stands at a price, when it is behind the touch.
    pub(crate) fn behind_at(&self, side: Side, touch: Level, price: Decimal) -> Option<Level> {
        let distance = match side {
            Side::Buy => touch.price - price,
            Side::Sell => price - touch.price,
        };
        if distance <= Decimal::ZERO {
            return None;
        }
        // Between two levels somebody waits as well: as many as at the next level.
        let nth = (distance / self.step(touch)).ceil().min(Decimal::from(LEVELS));
        Some(Level { price, size: self.size(touch, u32::try_from(nth).unwrap_or(LEVELS)) })
    }

    /// The distance of two levels, in whole increments.
    fn step(&self, touch: Level) -> Decimal {
        let steps = (touch.price * SPACING / self.price_increment).ceil().max(Decimal::ONE);
        steps * self.price_increment
    }

    fn level(&self, side: Side, touch: Level, step: Decimal, nth: u32) -> Level {
        let away = step * Decimal::from(nth);
        let price = match side {
            Side::Buy => touch.price - away,
            Side::Sell => touch.price + away,
        };
        Level { price, size: self.size(touch, nth) }
    }

    /// Between half of the touch and one and a half of it, growing with the distance.
    fn size(&self, touch: Level, nth: u32) -> Decimal {
        let unit = hash::unit(hash::mix(self.key, u64::from(nth)));
        let share = 0.5 + unit + THICKENING * f64::from(nth);
        self.whole(touch.size * Decimal::from_f64(share).unwrap_or(Decimal::ONE))
    }

    /// A size in whole lots.
    pub(super) fn whole(&self, size: Decimal) -> Decimal {
        let steps = size / self.lot;
        steps.round_dp_with_strategy(0, RoundingStrategy::ToZero) * self.lot
    }
}

fn is_a_price(level: &Level) -> bool {
    level.price > Decimal::ZERO
}
