//! Where the close lies within its recent range, and how far it has come.
#![cfg_attr(
    not(test),
    expect(clippy::float_arithmetic, reason = "market data is f64; money never is")
)]

use super::PERIOD_MAX;
use super::average::Sma;
use super::extreme::{Highest, Lowest};
use super::range::typical_price;
use super::window::{Lag, Window};
use crate::bar::Bar;
use serde::{Deserialize, Serialize};

/// A difference below this part of what was subtracted is rounding and counts as none (TA-Lib's
/// figure).
const ROUNDING: f64 = 1e-14;

/// Slow stochastic (George Lane; TA-Lib `STOCH` with simple averages), 0 to 100.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stochastic {
    highest: Highest,
    lowest: Lowest,
    k: Sma,
    d: Sma,
}

/// The lines of [`Stochastic`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StochasticLines {
    /// Place of the close in the range, smoothed.
    pub k: f64,
    /// Average of `k`.
    pub d: f64,
}

/// Williams' %R (Larry Williams; TA-Lib `WILLR`): -100 at the low of the range to 0 at its high.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WilliamsR {
    highest: Highest,
    lowest: Lowest,
}

/// Aroon (Tushar Chande; TA-Lib `AROON`): how recent the extremes of the last `period` + 1 bars
/// are, 100 for this bar, 0 for `period` bars ago.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aroon {
    period: f64,
    highest: Highest,
    lowest: Lowest,
}

/// The lines of [`Aroon`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AroonLines {
    /// Recency of the highest high.
    pub up: f64,
    /// Recency of the lowest low.
    pub down: f64,
}

/// Commodity channel index (Donald Lambert; TA-Lib `CCI`): distance of the typical price from its
/// average in 0.015 mean deviations.
///
/// Takes time in proportion to `period`: the mean deviation is
/// from a mean that moves with every bar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cci {
    period: f64,
    window: Window,
}

/// Rate of change (TA-Lib `ROC`): per cent from the value `period` bars ago.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Roc(Lag);

impl Stochastic {
    /// A range of `k` bars smoothed over `smooth`, and its average over `d`; each 1 to
    /// [`PERIOD_MAX`].
    pub fn new(k: u16, smooth: u16, d: u16) -> Self {
        let k = k.min(PERIOD_MAX);
        Self {
            highest: Highest::new(k),
            lowest: Lowest::new(k),
            k: Sma::new(smooth),
            d: Sma::new(d),
        }
    }

    /// Takes a bar; both lines, once the second is there.
    #[inline]
    pub fn next(&mut self, bar: &Bar) -> Option<StochasticLines> {
        let (highest, lowest) = (self.highest.next(bar.high), self.lowest.next(bar.low));
        let (highest, lowest) = (highest?.value, lowest?.value);
        let place = if is_flat(highest, lowest) {
            0.0
        } else {
            (bar.close - lowest) / (highest - lowest) * 100.0
        };
        let k = self.k.next(place)?;
        let d = self.d.next(k)?;
        Some(StochasticLines { k, d })
    }
}

impl WilliamsR {
    /// A range of `period` bars, 1 to [`PERIOD_MAX`].
    pub fn new(period: u16) -> Self {
        let period = period.min(PERIOD_MAX);
        Self { highest: Highest::new(period), lowest: Lowest::new(period) }
    }

    /// Takes a bar; the value, once `period` bars are there.
    #[inline]
    pub fn next(&mut self, bar: &Bar) -> Option<f64> {
        let (highest, lowest) = (self.highest.next(bar.high), self.lowest.next(bar.low));
        let (highest, lowest) = (highest?.value, lowest?.value);
        if is_flat(highest, lowest) {
            return Some(0.0);
        }
        Some(((highest - bar.close) / (highest - lowest) * -100.0).clamp(-100.0, 0.0))
    }
}

impl Aroon {
    /// Recency within `period` bars, 2 to [`PERIOD_MAX`].
    pub fn new(period: u16) -> Self {
        let period = period.clamp(2, PERIOD_MAX);
        let bars = period.saturating_add(1);
        Self { period: f64::from(period), highest: Highest::new(bars), lowest: Lowest::new(bars) }
    }

