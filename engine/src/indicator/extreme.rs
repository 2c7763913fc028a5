//! The highest or lowest of the last n numbers, and how long ago it was.
#![cfg_attr(
    not(test),
    expect(clippy::float_arithmetic, reason = "market data is f64; money never is")
)]

use super::PERIOD_MAX;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The highest value of a window. Of equal ones the newest counts, as TA-Lib has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Highest(Extreme);

/// The lowest value of a window. Of equal ones the newest counts, as TA-Lib has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lowest(Extreme);

/// Only values that can still become the greatest are kept, each with the number of its bar: every
/// value enters and leaves once, so a bar costs the same on average whatever the period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Extreme {
    period: u64,
    /// Bars taken so far.
    bars: u64,
    /// From the greatest to the newest.
    candidates: VecDeque<(u64, f64)>,
}

/// An extreme value of a full window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extremum {
    /// The value.
    pub value: f64,
    /// Bars since then; 0 is the newest bar.
    pub age: u64,
}

impl Highest {
    /// Of a window of `period` values, 1 to [`PERIOD_MAX`] + 1.
    pub fn new(period: u16) -> Self {
        Self(Extreme::new(period))
    }

    /// Takes a value; the highest, once the window is full.
    #[inline]
    pub fn next(&mut self, value: f64) -> Option<Extremum> {
        self.0.push(value)
    }
}

impl Lowest {
    /// Of a window of `period` values, 1 to [`PERIOD_MAX`] + 1.
    pub fn new(period: u16) -> Self {
        Self(Extreme::new(period))
    }

    /// Takes a value; the lowest, once the window is full.
    #[inline]
    pub fn next(&mut self, value: f64) -> Option<Extremum> {
        let Extremum { value, age } = self.0.push(-value)?;
        Some(Extremum { value: -value, age })
    }
}

impl Extreme {
    fn new(period: u16) -> Self {
        // One more than the longest period: Aroon looks at period + 1 bars.
        let period = period.clamp(1, PERIOD_MAX.saturating_add(1));
        let candidates = VecDeque::with_capacity(usize::from(period));
        Self { period: u64::from(period), bars: 0, candidates }
    }

    fn push(&mut self, value: f64) -> Option<Extremum> {
        let bar = self.bars;
        self.bars = bar.saturating_add(1);
        if self.candidates.front().is_some_and(|(at, _)| bar.saturating_sub(*at) >= self.period) {
            self.candidates.pop_front();
        }
        while self.candidates.back().is_some_and(|(_, other)| *other <= value) {
            self.candidates.pop_back();
        }
        self.candidates.push_back((bar, value));
        let (at, value) = *self.candidates.front()?;
        (self.bars >= self.period).then_some(Extremum { value, age: bar.saturating_sub(at) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extreme_of_a_window_leaves_with_its_bar_and_the_newest_of_equals_counts() {
        let (mut highest, mut lowest) = (Highest::new(3), Lowest::new(3));
        let values = [5.0, 1.0, 4.0, 4.0, 2.0, 3.0];
        let of = |found: Option<Extremum>| found.map(|found| (found.value, found.age));
        let highs: Vec<_> = values.iter().map(|value| of(highest.next(*value))).collect();
        let lows: Vec<_> = values.iter().map(|value| of(lowest.next(*value))).collect();
        let some = |value, age| Some((value, age));
        assert_eq!(highs, [None, None, some(5.0, 2), some(4.0, 0), some(4.0, 1), some(4.0, 2)]);
        assert_eq!(lows, [None, None, some(1.0, 1), some(1.0, 2), some(2.0, 0), some(2.0, 1)]);
    }
}
