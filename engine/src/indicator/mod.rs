//! Indicators, one value per bar, nothing before the first valid one.
//!
//! The convention is TA-Lib's and Wilder's; every value is tested against TA-Lib's own (see
//! `docs/adr/0005`). Each indicator takes one bar or one number at a time, keeps no more than its
//! longest window, can be cloned, and comes back from its serialised form bit for bit. What it
//! answers depends on the values it was shown and nothing else.
//!
//! A bar costs the same whatever the period, except where the answer would drift: the weighted
//! average, the standard deviation (and Bollinger bands and the z-score, made of it) and the CCI go
//! through their window.
//!
//! Only finite numbers may be put in: bars are checked where they enter the engine. A number that
//! is not finite would stay in the recursive ones for ever.

mod average;
mod catalogue;
mod channel;
mod deviation;
mod directional;
mod extreme;
mod oscillator;
mod range;
mod relative_strength;
mod stream;
mod trailing;
mod volume;
mod window;

pub use average::{Ema, Macd, MacdLines, Sma, Wma};
pub use catalogue::{Definition, catalogue, find};
pub use channel::{Bands, Bollinger, Donchian, Ichimoku, IchimokuLines, Keltner};
pub use deviation::{StdDev, ZScore};
pub use directional::{Adx, DirectionalLines};
pub use extreme::{Extremum, Highest, Lowest};
pub use oscillator::{Aroon, AroonLines, Cci, Roc, Stochastic, StochasticLines, WilliamsR};
pub use range::Atr;
pub use relative_strength::Rsi;
pub use stream::{COLUMNS_MAX, Stream};
pub use trailing::{ParabolicSar, SuperTrend, SuperTrendLine};
pub use volume::{Mfi, Obv, RollingVwap, Vwap, VwapLines};
pub use window::Lag;

/// Longest period of an indicator.
pub const PERIOD_MAX: u16 = 1_000;
