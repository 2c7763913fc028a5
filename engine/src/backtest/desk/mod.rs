//! The desk of a backtest: it takes orders, has the bars fill them, and keeps the books.
#![cfg_attr(
    not(test),
    expect(
        clippy::float_arithmetic,
        reason = "the value at a close is a statistic; cash is decimal"
    )
)]

mod fills;

use super::data::Market;
use super::ledger::Ledger;
use super::matching::Watch;
use super::order::{Effect, Exits, OrderNumber, OrderRequest, Size, Working, entry_side};
use super::outcome::{Denial, FillRecord, OrderRecord, Outcome};
use super::spec::{Direction, FillAt, Sizing, Spec};
use super::{DENIALS_MAX, Journal, ORDERS_MAX, RunError};
use crate::account::RATE_WINDOW_S;
use crate::bar::Bar;
use crate::clock::Timestamp;
use crate::money::{Price, Quantity, Usd, is_positive, to_float};
use crate::order::{Side, Status};
use crate::position::Position;
use crate::risk::{Denied, rule};
use crate::strategy::Stance;
use rust_decimal::Decimal;
use std::collections::VecDeque;

/// What decides through: it shows the state at a close and takes orders.
#[derive(Debug)]
pub struct Desk<'a> {
    spec: &'a Spec,
    market: &'a Market,
    now: Timestamp,
    /// The bars of this step, one place per ticker.
    bars: Vec<Option<&'a Bar>>,
    ledger: Ledger,
    working: Vec<Working>,
    numbered: u32,
    /// When the newest orders were made, while limits are in force.
    made: VecDeque<Timestamp>,
    journal: Journal,
    outcome: Outcome,
}

impl<'a> Desk<'a> {
    pub(super) fn new(
        market: &'a Market,
        spec: &'a Spec,
        journal: Journal,
        reuse: Outcome,
    ) -> Self {
        let Outcome { mut equity, mut trades, .. } = reuse;
        equity.clear();
        trades.clear();
        equity.reserve(market.times().len());
        let legs = market.legs().len();
        let outcome =
            Outcome { cash_start: to_float(spec.cash.amount()), equity, ..Outcome::default() };
        Self {
            spec,
            market,
            now: Timestamp::UNIX_EPOCH,
            bars: vec![None; legs],
            ledger: Ledger::new(spec.cash, legs, trades),
            working: Vec::new(),
            numbered: 0,
            made: VecDeque::new(),
            journal,
            outcome,
        }
    }

    /// Start of the bars of this step.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The bars that closed at this step, one place per ticker of the market.
    pub fn bars(&self) -> &[Option<&'a Bar>] {
        &self.bars
    }

    /// Cash, US dollars.
    pub fn cash(&self) -> Usd {
        self.ledger.cash()
    }

    /// Cash and positions at the newest closes, US dollars.
    pub fn equity(&self) -> f64 {
        self.ledger.equity()
    }

    /// What is held of a ticker, by its index in the market.
    pub fn position(&self, leg: usize) -> Position {
        self.ledger.holding(leg).map(|holding| holding.position).unwrap_or_default()
    }

    /// Orders at work of a ticker: their numbers and what was asked for, oldest first.
    pub fn orders(&self, leg: usize) -> impl Iterator<Item = (OrderNumber, &OrderRequest)> {
        let of_leg = self.working.iter().filter(move |order| order.request.leg == leg);
        of_leg.map(|order| (order.number, &order.request))
    }

    /// Places an order; it meets the ticker's next bar, a market order of
    /// [`FillAt::SameClose`] this one.
    pub fn submit(&mut self, request: OrderRequest) -> Result<Option<OrderNumber>, RunError> {
        match self.admit(&request) {
            Ok(sized) => {
                let price = self.ledger.holding(request.leg).map_or(f64::NAN, |leg| leg.mark);
                Ok(Some(self.place(request, price, sized)?))
            }
            Err(denied) => {
                self.deny(request.leg, denied);
                Ok(None)
            }
        }
    }

