//! Moving averages.
#![cfg_attr(
    not(test),
    expect(clippy::float_arithmetic, reason = "market data is f64; money never is")
)]

use super::PERIOD_MAX;
use super::window::RollingSum;
use serde::{Deserialize, Serialize};

/// Simple moving average: the mean of the last `period` values (TA-Lib `SMA`), without drift.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sma {
    period: f64,
    sum: RollingSum,
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
}
