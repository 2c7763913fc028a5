//! `GET /trades/history`: the caller's fills.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use engine::Ticker;
use http::{HeaderMap, HeaderName, header};
use storage::PageRequest;
use storage::trades::{self, TradeFilter};

use super::csv;
use crate::app::App;
use crate::extract::{Caller, QueryOf};
use crate::problem::Problem;
use crate::routes::refusals::{Always, NeedsLogin, NeedsValidQuery};
use crate::wire::trade::{TradeDocument, TradeList};

const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// List the caller's trades
///
/// Newest first. With `Accept: text/csv` the page comes as CSV, and the total in the header
/// `X-Total-Count`.
#[utoipa::path(
    get,
    path = "/trades/history",
    operation_id = "trade_history",
    tag = "trades",
    params(
        ("ticker" = Option<String>, Query, description = "This ticker only", example = "AAPL"),
        ("start_date" = Option<String>, Query,
         description = "Executed then or later: a date (its first moment, UTC) or an RFC 3339 time",
         example = "2025-01-01"),
        ("end_date" = Option<String>, Query,
         description = "Executed then or earlier: a date (the whole day, UTC) or an RFC 3339 time",
         example = "2025-12-31"),
        ("limit" = Option<u32>, Query, description = "1 to 1000; 100 when not given"),
        ("offset" = Option<u64>, Query, description = "How many to skip; 0 when not given"),
    ),
    responses(
        (status = 200, description = "A page of trades",
         content((TradeList = "application/json"), (String = "text/csv"))),
        NeedsLogin,
        NeedsValidQuery,
        Always,
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(crate) async fn handler(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    query: QueryOf,
) -> Result<Response, Problem> {
    let (filter, page) = read(query)?;
    let mut connection = app.connection().await?;
    let found = trades::history(&mut connection, caller.user.id, &filter, page).await?;
    let trades: Vec<TradeDocument> = found.items.into_iter().map(Into::into).collect();
    if wants_csv(&headers) {
        let headers = [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()),
            (header::CONTENT_DISPOSITION, "attachment; filename=\"trades.csv\"".to_owned()),
            (TOTAL_COUNT, found.total.to_string()),
        ];
        return Ok((headers, csv::of_trades(&trades)).into_response());
    }
    let PageRequest { limit, offset } = page;
    Ok(Json(TradeList { trades, total: found.total, limit, offset }).into_response())
}

fn read(mut query: QueryOf) -> Result<(TradeFilter, PageRequest), Problem> {
    let moment = "a date such as 2025-01-31, or a time such as 2025-01-31T14:30:00Z";
    let ticker = query.take("ticker", "a ticker such as AAPL or BTC/USD", |text| {
        Ticker::new(&text.to_ascii_uppercase()).ok().map(String::from)
    });
    let start = query.take("start_date", moment, |text| parse(text).map(Moment::first));
    let end = query.take("end_date", moment, |text| parse(text).and_then(Moment::after));
    let (limit, offset) = query.take_page();
    if let (Some(start), Some(end)) = (start, end)
        && start >= end
    {
        query.checks().fail("end_date", "out_of_range", "this must not be before start_date");
    }
    query.finish()?;
    Ok((TradeFilter { ticker, start, end }, PageRequest { limit, offset }))
}

/// What a client calls a date.
enum Moment {
    Day(NaiveDate),
    Instant(DateTime<Utc>),
}

impl Moment {
    fn first(self) -> DateTime<Utc> {
        match self {
            Self::Day(day) => day.and_time(NaiveTime::MIN).and_utc(),
            Self::Instant(at) => at,
        }
    }

    /// The first moment that is no longer meant; the database keeps microseconds.
    fn after(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Day(day) => {
                let next = day.checked_add_days(Days::new(1))?;
                Some(next.and_time(NaiveTime::MIN).and_utc())
            }
            Self::Instant(at) => at.checked_add_signed(TimeDelta::microseconds(1)),
        }
    }
}

fn parse(text: &str) -> Option<Moment> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        return is_storable(day).then_some(Moment::Day(day));
    }
    // A plus sign in a query that was not encoded arrives as a space.
    let text = text.replace(' ', "+");
    let at = DateTime::parse_from_rfc3339(&text).ok()?.to_utc();
    is_storable(at.date_naive()).then_some(Moment::Instant(at))
}

/// Years that the database can compare.
fn is_storable(day: NaiveDate) -> bool {
    use chrono::Datelike as _;
    (1..=9999).contains(&day.year())
}

/// Whether CSV is asked for by name, and JSON is not.
fn wants_csv(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).into_iter().filter_map(|v| v.to_str().ok());
    let types: Vec<&str> = accepted
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.split(';').next())
        .map(str::trim)
        .collect();
    let asks = |media_type: &str| types.iter().any(|range| range.eq_ignore_ascii_case(media_type));
    asks("text/csv") && !asks("application/json")
}
