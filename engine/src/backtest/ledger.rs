//! Cash, positions and trades of a backtest: every fill goes through [`Ledger::book`].
#![cfg_attr(
    not(test),
    expect(
        clippy::float_arithmetic,
        reason = "the value at a close is a statistic; cash is decimal"
    )
)]

use super::RunError;
use super::costs::Liquidity;
use super::outcome::{FillRecord, OpenPosition, Trade, TradeSide};
use super::spec::Spec;
use crate::clock::Timestamp;
use crate::money::{MoneyError, Price, Quantity, Usd, is_positive, to_float as float};
use crate::order::Side;
use crate::position::Position;
use rust_decimal::Decimal;

/// What a fill is booked from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Execution {
    pub leg: usize,
    pub side: Side,
    pub quantity: Quantity,
    pub price: Price,
    pub liquidity: Liquidity,
    pub at: Timestamp,
}

#[derive(Debug)]
pub(super) struct Ledger {
    cash: Usd,
    /// The same, for the value at each close.
    cash_float: f64,
    holdings: Vec<Holding>,
    trades: Vec<Trade>,
    /// Value of all fills, a statistic.
    traded: f64,
    /// All fees, a statistic.
    fees: f64,
}

/// One ticker's position with what a trade is made of.
#[derive(Clone, Debug)]
pub(super) struct Holding {
    pub position: Position,
    /// Its quantity, for the value at each close.
    pub quantity: f64,
    /// Newest price known: an open, then the close.
    pub mark: f64,
    opened_at: Timestamp,
    /// Fees of what is open.
    fees: Usd,
}

impl Ledger {
    pub(super) fn new(cash: Usd, legs: usize, trades: Vec<Trade>) -> Self {
        let holding = Holding {
            position: Position::default(),
            quantity: 0.0,
            mark: 0.0,
            opened_at: Timestamp::UNIX_EPOCH,
            fees: Usd::ZERO,
        };
        Self {
            cash,
            cash_float: float(cash.amount()),
            holdings: vec![holding; legs],
            trades,
            traded: 0.0,
            fees: 0.0,
        }
    }

    pub(super) fn cash(&self) -> Usd {
        self.cash
    }

    pub(super) fn holding(&self, leg: usize) -> Option<&Holding> {
        self.holdings.get(leg)
    }

    pub(super) fn held(&self, leg: usize) -> Decimal {
        self.holdings.get(leg).map_or(Decimal::ZERO, |holding| holding.position.quantity)
    }

    pub(super) fn legs_held(&self) -> u32 {
        let held = self.holdings.iter().filter(|holding| !holding.position.quantity.is_zero());
        u32::try_from(held.count()).unwrap_or(u32::MAX)
    }

    /// Notes the newest price of a ticker.
    pub(super) fn mark(&mut self, leg: usize, price: f64) {
        if let Some(holding) = self.holdings.get_mut(leg) {
            holding.mark = price;
        }
    }

    /// Cash and positions at their marks.
    pub(super) fn equity(&self) -> f64 {
        self.holdings
            .iter()
            .fold(self.cash_float, |sum, holding| sum + holding.quantity * holding.mark)
    }

    /// Cash and the quantity of the first ticker.
    pub(super) fn only_holding(&self) -> (f64, f64) {
        (self.cash_float, self.holdings.first().map_or(0.0, |holding| holding.quantity))
    }

    pub(super) fn holds_any(&self) -> bool {
        self.holdings.iter().any(|holding| holding.quantity != 0.0)
    }

    /// The equity in decimals. With nothing held it is the cash, to the last digit.
    pub(super) fn equity_exact(&self) -> Result<Usd, MoneyError> {
        self.held_values().try_fold(self.cash, |sum, value| sum.plus(value?))
    }

    /// Cash that may be spent: what was sold short is owed and must be covered by as much again.
    pub(super) fn free_cash(&self) -> Result<Usd, MoneyError> {
        if !self.holdings.iter().any(|holding| holding.quantity < 0.0) {
            return Ok(self.cash);
        }
        let owed = self.held_values().try_fold(Usd::ZERO, |sum, value| {
            let value = value?;
            if value < Usd::ZERO { sum.plus(value) } else { Ok(sum) }
        })?;
        self.cash.plus(owed.times(Decimal::TWO)?)
    }

