//! What must hold for an order to be accepted: one refusal per line, cheapest first.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::accounts::Account;
use crate::assets::Asset;
use crate::books::{Books, ORDERS_MAX};
use crate::market::{Market, Newest};
use crate::number;
use crate::order_request::{Amount, OrderRequest};
use crate::orders::{Order, OrderType, QUANTITY_DECIMALS, Side, TimeInForce};
use crate::refusal::Refusal;

/// What the checks look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Desk<'a> {
    pub(crate) books: &'a Books,
    pub(crate) market: &'a Market,
    pub(crate) account: &'a Account,
    pub(crate) asset: &'a Asset,
    pub(crate) now: DateTime<Utc>,
}

/// Decides whether an order is accepted; changes nothing.
///
/// The answer is the price at which a buy holds buying power back, when one is known.
pub(crate) fn admit(desk: Desk<'_>, request: &OrderRequest) -> Result<Option<Decimal>, Refusal> {
    tradable(desk)?;
    time_in_force(desk, request)?;
    quantity(desk, request)?;
    price_increment(desk, request)?;
    unique_client_order_id(desk, request)?;
    wash_trade(desk, request)?;
    match request.side {
        Side::Buy => buying_power(desk, request),
        Side::Sell => available_quantity(desk, request).map(|()| None),
    }
}

fn tradable(desk: Desk<'_>) -> Result<(), Refusal> {
    if desk.asset.test_only {
        let symbol = &desk.asset.symbol;
        return Err(Refusal::unprocessable(format!("asset \"{symbol}\" is not tradable")));
    }
    if desk.account.configuration.suspend_trade {
        return Err(Refusal::forbidden("new orders are rejected by user request"));
    }
    if desk.books.order_count() >= ORDERS_MAX {
        return Err(Refusal::forbidden(
            "the venue's books are full: start it with a fresh data directory",
        ));
    }
    Ok(())
}

fn time_in_force(desk: Desk<'_>, request: &OrderRequest) -> Result<(), Refusal> {
    if desk.asset.is_crypto() {
        return match request.time_in_force {
            TimeInForce::Gtc | TimeInForce::Ioc => Ok(()),
            TimeInForce::Day | TimeInForce::Fok => {
                Err(Refusal::unprocessable("invalid crypto time_in_force"))
            }
        };
    }
    if request.extended_hours
        && !(request.order_type == OrderType::Limit
            && matches!(request.time_in_force, TimeInForce::Day | TimeInForce::Gtc))
    {
        return Err(Refusal::unprocessable("extended hours order must be DAY or GTC limit orders"));
    }
    let fractional = match request.amount {
        Amount::Quantity(qty) => !qty.fract().is_zero(),
        Amount::Notional(_) => true,
    };
    if fractional && request.time_in_force != TimeInForce::Day {
        return Err(Refusal::unprocessable("fractional orders must be DAY orders"));
    }
    Ok(())
}

fn quantity(desk: Desk<'_>, request: &OrderRequest) -> Result<(), Refusal> {
    let asset = desk.asset;
    let Amount::Quantity(qty) = request.amount else { return Ok(()) };
    if number::decimals(qty) > QUANTITY_DECIMALS {
        return Err(Refusal::invalid(format!(
            "qty must have no more than {QUANTITY_DECIMALS} decimals"
        )));
    }
    // A sell may close what a fee or a split left below the smallest order.
    if asset.is_crypto() && request.side == Side::Buy && qty < asset.order_size_min {
        return Err(Refusal::forbidden(format!(
            "cost basis must be >= minimal amount of order 1 (qty >= {})",
            number::text(asset.order_size_min)
        )));
    }
    Ok(())
}

fn price_increment(desk: Desk<'_>, request: &OrderRequest) -> Result<(), Refusal> {
    let Some(limit) = request.limit_price else { return Ok(()) };
    let increment = if desk.asset.is_crypto() || desk.asset.recorded {
        desk.asset.price_increment
    } else if limit >= Decimal::ONE {
        number::increment(2)
    } else {
        number::increment(4)
    };
    if (limit % increment).is_zero() {
        return Ok(());
    }
    Err(Refusal::unprocessable(format!(
        "invalid limit_price {}. sub-penny increment does not fulfill minimum pricing criteria",
        number::text(limit)
    )))
}

fn unique_client_order_id(desk: Desk<'_>, request: &OrderRequest) -> Result<(), Refusal> {
    let Some(id) = &request.client_order_id else { return Ok(()) };
    match desk.books.order_by_client_id(desk.account.id, id) {
        None => Ok(()),
        Some(_) => Err(Refusal::invalid("client_order_id must be unique")),
    }
}

