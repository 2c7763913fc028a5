//! What a report of the venue's means for an order. Reports repeat and overtake each other.

use super::{Account, Event};
use crate::clock::Timestamp;
use crate::ids::{ClientOrderId, ExecutionId, VenueOrderId};
use crate::order::{Advance, Fill, IllegalTransition, Order, Side, Status};
use rust_decimal::Decimal;
use thiserror::Error;

/// What the venue says of one of our orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// It has the order, or moved it on.
    Acknowledged {
        /// The order.
        client_order_id: ClientOrderId,
        /// The venue's id.
        venue_order_id: VenueOrderId,
        /// Its status.
        status: Status,
        /// When, by the venue's clock.
        at: Timestamp,
    },
    /// It executed part or all of the order.
    Filled {
        /// The order.
        client_order_id: ClientOrderId,
        /// The venue's id of the order.
        venue_order_id: VenueOrderId,
        /// The venue's id of the execution, where the report names one.
        execution_id: Option<ExecutionId>,
        /// Shares or coins filled in all, this execution included.
        cumulative: Decimal,
        /// The execution.
        fill: Fill,
    },
    /// The order ended without (further) fills.
    Closed {
        /// The order.
        client_order_id: ClientOrderId,
        /// How.
        status: Status,
        /// Why.
        reason: Option<String>,
        /// When.
        at: Timestamp,
    },
}

/// A report that cannot be true of the order as we know it: the account must not trade on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReportError {
    /// Not one of this account's orders, or one that ended too long ago to be remembered.
    #[error("the account has no order {0}")]
    UnknownOrder(ClientOrderId),
    /// The transition table has no such row.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    /// The venue reports more than was ordered.
    #[error("order {order}: {filled} filled of {ordered} ordered")]
    Overfilled {
        /// The order.
        order: ClientOrderId,
        /// What would be filled in all.
        filled: Decimal,
        /// What was ordered.
        ordered: Decimal,
    },
    /// Two executions claim the same shares.
    #[error("order {order}: the fill up to {cumulative} overlaps another one")]
    OverlappingFill {
        /// The order.
        order: ClientOrderId,
        /// Cumulative quantity of the fill.
        cumulative: Decimal,
    },
    /// A sell of more than the sub-account holds was executed.
    #[error("order {order}: {sold} sold of {held} held")]
    Oversold {
        /// The order.
        order: ClientOrderId,
        /// What was sold.
        sold: Decimal,
        /// What was held.
        held: Decimal,
    },
}

/// Decides a report. Old news gives no events.
pub fn decide_report(account: &Account, report: &Report) -> Result<Vec<Event>, ReportError> {
    match report {
        Report::Acknowledged { client_order_id, venue_order_id, status, at } => {
            let order = find(account, client_order_id)?;
            // What is filled is what the fills say; the status alone fills nothing.
            let by_fills = matches!(status, Status::PartiallyFilled | Status::Filled);
            let status = if by_fills { Status::New } else { *status };
            acknowledge(order, *venue_order_id, status, *at)
        }
        Report::Filled { client_order_id, venue_order_id, execution_id, cumulative, fill } => {
            let order = find(account, client_order_id)?;
            let Some(event) =
                fill_event(account, order, execution_id.as_ref(), *cumulative, *fill)?
            else {
                return Ok(Vec::new());
            };
            let mut events = Vec::with_capacity(2);
            if order.venue_order_id.is_none() {
                events.extend(acknowledge(order, *venue_order_id, Status::New, fill.at)?);
            }
            events.push(event);
            Ok(events)
        }
        Report::Closed { client_order_id, status, reason, at } => {
            let order = find(account, client_order_id)?;
            if *status == Status::Filled || order.advance(*status)? == Advance::Stale {
                return Ok(Vec::new());
            }
            Ok(vec![Event::OrderClosed {
                client_order_id: client_order_id.clone(),
                status: *status,
                reason: reason.clone(),
                at: *at,
            }])
        }
    }
}

fn find<'a>(account: &'a Account, id: &ClientOrderId) -> Result<&'a Order, ReportError> {
    account.order(id).ok_or_else(|| ReportError::UnknownOrder(id.clone()))
}

fn acknowledge(
    order: &Order,
    venue_order_id: VenueOrderId,
    status: Status,
    at: Timestamp,
) -> Result<Vec<Event>, ReportError> {
    let status = match order.advance(status)? {
        Advance::Move => status,
        // The id is worth having even when the status is old news, but not once the order ended.
        Advance::Stale if order.venue_order_id.is_none() && !order.status.is_final() => {
            order.status
        }
        Advance::Stale => return Ok(Vec::new()),
    };
    Ok(vec![Event::OrderAcknowledged {
        client_order_id: order.draft.client_order_id.clone(),
        venue_order_id,
        status,
        at,
    }])
}

fn fill_event(
    account: &Account,
    order: &Order,
    execution_id: Option<&ExecutionId>,
    cumulative: Decimal,
    fill: Fill,
) -> Result<Option<Event>, ReportError> {
    let id = &order.draft.client_order_id;
    if order.fills.contains_key(&cumulative) {
        return Ok(None);
    }
    if order.status == Status::Denied {
        order.advance(Status::Filled)?;
    }
    let quantity = fill.quantity.amount();
    let filled = order.filled().saturating_add(quantity).max(cumulative);
    let ordered = order.draft.quantity.amount();
    if filled > ordered {
        return Err(ReportError::Overfilled { order: id.clone(), filled, ordered });
    }
    let from = cumulative.saturating_sub(quantity);
    let overlaps = order.fills.iter().any(|(end, other)| {
        let start = end.saturating_sub(other.quantity.amount());
        start < cumulative && from < *end
    });
    if overlaps || from < Decimal::ZERO {
        return Err(ReportError::OverlappingFill { order: id.clone(), cumulative });
    }
    if order.draft.side == Side::Sell {
        let held = account
            .book(order.draft.config_id)
            .and_then(|book| book.positions.get(&order.draft.ticker))
            .map_or(Decimal::ZERO, |position| position.quantity);
        if quantity > held {
            return Err(ReportError::Oversold { order: id.clone(), sold: quantity, held });
        }
    }
    let client_order_id = id.clone();
    let execution_id = execution_id.cloned();
    Ok(Some(Event::OrderFilled { client_order_id, execution_id, cumulative, fill }))
}
