//! The desk of a backtest: it takes orders, has the bars fill them, and keeps the books.
#![cfg_attr(
    not(test),
    expect(
        clippy::float_arithmetic,
        reason = "the value at a close is a statistic; cash is decimal"
    )
)]

use super::costs::Liquidity;
use super::data::{Market, day_of};
use super::ledger::{Execution, Ledger};
use super::matching::{Touch, Watch};
use super::order::{Effect, Exits, OrderNumber, OrderRequest, Size, Working, entry_side};
use super::outcome::{Denial, FillRecord, OrderRecord, Outcome};
use super::sizing::entry_quantity;
use super::spec::{Direction, FillAt, Sizing, Spec};
use super::{DENIALS_MAX, Journal, ORDERS_MAX, RunError};
use crate::account::RATE_WINDOW_S;
use crate::bar::Bar;
use crate::clock::Timestamp;
use crate::money::{Price, Quantity, Usd, is_positive, to_float};
use crate::order::{Kind, Side, Status, TimeInForce};
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

    fn meet_bars(&mut self) -> Result<(), RunError> {
        if self.working.is_empty() {
            return Ok(());
        }
        self.expire();
        for (leg, bar) in self.bars.iter().enumerate() {
            if let Some(bar) = bar {
                self.ledger.mark(leg, bar.open);
            }
        }
        let at_open = self.spec.fill == FillAt::NextOpen;
        let open = |order: &mut Working, bar: &Bar| {
            let waits = order.watch == Watch::Market && !at_open && !order.is_exit;
            if waits { None } else { order.watch.at_open(order.request.side, bar.open) }
        };
        // What closes gives the cash for what opens; exits of a new entry look at the open again.
        while self.fill_first(Effect::Close, open)? || self.fill_first(Effect::Open, open)? {}
        self.cancel_immediate();
        if self.working.is_empty() {
            return Ok(());
        }
        let worst = |order: &mut Working, bar: &Bar| order.watch.at_worst(order.request.side, bar);
        let best = |order: &mut Working, bar: &Bar| order.watch.at_best(order.request.side, bar);
        while self.fill_first(Effect::Close, worst)? {}
        while self.fill_first(Effect::Close, best)? {}
        while self.fill_first(Effect::Open, worst)? {}
        while self.fill_first(Effect::Open, best)? {}
        self.fill_entered_inside()?;
        let close = |order: &mut Working, bar: &Bar| order.watch.at_close(order.request.side, bar);
        while self.fill_first(Effect::Close, close)? {}
        while self.fill_first(Effect::Open, close)? {}
        if self.spec.fill == FillAt::NextClose {
            self.fill_at_close()?;
        }
        self.forget_entries();
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

    /// Everything is lost: closes all at the close and trades no more.
    fn liquidate(&mut self) -> Result<f64, RunError> {
        self.cancel_where(Status::Canceled, |_| true);
        for leg in 0..self.bars.len() {
            let Some(side) = held_side(self.ledger.held(leg)) else { continue };
            let Some(mark) = self.ledger.holding(leg).map(|holding| holding.mark) else { continue };
            let order = self.new_order(OrderRequest::close(leg, side.opposite()), mark, None);
            self.execute(order, Price::from_market(mark)?, Liquidity::Taker, None)?;
        }
        self.outcome.ruined_at.get_or_insert(self.now);
        Ok(self.ledger.equity())
    }

    /// Fills the oldest order of `effect` that `touch` says its bar fills.
    fn fill_first(
        &mut self,
        effect: Effect,
        touch: impl Fn(&mut Working, &Bar) -> Option<Touch>,
    ) -> Result<bool, RunError> {
        let bars = &self.bars;
        let found = self.working.iter_mut().enumerate().find_map(|(index, order)| {
            if order.request.effect != effect || order.entered_inside.is_some() {
                return None;
            }
            let bar = bars.get(order.request.leg).copied().flatten()?;
            touch(order, bar).map(|touch| (index, touch, bar))
        });
        let Some((index, touch, bar)) = found else { return Ok(false) };
        self.fill(index, touch, bar)?;
        Ok(true)
    }

    fn fill_entered_inside(&mut self) -> Result<(), RunError> {
        loop {
            let bars = &self.bars;
            let found = self.working.iter_mut().enumerate().find_map(|(index, order)| {
                let entry = order.entered_inside?;
                let bar = bars.get(order.request.leg).copied().flatten()?;
                let touch = order.watch.after_entry(order.request.side, entry, bar)?;
                Some((index, touch, bar))
            });
            let Some((index, touch, bar)) = found else { return Ok(()) };
            self.fill(index, touch, bar)?;
        }
    }

    fn fill_at_close(&mut self) -> Result<(), RunError> {
        let close =
            |order: &mut Working, _: &Bar| (order.watch == Watch::Market).then_some(Touch::Close);
        while self.fill_first(Effect::Close, close)? || self.fill_first(Effect::Open, close)? {}
        Ok(())
    }

    fn fill(&mut self, index: usize, touch: Touch, bar: &Bar) -> Result<(), RunError> {
        let order = self.working.remove(index);
        let (side, kind) = (order.request.side, order.request.kind);
        let price = match touch {
            Touch::Open => Price::from_market(bar.open)?,
            Touch::Close => Price::from_market(bar.close)?,
            Touch::Level(level) => Price::from_market(level)?,
            Touch::Stop => kind.stop_price().ok_or(RunError::NoPrice)?,
            Touch::Limit => kind.limit_price().ok_or(RunError::NoPrice)?,
        };
        // A limit is kept whatever happens.
        let price = match kind {
            Kind::Limit { .. } | Kind::StopLimit { .. } => price,
            Kind::Market | Kind::Stop { .. } | Kind::TrailingStop { .. } => {
                self.spec.costs.slipped(side, price)?
            }
        };
        let liquidity = if touch == Touch::Limit { Liquidity::Maker } else { Liquidity::Taker };
        let inside = match touch {
            Touch::Open => None,
            Touch::Close | Touch::Level(_) | Touch::Stop | Touch::Limit => Some(()),
        };
        self.execute(order, price, liquidity, inside)
    }

    /// Sizes, books and ends an order that has met its price.
    fn execute(
        &mut self,
        order: Working,
        price: Price,
        liquidity: Liquidity,
        inside: Option<()>,
    ) -> Result<(), RunError> {
        let request = order.request;
        let quantity = match self.final_quantity(&order, price) {
            Ok(Some(quantity)) => quantity,
            Ok(None) => {
                self.end(order, Status::Canceled, None);
                return Ok(());
            }
            Err(denied) => {
                self.deny(request.leg, denied);
                self.end(order, Status::Canceled, None);
                return Ok(());
            }
        };
        let (leg, side, at) = (request.leg, request.side, self.now);
        let execution = Execution { leg, side, quantity, price, liquidity, at };
        let fill = self.ledger.book(&execution, self.spec)?;
        self.end(order, Status::Filled, Some(fill));
        if request.effect == Effect::Close {
            if self.ledger.held(leg).is_zero() {
                self.cancel_where(Status::Canceled, |other| {
                    other.request.leg == leg && other.request.effect == Effect::Close
                });
            }
        } else if !request.exits.is_none() {
            self.place_exits(&request, quantity, price, inside)?;
        }
        Ok(())
    }

    fn place_exits(
        &mut self,
        entry: &OrderRequest,
        quantity: Quantity,
        price: Price,
        inside: Option<()>,
    ) -> Result<(), RunError> {
        let entered = to_float(price.amount());
        for kind in entry.exits.kinds(entry.side, price)? {
            let request = OrderRequest {
                kind,
                size: Size::Exactly(quantity),
                time_in_force: TimeInForce::Gtc,
                ..OrderRequest::close(entry.leg, entry.side.opposite())
            };
            let number = self.place(request, entered, None)?;
            if let Some(order) = self.working.iter_mut().rfind(|order| order.number == number) {
                order.is_exit = true;
                order.entered_inside = inside.map(|()| entered);
            }
        }
        Ok(())
    }

    /// How many an order fills; `None` when there is nothing left for it to close.
    fn final_quantity(&self, order: &Working, price: Price) -> Result<Option<Quantity>, Denied> {
        let request = &order.request;
        let held = self.ledger.held(request.leg);
        if request.effect == Effect::Close {
            // The position may have been closed, or be on the other side by now.
            if held_side(held) != Some(request.side.opposite()) {
                return Ok(None);
            }
            let quantity = match request.size {
                Size::Plan => held.abs(),
                Size::Exactly(quantity) => quantity.amount().min(held.abs()),
            };
            return Ok(Some(Quantity::new(quantity)?));
        }
        if held_side(held) == Some(request.side.opposite()) {
            return Err(Denied::InsufficientPosition { wanted: Decimal::ZERO, held });
        }
        let asked = order.sized.or(match request.size {
            Size::Exactly(quantity) => Some(quantity),
            Size::Plan => None,
        });
        entry_quantity(self.spec, self.market, &self.ledger, price, asked, request.side).map(Some)
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

    fn expire(&mut self) {
        let today = day_of(self.now);
        let bars = &self.bars;
        for order in &mut self.working {
            let meets = bars.get(order.request.leg).is_some_and(Option::is_some);
            if meets && order.request.time_in_force == TimeInForce::Day {
                order.day.get_or_insert(today);
            }
        }
        self.cancel_where(Status::Expired, |order| order.day.is_some_and(|day| day < today));
    }

    /// The bar inside which entries were filled is over.
    fn forget_entries(&mut self) {
        self.working.iter_mut().for_each(|order| order.entered_inside = None);
    }

    fn cancel_immediate(&mut self) {
        let immediate = |order: &Working| {
            matches!(order.request.time_in_force, TimeInForce::Ioc | TimeInForce::Fok)
                && order.watch != Watch::Market
        };
        if !self.working.iter().any(immediate) {
            return;
        }
        let has_bar: Vec<bool> = self.bars.iter().map(Option::is_some).collect();
        self.cancel_where(Status::Canceled, |order| {
            immediate(order) && has_bar.get(order.request.leg).copied().unwrap_or(false)
        });
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
