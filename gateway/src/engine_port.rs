//! What the gateway asks of the engine behind it.

use std::collections::BTreeMap;

use engine::strategy::{ParamError, Params};
use engine::{ConfigId, Ticker, Timestamp, UserId};
use futures_util::future::BoxFuture;
use serde_json::Value;

/// The engine as the gateway sees it. [`actors::Troupe`] is one; tests bring a scripted one.
///
/// Every question is answered within a time limit of the engine's own: none waits for ever.
pub trait Engine: Send + Sync + std::fmt::Debug {
    /// Starts trading a config, and stores that it is active. Doing it twice is doing it once.
    fn activate(&self, user: UserId, config: ConfigId) -> BoxFuture<'_, Result<(), EngineRefusal>>;

    /// Stops trading a config, and stores that it is not active. Doing it twice is doing it once.
    fn deactivate(
        &self,
        user: UserId,
        config: ConfigId,
    ) -> BoxFuture<'_, Result<(), EngineRefusal>>;

    /// Whether the venue lists a ticker.
    fn known_ticker<'a>(&'a self, ticker: &'a Ticker) -> BoxFuture<'a, TickerListing>;

    /// Checks a strategy's parameters and answers them with the defaults filled in.
    fn check_strategy(&self, name: &str, params: &Params) -> Result<Params, ParamError>;

    /// Every actor, in no particular order.
    fn actors(&self) -> BoxFuture<'_, Vec<ActorReport>>;

    /// The prices that changed after `version`; all of them after version 0.
    fn prices_since(&self, version: u64) -> BoxFuture<'_, Result<PriceNews, EngineRefusal>>;

    /// How the engine is.
    fn health(&self) -> BoxFuture<'_, EngineHealth>;
}

/// Why the engine did not do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EngineRefusal {
    /// Whose turn it is.
    pub kind: RefusalKind,
    /// Stable name, `snake_case`.
    pub code: &'static str,
    /// What is wrong and what to do, for people.
    pub message: String,
}

/// What a refusal means for whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// The user has no such thing.
    NotFound,
    /// The thing must be changed first.
    Unusable,
    /// Something about the account must change first.
    Blocked,
    /// The same question may be answered later.
    TryLater,
}

/// What the venue says of a ticker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TickerListing {
    /// It trades there.
    Listed,
    /// It does not.
    Unknown,
    /// The venue cannot be asked now.
    Unavailable,
}

/// One actor as the operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActorReport {
    /// Where it is in the tree, segments divided by `/`.
    pub path: String,
    /// What it is.
    pub kind: String,
    /// Whether it is at work: `waiting`, `starting`, `running`, `failed` or `stopped`.
    pub state: String,
    /// When it was last started; `None`: not yet.
    pub started_at: Option<Timestamp>,
    /// Starts after the first.
    pub restarts: u64,
    /// Messages sent to it.
    pub sent: u64,
    /// Messages it has handled.
    pub handled: u64,
    /// Messages that were lost with an earlier life of it.
    pub dropped: u64,
    /// Messages that wait.
    pub mailbox: u64,
    /// Time spent handling messages, microseconds.
    pub busy_us: u64,
    /// Name of the message handled last; `None`: none yet.
    pub last_message: Option<String>,
    /// What failed last; `None`: nothing.
    pub last_error: Option<String>,
    /// What it says of itself; null when it does not answer.
    pub summary: Value,
}

/// Prices newer than a version.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PriceNews {
    /// To ask with the next time.
    pub version: u64,
    /// The newest price of each ticker that changed.
    pub prices: BTreeMap<Ticker, PriceQuote>,
}

/// The newest price of one ticker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PriceQuote {
    /// US dollars per share or coin.
    pub price: f64,
    /// When it was so, by the source's clock.
    pub at: Timestamp,
    /// Where it came from, such as `venue`.
    pub source: &'static str,
}

/// How the engine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineHealth {
    /// Facts can be written down; without that nothing trades.
    pub journal_ok: bool,
    /// Orders and prices have a way to and from the venue.
    pub venue_connected: bool,
}
