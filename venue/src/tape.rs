//! All recordings as one tape: their rows become market events, merged by time in bounded memory,
//! and cut into steps.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::assets::{Asset, AssetTable};
use crate::clock::nanoseconds;
use crate::library::Library;
use crate::market::{Bar, Happening, MarketEvent, Quote, Trade};
use crate::number;
use crate::recording::{BarRow, Broken, QuoteRow, Row, Rows};

/// Events in one step, at most.
const STEP_EVENTS_MAX: usize = 1_000;
const MINUTE_NS: i64 = 60_000_000_000;
const DAY_SECONDS: i64 = 86_400;
/// A bar's volume is split over its four prints.
const PRINTS_PER_BAR: i64 = 4;

/// One event, and the recorded bar that it ends, if it ends one.
#[derive(Clone, Debug)]
pub(crate) struct TapeEvent {
    pub(crate) event: MarketEvent,
    pub(crate) bar: Option<Bar>,
}

/// What the tape has read so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) rows: u64,
    pub(crate) bars: u64,
    pub(crate) trades: u64,
    pub(crate) quotes: u64,
    pub(crate) broken_lines: u64,
    pub(crate) dropped_bars: u64,
}

/// Events that are played together, and the counts up to their end.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) events: Vec<TapeEvent>,
    pub(crate) counts: Counts,
}

/// Which of two events at the same time comes first: the end of a bar, so that what follows from
/// its close is in place when the next bar opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    BarEnd,
    Print,
}

type Key = (i64, Rank, usize);

/// The merged tape: an iterator over its steps.
pub(crate) struct Tape {
    lanes: Vec<Lane>,
    heads: BinaryHeap<Reverse<Key>>,
    next_trade_id: u64,
}

struct Lane {
    asset: Arc<Asset>,
    rows: Rows,
    /// The row after the one that is being played.
    lookahead: Option<Row>,
    /// The bar length; zero for trades and quotes.
    length: TimeDelta,
    covered_seconds: Vec<i64>,
    pending: VecDeque<(i64, Rank, TapeEvent)>,
    last_price: Decimal,
    counts: Counts,
}

impl Tape {
    /// The tape of a library, at its beginning.
    pub(crate) fn new(library: &Library, assets: &AssetTable) -> Self {
        let lanes = library
            .recordings
            .iter()
            .filter_map(|recording| {
                let asset = Arc::clone(assets.find(&recording.ticker)?);
                let mut rows = match recording.rows(Broken::Named) {
                    Ok(rows) => rows,
                    Err(reason) => {
                        tracing::warn!(file = %recording.path.display(), %reason, "left a file out of the replay");
                        return None;
                    }
                };
                let covered = library.covered_seconds.get(&recording.ticker);
                Some(Lane {
                    asset,
                    lookahead: rows.next(),
                    rows,
                    length: TimeDelta::seconds(recording.bar_seconds.map_or(0, i64::from)),
                    covered_seconds: covered.cloned().unwrap_or_default(),
                    pending: VecDeque::new(),
                    last_price: Decimal::ZERO,
                    counts: Counts::default(),
                })
            })
            .collect();
        let mut tape = Self { lanes, heads: BinaryHeap::new(), next_trade_id: 1 };
        (0..tape.lanes.len()).for_each(|index| tape.queue_head(index));
        tape
    }

    fn queue_head(&mut self, index: usize) {
        let lane = &mut self.lanes[index];
        lane.fill();
        if let Some((at, rank, _)) = lane.pending.front() {
            self.heads.push(Reverse((*at, *rank, index)));
        }
    }

    fn pop(&mut self) -> Option<TapeEvent> {
        let Reverse((_, _, index)) = self.heads.pop()?;
        let (_, _, mut event) = self.lanes[index].pending.pop_front()?;
        self.queue_head(index);
        if let Happening::Trade(trade) | Happening::OpenTrade(trade) | Happening::PathTrade(trade) =
            &mut event.event.what
        {
            trade.id = self.next_trade_id;
            self.next_trade_id += 1;
        }
        Some(event)
    }

    fn counts(&self) -> Counts {
        self.lanes.iter().map(|lane| lane.counts).fold(Counts::default(), Counts::plus)
    }
}

impl Iterator for Tape {
    type Item = Step;

    /// The next step: it ends with the bars that end at one moment, with a full minute, or when it
    /// is long.
    fn next(&mut self) -> Option<Step> {
        let Reverse((first_at, first_rank, _)) = *self.heads.peek()?;
        let minute = minute_of(first_at, first_rank);
        let mut events = Vec::new();
        let mut ended_at: Option<i64> = None;
        while let Some(&Reverse((at, rank, _))) = self.heads.peek() {
            let goes_on = match ended_at {
                Some(ended_at) => rank == Rank::BarEnd && at == ended_at,
                None => minute_of(at, rank) == minute && events.len() < STEP_EVENTS_MAX,
            };
            if !goes_on {
                break;
            }
            if rank == Rank::BarEnd {
                ended_at = Some(at);
            }
            events.extend(self.pop());
        }
        Some(Step { events, counts: self.counts() })
    }
}

