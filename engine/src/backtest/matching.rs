//! At which price a bar fills an order: open, highest, lowest and close are all that is known.
//!
//! - What the open satisfies is filled at the open: also a stop that the price has jumped over.
//! - Otherwise a price between low and high was traded, and a limit or stop there is filled there.
//! - In which order high and low came is not known, so the worse one for a position comes first:
//!   its stop is looked at before its target, and a trailing stop stands where it stood before the
//!   bar's best price moved it. After that the close is known to come last.
//! - A position opened *inside* a bar is stopped when the bar's worst price reaches the stop, and
//!   reaches its target only when the close is beyond it: the best price may have come before.
#![cfg_attr(
    not(test),
    expect(clippy::float_arithmetic, reason = "prices of bars are f64; money never is")
)]

use crate::bar::Bar;
use crate::money::to_float;
use crate::order::{Kind, Side, Trail};

/// An order's prices as the bars have them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Watch {
    Market,
    Limit { limit: f64 },
    Stop { stop: f64 },
    StopLimit { stop: f64, limit: f64, awake: bool },
    TrailingStop { distance: Distance, best: f64 },
}

/// How far a trailing stop stands behind the best price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Distance {
    Price(f64),
    Fraction(f64),
}

/// Where a bar touched an order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Touch {
    /// At the open: the order takes what is there.
    Open,
    /// At the close: the order takes what is there.
    Close,
    /// At the order's stop price.
    Stop,
    /// At the order's limit: it stood there.
    Limit,
    /// At a price that is in neither the order nor the bar: a trailing level, or an entry's price.
    Level(f64),
}

impl Watch {
    /// `price` is where a trailing stop starts from.
    pub(super) fn new(kind: Kind, price: f64) -> Self {
        match kind {
            Kind::Market => Self::Market,
            Kind::Limit { limit_price } => Self::Limit { limit: to_float(limit_price.amount()) },
            Kind::Stop { stop_price } => Self::Stop { stop: to_float(stop_price.amount()) },
            Kind::StopLimit { stop_price, limit_price } => Self::StopLimit {
                stop: to_float(stop_price.amount()),
                limit: to_float(limit_price.amount()),
                awake: false,
            },
            Kind::TrailingStop { trail } => {
                let distance = match trail {
                    Trail::Price(price) => Distance::Price(to_float(price.amount())),
                    Trail::Percent(percent) => Distance::Fraction(to_float(percent) / 100.0),
                };
                Self::TrailingStop { distance, best: price }
            }
        }
    }

    /// What the open does.
    pub(super) fn at_open(&mut self, side: Side, open: f64) -> Option<Touch> {
        match self {
            Self::Market => Some(Touch::Open),
            Self::Limit { limit } => within_limit(side, open, *limit).then_some(Touch::Open),
            Self::Stop { stop } => reached(side, open, *stop).then_some(Touch::Open),
            Self::StopLimit { stop, limit, awake } => {
                *awake = *awake || reached(side, open, *stop);
                (*awake && within_limit(side, open, *limit)).then_some(Touch::Open)
            }
            Self::TrailingStop { distance, best } => {
                if reached(side, open, distance.behind(side, *best)) {
                    return Some(Touch::Open);
                }
                *best = better(side, *best, open);
                None
            }
        }
    }

    /// What happens on the way to the worst price for who holds a position: stops.
    pub(super) fn at_worst(&mut self, side: Side, bar: &Bar) -> Option<Touch> {
        let (worst, best) = extremes(side, bar);
        match self {
            Self::Market | Self::Limit { .. } => None,
            Self::Stop { stop } => reached(side, worst, *stop).then_some(Touch::Stop),
            Self::StopLimit { limit, awake: true, .. } => {
                within_limit(side, best, *limit).then_some(Touch::Limit)
            }
            Self::StopLimit { stop, limit, awake } => {
                *awake = reached(side, worst, *stop);
                if !*awake {
                    None
                } else if within_limit(side, *stop, *limit) {
                    Some(Touch::Stop)
                } else {
                    // Whether the limit was traded after the stop is known of the close only.
                    within_limit(side, bar.close, *limit).then_some(Touch::Limit)
                }
            }
            Self::TrailingStop { distance, best } => {
                let level = distance.behind(side, *best);
                reached(side, worst, level).then_some(Touch::Level(level))
            }
        }
    }

