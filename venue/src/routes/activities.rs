//! `/v2/account/activities`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use chrono::NaiveDate;
use serde_json::Value;

use super::guard::Caller;
use super::{Parameters, ascending, count, json, list};
use crate::activities::{self, Kinds, PAGE_SIZE_MAX, parse_time};
use crate::refusal::Refusal;
use crate::server::Server;

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v2/account/activities", get(all))
        .route("/v2/account/activities/{kind}", get(of_kind))
}

async fn all(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    let mut query = query(&parameters)?;
    let types = list(&parameters, "activity_types");
    query.kinds = match parameters.get("category").map(String::as_str) {
        None if types.is_empty() => Kinds::All,
        None => Kinds::Named(types.into_iter().collect()),
        Some(_) if !types.is_empty() => {
            return Err(Refusal::invalid("only one of category or activity_types is accepted"));
        }
        Some("trade_activity") => Kinds::Trade,
        Some("non_trade_activity") => Kinds::NonTrade,
        Some(other) => {
            return Err(Refusal::invalid(format!(
                "category must be trade_activity or non_trade_activity, not {other}"
            )));
        }
    };
    Ok(page(&server, caller, &query))
}

async fn of_kind(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Path(kind): Path<String>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    let mut query = query(&parameters)?;
    query.kinds = Kinds::Named([kind].into());
    Ok(page(&server, caller, &query))
}

fn page(server: &Server, caller: Caller, query: &activities::Query) -> Response {
    server.exchange.read(|inner| {
        let all = inner.books.history_of(caller.account_id);
        let page: Vec<Value> = query.page(all).iter().map(activities::Item::json).collect();
        json(&Value::Array(page))
    })
}

fn query(parameters: &Parameters) -> Result<activities::Query, Refusal> {
    let time = |name: &str| parameters.get(name).map(|text| parse_time(name, text)).transpose();
    let (mut after, mut until) = (time("after")?, time("until")?);
    if let Some(text) = parameters.get("date") {
        let date: NaiveDate = text
            .parse()
            .map_err(|_invalid| Refusal::invalid(format!("date must be YYYY-MM-DD, not {text}")))?;
        if after.is_some() || until.is_some() {
            return Err(Refusal::invalid("only one of date or after and until is accepted"));
        }
        let (before, next) = activities::day_bounds(date);
        (after, until) = (Some(before), Some(next));
    }
    Ok(activities::Query {
        after,
        until,
        ascending: ascending(parameters, "direction", false)?,
        page_size: count(parameters, "page_size", PAGE_SIZE_MAX, PAGE_SIZE_MAX)?,
        page_token: parameters.get("page_token").filter(|token| !token.is_empty()).cloned(),
        ..activities::Query::default()
    })
}
