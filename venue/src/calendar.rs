//! Trading sessions: NYSE days computed from its holiday rules, or round the clock.

mod holidays;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::America::New_York;

/// How far ahead a next session is looked for; no NYSE break is longer.
const SEARCH_DAYS: u64 = 14;
/// How long stocks trade on after the session.
const AFTER_HOURS: TimeDelta = TimeDelta::hours(4);

/// When stocks trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hours {
    /// 09:30 to 16:00 New York time on NYSE trading days, to 13:00 on the early ones.
    Nyse,
    /// NYSE trading days with what is traded before the open and after the close.
    NyseExtended,
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
            Self::Nyse => holidays::is_trading_day(date).then(|| Session {
                date,
                open: new_york(date, 9, 30),
                close: new_york(date, if holidays::closes_early(date) { 13 } else { 16 }, 0),
            }),
            Self::NyseExtended => Self::Nyse.extended_on(date),
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

    /// The pre-market, the session and the after-hours of a New York date, if it is a trading day:
    /// 04:00 to 20:00, to 17:00 when the session closes early.
    pub(crate) fn extended_on(self, date: NaiveDate) -> Option<Session> {
        let session = self.session_on(date)?;
        match self {
            Self::Nyse => Some(Session {
                open: new_york(date, 4, 0),
                close: session.close + AFTER_HOURS,
                ..session
            }),
            Self::NyseExtended | Self::Always => Some(session),
        }
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

/// When a trade of a date settles.
pub(crate) fn settlement_date(date: NaiveDate) -> NaiveDate {
    holidays::settlement_date(date)
}

#[cfg(test)]
mod tests {
    use chrono::Datelike;

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
    fn the_days_around_the_holidays_close_early_and_end_their_after_hours_early() {
        let early = [
            "2023-07-03",
            "2023-11-24",
            "2024-07-03",
            "2024-11-29",
            "2024-12-24",
            "2025-07-03",
            "2025-12-24",
            "2026-11-27",
            "2027-11-26",
            "2028-07-03",
            "2029-12-24",
            "2030-07-03",
        ];
        for day in early {
            let session = Hours::Nyse.session_on(date(day)).unwrap();
            assert_eq!(session.close, new_york(date(day), 13, 0), "{day}");
            let extended = Hours::Nyse.extended_on(date(day)).unwrap();
            assert_eq!(extended.close, new_york(date(day), 17, 0), "{day}");
        }
        for day in ["2026-07-02", "2026-12-23", "2026-11-25", "2027-07-02", "2030-11-27"] {
            let session = Hours::Nyse.session_on(date(day)).unwrap();
            assert_eq!(session.close, new_york(date(day), 16, 0), "{day}");
        }
    }

    #[test]
    fn the_holidays_to_2030_are_those_that_nyse_has_published_or_follow_its_rules() {
        // One row per year: New Year, King, Presidents, Good Friday, Memorial, Juneteenth,
        // Independence, Labor, Thanksgiving, Christmas.
        let years = [
            "2026: 01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25",
            "2027: 01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24",
            "2028: 01-17 02-21 04-14 05-29 06-19 07-04 09-04 11-23 12-25",
            "2029: 01-01 01-15 02-19 03-30 05-28 06-19 07-04 09-03 11-22 12-25",
            "2030: 01-01 01-21 02-18 04-19 05-27 06-19 07-04 09-02 11-28 12-25",
        ];
        for row in years {
            let (year, days) = row.split_once(": ").unwrap();
            let expected: Vec<NaiveDate> =
                days.split(' ').map(|day| date(&format!("{year}-{day}"))).collect();
            let found: Vec<NaiveDate> = date(&format!("{year}-01-01"))
                .iter_days()
                .take_while(|day| day.to_string().starts_with(year))
                .filter(|day| day.weekday().num_days_from_monday() < 5)
                .filter(|day| Hours::Nyse.session_on(*day).is_none())
                .collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn trades_settle_on_the_next_day_that_banks_work() {
        for (traded, settled) in [
            ("2026-03-02", "2026-03-03"),
            ("2026-11-20", "2026-11-23"),
            ("2026-11-25", "2026-11-27"),
            ("2026-10-09", "2026-10-13"),
            ("2026-11-10", "2026-11-12"),
            ("2020-03-05", "2020-03-09"),
            ("2010-03-04", "2010-03-09"),
        ] {
            assert_eq!(settlement_date(date(traded)), date(settled), "{traded}");
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
