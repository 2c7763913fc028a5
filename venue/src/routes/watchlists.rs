//! `/v2/watchlists`, by id and by name.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::guard::Caller;
use super::{Parameters, assets, json as answer};
use crate::order_wire::timestamp;
use crate::refusal::Refusal;
use crate::server::Server;
use crate::watchlists::{Watchlist, Which};

type SharedServer = State<Arc<Server>>;

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v2/watchlists", get(all).post(create))
        .route(
            "/v2/watchlists/{id}",
            get(by_id).put(update_by_id).post(add_by_id).delete(delete_by_id),
        )
        .route("/v2/watchlists/{id}/{symbol}", axum::routing::delete(remove_by_id))
        .route("/v2/watchlists/{id}/{base}/{quote}", axum::routing::delete(remove_pair_by_id))
        .route(
            "/v2/watchlists:by_name",
            get(by_name).put(update_by_name).post(add_by_name).delete(delete_by_name),
        )
        .route("/v2/watchlists:by_name/{symbol}", axum::routing::delete(remove_by_name))
        .route("/v2/watchlists:by_name/{base}/{quote}", axum::routing::delete(remove_pair_by_name))
}

/// What a list is created with or changed to. Unknown members come along from some clients.
#[derive(Debug, Deserialize)]
struct Wanted {
    name: Option<String>,
    symbols: Option<Vec<String>>,
}

/// The one symbol that is put on a list.
#[derive(Debug, Deserialize)]
struct Addition {
    symbol: Option<String>,
}

async fn all(State(server): SharedServer, caller: Caller) -> Response {
    server.exchange.read(|inner| {
        let lists = inner.books.watchlists.of(caller.account_id).iter();
        answer(&lists.map(head).collect())
    })
}

async fn create(
    State(server): SharedServer,
    caller: Caller,
    body: Bytes,
) -> Result<Response, Refusal> {
    let wanted: Wanted = read(&body)?;
    let name = wanted.name.ok_or_else(|| Refusal::invalid("name is required"))?;
    let symbols = symbols(&server, wanted.symbols.unwrap_or_default())?;
    let list = server.exchange.create_watchlist(caller.account_id, name, symbols)?;
    Ok(whole(&server, &list))
}

async fn by_id(
    State(server): SharedServer,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    show(&server, caller, &parse_id(&id)?)
}

async fn by_name(
    State(server): SharedServer,
    caller: Caller,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    show(&server, caller, &named(&parameters)?)
}

async fn update_by_id(
    State(server): SharedServer,
    caller: Caller,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    update(&server, caller, &parse_id(&id)?, &body)
}

async fn update_by_name(
    State(server): SharedServer,
    caller: Caller,
    Query(parameters): Query<Parameters>,
    body: Bytes,
) -> Result<Response, Refusal> {
    update(&server, caller, &named(&parameters)?, &body)
}

async fn add_by_id(
    State(server): SharedServer,
    caller: Caller,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    add(&server, caller, &parse_id(&id)?, &body)
}

async fn add_by_name(
    State(server): SharedServer,
    caller: Caller,
    Query(parameters): Query<Parameters>,
    body: Bytes,
) -> Result<Response, Refusal> {
    add(&server, caller, &named(&parameters)?, &body)
}

async fn delete_by_id(
    State(server): SharedServer,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    server.exchange.delete_watchlist(caller.account_id, &parse_id(&id)?)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn delete_by_name(
    State(server): SharedServer,
    caller: Caller,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    server.exchange.delete_watchlist(caller.account_id, &named(&parameters)?)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn remove_by_id(
    State(server): SharedServer,
    caller: Caller,
    Path((id, symbol)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    remove(&server, caller, &parse_id(&id)?, &symbol)
}

async fn remove_pair_by_id(
    State(server): SharedServer,
    caller: Caller,
    Path((id, base, quote)): Path<(String, String, String)>,
) -> Result<Response, Refusal> {
    remove(&server, caller, &parse_id(&id)?, &format!("{base}/{quote}"))
}

async fn remove_by_name(
    State(server): SharedServer,
    caller: Caller,
    Path(symbol): Path<String>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    remove(&server, caller, &named(&parameters)?, &symbol)
}

async fn remove_pair_by_name(
    State(server): SharedServer,
    caller: Caller,
    Path((base, quote)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    remove(&server, caller, &named(&parameters)?, &format!("{base}/{quote}"))
}

fn show(server: &Server, caller: Caller, which: &Which) -> Result<Response, Refusal> {
    let list = server
        .exchange
        .read(|inner| inner.books.watchlists.find(caller.account_id, which).cloned())?;
    Ok(whole(server, &list))
}

fn update(
    server: &Server,
    caller: Caller,
    which: &Which,
    body: &[u8],
) -> Result<Response, Refusal> {
    let wanted: Wanted = read(body)?;
    let symbols = wanted.symbols.map(|names| symbols(server, names)).transpose()?;
    let list = server.exchange.edit_watchlist(caller.account_id, which, |list| {
        if let Some(name) = wanted.name {
            list.name = name;
        }
        if let Some(symbols) = symbols {
            list.symbols = symbols;
        }
        Ok(())
    })?;
    Ok(whole(server, &list))
}

fn add(server: &Server, caller: Caller, which: &Which, body: &[u8]) -> Result<Response, Refusal> {
    let addition: Addition = read(body)?;
    let name = addition.symbol.ok_or_else(|| Refusal::invalid("symbol is required"))?;
    let symbol = assets::find(server, &name)?.symbol.clone();
    let list = server.exchange.edit_watchlist(caller.account_id, which, |list| list.add(symbol))?;
    Ok(whole(server, &list))
}

fn remove(server: &Server, caller: Caller, which: &Which, name: &str) -> Result<Response, Refusal> {
    let symbol = assets::find(server, name)?.symbol.clone();
    let list =
        server.exchange.edit_watchlist(caller.account_id, which, |list| list.remove(&symbol))?;
    Ok(whole(server, &list))
}

/// The assets' own symbols for what a client wrote, each once.
fn symbols(server: &Server, names: Vec<String>) -> Result<Vec<String>, Refusal> {
    let mut symbols = Vec::new();
    for name in names {
        let symbol = &assets::find(server, &name)?.symbol;
        if !symbols.contains(symbol) {
            symbols.push(symbol.clone());
        }
    }
    Ok(symbols)
}

fn head(list: &Watchlist) -> Value {
    json!({
        "id": list.id,
        "account_id": list.account_id,
        "created_at": timestamp(list.created_at),
        "updated_at": timestamp(list.updated_at),
        "name": list.name,
    })
}

fn whole(server: &Server, list: &Watchlist) -> Response {
    let mut body = head(list);
    // A recording that is gone takes its symbols off the list.
    let listed = list.symbols.iter().filter_map(|symbol| server.exchange.assets.find(symbol));
    body["assets"] = listed.map(|asset| assets::body(asset)).collect();
    answer(&body)
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal::bad_request(format!("request body is not valid: {error}")))
}

fn parse_id(text: &str) -> Result<Which, Refusal> {
    Uuid::parse_str(text)
        .map(Which::Id)
        .map_err(|_invalid| Refusal::not_found(format!("watchlist not found for {text}")))
}

fn named(parameters: &Parameters) -> Result<Which, Refusal> {
    let name = parameters.get("name").filter(|name| !name.is_empty());
    name.cloned().map(Which::Name).ok_or_else(|| Refusal::invalid("name is required"))
}
