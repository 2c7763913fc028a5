//! The past over REST: invented on demand, or what the tape has shown so far.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use rust_decimal::Decimal;

use crate::assets::Asset;
use crate::calendar;
use crate::clock::nanoseconds;
use crate::market::{Bar, Quote, Trade};
use crate::recorded_history::RecordedHistory;
use crate::synthetic::{Print, Synthetic, second_of};
use crate::timeframe::Timeframe;

/// Finished bars that are kept; the oldest are made again when they are asked for.
const CACHED_BARS_MAX: usize = 50_000;

/// Where the past is read from.
#[derive(Debug)]
pub(crate) enum History {
    Synthetic(Arc<SyntheticHistory>),
    Recorded(Arc<RecordedHistory>),
}

/// The order in which a page is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Ascending,
    Descending,
}

/// A stretch of the past, both ends included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    pub(crate) from: DateTime<Utc>,
    pub(crate) until: DateTime<Utc>,
    pub(crate) direction: Direction,
}

/// What one look at the past brought: items in the order of the direction, and the seconds of
/// market that had to be made for it.
#[derive(Debug)]
pub(crate) struct Portion<T> {
    pub(crate) items: Vec<T>,
    pub(crate) seconds: i64,
    /// Where the reading stands: the first time that was not looked at.
    pub(crate) next: DateTime<Utc>,
}

/// Portions of the past, one after the other.
pub(crate) type Portions<'a, T> = Box<dyn Iterator<Item = Portion<T>> + 'a>;

impl History {
    /// An asset's bars that start within a range.
    pub(crate) fn bars<'a>(
        &'a self,
        asset: &'a Asset,
        timeframe: Timeframe,
        range: Range,
        now: DateTime<Utc>,
    ) -> Portions<'a, Bar> {
        match self {
            Self::Recorded(history) => {
                Box::new(std::iter::once(history.bars(asset, timeframe, range)))
            }
            Self::Synthetic(history) => {
                let starts = interval_starts(timeframe, range);
                Box::new(starts.map(move |(start, next)| {
                    let seconds = history.cost_seconds(asset, timeframe, start);
                    let bar = history.bar(asset, timeframe, start, now);
                    Portion { items: bar.into_iter().collect(), seconds, next }
                }))
            }
        }
    }

    /// An asset's trades within a range.
    pub(crate) fn trades<'a>(
        &'a self,
        asset: &'a Asset,
        range: Range,
        now: DateTime<Utc>,
    ) -> Portions<'a, Trade> {
        match self {
            Self::Recorded(history) => Box::new(std::iter::once(history.trades(asset, range))),
            Self::Synthetic(history) => seconds(history, asset, range, now, |slot| slot.trade),
        }
    }

    /// An asset's quotes within a range.
    pub(crate) fn quotes<'a>(
        &'a self,
        asset: &'a Asset,
        range: Range,
        now: DateTime<Utc>,
    ) -> Portions<'a, Quote> {
        match self {
            Self::Recorded(history) => Box::new(std::iter::once(history.quotes(asset, range))),
            Self::Synthetic(history) => seconds(history, asset, range, now, |slot| slot.quote),
        }
    }
}

/// Things that happened at a time.
pub(crate) trait Timed {
    /// When.
    fn at(&self) -> DateTime<Utc>;
}

impl Timed for Trade {
    fn at(&self) -> DateTime<Utc> {
        self.at
    }
}

impl Timed for Quote {
    fn at(&self) -> DateTime<Utc> {
        self.at
    }
}

impl Timed for Bar {
    fn at(&self) -> DateTime<Utc> {
        self.at
    }
}

/// The past of the invented market, and the bars of it that were asked for lately.
#[derive(Debug)]
pub(crate) struct SyntheticHistory {
    market: Arc<Synthetic>,
    cache: Mutex<BarCache>,
}

type BarKey = (uuid::Uuid, Timeframe, DateTime<Utc>);

#[derive(Debug, Default)]
struct BarCache {
    bars: HashMap<BarKey, Option<Bar>>,
    oldest: VecDeque<BarKey>,
}

impl SyntheticHistory {
    pub(crate) fn new(market: Arc<Synthetic>) -> Self {
        Self { market, cache: Mutex::default() }
    }