    /// Cancels an order; one that has ended stays as it is.
    pub fn cancel(&mut self, number: OrderNumber) {
        if let Some(index) = self.working.iter().position(|order| order.number == number) {
            let order = self.working.remove(index);
            self.end(order, Status::Canceled, None);
        }
    }

    /// Cancels every order of a ticker.
    pub fn cancel_all(&mut self, leg: usize) {
        self.cancel_where(Status::Canceled, |order| order.request.leg == leg);
    }

    /// Goes to the side of `stance`: closes what is on another one, opens as the plan says. A new
    /// aim replaces orders of an older one that are not filled yet.
    pub fn aim(&mut self, leg: usize, stance: Stance) -> Result<(), RunError> {
        self.cancel_where(Status::Canceled, |order| order.request.leg == leg && !order.is_exit);
        let wanted = match (stance, self.spec.direction) {
            (Stance::Short, Direction::Long) => None,
            _ => entry_side(stance),
        };
        let held = self.ledger.held(leg);
        let holds = held_side(held);
        if holds == wanted {
            return Ok(());
        }
        if let Some(side) = holds {
            self.submit(OrderRequest::close(leg, side.opposite()))?;
        }
        if let Some(side) = wanted {
            let exits = Exits::from(self.spec.protection);
            self.submit(OrderRequest { exits, ..OrderRequest::open(leg, side) })?;
        }
        Ok(())
    }

    pub(super) fn set_bar(&mut self, leg: usize, bar: Option<&'a Bar>) {
        if let Some(place) = self.bars.get_mut(leg) {
            *place = bar;
        }
    }

    /// A step begins, the bars have been set: they fill what stood before them, and close.
    pub(super) fn begin(&mut self, now: Timestamp) -> Result<(), RunError> {
        self.now = now;
        self.meet_bars()?;
        for (leg, bar) in self.bars.iter().enumerate() {
            if let Some(bar) = bar {
                self.ledger.mark(leg, bar.close);
            }
        }
        Ok(())
    }

    /// Whether a bar can do nothing but change prices: no order waits for it.
    pub(super) fn is_idle(&self) -> bool {
        self.working.is_empty()
    }

    /// Passes bars of the only ticker at which nothing is decided, while idle.
    pub(super) fn pass(&mut self, bars: &'a [Bar]) -> Result<(), RunError> {
        let (cash, quantity) = self.ledger.only_holding();
        let lives = |bar: &&Bar| cash + quantity * bar.close > 0.0;
        let safe = bars.iter().take_while(lives).count();
        let (safe, rest) = bars.split_at_checked(safe).unwrap_or((bars, &[]));
        if let Some(last) = safe.last() {
            self.outcome.equity.extend(safe.iter().map(|bar| cash + quantity * bar.close));
            if quantity != 0.0 {
                let steps = u64::try_from(safe.len()).unwrap_or(u64::MAX);
                self.outcome.steps_held = self.outcome.steps_held.saturating_add(steps);
            }
            self.now = last.at;
            self.ledger.mark(0, last.close);
        }
        for bar in rest {
            self.set_bar(0, Some(bar));
            self.begin(bar.at)?;
            self.finish()?;
        }
        Ok(())
    }

    /// The decisions of this step are made.
    pub(super) fn finish(&mut self) -> Result<(), RunError> {
        if self.spec.fill == FillAt::SameClose && !self.working.is_empty() {
            self.fill_at_close()?;
            self.forget_entries();
        }
        let mut equity = self.ledger.equity();
        if equity <= 0.0 && self.ledger.holds_any() {
            equity = self.liquidate()?;
        }
        if self.ledger.holds_any() {
            self.outcome.steps_held = self.outcome.steps_held.saturating_add(1);
        }
        self.outcome.equity.push(equity);
        Ok(())
    }

    pub(super) fn into_outcome(mut self, canceled: bool) -> Outcome {
        self.cancel_where(Status::Canceled, |_| true);
        let (open, trades, traded_usd, fees_usd) = self.ledger.into_parts();
        Outcome { trades, open, traded_usd, fees_usd, canceled, ..self.outcome }
    }

