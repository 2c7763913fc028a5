//! The world's clock and chance: the one place where the engine's time and ids come from.

use chrono::{DateTime, Utc};
use engine::{Clock, IdSource};
use uuid::Uuid;

/// The clock on the wall.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WallClock;

/// Ids that sort by the time they were made.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RandomIds;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "the edge: everybody else is handed this clock")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

impl IdSource for RandomIds {
    #[expect(clippy::disallowed_methods, reason = "the edge: everybody else is handed this source")]
    fn uuid(&self) -> Uuid {
        Uuid::now_v7()
    }
}
