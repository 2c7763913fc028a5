//! What is quick to look up and may be lost: revoked access tokens and counts of login attempts.
//!
//! In this process only, for a single node; everything here can be rebuilt or expires by itself.
//! The keys and how long they live are declared here and nowhere else:
//!
//! | key | holds | lives |
//! |---|---|---|
//! | `revoked:{jti}` | end of the token's life | until the token would have expired |
//! | `login:account:{name}` | attempts in the window | until the window ends |
//! | `login:address:{ip}` | attempts in the window | until the window ends |

use std::net::IpAddr;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use moka::Expiry;
use moka::future::Cache as Store;
use moka::policy::EvictionPolicy;

/// The store; cheap to clone, all clones share it.
#[derive(Debug, Clone)]
pub struct Cache {
    revoked: Store<String, Kept<DateTime<Utc>>>,
    attempts: Store<String, Kept<Attempts>>,
}

/// Whose login attempts are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginSubject<'a> {
    /// The name or address somebody tried to log in as, whatever its case; it need not exist.
    Account(&'a str),
    /// Where they tried from.
    Address(IpAddr),
}

/// Attempts of one subject in the current window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts {
    /// How many, this one included.
    pub count: u32,
    /// When the window ends and counting starts anew.
    pub resets_at: DateTime<Utc>,
}

impl Cache {
    /// An empty store.
    pub fn new() -> Self {
        Self { revoked: store(), attempts: store() }
    }

    /// Refuses the access token with that `jti` from now on.
    pub async fn revoke_token(&self, jti: &str, expires_at: DateTime<Utc>, at: DateTime<Utc>) {
        let lifetime = until(expires_at, at);
        self.revoked.insert(revoked_key(jti), Kept { value: expires_at, lifetime }).await;
    }

    /// Whether the access token with that `jti` was revoked and would still be valid.
    pub async fn is_token_revoked(&self, jti: &str, at: DateTime<Utc>) -> bool {
        self.revoked.get(&revoked_key(jti)).await.is_some_and(|kept| at < kept.value)
    }

    /// Counts an attempt and answers how many there were in this window. Attempts at the same moment
    /// are all counted.
    pub async fn count_attempt(
        &self,
        subject: &LoginSubject<'_>,
        window: TimeDelta,
        at: DateTime<Utc>,
    ) -> Attempts {
        let first = Attempts { count: 1, resets_at: at + window };
        let counted = self
            .attempts
            .entry(attempts_key(subject))
            .and_upsert_with(|entry| {
                let earlier = entry.map(|entry| entry.into_value().value);
                let attempts = match earlier.filter(|earlier| at < earlier.resets_at) {
                    Some(earlier) => Attempts { count: earlier.count.saturating_add(1), ..earlier },
                    None => first,
                };
                let lifetime = until(attempts.resets_at, at);
                std::future::ready(Kept { value: attempts, lifetime })
            })
            .await;
        counted.into_value().value
    }

    /// Attempts in the current window; `None`: none.
    pub async fn attempts(
        &self,
        subject: &LoginSubject<'_>,
        at: DateTime<Utc>,
    ) -> Option<Attempts> {
        let kept = self.attempts.get(&attempts_key(subject)).await?;
        Some(kept.value).filter(|attempts| at < attempts.resets_at)
    }

    /// Starts counting anew, after a successful login.
    pub async fn forget_attempts(&self, subject: &LoginSubject<'_>) {
        self.attempts.invalidate(&attempts_key(subject)).await;
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self::new()
    }
}

/// Most entries of a kind. The one unused for longest goes first, so that a flood of new ones cannot
/// keep a fresh one out.
const ENTRIES_MAX: u64 = 1_000_000;

fn revoked_key(jti: &str) -> String {
    format!("revoked:{jti}")
}

fn attempts_key(subject: &LoginSubject<'_>) -> String {
    match subject {
        LoginSubject::Account(name) => format!("login:account:{}", name.to_lowercase()),
        LoginSubject::Address(address) => format!("login:address:{address}"),
    }
}

/// A value and how long the store may keep it. The store goes by its own clock; what counts is the
/// time in the value, this only bounds memory.
#[derive(Debug, Clone)]
struct Kept<T> {
    value: T,
    lifetime: Duration,
}

struct ByLifetime;

impl<T> Expiry<String, Kept<T>> for ByLifetime {
    fn expire_after_create(&self, _: &String, kept: &Kept<T>, _: Instant) -> Option<Duration> {
        Some(kept.lifetime)
    }

    fn expire_after_update(
        &self,
        _: &String,
        kept: &Kept<T>,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(kept.lifetime)
    }
}

fn store<T: Clone + Send + Sync + 'static>() -> Store<String, Kept<T>> {
    Store::builder()
        .max_capacity(ENTRIES_MAX)
        .eviction_policy(EvictionPolicy::lru())
        .expire_after(ByLifetime)
        .build()
}

fn until(end: DateTime<Utc>, at: DateTime<Utc>) -> Duration {
    (end - at).to_std().unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::{Cache, LoginSubject};

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_770_000_000 + second, 0).unwrap()
    }

    #[tokio::test]
    async fn a_revoked_token_is_refused_until_it_would_have_expired() {
        let cache = Cache::new();
        cache.revoke_token("a", at(60), at(0)).await;
        assert!(cache.is_token_revoked("a", at(59)).await);
        assert!(!cache.is_token_revoked("a", at(60)).await);
        assert!(!cache.is_token_revoked("b", at(0)).await);
    }

    #[tokio::test]
    async fn attempts_are_counted_per_subject_and_window() {
        let cache = Cache::new();
        let window = TimeDelta::minutes(15);
        let (ann, home) =
            (LoginSubject::Account("Ann"), LoginSubject::Address([10, 0, 0, 1].into()));
        for expected in 1..=3 {
            let counted = cache.count_attempt(&ann, window, at(expected)).await;
            assert_eq!((i64::from(counted.count), counted.resets_at), (expected, at(901)));
        }
        assert_eq!(cache.count_attempt(&home, window, at(4)).await.count, 1);
        let lower = LoginSubject::Account("ann");
        assert_eq!(cache.attempts(&lower, at(900)).await.map(|found| found.count), Some(3));
        assert_eq!(cache.attempts(&lower, at(901)).await, None);
        assert_eq!(cache.count_attempt(&ann, window, at(901)).await.count, 1);
        cache.forget_attempts(&ann).await;
        assert_eq!(cache.attempts(&ann, at(902)).await, None);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn attempts_at_the_same_moment_are_all_counted() {
        let cache = Cache::new();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let cache = cache.clone();
            tasks.spawn(async move {
                let subject = LoginSubject::Account("ann");
                cache.count_attempt(&subject, TimeDelta::minutes(15), at(0)).await
            });
        }
        tasks.join_all().await;
        let found = cache.attempts(&LoginSubject::Account("ann"), at(1)).await.unwrap();
        assert_eq!(found.count, 50);
    }
}