    /// Our own checks at the time of the decision, as live trading makes them; the quantity when it
    /// is fixed by then.
    fn admit(&mut self, request: &OrderRequest) -> Result<Option<Quantity>, Denied> {
        if self.outcome.ruined_at.is_some() {
            return Err(Denied::AccountNotTrading { reason: "everything is lost".to_owned() });
        }
        let held = self.ledger.held(request.leg);
        let opens_short = request.effect == Effect::Open && request.side == Side::Sell;
        if opens_short && self.spec.direction == Direction::Long {
            rule::holding(Decimal::ONE, Decimal::ZERO)?;
        }
        if let Some(limits) = &self.spec.limits {
            let open = u32::try_from(self.working.len()).unwrap_or(u32::MAX);
            rule::open_orders(open, limits.open_orders_max)?;
            let now = self.now;
            let lately =
                |at: &Timestamp| now.signed_duration_since(at).num_seconds() < RATE_WINDOW_S;
            while self.made.pop_front_if(|at| !lately(at)).is_some() {}
            let made = u32::try_from(self.made.len()).unwrap_or(u32::MAX);
            rule::rate(made, limits.orders_per_minute_max)?;
            if request.effect == Effect::Open && held.is_zero() {
                rule::positions(self.ledger.legs_held(), limits.positions_max)?;
            }
            self.made.push_back(now);
        }
        let decides_now =
            matches!(self.spec.sizing, Sizing::EquityAtDecision { .. } | Sizing::Live { .. });
        if !decides_now || request.effect == Effect::Close || request.size != Size::Plan {
            return Ok(None);
        }
        let mark = self.ledger.holding(request.leg).map_or(f64::NAN, |leg| leg.mark);
        let price = Price::from_market(mark)?;
        super::sizing::planned_quantity(self.spec, self.market, &self.ledger, price).map(Some)
    }

    fn place(
        &mut self,
        request: OrderRequest,
        price: f64,
        sized: Option<Quantity>,
    ) -> Result<OrderNumber, RunError> {
        if self.working.len() >= ORDERS_MAX {
            return Err(RunError::TooManyOrders { limit: ORDERS_MAX });
        }
        let order = self.new_order(request, price, sized);
        let number = order.number;
        self.working.push(order);
        Ok(number)
    }

    fn new_order(&mut self, request: OrderRequest, price: f64, sized: Option<Quantity>) -> Working {
        self.numbered = self.numbered.saturating_add(1);
        Working {
            number: OrderNumber(self.numbered),
            status: Status::New,
            watch: Watch::new(request.kind, price),
            decided_at: self.now,
            is_exit: false,
            entered_inside: None,
            day: None,
            sized,
            request,
        }
    }

    fn cancel_where(&mut self, status: Status, mut ends: impl FnMut(&Working) -> bool) {
        while let Some(index) = self.working.iter().position(&mut ends) {
            let order = self.working.remove(index);
            self.end(order, status, None);
        }
    }

    fn end(&mut self, mut order: Working, status: Status, fill: Option<FillRecord>) {
        order.move_to(status);
        if self.journal == Journal::Orders {
            self.outcome.orders.push(OrderRecord {
                id: order.number.0,
                leg: order.request.leg,
                side: order.request.side,
                kind: order.request.kind,
                decided_at: order.decided_at,
                status: order.status,
                fill,
            });
        }
    }

    fn deny(&mut self, leg: usize, reason: Denied) {
        self.outcome.denied = self.outcome.denied.saturating_add(1);
        if self.outcome.denials.len() < DENIALS_MAX {
            self.outcome.denials.push(Denial { leg, at: self.now, reason });
        }
    }
}

/// The side by which what is held was entered.
fn held_side(held: Decimal) -> Option<Side> {
    if held.is_zero() {
        None
    } else if is_positive(held) {
        Some(Side::Buy)
    } else {
        Some(Side::Sell)
    }
}