    /// The bar that starts at `start`, of the trades up to `now`; `None` when there were none.
    pub(crate) fn bar(
        &self,
        asset: &Asset,
        timeframe: Timeframe,
        start: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<Bar> {
        let end = timeframe.next(start);
        if end > now {
            return self.unfinished_bar(asset, timeframe, start, now);
        }
        let key = (asset.id, timeframe, start);
        if let Some(known) = self.lock().bars.get(&key) {
            return known.clone();
        }
        // Long bars are joined from days, which are in the cache for the next one.
        let bar = if timeframe > Timeframe::DAY {
            self.joined_days(asset, start, end)
        } else {
            self.aggregate(asset, start, end, end)
        };
        self.lock().put(key, bar.clone());
        bar
    }

    /// Seconds of market that have to be made for a bar.
    fn cost_seconds(&self, asset: &Asset, timeframe: Timeframe, start: DateTime<Utc>) -> i64 {
        if self.lock().bars.contains_key(&(asset.id, timeframe, start)) {
            return 1;
        }
        let hours = self.market.hours(asset);
        if let Timeframe::Seconds(seconds) = timeframe {
            return if hours.session_at(start).is_some() { seconds } else { 1 };
        }
        let first = calendar::new_york_date(start);
        let end = calendar::new_york_date(timeframe.next(start));
        let sessions = first.iter_days().take_while(|date| *date < end);
        sessions
            .filter_map(|date| hours.session_on(date))
            .map(|session| (session.close - session.open).num_seconds())
            .sum::<i64>()
            .max(1)
    }

    fn joined_days(&self, asset: &Asset, start: DateTime<Utc>, end: DateTime<Utc>) -> Option<Bar> {
        let mut whole = None;
        let mut day = start;
        while day < end {
            join(&mut whole, self.bar(asset, Timeframe::DAY, day, end));
            day = Timeframe::DAY.next(day);
        }
        whole.map(|bar| Bar { at: start, ..bar })
    }

    /// A bar whose time is not over: the finished hours and minutes from the cache, then the
    /// newest trades.
    fn unfinished_bar(
        &self,
        asset: &Asset,
        timeframe: Timeframe,
        start: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<Bar> {
        let mut whole: Option<Bar> = None;
        let mut at = start;
        let end = timeframe.next(start).min(now);
        while let Some(part) = [Timeframe::DAY, Timeframe::HOUR, Timeframe::MINUTE]
            .into_iter()
            .find(|part| *part < timeframe && part.start_of(at) == at && part.next(at) <= end)
        {
            join(&mut whole, self.bar(asset, part, at, now));
            at = part.next(at);
        }
        join(&mut whole, self.aggregate(asset, at, timeframe.next(start), now));
        whole.map(|bar| Bar { at: start, ..bar })
    }

    /// The bar of the trades in `from..to` that have happened by `now`.
    fn aggregate(
        &self,
        asset: &Asset,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<Bar> {
        let listing = self.market.listing(&asset.symbol)?;
        let hours = self.market.hours(asset);
        let mut walker = self.market.walker(listing);
        let mut sum = Sum::default();
        let mut second = second_of(from);
        let last = second_of(to.min(now));
        let (to_ns, now_ns) = (nanoseconds(to), nanoseconds(now));
        while second <= last {
            let at = DateTime::from_timestamp(second, 0)?;
            let Some(session) = hours.session_at(at) else {
                second = second_of(hours.next_session(at).open);
                continue;
            };
            let closes = second_of(session.close).min(last + 1);
            for inside in second..closes {
                walker.prints(inside, |print| {
                    if print.at_ns < to_ns && print.at_ns <= now_ns {
                        sum.add(print);
                    }
                });
            }
            second = closes;
        }
        sum.bar(from, walker.scales())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BarCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sum of prints, in whole ticks and lots.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    first: i64,
    highest: i64,
    lowest: i64,
    last: i64,
    lots: i64,
    /// Ticks times lots.
    turnover: i128,
    count: u64,
}

impl Sum {
    fn add(&mut self, print: Print) {
        if self.count == 0 {
            (self.first, self.highest, self.lowest) = (print.ticks, print.ticks, print.ticks);
        }
        self.highest = self.highest.max(print.ticks);
        self.lowest = self.lowest.min(print.ticks);
        self.last = print.ticks;
        self.lots += print.lots;
        self.turnover += i128::from(print.ticks) * i128::from(print.lots);
        self.count += 1;
    }

    /// The bar, if there was anything.
    fn bar(&self, at: DateTime<Utc>, (price_scale, size_scale): (u32, u32)) -> Option<Bar> {
        let price = |ticks| Decimal::new(ticks, price_scale);
        let turnover =
            Decimal::try_from_i128_with_scale(self.turnover, price_scale + size_scale).ok()?;
        (self.count > 0).then(|| Bar {
            at,
            open: price(self.first),
            high: price(self.highest),
            low: price(self.lowest),
            close: price(self.last),
            volume: Decimal::new(self.lots, size_scale),
            trades: self.count,
            turnover,
        })
    }
}

impl BarCache {
    fn put(&mut self, key: BarKey, bar: Option<Bar>) {
        if self.bars.insert(key, bar).is_none() {
            self.oldest.push_back(key);
        }
        if self.oldest.len() > CACHED_BARS_MAX
            && let Some(oldest) = self.oldest.pop_front()
        {
            self.bars.remove(&oldest);
        }
    }
}

fn join(whole: &mut Option<Bar>, next: Option<Bar>) {
    match (whole.as_mut(), next) {
        (Some(bar), Some(next)) => bar.merge(&next),
        (None, Some(next)) => *whole = Some(next),
        (_, None) => {}
    }
}

/// The starts of the intervals within a range, each with the place to go on from.
fn interval_starts(
    timeframe: Timeframe,
    range: Range,
) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)> {
    let instant = TimeDelta::nanoseconds(1);
    let first = match range.direction {
        Direction::Descending => timeframe.start_of(range.until),
        Direction::Ascending => {
            let start = timeframe.start_of(range.from);
            if start < range.from { timeframe.next(start) } else { start }
        }
    };
    let mut start = first;
    std::iter::from_fn(move || {
        if start < range.from || start > range.until {
            return None;
        }
        let this = start;
        start = match range.direction {
            Direction::Ascending => timeframe.next(this),
            Direction::Descending => timeframe.start_of(this - instant),
        };
        Some((this, start))
    })
}

/// Walks a range second by second.
fn seconds<'a, T: Timed + 'a>(
    history: &'a SyntheticHistory,
    asset: &'a Asset,
    range: Range,
    now: DateTime<Utc>,
    pick: fn(crate::synthetic::Slot) -> T,
) -> Portions<'a, T> {
    let until = range.until.min(now);
    let mut walker =
        history.market.listing(&asset.symbol).map(|listing| history.market.walker(listing));
    let hours = history.market.hours(asset);
    let starts = interval_starts(
        Timeframe::Seconds(1),
        Range {
            from: Timeframe::Seconds(1).start_of(range.from),
            until,
            direction: range.direction,
        },
    );
    Box::new(starts.map(move |(start, next)| {
        let open = hours.session_at(start).is_some();
        let slots = match &mut walker {
            Some(walker) if open => walker.slots(second_of(start)),
            _ => Vec::new(),
        };
        let mut items: Vec<T> = slots
            .into_iter()
            .map(pick)
            .filter(|item| range.from <= item.at() && item.at() <= until)
            .collect();
        if range.direction == Direction::Descending {
            items.reverse();
        }
        Portion { items, seconds: 1, next }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::AssetTable;
    use crate::options::SyntheticOptions;
    use crate::universe;

    fn history() -> (AssetTable, SyntheticHistory) {
        let assets = AssetTable::new(universe::assets());
        let market = Synthetic::new(SyntheticOptions::default(), &assets);
        (assets, SyntheticHistory::new(Arc::new(market)))
    }

    #[test]
    fn an_hour_is_exactly_the_sum_of_its_minutes_and_a_minute_of_its_seconds() {
        let (assets, history) = history();
        let asset = assets.find("ETH/USD").unwrap();
        let start: DateTime<Utc> = "2026-11-20T15:00:00Z".parse().unwrap();
        let now = start + TimeDelta::days(1);
        for (long, short, count) in [
            (Timeframe::Seconds(600), Timeframe::MINUTE, 10),
            (Timeframe::MINUTE, Timeframe::Seconds(1), 60),
        ] {
            let mut sum = None;
            let mut at = start;
            for _ in 0..count {
                join(&mut sum, history.bar(asset, short, at, now));
                at = short.next(at);
            }
            assert_eq!(history.bar(asset, long, start, now), sum);
        }
    }

    #[test]
    fn a_bar_is_the_sum_of_the_trades_that_the_stream_sends() {
        let (assets, history) = history();
        let start: DateTime<Utc> = "2026-11-20T15:00:00Z".parse().unwrap();
        for symbol in ["AAPL", "DOGE/USD", "BTC/USD"] {
            let asset = assets.find(symbol).unwrap();
            let mut walker = history.market.walker(history.market.listing(symbol).unwrap());
            let mut sum: Option<Bar> = None;
            for slot in (0..60).flat_map(|second| walker.slots(start.timestamp() + second)) {
                match &mut sum {
                    Some(bar) => bar.add(&slot.trade),
                    None => sum = Some(Bar::of_trade(start, &slot.trade)),
                }
            }
            let now = start + TimeDelta::hours(1);
            assert_eq!(history.bar(asset, Timeframe::MINUTE, start, now), sum, "{symbol}");
        }
    }

    #[test]
    fn an_unfinished_bar_holds_what_has_happened_so_far() {
        let (assets, history) = history();
        let asset = assets.find("BTC/USD").unwrap();
        let start: DateTime<Utc> = "2026-11-20T15:00:00Z".parse().unwrap();
        let now = start + TimeDelta::milliseconds(150_500);
        let bar = history.bar(asset, Timeframe::Seconds(3_600), start, now).unwrap();
        let direct = history.aggregate(asset, start, start + TimeDelta::hours(1), now).unwrap();
        assert_eq!(bar, direct);
    }

    #[test]
    fn stocks_have_no_bars_outside_their_session() {
        let (assets, history) = history();
        let asset = assets.find("AAPL").unwrap();
        let now: DateTime<Utc> = "2026-11-22T15:00:00Z".parse().unwrap();
        let friday: DateTime<Utc> = "2026-11-20T14:29:00Z".parse().unwrap();
        assert!(history.bar(asset, Timeframe::MINUTE, friday, now).is_none());
        let opening = friday + TimeDelta::minutes(1);
        assert!(history.bar(asset, Timeframe::MINUTE, opening, now).is_some());
        let saturday: DateTime<Utc> = "2026-11-21T15:00:00Z".parse().unwrap();
        assert!(history.bar(asset, Timeframe::MINUTE, saturday, now).is_none());
    }
}
