//! Wilder's relative strength index.
#![cfg_attr(
    not(test),
    expect(clippy::float_arithmetic, reason = "market data is f64; money never is")
)]

use super::PERIOD_MAX;
use serde::{Deserialize, Serialize};

/// Wilder's relative strength index, 0 to 100 (J. Welles Wilder, *New Concepts in Technical Trading
/// Systems*, 1978; TA-Lib `RSI`): smoothing 1/n, seeded with the mean of the first n changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rsi {
    period: f64,
    /// Changes taken into the seed so far, at most `period`.
    seen: f64,
    before: Option<f64>,
    /// Sum of the rises while seeding, their Wilder average after.
    gain: f64,
    /// Sum of the falls while seeding, their Wilder average after.
    loss: f64,
}

impl Rsi {
    /// The index over `period` changes, 2 to [`PERIOD_MAX`].
    pub fn new(period: u16) -> Self {
        let period = f64::from(period.clamp(2, PERIOD_MAX));
        Self { period, seen: 0.0, before: None, gain: 0.0, loss: 0.0 }
    }

    /// Takes the next close; the index, once `period` changes are there.
    #[inline]
    pub fn next(&mut self, close: f64) -> Option<f64> {
        let change = close - self.before.replace(close)?;
        let (gain, loss) = if change < 0.0 { (0.0, -change) } else { (change, 0.0) };
        if self.seen < self.period {
            self.seen += 1.0;
            self.gain += gain;
            self.loss += loss;
            if self.seen < self.period {
                return None;
            }
            self.gain /= self.period;
            self.loss /= self.period;
        } else {
            let kept = self.period - 1.0;
            self.gain = (self.gain * kept + gain) / self.period;
            self.loss = (self.loss * kept + loss) / self.period;
        }
        let both = self.gain + self.loss;
        // Prices that never moved have no strength either way: TA-Lib says 50.
        Some(if both == 0.0 { 50.0 } else { 100.0 * (self.gain / both) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Closes and RSI(14) of Wilder's method: gains of 1 on each of 14 bars, then one loss of 1.
    /// Averages: gain 1 × 13/14, loss 1/14; RSI = 100 × 13/14.
    #[test]
    fn the_index_is_wilders() {
        let mut rsi = Rsi::new(14);
        let mut last = None;
        for step in 0..=14_i32 {
            last = rsi.next(100.0 + f64::from(step));
        }
        assert_eq!(last, Some(100.0));
        let value = rsi.next(113.0).unwrap();
        assert!((value - 1300.0 / 14.0).abs() < 1e-9, "{value}");
    }
}
