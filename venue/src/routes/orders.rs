//! `/v2/orders`.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::guard::Caller;
use super::{Parameters, ascending, count, json as answer, json_with, list};
use crate::activities::parse_time;
use crate::order_request;
use crate::order_wire::{self, Place};
use crate::orders::Order;
use crate::refusal::Refusal;
use crate::server::Server;

const LIST_DEFAULT: usize = 50;
const LIST_MAX: usize = 500;

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v2/orders", get(list_orders).post(place).delete(cancel_all))
        .route("/v2/orders/{id}", get(one).delete(cancel).patch(replace))
        .route("/v2/orders:by_client_order_id", get(by_client_order_id))
}

async fn place(
    State(server): State<Arc<Server>>,
    caller: Caller,
    body: Bytes,
) -> Result<Response, Refusal> {
    let request = order_request::parse(&body)?;
    let order = server.exchange.submit(caller.account_id, request)?;
    Ok(answer(&order_wire::json(&order, Place::Rest)))
}

async fn one(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let id = order_id(&id)?;
    server.exchange.read(|inner| match inner.books.order_by_id(caller.account_id, id) {
        Some(order) => Ok(answer(&order_wire::json(order, Place::Rest))),
        None => Err(Refusal::not_found(format!("order not found for {id}"))),
    })
}

async fn by_client_order_id(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    let id = parameters
        .get("client_order_id")
        .ok_or_else(|| Refusal::invalid("client_order_id is missing"))?;
    server.exchange.read(|inner| match inner.books.order_by_client_id(caller.account_id, id) {
        Some(order) => Ok(answer(&order_wire::json(order, Place::Rest))),
        None => Err(Refusal::not_found(format!("order not found for {id}"))),
    })
}

async fn replace(_caller: Caller, Path(id): Path<String>) -> Refusal {
    match order_id(&id) {
        Err(refusal) => refusal,
        Ok(_id) => Refusal::unprocessable(
            "replacing orders is not supported by this venue yet: cancel the order and send a new one",
        ),
    }
}

async fn cancel(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    server.exchange.cancel(caller.account_id, order_id(&id)?)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn cancel_all(State(server): State<Arc<Server>>, caller: Caller) -> Response {
    let open: Vec<Uuid> = server.exchange.read(|inner| {
        inner.books.open_orders_of(caller.account_id).map(|order| order.id).collect()
    });
    let results: Vec<Value> = open
        .into_iter()
        .map(|id| match server.exchange.cancel(caller.account_id, id) {
            Ok(()) => json!({"id": id, "status": 200}),
            Err(refusal) => {
                json!({"id": id, "status": refusal.status.as_u16(), "body": refusal.body()})
            }
        })
        .collect();
    json_with(StatusCode::MULTI_STATUS, &Value::Array(results))
}

async fn list_orders(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    let filter = Filter::of(&parameters)?;
    server.exchange.read(|inner| {
        let orders = inner.books.orders_of(caller.account_id);
        let page: Vec<Value> =
            if filter.ascending { filter.page(orders) } else { filter.page(orders.rev()) };
        Ok(answer(&Value::Array(page)))
    })
}

/// Which orders a listing asks for.
struct Filter {
    /// `Some(true)` for open ones, `Some(false)` for closed ones.
    open: Option<bool>,
    limit: usize,
    after: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
    ascending: bool,
    symbols: Vec<String>,
    side: Option<String>,
    asset_class: Option<String>,
}

impl Filter {
    fn of(parameters: &Parameters) -> Result<Self, Refusal> {
        let time = |name: &str| parameters.get(name).map(|text| parse_time(name, text)).transpose();
        let open = match parameters.get("status").map(|text| text.to_ascii_lowercase()).as_deref() {
            None | Some("open" | "") => Some(true),
            Some("closed") => Some(false),
            Some("all") => None,
            Some(other) => {
                return Err(Refusal::invalid(format!(
                    "status must be open, closed or all, not {other}"
                )));
            }
        };
        Ok(Self {
            open,
            limit: count(parameters, "limit", LIST_DEFAULT, LIST_MAX)?,
            after: time("after")?,
            until: time("until")?,
            ascending: ascending(parameters, "direction", false)?,
            symbols: list(parameters, "symbols"),
            side: parameters.get("side").filter(|side| !side.is_empty()).cloned(),
            asset_class: parameters.get("asset_class").filter(|class| !class.is_empty()).cloned(),
        })
    }

    fn page<'a>(&self, orders: impl Iterator<Item = &'a Order>) -> Vec<Value> {
        orders
            .filter(|order| self.matches(order))
            .take(self.limit)
            .map(|order| order_wire::json(order, Place::Rest))
            .collect()
    }

    fn matches(&self, order: &Order) -> bool {
        let named =
            |symbol: &String| *symbol == order.symbol || *symbol == order.symbol.replace('/', "");
        self.open.is_none_or(|open| open == order.status.is_open())
            && self.after.is_none_or(|after| order.created_at > after)
            && self.until.is_none_or(|until| order.created_at < until)
            && (self.symbols.is_empty() || self.symbols.iter().any(named))
            && self.side.as_ref().is_none_or(|side| side == order.side.as_str())
            && self.asset_class.as_ref().is_none_or(|class| class == order.asset_class.as_str())
    }
}

/// An order's id, with or without hyphens.
fn order_id(text: &str) -> Result<Uuid, Refusal> {
    Uuid::parse_str(text).map_err(|_invalid| Refusal::invalid("order_id is missing"))
}
