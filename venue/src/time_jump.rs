//! A clock that is moved forward: what happens to the orders and the day.

use chrono::{DateTime, Utc};

use crate::clock::ClockError;
use crate::exchange::Exchange;

impl Exchange {
    /// Moves the clock forward and lets what was due in between happen: orders expire, days end.
    /// The prices in between are skipped. The answer is the new time.
    pub(crate) fn jump_to(&self, time: DateTime<Utc>) -> Result<DateTime<Utc>, ClockError> {
        self.clock.jump_to(time)?;
        let now = self.clock.now();
        self.pass_time(now);
        tracing::info!(%now, "the venue's clock was moved forward");
        Ok(now)
    }

    /// Moves the clock to the close of the session that is open, or of the next one.
    pub(crate) fn end_day(&self) -> Result<DateTime<Utc>, ClockError> {
        self.jump_to(self.hours.current_or_next(self.clock.now()).close)
    }
}
