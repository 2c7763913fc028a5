//! Trading sessions: NYSE days computed from its holiday rules, or round the clock.
//!
//! Early closes (the day after Thanksgiving, some eves) are not modelled: those days close at 16:00.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeZone, Utc, Weekday};
use chrono_tz::America::New_York;

/// How far ahead a next session is looked for; no NYSE break is longer.
const SEARCH_DAYS: u64 = 14;

/// When stocks trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hours {
    /// 09:30 to 16:00 New York time on NYSE trading days.
    Nyse,
    /// Every day from midnight to midnight, New York time.
    Always,
}

/// One trading day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) date: NaiveDate,
    pub(crate) open: DateTime<Utc>,
    /// The first moment after the session.
    pub(crate) close: DateTime<Utc>,
}

impl Hours {
    /// The session of a New York date, if it is a trading day.
    pub(crate) fn session_on(self, date: NaiveDate) -> Option<Session> {
        match self {
            Self::Nyse => is_trading_day(date).then(|| Session {
                date,
                open: new_york(date, 9, 30),
                close: new_york(date, 16, 0),
            }),
            Self::Always => Some(Session {
                date,
                open: new_york(date, 0, 0),
                close: new_york(date + Days::new(1), 0, 0),
            }),
        }
    }

    /// The session that is open at a time.
    pub(crate) fn session_at(self, time: DateTime<Utc>) -> Option<Session> {
        self.session_on(new_york_date(time))
            .filter(|session| session.open <= time && time < session.close)
    }

    /// The first session that opens after a time.
    pub(crate) fn next_session(self, time: DateTime<Utc>) -> Session {
        let date = new_york_date(time);
        (0..SEARCH_DAYS)
            .filter_map(|days| self.session_on(date + Days::new(days)))
            .find(|session| session.open > time)
            .unwrap_or(Session { date, open: time, close: time })
    }

    /// The session that is open at a time, or else the next one.
    pub(crate) fn current_or_next(self, time: DateTime<Utc>) -> Session {
        self.session_at(time).unwrap_or_else(|| self.next_session(time))
    }

    /// The last session that closed at or before a time.
    pub(crate) fn previous_session(self, time: DateTime<Utc>) -> Option<Session> {
        let date = new_york_date(time);
        (0..SEARCH_DAYS)
            .filter_map(|days| self.session_on(date - Days::new(days)))
            .find(|session| session.close <= time)
    }
}

/// The date in New York at a time.
pub(crate) fn new_york_date(time: DateTime<Utc>) -> NaiveDate {
    time.with_timezone(&New_York).date_naive()
}

/// A New York wall time on a date. None of the hours used here is skipped or doubled by a change
/// of daylight saving time, which happens at 02:00.
pub(crate) fn new_york(date: NaiveDate, hour: u32, minute: u32) -> DateTime<Utc> {
    let time = NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or(NaiveTime::MIN);
    New_York
        .from_local_datetime(&date.and_time(time))
        .earliest()
        .map_or_else(|| date.and_time(time).and_utc(), |local| local.with_timezone(&Utc))
}

/// The next weekday: when a trade settles. Holidays are left out, as paper trading does.
pub(crate) fn settlement_date(date: NaiveDate) -> NaiveDate {
    let mut next = date + Days::new(1);
    while is_weekend(next) {
        next = next + Days::new(1);
    }
    next
}

fn is_weekend(date: NaiveDate) -> bool {
    matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

fn is_trading_day(date: NaiveDate) -> bool {
    !is_weekend(date) && !is_holiday(date)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn nyse_is_closed_on_its_holidays_and_open_on_the_days_around_them() {
        let closed = [
            "2024-01-01",
            "2024-01-15",
            "2024-02-19",
            "2024-03-29",
            "2024-05-27",
            "2024-06-19",
            "2024-07-04",
            "2024-09-02",
            "2024-11-28",
            "2024-12-25",
            "2021-07-05",
            "2021-12-24",
            "2023-01-02",
            "2025-04-18",
            "2026-04-03",
            "2026-07-03",
        ];
        for day in closed {
            assert!(Hours::Nyse.session_on(date(day)).is_none(), "{day} is a holiday");
        }
        for day in ["2021-12-31", "2021-06-18", "2024-04-01", "2024-11-29", "2026-11-23"] {
            assert!(Hours::Nyse.session_on(date(day)).is_some(), "{day} is a trading day");
        }
    }

    #[test]
    fn the_next_session_after_friday_evening_opens_on_monday_in_new_york_time() {
        let friday_evening = "2026-11-20T22:00:00Z".parse().unwrap();
        let next = Hours::Nyse.next_session(friday_evening);
        assert_eq!(next.open.to_rfc3339(), "2026-11-23T14:30:00+00:00");
        assert_eq!(next.close.to_rfc3339(), "2026-11-23T21:00:00+00:00");
        assert_eq!(Hours::Nyse.previous_session(friday_evening).unwrap().date, date("2026-11-20"));
    }

    #[test]
    fn round_the_clock_hours_have_no_gap() {
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let session = Hours::Always.session_at(now).unwrap();
        assert_eq!(Hours::Always.next_session(now).open, session.close);
    }
}
