//! Orders of a backtest: what is asked for, and what works.

use super::matching::Watch;
use super::spec::Protection;
use crate::clock::Timestamp;
use crate::money::{MoneyError, Price, Quantity, Usd};
use crate::order::{Advance, Kind, Side, Status, TimeInForce, Trail};
use crate::strategy::Stance;
use rust_decimal::Decimal;

/// The number of an order, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OrderNumber(pub(super) u32);

/// Whether an order opens or closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Opens a position or adds to it.
    Open,
    /// Closes a position or a part of it, never more than is there.
    Close,
}

/// How many shares or coins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// As [`Spec::sizing`](super::Spec::sizing) says; for [`Effect::Close`] the whole position.
    Plan,
    /// This many.
    Exactly(Quantity),
}

/// An order to be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRequest {
    /// Index of its ticker in the market.
    pub leg: usize,
    /// Buy or sell.
    pub side: Side,
    /// Whether it opens or closes.
    pub effect: Effect,
    /// How its price is set.
    pub kind: Kind,
    /// How many.
    pub size: Size,
    /// How long it stands. A day order ends with the UTC day of the first bar it meets; one that is
    /// filled now or never looks at one open only.
    pub time_in_force: TimeInForce,
    /// Exits to place once it has filled: with them it is a bracket order.
    pub exits: Exits,
}

/// The exits of a bracket; the first one to fill cancels the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exits {
    /// A stop on the losing side.
    pub stop_loss: Option<Level>,
    /// A limit on the winning side.
    pub take_profit: Option<Level>,
    /// A stop that follows.
    pub trailing_stop: Option<Trail>,
}

/// A price, or a distance from the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// US dollars.
    At(Price),
    /// A fraction of the entry's price.
    Away(Decimal),
}

/// An order at work.
#[derive(Clone, Debug)]
pub(super) struct Working {
    pub number: OrderNumber,
    pub request: OrderRequest,
    pub status: Status,
    pub watch: Watch,
    pub decided_at: Timestamp,
    /// Whether it is the exit of an entry.
    pub is_exit: bool,
    /// The price of its entry, while the bar lasts inside which that was filled.
    pub entered_inside: Option<f64>,
    /// The UTC day at whose end it expires, once it has met a bar.
    pub day: Option<i64>,
    /// Cash that [`Sizing::EquityAtDecision`](super::Sizing) allows it, with the price.
    pub sized: Option<Quantity>,
}

impl OrderRequest {
    /// A market order that opens as the plan says.
    pub fn open(leg: usize, side: Side) -> Self {
        Self {
            leg,
            side,
            effect: Effect::Open,
            kind: Kind::Market,
            size: Size::Plan,
            time_in_force: TimeInForce::Gtc,
            exits: Exits::default(),
        }
    }

    /// A market order that closes all; `side` is that of the order: sell what is held.
    pub fn close(leg: usize, side: Side) -> Self {
        Self { effect: Effect::Close, ..Self::open(leg, side) }
    }
}

impl Exits {
    /// Whether there are none.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The exits' orders for an entry of `side` at `price`.
    pub(super) fn kinds(
        &self,
        side: Side,
        price: Price,
    ) -> Result<impl Iterator<Item = Kind> + use<>, MoneyError> {
        let losing = side.opposite();
        let stop = self.stop_loss.map(|level| level.from(losing, price)).transpose()?;
        let target = self.take_profit.map(|level| level.from(side, price)).transpose()?;
        let kinds = [
            stop.flatten().map(|stop_price| Kind::Stop { stop_price }),
            self.trailing_stop.map(|trail| Kind::TrailingStop { trail }),
            target.flatten().map(|limit_price| Kind::Limit { limit_price }),
        ];
        Ok(kinds.into_iter().flatten())
    }
}

impl From<Protection> for Exits {
    fn from(protection: Protection) -> Self {
        let percent = |fraction: Decimal| fraction.saturating_mul(Decimal::ONE_HUNDRED);
        Self {
            stop_loss: protection.stop_loss.map(Level::Away),
            take_profit: protection.take_profit.map(Level::Away),
            trailing_stop: protection.trailing_stop.map(percent).map(Trail::Percent),
        }
    }
}

impl Level {
    /// The price, above `price` for a buy and below it for a sell; `None` when it would not be above
    /// zero: a short position cannot win more than everything.
    fn from(self, side: Side, price: Price) -> Result<Option<Price>, MoneyError> {
        let fraction = match self {
            Self::At(price) => return Ok(Some(price)),
            Self::Away(fraction) => fraction,
        };
        let one = Usd::new(Decimal::ONE);
        let factor = match side {
            Side::Buy => one.plus(Usd::new(fraction))?,
            Side::Sell => one.minus(Usd::new(fraction))?,
        };
        let level = Usd::new(price.amount()).times(factor.amount())?.amount();
        Ok(Price::new(level.round_dp(9)).ok())
    }
}

impl Working {
    /// Moves by the transition table that live orders move by.
    pub(super) fn move_to(&mut self, to: Status) {
        if self.status.advance(to, || to == Status::Filled) == Some(Advance::Move) {
            self.status = to;
        }
    }
}

/// The side that a stance is entered by, if it is a side at all.
pub(super) fn entry_side(stance: Stance) -> Option<Side> {
    match stance {
        Stance::Long => Some(Side::Buy),
        Stance::Short => Some(Side::Sell),
        Stance::Flat => None,
    }
}
