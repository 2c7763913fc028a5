//! Orders and their life cycle: one transition table.

use crate::clock::Timestamp;
use crate::ids::{ClientOrderId, ConfigId, SignalId, VenueOrderId};
use crate::money::{Price, Quantity, Usd};
use crate::risk::Check;
use crate::strategy::Stance;
use crate::ticker::Ticker;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

/// Buy or sell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Own more.
    Buy,
    /// Own less.
    Sell,
}

/// How the price of an order is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Kind {
    /// At the best price there is.
    Market,
    /// At `limit_price` or better.
    Limit {
        /// Worst price, US dollars.
        limit_price: Price,
    },
    /// A market order once the price has reached `stop_price`.
    Stop {
        /// Price that wakes the order, US dollars.
        stop_price: Price,
    },
    /// A limit order once the price has reached `stop_price`.
    StopLimit {
        /// Price that wakes the order, US dollars.
        stop_price: Price,
        /// Worst price, US dollars.
        limit_price: Price,
    },
    /// A stop that follows the best price since the order was placed.
    TrailingStop {
        /// How far behind.
        trail: Trail,
    },
}

/// How far behind the best price a trailing stop stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trail {
    /// A distance, US dollars per share or coin.
    Price(Price),
    /// A percentage of the best price, above 0 and below 100: 5 means five percent.
    Percent(Decimal),
}

/// How long an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeInForce {
    /// Until the session closes.
    Day,
    /// Until canceled.
    Gtc,
    /// Now, as far as possible; the rest is canceled.
    Ioc,
    /// Now and whole, or not at all.
    Fok,
}

/// Where an order is in its life. Alpaca's names, and three of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Ours: approved and journalled, not known to be at the venue.
    Initialized,
    /// Ours: refused by our own risk checks, never sent.
    Denied,
    /// Ours: sent, no answer yet.
    Submitted,
    /// The venue has it and has not routed it.
    PendingNew,
    /// The venue keeps it until the session opens.
    Accepted,
    /// Working.
    New,
    /// A leg that waits for its parent.
    Held,
    /// Working, partly filled.
    PartiallyFilled,
    /// Wholly filled. Final.
    Filled,
    /// A cancel is under way; it may still fill.
    PendingCancel,
    /// Canceled. Final.
    Canceled,
    /// A replace is under way; it may still fill.
    PendingReplace,
    /// Replaced by another order. Final.
    Replaced,
    /// Its time in force ran out. Final.
    Expired,
    /// Refused by the venue. Final.
    Rejected,
    /// Not working for now; may resume.
    Suspended,
    /// A fill is guaranteed and not yet booked.
    Stopped,
    /// Done for the session; may resume tomorrow.
    DoneForDay,
    /// Done, settlement figures outstanding.
    Calculated,
}

/// What a report of the venue's means for an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// The order moves to the reported status.
    Move,
    /// The report is older than what we know, or a repeat: nothing changes.
    Stale,
}

/// A report that no order in this status can have caused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("order {order} cannot go from {from:?} to {to:?}")]
pub struct IllegalTransition {
    /// The order.
    pub order: ClientOrderId,
    /// What we know.
    pub from: Status,
    /// What was reported.
    pub to: Status,
}

/// What makes an order, before risk has seen it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Our id, a pure function of user, config and signal.
    pub client_order_id: ClientOrderId,
    /// The sub-account that it is for.
    pub config_id: ConfigId,
    /// What is traded.
    pub ticker: Ticker,
    /// Name of the strategy.
    pub strategy: String,
    /// The signal that caused it.
    pub signal: SignalId,
    /// When that signal was given.
    pub signal_at: Timestamp,
    /// The stance of that signal.
    pub stance: Stance,
    /// Buy or sell.
    pub side: Side,
    /// How its price is set.
    #[serde(flatten)]
    pub kind: Kind,
    /// How long it stands.
    pub time_in_force: TimeInForce,
    /// Shares or coins.
    pub quantity: Quantity,
    /// The price that it was sized with, US dollars.
    pub reference_price: Price,
}

