//! Bars and how they are built from prints.
#![cfg_attr(
    not(test),
    expect(clippy::float_arithmetic, reason = "market data is f64; money never is")
)]

use crate::clock::Timestamp;
use chrono::DateTime;
use serde::{Deserialize, Serialize};

/// Longest bar: one day.
pub const BAR_SECONDS_MAX: u32 = 86_400;

/// Open, high, low, close and volume of one interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// Start of the interval, inclusive.
    pub at: Timestamp,
    /// Length of the interval.
    pub seconds: u32,
    /// First price, US dollars.
    pub open: f64,
    /// Highest price, US dollars.
    pub high: f64,
    /// Lowest price, US dollars.
    pub low: f64,
    /// Last price, US dollars.
    pub close: f64,
    /// Shares or coins traded.
    pub volume: f64,
    /// Number of prints.
    pub trades: u64,
}

/// What a print did to the bar in progress.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// It belongs to the bar in progress.
    Took,
    /// It opened the next bar, and this one is over.
    Closed(Bar),
    /// Its interval was closed before: it is counted and changes nothing.
    Late,
}

/// Builds the bars of one length for one ticker, by the venue's time.
///
/// Bars start at whole multiples of their length since the epoch. An interval without a print has
/// no bar. A closed bar is never re-opened.
#[derive(Clone, Debug)]
pub struct BarBuilder {
    seconds: u32,
    current: Option<Bar>,
    closed_until: Option<Timestamp>,
    late: u64,
}

impl Bar {
    /// End of the interval, exclusive: the instant at which the bar is known.
    pub fn end(&self) -> Timestamp {
        let length = chrono::TimeDelta::seconds(i64::from(self.seconds));
        self.at.checked_add_signed(length).unwrap_or(self.at)
    }
}

impl BarBuilder {
    /// A builder of bars of `seconds` (1 to [`BAR_SECONDS_MAX`]).
    pub fn new(seconds: u32) -> Self {
        let seconds = seconds.clamp(1, BAR_SECONDS_MAX);
        Self { seconds, current: None, closed_until: None, late: 0 }
    }

    /// Length of the bars.
    pub fn seconds(&self) -> u32 {
        self.seconds
    }

    /// Prints that came after their bar was closed.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// The bar in progress.
    pub fn current(&self) -> Option<&Bar> {
        self.current.as_ref()
    }

    /// Everything that ended by `until` is history: its prints are late from now on.
    pub fn close_history(&mut self, until: Timestamp) {
        self.closed_until = self.closed_until.max(Some(until));
    }

    /// Takes a print.
    pub fn on_trade(&mut self, at: Timestamp, price: f64, size: f64) -> Step {
        let start = interval_start(at, self.seconds);
        if self.closed_until.is_some_and(|until| start < until) {
            self.late = self.late.saturating_add(1);
            return Step::Late;
        }
        match &mut self.current {
            Some(bar) if bar.at == start => {
                bar.high = bar.high.max(price);
                bar.low = bar.low.min(price);
                bar.close = price;
                bar.volume += size;
                bar.trades = bar.trades.saturating_add(1);
                Step::Took
            }
            Some(bar) if start < bar.at => {
                self.late = self.late.saturating_add(1);
                Step::Late
            }
            _ => {
                let seconds = self.seconds;
                let fresh = Bar {
                    at: start,
                    seconds,
                    open: price,
                    high: price,
                    low: price,
                    close: price,
                    volume: size,
                    trades: 1,
                };
                match self.current.replace(fresh) {
                    Some(done) => {
                        self.closed_until = Some(done.end());
                        Step::Closed(done)
                    }
                    None => Step::Took,
                }
            }
        }
    }

    /// The venue's clock has reached `now`: closes the bar in progress when its time is over.
    pub fn on_time(&mut self, now: Timestamp) -> Option<Bar> {
        let done = self.current.take_if(|bar| bar.end() <= now)?;
        self.closed_until = Some(done.end());
        Some(done)
    }
}

/// Start of the interval of `seconds` that holds `at`.
pub fn interval_start(at: Timestamp, seconds: u32) -> Timestamp {
    let length = i64::from(seconds.max(1));
    let second = at.timestamp();
    let start = second.saturating_sub(second.checked_rem_euclid(length).unwrap_or(0));
    DateTime::from_timestamp(start, 0).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64, milli: u32) -> Timestamp {
        DateTime::from_timestamp(second, milli * 1_000_000).unwrap()
    }

    #[test]
    fn a_bar_is_the_first_highest_lowest_and_last_print_of_its_interval() {
        let mut builder = BarBuilder::new(60);
        for (second, price) in [(60, 10.0), (70, 12.0), (80, 9.0), (119, 11.0)] {
            assert_eq!(builder.on_trade(at(second, 0), price, 2.0), Step::Took);
        }
        let Step::Closed(bar) = builder.on_trade(at(120, 0), 11.5, 1.0) else {
            panic!("not closed")
        };
        assert_eq!((bar.open, bar.high, bar.low, bar.close), (10.0, 12.0, 9.0, 11.0));
        assert_eq!((bar.at, bar.end(), bar.trades), (at(60, 0), at(120, 0), 4));
        assert!((bar.volume - 8.0).abs() < 1e-12);
    }

    #[test]
    fn the_clock_closes_a_bar_that_no_further_print_follows() {
        let mut builder = BarBuilder::new(5);
        builder.on_trade(at(11, 0), 1.0, 1.0);
        assert_eq!(builder.on_time(at(14, 999)), None);
        let bar = builder.on_time(at(15, 0)).unwrap();
        assert_eq!(bar.at, at(10, 0));
        assert_eq!(builder.on_time(at(99, 0)), None, "one bar closes once");
    }

    #[test]
    fn a_late_print_is_counted_and_never_reopens_a_bar() {
        let mut builder = BarBuilder::new(5);
        builder.on_trade(at(11, 0), 1.0, 1.0);
        builder.on_time(at(15, 0)).unwrap();
        assert_eq!(builder.on_trade(at(14, 999), 9.0, 1.0), Step::Late);
        builder.on_trade(at(21, 0), 2.0, 1.0);
        assert_eq!(builder.on_trade(at(16, 0), 9.0, 1.0), Step::Late, "older than the open bar");
        assert_eq!(builder.late(), 2);
        assert!(builder.current().unwrap().high < 9.0);
    }

    #[test]
    fn bars_before_the_epoch_are_aligned_too() {
        assert_eq!(interval_start(at(-1, 0), 60), at(-60, 0));
    }
}
