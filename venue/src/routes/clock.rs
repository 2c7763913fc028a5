//! `/v2/clock` and `/v2/calendar`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use chrono::{DateTime, Days, NaiveDate, SecondsFormat, Utc};
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
    let end = date(&parameters, "end")?.unwrap_or(start + Days::new(CALENDAR_DAYS_DEFAULT));
    if (end - start).num_days() > CALENDAR_DAYS_MAX {
        return Err(Refusal::invalid("the calendar covers at most 40 years: choose a nearer end"));
    }
    let hours = server.exchange.hours;
    let days: Vec<Value> = start
        .iter_days()
        .take_while(|date| *date <= end)
        .filter_map(|date| hours.session_on(date))
        .map(|session| day(session, hours))
        .collect();
    Ok(answer(&Value::Array(days)))
}

fn day(session: Session, hours: Hours) -> Value {
    // Midnight of the next day has no name in HH:MM, so a round-the-clock day ends at 23:59.
    let (open, close, first, last) = match hours {
        Hours::Nyse => ("09:30", "16:00", "0400", "2000"),
        Hours::Always => ("00:00", "23:59", "0000", "2359"),
    };
    json!({
        "date": session.date.to_string(),
        "open": open,
        "close": close,
        "session_open": first,
        "session_close": last,
        "settlement_date": calendar::settlement_date(session.date).to_string(),
    })
}

fn date(parameters: &Parameters, name: &str) -> Result<Option<NaiveDate>, Refusal> {
    let Some(text) = parameters.get(name) else { return Ok(None) };
    let day = text.split_once('T').map_or(text.as_str(), |(day, _time)| day);
    day.parse()
        .map(Some)
        .map_err(|_invalid| Refusal::invalid(format!("{name} must be YYYY-MM-DD, not {text}")))
}

fn new_york(time: DateTime<Utc>) -> String {
    time.with_timezone(&New_York).to_rfc3339_opts(SecondsFormat::AutoSi, false)
}
