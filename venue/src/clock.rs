//! The venue's time: the wall clock for synthetic prices, the tape's time for a replay.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use chrono::{DateTime, Utc};

/// A handle on the venue's time; clones show the same time.
///
/// During a replay it stands still between two steps and moves just before a step is published, so
/// that whoever takes time from it never sees an event of the future.
#[derive(Clone, Debug)]
pub struct VenueClock {
    kind: Arc<Kind>,
}

#[derive(Debug)]
enum Kind {
    Wall,
    /// Nanoseconds since 1970, UTC.
    Simulated(AtomicI64),
}

impl VenueClock {
    /// The machine's own time.
    pub fn wall() -> Self {
        Self { kind: Arc::new(Kind::Wall) }
    }

    /// A time that stands at `start` until a replay moves it.
    pub fn simulated(start: DateTime<Utc>) -> Self {
        Self { kind: Arc::new(Kind::Simulated(AtomicI64::new(nanoseconds(start)))) }
    }

    /// The venue's time now.
    pub fn now(&self) -> DateTime<Utc> {
        match &*self.kind {
            Kind::Wall => wall_now(),
            Kind::Simulated(nanos) => DateTime::from_timestamp_nanos(nanos.load(Ordering::Acquire)),
        }
    }

    /// Whether a replay moves this clock.
    pub fn is_simulated(&self) -> bool {
        matches!(&*self.kind, Kind::Simulated(_))
    }

    /// Moves simulated time forward; never back, and never the wall clock.
    pub(crate) fn advance_to(&self, time: DateTime<Utc>) {
        if let Kind::Simulated(nanos) = &*self.kind {
            nanos.fetch_max(nanoseconds(time), Ordering::AcqRel);
        }
    }
}

/// A time as nanoseconds since 1970; times outside 1677..2262 stop at the ends.
pub(crate) fn nanoseconds(time: DateTime<Utc>) -> i64 {
    time.timestamp_nanos_opt().unwrap_or(if time.timestamp() < 0 { i64::MIN } else { i64::MAX })
}

/// A steady clock for pacing and rate limits, which belong to the machine and not to the tape.
#[expect(clippy::disallowed_methods, reason = "the venue's one reading of the steady clock")]
pub(crate) fn steady_now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "the venue's one reading of the wall clock")]
fn wall_now() -> DateTime<Utc> {
    Utc::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simulated_time_moves_forward_only_and_is_shared_by_clones() {
        let start = DateTime::from_timestamp_nanos(1_000);
        let clock = VenueClock::simulated(start);
        let other = clock.clone();
        clock.advance_to(DateTime::from_timestamp_nanos(5_000));
        clock.advance_to(DateTime::from_timestamp_nanos(2_000));
        assert_eq!(other.now(), DateTime::from_timestamp_nanos(5_000));
    }
}
