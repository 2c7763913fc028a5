//! Wilder's directional movement.
#![cfg_attr(
    not(test),
    expect(clippy::float_arithmetic, reason = "market data is f64; money never is")
)]

use super::PERIOD_MAX;
use super::range::true_range;
use crate::bar::Bar;
use serde::{Deserialize, Serialize};

/// Average directional index with its two indicators (J. Welles Wilder, *New Concepts in Technical
/// Trading Systems*, 1978; TA-Lib `ADX`, `PLUS_DI`, `MINUS_DI`), each 0 to 100.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adx {
    period: f64,
    before: Option<Extent>,
    /// Movements taken so far, at most `period` - 1: until then they are only summed up.
    moves: f64,
    plus: f64,
    minus: f64,
    range: f64,
    /// Directional indices taken into the seed so far, at most `period`.
    indices: f64,
    /// Sum of the directional indices while seeding, their Wilder average after.
    strength: f64,
}

/// The lines of [`Adx`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DirectionalLines {
    /// Strength of the trend whatever its direction; there after 2 × period bars.
    pub adx: Option<f64>,
    /// Strength of the rise.
    pub plus: f64,
    /// Strength of the fall.
    pub minus: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Extent {
    high: f64,
    low: f64,
    close: f64,
}

impl Adx {
    /// The index over `period` movements, 2 to [`PERIOD_MAX`].
    pub fn new(period: u16) -> Self {
        Self {
            period: f64::from(period.clamp(2, PERIOD_MAX)),
            before: None,
            moves: 0.0,
            plus: 0.0,
            minus: 0.0,
            range: 0.0,
            indices: 0.0,
            strength: 0.0,
        }
    }

    /// Takes a bar; the indicators from the bar after `period` bars on.
    #[inline]
    pub fn next(&mut self, bar: &Bar) -> Option<DirectionalLines> {
        let extent = Extent { high: bar.high, low: bar.low, close: bar.close };
        let before = self.before.replace(extent)?;
        let (up, down) = (bar.high - before.high, before.low - bar.low);
        let plus = if up > 0.0 && up > down { up } else { 0.0 };
        let minus = if down > 0.0 && down > up { down } else { 0.0 };
        let range = true_range(bar, before.close);
        if self.moves < self.period - 1.0 {
            self.moves += 1.0;
            self.plus += plus;
            self.minus += minus;
            self.range += range;
            return None;
        }
        self.plus += plus - self.plus / self.period;
        self.minus += minus - self.minus / self.period;
        self.range += range - self.range / self.period;
        let share = |moved: f64| if self.range > 0.0 { 100.0 * (moved / self.range) } else { 0.0 };
        let (plus, minus) = (share(self.plus), share(self.minus));
        Some(DirectionalLines { adx: self.index(plus, minus), plus, minus })
    }

    /// Takes the directional index of a bar. A bar without any movement has none.
    fn index(&mut self, plus: f64, minus: f64) -> Option<f64> {
        let both = plus + minus;
        let moved = self.range > 0.0 && both >= f64::EPSILON;
        let index = moved.then(|| 100.0 * ((minus - plus).abs() / both));
        if self.indices < self.period {
            self.indices += 1.0;
            self.strength += index.unwrap_or(0.0);
            if self.indices < self.period {
                return None;
            }
            self.strength /= self.period;
        } else if let Some(index) = index {
            self.strength += (index - self.strength) / self.period;
        }
        Some(self.strength)
    }
}
