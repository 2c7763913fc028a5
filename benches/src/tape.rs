//! An invented market whose averages cross at every second bar, print by print.

use actors::bench::Events;
use anyhow::Context as _;
use chrono::{DateTime, SecondsFormat, TimeDelta};
use engine::instance::InstanceKey;
use engine::market::Trade;
use engine::strategy::Params;
use engine::{Asset, AssetClass, Ticker, Timestamp};
use rust_decimal::Decimal;
use std::fmt::Write as _;

/// Length of the bars.
pub const BAR_SECONDS: u32 = 1;

/// Start of every tape, 2026-01-05T15:00:00Z, seconds since the epoch.
const START_S: i64 = 1_767_625_200;

/// Seconds after which the prices repeat: two high, two low.
const PERIOD_S: u64 = 4;

/// Prints in the order of their times, going round the tickers.
///
/// `sma_cross` with averages of 2 and 3 bars changes its mind at every first bar of a new level.
#[derive(Clone, Debug)]
pub struct Tape {
    tickers: Vec<Ticker>,
    /// Prints of all tickers in a second of the tape.
    prints_per_second: u64,
    next: u64,
}

impl Tape {
    /// A tape of so many tickers and prints (of all tickers) a second. The prints must go round the
    /// tickers a whole number of times, so that every ticker has the same bars.
    pub fn new(tickers: usize, prints_per_second: u64) -> anyhow::Result<Self> {
        let names = (0..tickers).map(|index| Ticker::new(&format!("T{index:04}")));
        let tickers = names.collect::<Result<Vec<_>, _>>()?;
        let number = u64::try_from(tickers.len())?;
        anyhow::ensure!(number > 0 && prints_per_second.is_multiple_of(number), "uneven bars");
        Ok(Self { tickers, prints_per_second, next: 0 })
    }

    /// When it starts.
    pub fn start() -> Timestamp {
        DateTime::from_timestamp(START_S, 0).unwrap_or_default()
    }

    /// Prints of all tickers in a second of the tape.
    pub fn prints_per_second(&self) -> u64 {
        self.prints_per_second
    }

    /// How many seconds after the start of the tape an instant is.
    pub fn second_of(at: Timestamp) -> usize {
        usize::try_from(at.timestamp() - START_S).unwrap_or(0)
    }

    /// An instance of `sma_cross` on each ticker, and the assets.
    pub fn instances(&self) -> Vec<(InstanceKey, Asset)> {
        self.tickers.iter().map(|ticker| (instance_key(ticker), asset(ticker))).collect()
    }

    /// The signals that a whole, even number of seconds brings once the strategies are warm: each
    /// ticker's bar of every even second, which closes with the second that follows.
    pub fn signals_in(&self, seconds: u64) -> u64 {
        seconds / 2 * u64::try_from(self.tickers.len()).unwrap_or(u64::MAX)
    }

    /// The next seconds in frames of so many prints.
    pub fn frames(&mut self, seconds: u64, prints_per_frame: u64) -> Vec<Vec<Trade>> {
        let frames = seconds * self.prints_per_second / prints_per_frame;
        (0..frames).map(|_| (0..prints_per_frame).map(|_| self.print()).collect()).collect()
    }

    /// The same, as the feed is handed them.
    pub fn events(&mut self, seconds: u64, prints_per_frame: u64) -> Vec<Events> {
        self.frames(seconds, prints_per_frame).into_iter().map(Events::of).collect()
    }

    /// The same, as they are on the wire.
    pub fn wire(&mut self, seconds: u64, prints_per_frame: u64) -> anyhow::Result<Vec<Vec<u8>>> {
        self.frames(seconds, prints_per_frame).iter().map(|trades| wire(trades)).collect()
    }

