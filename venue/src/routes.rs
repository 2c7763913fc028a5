//! The HTTP surface: which path leads where, and what every request passes first.

mod account;
mod activities;
mod assets;
mod clock;
mod corporate_actions;
mod data;
mod data_latest;
mod data_page;
mod data_query;
mod guard;
mod meta;
mod news;
mod orders;
mod portfolio_history;
mod positions;
mod screener;
mod streams;
mod watchlists;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::Value;
use tower_http::compression::CompressionLayer;

use crate::faults;
use crate::refusal::Refusal;
use crate::server::Server;

pub(crate) use data_query::{DELAY, is_night};

/// The largest request body.
pub(crate) const BODY_BYTES_MAX: usize = 64 * 1024;

/// Query parameters.
type Parameters = HashMap<String, String>;

/// Every route of the venue.
pub(crate) fn router(server: Arc<Server>) -> Router {
    let guarded = Router::new()
        .merge(account::routes())
        .merge(activities::routes())
        .merge(assets::routes())
        .merge(clock::routes())
        .merge(orders::routes())
        .merge(portfolio_history::routes())
        .merge(positions::routes())
        .merge(watchlists::routes())
        .merge(data::routes())
        .merge(meta::routes())
        .merge(news::routes())
        .merge(screener::routes())
        .merge(corporate_actions::routes())
        .layer(middleware::from_fn_with_state(Arc::clone(&server), faults::inject))
        .layer(middleware::from_fn_with_state(Arc::clone(&server), guard::guard));
    let streams = streams::routes()
        .layer(middleware::from_fn_with_state(Arc::clone(&server), faults::inject));
    guarded
        .merge(streams)
        .fallback(async || Refusal::not_found("endpoint not found"))
        .method_not_allowed_fallback(async || Refusal::not_found("endpoint not found"))
        .route("/", get(async || "Troupe venue: an Alpaca-compatible paper exchange\n"))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(&server), guard::number))
        .layer(CompressionLayer::new())
        .with_state(server)
}

/// A JSON answer.
fn json(value: &Value) -> Response {
    json_with(StatusCode::OK, value)
}

fn json_with(status: StatusCode, value: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

/// A yes or no in a query, in any case: one client writes `True`.
fn flag(parameters: &Parameters, name: &str) -> bool {
    parameters.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// A list with commas in a query.
fn list(parameters: &Parameters, name: &str) -> Vec<String> {
    parameters
        .get(name)
        .map(|text| text.split(',').map(str::trim).filter(|item| !item.is_empty()))
        .into_iter()
        .flatten()
        .map(str::to_owned)
        .collect()
}

/// A count in a query, within bounds.
fn count(
    parameters: &Parameters,
    name: &str,
    default: usize,
    maximum: usize,
) -> Result<usize, Refusal> {
    let Some(text) = parameters.get(name) else { return Ok(default) };
    match text.parse() {
        Ok(count) if (1..=maximum).contains(&count) => Ok(count),
        Ok(_) | Err(_) => {
            Err(Refusal::invalid(format!("{name} must be between 1 and {maximum}, not {text}")))
        }
    }
}

/// Whether a query asks for the oldest first.
fn ascending(parameters: &Parameters, name: &str, default: bool) -> Result<bool, Refusal> {
    match parameters.get(name).map(|text| text.to_ascii_lowercase()).as_deref() {
        None => Ok(default),
        Some("asc") => Ok(true),
        Some("desc") => Ok(false),
        Some(other) => Err(Refusal::invalid(format!("{name} must be asc or desc, not {other}"))),
    }
}

/// Runs work that may keep a core busy away from the connections, and not too much of it at once.
async fn on_a_core<T: Send + 'static>(
    server: &Server,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    let _permit = server.history_pages.acquire().await.map_err(|_closed| Refusal::internal())?;
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "a page of history could not be made");
        Refusal::internal()
    })
}
