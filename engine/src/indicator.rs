//! Indicators, one value per bar, nothing before the first valid one. TA-Lib's convention, by its
//! own Rust port.

use ta_lib::Core;

/// Longest period of an indicator.
pub const PERIOD_MAX: u16 = 1_000;

/// Simple moving average: the mean of the last `period` closes (TA-Lib `SMA`).
#[derive(Clone, Debug)]
pub struct Sma(Stream<ta_lib::SmaStream>);

/// Wilder's relative strength index, 0 to 100 (J. Welles Wilder, *New Concepts in Technical Trading
/// Systems*, 1978; TA-Lib `RSI`): smoothing 1/n, seeded with the mean of the first n changes.
#[derive(Clone, Debug)]
pub struct Rsi(Stream<ta_lib::RsiStream>);

#[derive(Clone, Debug)]
struct Stream<Handle> {
    period: u16,
    /// Values before the handle can be opened: at most `period` + 1.
    history: Vec<f64>,
    handle: Option<Handle>,
}

impl Sma {
    /// An average over `period` bars, 2 to [`PERIOD_MAX`].
    pub fn new(period: u16) -> Self {
        Self(Stream::new(period))
    }

    /// Takes the next close; the average, once `period` closes are there.
    pub fn next(&mut self, close: f64) -> Option<f64> {
        if let Some(handle) = &mut self.0.handle {
            return handle.update(close).ok();
        }
        let period = self.0.remember(close);
        let (handle, value) = Core::new().sma_open(&self.0.history, period).ok()?;
        self.0.open(handle);
        Some(value)
    }
}

impl Rsi {
    /// The index over `period` changes, 2 to [`PERIOD_MAX`].
    pub fn new(period: u16) -> Self {
        Self(Stream::new(period))
    }

    /// Takes the next close; the index, once `period` changes are there.
    pub fn next(&mut self, close: f64) -> Option<f64> {
        if let Some(handle) = &mut self.0.handle {
            return handle.update(close).ok();
        }
        let period = self.0.remember(close);
        let (handle, value) = Core::new().rsi_open(&self.0.history, period).ok()?;
        self.0.open(handle);
        Some(value)
    }
}

impl<Handle> Stream<Handle> {
    fn new(period: u16) -> Self {
        Self { period: period.clamp(2, PERIOD_MAX), history: Vec::new(), handle: None }
    }

    fn remember(&mut self, value: f64) -> i32 {
        self.history.push(value);
        i32::from(self.period)
    }

    fn open(&mut self, handle: Handle) {
        self.handle = Some(handle);
        self.history = Vec::new();
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
