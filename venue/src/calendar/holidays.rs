//! The days on which NYSE is closed or closes early, and the days on which banks settle: the
//! exchange's published rules, plus the closures that no rule foresaw.

use chrono::{Datelike, Days, NaiveDate, Weekday};

/// Closures for mourning, storm and attack, as `(year, month, day)`.
const UNFORESEEN: [(i32, u32, u32); 11] = [
    (1994, 4, 27),
    (2001, 9, 11),
    (2001, 9, 12),
    (2001, 9, 13),
    (2001, 9, 14),
    (2004, 6, 11),
    (2007, 1, 2),
    (2012, 10, 29),
    (2012, 10, 30),
    (2018, 12, 5),
    (2025, 1, 9),
];

pub(super) fn is_trading_day(date: NaiveDate) -> bool {
    !is_weekend(date) && !is_holiday(date)
}

/// Whether NYSE closes at 13:00: before Independence Day, after Thanksgiving, on Christmas Eve.
pub(super) fn closes_early(date: NaiveDate) -> bool {
    let friday = date.weekday() == Weekday::Fri;
    match (date.month(), date.day()) {
        // On a Friday these are the holiday itself, moved forward from Saturday.
        (7, 3) | (12, 24) => !friday,
        (11, _) => friday && is_thanksgiving(date - Days::new(1)),
        _ => false,
    }
}

/// When a stock trade of a date settles: one to five business days later, as the rules of its time
/// had it.
pub(super) fn settlement_date(date: NaiveDate) -> NaiveDate {
    let since = |year, month, day| {
        NaiveDate::from_ymd_opt(year, month, day).is_some_and(|start| date >= start)
    };
    let days = if since(2024, 5, 28) {
        1
    } else if since(2017, 9, 5) {
        2
    } else if since(1995, 6, 7) {
        3
    } else {
        5
    };
    (0..days).fold(date, |day, _| next_settlement_day(day))
}

fn next_settlement_day(date: NaiveDate) -> NaiveDate {
    let mut next = date + Days::new(1);
    while !is_trading_day(next) || is_bank_holiday(next) {
        next = next + Days::new(1);
    }
    next
}

/// Days on which NYSE trades and nothing settles: Columbus Day and Veterans Day.
fn is_bank_holiday(date: NaiveDate) -> bool {
    let columbus = NaiveDate::from_weekday_of_month_opt(date.year(), 10, Weekday::Mon, 2);
    let sunday_before = date.day() == 12 && date.weekday() == Weekday::Mon;
    columbus == Some(date) || (date.month() == 11 && (date.day() == 11 || sunday_before))
}

fn is_thanksgiving(date: NaiveDate) -> bool {
    NaiveDate::from_weekday_of_month_opt(date.year(), 11, Weekday::Thu, 4) == Some(date)
}

fn is_weekend(date: NaiveDate) -> bool {
    matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

fn is_holiday(date: NaiveDate) -> bool {
    let year = date.year();
    let fixed = [(6, 19, 2022), (7, 4, 0), (12, 25, 0)];
    fixed.iter().any(|&(month, day, since)| {
        year >= since && NaiveDate::from_ymd_opt(year, month, day).map(observed) == Some(date)
    }) || new_years_day(date)
        || [(1, Weekday::Mon, 3), (2, Weekday::Mon, 3), (9, Weekday::Mon, 1), (11, Weekday::Thu, 4)]
            .iter()
            .any(|&(month, weekday, nth)| {
                NaiveDate::from_weekday_of_month_opt(year, month, weekday, nth) == Some(date)
            })
        || (date.month() == 5 && date.weekday() == Weekday::Mon && date.day() > 24)
        || good_friday(year) == Some(date)
        || UNFORESEEN.contains(&(year, date.month(), date.day()))
}

/// A holiday on Saturday is kept on Friday, one on Sunday on Monday.
fn observed(date: NaiveDate) -> NaiveDate {
    match date.weekday() {
        Weekday::Sat => date - Days::new(1),
        Weekday::Sun => date + Days::new(1),
        Weekday::Mon | Weekday::Tue | Weekday::Wed | Weekday::Thu | Weekday::Fri => date,
    }
}

/// New Year's Day; on a Saturday it is not made up for.
fn new_years_day(date: NaiveDate) -> bool {
    let sunday_before = date.day() == 2 && date.weekday() == Weekday::Mon;
    date.month() == 1 && (date.day() == 1 || sunday_before)
}

/// Two days before Easter Sunday, by the anonymous Gregorian rule.
fn good_friday(year: i32) -> Option<NaiveDate> {
    let golden = year % 19;
    let century = year / 100;
    let of_century = year % 100;
    let correction = (8 * century + 13) / 25;
    let epact = (19 * golden + century - century / 4 - correction + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (of_century / 4) - epact - of_century % 4) % 7;
    let shift = (golden + 11 * epact + 22 * weekday) / 451;
    let month = (epact + weekday - 7 * shift + 114) / 31;
    let day = (epact + weekday - 7 * shift + 114) % 31 + 1;
    let easter =
        NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, u32::try_from(day).ok()?);
    easter.map(|sunday| sunday - Days::new(2))
}
