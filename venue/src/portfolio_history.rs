//! Portfolio history: an account's equity curve cut into the windows that a client asks for.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, Months, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::activities::NonTradeActivity;
use crate::calendar::{self, Hours, Session};
use crate::equity::Curve;
use crate::number::Number;
use crate::refusal::Refusal;

/// The longest history in windows of a minute, and in other windows shorter than a day.
const MINUTE_DAYS_MAX: i64 = 7;
const INTRADAY_DAYS_MAX: i64 = 31;
/// The longest history of all, in days.
const DAYS_MAX: u64 = 366 * 10;
/// Digits after the point of a share of the base value.
const SHARE_DECIMALS: u32 = 8;
const CENTS: u32 = 2;

/// The width of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    Minutes(i64),
    Day,
}

/// Which part of a day is shown in windows shorter than a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reporting {
    MarketHours,
    ExtendedHours,
    Continuous,
}

/// Whether gains count from the start of each day or from the start of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reset {
    PerDay,
    Never,
}

/// A length of time before an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Period {
    Sessions(u32),
    Weeks(u32),
    Months(u32),
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) from: NaiveDate,
    /// Windows that start before this moment are left out.
    pub(crate) not_before: DateTime<Utc>,
    pub(crate) until: DateTime<Utc>,
    pub(crate) window: Window,
    pub(crate) reporting: Reporting,
    pub(crate) reset: Reset,
    /// The kinds of cash flows that are shown; `None` when none was asked for.
    pub(crate) cash_flows: Option<BTreeSet<String>>,
}

/// The account that the history is of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) curve: &'a Curve,
    /// Equity now, which no sample has yet.
    pub(crate) equity: Decimal,
    pub(crate) non_trades: &'a [NonTradeActivity],
    pub(crate) hours: Hours,
    pub(crate) now: DateTime<Utc>,
}

impl Window {
    /// Reads Alpaca's text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "1Min" => Some(Self::Minutes(1)),
            "5Min" => Some(Self::Minutes(5)),
            "15Min" => Some(Self::Minutes(15)),
            "1H" => Some(Self::Minutes(60)),
            "1D" => Some(Self::Day),
            _ => None,
        }
    }

    /// The window that suits a history of so many days.
    pub(crate) fn for_days(days: i64) -> Self {
        match days {
            ..7 => Self::Minutes(1),
            7..30 => Self::Minutes(15),
            _ => Self::Day,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Minutes(1) => "1Min",
            Self::Minutes(5) => "5Min",
            Self::Minutes(15) => "15Min",
            Self::Minutes(_) => "1H",
            Self::Day => "1D",
        }
    }
}

impl Period {
    /// Reads a number and one of D, W, M, A.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (count, unit) = text.split_at_checked(digits)?;
        let count: u32 = count.parse().ok().filter(|count| (1..=10_000).contains(count))?;
        match unit {
            "D" => Some(Self::Sessions(count)),
            "W" => Some(Self::Weeks(count)),
            "M" => Some(Self::Months(count)),
            "A" | "Y" => Some(Self::Months(count.checked_mul(12)?)),
            _ => None,
        }
    }

    /// The first date of the period that ends at a moment, never more than the history's longest.
    pub(crate) fn first_date(self, hours: Hours, end: DateTime<Utc>) -> NaiveDate {
        let last = calendar::new_york_date(end);
        let earliest = last - Days::new(DAYS_MAX);
        match self {
            Self::Sessions(count) => {
                let started = |date: &NaiveDate| {
                    hours.session_on(*date).is_some_and(|session| session.open <= end)
                };
                let dates = (0..DAYS_MAX).map(|days| last - Days::new(days)).filter(started);
                dates.take(usize::try_from(count).unwrap_or(usize::MAX)).last().unwrap_or(last)
            }
            Self::Weeks(count) => {
                last.checked_sub_days(Days::new(7 * u64::from(count))).unwrap_or(earliest)
            }
            Self::Months(count) => last.checked_sub_months(Months::new(count)).unwrap_or(earliest),
        }
        .max(earliest)
    }
}

