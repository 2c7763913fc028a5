//! The bars of a backtest, checked once: several tickers on one line of time.
#![cfg_attr(
    not(test),
    expect(clippy::float_arithmetic, reason = "market data is f64; money never is")
)]

use crate::bar::Bar;
use crate::clock::Timestamp;
use crate::metrics::returns::changes;
use crate::ticker::Ticker;
use std::sync::Arc;
use thiserror::Error;

/// Most bars of one ticker.
pub const BARS_MAX: usize = 50_000_000;

/// Most tickers of one backtest.
pub const TICKERS_MAX: usize = 500;

const DAY_SECONDS: i64 = 86_400;

/// The bars of one ticker: sorted by time, each one a possible market.
#[derive(Clone, Debug)]
pub struct Series {
    ticker: Ticker,
    bars: Arc<[Bar]>,
}

/// What a backtest runs on. Made once, shared by any number of runs.
#[derive(Clone, Debug)]
pub struct Market {
    legs: Vec<Series>,
    times: Arc<[Timestamp]>,
    observations: Vec<usize>,
    benchmark: Vec<f64>,
    benchmark_returns: Vec<f64>,
}

/// Bars that are no market data.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum DataError {
    /// Nothing was given.
    #[error("{what}: there are no bars")]
    Empty {
        /// The ticker, or `backtest`.
        what: String,
    },
    /// More than fits.
    #[error("{what}: {count}, at most {limit} are taken")]
    TooMany {
        /// What there is too much of.
        what: String,
        /// How many there are.
        count: usize,
        /// The most.
        limit: usize,
    },
    /// A ticker was given twice.
    #[error("{ticker} is given twice")]
    TickerTwice {
        /// The ticker.
        ticker: Ticker,
    },
    /// Tickers with bars of different lengths.
    #[error("{ticker} has bars of {seconds} s, {first} has bars of {first_seconds} s")]
    LengthsDiffer {
        /// The ticker.
        ticker: Ticker,
        /// Length of its bars.
        seconds: u32,
        /// The first ticker.
        first: Ticker,
        /// Length of its bars.
        first_seconds: u32,
    },
    /// A bar that cannot be.
    #[error("{ticker}, bar {row}: {fault}")]
    Bar {
        /// The ticker.
        ticker: Ticker,
        /// Which bar, the first one is 1.
        row: usize,
        /// What is wrong with it.
        fault: BarFault,
    },
}

/// What is wrong with a bar.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum BarFault {
    /// Not a number, or infinite.
    #[error("{field} is {value}, not a number")]
    NotFinite {
        /// `open`, `high`, `low`, `close` or `volume`.
        field: &'static str,
        /// What it is.
        value: f64,
    },
    /// A price of zero or below.
    #[error("{field} is {value}, a price is above zero")]
    NotPositive {
        /// The field.
        field: &'static str,
        /// What it is.
        value: f64,
    },
    /// A volume below zero.
    #[error("volume is {0}, below zero")]
    NegativeVolume(f64),
    /// The highest price is below the lowest.
    #[error("high {high} is below low {low}")]
    HighBelowLow {
        /// Highest price.
        high: f64,
        /// Lowest price.
        low: f64,
    },
    /// The open or the close is not between low and high.
    #[error("{field} {value} is outside low {low} to high {high}")]
    OutsideRange {
        /// `open` or `close`.
        field: &'static str,
        /// What it is.
        value: f64,
        /// Lowest price.
        low: f64,
        /// Highest price.
        high: f64,
    },
    /// The bar has the time of the one before.
    #[error("{0} is there twice")]
    Duplicate(Timestamp),
    /// The bar is older than the one before.
    #[error("{at} comes after {before}: sort the bars by time")]
    Unsorted {
        /// Its time.
        at: Timestamp,
        /// The time of the bar before.
        before: Timestamp,
    },
    /// The bar has another length than the first one.
    #[error("the bar is {seconds} s long, the first one {first} s")]
    LengthDiffers {
        /// Its length.
        seconds: u32,
        /// The length of the first bar.
        first: u32,
    },
}

impl Bar {
    /// Checks that the numbers can be a bar at all.
    pub fn check(&self) -> Result<(), BarFault> {
        let prices =
            [("open", self.open), ("high", self.high), ("low", self.low), ("close", self.close)];
        for (field, value) in prices {
            if !value.is_finite() {
                return Err(BarFault::NotFinite { field, value });
            }
            if value <= 0.0 {
                return Err(BarFault::NotPositive { field, value });
            }
        }
        if !self.volume.is_finite() {
            return Err(BarFault::NotFinite { field: "volume", value: self.volume });
        }
        if self.volume < 0.0 {
            return Err(BarFault::NegativeVolume(self.volume));
        }
        let (high, low) = (self.high, self.low);
        if high < low {
            return Err(BarFault::HighBelowLow { high, low });
        }
        for (field, value) in [("open", self.open), ("close", self.close)] {
            if value < low || value > high {
                return Err(BarFault::OutsideRange { field, value, low, high });
            }
        }
        Ok(())
    }
}

