//! Indicators that weigh prices with what was traded at them.
#![cfg_attr(
    not(test),
    expect(clippy::float_arithmetic, reason = "market data is f64; money never is")
)]

use super::PERIOD_MAX;
use super::range::typical_price;
use super::window::RollingSum;
use crate::bar::Bar;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// On-balance volume (Joseph Granville; TA-Lib `OBV`): volume added up on bars that close higher,
/// taken away on bars that close lower, beginning with that of the first bar.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Obv {
    close: Option<f64>,
    value: f64,
}

/// Money flow index (Gene Quong and Avrum Soudack; TA-Lib `MFI`), 0 to 100: the share of the money
/// that flowed on rises of the typical price in all that flowed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mfi {
    price: Option<f64>,
    rises: RollingSum,
    falls: RollingSum,
}

/// Volume-weighted average of the typical price since the session began, with its volume-weighted
/// standard deviation.
///
/// A session is a UTC day: crypto's own, and for US stocks all of the regular
/// session lies in one. On daily bars the average is the typical price.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Vwap {
    session: Option<NaiveDate>,
    volume: f64,
    money: f64,
    /// Average as the deviation below needs it.
    mean: f64,
    /// Volume-weighted sum of squared distances from `mean`.
    squares: f64,
}

/// Volume-weighted average of the typical price over the last `period` bars.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RollingVwap {
    money: RollingSum,
    volume: RollingSum,
}

/// The lines of [`Vwap`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct VwapLines {
    /// The average.
    pub vwap: f64,
    /// Standard deviation of the prices around it.
    pub deviation: f64,
}

impl Obv {
    /// Nothing traded yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a bar; there from the first on.
    #[inline]
    pub fn next(&mut self, bar: &Bar) -> f64 {
        match self.close.replace(bar.close) {
            Some(before) if bar.close < before => self.value -= bar.volume,
            Some(before) if bar.close > before => self.value += bar.volume,
            Some(_) => {}
            None => self.value = bar.volume,
        }
        self.value
    }
}

impl Mfi {
    /// Flows of `period` bars, 2 to [`PERIOD_MAX`].
    pub fn new(period: u16) -> Self {
        let period = period.clamp(2, PERIOD_MAX);
        Self { price: None, rises: RollingSum::new(period), falls: RollingSum::new(period) }
    }

    /// Takes a bar; the index, once `period` changes are there.
    #[inline]
    pub fn next(&mut self, bar: &Bar) -> Option<f64> {
        let price = typical_price(bar);
        let before = self.price.replace(price)?;
        let change = price - before;
        // Typical prices that differ in the last digits only are the same (TA-Lib's figure).
        let is_same = change.abs() <= 1e-14 * (price.abs() + before.abs());
        let flow = if is_same { 0.0 } else { price * bar.volume };
        let (rise, fall) = if change < 0.0 { (0.0, flow) } else { (flow, 0.0) };
        let (rises, falls) = (self.rises.push(rise), self.falls.push(fall));
        let (rises, falls) = (rises?.max(0.0), falls?.max(0.0));
        let both = rises + falls;
        Some(if both > 0.0 { 100.0 * (rises / both) } else { 0.0 })
    }
}

impl Vwap {
    /// No session yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a bar; the lines, once something was traded in the session.
    #[inline]
    pub fn next(&mut self, bar: &Bar) -> Option<VwapLines> {
        let session = bar.at.date_naive();
        if self.session != Some(session) {
            *self = Self { session: Some(session), ..Self::default() };
        }
        if bar.volume > 0.0 {
            let price = typical_price(bar);
            self.volume += bar.volume;
            self.money += price * bar.volume;
            let distance = price - self.mean;
            self.mean += distance * (bar.volume / self.volume);
            self.squares += bar.volume * distance * (price - self.mean);
        }
        (self.volume > 0.0).then(|| VwapLines {
            vwap: self.money / self.volume,
            deviation: (self.squares / self.volume).max(0.0).sqrt(),
        })
    }
}

impl RollingVwap {
    /// An average over `period` bars, 1 to [`PERIOD_MAX`].
    pub fn new(period: u16) -> Self {
        let period = period.clamp(1, PERIOD_MAX);
        Self { money: RollingSum::new(period), volume: RollingSum::new(period) }
    }

    /// Takes a bar; the average, once `period` bars are there and something was traded in them.
    #[inline]
    pub fn next(&mut self, bar: &Bar) -> Option<f64> {
        let money = self.money.push(typical_price(bar) * bar.volume);
        let (volume, money) = (self.volume.push(bar.volume)?, money?);
        (volume > 0.0).then(|| money / volume)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(second: i64, price: f64, volume: f64) -> Bar {
        let at = chrono::DateTime::from_timestamp(second, 0).unwrap();
        let (open, high, low, close) = (price, price, price, price);
        Bar { at, seconds: 60, open, high, low, close, volume, trades: 1 }
    }

    #[test]
    fn the_average_of_a_session_weighs_by_volume_and_begins_again_the_next_day() {
        let mut vwap = Vwap::new();
        assert_eq!(vwap.next(&bar(0, 10.0, 0.0)), None, "nothing was traded");
        vwap.next(&bar(60, 10.0, 3.0));
        let lines = vwap.next(&bar(120, 14.0, 1.0)).unwrap();
        assert_eq!((lines.vwap, lines.deviation), (11.0, 3.0_f64.sqrt()));
        let lines = vwap.next(&bar(86_400, 20.0, 1.0)).unwrap();
        assert_eq!((lines.vwap, lines.deviation), (20.0, 0.0));
    }

    #[test]
    fn volume_is_added_on_rises_and_taken_away_on_falls() {
        let mut obv = Obv::new();
        let bars = [bar(0, 10.0, 5.0), bar(60, 11.0, 2.0), bar(120, 11.0, 9.0), bar(180, 9.0, 4.0)];
        let values = bars.map(|bar| Some(obv.next(&bar)));
        assert_eq!(values, [5.0, 7.0, 7.0, 3.0].map(Some));
    }

    #[test]
    fn no_flow_at_all_is_an_index_of_zero() {
        let mut mfi = Mfi::new(2);
        let last = [0, 60, 120].map(|second| mfi.next(&bar(second, 10.0, 1.0)))[2];
        assert_eq!(last, Some(0.0));
    }
}