    /// Takes a bar; both lines, once `period` + 1 bars are there.
    #[inline]
    pub fn next(&mut self, bar: &Bar) -> Option<AroonLines> {
        let (highest, lowest) = (self.highest.next(bar.high), self.lowest.next(bar.low));
        let (highest, lowest) = (highest?.age, lowest?.age);
        let recency = |age: u64| {
            let age = f64::from(u16::try_from(age).unwrap_or(u16::MAX));
            (self.period - age) * (100.0 / self.period)
        };
        Some(AroonLines { up: recency(highest), down: recency(lowest) })
    }
}

impl Cci {
    /// An average over `period` bars, 2 to [`PERIOD_MAX`].
    pub fn new(period: u16) -> Self {
        let period = period.clamp(2, PERIOD_MAX);
        Self { period: f64::from(period), window: Window::new(period) }
    }

    /// Takes a bar; the index, once `period` bars are there.
    #[inline]
    pub fn next(&mut self, bar: &Bar) -> Option<f64> {
        let price = typical_price(bar);
        self.window.push(price);
        if !self.window.is_full() {
            return None;
        }
        let mean = self.window.kept().iter().sum::<f64>() / self.period;
        let distances: f64 = self.window.kept().iter().map(|price| (price - mean).abs()).sum();
        let (distance, spread) = (price - mean, distances / self.period);
        let rounding = ROUNDING * mean.abs();
        if distance.abs() <= rounding || spread <= rounding {
            return Some(0.0);
        }
        Some(distance / (0.015 * spread))
    }
}

impl Roc {
    /// The change since `period` bars ago, 1 to [`PERIOD_MAX`].
    pub fn new(period: u16) -> Self {
        Self(Lag::new(period))
    }

    /// Takes the next value; its change, once there is a value `period` bars ago.
    #[inline]
    pub fn next(&mut self, value: f64) -> Option<f64> {
        let before = self.0.next(value)?;
        Some(if before == 0.0 { 0.0 } else { (value / before - 1.0) * 100.0 })
    }
}

fn is_flat(highest: f64, lowest: f64) -> bool {
    (highest - lowest).abs() <= ROUNDING * (highest.abs() + lowest.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(high: f64, low: f64, close: f64) -> Bar {
        let at = chrono::DateTime::UNIX_EPOCH;
        Bar { at, seconds: 60, open: close, high, low, close, volume: 1.0, trades: 1 }
    }

    #[test]
    fn a_range_without_width_has_no_place_and_divides_by_nothing() {
        let flat = bar(5.0, 5.0, 5.0);
        let mut stochastic = Stochastic::new(2, 1, 1);
        stochastic.next(&flat);
        assert_eq!(stochastic.next(&flat), Some(StochasticLines { k: 0.0, d: 0.0 }));
        let mut williams = WilliamsR::new(1);
        assert_eq!(williams.next(&flat), Some(0.0));
        let mut cci = Cci::new(2);
        assert_eq!([cci.next(&flat), cci.next(&flat)], [None, Some(0.0)]);
    }

    #[test]
    fn the_place_of_the_close_runs_from_the_low_to_the_high() {
        let mut stochastic = Stochastic::new(1, 1, 1);
        let lines = StochasticLines { k: 75.0, d: 75.0 };
        assert_eq!(stochastic.next(&bar(8.0, 4.0, 7.0)), Some(lines));
        let mut williams = WilliamsR::new(1);
        assert_eq!(williams.next(&bar(8.0, 4.0, 7.0)), Some(-25.0));
    }

    #[test]
    fn aroon_counts_the_bars_since_the_extremes() {
        let mut aroon = Aroon::new(4);
        let bars = [(9.0, 1.0), (8.0, 2.0), (7.0, 3.0), (6.0, 2.0), (5.0, 4.0)];
        let lines = bars.map(|(high, low)| aroon.next(&bar(high, low, low)))[4].unwrap();
        assert_eq!((lines.up, lines.down), (0.0, 0.0));
        let lines = aroon.next(&bar(5.0, 4.0, 4.0)).unwrap();
        assert_eq!((lines.up, lines.down), (0.0, 50.0));
    }
}
