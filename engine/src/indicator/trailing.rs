//! Lines that follow a trend and turn with it.
#![cfg_attr(
    not(test),
    expect(clippy::float_arithmetic, reason = "market data is f64; money never is")
)]

use super::range::Atr;
use crate::bar::Bar;
use serde::{Deserialize, Serialize};

/// A line some average true ranges away from the middle of the bar that only moves towards the
/// price, until a close beyond it turns it (Olivier Seban; TA-Lib `SUPERTREND`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuperTrend {
    range: Atr,
    multiplier: f64,
    state: Option<SuperTrendState>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct SuperTrendState {
    upper: f64,
    lower: f64,
    close: f64,
    rising: bool,
}

/// The line of [`SuperTrend`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuperTrendLine {
    /// Below the price in a rise, above it in a fall.
    pub value: f64,
    /// Whether the trend is upwards; the first one is.
    pub rising: bool,
}

/// Parabolic stop and reverse (J. Welles Wilder, *New Concepts in Technical Trading Systems*, 1978;
/// TA-Lib `SAR`): a stop that accelerates towards the price with every new extreme.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParabolicSar {
    step: f64,
    max: f64,
    before: Option<Extent>,
    state: Option<SarState>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Extent {
    high: f64,
    low: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct SarState {
    rising: bool,
    /// The stop of the next bar.
    stop: f64,
    /// Highest high of the rise, lowest low of the fall.
    extreme: f64,
    acceleration: f64,
}

impl SuperTrend {
    /// Ranges of `period` bars, 1 to [`PERIOD_MAX`](super::PERIOD_MAX), and how many of them.
    pub fn new(period: u16, multiplier: f64) -> Self {
        Self { range: Atr::new(period), multiplier, state: None }
    }

    /// Takes a bar; the line, once `period` ranges are there.
    #[inline]
    pub fn next(&mut self, bar: &Bar) -> Option<SuperTrendLine> {
        let reach = self.multiplier * self.range.next(bar)?;
        let middle = f64::midpoint(bar.high, bar.low);
        let (upper, lower, close) = (middle + reach, middle - reach, bar.close);
        let state = match self.state {
            None => SuperTrendState { upper, lower, close, rising: true },
            Some(before) => {
                let closer = upper < before.upper || before.close > before.upper;
                let upper = if closer { upper } else { before.upper };
                let closer = lower > before.lower || before.close < before.lower;
                let lower = if closer { lower } else { before.lower };
                let rising = if before.rising { close >= lower } else { close > upper };
                SuperTrendState { upper, lower, close, rising }
            }
        };
        self.state = Some(state);
        let value = if state.rising { state.lower } else { state.upper };
        Some(SuperTrendLine { value, rising: state.rising })
    }
}

impl ParabolicSar {
    /// An acceleration that grows by `step` up to `max`.
    pub fn new(step: f64, max: f64) -> Self {
        Self { step: step.min(max), max, before: None, state: None }
    }

    /// Takes a bar; the stop, from the second bar on.
    #[inline]
    pub fn next(&mut self, bar: &Bar) -> Option<f64> {
        let now = Extent { high: bar.high, low: bar.low };
        let before = self.before.replace(now)?;
        // On the second bar TA-Lib takes the bar itself for the one before.
        let (state, before) = match self.state {
            Some(state) => (state, before),
            None => (self.begin(before, now), now),
        };
        let is_broken = if state.rising { now.low <= state.stop } else { now.high >= state.stop };
        let (state, value) = if is_broken {
            self.reverse(state, before, now)
        } else {
            self.go_on(state, before, now)
        };
        self.state = Some(state);
        Some(value)
    }

    /// A rise, unless the lows have moved further down than the highs up.
    fn begin(&self, before: Extent, now: Extent) -> SarState {
        let (up, down) = (now.high - before.high, before.low - now.low);
        let acceleration = self.step;
        if down > 0.0 && down > up {
            SarState { rising: false, stop: before.high, extreme: now.low, acceleration }
        } else {
            SarState { rising: true, stop: before.low, extreme: now.high, acceleration }
        }
    }

    fn reverse(&self, state: SarState, before: Extent, now: Extent) -> (SarState, f64) {
        let rising = !state.rising;
        let value = outside(rising, state.extreme, before, now);
        let extreme = if rising { now.high } else { now.low };
        let acceleration = self.step;
        let stop = outside(rising, value + acceleration * (extreme - value), before, now);
        (SarState { rising, stop, extreme, acceleration }, value)
    }

    fn go_on(&self, state: SarState, before: Extent, now: Extent) -> (SarState, f64) {
        let SarState { rising, stop: value, mut extreme, mut acceleration } = state;
        let newest = if rising { now.high } else { now.low };
        if (rising && newest > extreme) || (!rising && newest < extreme) {
            extreme = newest;
            acceleration = (acceleration + self.step).min(self.max);
        }
        let stop = outside(rising, value + acceleration * (extreme - value), before, now);
        (SarState { rising, stop, extreme, acceleration }, value)
    }
}

/// The stop, moved out of the range of this bar and the one before.
fn outside(rising: bool, stop: f64, before: Extent, now: Extent) -> f64 {
    if rising { stop.min(before.low).min(now.low) } else { stop.max(before.high).max(now.high) }
}
