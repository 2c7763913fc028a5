//! Standard deviation and z-score.
#![cfg_attr(
    not(test),
    expect(clippy::float_arithmetic, reason = "market data is f64; money never is")
)]

use super::PERIOD_MAX;
use super::window::RollingSum;
use serde::{Deserialize, Serialize};

/// Mean and population standard deviation of the last `period` values (TA-Lib `SMA`, `STDDEV`).
///
/// Takes time in proportion to `period`: squares summed up as bars pass cancel where the price is
/// large and moves little (minutes of bitcoin lose eight digits), so each window is measured afresh
/// against its own mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StdDev {
    period: f64,
    sum: RollingSum,
}

/// How far a value lies from the mean of the last `period` values, in population standard
/// deviations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ZScore(StdDev);

impl StdDev {
    /// A deviation over `period` bars, 2 to [`PERIOD_MAX`].
    pub fn new(period: u16) -> Self {
        let period = period.clamp(2, PERIOD_MAX);
        Self { period: f64::from(period), sum: RollingSum::new(period) }
    }

    /// Takes the next value; mean and deviation, once `period` values are there.
    #[inline]
    pub fn next(&mut self, value: f64) -> Option<(f64, f64)> {
        let mean = self.sum.push(value)? / self.period;
        let squares: f64 = self.sum.window().iter().map(|value| (value - mean).powi(2)).sum();
        Some((mean, (squares / self.period).sqrt()))
    }
}

impl ZScore {
    /// A score over `period` bars, 2 to [`PERIOD_MAX`].
    pub fn new(period: u16) -> Self {
        Self(StdDev::new(period))
    }

    /// Takes the next value; its score, once `period` values are there. Nothing where the values
    /// are all the same: there is no deviation to measure with.
    #[inline]
    pub fn next(&mut self, value: f64) -> Option<f64> {
        let (mean, deviation) = self.0.next(value)?;
        (deviation > 0.0).then(|| (value - mean) / deviation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deviation_is_the_populations() {
        let mut deviation = StdDev::new(4);
        let last = [2.0, 4.0, 4.0, 6.0].map(|value| deviation.next(value))[3];
        assert_eq!(last, Some((4.0, 2.0_f64.sqrt())));
    }

    #[test]
    fn equal_values_have_no_score() {
        let mut score = ZScore::new(2);
        assert_eq!([5.0, 5.0, 7.0].map(|value| score.next(value)), [None, None, Some(1.0)]);
    }
}
