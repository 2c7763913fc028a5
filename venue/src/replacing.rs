//! Replacing an order: a new one takes the place of the old one, with what has filled.
//!
//! The replacement is the same order continued: its quantity is the whole quantity, and what the
//! old order had filled is carried over, so that an order never fills beyond its size.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::assets::Asset;
use crate::checks::{self, Desk};
use crate::exchange::{Exchange, Inner};
use crate::execution;
use crate::intake::{self, Placed};
use crate::order_request::{Amount, OrderRequest};
use crate::orders::{Order, OrderClass, OrderStatus, OrderType, Trail};
use crate::refusal::Refusal;
use crate::replace_request::ReplaceRequest;
use crate::rules::Rules;

impl Exchange {
    /// Replaces an open order; the answer is the new one, before any execution.
    pub(crate) fn replace(
        &self,
        account_id: Uuid,
        order_id: Uuid,
        request: &ReplaceRequest,
    ) -> Result<Placed, Refusal> {
        let now = self.clock.now();
        let mut guard = self.lock();
        let inner = &mut *guard;
        let old = inner
            .books
            .order_by_id(account_id, order_id)
            .ok_or_else(|| Refusal::not_found(format!("order not found for {order_id}")))?
            .clone();
        replaceable(&old, &self.rules)?;
        let asset = self
            .assets
            .find(&old.symbol)
            .ok_or_else(|| Refusal::unprocessable(format!("asset \"{}\" not found", old.symbol)))?;
        let mut new = changed(&old, asset, request)?;
        let phase = self.phase_of(inner, asset, now);
        let desk = self.desk(inner, account_id, asset, phase, now)?;
        let desk = Desk { replaced: Some(old.sequence), ..desk };
        let asked =
            OrderRequest { client_order_id: request.client_order_id.clone(), ..as_request(&new) };
        new.reserved_price = checks::admit_replacement(desk, &old, &asked)?;
        if new.time_in_force != old.time_in_force {
            let force = (new.time_in_force, new.extended_hours);
            new.expires_at = self.expiry(inner.fills, force, now);
        }
        let (old, new) = swapped(inner, old, new, request.client_order_id.clone(), now);
        let steps = vec![
            execution::step(&mut inner.ids, &old, "replaced", now),
            execution::step(&mut inner.ids, &new, "new", now),
        ];
        self.commit(inner, steps)?;
        let legs = inner.books.legs_of(&new).cloned().collect();
        if phase.admits(asset.class, new.extended_hours) {
            self.send_to_book(inner, asset, vec![new.sequence], now)?;
        }
        Ok(Placed { order: new, legs })
    }
}

/// Whether the order may be replaced at all.
fn replaceable(order: &Order, rules: &Rules) -> Result<(), Refusal> {
    match order.status {
        OrderStatus::New | OrderStatus::PartiallyFilled => {}
        OrderStatus::Accepted | OrderStatus::PendingNew => {
            return Err(Refusal::invalid(
                "unable to replace order, order isn't sent to exchange yet",
            ));
        }
        OrderStatus::Replaced => return Err(Refusal::unprocessable("order already replaced")),
        status if status.is_open() => {
            return Err(Refusal::unprocessable(format!(
                "cannot replace order in {} status",
                status.as_str()
            )));
        }
        _ => {
            return Err(Refusal::unprocessable("unable to replace order, order is not open"));
        }
    }
    if order.notional.is_some() {
        return Err(Refusal::unprocessable("notional orders cannot be replaced"));
    }
    if order.class() == OrderClass::Oto && !rules.oto_replace {
        return Err(Refusal::unprocessable("oto orders cannot be replaced"));
    }
    Ok(())
}

/// The order with the changes asked for.
fn changed(old: &Order, asset: &Asset, request: &ReplaceRequest) -> Result<Order, Refusal> {
    fits_type(old, request)?;
    let mut new = old.clone();
    if let Some(qty) = request.qty.filter(|qty| Some(*qty) != old.qty) {
        if old.membership.is_some() {
            return Err(Refusal::unprocessable("qty cannot be changed for advanced orders"));
        }
        if qty <= old.filled_qty {
            return Err(Refusal::unprocessable("qty must be > filled_qty"));
        }
        new.qty = Some(qty);
    }
    new.time_in_force = request.time_in_force.unwrap_or(old.time_in_force);
    new.limit_price = request.limit_price.or(old.limit_price);
    new.stop_price = request.stop_price.or(old.stop_price);
    if let Some(trail) = request.trail {
        new.trail = new.trail.map(|before| match before {
            Trail::Price(_) => Trail::Price(trail),
            Trail::Percent(_) => Trail::Percent(trail),
        });
        if let Some(best) = new.hwm {
            new = intake::trailed(&new, asset, best);
        }
    }
    if new == *old && request.client_order_id.is_none() {
        return Err(Refusal::unprocessable("order parameters are not changed"));
    }
    Ok(new)
}

/// Only what the order's type has can be changed.
fn fits_type(old: &Order, request: &ReplaceRequest) -> Result<(), Refusal> {
    let (limit, stop) = (request.limit_price.is_some(), request.stop_price.is_some());
    let message = match old.order_type {
        OrderType::Market if limit || stop => "market orders require no stop or limit price",
        OrderType::Limit if stop => "limit orders require no stop price",
        OrderType::Stop if limit => "stop orders require no limit price",
        OrderType::TrailingStop if limit || stop => {
            "trailing stop orders require no stop or limit price"
        }
        OrderType::Market | OrderType::Limit | OrderType::Stop | OrderType::StopLimit
            if request.trail.is_some() =>
        {
            "trail can be changed for trailing stop orders only"
        }
        _ if old.elected && (stop || request.trail.is_some()) => {
            "the stop price was met already and cannot be changed"
        }
        _ => match (old.trail, request.trail) {
            (Some(Trail::Percent(_)), Some(percent)) if percent < Decimal::new(1, 1) => {
                "trail_percent must be greater than or equal to 0.1"
            }
            (Some(Trail::Percent(_)), Some(percent)) if percent >= Decimal::ONE_HUNDRED => {
                "trail_percent must be less than 100"
            }
            _ => return Ok(()),
        },
    };
    Err(Refusal::invalid(message))
}

/// What is left of the order, as if it were asked for now.
fn as_request(order: &Order) -> OrderRequest {
    let left = order.left_at(None);
    OrderRequest {
        order_type: order.order_type,
        limit_price: order.limit_price,
        stop_price: order.stop_price.filter(|_| order.trail.is_none() && !order.elected),
        trail: order.trail,
        extended_hours: order.extended_hours,
        intent: order.intent,
        ..OrderRequest::market(
            order.symbol.clone(),
            order.side,
            Amount::Quantity(left),
            order.time_in_force,
        )
    }
}

/// Both orders after the replacement.
fn swapped(
    inner: &mut Inner,
    old: Order,
    new: Order,
    client_order_id: Option<String>,
    now: DateTime<Utc>,
) -> (Order, Order) {
    let id = inner.ids.next();
    let new = Order {
        id,
        sequence: inner.ids.next_sequence(),
        client_order_id: client_order_id.unwrap_or_else(|| id.to_string()),
        created_at: now,
        updated_at: now,
        replaces: Some(old.id),
        ..new
    };
    let old = Order {
        status: OrderStatus::Replaced,
        replaced_at: Some(now),
        replaced_by: Some(id),
        updated_at: now,
        ..old
    };
    (old, new)
}
