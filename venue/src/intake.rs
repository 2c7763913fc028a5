//! What clients ask of the exchange: to take an order, and to cancel one.

use chrono::{DateTime, Duration, Utc};
use rust_decimal::{Decimal, RoundingStrategy};
use uuid::Uuid;

use crate::assets::Asset;
use crate::calendar::{self, Hours};
use crate::checks::{self, Admission, Desk};
use crate::exchange::{Exchange, Inner};
use crate::execution;
use crate::fills::{Days, Fills, Occasion, Travels};
use crate::groups;
use crate::order_request::{Amount, OrderRequest};
use crate::orders::{Order, OrderStatus, OrderType, TimeInForce};
use crate::phases::Phase;
use crate::refusal::Refusal;

/// How far ahead an extended session is looked for.
const SEARCH_DAYS: u64 = 14;

/// An order that was taken, as it was before any execution, and the legs that came with it.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) order: Order,
    pub(crate) legs: Vec<Order>,
}

impl Exchange {
    /// Takes an order: checks it, books it, and lets it trade if a price is there.
    ///
    /// The answer is the order as it was accepted, before any execution, as Alpaca answers.
    pub(crate) fn submit(
        &self,
        account_id: Uuid,
        request: &OrderRequest,
    ) -> Result<Placed, Refusal> {
        let now = self.clock.now();
        let mut guard = self.lock();
        let inner = &mut *guard;
        let asset = self.assets.find(&request.symbol).ok_or_else(|| {
            Refusal::unprocessable(format!("asset \"{}\" not found", request.symbol))
        })?;
        let phase = self.phase_of(inner, asset, now);
        let admission = checks::admit(self.desk(inner, account_id, asset, phase, now)?, request)?;
        let mut order = self.accepted(inner, account_id, asset, request, admission);
        // A halted symbol does not trade: its orders wait as those outside the session do.
        let begins = phase.admits(asset.class, order.extended_hours)
            && order.time_in_force != TimeInForce::Opg
            && !self.faults.halts(&order.symbol, now)?;
        order.status = if begins { OrderStatus::PendingNew } else { OrderStatus::Accepted };
        let legs = groups::form(&mut inner.ids, &mut order, request);
        let event = order.status.as_str();
        let mut steps = vec![execution::step(&mut inner.ids, &order, event, now)];
        for leg in &legs {
            // A leg that waits for its entry is not news yet.
            steps.push(match leg.status {
                OrderStatus::Held => execution::silent(leg.clone()),
                _ => execution::step(&mut inner.ids, leg, event, now),
            });
        }
        let placed = Placed { order: order.clone(), legs: legs.clone() };
        let mut begun = Vec::new();
        for order in std::iter::once(order).chain(legs) {
            if order.status == OrderStatus::PendingNew {
                let order = begin(order, asset, inner.market.price(&asset.symbol));
                steps.push(execution::step(&mut inner.ids, &order, "new", now));
                begun.push(order.sequence);
            }
        }
        self.commit(inner, steps)?;
        if self.faults.rejects(&placed.order, now) {
            let rejected = execution::rejected(&placed.order, now);
            let steps = execution::end_steps(inner, &rejected, "rejected", now);
            self.commit(inner, steps)?;
            return Ok(placed);
        }
        self.send_to_book(inner, asset, begun, now)?;
        Ok(placed)
    }

