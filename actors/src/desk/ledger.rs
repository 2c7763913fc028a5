//! From events to rows: what one decision of an account writes, in one transaction.

use engine::account::{Account, EVENT_VERSION, Event};
use engine::order::{Order, Side};
use engine::{ClientOrderId, ConfigId, Ticker, Timestamp, UserId};
use rust_decimal::Decimal;
use std::collections::BTreeSet;
use storage::fills::FillRecord;
use storage::journal::{Commit, NewEvent};
use storage::orders::OrderRecord;
use storage::positions::PositionRecord;
use storage::trades::TradeRecord;
use uuid::Uuid;

/// Namespace of the ids of rows that are computed from an order and its fill.
const TRADE_NAMESPACE: Uuid = Uuid::from_u128(0x51c3_9f1e_77d0_4a35_8f3c_9a52_6a1b_0e7d);

/// Collects what a commit writes, event by event, from the account as it is after each.
pub(super) struct Entry {
    user: UserId,
    events: Vec<NewEvent>,
    fills: Vec<FillRecord>,
    trades: Vec<TradeRecord>,
    orders: BTreeSet<ClientOrderId>,
    positions: BTreeSet<(ConfigId, Ticker)>,
}

impl Entry {
    pub(super) fn new(user: UserId) -> Self {
        Self {
            user,
            events: Vec::new(),
            fills: Vec::new(),
            trades: Vec::new(),
            orders: BTreeSet::new(),
            positions: BTreeSet::new(),
        }
    }

    /// Notes `event`, which `account` has just applied.
    pub(super) fn note(
        &mut self,
        account: &Account,
        event: &Event,
    ) -> Result<(), serde_json::Error> {
        let order = event.client_order_id().and_then(|id| account.order(id));
        self.events.push(NewEvent {
            seq: account.seq(),
            at: event.at(),
            kind: event.kind().to_owned(),
            version: EVENT_VERSION,
            client_order_id: event.client_order_id().map(|id| id.as_str().to_owned()),
            config_id: order.map(|order| order.draft.config_id.as_uuid()),
            payload: serde_json::to_value(event)?,
        });
        let Some(order) = order else { return Ok(()) };
        self.orders.insert(order.draft.client_order_id.clone());
        if let Event::OrderFilled { execution_id, cumulative, fill, .. } = event {
            let draft = &order.draft;
            self.positions.insert((draft.config_id, draft.ticker.clone()));
            self.fills.push(FillRecord {
                user_id: self.user.as_uuid(),
                client_order_id: draft.client_order_id.as_str().to_owned(),
                cumulative_quantity: *cumulative,
                execution_id: execution_id.as_ref().map(|id| id.as_str().to_owned()),
                quantity: fill.quantity.amount(),
                price: fill.price.amount(),
                side: side(draft.side),
                ticker: draft.ticker.as_str().to_owned(),
                config_id: Some(draft.config_id.as_uuid()),
                executed_at: fill.at,
                seq: account.seq(),
            });
            let name = format!("{}|{}", draft.client_order_id, cumulative.normalize());
            self.trades.push(TradeRecord {
                id: Uuid::new_v5(&TRADE_NAMESPACE, name.as_bytes()),
                user_id: self.user.as_uuid(),
                ticker: draft.ticker.as_str().to_owned(),
                strategy_name: draft.strategy.clone(),
                side: side(draft.side),
                quantity: fill.quantity.amount(),
                price: fill.price.amount(),
                signal: sign(draft.side),
                order_id: Some(draft.client_order_id.as_str().to_owned()),
                cumulative_quantity: Some(*cumulative),
                config_id: Some(draft.config_id.as_uuid()),
                executed_at: fill.at,
            });
        }
        Ok(())
    }

    /// What is to be written, with orders and positions as they are now.
    pub(super) fn commit(self, account: &Account, now: Timestamp) -> Commit {
        let orders = self.orders.iter().filter_map(|id| account.order(id));
        let orders = orders.map(|order| order_record(self.user, order, now)).collect();
        let positions = self.positions.iter().filter_map(|(config, ticker)| {
            let position = account.book(*config)?.positions().get(ticker)?;
            Some(PositionRecord {
                user_id: self.user.as_uuid(),
                config_id: config.as_uuid(),
                ticker: ticker.as_str().to_owned(),
                quantity: position.quantity,
                average_price: position.average_price,
                realized_profit: position.realized.amount(),
                updated_at: now,
            })
        });
        Commit {
            user_id: self.user.as_uuid(),
            positions: positions.collect(),
            events: self.events,
            orders,
            fills: self.fills,
            trades: self.trades,
        }
    }
}

fn order_record(user: UserId, order: &Order, now: Timestamp) -> OrderRecord {
    let draft = &order.draft;
    OrderRecord {
        client_order_id: draft.client_order_id.as_str().to_owned(),
        user_id: user.as_uuid(),
        config_id: Some(draft.config_id.as_uuid()),
        ticker: draft.ticker.as_str().to_owned(),
        strategy_name: Some(draft.strategy.clone()),
        signal_id: Some(draft.signal.as_uuid()),
        venue_order_id: order.venue_order_id.map(|id| id.as_uuid()),
        side: side(draft.side),
        order_type: draft.kind.code().to_owned(),
        time_in_force: draft.time_in_force.code().to_owned(),
        quantity: draft.quantity.amount(),
        limit_price: draft.kind.limit_price().map(engine::Price::amount),
        status: order.status.code().to_owned(),
        filled_quantity: order.filled(),
        filled_average_price: average_price(order),
        reason: order.reason.clone(),
        created_at: order.created_at,
        submitted_at: order.submitted_at,
        closed_at: order.closed_at,
        updated_at: now,
    }
}

fn average_price(order: &Order) -> Option<Decimal> {
    let value = order.fills.values().try_fold(Decimal::ZERO, |sum, fill| {
        fill.price.cost_of(fill.quantity).ok().and_then(|cost| sum.checked_add(cost.amount()))
    })?;
    value.checked_div(order.filled()).map(engine::money::round_average)
}

const fn side(side: Side) -> storage::Side {
    match side {
        Side::Buy => storage::Side::Buy,
        Side::Sell => storage::Side::Sell,
    }
}

const fn sign(side: Side) -> i32 {
    match side {
        Side::Buy => 1,
        Side::Sell => -1,
    }
}
