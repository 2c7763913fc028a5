//! Which corporate actions past prices are adjusted for, and by how much.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;

use crate::assets::Asset;
use crate::calendar;
use crate::corporate_actions::{CorporateAction, CorporateActionKind};
use crate::history::{Direction, History, Range};
use crate::market::Bar;
use crate::refusal::Refusal;
use crate::timeframe::Timeframe;

/// Digits after the point of an adjusted price.
const PRICE_DECIMALS: u32 = 4;
/// Portions of history that the close before a dividend is looked for in: longer than any break.
const SEARCH_MAX: usize = 14;

/// What bars are adjusted for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Adjustment {
    split: bool,
    dividend: bool,
}

/// What the prices of an asset before a date are multiplied by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Factor {
    ex_date: NaiveDate,
    price: Decimal,
    volume: Decimal,
}

impl Adjustment {
    /// Reads Alpaca's list: `raw`, `split`, `dividend`, `spin-off`, `all`. There are no spin-offs
    /// on this venue.
    pub(crate) fn of(text: Option<&str>) -> Result<Self, Refusal> {
        let mut adjustment = Self::default();
        for word in text.into_iter().flat_map(|text| text.split(',')).map(str::trim) {
            match word {
                "raw" | "spin-off" => {}
                "split" => adjustment.split = true,
                "dividend" => adjustment.dividend = true,
                "all" => adjustment = Self { split: true, dividend: true },
                _ => return Err(Refusal::bad_request(format!("invalid adjustment: {word}"))),
            }
        }
        Ok(adjustment)
    }

    /// Whether prices stay as they were.
    pub(crate) fn is_raw(self) -> bool {
        !self.split && !self.dividend
    }

    /// What an asset's actions up to now make of the prices before them. A dividend lowers them by
    /// its share of the last close before its ex-date, which is how the usual vendors do it.
    pub(crate) fn factors(
        self,
        asset: &Arc<Asset>,
        actions: &[CorporateAction],
        history: &History,
        now: DateTime<Utc>,
    ) -> Vec<Factor> {
        let has_come = |action: &&CorporateAction| {
            action.symbol == asset.symbol && day(history, now) >= action.ex_date
        };
        let factor = |action: &CorporateAction| {
            let ex_date = action.ex_date;
            let (price, volume) = match action.kind {
                CorporateActionKind::Split { new, old } if self.split => {
                    (old.checked_div(new)?, new.checked_div(old)?)
                }
                CorporateActionKind::Dividend { per_share, .. } if self.dividend => {
                    let close = close_before(history, asset, ex_date, now)?;
                    (Decimal::ONE - per_share.checked_div(close)?, Decimal::ONE)
                }
                _ => return None,
            };
            (price > Decimal::ZERO).then_some(Factor { ex_date, price, volume })
        };
        actions.iter().filter(has_come).filter_map(factor).collect()
    }
}

/// A bar as it looks after what came later.
pub(crate) fn adjusted(history: &History, bar: &Bar, factors: &[Factor]) -> Bar {
    let date = day(history, bar.at);
    let (mut price, mut volume) = (Decimal::ONE, Decimal::ONE);
    for factor in factors.iter().filter(|factor| factor.ex_date > date) {
        price *= factor.price;
        volume *= factor.volume;
    }
    let adjusted = |before: Decimal| (before * price).round_dp(PRICE_DECIMALS);
    Bar {
        at: bar.at,
        open: adjusted(bar.open),
        high: adjusted(bar.high),
        low: adjusted(bar.low),
        close: adjusted(bar.close),
        volume: bar.volume * volume,
        trades: bar.trades,
        turnover: bar.turnover * price * volume,
    }
}

/// The last close before a date.
fn close_before(
    history: &History,
    asset: &Asset,
    date: NaiveDate,
    now: DateTime<Utc>,
) -> Option<Decimal> {
    let start = match history {
        History::Synthetic(_) => calendar::new_york(date, 0, 0),
        History::Recorded(_) => date.and_time(chrono::NaiveTime::MIN).and_utc(),
    };
    let until = start - TimeDelta::nanoseconds(1);
    let range = Range { from: DateTime::UNIX_EPOCH, until, direction: Direction::Descending };
    let portions = history.bars(asset, Timeframe::DAY, range, now);
    portions.take(SEARCH_MAX).flat_map(|portion| portion.items).next().map(|bar| bar.close)
}

/// The day that a moment counts for: recorded days are UTC days.
fn day(history: &History, at: DateTime<Utc>) -> NaiveDate {
    match history {
        History::Synthetic(_) => calendar::new_york_date(at),
        History::Recorded(_) => at.date_naive(),
    }
}
