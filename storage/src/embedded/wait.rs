//! Waiting for another process: the only clock of this crate, never a source of data.

use std::time::{Duration, Instant};

/// A moment after which waiting is given up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    end: Instant,
    pub(crate) patience: Duration,
}

impl Deadline {
    #[expect(clippy::disallowed_methods, reason = "waits for a process, decides nothing")]
    pub(crate) fn after(patience: Duration) -> Self {
        Self { end: Instant::now() + patience, patience }
    }

    #[expect(clippy::disallowed_methods, reason = "waits for a process, decides nothing")]
    pub(crate) fn is_over(self) -> bool {
        Instant::now() >= self.end
    }

    /// Waits until the condition holds. False: it did not in time.
    pub(crate) fn wait_until(self, mut condition: impl FnMut() -> bool) -> bool {
        while !condition() {
            if self.is_over() {
                return false;
            }
            pause(POLL_PAUSE);
        }
        true
    }
}

/// Lets another process get on with it; the embedded database is driven from blocking threads.
#[expect(clippy::disallowed_methods, reason = "runs on blocking threads only")]
pub(super) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Short enough not to show in the start time of the engine.
pub(super) const POLL_PAUSE: Duration = Duration::from_millis(5);
