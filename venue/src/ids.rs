//! Identifiers: unique across restarts, and a pure function of the books' salt and a counter.

use chrono::{DateTime, Utc};
use rand::TryRngCore;
use rand::rngs::OsRng;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const ULID_LENGTH: usize = 26;

/// The counters behind every identifier. They are written with each change, so that a restarted
/// venue never hands out an identifier twice.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ids {
    /// Chosen once per set of books: two venues with the same seed still have different ids, else a
    /// client's journal would take a new execution for one that it already knows.
    salt: Uuid,
    counter: u64,
    /// Milliseconds since 1970 of the newest event id; never moves back, even when a replay's clock
    /// starts again.
    event_ms: u64,
    event_count: u64,
}

impl Ids {
    /// Fresh books: a random salt from the system.
    pub(crate) fn fresh() -> Self {
        let mut salt = [0_u8; 16];
        let salt = match OsRng.try_fill_bytes(&mut salt) {
            Ok(()) => Uuid::from_bytes(salt),
            Err(error) => {
                tracing::warn!(%error, "no random bytes from the system, the ids are not unique");
                Uuid::NAMESPACE_OID
            }
        };
        Self { salt, counter: 0, event_ms: 0, event_count: 0 }
    }

    /// The next identifier.
    pub(crate) fn next(&mut self) -> Uuid {
        self.counter += 1;
        Uuid::new_v5(&self.salt, &self.counter.to_be_bytes())
    }

    /// A number that grows with every call: the order of arrival.
    pub(crate) fn next_sequence(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// The next event id: a ULID whose text order is the order of publication.
    pub(crate) fn next_event(&mut self, at: DateTime<Utc>) -> String {
        let at_ms = u64::try_from(at.timestamp_millis()).unwrap_or(0);
        self.event_ms = self.event_ms.max(at_ms);
        self.event_count += 1;
        let mut bits = (u128::from(self.event_ms) << 80) | u128::from(self.event_count);
        let mut letters = [b'0'; ULID_LENGTH];
        for letter in letters.iter_mut().rev() {
            *letter = CROCKFORD[usize::try_from(bits & 31).unwrap_or(0)];
            bits >>= 5;
        }
        letters.iter().copied().map(char::from).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_ids_grow_even_when_the_clock_goes_back() {
        let mut ids = Ids::fresh();
        let late = DateTime::from_timestamp_millis(2_000_000).unwrap();
        let early = DateTime::from_timestamp_millis(1_000).unwrap();
        let first = ids.next_event(late);
        let second = ids.next_event(early);
        assert!(first < second, "{first} before {second}");
        assert_eq!(first.len(), ULID_LENGTH);
    }

    #[test]
    fn two_fresh_books_never_share_an_id() {
        assert_ne!(Ids::fresh().next(), Ids::fresh().next());
    }
}
