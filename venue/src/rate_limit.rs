//! Requests per minute and account: a sliding window in slices of one second.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// The window, in slices of one second.
const WINDOW_SECONDS: u64 = 60;

/// Where the paths of the data host start.
const DATA_PATHS: [&str; 3] = ["/v2/stocks", "/v1beta", "/v1/corporate-actions"];

/// The two APIs count on their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Bucket {
    Trading,
    Data,
}

impl Bucket {
    /// The API that a path belongs to.
    pub(crate) fn of(path: &str) -> Self {
        if DATA_PATHS.iter().any(|start| path.starts_with(start)) {
            Self::Data
        } else {
            Self::Trading
        }
    }
}

/// Counts the requests of every account.
#[derive(Debug)]
pub(crate) struct RateLimit {
    trading_per_minute: u32,
    data_per_minute: u32,
    started: Instant,
    windows: Mutex<HashMap<(Uuid, Bucket), Window>>,
}

/// What an account may still do; the reply's headers say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    pub(crate) reset: DateTime<Utc>,
    /// Whether this request may be served.
    pub(crate) granted: bool,
}

#[derive(Debug)]
struct Window {
    slices: [u32; 60],
    /// The second, since the start, of the newest slice.
    newest: u64,
}

impl RateLimit {
    pub(crate) fn new(trading_per_minute: u32, data_per_minute: u32, started: Instant) -> Self {
        Self { trading_per_minute, data_per_minute, started, windows: Mutex::default() }
    }

    /// Counts one request. A refused one does not count, so that a client who waits gets through.
    pub(crate) fn count(
        &self,
        account_id: Uuid,
        bucket: Bucket,
        steady: Instant,
        now: DateTime<Utc>,
    ) -> Allowance {
        let per_minute = match bucket {
            Bucket::Trading => self.trading_per_minute,
            Bucket::Data => self.data_per_minute,
        };
        let second = steady.saturating_duration_since(self.started).as_secs();
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows
            .entry((account_id, bucket))
            .or_insert(Window { slices: [0; 60], newest: second });
        window.slide_to(second);
        let used: u32 = window.slices.iter().sum();
        let granted = used < per_minute;
        if granted {
            window.slices[slice(second)] += 1;
        }
        let used = used + u32::from(granted);
        let wait_seconds = window.seconds_until_a_slot();
        Allowance {
            limit: per_minute,
            remaining: per_minute.saturating_sub(used),
            reset: now + TimeDelta::seconds(wait_seconds),
            granted,
        }
    }
}

impl Window {
    fn slide_to(&mut self, second: u64) {
        let passed = second.saturating_sub(self.newest).min(WINDOW_SECONDS);
        for back in 0..passed {
            self.slices[slice(second - back)] = 0;
        }
        self.newest = self.newest.max(second);
    }

    /// Seconds until the oldest counted request leaves the window.
    fn seconds_until_a_slot(&self) -> i64 {
        let oldest = (1..=WINDOW_SECONDS)
            .find(|ahead| self.slices[slice(self.newest + ahead)] > 0)
            .unwrap_or(WINDOW_SECONDS);
        i64::try_from(oldest).unwrap_or(1)
    }
}

fn slice(second: u64) -> usize {
    usize::try_from(second % WINDOW_SECONDS).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock;

    #[test]
    fn the_limit_holds_in_any_sixty_seconds_and_refused_requests_do_not_count() {
        let start = clock::steady_now();
        let limit = RateLimit::new(3, 5, start);
        let account = Uuid::from_u128(1);
        let now = DateTime::UNIX_EPOCH;
        let count = |second: u64| {
            limit.count(account, Bucket::Trading, start + Duration::from_secs(second), now)
        };
        let granted: Vec<bool> =
            [0, 30, 31, 40, 59, 60, 61, 90].into_iter().map(|at| count(at).granted).collect();
        assert_eq!(granted, [true, true, true, false, false, true, false, true]);
        let other = limit.count(account, Bucket::Data, start, now);
        assert_eq!((other.granted, other.remaining), (true, 4));
    }
}
