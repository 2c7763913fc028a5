//! Day trades: positions opened and closed on one day. Only the rule that ended in 2026 asks.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use rust_decimal::Decimal;

use crate::activities::Activity;
use crate::calendar::{self, Hours};

/// Equity from which day trades are not counted, in USD.
pub(crate) const EQUITY_MIN: Decimal = Decimal::from_parts(25_000, 0, 0, false, 0);
/// Day trades allowed in the window.
pub(crate) const ALLOWED: usize = 3;
/// Trading days in the window.
const WINDOW_DAYS: usize = 5;
/// Calendar days in which the window's trading days are looked for.
const SEARCH_DAYS: u64 = 14;

/// How many day trades the last trading days saw, today included.
pub(crate) fn count(history: &[Activity], hours: Hours, now: DateTime<Utc>) -> usize {
    let today = calendar::new_york_date(now);
    let first = (0..SEARCH_DAYS)
        .map(|days| today - Days::new(days))
        .filter(|date| hours.session_on(*date).is_some())
        .take(WINDOW_DAYS)
        .last()
        .unwrap_or(today);
    let mut positions: BTreeMap<&str, Decimal> = BTreeMap::new();
    // Per symbol and day: what was opened on it and not closed yet.
    let mut opened: BTreeMap<(&str, NaiveDate), Decimal> = BTreeMap::new();
    let mut day_trades = 0;
    for execution in history {
        let date = calendar::new_york_date(execution.at);
        let position = positions.entry(&execution.symbol).or_default();
        let signed = execution.side.signed(execution.qty);
        let opens = position.is_zero() || position.is_sign_negative() == signed.is_sign_negative();
        let today = opened.entry((&execution.symbol, date)).or_default();
        if opens {
            *today += execution.qty;
        } else if *today > Decimal::ZERO {
            // One order may close in several executions: they are one day trade.
            let closes_all = execution.leaves_qty.is_zero();
            day_trades += usize::from(closes_all && date >= first);
            *today = (*today - execution.qty).max(Decimal::ZERO);
        }
        *position += signed;
    }
    day_trades
}

/// Whether a position in the symbol was opened on the day of `now`.
pub(crate) fn opened_on_day(history: &[Activity], symbol: &str, now: DateTime<Utc>) -> bool {
    let today = calendar::new_york_date(now);
    history
        .iter()
        .rev()
        .take_while(|execution| calendar::new_york_date(execution.at) == today)
        .any(|execution| execution.symbol == symbol)
}
