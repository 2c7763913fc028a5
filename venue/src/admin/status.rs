//! `/status` and `/clock`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Admin, json as answer, read};
use crate::clock::ClockError;
use crate::refusal::Refusal;

/// One of the three ways to move the clock.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Move {
    /// To this time.
    advance_to: Option<DateTime<Utc>>,
    /// By this many milliseconds.
    advance_ms: Option<i64>,
    /// To the close of the session that is open, or of the next one.
    end_day: bool,
}

pub(super) fn routes() -> Router<Arc<Admin>> {
    Router::new().route("/status", get(status)).route("/clock", get(clock).post(advance))
}

async fn status(State(admin): State<Arc<Admin>>) -> Response {
    let server = &admin.server;
    let armed = server.faults.list();
    let injected: u64 = armed.iter().map(|fault| fault.injected).sum();
    let (accounts, orders, log) = server.exchange.read(|inner| {
        (inner.books.accounts().count(), inner.books.order_count(), inner.log_state())
    });
    let books = log.map(|log| {
        json!({
            "length_bytes": log.length_bytes,
            "lines": log.lines,
            "torn_bytes_at_start": log.torn_bytes,
        })
    });
    let replay = admin.progress.as_ref().map(|progress| {
        let played = progress.read();
        json!({
            "rows": played.rows,
            "steps": played.steps,
            "position": played.position,
            "broken_lines": played.broken_lines,
            "done": played.done,
        })
    });
    let status = json!({
        "clock": shown(&admin),
        "accounts": accounts,
        "orders": orders,
        "requests": server.requests.load(Ordering::Relaxed),
        "trade_streams": server.exchange.trade_hub.links().len(),
        "data_streams": server.data_hub.links().len(),
        "faults": {"armed": armed.len(), "injected": injected},
        "books": books,
        "replay": replay,
    });
    answer(StatusCode::OK, &status)
}

async fn clock(State(admin): State<Arc<Admin>>) -> Response {
    answer(StatusCode::OK, &shown(&admin))
}

async fn advance(State(admin): State<Arc<Admin>>, body: Bytes) -> Result<Response, Refusal> {
    let wanted: Move = read(&body)?;
    let exchange = &admin.server.exchange;
    let moved = match wanted {
        Move { advance_to: Some(time), advance_ms: None, end_day: false } => exchange.jump_to(time),
        Move { advance_to: None, advance_ms: Some(ms), end_day: false } => {
            let span = TimeDelta::try_milliseconds(ms).unwrap_or(TimeDelta::MAX);
            let time = exchange.clock.now().checked_add_signed(span);
            exchange.jump_to(time.unwrap_or(DateTime::<Utc>::MAX_UTC))
        }
        Move { advance_to: None, advance_ms: None, end_day: true } => exchange.end_day(),
        _ => return Err(Refusal::invalid("name one of advance_to, advance_ms and end_day")),
    };
    moved.map_err(|error| match error {
        ClockError::Fixed => Refusal::forbidden(error.to_string()),
        ClockError::Past { .. } | ClockError::TooFar { .. } => {
            Refusal::unprocessable(error.to_string())
        }
    })?;
    Ok(answer(StatusCode::OK, &shown(&admin)))
}

fn shown(admin: &Admin) -> Value {
    let exchange = &admin.server.exchange;
    let now = exchange.clock.now();
    let session = exchange.hours.current_or_next(now);
    json!({
        "now": now,
        "kind": exchange.clock.kind(),
        "speed": exchange.clock.speed(),
        "is_open": exchange.hours.session_at(now).is_some(),
        "next_close": session.close,
    })
}
