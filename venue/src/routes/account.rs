//! `/v2/account` and `/v2/account/configurations`.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use super::guard::Caller;
use super::json as answer;
use crate::accounts::{Account, Configuration};
use crate::calendar;
use crate::exchange::Inner;
use crate::number::text;
use crate::order_wire::timestamp;
use crate::refusal::Refusal;
use crate::server::Server;

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v2/account", get(account))
        .route("/v2/account/configurations", get(configuration).patch(configure))
}

async fn account(State(server): State<Arc<Server>>, caller: Caller) -> Result<Response, Refusal> {
    let now = server.exchange.clock.now();
    let previous_day = server.exchange.hours.previous_session(now);
    let as_of = previous_day.map_or_else(|| calendar::new_york_date(now), |session| session.date);
    server.exchange.read(|inner| {
        let account = inner.books.account(caller.account_id).ok_or_else(Refusal::unauthorized)?;
        let mut body = body(inner, account);
        body["balance_asof"] = as_of.to_string().into();
        Ok(answer(&body))
    })
}

async fn configuration(
    State(server): State<Arc<Server>>,
    caller: Caller,
) -> Result<Response, Refusal> {
    server.exchange.read(|inner| {
        let account = inner.books.account(caller.account_id).ok_or_else(Refusal::unauthorized)?;
        Ok(answer(&json!(account.configuration)))
    })
}

async fn configure(
    State(server): State<Arc<Server>>,
    caller: Caller,
    body: Bytes,
) -> Result<Response, Refusal> {
    let changes: Value = serde_json::from_slice(&body)
        .map_err(|error| Refusal::bad_request(format!("request body is not JSON: {error}")))?;
    let before = server
        .exchange
        .read(|inner| {
            inner.books.account(caller.account_id).map(|account| account.configuration.clone())
        })
        .ok_or_else(Refusal::unauthorized)?;
    let mut merged = json!(before);
    for (name, value) in changes.as_object().into_iter().flatten() {
        // Unknown and removed settings come along from older clients.
        if merged.get(name).is_some() && !value.is_null() {
            merged[name] = value.clone();
        }
    }
    let after: Configuration = serde_json::from_value(merged)
        .map_err(|error| Refusal::bad_request(format!("invalid configuration: {error}")))?;
    check(&after)?;
    server.exchange.configure(caller.account_id, after.clone())?;
    Ok(answer(&json!(after)))
}

fn check(configuration: &Configuration) -> Result<(), Refusal> {
    if !matches!(configuration.trade_confirm_email.as_str(), "all" | "none") {
        return Err(Refusal::bad_request("trade_confirm_email must be all or none"));
    }
    if !matches!(configuration.max_margin_multiplier.as_str(), "1" | "2" | "4") {
        return Err(Refusal::bad_request("max_margin_multiplier must be 1, 2 or 4"));
    }
    if configuration.max_options_trading_level.is_some_and(|level| level > 3) {
        return Err(Refusal::bad_request("max_options_trading_level must be 0 to 3"));
    }
    Ok(())
}

fn body(inner: &Inner, account: &Account) -> Value {
    let value = inner.value(account, None);
    let cents = |amount: rust_decimal::Decimal| text(amount.round_dp(2));
    json!({
        "id": account.id,
        "admin_configurations": {},
        "user_configurations": null,
        "account_number": account.account_number,
        "status": "ACTIVE",
        "crypto_status": "ACTIVE",
        "options_approved_level": 0,
        "options_trading_level": 0,
        "currency": "USD",
        "buying_power": cents(value.buying_power),
        "regt_buying_power": cents(value.overnight_buying_power),
        "non_marginable_buying_power": cents(value.non_marginable),
        "options_buying_power": cents(value.non_marginable),
        "cash": text(account.cash),
        "accrued_fees": text(account.accrued_fees.total()),
        "portfolio_value": text(value.equity),
        "trading_blocked": false,
        "transfers_blocked": false,
        "account_blocked": false,
        "created_at": timestamp(account.created_at),
        "trade_suspended_by_user": account.configuration.suspend_trade,
        "multiplier": value.multiplier.to_string(),
        "shorting_enabled": account.may_short(value),
        "equity": text(value.equity),
        "last_equity": text(account.last_equity),
        "long_market_value": text(value.long_value),
        "short_market_value": text(value.short_value),
        "position_market_value": text(value.long_value + value.short_value.abs()),
        "initial_margin": text(value.initial_margin),
        "maintenance_margin": text(value.maintenance_margin),
        "last_maintenance_margin": text(account.last_maintenance_margin),
        "sma": text(account.last_equity),
        "crypto_tier": 1,
        "intraday_adjustments": "0",
        "pending_reg_taf_fees": "0",
    })
}
