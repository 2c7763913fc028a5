//! What an account tells the log and the counters of a committed event: one event, one line.

use super::AccountMessage;
use crate::stage::Cue;
use engine::account::{Account, Event};
use engine::order::Status;

pub(super) fn told(cue: &Cue<AccountMessage>, account: &Account, event: &Event) {
    let (counters, user) = (&cue.stage.counters, account.user());
    let order = event.client_order_id().and_then(|id| account.order(id));
    let what = order.map_or_else(String::new, |order| {
        format!("{} {}", order.draft.side.code(), order.draft.ticker)
    });
    match event {
        Event::OrderInitialized { draft, .. } => {
            counters.orders.count();
            let (side, quantity, ticker) = (draft.side.code(), draft.quantity, &draft.ticker);
            let (id, price) = (&draft.client_order_id, draft.reference_price);
            tracing::info!(
                user.id = %user, order.client_id = %id, symbol = %ticker,
                "order {side} {quantity} {ticker} near {price} usd, {id}"
            );
        }
        Event::OrderDenied { ticker, denied, .. } => {
            counters.orders_denied.count();
            let code = denied.code();
            tracing::info!(user.id = %user, symbol = %ticker, code, "denied {ticker}: {denied}");
        }
        Event::OrderFilled { client_order_id, cumulative, fill, .. } => {
            counters.fills.count();
            let (quantity, price) = (fill.quantity, fill.price);
            tracing::info!(
                user.id = %user, order.client_id = %client_order_id,
                "fill {what} {quantity} at {price} usd, {cumulative} in all, {client_order_id}"
            );
        }
        Event::OrderClosed { client_order_id, status, reason, .. } => {
            if *status == Status::Rejected {
                counters.orders_rejected.count();
            }
            let (status, reason) = (status.code(), reason.as_deref().unwrap_or("no reason given"));
            tracing::info!(
                user.id = %user, order.client_id = %client_order_id,
                "order {what} {status} ({reason}), {client_order_id}"
            );
        }
        Event::BookOpened { config_id, capital, .. } => {
            tracing::info!(user.id = %user, "config {config_id} takes signals with {capital} usd");
        }
        Event::BookClosed { config_id, .. } => {
            tracing::info!(user.id = %user, "config {config_id} takes no more signals");
        }
        Event::SignalNoted { .. }
        | Event::SignalDeferred { .. }
        | Event::CancelRequested { .. }
        | Event::OrderAcknowledged { .. } => {
            tracing::debug!(user.id = %user, kind = event.kind(), "{}", event.kind());
        }
    }
}
