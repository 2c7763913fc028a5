//! True range and its Wilder average.
#![cfg_attr(
    not(test),
    expect(clippy::float_arithmetic, reason = "market data is f64; money never is")
)]

use super::PERIOD_MAX;
use crate::bar::Bar;
use serde::{Deserialize, Serialize};

/// Average true range (J. Welles Wilder, *New Concepts in Technical Trading Systems*, 1978; TA-Lib
/// `ATR`): smoothing 1/n, seeded with the mean of the first n ranges.
///
/// The first bar has no range, because no close is before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Atr {
    period: f64,
    /// Ranges taken into the seed so far, at most `period`.
    seen: f64,
    close: Option<f64>,
    /// Sum of the ranges while seeding, the average after.
    value: f64,
}

impl Atr {
    /// The average over `period` ranges, 1 to [`PERIOD_MAX`].
    pub fn new(period: u16) -> Self {
        let period = f64::from(period.clamp(1, PERIOD_MAX));
        Self { period, seen: 0.0, close: None, value: 0.0 }
    }

    /// Takes a bar; the average, once `period` ranges are there.
    #[inline]
    pub fn next(&mut self, bar: &Bar) -> Option<f64> {
        let range = true_range(bar, self.close.replace(bar.close)?);
        if self.seen < self.period {
            self.seen += 1.0;
            self.value += range;
            if self.seen < self.period {
                return None;
            }
            self.value /= self.period;
        } else {
            self.value = (self.value * (self.period - 1.0) + range) / self.period;
        }
        Some(self.value)
    }
}

/// The range of a bar, widened to the close before it.
#[inline]
pub(super) fn true_range(bar: &Bar, close_before: f64) -> f64 {
    let range = bar.high - bar.low;
    range.max((bar.high - close_before).abs()).max((bar.low - close_before).abs())
}

/// (high + low + close) / 3, summed in the order that TA-Lib sums in: ties between typical prices
/// are decided by it.
#[inline]
pub(super) fn typical_price(bar: &Bar) -> f64 {
    (bar.high + bar.low + bar.close) / 3.0
}
