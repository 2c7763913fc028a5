//! The levels of a coin's order book: the touch as quoted, and behind it what is invented for the
//! same prices again and again.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::assets::Asset;
use crate::hash;
use crate::market::Quote;

/// Levels on each side, the touch included.
const LEVELS: u32 = 10;
/// The distance of two levels as a share of the price.
const SPACING: Decimal = Decimal::from_parts(5, 0, 0, false, 5);
const SIZE_DECIMALS: u32 = 6;

/// An order book at one moment: sizes by price.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ladder {
    pub(crate) at: DateTime<Utc>,
    pub(crate) bids: BTreeMap<Decimal, Decimal>,
    pub(crate) asks: BTreeMap<Decimal, Decimal>,
}

impl Ladder {
    /// The book around a quote.
    pub(crate) fn of(asset: &Asset, quote: &Quote) -> Self {
        let step = step(asset, quote.bid);
        let key = hash::of_text(0, &asset.symbol);
        let level = |touch: Decimal, size: Decimal, nth: u32, away: Decimal| {
            let share = 50 + hash::mix(key, u64::from(nth)) % 100 + 25 * u64::from(nth);
            let size = if nth == 0 { size } else { size * Decimal::new(share.cast_signed(), 2) };
            (touch + away, size.round_dp(SIZE_DECIMALS))
        };
        let side = |touch: Decimal, size: Decimal, direction: Decimal| {
            (0..LEVELS)
                .map(|nth| level(touch, size, nth, direction * step * Decimal::from(nth)))
                .filter(|(price, size)| *price > Decimal::ZERO && !size.is_zero())
                .collect()
        };
        Self {
            at: quote.at,
            bids: side(quote.bid, quote.bid_size, -Decimal::ONE),
            asks: side(quote.ask, quote.ask_size, Decimal::ONE),
        }
    }

    /// What has to be told to somebody who knows the book before: levels that are new or have
    /// another size, and those that are gone, with a size of zero.
    pub(crate) fn changes_since(&self, before: &Self) -> Self {
        Self {
            at: self.at,
            bids: changes(&before.bids, &self.bids),
            asks: changes(&before.asks, &self.asks),
        }
    }
}

fn changes(
    before: &BTreeMap<Decimal, Decimal>,
    after: &BTreeMap<Decimal, Decimal>,
) -> BTreeMap<Decimal, Decimal> {
    let gone = before.keys().filter(|price| !after.contains_key(price));
    let new = after.iter().filter(|(price, size)| before.get(price) != Some(size));
    gone.map(|price| (*price, Decimal::ZERO))
        .chain(new.map(|(price, size)| (*price, *size)))
        .collect()
}

/// The distance of two levels, in whole price increments.
fn step(asset: &Asset, price: Decimal) -> Decimal {
    let increments = (price * SPACING / asset.price_increment).ceil().max(Decimal::ONE);
    increments * asset.price_increment
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::AssetTable;
    use crate::universe;

    fn quote(bid: &str, ask: &str) -> Quote {
        Quote {
            at: DateTime::UNIX_EPOCH,
            bid: bid.parse().unwrap(),
            bid_size: Decimal::TWO,
            ask: ask.parse().unwrap(),
            ask_size: Decimal::ONE,
        }
    }

    #[test]
    fn changes_lead_from_one_book_to_the_next() {
        let assets = AssetTable::new(universe::assets());
        let asset = assets.find("BTC/USD").unwrap();
        let before = Ladder::of(asset, &quote("95000.00", "95020.50"));
        let after = Ladder::of(asset, &quote("95004.75", "95026.00"));
        assert_eq!((before.bids.len(), before.asks.len()), (10, 10));
        assert!(before.bids.keys().next_back() < before.asks.keys().next());
        let changes = after.changes_since(&before);
        let mut applied = before;
        for (side, changed) in
            [(&mut applied.bids, &changes.bids), (&mut applied.asks, &changes.asks)]
        {
            for (price, size) in changed {
                if size.is_zero() {
                    side.remove(price);
                } else {
                    side.insert(*price, *size);
                }
            }
        }
        assert_eq!(applied, after);
    }
}
