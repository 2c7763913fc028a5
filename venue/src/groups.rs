//! Groups of orders: an entry with its exits, or two exits of which one is meant to happen.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::exchange::{Inner, Step};
use crate::execution;
use crate::ids::Ids;
use crate::order_request::{OrderRequest, StopLoss};
use crate::orders::{Membership, Order, OrderClass, OrderStatus, OrderType, PositionIntent, Role};

/// Puts a request's first order into its group, and makes the orders that come with it.
pub(crate) fn form(ids: &mut Ids, parent: &mut Order, request: &OrderRequest) -> Vec<Order> {
    let member = |role| Membership { group: parent.sequence, class: request.class, role };
    let (parent_role, take_profit) = match request.class {
        OrderClass::Simple => return Vec::new(),
        OrderClass::Oco => (Role::TakeProfit, None),
        OrderClass::Bracket | OrderClass::Oto => (Role::Entry, request.take_profit),
    };
    let parent_member = member(parent_role);
    let waits = parent_role == Role::Entry;
    let exit_side = if waits { parent.side.opposite() } else { parent.side };
    let leg = |ids: &mut Ids, role| {
        let id = ids.next();
        Order {
            id,
            sequence: ids.next_sequence(),
            client_order_id: id.to_string(),
            side: exit_side,
            order_type: OrderType::Limit,
            limit_price: None,
            stop_price: None,
            membership: Some(member(role)),
            intent: Some(PositionIntent::closing(exit_side)),
            reserved_price: None,
            status: if waits { OrderStatus::Held } else { parent.status },
            ..parent.clone()
        }
    };
    let mut legs = Vec::new();
    if let Some(limit) = take_profit {
        legs.push(Order { limit_price: Some(limit), ..leg(ids, Role::TakeProfit) });
    }
    if let Some(StopLoss { stop_price, limit_price }) = request.stop_loss {
        let order_type = if limit_price.is_some() { OrderType::StopLimit } else { OrderType::Stop };
        legs.push(Order {
            order_type,
            stop_price: Some(stop_price),
            limit_price,
            ..leg(ids, Role::StopLoss)
        });
    }
    parent.membership = Some(parent_member);
    legs
}

/// What a change of one member means for the others; it is written down in the same step.
pub(crate) fn consequences(inner: &mut Inner, changed: &Order, at: DateTime<Utc>) -> Vec<Step> {
    let Some(membership) = changed.membership else { return Vec::new() };
    let others: Vec<Order> = inner
        .books
        .group(membership.group)
        .filter(|order| order.status.is_open() && order.sequence != changed.sequence)
        .cloned()
        .collect();
    let ids = &mut inner.ids;
    let steps = others.iter().filter_map(|other| match (membership.role, changed.status) {
        (Role::Entry, OrderStatus::Filled) => begin(ids, other, changed, at),
        (
            Role::TakeProfit | Role::StopLoss,
            OrderStatus::PartiallyFilled | OrderStatus::PendingCancel,
        ) => resized(other, changed, at),
        (_, OrderStatus::Canceled | OrderStatus::Expired | OrderStatus::Rejected)
        | (Role::TakeProfit | Role::StopLoss, OrderStatus::Filled) => Some(end(ids, other, at)),
        _ => None,
    });
    steps.collect()
}

/// The orders that began to work because this one has filled.
pub(crate) fn begun_by(inner: &Inner, sequence: u64) -> Vec<u64> {
    let entry = inner.books.order(sequence).filter(|order| order.status == OrderStatus::Filled);
    let membership = entry.and_then(|order| order.membership);
    let Some(Membership { group, role: Role::Entry, .. }) = membership else { return Vec::new() };
    inner
        .books
        .group(group)
        .filter(|order| order.status.is_working())
        .map(|order| order.sequence)
        .collect()
}

/// A leg starts to work: its entry has filled.
fn begin(ids: &mut Ids, leg: &Order, entry: &Order, at: DateTime<Utc>) -> Option<Step> {
    let order = Order {
        status: OrderStatus::New,
        qty: Some(entry.filled_qty),
        updated_at: at,
        ..leg.clone()
    };
    (leg.status == OrderStatus::Held).then(|| execution::step(ids, &order, "new", at))
}

/// A leg shrinks by what the other one has traded. No news: Alpaca has no event for it.
fn resized(leg: &Order, other: &Order, at: DateTime<Utc>) -> Option<Step> {
    let left = other.qty? - other.filled_qty;
    let qty = leg.filled_qty + left;
    let order = Order { qty: Some(qty.max(Decimal::ZERO)), updated_at: at, ..leg.clone() };
    Some(execution::silent(order))
}

/// A member ends with the group; at the time when it ends by itself it expires.
fn end(ids: &mut Ids, member: &Order, at: DateTime<Utc>) -> Step {
    if member.expires_at.is_some_and(|expiry| expiry <= at) {
        execution::step(ids, &execution::expired(member, at), "expired", at)
    } else {
        execution::step(ids, &execution::canceled(member, at), "canceled", at)
    }
}
