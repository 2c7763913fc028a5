//! `troupe run`: the whole engine, from the database to the gateway, until it is told to stop.

mod demo;
mod guard;
mod pacer;
mod parts;
mod screen;
mod status;
mod summary;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actors::Troupe;
use anyhow::Context as _;
use config::Settings;
use engine::Clock;
use tokio::sync::watch;
use venue::Venue;

use crate::args::RunArgs;
use crate::database::{self, OpenDatabase};
use crate::edge::{RandomIds, WallClock};
use crate::logging::{self, LogTo};
use crate::signals::StopSignal;
use crate::{exchange, output};
use guard::Guard;
use pacer::EnginePacer;
use status::Watcher;

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// Ctrl-C, or a service manager.
    Asked,
    /// The recording is over.
    TapeOver,
    /// The root of the actors gave up.
    ActorsEnded,
    /// The gateway's listener failed.
    GatewayEnded,
}

/// What runs, in the order in which it was started.
struct Running {
    open: OpenDatabase,
    guard: Guard,
    venue: Option<Venue>,
    troupe: Troupe,
    gateway: tokio::task::JoinHandle<Result<(), gateway::GatewayError>>,
    stop_gateway: watch::Sender<bool>,
}

/// Starts everything, shows how it stands, and ends it in order.
pub(crate) async fn run(mut settings: Settings, _flags: &RunArgs) -> anyhow::Result<()> {
    let mut stop_signal = StopSignal::listen().context("cannot listen for signals")?;
    let data_dir = own_data_dir(&mut settings);
    std::fs::create_dir_all(&data_dir)
        .with_context(|| format!("cannot make the data directory {}", data_dir.display()))?;
    let on_terminal = std::io::stdout().is_terminal();
    let log_file = data_dir.join("troupe.log");
    let to = if on_terminal { LogTo::File(log_file.clone()) } else { LogTo::Stderr };
    logging::start(&settings.log, &to)?;
    let listener = gateway::bind(settings.server.listen).await?;
    let address = listener.local_addr()?;
    let mut running = start(&settings, listener).await?;
    let watcher = Watcher::start(&running.troupe, running.venue.as_ref());
    if on_terminal {
        let log = log_file.display();
        output::line(&format!("troupe on http://localhost:{}  (log: {log})", address.port()))?;
    } else {
        tracing::info!("troupe serves http://{address}");
    }
    if let Some(login) = demo::login(&settings) {
        output::line(&login)?;
    }
    let ending = wait(&mut running, &watcher, &mut stop_signal, on_terminal).await?;
    let summary = watcher.summary(&running.troupe, running.venue.as_ref()).await;
    if ending == Ending::TapeOver {
        demo::finish_replay(&running.open.database, &settings).await?;
    }
    stop(running).await?;
    output::line(&summary)?;
    match ending {
        Ending::Asked | Ending::TapeOver => Ok(()),
        Ending::ActorsEnded => {
            anyhow::bail!(
                "the actors failed more often than supervision.max_restarts allows: see the log"
            )
        }
        Ending::GatewayEnded => anyhow::bail!("the gateway ended by itself: see the log"),
    }
}

/// A replay has a database of its own: its times and prices are not those of live trading.
fn own_data_dir(settings: &mut Settings) -> PathBuf {
    if let Some(recording) = &settings.venue.replay {
        let name = exchange::recording_name(recording);
        let own = settings.storage.data_dir.join("replay").join(name);
        settings.storage.data_dir = own;
    }
    settings.storage.data_dir.clone()
}