/// The minute that an event belongs to; the end of a bar still belongs to the minute before it.
fn minute_of(at: i64, rank: Rank) -> i64 {
    match rank {
        Rank::BarEnd => (at - 1).div_euclid(MINUTE_NS),
        Rank::Print => at.div_euclid(MINUTE_NS),
    }
}

impl Counts {
    fn plus(self, other: Self) -> Self {
        Self {
            rows: self.rows + other.rows,
            bars: self.bars + other.bars,
            trades: self.trades + other.trades,
            quotes: self.quotes + other.quotes,
            broken_lines: self.broken_lines + other.broken_lines,
            dropped_bars: self.dropped_bars + other.dropped_bars,
        }
    }
}

impl Lane {
    /// Reads on until something is pending or the file ends.
    fn fill(&mut self) {
        while self.pending.is_empty() {
            let Some(row) = self.lookahead.take() else { break };
            self.lookahead = self.rows.next();
            self.counts.rows += 1;
            match row {
                Row::Bar(bar) => self.bar(&bar),
                Row::Trade { at, price, size } => {
                    self.counts.trades += 1;
                    let trade = self.trade(at, price, size);
                    self.push(at, Rank::Print, Happening::Trade(trade), None);
                }
                Row::Quote(quote) => self.quote(&quote),
            }
        }
        self.counts.broken_lines = self.rows.broken_lines;
    }

    fn quote(&mut self, row: &QuoteRow) {
        self.counts.quotes += 1;
        let QuoteRow { at, bid, bid_size, ask, ask_size } = *row;
        let nothing_offered = bid_size.is_zero() && ask_size.is_zero();
        let quote = Quote { at, bid, bid_size, ask, ask_size };
        let what =
            if nothing_offered { Happening::BarOver(quote) } else { Happening::Quote(quote) };
        self.push(at, Rank::Print, what, None);
    }

    /// A bar becomes four prints and the news that it is over.
    fn bar(&mut self, row: &BarRow) {
        let next = self.lookahead.as_ref().map(Row::at);
        // The next bar may start early; this one must be over by then.
        let length = next.map_or(self.length, |next| self.length.min(next - row.at));
        let end = row.at + length;
        if self.is_covered(row.at, end) {
            self.counts.dropped_bars += 1;
            return;
        }
        self.counts.bars += 1;
        let [first, second] =
            if row.close >= row.open { [row.low, row.high] } else { [row.high, row.low] };
        let places = number::decimals(row.volume);
        let quarter = (row.volume / Decimal::from(PRINTS_PER_BAR))
            .round_dp_with_strategy(places, RoundingStrategy::ToZero);
        let rest = row.volume - quarter * Decimal::from(PRINTS_PER_BAR - 1);

        let open = self.trade(row.at, row.open, quarter);
        self.push(row.at, Rank::Print, Happening::OpenTrade(open), None);
        let way = [
            (row.at + length / 4, first, quarter),
            (row.at + length / 2, second, quarter),
            (end - TimeDelta::milliseconds(1), row.close, rest),
        ];
        for (at, price, size) in way {
            let trade = self.trade(at, price, size);
            self.push(at, Rank::Print, Happening::PathTrade(trade), None);
        }
        self.bar_end(row, end);
    }

    fn bar_end(&mut self, row: &BarRow, end: DateTime<Utc>) {
        let bar = Bar {
            at: row.at,
            open: row.open,
            high: row.high,
            low: row.low,
            close: row.close,
            volume: row.volume,
            trades: PRINTS_PER_BAR.unsigned_abs(),
            turnover: row.volume * (row.open + row.high + row.low + row.close)
                / Decimal::from(PRINTS_PER_BAR),
        };
        match self.length.num_seconds() {
            60 => self.push(end, Rank::BarEnd, Happening::Minute(bar.clone()), None),
            DAY_SECONDS => self.push(end, Rank::BarEnd, Happening::Day(bar.clone()), None),
            _ => {}
        }
        let close = Quote {
            at: end,
            bid: row.close,
            bid_size: Decimal::ZERO,
            ask: row.close,
            ask_size: Decimal::ZERO,
        };
        self.push(end, Rank::BarEnd, Happening::BarOver(close), Some(bar));
    }

    fn trade(&mut self, at: DateTime<Utc>, price: Decimal, size: Decimal) -> Trade {
        // Who took is not recorded: an uptick is taken for a buyer.
        let taker_buys = price >= self.last_price;
        self.last_price = price;
        Trade { at, price, size, id: 0, taker_buys }
    }

    fn push(&mut self, at: DateTime<Utc>, rank: Rank, what: Happening, bar: Option<Bar>) {
        let event = MarketEvent { asset: Arc::clone(&self.asset), at, what };
        self.pending.push_back((nanoseconds(at), rank, TapeEvent { event, bar }));
    }

    /// Whether trades or quotes of this ticker were recorded in `from..to`.
    fn is_covered(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
        let first = self.covered_seconds.partition_point(|second| *second < from.timestamp());
        self.covered_seconds.get(first).is_some_and(|second| *second < to.timestamp())
    }
}
