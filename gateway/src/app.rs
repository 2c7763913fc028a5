//! What every handler can reach.

use std::collections::HashMap;
use std::net::IpAddr;
use std::ops::DerefMut;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use engine::{Clock, IdSource};
use storage::{Database, PgConnection, StorageError};
use tokio::sync::watch;
use uuid::Uuid;

use crate::denylist::Denylist;
use crate::engine_port::Engine;
use crate::limiter::{AddressKey, Limiter};
use crate::password::Hasher;
use crate::settings::GatewaySettings;
use crate::token::TokenSigner;

/// Everything the gateway is built from.
#[derive(Debug)]
pub struct GatewayParts {
    /// Users, sessions, configs and history.
    pub database: Database,
    /// The engine behind the gateway.
    pub troupe: Arc<dyn Engine>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Names of users, configs, sessions and tokens.
    pub ids: Arc<dyn IdSource>,
    /// Everything that can be set.
    pub settings: GatewaySettings,
}

/// The state of the router.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) database: Database,
    pub(crate) troupe: Arc<dyn Engine>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) settings: GatewaySettings,
    pub(crate) signer: TokenSigner,
    pub(crate) hasher: Hasher,
    pub(crate) denylist: Denylist,
    pub(crate) requests: Limiter<RequestKey>,
    pub(crate) logins_by_account: Limiter<AccountKey>,
    pub(crate) logins_by_address: Limiter<AddressKey>,
    pub(crate) sockets: SocketCount,
    pub(crate) config_locks: ConfigLocks,
    /// Becomes true when the server is to end.
    pub(crate) stopping: watch::Receiver<bool>,
}

/// Whose requests are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum RequestKey {
    User(Uuid),
    Address(AddressKey),
}

/// Whose logins are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum AccountKey {
    User(Uuid),
    /// A name that nobody has, in lower case: it must not behave differently.
    Nobody(String),
}

/// Open WebSocket connections by address.
#[derive(Debug, Clone, Default)]
pub(crate) struct SocketCount(Arc<Mutex<HashMap<AddressKey, u32>>>);

/// One open WebSocket connection; dropped, it no longer counts.
#[derive(Debug)]
pub(crate) struct SocketPlace {
    count: SocketCount,
    key: AddressKey,
}

/// Keeps two changes of one config apart: what is read must still hold when it is acted upon.
#[derive(Debug)]
pub(crate) struct ConfigLocks([tokio::sync::Mutex<()>; CONFIG_LOCKS]);

/// Configs share locks; two that do only wait for each other.
const CONFIG_LOCKS: usize = 64;

const MINUTE: Duration = Duration::from_mins(1);

impl App {
    pub(crate) fn new(
        parts: GatewayParts,
        hasher: Hasher,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let GatewayParts { database, troupe, clock, ids, settings } = parts;
        let auth = &settings.auth;
        Self {
            signer: TokenSigner::new(&auth.jwt_secret, &auth.issuer, &auth.audience),
            hasher,
            denylist: Denylist::new(clock.now()),
            requests: Limiter::new(settings.limits.requests_per_minute, MINUTE),
            logins_by_account: Limiter::new(auth.login_attempts, auth.login_window),
            logins_by_address: Limiter::new(auth.login_attempts, auth.login_window),
            sockets: SocketCount::default(),
            config_locks: ConfigLocks::default(),
            database,
            troupe,
            clock,
            ids,
            settings,
            stopping,
        }
    }

    /// To the microsecond, as the database keeps it: what is answered now is what is read later.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now().trunc_subsecs(6)
    }

    /// A connection of the pool; it returns there when dropped.
    pub(crate) async fn connection(
        &self,
    ) -> Result<impl DerefMut<Target = PgConnection> + Send + use<>, StorageError> {
        Ok(self.database.pool().acquire().await?)
    }
}

impl SocketCount {
    /// A place for one more connection; `None`: the address has `max` already.
    pub(crate) fn enter(&self, address: IpAddr, max: u32) -> Option<SocketPlace> {
        let key = AddressKey::of(address);
        let mut open = self.lock();
        let count = open.entry(key).or_insert(0);
        if *count >= max {
            return None;
        }
        *count += 1;
        Some(SocketPlace { count: self.clone(), key })
    }

    /// How many are open in all.
    pub(crate) fn open(&self) -> u64 {
        self.lock().values().map(|count| u64::from(*count)).sum()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AddressKey, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SocketPlace {
    fn drop(&mut self) {
        let mut open = self.count.lock();
        if let Some(count) = open.get_mut(&self.key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&self.key);
            }
        }
    }
}

impl Default for ConfigLocks {
    fn default() -> Self {
        Self(std::array::from_fn(|_| tokio::sync::Mutex::new(())))
    }
}

impl ConfigLocks {
    /// Waits until nobody else changes the config.
    pub(crate) async fn lock(&self, config: Uuid) -> tokio::sync::MutexGuard<'_, ()> {
        let spread = config.as_u128() ^ (config.as_u128() >> 64);
        let index = usize::try_from(spread % CONFIG_LOCKS as u128).unwrap_or(0);
        self.0[index].lock().await
    }
}

/// A lifetime from the settings, as the clock's arithmetic takes it.
pub(crate) fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_connection_ends() {
        let count = SocketCount::default();
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let place = count.enter(address, 1).unwrap();
        assert!(count.enter(address, 1).is_none());
        assert!(count.enter("192.0.2.2".parse().unwrap(), 1).is_some());
        drop(place);
        assert!(count.enter(address, 1).is_some());
        assert_eq!(count.open(), 0, "dropped places leave nothing behind");
    }
}
