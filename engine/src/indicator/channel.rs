//! Channels around the price.
#![cfg_attr(
    not(test),
    expect(clippy::float_arithmetic, reason = "market data is f64; money never is")
)]

use super::average::Ema;
use super::extreme::{Highest, Lowest};
use super::range::{Atr, typical_price};
use super::{PERIOD_MAX, StdDev};
use crate::bar::Bar;
use serde::{Deserialize, Serialize};

/// An upper, a middle and a lower line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bands {
    /// The upper line.
    pub upper: f64,
    /// The line between.
    pub middle: f64,
    /// The lower line.
    pub lower: f64,
}

/// Bollinger bands (John Bollinger; TA-Lib `BBANDS`): the simple average and a number of population
/// standard deviations to either side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bollinger {
    deviation: StdDev,
    deviations: f64,
}

/// Donchian channel (TA-Lib `DONCHIAN`): the highest high and the lowest low of the last `period`
/// bars, the newest included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Donchian {
    highest: Highest,
    lowest: Lowest,
}

/// Keltner channel as TA-Lib's `KC` has it: the EMA of the typical price and a number of average
/// true ranges to either side.
///
/// The shorter of the two averages is left out of the first bars, so that both are seeded by the
/// bars just before the first channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Keltner {
    /// Bars that the average has yet to leave out.
    middle_skip: u16,
    middle: Ema,
    /// Bars that the ranges have yet to leave out.
    range_skip: u16,
    range: Atr,
    multiplier: f64,
}

/// Ichimoku Kinko Hyo (TA-Lib `ICHIMOKU`). The spans are those computed at a bar; a chart draws
/// them `kijun` bars further on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ichimoku {
    tenkan: Donchian,
    kijun: Donchian,
    senkou: Donchian,
}

/// The lines of [`Ichimoku`], each from where its window is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IchimokuLines {
    /// Conversion line: middle of the shortest channel.
    pub tenkan: Option<f64>,
    /// Base line: middle of the medium channel.
    pub kijun: Option<f64>,
    /// First span of the cloud: middle of conversion and base line.
    pub span_a: Option<f64>,
    /// Second span of the cloud: middle of the longest channel.
    pub span_b: Option<f64>,
}

impl Bollinger {
    /// Bands over `period` bars, 2 to [`PERIOD_MAX`].
    pub fn new(period: u16, deviations: f64) -> Self {
        Self { deviation: StdDev::new(period), deviations }
    }

    /// Takes the next close; the bands, once `period` closes are there.
    #[inline]
    pub fn next(&mut self, close: f64) -> Option<Bands> {
        let (middle, deviation) = self.deviation.next(close)?;
        let reach = self.deviations * deviation;
        Some(Bands { upper: middle + reach, middle, lower: middle - reach })
    }
}

impl Donchian {
    /// The channel of `period` bars, 1 to [`PERIOD_MAX`].
    pub fn new(period: u16) -> Self {
        let period = period.min(PERIOD_MAX);
        Self { highest: Highest::new(period), lowest: Lowest::new(period) }
    }

    /// Takes a bar; the channel, once `period` bars are there.
    #[inline]
    pub fn next(&mut self, bar: &Bar) -> Option<Bands> {
        let (highest, lowest) = (self.highest.next(bar.high), self.lowest.next(bar.low));
        let (upper, lower) = (highest?.value, lowest?.value);
        Some(Bands { upper, middle: f64::midpoint(upper, lower), lower })
    }
}

impl Keltner {
    /// An average of `period` bars, ranges of `range_period` bars, each 1 to [`PERIOD_MAX`].
    pub fn new(period: u16, range_period: u16, multiplier: f64) -> Self {
        let (period, range_period) =
            (period.clamp(1, PERIOD_MAX), range_period.clamp(1, PERIOD_MAX));
        // An average answers with its last bar; a range needs the close before its first.
        let (middle_bars, range_bars) = (period, range_period.saturating_add(1));
        Self {
            middle_skip: range_bars.saturating_sub(middle_bars),
            middle: Ema::new(period),
            range_skip: middle_bars.saturating_sub(range_bars),
            range: Atr::new(range_period),
            multiplier,
        }
    }

    /// Takes a bar; the channel, once both averages are there.
    #[inline]
    pub fn next(&mut self, bar: &Bar) -> Option<Bands> {
        let middle = match self.middle_skip.checked_sub(1) {
            Some(skip) => {
                self.middle_skip = skip;
                None
            }
            None => self.middle.next(typical_price(bar)),
        };
        let range = match self.range_skip.checked_sub(1) {
            Some(skip) => {
                self.range_skip = skip;
                None
            }
            None => self.range.next(bar),
        };
        let (middle, reach) = (middle?, self.multiplier * range?);
        Some(Bands { upper: middle + reach, middle, lower: middle - reach })
    }
}

impl Ichimoku {
    /// Channels of so many bars, each 1 to [`PERIOD_MAX`].
    pub fn new(tenkan: u16, kijun: u16, senkou: u16) -> Self {
        Self {
            tenkan: Donchian::new(tenkan),
            kijun: Donchian::new(kijun),
            senkou: Donchian::new(senkou),
        }
    }

    /// Takes a bar; the lines that are there.
    #[inline]
    pub fn next(&mut self, bar: &Bar) -> IchimokuLines {
        let middle = |channel: &mut Donchian| channel.next(bar).map(|bands| bands.middle);
        let (tenkan, kijun) = (middle(&mut self.tenkan), middle(&mut self.kijun));
        let span_a = tenkan.zip(kijun).map(|(tenkan, kijun)| f64::midpoint(tenkan, kijun));
        IchimokuLines { tenkan, kijun, span_a, span_b: middle(&mut self.senkou) }
    }
}
