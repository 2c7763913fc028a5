//! The pure trading engine: events in, events out.
//!
//! Market types, bar building, the strategy contract, the order table, sizing, risk and the account
//! with its two kinds of function: [`decide`](account) looks and changes nothing,
//! [`Account::apply`](account::Account::apply) changes and does not judge.
//!
//! What is never here: IO, a clock, randomness, logging, `async`, an unordered map. Time and ids
//! arrive as arguments, so the same events give the same account, to the last bit, every time.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::float_arithmetic,
        clippy::indexing_slicing,
        clippy::integer_division,
        clippy::wildcard_enum_match_arm
    )
)]

pub mod account;
pub mod backtest;
pub mod bar;
pub mod clock;
pub mod evaluation;
pub mod ids;
pub mod indicator;
pub mod instance;
pub mod invariants;
pub mod market;
pub mod metrics;
pub mod money;
pub mod order;
pub mod params;
pub mod position;
pub mod risk;
pub mod sizing;
pub mod strategy;
pub mod ticker;

pub use account::{Account, Event};
pub use clock::{Clock, IdSource, Timestamp};
pub use ids::{ClientOrderId, ConfigId, ExecutionId, InstanceId, SignalId, UserId, VenueOrderId};
pub use money::{Price, Quantity, Usd};
pub use ticker::{Asset, AssetClass, Ticker};