async fn start(settings: &Settings, listener: tokio::net::TcpListener) -> anyhow::Result<Running> {
    if settings.storage.redis_url.is_some() {
        tracing::warn!("setting storage.redis_url is not used yet: caches live in this process");
    }
    let open = database::open(&settings.storage).await?;
    let database = open.database.clone();
    database.migrate().await?;
    let guard = Guard::take(&database).await?;
    tracing::info!("database: {}", open.place());
    let pacer = Arc::new(EnginePacer::default());
    let venue = start_venue(settings, Arc::clone(&pacer)).await?;
    let clock = parts::market_clock(venue.as_ref());
    demo::prepare(&database, settings, venue.as_ref(), &clock).await?;
    let troupe_parts = parts::troupe(settings, &database, venue.as_ref(), &clock)?;
    let troupe = Troupe::start(troupe_parts).await?;
    pacer.attach(troupe.clone());
    let (stop_gateway, stopping) = watch::channel(false);
    let gateway = serve(settings, &database, &troupe, listener, stopping)?;
    Ok(Running { open, guard, venue, troupe, gateway, stop_gateway })
}

async fn start_venue(
    settings: &Settings,
    pacer: Arc<EnginePacer>,
) -> anyhow::Result<Option<Venue>> {
    if !settings.venue.enabled {
        return Ok(None);
    }
    let mut options = exchange::options(settings)?;
    options.admin = exchange::admin(settings)?;
    options.pacer = pacer;
    // The engine's books know no fees yet: they would drift away from the venue's.
    options.fees = None;
    // Its desks own or own nothing. Unless the accounts are of somebody's own making, the exchange
    // holds the demo account to that as well: a stray sale is refused rather than a short position.
    if settings.venue.accounts.is_none() {
        options.long_only.extend(options.accounts.iter().map(|account| account.key_id.clone()));
    }
    let venue = Venue::start(options).await?;
    tracing::info!("venue on http://{}", venue.address());
    Ok(Some(venue))
}

fn serve(
    settings: &Settings,
    database: &storage::Database,
    troupe: &Troupe,
    listener: tokio::net::TcpListener,
    mut stopping: watch::Receiver<bool>,
) -> anyhow::Result<tokio::task::JoinHandle<Result<(), gateway::GatewayError>>> {
    let parts = gateway::GatewayParts {
        database: database.clone(),
        troupe: Arc::new(troupe.clone()),
        clock: Arc::new(WallClock),
        ids: Arc::new(RandomIds),
        settings: parts::gateway(settings)?,
    };
    let shutdown = async move {
        // A sender that is gone means the same.
        drop(stopping.wait_for(|stop| *stop).await);
    };
    #[expect(clippy::disallowed_methods, reason = "the handle is kept and awaited")]
    let handle = tokio::spawn(gateway::serve(parts, listener, shutdown));
    Ok(handle)
}

async fn wait(
    running: &mut Running,
    watcher: &Watcher,
    stop_signal: &mut StopSignal,
    on_terminal: bool,
) -> anyhow::Result<Ending> {
    let Running { open, guard, venue, troupe, gateway, .. } = running;
    let venue = venue.as_ref();
    let tape = async {
        match venue {
            Some(venue) if venue.replay_progress().is_some() => {
                venue.replay_finished().await;
                troupe.settled().await;
            }
            _ => std::future::pending().await,
        }
    };
    let gateway_ended = async {
        while !gateway.is_finished() {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::select! {
        asked = stop_signal.received() => {
            asked.context("cannot listen for signals")?;
            Ok(Ending::Asked)
        }
        () = tape => Ok(Ending::TapeOver),
        () = troupe.ended() => Ok(Ending::ActorsEnded),
        () = gateway_ended => Ok(Ending::GatewayEnded),
        failed = open.keep_running() => match failed? {},
        failed = guard.keep() => match failed? {},
        failed = screen::show(troupe, venue, watcher, on_terminal) => match failed? {},
    }
}

/// Nothing is sent any more, then nothing is written any more, then the database ends.
async fn stop(running: Running) -> anyhow::Result<()> {
    tracing::info!("stopping");
    running.stop_gateway.send_replace(true);
    let gateway = running.gateway.await.context("the gateway broke off")?;
    running.troupe.stop().await;
    if let Some(venue) = running.venue {
        venue.stop().await;
    }
    running.guard.release().await;
    running.open.close().await?;
    tracing::info!("stopped");
    Ok(gateway?)
}

/// The wall clock as the engine takes it.
fn wall() -> Arc<dyn Clock> {
    Arc::new(WallClock)
}
