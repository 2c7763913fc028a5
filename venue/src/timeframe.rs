//! The length of a bar: Alpaca's grammar (`5Min`, `1Hour`, `1Day`, …) and, as an extension for
//! short strategies, seconds (`1Sec`).

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeDelta, Utc, Weekday};

use crate::calendar::{new_york, new_york_date};

/// A length of bars; intervals start at multiples of it, days and longer at New York midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Timeframe {
    /// Up to 23 hours, in seconds.
    Seconds(i64),
    Day,
    Week,
    Months(u32),
}

impl Timeframe {
    pub(crate) const MINUTE: Self = Self::Seconds(60);
    pub(crate) const HOUR: Self = Self::Seconds(3_600);
    pub(crate) const DAY: Self = Self::Day;

    /// Reads Alpaca's text; `None` when it is not a timeframe.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (count, unit) = text.split_at_checked(digits)?;
        let count: u32 = count.parse().ok()?;
        match (unit, count) {
            ("Sec" | "S", 1..=59) => Some(Self::Seconds(i64::from(count))),
            ("Min" | "T", 1..=59) => Some(Self::Seconds(i64::from(count) * 60)),
            ("Hour" | "H", 1..=23) => Some(Self::Seconds(i64::from(count) * 3_600)),
            ("Day" | "D", 1) => Some(Self::Day),
            ("Week" | "W", 1) => Some(Self::Week),
            ("Month" | "M", 1 | 2 | 3 | 4 | 6 | 12) => Some(Self::Months(count)),
            _ => None,
        }
    }

    /// The start of the interval that a time lies in.
    pub(crate) fn start_of(self, time: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Seconds(seconds) => {
                let start = time.timestamp().div_euclid(seconds) * seconds;
                DateTime::from_timestamp(start, 0).unwrap_or(time)
            }
            Self::Day | Self::Week | Self::Months(_) => {
                new_york(self.first_date(new_york_date(time)), 0, 0)
            }
        }
    }

    /// The start of the interval after the one that starts at `start`.
    pub(crate) fn next(self, start: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Seconds(seconds) => start + TimeDelta::seconds(seconds),
            Self::Day => new_york(new_york_date(start) + Days::new(1), 0, 0),
            Self::Week => new_york(new_york_date(start) + Days::new(7), 0, 0),
            Self::Months(months) => new_york(new_york_date(start) + Months::new(months), 0, 0),
        }
    }

    fn first_date(self, date: NaiveDate) -> NaiveDate {
        match self {
            Self::Seconds(_) | Self::Day => date,
            Self::Week => date.week(Weekday::Mon).first_day(),
            Self::Months(months) => {
                let month = date.month0() / months * months + 1;
                NaiveDate::from_ymd_opt(date.year(), month, 1).unwrap_or(date)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_is_alpacas_and_seconds() {
        let rows = [
            ("1Min", Some(Timeframe::MINUTE)),
            ("15T", Some(Timeframe::Seconds(900))),
            ("4Hour", Some(Timeframe::Seconds(14_400))),
            ("1D", Some(Timeframe::DAY)),
            ("1Sec", Some(Timeframe::Seconds(1))),
            ("12Month", Some(Timeframe::Months(12))),
            ("60Min", None),
            ("2Day", None),
            ("5Month", None),
            ("Min", None),
            ("", None),
            ("1\u{e9}", None),
        ];
        for (text, expected) in rows {
            assert_eq!(Timeframe::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn days_start_at_new_york_midnight_on_both_sides_of_summer_time() {
        let start = |text: &str| Timeframe::DAY.start_of(text.parse().unwrap()).to_rfc3339();
        assert_eq!(start("2026-03-02T14:31:00Z"), "2026-03-02T05:00:00+00:00");
        assert_eq!(start("2026-07-02T14:31:00Z"), "2026-07-02T04:00:00+00:00");
        let saturday = Timeframe::DAY.start_of("2026-03-07T12:00:00Z".parse().unwrap());
        let monday = Timeframe::DAY.next(Timeframe::DAY.next(saturday));
        assert_eq!(monday.to_rfc3339(), "2026-03-09T04:00:00+00:00");
    }
}