/// An approved order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What was asked for.
    pub draft: Draft,
    /// Where it is in its life.
    pub status: Status,
    /// The venue's id, once it has one.
    pub venue_order_id: Option<VenueOrderId>,
    /// Cash set aside for it until it fills or ends; zero for sells.
    pub reserved: Usd,
    /// Its fills: cumulative quantity after the fill → the fill. The key repeats when a report
    /// does, so no fill is booked twice.
    pub fills: BTreeMap<Decimal, Fill>,
    /// The checks it passed.
    pub checks: Vec<Check>,
    /// Why it ended, in the venue's words.
    pub reason: Option<String>,
    /// When risk approved it.
    pub created_at: Timestamp,
    /// When the venue first confirmed it.
    pub submitted_at: Option<Timestamp>,
    /// When it ended.
    pub closed_at: Option<Timestamp>,
}

/// One execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// Shares or coins of this execution.
    pub quantity: Quantity,
    /// Its price, US dollars.
    pub price: Price,
    /// When the venue says it happened.
    pub at: Timestamp,
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// The stable name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }
}

impl TimeInForce {
    /// The stable name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Gtc => "gtc",
            Self::Ioc => "ioc",
            Self::Fok => "fok",
        }
    }
}

impl Kind {
    /// The stable name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Market => "market",
            Self::Limit { .. } => "limit",
            Self::Stop { .. } => "stop",
            Self::StopLimit { .. } => "stop_limit",
            Self::TrailingStop { .. } => "trailing_stop",
        }
    }

    /// The limit, if there is one.
    pub const fn limit_price(self) -> Option<Price> {
        match self {
            Self::Market | Self::Stop { .. } | Self::TrailingStop { .. } => None,
            Self::Limit { limit_price } | Self::StopLimit { limit_price, .. } => Some(limit_price),
        }
    }

    /// The fixed price that wakes the order, if there is one.
    pub const fn stop_price(self) -> Option<Price> {
        match self {
            Self::Market | Self::Limit { .. } | Self::TrailingStop { .. } => None,
            Self::Stop { stop_price } | Self::StopLimit { stop_price, .. } => Some(stop_price),
        }
    }

    /// How far behind it follows, if it does.
    pub const fn trail(self) -> Option<Trail> {
        match self {
            Self::TrailingStop { trail } => Some(trail),
            Self::Market | Self::Limit { .. } | Self::Stop { .. } | Self::StopLimit { .. } => None,
        }
    }
}

impl Status {
    /// The stable name, as in the API and the database.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Initialized => "initialized",
            Self::Denied => "denied",
            Self::Submitted => "submitted",
            Self::PendingNew => "pending_new",
            Self::Accepted => "accepted",
            Self::New => "new",
            Self::Held => "held",
            Self::PartiallyFilled => "partially_filled",
            Self::Filled => "filled",
            Self::PendingCancel => "pending_cancel",
            Self::Canceled => "canceled",
            Self::PendingReplace => "pending_replace",
            Self::Replaced => "replaced",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::Suspended => "suspended",
            Self::Stopped => "stopped",
            Self::DoneForDay => "done_for_day",
            Self::Calculated => "calculated",
        }
    }

    /// Whether nothing more can happen to the order.
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Denied
                | Self::Filled
                | Self::Canceled
                | Self::Replaced
                | Self::Expired
                | Self::Rejected
        )
    }

    /// The transition table: what a report of `to` means for an order that is `self`; `None` when
    /// no such order can have caused it. Live orders and those of a backtest move by it.
    ///
    /// `is_wholly_filled` says whether the fills add up to the whole order.
    pub fn advance(self, to: Self, is_wholly_filled: impl FnOnce() -> bool) -> Option<Advance> {
        if self == to {
            return Some(Advance::Stale);
        }
        match (self.is_final(), to.is_final()) {
            // Ours alone: the venue cannot report them.
            _ if matches!(to, Self::Initialized | Self::Denied) => None,
            // A denied order was never sent, so no report can belong to it.
            _ if self == Self::Denied => None,
            // A cancel that lost the race against the last fill is reported after it.
            (true, true) if self == Self::Filled && to == Self::Canceled => Some(Advance::Stale),
            // The other order of the same race: the fill was booked while the cancel was final
            // news, and the sum of fills says that the order is in fact filled.
            (true, true) if to == Self::Filled && is_wholly_filled() => Some(Advance::Move),
            (true, true) => None,
            (true, false) => Some(Advance::Stale),
            (false, false) if to.stage() < self.stage() => Some(Advance::Stale),
            (false, _) => Some(Advance::Move),
        }
    }

    /// How far in its life an order with this status is. Reports overtake each other, so a report
    /// with a lower stage than the order's is old news.
    const fn stage(self) -> u8 {
        match self {
            Self::Initialized => 0,
            Self::Submitted => 1,
            Self::PendingNew => 2,
            // Accepted and held orders start working later, and a working one never goes back.
            Self::Accepted | Self::Held => 3,
            Self::New => 4,
            // An order goes to and fro between these while it works.
            Self::PartiallyFilled
            | Self::PendingCancel
            | Self::PendingReplace
            | Self::Suspended
            | Self::Stopped
            | Self::DoneForDay
            | Self::Calculated => 5,
            Self::Denied
            | Self::Filled
            | Self::Canceled
            | Self::Replaced
            | Self::Expired
            | Self::Rejected => 6,
        }
    }
}

