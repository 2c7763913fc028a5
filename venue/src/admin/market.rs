//! `/halt`, `/resume`, `/quote`: what a symbol does.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use http::StatusCode;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;

use super::{Admin, Figure, json as answer, read, refusal};
use crate::assets::Asset;
use crate::data_hub::Audience;
use crate::faults::{Fault, FaultKind, FaultScope, HaltedOrders};
use crate::market::{Happening, MarketEvent, Quote};
use crate::refusal::Refusal;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Halt {
    symbol: String,
    #[serde(default)]
    orders: HaltedOrders,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Resume {
    symbol: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SetQuote {
    symbol: String,
    bid: Figure,
    ask: Figure,
    /// 100 when left out.
    bid_size: Option<Figure>,
    ask_size: Option<Figure>,
    /// Keep the market's own quotes of the symbol back from now on.
    #[serde(default)]
    hold: bool,
}

pub(super) fn routes() -> Router<Arc<Admin>> {
    Router::new()
        .route("/halt", post(halt))
        .route("/resume", post(resume))
        .route("/quote", post(quote))
}

async fn halt(State(admin): State<Arc<Admin>>, body: Bytes) -> Result<Response, Refusal> {
    let Halt { symbol, orders } = read(&body)?;
    let asset = find(&admin, &symbol)?;
    let id = arm_once(&admin, &asset, FaultKind::Halt { orders })?;
    let halted = json!({"symbol": asset.symbol, "halted": true, "fault_id": id});
    Ok(answer(StatusCode::OK, &halted))
}

/// Ends the halts of a symbol, and gives it its own quotes back.
async fn resume(State(admin): State<Arc<Admin>>, body: Bytes) -> Result<Response, Refusal> {
    let Resume { symbol } = read(&body)?;
    let asset = find(&admin, &symbol)?;
    let faults = &admin.server.faults;
    let of_symbol = |fault: &Fault| {
        matches!(fault.inject, FaultKind::Halt { .. } | FaultKind::StaleQuote {})
            && fault.scope.symbol.as_ref().is_some_and(|named| {
                admin.server.exchange.assets.find(named).is_some_and(|one| one.id == asset.id)
            })
    };
    let mut removed = Vec::new();
    for armed in faults.list().into_iter().filter(|armed| of_symbol(&armed.fault)) {
        removed.extend(faults.remove(armed.id).map(|fault| fault.id));
    }
    let resumed = json!({"symbol": asset.symbol, "halted": false, "removed_faults": removed});
    Ok(answer(StatusCode::OK, &resumed))
}

async fn quote(State(admin): State<Arc<Admin>>, body: Bytes) -> Result<Response, Refusal> {
    let SetQuote { symbol, bid: Figure(bid), ask: Figure(ask), bid_size, ask_size, hold } =
        read(&body)?;
    let size = |given: Option<Figure>| given.map_or(Decimal::ONE_HUNDRED, |Figure(size)| size);
    let (bid_size, ask_size) = (size(bid_size), size(ask_size));
    let asset = find(&admin, &symbol)?;
    if bid <= Decimal::ZERO || ask < bid {
        return Err(Refusal::invalid("bid must be > 0 and ask must be >= bid"));
    }
    if bid_size < Decimal::ZERO || ask_size < Decimal::ZERO {
        return Err(Refusal::invalid("bid_size and ask_size must be >= 0"));
    }
    let held = hold.then(|| arm_once(&admin, &asset, FaultKind::StaleQuote {})).transpose()?;
    let exchange = &admin.server.exchange;
    let at = exchange.clock.now();
    let quote = Quote { at, bid, bid_size, ask, ask_size };
    let event = MarketEvent { asset: Arc::clone(&asset), at, what: Happening::Quote(quote) };
    let events = [event];
    exchange.on_events(&events);
    admin.server.data_hub.publish(&events, Audience::Live);
    let set = json!({"symbol": asset.symbol, "bid": bid, "ask": ask, "at": at, "fault_id": held});
    Ok(answer(StatusCode::OK, &set))
}

/// Arms a fault of one symbol in the place of an earlier one of the same kind.
fn arm_once(admin: &Admin, asset: &Asset, kind: FaultKind) -> Result<u64, Refusal> {
    let faults = &admin.server.faults;
    let name = kind.name();
    let fault = Fault::new(kind).within(FaultScope::symbol(asset.symbol.clone()));
    let earlier: Vec<u64> = faults
        .list()
        .into_iter()
        .filter(|armed| armed.fault.inject.name() == name && armed.fault.scope == fault.scope)
        .map(|armed| armed.id)
        .collect();
    // The new one first: trading must not resume for a moment in between.
    let id = faults.arm(fault).map_err(|error| refusal(&error))?;
    for earlier in earlier {
        faults.remove(earlier);
    }
    Ok(id)
}

fn find(admin: &Admin, symbol: &str) -> Result<Arc<Asset>, Refusal> {
    let found = admin.server.exchange.assets.find(symbol);
    found.cloned().ok_or_else(|| Refusal::not_found(format!("asset not found for {symbol}")))
}
