//! An order must not be able to trade with another one of the same account.

use super::Desk;
use crate::order_request::OrderRequest;
use crate::orders::{Order, OrderClass, OrderType, Side};
use crate::refusal::Refusal;
use crate::rules::WashTradeGuard;

/// No open order on the other side could meet this one. Groups and trailing stops are exempt: that
/// is what the refusal tells its reader to use.
pub(super) fn check(desk: Desk<'_>, request: &OrderRequest) -> Result<(), Refusal> {
    let exempt =
        request.class != OrderClass::Simple || request.order_type == OrderType::TrailingStop;
    if exempt || desk.rules.wash_trade == WashTradeGuard::Off {
        return Ok(());
    }
    let opposite = desk
        .books
        .open_orders_of(desk.account.id)
        .filter(|order| order.symbol == desk.asset.symbol && order.side != request.side)
        .filter(|order| Some(order.sequence) != desk.replaced)
        .filter(|order| order.membership.is_none() && order.trail.is_none());
    for order in opposite {
        if let Some(reason) = crossing(request, order) {
            let message = "potential wash trade detected. use complex orders";
            let refusal = match desk.rules.wash_trade {
                WashTradeGuard::Unprocessable => Refusal::unprocessable(message),
                WashTradeGuard::Forbidden | WashTradeGuard::Off => Refusal::forbidden(message),
            };
            return Err(refusal
                .with("reject_reason", reason)
                .with("existing_order_id", order.id.to_string()));
        }
    }
    Ok(())
}

/// Why two orders could trade with each other, if they could.
fn crossing(request: &OrderRequest, order: &Order) -> Option<&'static str> {
    match (request.limit_price, order.limit_price) {
        (_, None) => Some("opposite side market/stop order exists"),
        (None, Some(_)) => Some("opposite side limit order exists"),
        (Some(mine), Some(theirs)) => {
            let (buy, sell) = match request.side {
                Side::Buy => (mine, theirs),
                Side::Sell => (theirs, mine),
            };
            (buy >= sell).then_some("opposite side limit order exists")
        }
    }
}
