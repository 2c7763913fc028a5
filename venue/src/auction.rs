//! The opening and the closing auction of a stock: the first and the last trade of each session.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::assets::Asset;
use crate::calendar::{self, Hours};
use crate::data_wire;
use crate::history::{Direction, History, Portion, Portions, Range, Timed};
use crate::market::Trade;

/// How long after the open, or before the close, the print of the auction is looked for.
const SEARCH: TimeDelta = TimeDelta::minutes(5);

/// The auctions of one day.
#[derive(Clone, Debug)]
pub(crate) struct Auction {
    date: NaiveDate,
    at: DateTime<Utc>,
    open: Option<Trade>,
    /// None while the session is open.
    close: Option<Trade>,
}

impl Timed for Auction {
    fn at(&self) -> DateTime<Utc> {
        self.at
    }
}

impl Auction {
    /// As clients see it: condition `Q` is the official open, `M` the official close.
    pub(crate) fn json(&self) -> Value {
        let prints = |trade: &Option<Trade>, condition: &str| -> Vec<Value> {
            trade.iter().map(|trade| data_wire::auction_print(trade, condition)).collect()
        };
        json!({
            "d": self.date.to_string(),
            "o": prints(&self.open, "Q"),
            "c": prints(&self.close, "M"),
        })
    }
}

/// The auctions of the days in a range, one portion per day.
pub(crate) fn portions<'a>(
    history: &'a History,
    asset: &'a Asset,
    hours: Hours,
    range: Range,
    now: DateTime<Utc>,
) -> Portions<'a, Auction> {
    let day = move |date: NaiveDate| {
        let (start, end) = session(history, hours, date)?;
        let inside = range.from <= start && start <= range.until && start <= now;
        inside.then_some((date, start, end))
    };
    let (first, last) =
        (calendar::new_york_date(range.from), calendar::new_york_date(range.until.min(now)));
    // A UTC day may begin on the New York date before it.
    let (first, last) = (first, last + Days::new(1));
    let dates: Box<dyn Iterator<Item = NaiveDate>> = match range.direction {
        Direction::Ascending => Box::new(first.iter_days().take_while(move |date| *date <= last)),
        Direction::Descending => {
            let back = std::iter::successors(Some(last), chrono::NaiveDate::pred_opt);
            Box::new(back.take_while(move |date| *date >= first))
        }
    };
    Box::new(dates.map(move |date| {
        let found = day(date).map(|(date, start, end)| {
            let print = |from, until, direction| {
                let range = Range { from, until, direction };
                let mut portions = history.trades(asset, range, now);
                portions.find_map(|portion| portion.items.into_iter().next())
            };
            let before_end = end - TimeDelta::nanoseconds(1);
            let over = end <= now;
            let search = history.auction_search().unwrap_or(end - start);
            Auction {
                date,
                at: start,
                open: print(start, (start + search).min(before_end), Direction::Ascending),
                close: over
                    .then(|| print((end - search).max(start), before_end, Direction::Descending))
                    .flatten(),
            }
        });
        let seconds = if found.is_some() { SEARCH.num_seconds() / 10 } else { 1 };
        let start = calendar::new_york(date, 0, 0);
        let next = match range.direction {
            Direction::Ascending => calendar::new_york(date + Days::new(1), 0, 0),
            Direction::Descending => start - TimeDelta::nanoseconds(1),
        };
        let items = found.into_iter().filter(|one| one.open.is_some()).collect();
        Portion { items, seconds, next }
    }))
}

impl History {
    /// How near the ends of a session its prints are; a tape may have a few in a whole day.
    fn auction_search(&self) -> Option<TimeDelta> {
        match self {
            Self::Synthetic(_) => Some(SEARCH),
            Self::Recorded(_) => None,
        }
    }
}

/// When a date's session starts and ends: recorded days are UTC days.
fn session(
    history: &History,
    hours: Hours,
    date: NaiveDate,
) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    match history {
        History::Synthetic(_) => hours.session_on(date).map(|one| (one.open, one.close)),
        History::Recorded(_) => {
            let start = date.and_time(NaiveTime::MIN).and_utc();
            Some((start, start + TimeDelta::days(1)))
        }
    }
}
