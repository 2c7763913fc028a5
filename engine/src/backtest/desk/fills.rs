//! How the orders of a desk meet the bars.

use super::{Desk, held_side};
use crate::backtest::RunError;
use crate::backtest::costs::Liquidity;
use crate::backtest::data::day_of;
use crate::backtest::ledger::Execution;
use crate::backtest::matching::{Touch, Watch};
use crate::backtest::order::{Effect, OrderRequest, Size, Working};
use crate::backtest::sizing::entry_quantity;
use crate::backtest::spec::FillAt;
use crate::bar::Bar;
use crate::money::{Price, Quantity, to_float};
use crate::order::{Kind, Status, TimeInForce};
use crate::risk::Denied;
use rust_decimal::Decimal;

impl Desk<'_> {
    pub(super) fn meet_bars(&mut self) -> Result<(), RunError> {
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

    /// Everything is lost: closes all at the close and trades no more.
    pub(super) fn liquidate(&mut self) -> Result<f64, RunError> {
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

    pub(super) fn fill_at_close(&mut self) -> Result<(), RunError> {
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

    fn expire(&mut self) {
        let by_day = |order: &Working| order.request.time_in_force == TimeInForce::Day;
        if !self.working.iter().any(by_day) {
            return;
        }
        let today = day_of(self.now);
        let bars = &self.bars;
        for order in &mut self.working {
            let meets = bars.get(order.request.leg).is_some_and(Option::is_some);
            if meets && by_day(order) {
                order.day.get_or_insert(today);
            }
        }
        self.cancel_where(Status::Expired, |order| order.day.is_some_and(|day| day < today));
    }

    /// The bar inside which entries were filled is over.
    pub(super) fn forget_entries(&mut self) {
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
}