impl Query {
    /// Whether the windows are wide enough for the length of the history.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let days = (calendar::new_york_date(self.until) - self.from).num_days();
        let days_max = match self.window {
            Window::Minutes(1) => MINUTE_DAYS_MAX,
            Window::Minutes(_) => INTRADAY_DAYS_MAX,
            Window::Day => return Ok(()),
        };
        if days > days_max {
            return Err(Refusal::invalid(format!(
                "timeframe {} covers at most {days_max} days: choose a longer timeframe or a \
                 shorter period",
                self.window.as_str()
            )));
        }
        Ok(())
    }

    /// The history as clients see it.
    pub(crate) fn answer(&self, subject: Subject<'_>) -> Value {
        let before = subject.hours.previous_session(calendar::new_york(self.from, 4, 0));
        let base = before
            .filter(|session| session.close >= subject.created_at)
            .and_then(|session| Some((session, subject.equity_at(session.close)?)));
        let base_time = base.map_or(subject.created_at, |(session, _)| session.close);
        let base_value = base
            .map(|(_, equity)| equity)
            .or_else(|| subject.equity_at(subject.created_at))
            .unwrap_or(subject.equity);
        let mut columns = Columns::default();
        let mut flows: BTreeMap<&'static str, Vec<Decimal>> = BTreeMap::new();
        let mut since = (base_time, base_value);
        let mut last_end = base_time;
        for session in self.sessions(subject.hours) {
            if self.reset == Reset::PerDay && self.window != Window::Day {
                let opening = session.open.max(subject.created_at);
                since = (opening, subject.equity_at(opening).unwrap_or(since.1));
            }
            for (start, end) in self.windows(session) {
                if end <= subject.created_at || start < self.not_before || start > self.until {
                    continue;
                }
                let Some(equity) = subject.equity_at(end) else { continue };
                let gain = equity - since.1 - subject.cash_flow(since.0, end);
                columns.push(start, equity, gain, base_value);
                self.add_flows(&mut flows, &subject, last_end, end, columns.timestamp.len());
                last_end = end;
            }
        }
        let mut body = columns.json();
        body["base_value"] = json!(Number::of(base_value.round_dp(CENTS)));
        if let Some((session, _)) = base {
            body["base_value_asof"] = session.date.to_string().into();
        }
        body["timeframe"] = self.window.as_str().into();
        if self.cash_flows.is_some() {
            let flows = flows.into_iter().map(|(kind, mut amounts)| {
                amounts.resize(columns.timestamp.len(), Decimal::ZERO);
                (kind.to_owned(), amounts.into_iter().map(|one| json!(Number::of(one))).collect())
            });
            body["cashflow"] = Value::Object(flows.collect::<Map<String, Value>>());
        }
        body
    }

    /// The parts of days that are shown, oldest first.
    fn sessions(&self, hours: Hours) -> impl Iterator<Item = Session> {
        let last = calendar::new_york_date(self.until);
        let (window, reporting) = (self.window, self.reporting);
        self.from.iter_days().take_while(move |date| *date <= last).filter_map(move |date| {
            let hours = match (window, reporting) {
                (_, Reporting::Continuous) => Hours::Always,
                _ => hours,
            };
            match (window, reporting) {
                (Window::Minutes(_), Reporting::ExtendedHours) => hours.extended_on(date),
                _ => hours.session_on(date),
            }
        })
    }

    /// The windows of a session: start and end.
    fn windows(&self, session: Session) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
        match self.window {
            Window::Day => {
                let start = calendar::new_york(session.date, 0, 0);
                vec![(start, calendar::new_york(session.date + Days::new(1), 0, 0))]
            }
            Window::Minutes(minutes) => {
                let width = TimeDelta::minutes(minutes);
                let last = session.close.min(self.until + TimeDelta::nanoseconds(1));
                std::iter::successors(Some(session.open), |start| Some(*start + width))
                    .take_while(|start| *start < last)
                    .map(|start| (start, (start + width).min(session.close)))
                    .collect()
            }
        }
    }

    fn add_flows(
        &self,
        flows: &mut BTreeMap<&'static str, Vec<Decimal>>,
        subject: &Subject<'_>,
        after: DateTime<Utc>,
        until: DateTime<Utc>,
        length: usize,
    ) {
        let Some(kinds) = &self.cash_flows else { return };
        for activity in subject.non_trades.iter().filter(|one| after < one.at && one.at <= until) {
            let kind = activity.kind.as_str();
            if !kinds.is_empty() && !kinds.contains(kind) {
                continue;
            }
            let amounts = flows.entry(kind).or_default();
            amounts.resize(length, Decimal::ZERO);
            if let Some(last) = amounts.last_mut() {
                *last += activity.net_amount;
            }
        }
    }
}

impl Subject<'_> {
    fn equity_at(&self, moment: DateTime<Utc>) -> Option<Decimal> {
        if moment >= self.now { Some(self.equity) } else { self.curve.as_of(moment) }
    }

    /// Cash that came from outside in a stretch of time, less what left.
    fn cash_flow(&self, after: DateTime<Utc>, until: DateTime<Utc>) -> Decimal {
        self.non_trades
            .iter()
            .filter(|one| one.kind.is_cash_flow() && after < one.at && one.at <= until)
            .map(|one| one.net_amount)
            .sum()
    }
}

#[derive(Debug, Default)]
struct Columns {
    timestamp: Vec<i64>,
    equity: Vec<Number>,
    profit_loss: Vec<Number>,
    profit_loss_pct: Vec<Option<Number>>,
}

impl Columns {
    fn push(&mut self, start: DateTime<Utc>, equity: Decimal, gain: Decimal, base: Decimal) {
        self.timestamp.push(start.timestamp());
        self.equity.push(Number::of(equity.round_dp(CENTS)));
        self.profit_loss.push(Number::of(gain.round_dp(CENTS)));
        let share = gain.checked_div(base).map(|share| share.round_dp(SHARE_DECIMALS));
        self.profit_loss_pct.push(share.map(Number::of));
    }

    fn json(&self) -> Value {
        json!({
            "timestamp": self.timestamp,
            "equity": self.equity,
            "profit_loss": self.profit_loss,
            "profit_loss_pct": self.profit_loss_pct,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_a_number_and_a_unit_and_count_sessions_weeks_and_months_back() {
        let end = "2026-03-02T15:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("1D", Some("2026-03-02")),
            ("2D", Some("2026-02-27")),
            ("1W", Some("2026-02-23")),
            ("1M", Some("2026-02-02")),
            ("1A", Some("2025-03-02")),
            ("0D", None),
            ("D", None),
            ("1Q", None),
            ("", None),
        ] {
            let first = Period::parse(text).map(|one| one.first_date(Hours::Nyse, end).to_string());
            assert_eq!(first.as_deref(), expected, "{text}");
        }
        assert!(Period::parse("9999A").is_some_and(|one| {
            one.first_date(Hours::Nyse, end) == calendar::new_york_date(end) - Days::new(DAYS_MAX)
        }));
    }

    #[test]
    fn the_day_before_the_open_belongs_to_the_session_before() {
        let early = "2026-03-02T09:00:00Z".parse().unwrap();
        let first = Period::Sessions(1).first_date(Hours::Nyse, early);
        assert_eq!(first.to_string(), "2026-02-27");
    }
}
