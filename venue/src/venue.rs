//! A running venue: started with options, stopped by its owner.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rust_decimal::Decimal;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::assets::{AssetTable, Instrument};
use crate::calendar::Hours;
use crate::clock::VenueClock;
use crate::data_hub::DataHub;
use crate::error::VenueError;
use crate::exchange::{Exchange, Fills};
use crate::history::{History, SyntheticHistory};
use crate::options::{AccountSpec, Source, Store, SyntheticOptions, VenueOptions};
use crate::routes;
use crate::server::Server;
use crate::store::Opened;
use crate::synthetic::{Synthetic, TRADES_PER_SECOND_MAX};
use crate::synthetic_feed::SyntheticFeed;
use crate::tasks;
use crate::universe;

/// How long open requests may take to finish when the venue stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// A running venue. Dropping it stops it too, without waiting for its tasks.
#[derive(Debug)]
pub struct Venue {
    address: SocketAddr,
    server: Arc<Server>,
    tasks: Vec<JoinHandle<()>>,
}

impl Venue {
    /// Starts a venue: opens its books, its prices and its port.
    pub async fn start(options: VenueOptions) -> Result<Self, VenueError> {
        check_accounts(&options.accounts)?;
        match options.source.clone() {
            Source::Synthetic(synthetic) => start_synthetic(options, synthetic).await,
            Source::Replay(_) => Err(VenueError::Option {
                option: "source",
                value: "replay".to_owned(),
                expected: "a synthetic source until the tape is built",
            }),
        }
    }

    /// Where the venue listens: the port that was really taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The venue's time.
    pub fn clock(&self) -> VenueClock {
        self.server.exchange.clock.clone()
    }

    /// What can be traded, in the order of the symbols.
    pub fn instruments(&self) -> Vec<Instrument> {
        let assets = self.server.exchange.assets.iter();
        assets.filter(|asset| !asset.test_only).map(|asset| asset.instrument()).collect()
    }

    /// Opens one more account, or gives an account that is already in the books a secret.
    pub fn add_account(&self, spec: &AccountSpec) -> Result<(), VenueError> {
        check_accounts(std::slice::from_ref(spec))?;
        add_account(&self.server, spec)
    }

    /// Closes the port, all connections and the books.
    pub async fn stop(mut self) -> Result<(), VenueError> {
        self.server.stop.send_replace(true);
        for task in self.tasks.drain(..) {
            let abort = task.abort_handle();
            if tokio::time::timeout(STOP_TIMEOUT, task).await.is_err() {
                abort.abort();
            }
        }
        self.server.exchange.sync()
    }
}

impl Drop for Venue {
    fn drop(&mut self) {
        self.server.stop.send_replace(true);
    }
}

async fn start_synthetic(
    options: VenueOptions,
    synthetic: SyntheticOptions,
) -> Result<Venue, VenueError> {
    check_synthetic(&synthetic)?;
    let assets = AssetTable::new(universe::assets());
    let hours = if synthetic.always_open { Hours::Always } else { Hours::Nyse };
    let fills =
        Fills::Paper { seed: synthetic.seed, partial_chance: synthetic.partial_fill_chance };
    let market = Arc::new(Synthetic::new(synthetic, &assets));
    let past = Arc::new(SyntheticHistory::new(Arc::clone(&market)));
    let opened = open_store(&options.store, "synthetic")?;
    let exchange = Arc::new(Exchange::new(VenueClock::wall(), assets, hours, fills, opened));
    let hub = Arc::new(DataHub::new());
    let feed = SyntheticFeed {
        exchange: Arc::clone(&exchange),
        hub: Arc::clone(&hub),
        market,
        history: Arc::clone(&past),
    };
    feed.prime();
    let history = Arc::new(History::Synthetic(past));
    let server = Arc::new(Server::new(exchange, hub, history, options.requests_per_minute));
    let mut venue = open(server, &options).await?;
    venue.tasks.push(tasks::spawn(feed.run(venue.server.stop.subscribe())));
    Ok(venue)
}

/// Opens the accounts and the port.
async fn open(server: Arc<Server>, options: &VenueOptions) -> Result<Venue, VenueError> {
    for spec in &options.accounts {
        add_account(&server, spec)?;
    }
    let failure = |source| VenueError::Listen { address: options.listen, source };
    let listener = TcpListener::bind(options.listen).await.map_err(failure)?;
    let address = listener.local_addr().map_err(failure)?;
    let router = routes::router(Arc::clone(&server));
    let mut stop = server.stop.subscribe();
    let stopped = async move { tasks::stopped(&mut stop).await };
    let serving = axum::serve(listener, router).with_graceful_shutdown(stopped);
    let task = tasks::spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "the venue's port failed");
        }
    });
    tracing::info!(%address, "the venue is open");
    Ok(Venue { address, server, tasks: vec![task] })
}

fn open_store(store: &Store, source: &str) -> Result<Opened, VenueError> {
    match store {
        Store::Ephemeral => Ok(Opened::ephemeral()),
        Store::Directory(directory) => Opened::directory(&Path::new(directory).join(source)),
    }
}

fn add_account(server: &Server, spec: &AccountSpec) -> Result<(), VenueError> {
    let account_id = server.exchange.open_account(spec).map_err(|refusal| VenueError::Option {
        option: "accounts",
        value: spec.key_id.clone(),
        expected: if refusal.status.is_server_error() {
            "an account that can be written to the books (see the log before)"
        } else {
            "an account that the venue accepts"
        },
    })?;
    server.keys.add(spec.key_id.clone(), spec.secret.clone(), account_id);
    Ok(())
}

fn check_accounts(accounts: &[AccountSpec]) -> Result<(), VenueError> {
    for account in accounts {
        let wrong = if account.key_id.is_empty() {
            Some("an account with a key id")
        } else if account.cash < Decimal::ZERO {
            Some("an account with cash of 0 or more")
        } else if !matches!(account.multiplier, 1 | 2) {
            Some("an account with a multiplier of 1 (cash) or 2 (margin)")
        } else {
            None
        };
        if let Some(expected) = wrong {
            let value = account.key_id.clone();
            return Err(VenueError::Option { option: "accounts", value, expected });
        }
    }
    Ok(())
}

fn check_synthetic(options: &SyntheticOptions) -> Result<(), VenueError> {
    if !(1..=TRADES_PER_SECOND_MAX).contains(&options.trades_per_second) {
        return Err(VenueError::Option {
            option: "trades_per_second",
            value: options.trades_per_second.to_string(),
            expected: "1 to 100",
        });
    }
    if !(0.0..=100.0).contains(&options.liveliness) {
        return Err(VenueError::Option {
            option: "liveliness",
            value: options.liveliness.to_string(),
            expected: "0 to 100, where 1 is a realistic market",
        });
    }
    if !(0.0..=1.0).contains(&options.partial_fill_chance) {
        return Err(VenueError::Option {
            option: "partial_fill_chance",
            value: options.partial_fill_chance.to_string(),
            expected: "0 to 1",
        });
    }
    Ok(())
}