impl Series {
    /// Takes bars in the order of their time. A gap is no error: nothing happens in it, orders wait
    /// for the next bar.
    pub fn new(ticker: Ticker, bars: Vec<Bar>) -> Result<Self, DataError> {
        let Some(first) = bars.first() else {
            return Err(DataError::Empty { what: ticker.to_string() });
        };
        if bars.len() > BARS_MAX {
            let (what, count) = (format!("bars of {ticker}"), bars.len());
            return Err(DataError::TooMany { what, count, limit: BARS_MAX });
        }
        let seconds = first.seconds;
        let mut before = None;
        for (bar, row) in bars.iter().zip(1..) {
            let fault = |fault| DataError::Bar { ticker: ticker.clone(), row, fault };
            bar.check().map_err(fault)?;
            follows(bar, before, seconds).map_err(fault)?;
            before = Some(bar.at);
        }
        Ok(Self { ticker, bars: bars.into() })
    }

    /// Whose bars they are.
    pub fn ticker(&self) -> &Ticker {
        &self.ticker
    }

    /// The bars, oldest first.
    pub fn bars(&self) -> &[Bar] {
        &self.bars
    }

    fn seconds(&self) -> u32 {
        self.bars.first().map_or(0, |bar| bar.seconds)
    }
}

impl Market {
    /// Puts tickers on one line of time: each instant at which any of them has a bar is a step.
    pub fn new(legs: Vec<Series>) -> Result<Self, DataError> {
        let Some(first) = legs.first() else {
            return Err(DataError::Empty { what: "backtest".to_owned() });
        };
        if legs.len() > TICKERS_MAX {
            let (what, count) = ("tickers".to_owned(), legs.len());
            return Err(DataError::TooMany { what, count, limit: TICKERS_MAX });
        }
        for (leg, before) in legs.iter().zip(0_usize..) {
            if legs.iter().take(before).any(|other| other.ticker == leg.ticker) {
                return Err(DataError::TickerTwice { ticker: leg.ticker.clone() });
            }
            if leg.seconds() != first.seconds() {
                return Err(DataError::LengthsDiffer {
                    ticker: leg.ticker.clone(),
                    seconds: leg.seconds(),
                    first: first.ticker.clone(),
                    first_seconds: first.seconds(),
                });
            }
        }
        let times = merged_times(&legs);
        let observations = observations(&times);
        let benchmark = benchmark(&legs, &times, &observations);
        let benchmark_returns = changes(&benchmark);
        Ok(Self { legs, times, observations, benchmark, benchmark_returns })
    }

    /// The tickers with their bars.
    pub fn legs(&self) -> &[Series] {
        &self.legs
    }

    /// Start of the bars of each step, oldest first.
    pub fn times(&self) -> &[Timestamp] {
        &self.times
    }

    /// Length of the bars, seconds.
    pub fn bar_seconds(&self) -> u32 {
        self.legs.first().map_or(0, Series::seconds)
    }

    /// Bars of all tickers together.
    pub fn bars(&self) -> usize {
        self.legs.iter().fold(0, |sum, leg| sum.saturating_add(leg.bars.len()))
    }

    /// Steps that daily returns are taken between: the first one, then the last one of each UTC
    /// day. With daily bars: every step.
    pub fn observations(&self) -> &[usize] {
        &self.observations
    }

    /// Value of buy-and-hold at each observation, 1 at the start: the tickers in equal parts,
    /// bought at their first close, without costs or rounding.
    pub fn benchmark(&self) -> &[f64] {
        &self.benchmark
    }

    /// Returns of buy-and-hold between the observations.
    pub fn benchmark_returns(&self) -> &[f64] {
        &self.benchmark_returns
    }
}

fn follows(bar: &Bar, before: Option<Timestamp>, seconds: u32) -> Result<(), BarFault> {
    if bar.seconds != seconds {
        return Err(BarFault::LengthDiffers { seconds: bar.seconds, first: seconds });
    }
    match before {
        Some(before) if bar.at == before => Err(BarFault::Duplicate(before)),
        Some(before) if bar.at < before => Err(BarFault::Unsorted { at: bar.at, before }),
        Some(_) | None => Ok(()),
    }
}

fn merged_times(legs: &[Series]) -> Arc<[Timestamp]> {
    let mut times: Vec<Timestamp> =
        legs.iter().flat_map(|leg| leg.bars.iter().map(|bar| bar.at)).collect();
    if legs.len() > 1 {
        times.sort_unstable();
        times.dedup();
    }
    times.into()
}

