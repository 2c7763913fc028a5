//! `/v2/positions`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use super::guard::Caller;
use super::{Parameters, flag, json as answer, json_with};
use crate::assets::Asset;
use crate::exchange::Inner;
use crate::intake::Placed;
use crate::market::Newest;
use crate::number;
use crate::order_request::{Amount, OrderRequest};
use crate::order_wire::{self, Place};
use crate::orders::{QUANTITY_DECIMALS, Side, TimeInForce};
use crate::positions::Position;
use crate::refusal::Refusal;
use crate::server::Server;

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v2/positions", get(all).delete(close_all))
        .route("/v2/positions/{symbol}", get(one).delete(close))
        .route("/v2/positions/{symbol}/{quote}", get(pair).delete(close_pair))
}

async fn all(State(server): State<Arc<Server>>, caller: Caller) -> Result<Response, Refusal> {
    server.exchange.read(|inner| {
        let account = inner.books.account(caller.account_id).ok_or_else(Refusal::unauthorized)?;
        let positions: Vec<Value> = account
            .positions
            .values()
            .filter_map(|position| {
                let asset = server.exchange.assets.find(&position.symbol)?;
                Some(body(inner, caller, asset, position))
            })
            .collect();
        Ok(answer(&Value::Array(positions)))
    })
}

async fn one(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Path(symbol): Path<String>,
) -> Result<Response, Refusal> {
    show(&server, caller, &symbol)
}

async fn pair(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Path((base, quote)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    show(&server, caller, &format!("{base}/{quote}"))
}

async fn close(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Path(symbol): Path<String>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    let placed = reduce(&server, caller, &symbol, &parameters)?;
    Ok(answer(&order_wire::json(&placed.order, Place::Rest)))
}

async fn close_pair(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Path((base, quote)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    let placed = reduce(&server, caller, &format!("{base}/{quote}"), &parameters)?;
    Ok(answer(&order_wire::json(&placed.order, Place::Rest)))
}

async fn close_all(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Query(parameters): Query<Parameters>,
) -> Response {
    if flag(&parameters, "cancel_orders") {
        for (id, result) in server.exchange.cancel_all(caller.account_id) {
            if let Err(refusal) = result {
                tracing::debug!(order.id = %id, reason = %refusal.message, "an order was not canceled");
            }
        }
    }
    let symbols: Vec<String> = server.exchange.read(|inner| {
        let account = inner.books.account(caller.account_id);
        account.map(|account| account.positions.keys().cloned().collect()).unwrap_or_default()
    });
    let results: Vec<Value> = symbols
        .into_iter()
        .map(|symbol| match reduce(&server, caller, &symbol, &Parameters::new()) {
            Ok(placed) => {
                json!({"symbol": symbol, "status": 200, "body": order_wire::json(&placed.order, Place::Rest)})
            }
            Err(refusal) => {
                json!({"symbol": symbol, "status": refusal.status.as_u16(), "body": refusal.body()})
            }
        })
        .collect();
    json_with(StatusCode::MULTI_STATUS, &Value::Array(results))
}

fn show(server: &Server, caller: Caller, name: &str) -> Result<Response, Refusal> {
    server.exchange.read(|inner| {
        let (asset, position) = find(server, inner, caller, name)?;
        Ok(answer(&body(inner, caller, asset, position)))
    })
}

/// Closes a position, or the part of it that the query names, at the market.
fn reduce(
    server: &Server,
    caller: Caller,
    name: &str,
    parameters: &Parameters,
) -> Result<Placed, Refusal> {
    let request = server.exchange.read(|inner| {
        let (asset, position) = find(server, inner, caller, name)?;
        let time_in_force = if asset.is_crypto() { TimeInForce::Gtc } else { TimeInForce::Day };
        let side = if position.is_short() { Side::Buy } else { Side::Sell };
        let amount = Amount::Quantity(quantity(position, parameters)?);
        Ok(OrderRequest::market(asset.symbol.clone(), side, amount, time_in_force))
    })?;
    server.exchange.submit(caller.account_id, &request)
}

fn quantity(position: &Position, parameters: &Parameters) -> Result<Decimal, Refusal> {
    let number = |name: &str| {
        parameters
            .get(name)
            .map(|text| {
                number::parse(text)
                    .filter(|value| *value > Decimal::ZERO)
                    .ok_or_else(|| Refusal::invalid(format!("{name} must be > 0, not {text}")))
            })
            .transpose()
    };
    match (number("qty")?, number("percentage")?) {
        (Some(_), Some(_)) => Err(Refusal::invalid("only one of qty or percentage is accepted")),
        (Some(qty), None) => Ok(qty),
        (None, Some(percentage)) if percentage > Decimal::ONE_HUNDRED => {
            Err(Refusal::invalid("percentage must be <= 100"))
        }
        (None, Some(percentage)) => {
            let part = position.qty.abs() * percentage / Decimal::ONE_HUNDRED;
            // Short positions are whole shares.
            let places = if position.is_short() { 0 } else { QUANTITY_DECIMALS };
            let part = part.round_dp_with_strategy(places, RoundingStrategy::ToZero);
            if part.is_zero() { Err(Refusal::invalid("qty must be > 0")) } else { Ok(part) }
        }
        (None, None) => Ok(position.qty.abs()),
    }
}

fn find<'a>(
    server: &'a Server,
    inner: &'a Inner,
    caller: Caller,
    name: &str,
) -> Result<(&'a Asset, &'a Position), Refusal> {
    let missing = || Refusal::not_found("position does not exist");
    let asset = server
        .exchange
        .assets
        .find(name)
        .ok_or_else(|| Refusal::not_found(format!("symbol not found: {name}")))?;
    let account = inner.books.account(caller.account_id).ok_or_else(missing)?;
    let position = account.positions.get(&asset.symbol).ok_or_else(missing)?;
    Ok((asset, position))
}

fn body(inner: &Inner, caller: Caller, asset: &Asset, position: &Position) -> Value {
    let newest = inner.market.newest(&asset.symbol);
    let price = newest.and_then(Newest::price);
    let closing = if position.is_short() { Side::Buy } else { Side::Sell };
    let held = inner.books.held(caller.account_id, (&asset.symbol, closing), price, None);
    position.json(asset, held, price, newest.and_then(|newest| newest.previous_close))
}
