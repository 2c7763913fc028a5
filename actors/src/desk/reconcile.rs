//! Comparing our open orders with the venue's, after every start and reconnect.

use super::place::{Found, Placed, Wire, decimal};
use crate::alpaca::status;
use apca::api::v2::account_activities::{Activity, ActivityReq, ActivityType, Direction, Get};
use apca::api::v2::order::{Order as VenueOrder, Status as VenueStatus};
use apca::api::v2::orders::{List, ListReq, Status as Listed};
use chrono::TimeDelta;
use engine::account::Report;
use engine::order::{Fill, Order, Status};
use engine::{ClientOrderId, Price, Quantity, Timestamp, VenueOrderId};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Rows of a page of activities.
const PAGE_SIZE: usize = 100;

/// Pages of activities that one comparison reads.
const PAGES_MAX: usize = 1_000;

/// Fills are looked for from this long before the oldest open order: clocks differ.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(5);

/// What a comparison found.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    /// What the venue says of our orders, fills first.
    pub(super) reports: Vec<Report>,
    /// Orders that never arrived and are still fresh enough to send.
    pub(super) resend: Vec<Order>,
    /// Orders that we want canceled and the venue still works.
    pub(super) cancel: Vec<ClientOrderId>,
}

/// Compares `open` with the venue's orders and fills.
pub(super) async fn compare(wire: &Wire, open: &[Order]) -> Result<Comparison, String> {
    let mut comparison = Comparison::default();
    if open.is_empty() {
        return Ok(comparison);
    }
    let mut found = listed(wire).await?;
    let mut standing = Vec::new();
    let mut missing_fills = BTreeMap::new();
    for order in open {
        let id = &order.draft.client_order_id;
        let at_venue = match found.remove(id.as_str()) {
            Some(order) => Some(order),
            None => looked_up(wire, id).await?,
        };
        let Some(at_venue) = at_venue else {
            never_arrived(wire, order, &mut comparison);
            continue;
        };
        if decimal(&at_venue.filled_quantity)? > order.filled() {
            missing_fills.insert(at_venue.id.0, id.clone());
        }
        if order.status == Status::PendingCancel && !at_venue.status.is_terminal() {
            comparison.cancel.push(id.clone());
        }
        standing.extend(report(id, &at_venue));
    }
    if !missing_fills.is_empty() {
        let oldest = open.iter().map(|order| order.created_at).min().unwrap_or_default();
        let since = oldest - CLOCKS_DIFFER;
        comparison.reports = fills(wire, &missing_fills, since).await?;
    }
    // A closing report may only follow the fills that came before it.
    comparison.reports.extend(standing);
    Ok(comparison)
}

/// What an order of the venue's says: that it stands, or that it has ended.
pub(super) fn report(id: &ClientOrderId, order: &VenueOrder) -> Option<Report> {
    let client_order_id = id.clone();
    let name = serde_json::to_value(order.status).ok()?;
    let status = status(name.as_str()?)?;
    let at = order.updated_at.unwrap_or(order.created_at);
    if !status.is_final() {
        let venue_order_id = VenueOrderId::new(order.id.0);
        return Some(Report::Acknowledged { client_order_id, venue_order_id, status, at });
    }
    if order.status == VenueStatus::Filled {
        let venue_order_id = VenueOrderId::new(order.id.0);
        let status = Status::New;
        return Some(Report::Acknowledged { client_order_id, venue_order_id, status, at });
    }
    Some(Report::Closed { client_order_id, status, reason: None, at })
}

/// What became of an order that was sent, as a report.
pub(super) fn placed(order: &Order, placed: &Placed, now: Timestamp) -> Option<Report> {
    let id = &order.draft.client_order_id;
    let (status, reason) = match placed {
        Placed::There(found) => return report(id, found),
        Placed::Rejected { reason } => (Status::Rejected, reason.clone()),
        Placed::TooLate => (Status::Expired, "it was too late to send it".to_owned()),
    };
    Some(Report::Closed { client_order_id: id.clone(), status, reason: Some(reason), at: now })
}

async fn listed(wire: &Wire) -> Result<BTreeMap<String, VenueOrder>, String> {
    let request =
        ListReq { status: Listed::Open, limit: Some(500), nested: false, ..ListReq::default() };
    let orders = tokio::time::timeout(wire.timeout, wire.client.issue::<List>(&request)).await;
    let orders = orders.map_err(|_elapsed| "the list of orders did not come in time".to_owned())?;
    let orders = orders.map_err(|error| format!("the list of orders: {error:?}"))?;
    Ok(orders.into_iter().map(|order| (order.client_order_id.clone(), order)).collect())
}

async fn looked_up(wire: &Wire, id: &ClientOrderId) -> Result<Option<VenueOrder>, String> {
    match wire.look_up(id).await {
        Found::There(order) => Ok(Some(*order)),
        Found::NotThere => Ok(None),
        Found::Unclear(reason) => Err(format!("order {id}: {reason}")),
    }
}

fn never_arrived(wire: &Wire, order: &Order, comparison: &mut Comparison) {
    let now = wire.clock.now();
    let wanted = order.status == Status::Initialized && now <= wire.stale_from(order);
    if wanted {
        comparison.resend.push(order.clone());
        return;
    }
    let canceled = order.status == Status::PendingCancel;
    comparison.reports.push(Report::Closed {
        client_order_id: order.draft.client_order_id.clone(),
        status: if canceled { Status::Canceled } else { Status::Expired },
        reason: Some("it never reached the venue".to_owned()),
        at: now,
    });
}

async fn fills(
    wire: &Wire,
    orders: &BTreeMap<Uuid, ClientOrderId>,
    since: Timestamp,
) -> Result<Vec<Report>, String> {
    let mut request = ActivityReq {
        types: vec![ActivityType::Fill],
        direction: Direction::Ascending,
        after: Some(since),
        page_size: Some(PAGE_SIZE),
        ..ActivityReq::default()
    };
    let mut reports = Vec::new();
    for _ in 0..PAGES_MAX {
        let page = tokio::time::timeout(wire.timeout, wire.client.issue::<Get>(&request)).await;
        let page = page.map_err(|_elapsed| "the fills did not come in time".to_owned())?;
        let page = page.map_err(|error| format!("the fills: {error:?}"))?;
        let full = page.len() >= PAGE_SIZE;
        request.page_token = page.last().map(|activity| activity.id().to_owned());
        for activity in page {
            let Activity::Trade(trade) = activity else { continue };
            let Some(id) = orders.get(&trade.order_id.0) else { continue };
            let amount =
                |number| decimal(number).map_err(|error| format!("a fill of {id}: {error}"));
            let wrong = |error| format!("a fill of {id}: {error}");
            let quantity = Quantity::new(amount(&trade.quantity)?).map_err(wrong)?;
            let price = Price::new(amount(&trade.price)?).map_err(wrong)?;
            reports.push(Report::Filled {
                client_order_id: id.clone(),
                venue_order_id: VenueOrderId::new(trade.order_id.0),
                execution_id: None,
                cumulative: amount(&trade.cumulative_quantity)?,
                fill: Fill { quantity, price, at: trade.transaction_time },
            });
        }
        if !full {
            return Ok(reports);
        }
    }
    Err(format!("more than {PAGES_MAX} pages of fills since {since}"))
}
