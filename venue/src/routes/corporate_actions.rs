//! `/v1/corporate-actions`.

use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;
use serde_json::json;

use super::data_query::{given, limit};
use super::guard::Caller;
use super::{Parameters, ascending, json as answer, list};
use crate::activities::parse_time;
use crate::refusal::Refusal;
use crate::server::Server;

const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 1_000;

/// The types that Alpaca knows.
const TYPES: &[&str] = &[
    "reverse_split",
    "forward_split",
    "unit_split",
    "cash_dividend",
    "stock_dividend",
    "spin_off",
    "cash_merger",
    "stock_merger",
    "stock_and_cash_merger",
    "redemption",
    "name_change",
    "worthless_removal",
    "rights_distribution",
    "partial_call",
];

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/corporate-actions", get(corporate_actions))
        .route("/v1beta1/corporate-actions", get(corporate_actions))
}

async fn corporate_actions(
    _caller: Caller,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    for name in list(&parameters, "types") {
        if !TYPES.contains(&name.as_str()) {
            return Err(Refusal::bad_request(format!("invalid types: {name}")));
        }
    }
    for name in ["start", "end"] {
        given(&parameters, name).map(|text| parse_time(name, text)).transpose()?;
    }
    ascending(&parameters, "sort", true)?;
    limit(&parameters, LIMIT_DEFAULT, LIMIT_MAX)?;
    Ok(answer(&json!({"corporate_actions": {}, "next_page_token": null})))
}
