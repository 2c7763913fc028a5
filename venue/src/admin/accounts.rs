//! `/accounts`: opening, listing, resetting and closing them; deposits and withdrawals.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;
use rust_decimal::Decimal;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Admin, Figure, json as answer, read, refusal};
use crate::accounts::Account;
use crate::exchange::Inner;
use crate::number;
use crate::option_checks;
use crate::options::AccountSpec;
use crate::random;
use crate::refusal::Refusal;
use crate::venue;

/// Letters after `PK` in a key id, and letters of a secret, as Alpaca makes them.
const KEY_LENGTH: usize = 18;
const SECRET_LENGTH: usize = 40;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Opening {
    /// Made up when left out.
    key_id: Option<String>,
    /// Made up when left out.
    secret_key: Option<SecretString>,
    /// 100 000 when left out.
    cash: Option<Figure>,
    #[serde(default = "margin")]
    multiplier: u8,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Reset {
    /// 100 000 when left out.
    cash: Option<Figure>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Transfer {
    amount: Figure,
}

pub(super) fn routes() -> Router<Arc<Admin>> {
    Router::new()
        .route("/accounts", get(list).post(open))
        .route("/accounts/{key_id}", get(one).delete(close))
        .route("/accounts/{key_id}/reset", post(reset))
        .route("/accounts/{key_id}/deposit", post(deposit))
        .route("/accounts/{key_id}/withdraw", post(withdraw))
}

async fn list(State(admin): State<Arc<Admin>>) -> Response {
    let accounts: Vec<Value> = admin
        .server
        .exchange
        .read(|inner| inner.books.accounts().map(|account| shown(inner, account)).collect());
    answer(StatusCode::OK, &accounts)
}

async fn one(
    State(admin): State<Arc<Admin>>,
    Path(key_id): Path<String>,
) -> Result<Response, Refusal> {
    let found = admin
        .server
        .exchange
        .read(|inner| inner.books.account_by_key(&key_id).map(|account| shown(inner, account)));
    found.map(|account| answer(StatusCode::OK, &account)).ok_or_else(|| unknown(&key_id))
}

/// The only answer that holds a secret: the one that whoever opened the account needs.
async fn open(State(admin): State<Arc<Admin>>, body: Bytes) -> Result<Response, Refusal> {
    let Opening { key_id, secret_key, cash, multiplier } = read(&body)?;
    let key_id = match key_id {
        Some(key_id) => key_id,
        None => format!("PK{}", letters(KEY_LENGTH)?.expose_secret()),
    };
    let secret = match secret_key {
        Some(secret) if secret.expose_secret().is_empty() => {
            return Err(Refusal::invalid("secret_key must not be empty"));
        }
        Some(secret) => secret,
        None => letters(SECRET_LENGTH)?,
    };
    if id_of(&admin, &key_id).is_ok() {
        return Err(Refusal::unprocessable(format!("key_id {key_id} has an account already")));
    }
    let cash = cash.map_or_else(hundred_thousand, |Figure(cash)| cash);
    let spec = AccountSpec { key_id, secret, cash, multiplier };
    keep(&admin, &spec)?;
    let account = admin.server.exchange.read(|inner| {
        let account = inner.books.account_by_key(&spec.key_id)?;
        let mut shown = shown(inner, account);
        shown["secret_key"] = spec.secret.expose_secret().into();
        Some(shown)
    });
    Ok(answer(StatusCode::CREATED, &account))
}

async fn close(
    State(admin): State<Arc<Admin>>,
    Path(key_id): Path<String>,
) -> Result<Response, Refusal> {
    let id = id_of(&admin, &key_id)?;
    admin.server.exchange.close_account(id)?;
    admin.server.keys.remove(&key_id);
    if let Some(keys) = &admin.keys {
        keys.remove(&key_id).map_err(|error| unkept(&error))?;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Closes an account and opens it again with the same key.
async fn reset(
    State(admin): State<Arc<Admin>>,
    Path(key_id): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let Reset { cash } = read(&body)?;
    let id = id_of(&admin, &key_id)?;
    let secret = admin.server.keys.secret(&key_id).ok_or_else(|| unknown(&key_id))?;
    let multiplier = admin
        .server
        .exchange
        .read(|inner| inner.books.account(id).map(|account| account.multiplier))
        .ok_or_else(|| unknown(&key_id))?;
    let cash = cash.map_or_else(hundred_thousand, |Figure(cash)| cash);
    let spec = AccountSpec { key_id, secret, cash, multiplier };
    option_checks::accounts(std::slice::from_ref(&spec)).map_err(|error| refusal(&error))?;
    admin.server.exchange.close_account(id)?;
    keep(&admin, &spec)?;
    one(State(admin), Path(spec.key_id)).await
}

async fn deposit(
    State(admin): State<Arc<Admin>>,
    Path(key_id): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    transfer(admin, key_id, &body, Decimal::ONE).await
}

async fn withdraw(
    State(admin): State<Arc<Admin>>,
    Path(key_id): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    transfer(admin, key_id, &body, Decimal::NEGATIVE_ONE).await
}

async fn transfer(
    admin: Arc<Admin>,
    key_id: String,
    body: &[u8],
    direction: Decimal,
) -> Result<Response, Refusal> {
    let Transfer { amount: Figure(amount) } = read(body)?;
    if amount <= Decimal::ZERO {
        return Err(Refusal::invalid("amount must be > 0"));
    }
    admin.server.exchange.transfer(id_of(&admin, &key_id)?, amount * direction)?;
    one(State(admin), Path(key_id)).await
}

/// Opens an account and keeps its secret for the next start.
fn keep(admin: &Admin, spec: &AccountSpec) -> Result<(), Refusal> {
    option_checks::accounts(std::slice::from_ref(spec)).map_err(|error| refusal(&error))?;
    if let Some(keys) = &admin.keys {
        keys.add(&spec.key_id, &spec.secret).map_err(|error| unkept(&error))?;
    }
    venue::add_account(&admin.server, spec).map_err(|error| refusal(&error))
}

fn id_of(admin: &Admin, key_id: &str) -> Result<Uuid, Refusal> {
    let id = admin
        .server
        .exchange
        .read(|inner| inner.books.account_by_key(key_id).map(|account| account.id));
    id.ok_or_else(|| unknown(key_id))
}

fn shown(inner: &Inner, account: &Account) -> Value {
    let value = inner.value(account, None);
    let positions: Map<String, Value> = account
        .positions
        .values()
        .map(|position| (position.symbol.clone(), number::text(position.qty).into()))
        .collect();
    json!({
        "id": account.id,
        "account_number": account.account_number,
        "key_id": account.key_id,
        "created_at": account.created_at,
        "multiplier": account.multiplier.to_string(),
        "cash": number::text(account.cash),
        "equity": number::text(value.equity),
        "buying_power": number::text(value.buying_power),
        "positions": positions,
        "open_orders": inner.books.open_orders_of(account.id).count(),
        "orders": inner.books.orders_of(account.id).count(),
    })
}

fn letters(length: usize) -> Result<SecretString, Refusal> {
    random::letters(length).map_err(|error| {
        tracing::error!(%error, "no random bytes from the system");
        Refusal::internal()
    })
}

fn unknown(key_id: &str) -> Refusal {
    Refusal::not_found(format!("account not found for key_id {key_id}"))
}

fn unkept(error: &std::io::Error) -> Refusal {
    tracing::error!(%error, "the keys of the venue's accounts cannot be written, check the disk");
    Refusal::internal()
}

fn hundred_thousand() -> Decimal {
    Decimal::ONE_HUNDRED * Decimal::ONE_THOUSAND
}

fn margin() -> u8 {
    2
}
