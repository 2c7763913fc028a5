//! Where time and ids come from: the edge, never the engine.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// An instant, UTC, nanosecond resolution.
pub type Timestamp = DateTime<Utc>;

/// Tells the time. The wall clock in live trading, the recording's clock in a replay.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The present instant of this clock.
    fn now(&self) -> Timestamp;
}

/// Makes identifiers. Random in live trading, counted from a seed in tests and replays.
pub trait IdSource: Send + Sync + std::fmt::Debug {
    /// An identifier that this source has not given before.
    fn uuid(&self) -> Uuid;
}
