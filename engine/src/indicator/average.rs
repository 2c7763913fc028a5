//! Moving averages, and the difference of two of them.
#![cfg_attr(
    not(test),
    expect(clippy::float_arithmetic, reason = "market data is f64; money never is")
)]

use super::PERIOD_MAX;
use super::window::{RollingSum, Window};
use serde::{Deserialize, Serialize};

/// Simple moving average: the mean of the last `period` values (TA-Lib `SMA`), without drift.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sma {
    period: f64,
    sum: RollingSum,
}

/// Exponential moving average: smoothing 2 / (n + 1), seeded with the mean of the first n values
/// (TA-Lib `EMA`).
///
/// Rounded once per value, as TA-Lib does: where two averages meet, their difference is a few last
/// digits of each, and those would not be TA-Lib's otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ema {
    period: f64,
    /// Weight of the newest value, 2 / (n + 1).
    weight: f64,
    /// Weight of the average before, 1 - `weight`.
    kept: f64,
    /// Values taken into the seed so far, at most `period`.
    seen: f64,
    /// Sum of the values while seeding, the average after.
    value: f64,
}

/// Linearly weighted moving average: weight n for the newest value down to 1 for the oldest
/// (TA-Lib `WMA`). Takes time in proportion to `period`: a running sum of weighted values drifts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wma {
    window: Window,
    weights: f64,
}

/// Moving average convergence divergence (Gerald Appel; TA-Lib `MACD`): the fast EMA less the slow
/// one, and an EMA of that as its signal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Macd {
    /// Values that the fast average does not take, so that both are seeded by the same bar.
    skip: f64,
    fast: Ema,
    slow: Ema,
    signal: Ema,
}

/// The lines of [`Macd`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MacdLines {
    /// Fast average less slow average.
    pub macd: f64,
    /// Average of `macd`.
    pub signal: f64,
}

impl Sma {
    /// An average over `period` bars, 1 to [`PERIOD_MAX`].
    pub fn new(period: u16) -> Self {
        let period = period.clamp(1, PERIOD_MAX);
        Self { period: f64::from(period), sum: RollingSum::new(period) }
    }

    /// Takes the next value; the average, once `period` values are there.
    #[inline]
    pub fn next(&mut self, value: f64) -> Option<f64> {
        self.sum.push(value).map(|sum| sum / self.period)
    }
}

impl Ema {
    /// An average over `period` bars, 1 to [`PERIOD_MAX`].
    pub fn new(period: u16) -> Self {
        let period = f64::from(period.clamp(1, PERIOD_MAX));
        // The smaller of the two weights is the difference of 1 and the other: it loses no digits.
        let kept = (period - 1.0) / (period + 1.0);
        let weight = 1.0 - kept;
        let kept = if kept < 0.5 { 1.0 - weight } else { kept };
        Self { period, weight, kept, seen: 0.0, value: 0.0 }
    }

    /// Takes the next value; the average, once `period` values are there.
    #[inline]
    pub fn next(&mut self, value: f64) -> Option<f64> {
        if self.seen < self.period {
            self.seen += 1.0;
            self.value += value;
            if self.seen < self.period {
                return None;
            }
            self.value /= self.period;
        } else {
            self.value = self.kept.mul_add(self.value, self.weight * value);
        }
        Some(self.value)
    }
}

impl Wma {
    /// An average over `period` bars, 1 to [`PERIOD_MAX`].
    pub fn new(period: u16) -> Self {
        let period = period.clamp(1, PERIOD_MAX);
        let weights = f64::from(period) * (f64::from(period) + 1.0) / 2.0;
        Self { window: Window::new(period), weights }
    }

    /// Takes the next value; the average, once `period` values are there.
    #[inline]
    pub fn next(&mut self, value: f64) -> Option<f64> {
        self.window.push(value);
        if !self.window.is_full() {
            return None;
        }
        let step = |(sum, weight): (f64, f64), value: f64| (sum + weight * value, weight + 1.0);
        let (sum, _) = self.window.iter().fold((0.0, 1.0), step);
        Some(sum / self.weights)
    }
}

impl Macd {
    /// Averages over `fast`, `slow` and `signal` bars, 1 to [`PERIOD_MAX`]; `fast` is the shorter.
    pub fn new(fast: u16, slow: u16, signal: u16) -> Self {
        let (fast, slow) = (fast.min(slow), slow.max(fast));
        let skip = f64::from(slow) - f64::from(fast);
        Self { skip, fast: Ema::new(fast), slow: Ema::new(slow), signal: Ema::new(signal) }
    }

    /// Takes the next value; the lines, once the signal is there.
    #[inline]
    pub fn next(&mut self, value: f64) -> Option<MacdLines> {
        let fast = if self.skip > 0.0 {
            self.skip -= 1.0;
            None
        } else {
            self.fast.next(value)
        };
        let slow = self.slow.next(value)?;
        let macd = fast? - slow;
        let signal = self.signal.next(macd)?;
        Some(MacdLines { macd, signal })
    }
}

impl MacdLines {
    /// `macd` less `signal`.
    pub fn histogram(self) -> f64 {
        self.macd - self.signal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_starts_with_the_last_bar_of_its_first_window() {
        let mut sma = Sma::new(3);
        let values: Vec<_> =
            [1.0, 2.0, 3.0, 4.0].into_iter().map(|close| sma.next(close)).collect();
        assert_eq!(values, [None, None, Some(2.0), Some(3.0)]);
    }

    #[test]
    fn the_exponential_average_is_seeded_with_the_simple_one() {
        let mut ema = Ema::new(3);
        assert_eq!(
            [1.0, 2.0, 3.0, 6.0].map(|value| ema.next(value)),
            [None, None, Some(2.0), Some(4.0)]
        );
    }

    #[test]
    fn the_newest_value_weighs_most() {
        let mut wma = Wma::new(3);
        let last = [6.0, 0.0, 12.0].map(|value| wma.next(value))[2];
        assert_eq!(last, Some((6.0 + 36.0) / 6.0));
    }

    #[test]
    fn both_averages_of_the_macd_are_seeded_by_the_same_bar() {
        let mut macd = Macd::new(2, 4, 1);
        let lines = [9.0, 7.0, 4.0, 2.0].map(|value| macd.next(value))[3].unwrap();
        assert_eq!(lines, MacdLines { macd: 3.0 - 5.5, signal: 3.0 - 5.5 });
    }
}
