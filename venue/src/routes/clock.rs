//! `/v2/clock` and `/v2/calendar`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use chrono::{DateTime, Datelike, Days, NaiveDate, SecondsFormat, TimeDelta, Utc};
use chrono_tz::America::New_York;
use serde_json::{Value, json};

use super::guard::Caller;
use super::{Parameters, json as answer};
use crate::calendar::{self, Hours, Session};
use crate::refusal::Refusal;
use crate::server::Server;

/// Days that a calendar without an end covers, and the most that one may cover.
const CALENDAR_DAYS_DEFAULT: u64 = 366;
const CALENDAR_DAYS_MAX: i64 = 366 * 40;
/// No trade has ever taken longer to settle.
const SETTLEMENT_DAYS_MAX: u64 = 14;

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/v2/clock", get(clock)).route("/v2/calendar", get(calendar))
}

async fn clock(State(server): State<Arc<Server>>, _caller: Caller) -> Response {
    let hours = server.exchange.hours;
    let now = server.exchange.clock.now();
    answer(&json!({
        "timestamp": new_york(now),
        "is_open": hours.session_at(now).is_some(),
        "next_open": new_york(hours.next_session(now).open),
        "next_close": new_york(hours.current_or_next(now).close),
    }))
}

async fn calendar(
    State(server): State<Arc<Server>>,
    _caller: Caller,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    let today = calendar::new_york_date(server.exchange.clock.now());
    let start = date(&parameters, "start")?.unwrap_or(today);
    let end = date(&parameters, "end")?
        .or_else(|| start.checked_add_days(Days::new(CALENDAR_DAYS_DEFAULT)))
        .filter(|end| (*end - start).num_days() <= CALENDAR_DAYS_MAX && start.year() > 0)
        .ok_or_else(|| {
            Refusal::invalid("the calendar covers at most 40 years: choose a nearer end")
        })?;
    let meaning = DateType::of(&parameters)?;
    // A trade settles some days after it: who asks by settlement sees the days before as well.
    let first = match meaning {
        DateType::Trading => start,
        DateType::Settlement => start - Days::new(SETTLEMENT_DAYS_MAX),
    };
    let hours = server.exchange.hours;
    let days: Vec<Value> = first
        .iter_days()
        .take_while(|date| *date <= end)
        .filter_map(|date| hours.session_on(date))
        .filter(|session| match meaning {
            DateType::Trading => true,
            DateType::Settlement => {
                (start..=end).contains(&calendar::settlement_date(session.date))
            }
        })
        .map(|session| day(session, hours))
        .collect();
    Ok(answer(&Value::Array(days)))
}

/// What the dates of a calendar request mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DateType {
    Trading,
    Settlement,
}

impl DateType {
    fn of(parameters: &Parameters) -> Result<Self, Refusal> {
        match parameters.get("date_type").map(|text| text.to_ascii_uppercase()).as_deref() {
            None | Some("" | "TRADING") => Ok(Self::Trading),
            Some("SETTLEMENT") => Ok(Self::Settlement),
            Some(other) => Err(Refusal::invalid(format!(
                "date_type must be TRADING or SETTLEMENT, not {other}"
            ))),
        }
    }
}

fn day(session: Session, hours: Hours) -> Value {
    let extended = hours.extended_on(session.date).unwrap_or(session);
    let time =
        |at: DateTime<Utc>, format: &str| at.with_timezone(&New_York).format(format).to_string();
    // Midnight of the next day has no name in HH:MM, so a round-the-clock day ends at 23:59.
    let end = |at: DateTime<Utc>| match hours {
        Hours::Nyse | Hours::NyseExtended => at,
        Hours::Always => at - TimeDelta::minutes(1),
    };
    json!({
        "date": session.date.to_string(),
        "open": time(session.open, "%H:%M"),
        "close": time(end(session.close), "%H:%M"),
        "session_open": time(extended.open, "%H%M"),
        "session_close": time(end(extended.close), "%H%M"),
        "settlement_date": calendar::settlement_date(session.date).to_string(),
    })
}

fn date(parameters: &Parameters, name: &str) -> Result<Option<NaiveDate>, Refusal> {
    let Some(text) = parameters.get(name).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let day = text.split_once('T').map_or(text.as_str(), |(day, _time)| day);
    day.parse()
        .map(Some)
        .map_err(|_invalid| Refusal::invalid(format!("{name} must be YYYY-MM-DD, not {text}")))
}

fn new_york(time: DateTime<Utc>) -> String {
    time.with_timezone(&New_York).to_rfc3339_opts(SecondsFormat::AutoSi, false)
}
