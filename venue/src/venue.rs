//! A running venue: started with options, stopped by its owner.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use rust_decimal::Decimal;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::assets::{AssetTable, Instrument};
use crate::book_snapshot::BookSnapshot;
use crate::calendar::Hours;
use crate::clock::VenueClock;
use crate::corporate_actions::{self, CorporateAction};
use crate::data_hub::DataHub;
use crate::error::VenueError;
use crate::exchange::Exchange;
use crate::faults::{Faults, Wire, WireListener};
use crate::fills::Fills;
use crate::history::{History, SyntheticHistory};
use crate::library::Library;
use crate::news::Newsroom;
use crate::options::{
    AccountSpec, ReplayOptions, Source, Speed, Store, SyntheticOptions, VenueOptions,
};
use crate::recorded_history::RecordedHistory;
use crate::replay::{Progress, Replay, ReplayProgress};
use crate::routes;
use crate::server::Server;
use crate::store::Opened;
use crate::synthetic::{Synthetic, TRADES_PER_SECOND_MAX};
use crate::synthetic_feed::SyntheticFeed;
use crate::tape::Tape;
use crate::tasks;
use crate::universe;

/// How long open requests may take to finish when the venue stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// How often a tape's accounts are valued for their equity curves.
const TAPE_EQUITY_INTERVAL: TimeDelta = TimeDelta::minutes(15);

/// The slowest replay, in seconds of tape per second.
const SPEED_MIN: f64 = 0.001;
/// The slowest and the fastest clock of invented prices, in its seconds per second.
const CLOCK_SPEED_MIN: f64 = 0.001;
const CLOCK_SPEED_MAX: f64 = 3_600.0;

/// A running venue. Dropping it stops it too, without waiting for its tasks.
#[derive(Debug)]
pub struct Venue {
    address: SocketAddr,
    server: Arc<Server>,
    replay: Option<Arc<Progress>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Venue {
    /// Starts a venue: opens its books, its prices and its port.
    pub async fn start(options: VenueOptions) -> Result<Self, VenueError> {
        check_accounts(&options.accounts)?;
        match options.source.clone() {
            Source::Synthetic(synthetic) => start_synthetic(options, synthetic).await,
            Source::Replay(replay) => start_replay(options, replay).await,
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

    /// How far the replay has come; `None` when prices are synthetic.
    pub fn replay_progress(&self) -> Option<ReplayProgress> {
        self.replay.as_ref().map(|progress| progress.read())
    }

    /// Completes when the tape has ended; never when prices are synthetic.
    pub async fn replay_finished(&self) {
        match &self.replay {
            Some(progress) => progress.finished().await,
            None => std::future::pending().await,
        }
    }

    /// Opens one more account, or gives an account that is already in the books a secret.
    pub fn add_account(&self, spec: &AccountSpec) -> Result<(), VenueError> {
        check_accounts(std::slice::from_ref(spec))?;
        add_account(&self.server, spec)
    }

    /// Pays cash into the account with a key id, or out of it when the amount is negative.
    pub fn transfer(&self, key_id: &str, amount: Decimal) -> Result<(), VenueError> {
        let exchange = &self.server.exchange;
        let account_id = exchange
            .read(|inner| inner.books.account_by_key(key_id).map(|account| account.id))
            .ok_or_else(|| VenueError::Option {
                option: "key_id",
                value: key_id.to_owned(),
                expected: "the key id of an account of this venue",
            })?;
        exchange.transfer(account_id, amount).map_err(|_refusal| VenueError::Option {
            option: "amount",
            value: amount.to_string(),
            expected: "an amount other than 0, and no more than the account's free cash",
        })
    }

    /// Announces a dividend or split; it is carried out on its ex-date. The same action announced
    /// again changes nothing.
    pub fn announce(&self, action: CorporateAction) -> Result<(), VenueError> {
        announce(&self.server.exchange, action)
    }

    /// The books of the account with a key id; `None` when there is no such account.
    pub fn book_snapshot(&self, key_id: &str) -> Option<BookSnapshot> {
        self.server.exchange.read(|inner| BookSnapshot::of(inner, key_id))
    }

    /// The faults that are armed, and arming others.
    pub fn faults(&self) -> Faults {
        self.server.faults.clone()
    }

    /// Closes the port, all connections and the books.
    pub async fn stop(mut self) {
        self.server.stop.send_replace(true);
        for task in self.tasks.drain(..) {
            let abort = task.abort_handle();
            if tokio::time::timeout(STOP_TIMEOUT, task).await.is_err() {
                abort.abort();
            }
        }
        // The books are with the system already; this is about a power cut right after the stop.
        if let Err(error) = self.server.exchange.sync() {
            tracing::error!(%error, "the venue's books could not be synced");
        }
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
    let clock = match synthetic.start {
        None => VenueClock::wall(),
        Some(start) => VenueClock::running(start, synthetic.speed),
    };
    let (seed, partial_chance) = (synthetic.seed, synthetic.partial_fill_chance);
    let fills = Fills::chosen(options.fills, Fills::Paper { seed, partial_chance });
    let market = Arc::new(Synthetic::new(synthetic, &assets));
    let news = Arc::new(Newsroom::new(seed, &assets, Some(Arc::clone(&market))));
    let past = Arc::new(SyntheticHistory::new(Arc::clone(&market)));
    let opened = open_store(&options.store, "synthetic")?;
    let exchange = Exchange::new(clock, assets, hours, fills, opened);
    let exchange = exchange.with_rules(options.rules.clone());
    let exchange = Arc::new(exchange.charging(options.fees));
    let hub = Arc::new(DataHub::new());
    let feed = SyntheticFeed {
        exchange: Arc::clone(&exchange),
        hub: Arc::clone(&hub),
        market,
        history: Arc::clone(&past),
        news: Arc::clone(&news),
    };
    feed.prime();
    let history = Arc::new(History::Synthetic(past));
    let server = Arc::new(Server::new(exchange, hub, history, news, &options));
    let mut venue = open(server, &options).await?;
    venue.tasks.push(tasks::spawn(feed.run(venue.server.stop.subscribe())));
    Ok(venue)
}

async fn start_replay(options: VenueOptions, replay: ReplayOptions) -> Result<Venue, VenueError> {
    check_speed(replay.speed)?;
    let dir = replay.dir.clone();
    // Looking through the files takes a moment and blocks.
    let looking = tokio::task::spawn_blocking(move || Library::open(&dir));
    let library = looking.await.map_err(|error| VenueError::NothingToReplay {
        path: replay.dir.clone(),
        reason: error.to_string(),
    })??;
    let assets = AssetTable::new(library.assets());
    let tape = Tape::new(&library, &assets);
    let news = Arc::new(Newsroom::new(0, &assets, None));
    let clock = VenueClock::simulated(library.start());
    let opened = open_store(&options.store, "replay")?;
    let fills = Fills::chosen(options.fills, Fills::Recorded);
    let exchange = Exchange::new(clock, assets, Hours::Always, fills, opened);
    let exchange = exchange.with_rules(options.rules.clone());
    let exchange = Arc::new(exchange.charging(options.fees));
    exchange.sample_equity_every(TAPE_EQUITY_INTERVAL);
    announce_table(&exchange, &replay.dir)?;
    let hub = Arc::new(DataHub::new());
    let past = Arc::new(RecordedHistory::default());
    let progress = Arc::new(Progress::new());
    let feed = Replay {
        exchange: Arc::clone(&exchange),
        hub: Arc::clone(&hub),
        history: Arc::clone(&past),
        options: replay,
        pacer: Arc::clone(&options.pacer),
        progress: Arc::clone(&progress),
    };
    let history = Arc::new(History::Recorded(past));
    let server = Arc::new(Server::new(exchange, hub, history, news, &options));
    let mut venue = open(server, &options).await?;
    venue.replay = Some(progress);
    venue.tasks.push(tasks::spawn(feed.run(tape, venue.server.stop.subscribe())));
    Ok(venue)
}

/// Opens the accounts and the port.
async fn open(server: Arc<Server>, options: &VenueOptions) -> Result<Venue, VenueError> {
    server.faults.load(&options.faults)?;
    for spec in &options.accounts {
        add_account(&server, spec)?;
    }
    let failure = |source| VenueError::Listen { address: options.listen, source };
    let listener = TcpListener::bind(options.listen).await.map_err(failure)?;
    let address = listener.local_addr().map_err(failure)?;
    let listener = WireListener::new(listener);
    let router = routes::router(Arc::clone(&server));
    let router = router.into_make_service_with_connect_info::<Wire>();
    let mut stop = server.stop.subscribe();
    let stopped = async move { tasks::stopped(&mut stop).await };
    let serving = axum::serve(listener, router).with_graceful_shutdown(stopped);
    let task = tasks::spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "the venue's port failed");
        }
    });
    tracing::info!(%address, "the venue is open");
    Ok(Venue { address, server, replay: None, tasks: vec![task] })
}

