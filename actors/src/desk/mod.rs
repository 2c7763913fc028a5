//! Desks: one per user, each an account and its broker, and the office that opens them.

mod account;
mod activation;
mod broker;
mod event_log;
mod ledger;
mod office;
mod place;
mod reconcile;
mod view;
mod wiring;

pub(crate) use account::AccountMessage;
pub(crate) use broker::BrokerMessage;
pub(crate) use office::OfficeMessage;
pub use view::{AccountView, BookView, HoldingView};
pub(crate) use wiring::{DeskParts, account_address, desks, known, office_address};

use engine::risk::Limits;
use engine::strategy::Params;
use engine::{ConfigId, Ticker};
use rust_decimal::Decimal;
use std::time::Duration;
use thiserror::Error;

/// How desks behave.
#[derive(Clone, Debug)]
pub struct DeskSettings {
    /// The limits of every account; the number of positions comes from each user.
    pub limits: Limits,
    /// Distance of the assumed stop from the entry, a fraction of the price.
    pub stop_fraction: Decimal,
    /// Strategy of a ticker that a config names none for.
    pub default_strategy: String,
    /// Whether an activated config joins a stance that its strategy holds already.
    pub joins_standing: bool,
    /// How long a request to the broker may take.
    pub request_timeout: Duration,
    /// From its approval until an order is too stale to send.
    pub order_deadline: Duration,
    /// Between two comparisons with the broker's books.
    pub reconcile_interval: Duration,
    /// Pause before the first reconnect to the broker.
    pub backoff_min: Duration,
    /// Longest pause between two tries.
    pub backoff_max: Duration,
}

/// What a config asks for, as the engine runs it.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigTerms {
    /// The config.
    pub config_id: ConfigId,
    /// Strategy and complete parameters of each ticker.
    pub tickers: Vec<(Ticker, String, Params)>,
    /// Length of the bars.
    pub seconds: u32,
}

/// Why a config was not activated or deactivated.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ActivateRefusal {
    /// The user has no such config.
    #[error("there is no such config")]
    NotFound,
    /// The config names no ticker.
    #[error("the config names no ticker: add at least one")]
    NoTicker,
    /// The venue does not list a ticker.
    #[error("the venue does not list `{ticker}`: correct the config's tickers")]
    UnknownTicker {
        /// The ticker.
        ticker: String,
    },
    /// A strategy or one of its parameters is wrong.
    #[error("{reason}")]
    BadStrategy {
        /// What is wrong.
        reason: String,
    },
    /// The venue's list of tickers could not be read yet.
    #[error("the venue cannot be reached yet: try again in a moment")]
    VenueUnavailable,
    /// The database does not answer.
    #[error("the database cannot be reached: try again in a moment")]
    DatabaseUnavailable,
    /// The account is halted.
    #[error("the account is halted: {reason}")]
    Halted {
        /// Why.
        reason: String,
    },
    /// The engine did not answer in time; the request may still be carried out, and may be repeated.
    #[error("the engine did not answer in time: try again in a moment")]
    Busy,
}

impl ActivateRefusal {
    /// The stable name.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::NoTicker => "no_ticker",
            Self::UnknownTicker { .. } => "unknown_ticker",
            Self::BadStrategy { .. } => "bad_strategy",
            Self::VenueUnavailable => "venue_unavailable",
            Self::DatabaseUnavailable => "database_unavailable",
            Self::Halted { .. } => "account_halted",
            Self::Busy => "engine_busy",
        }
    }
}
