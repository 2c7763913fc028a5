//! What every request and connection needs: the exchange, the keys, the limits, the stop signal.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::auth::KeyRing;
use crate::clock;
use crate::data_hub::DataHub;
use crate::exchange::SharedExchange;
use crate::faults::Faults;
use crate::history::History;
use crate::news::Newsroom;
use crate::options::{DataPlan, VenueOptions};
use crate::rate_limit::RateLimit;

/// WebSocket connections that are served at the same time.
const CONNECTIONS_MAX: usize = 4_096;
/// History pages that are made at the same time; each may keep a core busy.
const HISTORY_PAGES_MAX: usize = 2;

/// Shared by every request and connection.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) exchange: SharedExchange,
    pub(crate) faults: Faults,
    pub(crate) data_hub: Arc<DataHub>,
    pub(crate) history: Arc<History>,
    pub(crate) keys: KeyRing,
    pub(crate) limit: RateLimit,
    pub(crate) data_plan: DataPlan,
    pub(crate) news: Arc<Newsroom>,
    /// How long a client of a stream may take to authenticate.
    pub(crate) auth_timeout: Duration,
    /// True once the venue stops.
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) requests: AtomicU64,
    pub(crate) history_pages: Semaphore,
    seats: Arc<Semaphore>,
}

impl Server {
    pub(crate) fn new(
        exchange: SharedExchange,
        data_hub: Arc<DataHub>,
        history: Arc<History>,
        news: Arc<Newsroom>,
        options: &VenueOptions,
    ) -> Self {
        Self {
            faults: exchange.faults.clone(),
            exchange,
            data_hub,
            history,
            keys: KeyRing::default(),
            limit: RateLimit::new(
                options.requests_per_minute,
                options.data_plan.requests_per_minute.unwrap_or(options.requests_per_minute),
                clock::steady_now(),
            ),
            data_plan: options.data_plan.clone(),
            news,
            auth_timeout: options.auth_timeout,
            stop: watch::Sender::new(false),
            requests: AtomicU64::new(0),
            history_pages: Semaphore::new(HISTORY_PAGES_MAX),
            seats: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
        }
    }

    /// Whether prices come from a recording.
    pub(crate) fn is_tape(&self) -> bool {
        matches!(&*self.history, History::Recorded(_))
    }

    /// A place for one more connection, given back when it is dropped.
    pub(crate) fn take_seat(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.seats).try_acquire_owned().ok()
    }
}