    fn print(&mut self) -> Trade {
        let number = self.next;
        self.next += 1;
        let (second, within) = (number / self.prints_per_second, number % self.prints_per_second);
        let tickers = u64::try_from(self.tickers.len()).unwrap_or(1);
        let ticker = usize::try_from(number % tickers).unwrap_or(0);
        let level = if second % PERIOD_S < PERIOD_S / 2 { 101.0 } else { 100.0 };
        let cents = f64::from(u8::try_from(number % 5).unwrap_or(0)) / 100.0;
        let nanoseconds = within * 1_000_000_000 / self.prints_per_second;
        let seconds = TimeDelta::seconds(i64::try_from(second).unwrap_or(i64::MAX));
        let rest = TimeDelta::nanoseconds(i64::try_from(nanoseconds).unwrap_or(0));
        let at = Self::start() + seconds + rest;
        let ticker = self.tickers[ticker].clone();
        Trade { ticker, price: level + cents, size: 10.0, at, received_at: at }
    }
}

/// `sma_cross` with averages of 2 and 3 bars.
pub fn instance_key(ticker: &Ticker) -> InstanceKey {
    InstanceKey {
        strategy: "sma_cross".to_owned(),
        params: Params::from([("fast".to_owned(), 2.0), ("slow".to_owned(), 3.0)]),
        ticker: ticker.clone(),
        seconds: BAR_SECONDS,
    }
}

/// A stock that is traded by the share.
pub fn asset(ticker: &Ticker) -> Asset {
    Asset {
        ticker: ticker.clone(),
        class: AssetClass::UsEquity,
        tradable: true,
        quantity_step: Decimal::ONE,
        quantity_min: Decimal::ONE,
    }
}

/// A frame with every key that Alpaca sends, of which the engine reads some.
fn wire(trades: &[Trade]) -> anyhow::Result<Vec<u8>> {
    let mut text = String::from("[");
    for (index, trade) in trades.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let (ticker, price, size) = (&trade.ticker, trade.price, trade.size);
        let at = trade.at.to_rfc3339_opts(SecondsFormat::Nanos, true);
        write!(
            text,
            r#"{comma}{{"T":"t","S":"{ticker}","i":{index},"x":"V","p":{price:.2},"s":{size},"c":["@"],"z":"B","t":"{at}"}}"#
        )
        .context("text can be written to memory")?;
    }
    text.push(']');
    Ok(text.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::StandingClock;
    use actors::bench::FrameReader;
    use engine::bar::{BarBuilder, Step};
    use engine::instance::Instance;
    use std::sync::Arc;

    fn signals(trades: &[Trade], key: &InstanceKey) -> u64 {
        let strategy = strategies::build(&key.strategy, &key.params).unwrap();
        let mut instance = Instance::new(key.clone(), strategy);
        let mut builder = BarBuilder::new(key.seconds);
        let of_ticker = trades.iter().filter(|trade| trade.ticker == key.ticker);
        let closed = of_ticker.filter_map(|trade| {
            match builder.on_trade(trade.at, trade.price, trade.size) {
                Step::Closed(bar) => Some(bar),
                Step::Took => None,
                Step::Late => panic!("a tape is in order"),
            }
        });
        u64::try_from(closed.filter_map(|bar| instance.on_bar(&bar)).count()).unwrap()
    }

    #[test]
    fn averages_of_two_and_three_bars_cross_at_every_second_bar() {
        let mut tape = Tape::new(2, 10).unwrap();
        let keys = tape.instances();
        let warm_up: Vec<_> = tape.frames(8, 10).concat();
        let both: Vec<_> = warm_up.iter().cloned().chain(tape.frames(20, 10).concat()).collect();
        let count =
            |trades: &[Trade]| keys.iter().map(|(key, _)| signals(trades, key)).sum::<u64>();
        assert_eq!(count(&both) - count(&warm_up), tape.signals_in(20));
    }

    #[test]
    fn the_engine_reads_a_frame_of_the_tape_as_the_prints_it_was_made_of() {
        let mut tape = Tape::new(2, 10).unwrap();
        let (mut again, reader) =
            (tape.clone(), FrameReader::new(Arc::new(StandingClock(Tape::start()))));
        let read = reader.read(&tape.wire(1, 10).unwrap()[0]).unwrap();
        let written = again.frames(1, 10).concat();
        let stamped =
            written.into_iter().map(|trade| Trade { received_at: Tape::start(), ..trade });
        assert_eq!(format!("{read:?}"), format!("{:?}", Events::of(stamped)));
    }
}