    /// What happens on the way to the best price: limits.
    pub(super) fn at_best(&self, side: Side, bar: &Bar) -> Option<Touch> {
        let Self::Limit { limit } = self else { return None };
        let (_, best) = extremes(side, bar);
        within_limit(side, best, *limit).then_some(Touch::Limit)
    }

    /// What the way from the best price to the close does to a trailing stop.
    pub(super) fn at_close(&mut self, side: Side, bar: &Bar) -> Option<Touch> {
        let Self::TrailingStop { distance, best } = self else { return None };
        let (_, favourable) = extremes(side, bar);
        *best = better(side, *best, favourable);
        let level = distance.behind(side, *best);
        reached(side, bar.close, level).then_some(Touch::Level(level))
    }

    /// What the rest of a bar does to the exit of a position that was opened inside it at `entry`.
    pub(super) fn after_entry(&mut self, side: Side, entry: f64, bar: &Bar) -> Option<Touch> {
        let (worst, _) = extremes(side, bar);
        match self {
            Self::Market => None,
            Self::Limit { limit } => within_limit(side, bar.close, *limit).then_some(Touch::Limit),
            Self::Stop { stop } => {
                reached(side, worst, *stop).then(|| Touch::Level(worse(side, *stop, entry)))
            }
            Self::StopLimit { stop, limit, awake } => {
                *awake = reached(side, worst, *stop);
                (*awake && within_limit(side, *stop, *limit)).then_some(Touch::Stop)
            }
            Self::TrailingStop { distance, best } => {
                let level = distance.behind(side, *best);
                if reached(side, worst, level) {
                    return Some(Touch::Level(level));
                }
                *best = better(side, *best, bar.close);
                None
            }
        }
    }
}

impl Distance {
    fn behind(self, side: Side, best: f64) -> f64 {
        let away = match self {
            Self::Price(price) => price,
            Self::Fraction(fraction) => best * fraction,
        };
        match side {
            Side::Buy => best + away,
            Side::Sell => best - away,
        }
    }
}

/// Whether an order of `side` with this limit takes `price`.
fn within_limit(side: Side, price: f64, limit: f64) -> bool {
    match side {
        Side::Buy => price <= limit,
        Side::Sell => price >= limit,
    }
}

/// Whether `price` wakes a stop of `side`.
fn reached(side: Side, price: f64, stop: f64) -> bool {
    match side {
        Side::Buy => price >= stop,
        Side::Sell => price <= stop,
    }
}

/// The bar's price that is worst, and the one that is best, for an order of `side`.
fn extremes(side: Side, bar: &Bar) -> (f64, f64) {
    match side {
        Side::Buy => (bar.high, bar.low),
        Side::Sell => (bar.low, bar.high),
    }
}

/// The price that a trailing stop of `side` is measured from: the lowest for a buy.
fn better(side: Side, one: f64, other: f64) -> f64 {
    match side {
        Side::Buy => one.min(other),
        Side::Sell => one.max(other),
    }
}