/// Announces the corporate actions of the table beside a recording, if there is one.
fn announce_table(exchange: &Exchange, directory: &Path) -> Result<(), VenueError> {
    let path = directory.join(corporate_actions::FILE_NAME);
    if !path.is_file() {
        return Ok(());
    }
    for action in corporate_actions::read(&path)? {
        if exchange.assets.find(&action.symbol).is_none() {
            tracing::warn!(symbol = %action.symbol, "a corporate action of a symbol that is not recorded");
            continue;
        }
        announce(exchange, action)?;
    }
    Ok(())
}

fn announce(exchange: &Exchange, action: CorporateAction) -> Result<(), VenueError> {
    let value = format!("{} of {}", action.symbol, action.ex_date);
    exchange.announce(vec![action]).map_err(|refusal| {
        tracing::warn!(action = %value, reason = %refusal.message, "refused a corporate action");
        VenueError::Option {
            option: "corporate action",
            value,
            expected: "an action of a listed symbol with sensible dates and amounts",
        }
    })
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
    server.faults.know(spec.key_id.clone(), account_id);
    server.keys.add(spec.key_id.clone(), spec.secret.clone(), account_id);
    Ok(())
}

fn check_accounts(accounts: &[AccountSpec]) -> Result<(), VenueError> {
    for account in accounts {
        let wrong = if account.key_id.is_empty() {
            Some("an account with a key id")
        } else if account.cash < Decimal::ZERO {
            Some("an account with cash of 0 or more")
        } else if !matches!(account.multiplier, 1 | 2 | 4) {
            Some("an account with a multiplier of 1 (cash), 2 (margin) or 4 (day trading)")
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

fn check_speed(speed: Speed) -> Result<(), VenueError> {
    match speed {
        Speed::Max => Ok(()),
        Speed::Times(times) if times.is_finite() && times >= SPEED_MIN => Ok(()),
        Speed::Times(times) => Err(VenueError::Option {
            option: "speed",
            value: times.to_string(),
            expected: "a number from 0.001, or max",
        }),
    }
}

fn check_synthetic(options: &SyntheticOptions) -> Result<(), VenueError> {
    if !(CLOCK_SPEED_MIN..=CLOCK_SPEED_MAX).contains(&options.speed) {
        return Err(VenueError::Option {
            option: "speed",
            value: options.speed.to_string(),
            expected: "0.001 to 3600 seconds of the venue per second",
        });
    }
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
