//! `/v2/account/portfolio/history`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query as Parsed, State};
use axum::response::Response;
use axum::routing::get;
use chrono::{DateTime, NaiveDate, Utc};

use super::guard::Caller;
use super::{Parameters, flag, json, list};
use crate::activities::parse_time;
use crate::calendar::{self, Hours};
use crate::equity::Curve;
use crate::portfolio_history::{Period, Query, Reporting, Reset, Subject, Window};
use crate::refusal::Refusal;
use crate::server::Server;

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/v2/account/portfolio/history", get(history))
}

async fn history(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Parsed(parameters): Parsed<Parameters>,
) -> Result<Response, Refusal> {
    let (now, hours) = (server.exchange.clock.now(), server.exchange.hours);
    let query = query(&parameters, hours, now)?;
    query.check()?;
    server.exchange.read(|inner| {
        let account = inner.books.account(caller.account_id).ok_or_else(Refusal::unauthorized)?;
        let none = Curve::default();
        let subject = Subject {
            created_at: account.created_at,
            curve: inner.books.curves.of(account.id).unwrap_or(&none),
            equity: inner.value(account, None).equity,
            non_trades: inner.books.non_trades_of(account.id),
            hours,
            now,
        };
        Ok(json(&query.answer(subject)))
    })
}

fn query(parameters: &Parameters, hours: Hours, now: DateTime<Utc>) -> Result<Query, Refusal> {
    let given = |name: &str| parameters.get(name).filter(|text| !text.is_empty());
    let time = |name: &str| given(name).map(|text| parse_time(name, text)).transpose();
    let wrong = |name: &str, expected: &str, text: &str| {
        Refusal::invalid(format!("{name} must be {expected}, not {text}"))
    };
    let (start, end) = (time("start")?, time("end")?);
    if start.is_some() && end.is_some() && given("period").is_some() {
        return Err(Refusal::invalid("only two of start, end and period are accepted"));
    }
    let date_end = given("date_end")
        .map(|text| {
            let date: NaiveDate =
                text.parse().map_err(|_invalid| wrong("date_end", "YYYY-MM-DD", text))?;
            Ok(hours.extended_on(date).map_or(calendar::new_york(date, 20, 0), |one| one.close))
        })
        .transpose()?;
    let period = match given("period") {
        None => Period::Months(1),
        Some(text) => Period::parse(text)
            .ok_or_else(|| wrong("period", "a number and one of D, W, M, A", text))?,
    };
    let length_known = given("period").is_some();
    let until = match (end.or(date_end), start) {
        (Some(end), _) => end,
        (None, Some(start)) if length_known => period_end(period, start),
        (None, _) => now,
    };
    let until = until.min(now);
    let from = start.map_or_else(|| period.first_date(hours, until), calendar::new_york_date);
    if start.is_some_and(|start| start > until) {
        return Err(Refusal::invalid("start must be before end and before now"));
    }
    let days = (calendar::new_york_date(until) - from).num_days();
    let window = match given("timeframe") {
        None => Window::for_days(days),
        Some(text) => Window::parse(text)
            .ok_or_else(|| wrong("timeframe", "1Min, 5Min, 15Min, 1H or 1D", text))?,
    };
    let reporting = match given("intraday_reporting").map(String::as_str) {
        None if flag(parameters, "extended_hours") => Reporting::ExtendedHours,
        None | Some("market_hours") => Reporting::MarketHours,
        Some("extended_hours") => Reporting::ExtendedHours,
        Some("continuous") => Reporting::Continuous,
        Some(text) => {
            let expected = "market_hours, extended_hours or continuous";
            return Err(wrong("intraday_reporting", expected, text));
        }
    };
    let reset = match given("pnl_reset").map(String::as_str) {
        None | Some("per_day") => Reset::PerDay,
        Some("no_reset") => Reset::Never,
        Some(text) => return Err(wrong("pnl_reset", "per_day or no_reset", text)),
    };
    let flows = list(parameters, "cashflow_types");
    let cash_flows = match flows.first().map(String::as_str) {
        None | Some("NONE") => None,
        Some("ALL") => Some([].into()),
        Some(_) => Some(flows.into_iter().collect()),
    };
    let not_before = start.unwrap_or(DateTime::<Utc>::MIN_UTC);
    Ok(Query { from, not_before, until, window, reporting, reset, cash_flows })
}

/// Where a period that starts at a moment ends.
fn period_end(period: Period, start: DateTime<Utc>) -> DateTime<Utc> {
    let end = match period {
        Period::Sessions(days) => start.checked_add_days(chrono::Days::new(u64::from(days))),
        Period::Weeks(weeks) => start.checked_add_days(chrono::Days::new(7 * u64::from(weeks))),
        Period::Months(months) => start.checked_add_months(chrono::Months::new(months)),
    };
    end.unwrap_or(start)
}