impl Order {
    /// Shares or coins filled so far: the sum of the fills.
    pub fn filled(&self) -> Decimal {
        self.fills
            .values()
            .fold(Decimal::ZERO, |sum, fill| sum.saturating_add(fill.quantity.amount()))
    }

    /// Shares or coins that may still fill; zero once the order has ended.
    pub fn remaining(&self) -> Decimal {
        if self.status.is_final() {
            return Decimal::ZERO;
        }
        self.draft.quantity.amount().saturating_sub(self.filled()).max(Decimal::ZERO)
    }

    /// What a report of `to` means for this order.
    pub fn advance(&self, to: Status) -> Result<Advance, IllegalTransition> {
        self.status.advance(to, || self.is_wholly_filled()).ok_or_else(|| IllegalTransition {
            order: self.draft.client_order_id.clone(),
            from: self.status,
            to,
        })
    }

    /// Whether the fills add up to the whole order.
    pub fn is_wholly_filled(&self) -> bool {
        self.filled() == self.draft.quantity.amount()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use uuid::Uuid;

    pub(crate) fn order(status: Status) -> Order {
        let at = Timestamp::UNIX_EPOCH;
        Order {
            draft: Draft {
                client_order_id: ClientOrderId::new("troupe-1"),
                config_id: ConfigId::new(Uuid::from_u128(1)),
                ticker: Ticker::new("AAPL").unwrap(),
                strategy: "sma_cross".to_owned(),
                signal: SignalId::new(Uuid::from_u128(2)),
                signal_at: at,
                stance: Stance::Long,
                side: Side::Buy,
                kind: Kind::Market,
                time_in_force: TimeInForce::Day,
                quantity: Quantity::new(Decimal::TEN).unwrap(),
                reference_price: Price::new(Decimal::ONE_HUNDRED).unwrap(),
            },
            status,
            venue_order_id: None,
            reserved: Usd::ZERO,
            fills: BTreeMap::new(),
            checks: Vec::new(),
            reason: None,
            created_at: at,
            submitted_at: None,
            closed_at: None,
        }
    }

    #[test]
    fn reports_move_an_order_forwards_only() {
        use Status::*;
        let moves = Ok(Advance::Move);
        let stale = Ok(Advance::Stale);
        let rows = [
            (Initialized, PendingNew, moves.clone()),
            (Initialized, Filled, moves.clone()),
            (PendingNew, New, moves.clone()),
            (New, PendingNew, stale.clone()),
            (PartiallyFilled, New, stale.clone()),
            (PartiallyFilled, PendingCancel, moves.clone()),
            (PendingCancel, PartiallyFilled, moves.clone()),
            (New, Rejected, moves.clone()),
            (Filled, New, stale.clone()),
            (Filled, Canceled, stale),
            (Accepted, New, moves),
        ];
        for (from, to, expected) in rows {
            assert_eq!(order(from).advance(to), expected, "{from:?} → {to:?}");
        }
    }

    #[test]
    fn what_cannot_happen_is_an_error_and_never_a_guess() {
        use Status::*;
        for (from, to) in [
            (Canceled, Rejected),
            (Rejected, Filled),
            (Expired, Replaced),
            (Denied, New),
            (New, Denied),
            (New, Initialized),
        ] {
            assert!(order(from).advance(to).is_err(), "{from:?} → {to:?}");
        }
    }
}
