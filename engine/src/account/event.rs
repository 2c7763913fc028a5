//! What can happen to an account. Events are stored: a change here is a new version.

use crate::clock::Timestamp;
use crate::ids::{ClientOrderId, ConfigId, ExecutionId, SignalId, UserId, VenueOrderId};
use crate::instance::Signal;
use crate::money::Usd;
use crate::order::{Draft, Fill, Status};
use crate::risk::{Check, Denied, RiskApproved};
use crate::strategy::Stance;
use crate::ticker::Ticker;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Version of the stored form below. Stored events of older versions are converted when read.
pub const EVENT_VERSION: i16 = 1;

/// Why a signal made no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The sub-account is on that side already.
    AlreadyThere,
}

/// A fact about an account, in the order in which the facts became true.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// A config was activated: its book takes signals, with this capital.
    BookOpened {
        /// The sub-account.
        config_id: ConfigId,
        /// Its capital from now on, US dollars.
        capital: Usd,
        /// Signals up to this instant are not taken up; none: standing ones are.
        ignores_until: Option<Timestamp>,
        /// When.
        at: Timestamp,
    },
    /// A config was deactivated: its book takes no signals; its positions stay.
    BookClosed {
        /// The sub-account.
        config_id: ConfigId,
        /// When.
        at: Timestamp,
    },
    /// A signal was decided and made no order.
    SignalNoted {
        /// The sub-account.
        config_id: ConfigId,
        /// About what.
        ticker: Ticker,
        /// The signal.
        signal: SignalId,
        /// When it was given.
        signal_at: Timestamp,
        /// Its side.
        stance: Stance,
        /// Why there is no order.
        outcome: Outcome,
        /// When it was decided.
        at: Timestamp,
    },
    /// A signal waits until the open orders of its ticker have ended.
    SignalDeferred {
        /// The sub-account.
        config_id: ConfigId,
        /// The signal, whole: a restart must find it.
        signal: Signal,
        /// When it was decided.
        at: Timestamp,
    },
    /// An order passed every check. It may be sent once this event is committed.
    OrderInitialized {
        /// The order.
        draft: Draft,
        /// Cash set aside for it, US dollars.
        reserved: Usd,
        /// The checks with their numbers.
        checks: Vec<Check>,
        /// When.
        at: Timestamp,
    },
    /// A check refused the order that a signal asked for. It is never sent.
    OrderDenied {
        /// The sub-account.
        config_id: ConfigId,
        /// The id that the order would have had.
        client_order_id: ClientOrderId,
        /// About what.
        ticker: Ticker,
        /// Name of the strategy.
        strategy: String,
        /// The signal.
        signal: SignalId,
        /// When it was given.
        signal_at: Timestamp,
        /// Its side.
        stance: Stance,
        /// The refusal with its numbers.
        denied: Denied,
        /// When.
        at: Timestamp,
    },
    /// We want an order canceled.
    CancelRequested {
        /// The order.
        client_order_id: ClientOrderId,
        /// When.
        at: Timestamp,
    },
    /// The venue confirmed an order, or moved it on without filling or ending it.
    OrderAcknowledged {
        /// The order.
        client_order_id: ClientOrderId,
        /// The venue's id.
        venue_order_id: VenueOrderId,
        /// The venue's status.
        status: Status,
        /// When, by the venue's clock.
        at: Timestamp,
    },
    /// Part or all of an order was executed.
    OrderFilled {
        /// The order.
        client_order_id: ClientOrderId,
        /// The venue's id of the execution, where its report names one.
        execution_id: Option<ExecutionId>,
        /// Shares or coins filled in all, this execution included.
        cumulative: Decimal,
        /// The execution.
        #[serde(flatten)]
        fill: Fill,
    },
    /// An order ended without (further) fills.
    OrderClosed {
        /// The order.
        client_order_id: ClientOrderId,
        /// How.
        status: Status,
        /// Why, in the venue's words or ours.
        reason: Option<String>,
        /// When.
        at: Timestamp,
    },
}

impl Event {
    /// The event of an approved order: there is no other way to make one.
    pub fn initialized(approved: RiskApproved<Draft>, at: Timestamp) -> Self {
        let (draft, reserved, checks) = approved.into_parts();
        Self::OrderInitialized { draft, reserved, checks, at }
    }

    /// The event of a refused one.
    pub fn denied(
        user: UserId,
        config_id: ConfigId,
        signal: &Signal,
        denied: Denied,
        at: Timestamp,
    ) -> Self {
        Self::OrderDenied {
            config_id,
            client_order_id: ClientOrderId::of_signal(user, config_id, signal.id),
            ticker: signal.ticker.clone(),
            strategy: signal.strategy.clone(),
            signal: signal.id,
            signal_at: signal.at,
            stance: signal.stance,
            denied,
            at,
        }
    }

    /// The stable name.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::BookOpened { .. } => "book_opened",
            Self::BookClosed { .. } => "book_closed",
            Self::SignalNoted { .. } => "signal_noted",
            Self::SignalDeferred { .. } => "signal_deferred",
            Self::OrderInitialized { .. } => "order_initialized",
            Self::OrderDenied { .. } => "order_denied",
            Self::CancelRequested { .. } => "cancel_requested",
            Self::OrderAcknowledged { .. } => "order_acknowledged",
            Self::OrderFilled { .. } => "order_filled",
            Self::OrderClosed { .. } => "order_closed",
        }
    }

    /// When it became true.
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::BookOpened { at, .. }
            | Self::BookClosed { at, .. }
            | Self::SignalNoted { at, .. }
            | Self::SignalDeferred { at, .. }
            | Self::OrderInitialized { at, .. }
            | Self::OrderDenied { at, .. }
            | Self::CancelRequested { at, .. }
            | Self::OrderAcknowledged { at, .. }
            | Self::OrderClosed { at, .. } => *at,
            Self::OrderFilled { fill, .. } => fill.at,
        }
    }

    /// The order it is about.
    pub const fn client_order_id(&self) -> Option<&ClientOrderId> {
        match self {
            Self::OrderInitialized { draft, .. } => Some(&draft.client_order_id),
            Self::OrderDenied { client_order_id, .. }
            | Self::CancelRequested { client_order_id, .. }
            | Self::OrderAcknowledged { client_order_id, .. }
            | Self::OrderFilled { client_order_id, .. }
            | Self::OrderClosed { client_order_id, .. } => Some(client_order_id),
            Self::BookOpened { .. }
            | Self::BookClosed { .. }
            | Self::SignalNoted { .. }
            | Self::SignalDeferred { .. } => None,
        }
    }
}
