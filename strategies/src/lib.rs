//! The trading strategies, one file each, and their registry.
//!
//! Pure: a strategy sees closed bars (and prints, if it asks for them) and says which side it wants
//! to be on. It knows nothing of accounts, orders, time or the outside.

mod adx;
mod average_cross;
mod bollinger_reversion;
mod bollinger_squeeze;
mod buy_and_hold;
mod donchian;
mod ema_cross;
mod ichimoku;
mod macd;
mod momentum;
mod pairs;
mod parabolic_sar;
mod prelude;
mod registry;
mod rsi;
mod rule;
mod sma_cross;
mod stochastic;
mod supertrend;
pub mod template;
#[cfg(test)]
mod testing;
mod vwap_reversion;
mod zscore;

pub use registry::{Definition, build, catalogue, complete, complete_single, definition};
