//! Counts what a client does in a window of time.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// Clients that are remembered at once. Beyond it all unknown clients share one count, so that a
/// flood of addresses costs them, not our memory.
const KEYS_MAX: usize = 100_000;

/// Where a client stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Whether this one was within the limit.
    pub(crate) allowed: bool,
    /// How many a window holds.
    pub(crate) limit: u32,
    /// How many are left in this window.
    pub(crate) remaining: u32,
    /// When the window ends.
    pub(crate) resets_at: DateTime<Utc>,
}

/// A network client as limits see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct AddressKey(IpAddr);

/// A fixed window per key.
#[derive(Debug)]
pub(crate) struct Limiter<K> {
    limit: u32,
    window: TimeDelta,
    keys_max: usize,
    windows: Mutex<Windows<K>>,
}

#[derive(Debug)]
struct Windows<K> {
    by_key: HashMap<K, Window>,
    shared: Window,
    purged_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    started_at: DateTime<Utc>,
    used: u32,
}

impl AddressKey {
    /// An IPv6 client owns at least a /64: all of it counts as one. An IPv4 address written as IPv6
    /// counts as itself.
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self(IpAddr::V4(v4)),
            IpAddr::V6(v6) => {
                let network = v6.to_bits() & !u128::from(u64::MAX);
                Self(IpAddr::V6(Ipv6Addr::from_bits(network)))
            }
        }
    }
}

impl<K: Hash + Eq> Limiter<K> {
    /// `limit` per `window` for each key.
    pub(crate) fn new(limit: u32, window: Duration) -> Self {
        Self::with_keys_max(limit, window, KEYS_MAX)
    }

    /// Counts one and answers whether it was within the limit. What is refused is not counted.
    pub(crate) fn take(&self, key: K, now: DateTime<Utc>) -> Standing {
        let mut windows = self.lock();
        let window = self.window_of(&mut windows, key, now);
        let allowed = window.used < self.limit;
        if allowed {
            window.used += 1;
        }
        self.standing(*window, allowed)
    }

    /// Looks without counting.
    pub(crate) fn look(&self, key: &K, now: DateTime<Utc>) -> Standing {
        let windows = self.lock();
        let fresh = Window { started_at: now, used: 0 };
        let window = windows.by_key.get(key).copied().filter(|window| self.is_open(*window, now));
        let window = window.unwrap_or(fresh);
        self.standing(window, window.used < self.limit)
    }

    /// Takes one back that turned out not to count.
    pub(crate) fn give_back(&self, key: &K) {
        if let Some(window) = self.lock().by_key.get_mut(key) {
            window.used = window.used.saturating_sub(1);
        }
    }

    /// Starts afresh for one key.
    pub(crate) fn forget(&self, key: &K) {
        self.lock().by_key.remove(key);
    }

    fn with_keys_max(limit: u32, window: Duration, keys_max: usize) -> Self {
        let shared = Window { started_at: DateTime::UNIX_EPOCH, used: 0 };
        let windows = Windows { by_key: HashMap::new(), shared, purged_at: DateTime::UNIX_EPOCH };
        Self {
            limit,
            window: TimeDelta::from_std(window).unwrap_or(TimeDelta::MAX),
            keys_max,
            windows: Mutex::new(windows),
        }
    }

    fn window_of<'a>(
        &self,
        windows: &'a mut Windows<K>,
        key: K,
        now: DateTime<Utc>,
    ) -> &'a mut Window {
        let is_full = windows.by_key.len() >= self.keys_max;
        // Once a second at most: a purge looks at every key.
        if is_full && now - windows.purged_at >= TimeDelta::seconds(1) {
            windows.by_key.retain(|_, window| self.is_open(*window, now));
            windows.purged_at = now;
        }
        let is_full = windows.by_key.len() >= self.keys_max;
        let fresh = Window { started_at: now, used: 0 };
        let window = if is_full && !windows.by_key.contains_key(&key) {
            &mut windows.shared
        } else {
            windows.by_key.entry(key).or_insert(fresh)
        };
        if !self.is_open(*window, now) {
            *window = fresh;
        }
        window
    }

    /// A window that starts in the future belongs to a clock that was set back since.
    fn is_open(&self, window: Window, now: DateTime<Utc>) -> bool {
        window.started_at <= now && now - window.started_at < self.window
    }

    fn standing(&self, window: Window, allowed: bool) -> Standing {
        let resets_at = window.started_at.checked_add_signed(self.window);
        Standing {
            allowed,
            limit: self.limit,
            remaining: self.limit.saturating_sub(window.used),
            resets_at: resets_at.unwrap_or(DateTime::<Utc>::MAX_UTC),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Windows<K>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Standing {
    /// Whole seconds until the window ends, rounded up; at least one.
    pub(crate) fn retry_after_s(&self, now: DateTime<Utc>) -> i64 {
        let left_ms = (self.resets_at - now).num_milliseconds().max(1);
        left_ms.saturating_add(999) / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_770_000_000 + second, 0).unwrap()
    }

    #[test]
    fn what_is_beyond_the_limit_is_refused_until_the_window_ends() {
        let limiter = Limiter::new(2, MINUTE);
        assert_eq!(limiter.take("a", at(0)).remaining, 1);
        assert_eq!(limiter.take("a", at(10)).remaining, 0);
        let refused = limiter.take("a", at(20));
        assert!(!refused.allowed);
        assert_eq!((refused.resets_at, refused.retry_after_s(at(20))), (at(60), 40));
        assert!(limiter.take("b", at(20)).allowed, "another key has a window of its own");
        assert!(limiter.take("a", at(60)).allowed);
    }

    #[test]
    fn what_is_given_back_or_forgotten_does_not_count() {
        let limiter = Limiter::new(1, MINUTE);
        assert!(limiter.take("a", at(0)).allowed);
        assert_eq!(limiter.look(&"a", at(0)).remaining, 0);
        limiter.give_back(&"a");
        assert!(limiter.take("a", at(0)).allowed);
        limiter.forget(&"a");
        assert!(limiter.take("a", at(0)).allowed);
    }

    #[test]
    fn a_flood_of_keys_shares_one_window_and_no_more_memory() {
        let limiter = Limiter::with_keys_max(1, MINUTE, 2);
        assert!(limiter.take(1, at(0)).allowed);
        assert!(limiter.take(2, at(0)).allowed);
        assert!(limiter.take(3, at(0)).allowed);
        assert!(!limiter.take(4, at(0)).allowed, "3 and 4 share");
        assert_eq!(limiter.lock().by_key.len(), 2);
        assert!(limiter.take(4, at(60)).allowed, "old windows made room");
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_lock_anybody_out() {
        let limiter = Limiter::new(1, MINUTE);
        assert!(limiter.take("a", at(1000)).allowed);
        assert!(limiter.take("a", at(0)).allowed);
    }

    #[test]
    fn an_ipv6_network_is_one_client_and_a_mapped_address_is_its_ipv4_self() {
        let key = |text: &str| AddressKey::of(text.parse().unwrap());
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    }
}
