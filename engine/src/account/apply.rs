//! `apply` changes the account and does not judge: it is the only code that does.

use super::{Account, Book, CLOSED_ORDERS_MAX, Event, is_recent};
use crate::clock::Timestamp;
use crate::ids::{ClientOrderId, ConfigId};
use crate::money::{MoneyError, Usd};
use crate::order::{Fill, Order, Side, Status};
use crate::position::PositionError;
use crate::ticker::Ticker;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use thiserror::Error;

/// An event that does not fit the account: the journal or the code is broken, and the account must
/// not trade on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BrokenEvent {
    /// The event is about an order that no event before it made.
    #[error("no order {0}")]
    NoSuchOrder(ClientOrderId),
    /// The event is about a sub-account that no event before it opened.
    #[error("no book of config {0}")]
    NoSuchBook(ConfigId),
    /// A fill that the position cannot have had.
    #[error("fill of order {order}: {source}")]
    Position {
        /// The order.
        order: ClientOrderId,
        /// What is wrong.
        source: PositionError,
    },
    /// An amount does not fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// There were more events than a journal can count.
    #[error("the journal is full")]
    SequenceExhausted,
}

impl Account {
    /// Applies one event and counts it.
    pub fn apply(&mut self, event: &Event) -> Result<(), BrokenEvent> {
        match event {
            Event::BookOpened { config_id, capital, ignores_until, .. } => {
                self.open_book(*config_id, *capital, *ignores_until)?;
            }
            Event::BookClosed { config_id, .. } => {
                let book = self.book_mut(*config_id)?;
                book.active = false;
                book.deferred.clear();
            }
            Event::SignalNoted { config_id, ticker, signal_at, .. }
            | Event::OrderDenied { config_id, ticker, signal_at, .. } => {
                self.book_mut(*config_id)?.decide(ticker, *signal_at);
            }
            Event::SignalDeferred { config_id, signal, .. } => {
                let deferred = &mut self.book_mut(*config_id)?.deferred;
                deferred.insert(signal.ticker.clone(), signal.clone());
            }
            Event::OrderInitialized { draft, reserved, checks, at } => {
                let order = Order {
                    draft: draft.clone(),
                    status: Status::Initialized,
                    venue_order_id: None,
                    reserved: *reserved,
                    fills: BTreeMap::new(),
                    checks: checks.clone(),
                    reason: None,
                    created_at: *at,
                    submitted_at: None,
                    closed_at: None,
                };
                self.book_mut(draft.config_id)?.decide(&draft.ticker, draft.signal_at);
                while self.created.front().is_some_and(|oldest| !is_recent(*oldest, *at)) {
                    self.created.pop_front();
                }
                // In order, even when a clock was set back.
                let newest = self.created.back().copied().unwrap_or(*at);
                self.created.push_back(newest.max(*at));
                self.open.insert(draft.client_order_id.clone());
                self.orders.insert(draft.client_order_id.clone(), order);
            }
            Event::CancelRequested { client_order_id, .. } => {
                self.order_mut(client_order_id)?.status = Status::PendingCancel;
            }
            Event::OrderAcknowledged { client_order_id, venue_order_id, status, at } => {
                let order = self.order_mut(client_order_id)?;
                order.venue_order_id = Some(*venue_order_id);
                order.submitted_at = order.submitted_at.or(Some(*at));
                order.status = *status;
            }
            Event::OrderFilled { client_order_id, cumulative, fill, .. } => {
                self.book_fill(client_order_id, *cumulative, *fill)?;
            }
            Event::OrderClosed { client_order_id, status, reason, at } => {
                let order = self.order_mut(client_order_id)?;
                order.reason.clone_from(reason);
                order.status = *status;
                self.close_order(client_order_id, *at)?;
            }
        }
        self.seq = self.seq.checked_add(1).ok_or(BrokenEvent::SequenceExhausted)?;
        Ok(())
    }

    fn open_book(
        &mut self,
        config: ConfigId,
        capital: Usd,
        ignores_until: Option<Timestamp>,
    ) -> Result<(), BrokenEvent> {
        let book = self.books.entry(config).or_default();
        let added = capital.minus(book.capital)?;
        book.cash = book.cash.plus(added)?;
        book.capital = capital;
        book.ignores_until = ignores_until;
        book.active = true;
        Ok(())
    }

    fn book_fill(
        &mut self,
        id: &ClientOrderId,
        cumulative: Decimal,
        fill: Fill,
    ) -> Result<(), BrokenEvent> {
        let order = self.order_mut(id)?;
        order.fills.insert(cumulative, fill);
        let (config, ticker, side) =
            (order.draft.config_id, order.draft.ticker.clone(), order.draft.side);
        if order.is_wholly_filled() {
            order.status = Status::Filled;
            self.close_order(id, fill.at)?;
        } else if !order.status.is_final() && order.status != Status::PendingCancel {
            order.status = Status::PartiallyFilled;
        }
        self.book_mut(config)?.fill(&ticker, side, fill).map_err(|error| match error {
            PositionError::Money(source) => BrokenEvent::Money(source),
            source @ (PositionError::Oversold { .. } | PositionError::Crossed { .. }) => {
                BrokenEvent::Position { order: id.clone(), source }
            }
        })
    }

    fn close_order(&mut self, id: &ClientOrderId, at: Timestamp) -> Result<(), BrokenEvent> {
        self.order_mut(id)?.closed_at = Some(at);
        if self.open.remove(id) {
            self.closed.push_back(id.clone());
        }
        while self.closed.len() > CLOSED_ORDERS_MAX {
            if let Some(oldest) = self.closed.pop_front() {
                self.orders.remove(&oldest);
            }
        }
        Ok(())
    }

    fn book_mut(&mut self, config: ConfigId) -> Result<&mut Book, BrokenEvent> {
        self.books.get_mut(&config).ok_or(BrokenEvent::NoSuchBook(config))
    }

    fn order_mut(&mut self, id: &ClientOrderId) -> Result<&mut Order, BrokenEvent> {
        self.orders.get_mut(id).ok_or_else(|| BrokenEvent::NoSuchOrder(id.clone()))
    }
}

impl Book {
    /// No signal of `ticker` up to `signal_at` will be decided again.
    fn decide(&mut self, ticker: &Ticker, signal_at: Timestamp) {
        let mark = self.decided.entry(ticker.clone()).or_insert(signal_at);
        *mark = signal_at.max(*mark);
        if self.deferred.get(ticker).is_some_and(|signal| signal.at <= signal_at) {
            self.deferred.remove(ticker);
        }
    }

    fn fill(&mut self, ticker: &Ticker, side: Side, fill: Fill) -> Result<(), PositionError> {
        let value = fill.price.cost_of(fill.quantity)?;
        let before = self.positions.get(ticker).copied().unwrap_or_default();
        let after = before.after(side, fill.quantity, fill.price)?;
        match side {
            Side::Buy => {
                self.cash = self.cash.minus(value)?;
                self.bought = self.bought.plus(value)?;
            }
            Side::Sell => {
                self.cash = self.cash.plus(value)?;
                self.sold = self.sold.plus(value)?;
            }
        }
        self.positions.insert(ticker.clone(), after);
        Ok(())
    }
}
