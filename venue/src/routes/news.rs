//! `/v1beta1/news`: a page of news, or to a WebSocket handshake the stream of them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use chrono::{DateTime, Utc};
use http::HeaderMap;
use serde_json::{Value, json};

use super::data_query::{given, limit};
use super::guard::Caller;
use super::streams::{self, Upgrade};
use super::{Parameters, ascending, flag, json as answer, list, on_a_core};
use crate::activities::parse_time;
use crate::faults::Wire;
use crate::news::{EARLIEST_SECOND, Search};
use crate::refusal::Refusal;
use crate::server::Server;

const LIMIT_DEFAULT: usize = 10;
const LIMIT_MAX: usize = 50;

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new().route("/v1beta1/news", get(news))
}

async fn news(
    State(server): State<Arc<Server>>,
    wire: Wire,
    headers: HeaderMap,
    upgrade: Upgrade,
    caller: Result<Caller, Refusal>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    if let Ok(upgrade) = upgrade {
        return Ok(streams::news(server, wire, &headers, upgrade));
    }
    caller?;
    page(server, &parameters).await
}

async fn page(server: Arc<Server>, parameters: &Parameters) -> Result<Response, Refusal> {
    let now = server.exchange.clock.now();
    let time = |name: &str| given(parameters, name).map(|text| parse_time(name, text)).transpose();
    let earliest = DateTime::<Utc>::from_timestamp(EARLIEST_SECOND, 0).unwrap_or(now);
    let start_at = given(parameters, "page_token")
        .map(|text| {
            u64::from_str_radix(text, 16).map_err(|_invalid| {
                Refusal::bad_request("invalid page_token: use the one of the page before")
            })
        })
        .transpose()?;
    let search = Search {
        from: time("start")?.unwrap_or(earliest),
        until: time("end")?.unwrap_or(now).min(now),
        newest_first: !ascending(parameters, "sort", false)?,
        symbols: list(parameters, "symbols"),
        start_at,
        limit: limit(parameters, LIMIT_DEFAULT, LIMIT_MAX)?,
    };
    let include_content = flag(parameters, "include_content");
    let newsroom = Arc::clone(&server.news);
    let (articles, next) = on_a_core(&server, move || newsroom.search(&search)).await?;
    let articles: Vec<Value> = articles.iter().map(|one| one.json(include_content)).collect();
    let next = next.map(|id| format!("{id:016x}"));
    Ok(answer(&json!({"news": articles, "next_page_token": next})))
}