    fn held_values(&self) -> impl Iterator<Item = Result<Usd, MoneyError>> {
        let held = self.holdings.iter().filter(|holding| !holding.position.quantity.is_zero());
        held.map(|holding| {
            Usd::new(Price::from_market(holding.mark)?.amount()).times(holding.position.quantity)
        })
    }

    /// Books a fill: cash, position, and the trade that it closes.
    pub(super) fn book(
        &mut self,
        execution: &Execution,
        spec: &Spec,
    ) -> Result<FillRecord, RunError> {
        let Execution { leg, side, quantity, price, liquidity, at } = *execution;
        let fee = spec.costs.fees.of_fill(side, quantity, price, liquidity)?;
        let value = price.cost_of(quantity)?;
        let moved = match side {
            Side::Buy => self.cash.minus(value)?,
            Side::Sell => self.cash.plus(value)?,
        };
        self.cash = less(moved, fee)?;
        self.traded += float(value.amount());
        self.fees += float(fee.amount());
        self.cash_float = float(self.cash.amount());
        let holding = self.holdings.get_mut(leg).ok_or(RunError::NoSuchTicker { leg })?;
        let before = holding.position;
        holding.position = before.moved(side, quantity, price)?;
        holding.quantity = float(holding.position.quantity);
        if before.quantity.is_zero() {
            holding.opened_at = at;
            holding.fees = fee;
        } else if grew(before, side) {
            holding.fees = holding.fees.plus(fee)?;
        } else {
            let trade = holding.close(before, execution, fee)?;
            self.trades.push(trade);
        }
        Ok(FillRecord { at, quantity, price, fee })
    }

    /// What is open, the closed trades, the value of all fills and their fees.
    pub(super) fn into_parts(self) -> (Vec<OpenPosition>, Vec<Trade>, f64, f64) {
        let open = self.holdings.iter().enumerate();
        let open = open.filter_map(|(leg, holding)| holding.open_position(leg)).collect();
        (open, self.trades, self.traded, self.fees)
    }
}

impl Holding {
    fn close(
        &mut self,
        before: Position,
        execution: &Execution,
        fee: Usd,
    ) -> Result<Trade, RunError> {
        let Execution { leg, quantity, price, at, .. } = *execution;
        let closed = quantity.amount();
        let entry_fee = if self.position.quantity.is_zero() {
            self.fees
        } else {
            self.fees.times(closed)?.over(before.quantity.abs())?
        };
        self.fees = less(self.fees, entry_fee)?;
        let commission = entry_fee.plus(fee)?;
        let gross = self.position.realized.minus(before.realized)?;
        let pnl = less(gross, commission)?.amount();
        let value = float(before.average_price) * float(closed);
        Ok(Trade {
            leg,
            side: side_of(before.quantity),
            quantity: closed,
            entry_time: self.opened_at,
            entry_price: before.average_price,
            exit_time: at,
            exit_price: price.amount(),
            commission: commission.amount(),
            pnl,
            return_fraction: float(pnl) / value,
        })
    }

    fn open_position(&self, leg: usize) -> Option<OpenPosition> {
        let quantity = self.position.quantity;
        if quantity.is_zero() {
            return None;
        }
        let entry = self.position.average_price;
        let gross = (self.mark - float(entry)) * self.quantity;
        Some(OpenPosition {
            leg,
            side: side_of(quantity),
            quantity: quantity.abs(),
            entry_time: self.opened_at,
            entry_price: entry,
            price: self.mark,
            commission: self.fees.amount(),
            pnl: gross - float(self.fees.amount()),
        })
    }
}

/// A difference that is mostly one to nothing.
fn less(from: Usd, what: Usd) -> Result<Usd, MoneyError> {
    if what.amount().is_zero() { Ok(from) } else { from.minus(what) }
}

fn grew(before: Position, side: Side) -> bool {
    is_positive(before.quantity) == (side == Side::Buy)
}

fn side_of(quantity: Decimal) -> TradeSide {
    if is_positive(quantity) { TradeSide::Long } else { TradeSide::Short }
}
