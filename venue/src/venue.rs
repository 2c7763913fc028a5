//! A running venue: started with options, stopped by its owner.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use rust_decimal::Decimal;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::accounts::Configuration;
use crate::admin::{self, Admin};
use crate::assets::{AssetTable, Instrument};
use crate::book_snapshot::BookSnapshot;
use crate::calendar::Hours;
use crate::clock::VenueClock;
use crate::corporate_actions::{self, CorporateAction};
use crate::data_hub::DataHub;
use crate::error::VenueError;
use crate::exchange::{Exchange, Inner};
use crate::faults::{Faults, Wire, WireListener};
use crate::fills::Fills;
use crate::history::{History, SyntheticHistory};
use crate::key_file::KeyFile;
use crate::library::Library;
use crate::news::Newsroom;
use crate::option_checks;
use crate::options::{
    AccountSpec, AdminOptions, ReplayOptions, Source, SyntheticOptions, VenueOptions,
};
use crate::recorded_history::RecordedHistory;
use crate::replay::{Progress, Replay, ReplayProgress};
use crate::routes;
use crate::server::Server;
use crate::store::Opened;
use crate::synthetic::Synthetic;
use crate::synthetic_feed::SyntheticFeed;
use crate::tape::Tape;
use crate::tasks;
use crate::universe;

/// How long open requests may take to finish when the venue stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// How often a tape's accounts are valued for their equity curves.
const TAPE_EQUITY_INTERVAL: TimeDelta = TimeDelta::minutes(15);

/// The books' folders: one for each kind of prices.
const SYNTHETIC: &str = "synthetic";
const REPLAY: &str = "replay";

/// A running venue. Dropping it stops it too, without waiting for its tasks.
#[derive(Debug)]
pub struct Venue {
    address: SocketAddr,
    server: Arc<Server>,
    admin_address: Option<SocketAddr>,
    replay: Option<Arc<Progress>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Venue {
    /// Starts a venue: opens its books, its prices and its port.
    pub async fn start(options: VenueOptions) -> Result<Self, VenueError> {
        option_checks::accounts(&options.accounts)?;
        option_checks::fills(options.fills)?;
        if let Some(admin) = &options.admin {
            admin::check(admin)?;
        }
        match options.source.clone() {
            Source::Synthetic(synthetic) => start_synthetic(options, synthetic).await,
            Source::Replay(replay) => start_replay(options, replay).await,
        }
    }

    /// Where the venue listens: the port that was really taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the admin port is; `None` when there is none.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
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
        option_checks::accounts(std::slice::from_ref(spec))?;
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
        corporate_actions::announce(&self.server.exchange, action)
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
    option_checks::synthetic(&synthetic)?;
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
    let opened = open_store(options.store.directory(SYNTHETIC).as_deref())?;
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
    let mut venue = open(server, &options, None).await?;
    venue.tasks.push(tasks::spawn(feed.run(venue.server.stop.subscribe())));
    Ok(venue)
}

async fn start_replay(options: VenueOptions, replay: ReplayOptions) -> Result<Venue, VenueError> {
    option_checks::speed(replay.speed)?;
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
    let opened = open_store(options.store.directory(REPLAY).as_deref())?;
    let fills = Fills::chosen(options.fills, Fills::Recorded);
    let exchange = Exchange::new(clock, assets, Hours::Always, fills, opened);
    let exchange = exchange.with_rules(options.rules.clone());
    let exchange = Arc::new(exchange.charging(options.fees));
    exchange.sample_equity_every(TAPE_EQUITY_INTERVAL);
    corporate_actions::announce_table(&exchange, &replay.dir)?;
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
    let mut venue = open(server, &options, Some(progress)).await?;
    venue.tasks.push(tasks::spawn(feed.run(tape, venue.server.stop.subscribe())));
    Ok(venue)
}

/// Opens the accounts and the ports.
async fn open(
    server: Arc<Server>,
    options: &VenueOptions,
    replay: Option<Arc<Progress>>,
) -> Result<Venue, VenueError> {
    server.faults.load(&options.faults)?;
    let keys = open_keys(&server, options)?;
    for spec in &options.accounts {
        add_account(&server, spec)?;
        if options.long_only.contains(&spec.key_id) {
            forbid_shorting(&server, &spec.key_id)?;
        }
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
    let mut venue = Venue { address, server, admin_address: None, replay, tasks: vec![task] };
    if let Some(AdminOptions { listen, token }) = options.admin.clone() {
        let (server, progress) = (Arc::clone(&venue.server), venue.replay.clone());
        let (address, task) = admin::start(Admin { server, token, keys, progress }, listen).await?;
        venue.admin_address = Some(address);
        venue.tasks.push(task);
    }
    Ok(venue)
}

fn open_store(directory: Option<&Path>) -> Result<Opened, VenueError> {
    directory.map_or_else(|| Ok(Opened::ephemeral()), Opened::directory)
}

/// Gives the accounts that were opened on the admin port their secrets back.
fn open_keys(server: &Server, options: &VenueOptions) -> Result<Option<KeyFile>, VenueError> {
    let source = match &options.source {
        Source::Synthetic(_) => SYNTHETIC,
        Source::Replay(_) => REPLAY,
    };
    let Some(directory) = options.store.directory(source) else { return Ok(None) };
    let keys = KeyFile::open(&directory)
        .map_err(|source| VenueError::Store { path: directory.clone(), source })?;
    for (key_id, secret) in keys.all() {
        let known = |inner: &Inner| inner.books.account_by_key(&key_id).map(|account| account.id);
        if let Some(account_id) = server.exchange.read(known) {
            server.faults.know(key_id.clone(), account_id);
            server.keys.add(key_id, secret, account_id);
        }
    }
    Ok(Some(keys))
}

/// Turns short sales off, as the owner of the account could.
fn forbid_shorting(server: &Server, key_id: &str) -> Result<(), VenueError> {
    let exchange = &server.exchange;
    let known = exchange.read(|inner| {
        let account = inner.books.account_by_key(key_id)?;
        Some((account.id, account.configuration.clone()))
    });
    let Some((account_id, configuration)) = known else { return Ok(()) };
    let configuration = Configuration { no_shorting: true, ..configuration };
    exchange.configure(account_id, configuration).map_err(|_refusal| VenueError::Option {
        option: "long_only",
        value: key_id.to_owned(),
        expected: "an account that can be written to the books (see the log before)",
    })
}

pub(crate) fn add_account(server: &Server, spec: &AccountSpec) -> Result<(), VenueError> {
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
