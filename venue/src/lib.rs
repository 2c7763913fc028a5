//! Troupe's own exchange: Alpaca's paper trading and market data over HTTP and WebSocket, offline.
//!
//! Prices come from an invented market that is a pure function of its seed, or from recordings. The
//! server shares no code with the engine that trades on it: what they have in common is the wire.
//!
//! The way of an order: `routes::orders` reads it, `exchange` asks `checks`, writes the change to
//! the `store`, applies it to the `books`, and tells the `trade_hub`; from then on each price
//! meets it as the model in `fills` says, and `execution` books what comes of it.

mod accounts;
mod activities;
mod adjustment;
mod admin;
mod asset_rules;
mod assets;
mod auction;
mod auth;
#[cfg(feature = "bench")]
pub mod bench;
mod book_snapshot;
mod books;
mod calendar;
mod checks;
mod clock;
mod closing;
mod corporate_actions;
mod data_hub;
mod data_wire;
mod day_trades;
mod equity;
mod error;
mod exchange;
mod execution;
mod faults;
mod fills;
mod groups;
mod hash;
mod history;
mod ids;
mod intake;
mod key_file;
mod ladder;
mod library;
mod link;
mod margins;
mod market;
mod matching;
mod news;
mod notices;
mod number;
mod option_checks;
mod options;
mod order_fields;
mod order_request;
mod order_wire;
mod order_words;
mod orders;
mod phases;
mod portfolio_history;
mod positions;
mod random;
mod rate_limit;
mod recorded_history;
mod recording;
mod refusal;
mod replace_request;
mod replacing;
mod replay;
mod routes;
mod rules;
mod server;
mod store;
mod stream_data;
mod stream_trade;
mod subscription;
mod synthetic;
mod synthetic_feed;
mod synthetic_notices;
mod tape;
mod tasks;
#[cfg(test)]
mod tests;
mod ticks;
mod time_jump;
mod timeframe;
mod trade_hub;
mod transfers;
mod triggers;
mod universe;
mod venue;
mod waiting;
mod watchlists;

pub use assets::{AssetClass, Instrument};
pub use book_snapshot::BookSnapshot;
pub use clock::{ClockError, VenueClock};
pub use corporate_actions::{CorporateAction, CorporateActionKind};
pub use error::VenueError;
pub use faults::{
    ArmedFault, Cut, Delay, Fault, FaultKind, FaultPlan, FaultScope, FaultTrigger, Faults,
    HaltedOrders, StreamKind,
};
pub use options::{
    AccountSpec, AdminOptions, DataPlan, FeeRates, FillOptions, Latency, Pacer, RealisticOptions,
    ReplayOptions, Source, Speed, Store, SyntheticOptions, Unpaced, VenueOptions,
};
pub use replay::ReplayProgress;
pub use rules::{DayOrderEnd, Rules, WashTradeGuard};
pub use venue::Venue;
