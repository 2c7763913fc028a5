//! Indicators: one value per bar, nothing before the first valid one, by TA-Lib's convention.

mod average;
mod deviation;
mod relative_strength;
mod window;

pub use average::Sma;
pub use deviation::{StdDev, ZScore};
pub use relative_strength::Rsi;

/// Longest period of an indicator.
pub const PERIOD_MAX: u16 = 1_000;
