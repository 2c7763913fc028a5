//! The trading strategies, one file each, and their registry.
//!
//! Pure: a strategy sees closed bars (and prints, if it asks for them) and says which side it wants
//! to be on. It knows nothing of accounts, orders, time or the outside.

mod registry;
mod rsi;
mod sma_cross;

pub use registry::{Definition, build, catalogue, complete, complete_single, definition};
