//! Access tokens that ended before their time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Entries that are kept at once.
const ENTRIES_MAX: usize = 100_000;

/// Revoked tokens (`jti`) and logins (`sid`), until the last token they concern has expired.
///
/// It lives in memory and does not reach back before the start of this process, nor before the
/// moment it had to make room: [`Denylist::reaches_back_to`] tells for which tokens the sessions in
/// the database must be asked instead.
#[derive(Debug)]
pub(crate) struct Denylist {
    entries_max: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    until: HashMap<Uuid, DateTime<Utc>>,
    complete_since: DateTime<Utc>,
}

impl Denylist {
    pub(crate) fn new(now: DateTime<Utc>) -> Self {
        Self::with_entries_max(now, ENTRIES_MAX)
    }

    /// Refuses a token or a login until then.
    pub(crate) fn deny(&self, id: Uuid, until: DateTime<Utc>, now: DateTime<Utc>) {
        let mut inner = self.lock();
        if inner.until.len() >= self.entries_max {
            inner.until.retain(|_, until| *until > now);
        }
        if inner.until.len() >= self.entries_max {
            // Forgetting is safe: everything issued until now is looked up in the database.
            inner.until.clear();
            inner.complete_since = now;
        }
        inner.until.insert(id, until);
    }

    /// Whether a token or a login is refused.
    pub(crate) fn denies(&self, id: Uuid, now: DateTime<Utc>) -> bool {
        self.lock().until.get(&id).is_some_and(|until| *until > now)
    }

    /// Whether a token of that age would be here if it had been revoked. `issued_at`: seconds since
    /// 1970, cut off, so a token of the very second does not count as known.
    pub(crate) fn reaches_back_to(&self, issued_at: i64) -> bool {
        issued_at > self.lock().complete_since.timestamp()
    }

    fn with_entries_max(now: DateTime<Utc>, entries_max: usize) -> Self {
        let inner = Inner { until: HashMap::new(), complete_since: now };
        Self { entries_max, inner: Mutex::new(inner) }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_770_000_000 + second, 0).unwrap()
    }

    #[test]
    fn a_denied_token_is_refused_until_it_would_have_expired_anyway() {
        let list = Denylist::new(at(0));
        let id = Uuid::from_u128(1);
        list.deny(id, at(60), at(10));
        assert!(list.denies(id, at(59)));
        assert!(!list.denies(id, at(60)));
        assert!(!list.denies(Uuid::from_u128(2), at(10)));
    }

    #[test]
    fn tokens_older_than_the_list_must_be_looked_up() {
        let list = Denylist::new(at(0));
        assert!(!list.reaches_back_to(at(0).timestamp()));
        assert!(list.reaches_back_to(at(1).timestamp()));
    }

    #[test]
    fn a_full_list_drops_the_expired_first_and_then_admits_that_it_does_not_know() {
        let list = Denylist::with_entries_max(at(0), 2);
        list.deny(Uuid::from_u128(1), at(10), at(1));
        list.deny(Uuid::from_u128(2), at(60), at(1));
        list.deny(Uuid::from_u128(3), at(60), at(20));
        assert!(list.denies(Uuid::from_u128(2), at(20)) && list.reaches_back_to(at(1).timestamp()));
        list.deny(Uuid::from_u128(4), at(60), at(30));
        assert!(!list.denies(Uuid::from_u128(2), at(30)));
        assert!(!list.reaches_back_to(at(30).timestamp()));
        assert!(list.denies(Uuid::from_u128(4), at(30)));
    }
}
