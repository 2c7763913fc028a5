//! The venue's time: the wall clock or one that runs from a chosen start for synthetic prices, the
//! tape's time for a replay.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};

/// Where a clock can be moved to at most: well within what nanoseconds can count.
const LATEST: DateTime<Utc> = DateTime::from_timestamp(4_102_444_800, 0).expect("the year 2100");

/// A handle on the venue's time; clones show the same time. It never goes back.
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
    Running(Running),
}

/// A time that passes by itself, and that can be moved forward.
#[derive(Debug)]
struct Running {
    started: Instant,
    /// Seconds of this clock per second.
    speed: f64,
    /// Nanoseconds since 1970 at `started`, later by every jump since then.
    base: AtomicI64,
}

/// Why a clock was not moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// It shows the machine's time, or a tape's.
    #[error(
        "the venue's clock follows the machine or a tape: start the venue with a time of its own \
         (--start) to move it"
    )]
    Fixed,
    /// The calendar ends before.
    #[error("the venue's clock goes to {limit} at most")]
    TooFar {
        /// The latest time.
        limit: DateTime<Utc>,
    },
    /// Time does not go back.
    #[error("the venue's clock is at {now} already, it moves forward only")]
    Past {
        /// The venue's time.
        now: DateTime<Utc>,
    },
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

    /// A time that runs from `start` at `speed` times the machine's, and can jump forward.
    pub fn running(start: DateTime<Utc>, speed: f64) -> Self {
        let running =
            Running { started: steady_now(), speed, base: AtomicI64::new(nanoseconds(start)) };
        Self { kind: Arc::new(Kind::Running(running)) }
    }

    /// The venue's time now.
    pub fn now(&self) -> DateTime<Utc> {
        match &*self.kind {
            Kind::Wall => wall_now(),
            Kind::Simulated(nanos) => DateTime::from_timestamp_nanos(nanos.load(Ordering::Acquire)),
            Kind::Running(running) => running.now(),
        }
    }

    /// Whether a replay moves this clock.
    pub fn is_simulated(&self) -> bool {
        matches!(&*self.kind, Kind::Simulated(_))
    }

    /// Whether the clock has a time of its own, which can be moved forward.
    pub(crate) fn jumps(&self) -> bool {
        matches!(&*self.kind, Kind::Running(_))
    }

    /// What moves the clock: the machine (`wall`), a start of its own (`own`) or a `tape`.
    pub(crate) fn kind(&self) -> &'static str {
        match &*self.kind {
            Kind::Wall => "wall",
            Kind::Simulated(_) => "tape",
            Kind::Running(_) => "own",
        }
    }

    /// How fast the clock runs, in its seconds per second; 1 for the wall clock.
    pub(crate) fn speed(&self) -> f64 {
        match &*self.kind {
            Kind::Wall | Kind::Simulated(_) => 1.0,
            Kind::Running(running) => running.speed,
        }
    }

    /// Moves a clock with a time of its own forward.
    pub(crate) fn jump_to(&self, time: DateTime<Utc>) -> Result<(), ClockError> {
        match &*self.kind {
            Kind::Wall | Kind::Simulated(_) => Err(ClockError::Fixed),
            Kind::Running(_) if time > LATEST => Err(ClockError::TooFar { limit: LATEST }),
            Kind::Running(running) => running.jump_to(time),
        }
    }

    /// Moves simulated time forward; never back, and never the wall clock.
    pub(crate) fn advance_to(&self, time: DateTime<Utc>) {
        if let Kind::Simulated(nanos) = &*self.kind {
            nanos.fetch_max(nanoseconds(time), Ordering::AcqRel);
        }
    }
}

impl Running {
    fn now(&self) -> DateTime<Utc> {
        let base = self.base.load(Ordering::Acquire);
        DateTime::from_timestamp_nanos(base.saturating_add(self.passed()))
    }

    /// Nanoseconds of this clock since it was started, without the jumps.
    fn passed(&self) -> i64 {
        let passed = steady_now().saturating_duration_since(self.started).mul_f64(self.speed);
        i64::try_from(passed.as_nanos()).unwrap_or(i64::MAX)
    }

    fn jump_to(&self, time: DateTime<Utc>) -> Result<(), ClockError> {
        let target = nanoseconds(time);
        let passed = self.passed();
        let moved = self.base.fetch_update(Ordering::AcqRel, Ordering::Acquire, |base| {
            let moved = target.saturating_sub(passed);
            (moved > base).then_some(moved)
        });
        match moved {
            Ok(_) => Ok(()),
            Err(_) => Err(ClockError::Past { now: self.now() }),
        }
    }
}

/// A time as nanoseconds since 1970; times outside 1677..2262 stop at the ends.
pub(crate) fn nanoseconds(time: DateTime<Utc>) -> i64 {
    time.timestamp_nanos_opt().unwrap_or(if time.timestamp() < 0 { i64::MIN } else { i64::MAX })
}

/// A span of time, so many times as long.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "to a millisecond"
)]
pub(crate) fn scaled(span: TimeDelta, times: f64) -> TimeDelta {
    TimeDelta::milliseconds((span.num_milliseconds() as f64 * times) as i64)
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
    fn a_running_clock_jumps_forward_only() {
        let start = DateTime::from_timestamp(1_000, 0).unwrap();
        let clock = VenueClock::running(start, 60.0);
        assert!(clock.now() >= start);
        let close = DateTime::from_timestamp(90_000, 0).unwrap();
        assert_eq!(clock.jump_to(close), Ok(()));
        assert!(clock.now() >= close);
        assert!(matches!(clock.jump_to(start), Err(ClockError::Past { .. })));
        assert!(clock.now() >= close);
        assert_eq!(VenueClock::wall().jump_to(close), Err(ClockError::Fixed));
    }

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
