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
use super::{Parameters, ascending, count, flag, json as answer, json_with, list};
use crate::activities::parse_time;
use crate::books::Books;
use crate::order_request;
use crate::order_wire::{self, Place};
use crate::orders::{Order, OrderStatus};
use crate::refusal::Refusal;
use crate::replace_request;
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
    let placed = server.exchange.submit(caller.account_id, &request)?;
    Ok(answer(&order_wire::nested(&placed.order, placed.legs.iter())))
}

async fn one(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Path(id): Path<String>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    let id = order_id(&id)?;
    let nested = flag(&parameters, "nested");
    server.exchange.read(|inner| match inner.books.order_by_id(caller.account_id, id) {
        Some(order) if nested => Ok(answer(&order_wire::nested(order, inner.books.legs_of(order)))),
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

async fn replace(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let id = order_id(&id)?;
    let request = replace_request::parse(&body)?;
    let placed = server.exchange.replace(caller.account_id, id, &request)?;
    Ok(answer(&order_wire::nested(&placed.order, placed.legs.iter())))
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
    let results = server.exchange.cancel_all(caller.account_id);
    let results: Vec<Value> = results
        .into_iter()
        .map(|(id, result)| match result {
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
    let nested = flag(&parameters, "nested");
    server.exchange.read(|inner| {
        let books = &inner.books;
        let filter = Filter::of(&parameters, books, caller.account_id)?;
        let orders = books.orders_of(caller.account_id);
        let page = if filter.ascending { filter.page(orders) } else { filter.page(orders.rev()) };
        let body: Vec<Value> = if nested {
            let rolled_up = |order: &Order| page.iter().any(|parent| is_under(order, parent));
            let shown = page.iter().filter(|order| !rolled_up(order));
            shown.map(|order| order_wire::nested(order, books.legs_of(order))).collect()
        } else {
            page.into_iter().map(|order| order_wire::json(order, Place::Rest)).collect()
        };
        Ok(answer(&Value::Array(body)))
    })
}

/// Whether an order is shown under another one.
fn is_under(order: &Order, parent: &Order) -> bool {
    let (Some(own), Some(other)) = (order.membership, parent.membership) else { return false };
    own.group == other.group
        && !own.is_parent()
        && other.is_parent()
        && parent.status != OrderStatus::Replaced
        && order.status != OrderStatus::Replaced
}

/// Which orders a listing asks for.
struct Filter {
    /// `Some(true)` for open ones, `Some(false)` for closed ones.
    open: Option<bool>,
    limit: usize,
    after: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
    after_sequence: Option<u64>,
    before_sequence: Option<u64>,
    ascending: bool,
    symbols: Vec<String>,
    side: Option<String>,
    asset_class: Option<String>,
}

impl Filter {
    fn of(parameters: &Parameters, books: &Books, account_id: Uuid) -> Result<Self, Refusal> {
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
        let given = |name: &str| parameters.get(name).filter(|text| !text.is_empty());
        let sequence = |name: &str| -> Result<Option<u64>, Refusal> {
            let Some(text) = given(name) else { return Ok(None) };
            let id = order_id(text)?;
            match books.order_by_id(account_id, id) {
                Some(order) => Ok(Some(order.sequence)),
                None => Err(Refusal::not_found(format!("order not found for {id}"))),
            }
        };
        let (after_sequence, before_sequence) =
            (sequence("after_order_id")?, sequence("before_order_id")?);
        let by_time = given("after").is_some() || given("until").is_some();
        if by_time && (after_sequence.is_some() || before_sequence.is_some()) {
            return Err(Refusal::invalid(
                "after_order_id and before_order_id cannot be used with after or until",
            ));
        }
        Ok(Self {
            after_sequence,
            before_sequence,
            open,
            limit: count(parameters, "limit", LIST_DEFAULT, LIST_MAX)?,
            after: time("after")?,
            until: time("until")?,
            ascending: ascending(parameters, "direction", false)?,
            symbols: list(parameters, "symbols"),
            side: given("side").cloned(),
            asset_class: given("asset_class").cloned(),
        })
    }

    fn page<'a>(&self, orders: impl Iterator<Item = &'a Order>) -> Vec<&'a Order> {
        orders.filter(|order| self.matches(order)).take(self.limit).collect()
    }

    fn matches(&self, order: &Order) -> bool {
        let named =
            |symbol: &String| *symbol == order.symbol || *symbol == order.symbol.replace('/', "");
        self.open.is_none_or(|open| open == order.status.is_open())
            && self.after_sequence.is_none_or(|after| order.sequence > after)
            && self.before_sequence.is_none_or(|before| order.sequence < before)
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