    /// Cancels an open order, and the group that it is in.
    pub(crate) fn cancel(&self, account_id: Uuid, order_id: Uuid) -> Result<(), Refusal> {
        let now = self.clock.now();
        let mut guard = self.lock();
        let inner = &mut *guard;
        let order = inner
            .books
            .order_by_id(account_id, order_id)
            .ok_or_else(|| Refusal::not_found(format!("order not found for {order_id}")))?;
        if !order.status.is_open() {
            if !self.rules.terminal_cancel_refused {
                return Ok(());
            }
            let status = order.status.as_str();
            return Err(Refusal::unprocessable(format!("order is already in \"{status}\" state")));
        }
        if order.status == OrderStatus::PendingCancel {
            return Ok(());
        }
        if self.cancel_travels(inner, order) {
            let pending = execution::pending_cancel(order, now);
            let step = execution::step(&mut inner.ids, &pending, "pending_cancel", now);
            return self.commit(inner, vec![step]);
        }
        let canceled = execution::canceled_by_owner(order, now);
        let steps = execution::end_steps(inner, &canceled, "canceled", now);
        self.commit(inner, steps)
    }

    /// Cancels every open order of an account; one answer for each.
    pub(crate) fn cancel_all(&self, account_id: Uuid) -> Vec<(Uuid, Result<(), Refusal>)> {
        let open: Vec<Uuid> = self
            .read(|inner| inner.books.open_orders_of(account_id).map(|order| order.id).collect());
        let cancel = |id| match self.cancel(account_id, id) {
            // It ended in between, with its group or by itself: what was asked for is done.
            Err(refusal) if refusal.status.as_u16() == 422 => (id, Ok(())),
            result => (id, result),
        };
        open.into_iter().map(cancel).collect()
    }