/// An open order on the other side could trade with this one.
fn wash_trade(desk: Desk<'_>, request: &OrderRequest) -> Result<(), Refusal> {
    let opposite = desk
        .books
        .open_orders_of(desk.account.id)
        .filter(|order| order.symbol == desk.asset.symbol && order.side != request.side);
    for order in opposite {
        let (reason, crosses) = match (request.limit_price, order.limit_price) {
            (Some(mine), Some(theirs)) => {
                let (buy, sell) = match request.side {
                    Side::Buy => (mine, theirs),
                    Side::Sell => (theirs, mine),
                };
                ("opposite side limit order exists", buy >= sell)
            }
            (None, Some(_)) => ("opposite side limit order exists", true),
            (_, None) => ("opposite side market/stop order exists", true),
        };
        if crosses {
            return Err(Refusal::forbidden("potential wash trade detected. use complex orders")
                .with("reject_reason", reason)
                .with("existing_order_id", order.id.to_string()));
        }
    }
    Ok(())
}

fn buying_power(desk: Desk<'_>, request: &OrderRequest) -> Result<Option<Decimal>, Refusal> {
    let newest = desk.market.newest(&desk.asset.symbol);
    let ask = newest.and_then(|newest| newest.touch(desk.now)).map(|quote| quote.ask);
    let market_price = ask.or_else(|| newest.and_then(Newest::price));
    let price = request.limit_price.or(market_price);
    let cost = match request.amount {
        Amount::Notional(notional) => notional,
        // Without a price nothing can be said yet; the execution is checked again.
        Amount::Quantity(qty) => price.map_or(Decimal::ZERO, |price| price * qty),
    };
    if price.is_some() && cost < Decimal::ONE && desk.asset.is_crypto() {
        return Err(Refusal::forbidden("cost basis must be >= minimal amount of order 1"));
    }
    let value = desk
        .account
        .value(|symbol| desk.market.price(symbol), desk.books.reserved(desk.account.id, None));
    let available = if desk.asset.is_crypto() {
        value.non_marginable.min(value.buying_power)
    } else {
        value.buying_power
    };
    if cost > available {
        return Err(Refusal::forbidden("insufficient buying power")
            .with("buying_power", number::text(available.round_dp(2)))
            .with("cost_basis", number::text(cost)));
    }
    Ok(price)
}

fn available_quantity(desk: Desk<'_>, request: &OrderRequest) -> Result<(), Refusal> {
    let symbol = &desk.asset.symbol;
    let existing =
        desk.account.positions.get(symbol).map_or(Decimal::ZERO, |position| position.qty);
    let price = desk.market.price(symbol);
    let held = desk.books.held(desk.account.id, symbol, price);
    let available = (existing - held).max(Decimal::ZERO);
    let requested = match (request.amount, request.limit_price.or(price)) {
        (Amount::Quantity(qty), _) => qty,
        (Amount::Notional(notional), Some(price)) => (notional / price).round_dp(QUANTITY_DECIMALS),
        (Amount::Notional(_), None) => Decimal::ZERO,
    };
    if requested <= available && !available.is_zero() {
        return Ok(());
    }
    if existing.is_zero() && !desk.asset.is_crypto() {
        return Err(Refusal::forbidden("account is not allowed to short"));
    }
    let (requested_text, available_text) = (number::text(requested), number::text(available));
    let message = if desk.asset.is_crypto() {
        format!(
            "insufficient balance for {} (requested: {requested_text}, available: {available_text})",
            desk.asset.base()
        )
    } else {
        format!(
            "insufficient qty available for order (requested: {requested_text}, available: {available_text})"
        )
    };
    Err(Refusal::forbidden(message)
        .with("available", available_text)
        .with("existing_qty", number::text(existing))
        .with("held_for_orders", number::text(held))
        .with("symbol", symbol.clone()))
}

/// The order that follows from an accepted request.
pub(crate) fn accepted(
    desk: Desk<'_>,
    request: OrderRequest,
    ids: (Uuid, u64),
    reserved_price: Option<Decimal>,
) -> Order {
    let (id, sequence) = ids;
    let (qty, notional) = match request.amount {
        Amount::Quantity(qty) => (Some(qty), None),
        Amount::Notional(notional) => (None, Some(notional)),
    };
    Order {
        id,
        sequence,
        account_id: desk.account.id,
        client_order_id: request.client_order_id.unwrap_or_else(|| id.to_string()),
        symbol: desk.asset.symbol.clone(),
        asset_id: desk.asset.id,
        asset_class: desk.asset.class,
        side: request.side,
        order_type: request.order_type,
        time_in_force: request.time_in_force,
        qty,
        notional,
        limit_price: request.limit_price,
        extended_hours: request.extended_hours,
        status: crate::orders::OrderStatus::PendingNew,
        filled_qty: Decimal::ZERO,
        filled_value: Decimal::ZERO,
        executions: 0,
        reserved_price,
        created_at: desk.now,
        updated_at: desk.now,
        expires_at: None,
        filled_at: None,
        expired_at: None,
        canceled_at: None,
        failed_at: None,
        first_traded_day: None,
    }
}
