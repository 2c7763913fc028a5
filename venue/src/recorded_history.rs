//! What a tape has shown so far: bounded, and never anything of its future.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};

use crate::assets::Asset;
use crate::history::{Direction, Portion, Range, Timed};
use crate::market::{Bar, Happening, MarketEvent, Quote, Trade};
use crate::timeframe::Timeframe;

/// Bars, trades and quotes kept per symbol, each.
const KEPT_MAX: usize = 20_000;

/// The past of every recorded symbol.
#[derive(Debug, Default)]
pub(crate) struct RecordedHistory {
    symbols: Mutex<HashMap<String, Past>>,
}

#[derive(Debug, Default)]
struct Past {
    /// Recorded bars, or bars of one second made from trades.
    bars: VecDeque<Bar>,
    trades: VecDeque<Trade>,
    quotes: VecDeque<Quote>,
}

impl RecordedHistory {
    /// Takes in what the tape has just shown.
    pub(crate) fn see(&self, events: &[MarketEvent]) {
        let mut symbols = self.symbols.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            let past = match symbols.get_mut(&event.asset.symbol) {
                Some(past) => past,
                None => symbols.entry(event.asset.symbol.clone()).or_default(),
            };
            match &event.what {
                Happening::Trade(trade) => {
                    past.add_to_second(trade);
                    push(&mut past.trades, trade.clone());
                }
                Happening::OpenTrade(trade) | Happening::PathTrade(trade) => {
                    push(&mut past.trades, trade.clone());
                }
                Happening::Quote(quote) | Happening::BarOver(quote) => {
                    push(&mut past.quotes, quote.clone());
                }
                Happening::Minute(_) | Happening::Day(_) | Happening::Status(_) => {}
            }
        }
    }

    /// Takes in a recorded bar that is over.
    pub(crate) fn see_bar(&self, symbol: &str, bar: Bar) {
        let mut symbols = self.symbols.lock().unwrap_or_else(PoisonError::into_inner);
        push(&mut symbols.entry(symbol.to_owned()).or_default().bars, bar);
    }

    /// Bars of a timeframe, joined from the recorded ones; none when those are longer.
    pub(crate) fn bars(&self, asset: &Asset, timeframe: Timeframe, range: Range) -> Portion<Bar> {
        let native_seconds = i64::from(asset.bar_seconds.unwrap_or(1));
        if matches!(timeframe, Timeframe::Seconds(seconds) if seconds < native_seconds) {
            return portion(Vec::new(), range);
        }
        let mut joined: Vec<Bar> = Vec::new();
        self.read(asset, |past| {
            for bar in &past.bars {
                let start = interval_start(timeframe, bar.at);
                match joined.last_mut() {
                    Some(last) if last.at == start => last.merge(bar),
                    _ => joined.push(Bar { at: start, ..bar.clone() }),
                }
            }
        });
        portion(joined, range)
    }

    pub(crate) fn trades(&self, asset: &Asset, range: Range) -> Portion<Trade> {
        let mut trades = Vec::new();
        self.read(asset, |past| trades.extend(inside(&past.trades, range).cloned()));
        portion(trades, range)
    }

    pub(crate) fn quotes(&self, asset: &Asset, range: Range) -> Portion<Quote> {
        let mut quotes = Vec::new();
        self.read(asset, |past| quotes.extend(inside(&past.quotes, range).cloned()));
        portion(quotes, range)
    }

    fn read(&self, asset: &Asset, look: impl FnOnce(&Past)) {
        let symbols = self.symbols.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(past) = symbols.get(&asset.symbol) {
            look(past);
        }
    }
}

impl Past {
    fn add_to_second(&mut self, trade: &Trade) {
        let start = Timeframe::Seconds(1).start_of(trade.at);
        match self.bars.back_mut() {
            Some(bar) if bar.at == start => bar.add(trade),
            _ => push(&mut self.bars, Bar::of_trade(start, trade)),
        }
    }
}

fn push<T>(kept: &mut VecDeque<T>, item: T) {
    if kept.len() >= KEPT_MAX {
        kept.pop_front();
    }
    kept.push_back(item);
}

/// What lies in a range, of what is kept in the order of time.
fn inside<T: Timed>(kept: &VecDeque<T>, range: Range) -> impl Iterator<Item = &T> {
    let first = kept.partition_point(|item| item.at() < range.from);
    let end = kept.partition_point(|item| item.at() <= range.until);
    kept.range(first..end.max(first))
}

fn portion<T: Timed>(items: Vec<T>, range: Range) -> Portion<T> {
    let inside = |item: &T| range.from <= item.at() && item.at() <= range.until;
    let mut items: Vec<T> = items.into_iter().filter(inside).collect();
    let instant = TimeDelta::nanoseconds(1);
    let next = match range.direction {
        Direction::Ascending => range.until + instant,
        Direction::Descending => range.from - instant,
    };
    if range.direction == Direction::Descending {
        items.reverse();
    }
    Portion { items, seconds: 0, next }
}

/// Recorded days are UTC days: that is how recordings are stamped.
fn interval_start(timeframe: Timeframe, at: DateTime<Utc>) -> DateTime<Utc> {
    let date = at.date_naive();
    let first = match timeframe {
        Timeframe::Seconds(_) => return timeframe.start_of(at),
        Timeframe::Day => date,
        Timeframe::Week => date.week(Weekday::Mon).first_day(),
        Timeframe::Months(months) => {
            let month = date.month0() / months * months + 1;
            NaiveDate::from_ymd_opt(date.year(), month, 1).unwrap_or(date)
        }
    };
    first.and_time(NaiveTime::MIN).and_utc()
}
