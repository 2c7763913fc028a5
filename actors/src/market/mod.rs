//! The market side: feeds, tickers, history, and the strategies that watch.

mod feed;
mod floor;
mod history;
mod strategy;
mod ticker;
mod wiring;

pub(crate) use feed::{FeedMessage, FeedPart};
pub(crate) use floor::{FloorMessage, Watch};
pub(crate) use history::HistoryMessage;
pub(crate) use strategy::{StrategyMessage, Subscriber};
pub(crate) use ticker::TickerMessage;
pub(crate) use wiring::{HistoryAddress, Market, MarketParts, market};
#[cfg(feature = "bench")]
pub(crate) use {feed::Feed, strategy::StrategyRole, ticker::TickerRole};

use engine::Asset;
use std::time::Duration;

/// Which clock closes bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedTime {
    /// The wall clock, less a grace for late prints.
    Wall {
        /// How long a bar stays open for late prints.
        grace: Duration,
    },
    /// The stamps of the events themselves: a replay's only clock.
    Events,
}

/// How the market side behaves.
#[derive(Clone, Debug)]
pub struct MarketSettings {
    /// Closed bars of history that a strategy starts with.
    pub warmup_bars: u32,
    /// Which clock closes bars.
    pub time: FeedTime,
    /// Pause before the first reconnect of a feed.
    pub backoff_min: Duration,
    /// Longest pause between two tries.
    pub backoff_max: Duration,
}

/// What is known of a ticker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KnownTicker {
    /// The venue lists it.
    Listed(Asset),
    /// The venue does not list it.
    Unknown,
    /// The venue could not be asked yet.
    Unavailable,
}