fn worse(side: Side, one: f64, other: f64) -> f64 {
    match side {
        Side::Buy => one.max(other),
        Side::Sell => one.min(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use Side::{Buy, Sell};

    fn bar(open: f64, high: f64, low: f64, close: f64) -> Bar {
        let at = Timestamp::UNIX_EPOCH;
        Bar { at, seconds: 60, open, high, low, close, volume: 1.0, trades: 1 }
    }

    /// What a bar does to an order that stood before it.
    fn touch(mut watch: Watch, side: Side, bar: &Bar) -> Option<Touch> {
        watch
            .at_open(side, bar.open)
            .or_else(|| watch.at_worst(side, bar))
            .or_else(|| watch.at_best(side, bar))
            .or_else(|| watch.at_close(side, bar))
    }

    #[test]
    fn every_kind_of_order_is_filled_where_the_bar_says() {
        let quiet = bar(100.0, 102.0, 98.0, 101.0);
        let limit = |limit| Watch::Limit { limit };
        let stop = |stop| Watch::Stop { stop };
        let both = |stop, limit| Watch::StopLimit { stop, limit, awake: false };
        let trail =
            |distance, best| Watch::TrailingStop { distance: Distance::Price(distance), best };
        let rows = [
            (Watch::Market, Buy, Some(Touch::Open)),
            (limit(99.0), Buy, Some(Touch::Limit)),
            (limit(98.0), Buy, Some(Touch::Limit)),
            (limit(97.9), Buy, None),
            (limit(103.0), Buy, Some(Touch::Open)),
            (limit(101.5), Sell, Some(Touch::Limit)),
            (limit(99.0), Sell, Some(Touch::Open)),
            (limit(102.1), Sell, None),
            (stop(101.0), Buy, Some(Touch::Stop)),
            (stop(99.0), Buy, Some(Touch::Open)),
            (stop(102.1), Buy, None),
            (stop(99.0), Sell, Some(Touch::Stop)),
            (stop(105.0), Sell, Some(Touch::Open)),
            (stop(97.0), Sell, None),
            // Wakes at 101 and may pay 101.5: filled at once.
            (both(101.0, 101.5), Buy, Some(Touch::Stop)),
            // Wakes at 101.5 and pays 101 at most: the close of 101 came after.
            (both(101.5, 101.0), Buy, Some(Touch::Limit)),
            // Wakes at 101.5 and pays 99 at most: the low may have come before.
            (both(101.5, 99.0), Buy, None),
            // The open wakes it, so the low came after.
            (both(99.5, 98.5), Buy, Some(Touch::Limit)),
            (both(103.0, 104.0), Buy, None),
            // Best 101, one behind: the open is at the level.
            (trail(1.0, 101.0), Sell, Some(Touch::Open)),
            // Best 101, 2 behind: the low reaches 99.
            (trail(2.0, 101.0), Sell, Some(Touch::Level(99.0))),
            // Best 100, 3 behind: 97 is not reached; the high makes it 99, the close is above.
            (trail(3.0, 100.0), Sell, None),
        ];
        for (watch, side, expected) in rows {
            assert_eq!(touch(watch, side, &quiet), expected, "{watch:?} {side:?}");
        }
        let jump = bar(110.0, 111.0, 104.0, 108.0);
        assert_eq!(
            touch(trail(5.0, 100.0), Sell, &jump),
            Some(Touch::Level(105.0)),
            "the open is known to come before the low"
        );
        let reversal = bar(100.0, 110.0, 99.5, 104.0);
        assert_eq!(
            touch(trail(5.0, 100.0), Sell, &reversal),
            Some(Touch::Level(105.0)),
            "the close is known to come after the high"
        );
    }

    #[test]
    fn a_position_opened_inside_a_bar_is_stopped_by_its_worst_price_and_wins_by_its_close() {
        let bar = bar(100.0, 110.0, 90.0, 104.0);
        let exit = |mut watch: Watch| watch.after_entry(Side::Sell, 102.0, &bar);
        assert_eq!(exit(Watch::Stop { stop: 95.0 }), Some(Touch::Level(95.0)));
        assert_eq!(exit(Watch::Stop { stop: 89.0 }), None);
        assert_eq!(exit(Watch::Limit { limit: 108.0 }), None, "110 may have come before");
        assert_eq!(exit(Watch::Limit { limit: 103.0 }), Some(Touch::Limit));
    }
}