/// The UTC day of an instant, counted from the epoch.
pub(super) fn day_of(at: Timestamp) -> i64 {
    at.timestamp().div_euclid(DAY_SECONDS)
}

fn observations(times: &[Timestamp]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut steps = times.iter().map(|at| day_of(*at)).enumerate().peekable();
    while let Some((step, day)) = steps.next() {
        let last_of_day = steps.peek().is_none_or(|(_, next)| *next != day);
        if step == 0 || last_of_day {
            found.push(step);
        }
    }
    found
}

fn benchmark(legs: &[Series], times: &[Timestamp], observations: &[usize]) -> Vec<f64> {
    let mut sums = vec![0.0; observations.len()];
    for leg in legs {
        let start = leg.bars.first().map_or(1.0, |bar| bar.close);
        let mut bars = leg.bars.iter().peekable();
        let mut price = start;
        for (sum, step) in sums.iter_mut().zip(observations) {
            let until = times.get(*step);
            while let Some(bar) = bars.next_if(|bar| Some(&bar.at) <= until) {
                price = bar.close;
            }
            *sum += price / start;
        }
    }
    let count = sums.first().copied().unwrap_or(1.0);
    sums.into_iter().map(|sum| sum / count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn bar(second: i64, close: f64) -> Bar {
        Bar {
            at: DateTime::from_timestamp(second, 0).unwrap(),
            seconds: 60,
            open: close,
            high: close + 1.0,
            low: close - 1.0,
            close,
            volume: 1.0,
            trades: 1,
        }
    }

    fn ticker(text: &str) -> Ticker {
        Ticker::new(text).unwrap()
    }

    fn series(text: &str, bars: Vec<Bar>) -> Result<Series, DataError> {
        Series::new(ticker(text), bars)
    }

    #[test]
    fn every_kind_of_bad_bar_is_refused_with_its_row_and_reason() {
        let good = bar(60, 10.0);
        let rows = [
            (Bar { open: f64::NAN, ..good }, "A, bar 2: open is NaN, not a number"),
            (Bar { low: 0.0, ..good }, "A, bar 2: low is 0, a price is above zero"),
            (Bar { close: -1.0, ..good }, "A, bar 2: close is -1, a price is above zero"),
            (Bar { high: 8.0, ..good }, "A, bar 2: high 8 is below low 9"),
            (Bar { close: 12.0, ..good }, "A, bar 2: close 12 is outside low 9 to high 11"),
            (Bar { volume: -1.0, ..good }, "A, bar 2: volume is -1, below zero"),
            (Bar { seconds: 5, ..good }, "A, bar 2: the bar is 5 s long, the first one 60 s"),
            (bar(0, 10.0), "A, bar 2: 1970-01-01 00:00:00 UTC is there twice"),
            (
                bar(-60, 10.0),
                "A, bar 2: 1969-12-31 23:59:00 UTC comes after 1970-01-01 00:00:00 UTC: sort the bars by time",
            ),
        ];
        for (bad, message) in rows {
            let error = series("A", vec![bar(0, 10.0), bad]).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
        assert_eq!(series("A", vec![]).unwrap_err().to_string(), "A: there are no bars");
    }

    #[test]
    fn tickers_are_merged_by_time_and_days_end_with_their_last_bar() {
        let day = DAY_SECONDS;
        let first = series("A", vec![bar(0, 10.0), bar(60, 11.0), bar(day, 12.0)]).unwrap();
        let second = series("B", vec![bar(60, 20.0), bar(day + 60, 30.0)]).unwrap();
        let market = Market::new(vec![first, second]).unwrap();
        let seconds: Vec<_> = market.times().iter().map(DateTime::timestamp).collect();
        assert_eq!(seconds, [0, 60, day, day + 60]);
        assert_eq!(market.observations(), [0, 1, 3]);
        assert_eq!(market.benchmark(), [1.0, 1.05, f64::midpoint(1.2, 1.5)]);
        assert_eq!(market.bars(), 5);
    }

    #[test]
    fn a_ticker_given_twice_or_with_other_bars_is_refused() {
        let one = series("A", vec![bar(0, 10.0)]).unwrap();
        assert!(matches!(
            Market::new(vec![one.clone(), one.clone()]),
            Err(DataError::TickerTwice { .. })
        ));
        let daily = series("B", vec![Bar { seconds: 86_400, ..bar(0, 10.0) }]).unwrap();
        assert!(matches!(Market::new(vec![one, daily]), Err(DataError::LengthsDiffer { .. })));
        assert!(matches!(Market::new(vec![]), Err(DataError::Empty { .. })));
    }
}
