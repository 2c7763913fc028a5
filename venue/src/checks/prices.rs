//! Prices that the market takes, and that make sense where it stands.

use rust_decimal::Decimal;

use super::Desk;
use crate::assets::Asset;
use crate::number;
use crate::order_request::OrderRequest;
use crate::orders::{Order, OrderClass, OrderType, Side};
use crate::refusal::Refusal;

/// How far a leg is from the price that its entry is expected at: 0.01 USD.
const LEG_DISTANCE_MIN: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

/// Every price of the order.
pub(super) fn check(desk: Desk<'_>, request: &OrderRequest) -> Result<(), Refusal> {
    let stop_loss = request.stop_loss;
    let prices = [
        ("limit_price", request.limit_price),
        ("stop_price", request.stop_price),
        ("take_profit.limit_price", request.take_profit),
        ("stop_loss.stop_price", stop_loss.map(|leg| leg.stop_price)),
        ("stop_loss.limit_price", stop_loss.and_then(|leg| leg.limit_price)),
    ];
    for (name, price) in prices {
        if let Some(price) = price {
            increment(desk.asset, name, price)?;
        }
    }
    if matches!(request.order_type, OrderType::Stop | OrderType::StopLimit)
        && let Some(stop) = request.stop_price
    {
        stop_beyond_market(desk, request.side, stop)?;
    }
    legs(desk, request)
}

/// The prices of a replacement that differ from those of the order before.
pub(super) fn check_changed(
    desk: Desk<'_>,
    old: &Order,
    request: &OrderRequest,
) -> Result<(), Refusal> {
    if let Some(limit) = request.limit_price {
        increment(desk.asset, "limit_price", limit)?;
    }
    match request.stop_price {
        Some(stop) if old.stop_price != Some(stop) => {
            increment(desk.asset, "stop_price", stop)?;
            stop_beyond_market(desk, request.side, stop)
        }
        Some(_) | None => Ok(()),
    }
}

/// The price is a multiple of what the asset is priced in.
fn increment(asset: &Asset, name: &str, price: Decimal) -> Result<(), Refusal> {
    if (price % asset.increment_at(price)).is_zero() {
        return Ok(());
    }
    Err(Refusal::unprocessable(format!(
        "invalid {name} {}. sub-penny increment does not fulfill minimum pricing criteria",
        number::text(price)
    )))
}

/// A stop that the market has already met would be a market order in disguise.
fn stop_beyond_market(desk: Desk<'_>, side: Side, stop: Decimal) -> Result<(), Refusal> {
    let Some(price) = desk.price() else { return Ok(()) };
    let word = match side {
        Side::Buy if stop <= price => "greater",
        Side::Sell if stop >= price => "less",
        Side::Buy | Side::Sell => return Ok(()),
    };
    Err(Refusal::unprocessable(format!("stop price must be {word} than current price"))
        .with("market_price", number::text(price))
        .with("stop_price", number::text(stop)))
}

/// The legs lie on their sides of where the position is expected to be opened.
fn legs(desk: Desk<'_>, request: &OrderRequest) -> Result<(), Refusal> {
    let (base, exit) = match request.class {
        OrderClass::Simple => return Ok(()),
        // An OCO is itself the exit; what it is measured against is the market.
        OrderClass::Oco => (desk.price(), request.side),
        OrderClass::Bracket | OrderClass::Oto => {
            (request.limit_price.or_else(|| desk.price()), request.side.opposite())
        }
    };
    let Some(base) = base else { return Ok(()) };
    let above = base + LEG_DISTANCE_MIN;
    let below = base - LEG_DISTANCE_MIN;
    let stop = request.stop_loss.map(|leg| leg.stop_price);
    let (profit_wrong, stop_wrong, profit_rule, stop_rule) = match exit {
        Side::Sell => (
            request.take_profit.is_some_and(|limit| limit < above),
            stop.is_some_and(|stop| stop > below),
            ">= base_price + 0.01",
            "<= base_price - 0.01",
        ),
        Side::Buy => (
            request.take_profit.is_some_and(|limit| limit > below),
            stop.is_some_and(|stop| stop < above),
            "<= base_price - 0.01",
            ">= base_price + 0.01",
        ),
    };
    let message = if profit_wrong {
        format!("take_profit.limit_price must be {profit_rule}")
    } else if stop_wrong {
        format!("stop_loss.stop_price must be {stop_rule}")
    } else {
        return Ok(());
    };
    Err(Refusal::unprocessable(message).with("base_price", number::text(base)))
}