    /// What the checks of an order in an asset look at.
    pub(crate) fn desk<'a>(
        &'a self,
        inner: &'a Inner,
        account_id: Uuid,
        asset: &'a Asset,
        phase: Phase,
        now: DateTime<Utc>,
    ) -> Result<Desk<'a>, Refusal> {
        let account = inner.books.account(account_id).ok_or_else(Refusal::unauthorized)?;
        Ok(Desk {
            books: &inner.books,
            market: &inner.market,
            account,
            asset,
            rules: &self.rules,
            hours: self.hours,
            phase,
            now,
            replaced: None,
        })
    }

    /// The part of the day that an asset is in; coins know only one.
    pub(crate) fn phase_of(&self, inner: &mut Inner, asset: &Asset, now: DateTime<Utc>) -> Phase {
        if asset.is_crypto() { Phase::Regular } else { self.phase_at(inner, now) }
    }

    /// Orders that begin to work arrive in the book: at once, or when their way there is over.
    pub(crate) fn send_to_book(
        &self,
        inner: &mut Inner,
        asset: &Asset,
        begun: Vec<u64>,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        if inner.model.travels(asset) == Travels::Not {
            return self.trade_on_arrival(inner, begun, now);
        }
        self.let_arrive(inner, now);
        Ok(())
    }

    /// Orders that arrive while there is a price trade at once; what may not rest is canceled.
    pub(crate) fn trade_on_arrival(
        &self,
        inner: &mut Inner,
        mut arrived: Vec<u64>,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        while let Some(sequence) = arrived.pop() {
            let Some(order) = inner.books.order(sequence) else { continue };
            let (symbol, immediate) = (order.symbol.clone(), order.time_in_force.is_immediate());
            let Some(asset) = self.assets.find(&symbol) else { continue };
            if let Some(working) = order.working() {
                let fills = inner.fills(&symbol, Occasion::Arrival(&working), now);
                let phase = self.phase_of(inner, asset, now);
                let begun = self.book_fills(inner, fills, phase, now);
                // Where orders travel, those that begin do so on their own.
                if inner.model.travels(asset) == Travels::Not {
                    arrived.extend(begun);
                }
            }
            let rest = inner.books.order(sequence).filter(|order| order.status.is_open());
            if let Some(rest) = rest.filter(|_| immediate) {
                let canceled = execution::canceled(rest, now);
                let steps = execution::end_steps(inner, &canceled, "canceled", now);
                self.commit(inner, steps)?;
            }
        }
        Ok(())
    }

    /// When an order that comes now ends by itself.
    pub(crate) fn expiry(
        &self,
        fills: Fills,
        (time_in_force, extended_hours): (TimeInForce, bool),
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let recorded = fills.days() == Days::OfTape;
        match time_in_force {
            TimeInForce::Gtc => {
                let end = now + Duration::days(self.rules.gtc_days);
                Some(self.hours.previous_session(end).map_or(end, |session| session.close))
            }
            TimeInForce::Ioc | TimeInForce::Fok => None,
            // On a tape the day ends after the symbol has traded, whenever that is.
            TimeInForce::Day | TimeInForce::Cls | TimeInForce::Opg if recorded => None,
            TimeInForce::Day if extended_hours => Some(extended_close(self.hours, now)),
            TimeInForce::Day | TimeInForce::Cls => Some(self.hours.current_or_next(now).close),
            TimeInForce::Opg => Some(self.hours.next_session(now).close),
        }
    }

    /// The order that follows from an accepted request.
    fn accepted(
        &self,
        inner: &mut Inner,
        account_id: Uuid,
        asset: &Asset,
        request: &OrderRequest,
        admission: Admission,
    ) -> Order {
        let now = self.clock.now();
        let id = inner.ids.next();
        let (qty, notional) = match request.amount {
            Amount::Quantity(qty) => (Some(qty), None),
            Amount::Notional(notional) => (None, Some(notional)),
        };
        let collared = asset.is_crypto()
            && request.order_type == OrderType::Market
            && admission.intent.opens();
        let collar = Decimal::ONE + self.rules.crypto_collar;
        let budget = notional
            .filter(|_| collared)
            .map(|dollars| (dollars / collar).round_dp_with_strategy(2, RoundingStrategy::ToZero));
        Order {
            id,
            sequence: inner.ids.next_sequence(),
            account_id,
            client_order_id: request.client_order_id.clone().unwrap_or_else(|| id.to_string()),
            symbol: asset.symbol.clone(),
            asset_id: asset.id,
            asset_class: asset.class,
            side: request.side,
            order_type: request.order_type,
            time_in_force: request.time_in_force,
            qty,
            notional,
            budget,
            limit_price: request.limit_price,
            stop_price: request.stop_price,
            trail: request.trail,
            hwm: None,
            elected: false,
            extended_hours: request.extended_hours,
            membership: None,
            intent: Some(admission.intent),
            status: OrderStatus::PendingNew,
            filled_qty: Decimal::ZERO,
            filled_value: Decimal::ZERO,
            executions: 0,
            reserved_price: admission.reserved_price,
            created_at: now,
            updated_at: now,
            expires_at: self.expiry(
                inner.fills,
                (request.time_in_force, request.extended_hours),
                now,
            ),
            filled_at: None,
            expired_at: None,
            cancel_requested_at: None,
            canceled_at: None,
            failed_at: None,
            replaced_at: None,
            replaced_by: None,
            replaces: None,
            first_traded_day: None,
        }
    }
}

/// The order as it starts to work; a trailing stop starts from the newest price.
pub(crate) fn begin(order: Order, asset: &Asset, price: Option<Decimal>) -> Order {
    let started = Order { status: OrderStatus::New, ..order };
    match (started.trail, price) {
        (Some(_), Some(price)) => trailed(&started, asset, price),
        _ => started,
    }
}

/// A trailing stop behind a new best price.
pub(crate) fn trailed(order: &Order, asset: &Asset, best: Decimal) -> Order {
    let stop = order.trail.map(|trail| asset.rounded(trail.stop(order.side, best)));
    Order { hwm: Some(best), stop_price: stop, ..order.clone() }
}

/// The end of the extended session that is on, or else of the next one.
fn extended_close(hours: Hours, now: DateTime<Utc>) -> DateTime<Utc> {
    let date = calendar::new_york_date(now);
    (0..SEARCH_DAYS)
        .filter_map(|days| hours.extended_on(date + chrono::Days::new(days)))
        .map(|session| session.close)
        .find(|close| *close > now)
        .unwrap_or(now)
}
