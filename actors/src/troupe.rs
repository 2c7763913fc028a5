//! The one door to the actors, for the gateway and the command line.

use crate::alpaca::{Backoff, Endpoints, Keys};
use crate::counters::CountersView;
use crate::desk::{
    AccountMessage, AccountView, ActivateRefusal, DeskParts, DeskSettings, OfficeMessage,
    account_address, desks, known, office_address,
};
use crate::hub::{Hub, HubMessage, PriceChanges};
use crate::market::{KnownTicker, Market, MarketParts, MarketSettings, market};
use crate::record::{Journal, JournalMessage, Recorder, RecorderMessage};
use crate::stage::{
    ActorView, Address, AskError, Role as _, Stage, Supervised, SupervisionPolicy, group,
    supervised,
};
use engine::strategy::{ParamError, Params};
use engine::{Clock, ConfigId, IdSource, Price, Ticker, UserId};
use ractor::ActorRef;
use ractor_supervisor::{
    Restart, Supervisor, SupervisorArguments, SupervisorMsg, SupervisorOptions, SupervisorStrategy,
};
use rust_decimal::Decimal;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use storage::Database;
use thiserror::Error;
use tokio::sync::watch;

/// How long a command of a user may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a look at the prices or an account may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the journal may take to write what is queued, at a start and at the end.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the actors may take to end.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Looks at the actors in a row before a short sleep, while a replay waits.
const IDLE_LOOKS: u32 = 500;

/// What the actors are made of.
#[derive(Clone, Debug)]
pub struct TroupeParts {
    /// The database, migrated.
    pub database: Database,
    /// The market's clock: the wall, or the tape.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub ids: Arc<dyn IdSource>,
    /// Where the broker is.
    pub endpoints: Endpoints,
    /// The broker's credentials.
    pub keys: Keys,
    /// Feeds, bars, warm-up.
    pub market: MarketSettings,
    /// Sizing, risk, the broker's line.
    pub desk: DeskSettings,
    /// Restarts.
    pub supervision: SupervisionPolicy,
    /// Commits that share one transaction, at most.
    pub journal_batch_max: usize,
}

/// Why the actors did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The root could not be started.
    #[error("the actors could not be started: {0}")]
    Root(#[from] ractor::SpawnErr),
}

/// The actors. Cheap to clone; they live until [`Troupe::stop`].
#[derive(Clone, Debug)]
pub struct Troupe {
    inner: Arc<Inner>,
}

struct Inner {
    stage: Arc<Stage>,
    market: Market,
    hub: Address<HubMessage>,
    journal: Address<JournalMessage>,
    recorder: Address<RecorderMessage>,
    office: Address<OfficeMessage>,
    root: ActorRef<SupervisorMsg>,
    ended: watch::Receiver<bool>,
}

/// How the engine stands, for the operator's screen.
#[derive(Clone, Debug, Serialize)]
pub struct StatusView {
    /// Everything counted so far.
    pub counters: CountersView,
    /// Living actors.
    pub actors: usize,
    /// Whether the journal takes commits.
    pub journal_ok: bool,
    /// Whether every feed is connected.
    pub venue_connected: bool,
    /// The accounts.
    pub accounts: Vec<AccountView>,
    /// Cash and holdings at the newest prices, US dollars; none while a held ticker has no price.
    pub equity: Option<Decimal>,
    /// What the sub-accounts started with, US dollars.
    pub capital: Decimal,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Inner").field("stage", &self.stage).finish_non_exhaustive()
    }
}

impl Troupe {
    /// Starts the actors. They connect, reconcile and take up the active configs by themselves.
    pub async fn start(parts: TroupeParts) -> Result<Self, StartError> {
        // TLS to a real broker uses ring; an error means that it is installed already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let stage = Stage::new(Arc::clone(&parts.clock), &*parts.ids, parts.supervision);
        let hub = stage.address("hub", Hub::KIND);
        let journal = stage.address("storage/journal", Journal::KIND);
        let recorder = stage.address("storage/recorder", Recorder::KIND);
        let office = office_address(&stage);
        let market_parts = MarketParts {
            endpoints: parts.endpoints.clone(),
            keys: parts.keys.clone(),
            settings: parts.market.clone(),
            hub: hub.clone(),
            recorder: recorder.clone(),
        };
        let (market, market_child) = market(&stage, &market_parts, &office);
        let desk_parts = DeskParts {
            database: parts.database.clone(),
            journal: journal.clone(),
            journal_timeout: SETTLE_TIMEOUT,
            floor: market.floor.clone(),
            history: market.history.clone(),
            settings: parts.desk.clone(),
            endpoints: parts.endpoints.clone(),
            keys: parts.keys.clone(),
        };
        let children = vec![
            storage_child(&stage, &parts, (&journal, &recorder), &office),
            supervised(&stage, &hub, || Hub),
            market_child,
            desks(&stage, &desk_parts, &office),
        ];
        let (root, ended) = start_root(&stage, children).await?;
        let inner = Inner { stage, market, hub, journal, recorder, office, root, ended };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Takes the config's signals from now on. Doing it twice is doing it once.
    pub async fn activate(&self, user: UserId, config: ConfigId) -> Result<(), ActivateRefusal> {
        self.command(user, |reply| AccountMessage::Activate { config, reply }).await
    }

    /// Takes no more of them, and cancels what the config has open.
    pub async fn deactivate(&self, user: UserId, config: ConfigId) -> Result<(), ActivateRefusal> {
        self.command(user, |reply| AccountMessage::Deactivate { config, reply }).await
    }

    /// What is known of a ticker.
    pub async fn known_ticker(&self, ticker: &Ticker) -> KnownTicker {
        known(&self.inner.market.history, ticker).await.unwrap_or(KnownTicker::Unavailable)
    }

    /// The parameters of a strategy with defaults filled in, or what is wrong with them.
    pub fn check_strategy(&self, name: &str, params: &Params) -> Result<Params, ParamError> {
        strategies::complete_single(name, params)
    }

    /// Every actor, with what it says of itself.
    pub async fn actors(&self) -> Vec<ActorView> {
        self.inner.stage.view().await
    }

    /// The prices that changed since a version of the board; zero for all.
    pub async fn prices_since(&self, version: u64) -> Result<PriceChanges, AskError> {
        let question = |reply| HubMessage::Changes { since: version, reply };
        self.inner.hub.ask(LOOK_TIMEOUT, question).await
    }

    /// How the engine stands.
    pub async fn status(&self) -> StatusView {
        let inner = &self.inner;
        let mut feeds = Vec::new();
        for feed in &inner.market.feeds {
            feeds.push(feed.observe().await["connected"].as_bool().unwrap_or(false));
        }
        let journal = inner.journal.observe().await;
        let accounts = self.accounts().await;
        let prices = self.prices_since(0).await.map(|changes| changes.prices).unwrap_or_default();
        let prices: BTreeMap<_, _> = prices
            .into_iter()
            .filter_map(|update| Some((update.ticker, Price::from_market(update.price).ok()?)))
            .collect();
        StatusView {
            counters: inner.stage.counters.view(),
            actors: inner.stage.alive(),
            journal_ok: journal.get("trouble").is_some_and(serde_json::Value::is_null),
            venue_connected: feeds.into_iter().all(|up| up),
            equity: equity(&accounts, &prices),
            capital: accounts
                .iter()
                .flat_map(|account| &account.books)
                .map(|book| book.capital)
                .sum(),
            accounts,
        }
    }

    /// Waits until nobody has anything to do, and every account trades: how a replay keeps step.
    pub async fn settled(&self) {
        loop {
            for _ in 0..IDLE_LOOKS {
                if self.inner.stage.is_idle() {
                    return;
                }
                tokio::task::yield_now().await;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Whether there are accounts and each of them trades, or is halted for good.
    pub async fn is_trading(&self) -> bool {
        let accounts = self.accounts().await;
        !accounts.is_empty() && accounts.iter().all(|account| account.not_trading.is_none())
    }

    /// Resolves when the actors have ended without being asked to.
    pub async fn ended(&self) {
        let mut ended = self.inner.ended.clone();
        // A sender that is gone has said its last.
        drop(ended.wait_for(|over| *over).await);
    }

    /// Writes what is queued, then ends the actors.
    pub async fn stop(&self) {
        let inner = &self.inner;
        let settled =
            inner.journal.ask(SETTLE_TIMEOUT, |reply| JournalMessage::Settle { reply }).await;
        if let Err(error) = settled {
            tracing::error!("the journal could not be settled: {error}");
        }
        let settled =
            inner.recorder.ask(LOOK_TIMEOUT, |reply| RecorderMessage::Settle { reply }).await;
        if let Err(error) = settled {
            tracing::warn!("the recorder could not be settled: {error}");
        }
        if let Err(error) = inner.root.stop_and_wait(None, Some(STOP_TIMEOUT)).await {
            tracing::warn!("the actors did not end in time: {error}");
        }
    }

    #[cfg(test)]
    pub(crate) fn stage(&self) -> &Arc<Stage> {
        &self.inner.stage
    }

    /// Ends the actors as a crash does: nothing is settled.
    #[cfg(test)]
    pub(crate) async fn kill(&self) {
        self.inner.root.kill();
        let mut ended = self.inner.ended.clone();
        drop(ended.wait_for(|over| *over).await);
    }

    async fn accounts(&self) -> Vec<AccountView> {
        let question = |reply| OfficeMessage::Desks { reply };
        let users = self.inner.office.ask(LOOK_TIMEOUT, question).await.unwrap_or_default();
        let mut accounts = Vec::new();
        for user in users {
            let account = account_address(&self.inner.stage, user);
            // A desk that does not answer is missing from the view, and shows in the actors' tree.
            if let Ok(view) =
                account.ask(LOOK_TIMEOUT, |reply| AccountMessage::View { reply }).await
            {
                accounts.push(view);
            }
        }
        accounts
    }

    async fn command(
        &self,
        user: UserId,
        message: impl Fn(ractor::RpcReplyPort<Result<(), ActivateRefusal>>) -> AccountMessage
        + Send
        + Sync,
    ) -> Result<(), ActivateRefusal> {
        let inner = &self.inner;
        let open = |reply| OfficeMessage::Open { user, reply };
        inner.office.ask(COMMAND_TIMEOUT, open).await.map_err(|error| busy(&error))?;
        let account = account_address(&inner.stage, user);
        let deadline = tokio::time::sleep(COMMAND_TIMEOUT);
        tokio::pin!(deadline);
        loop {
            match account.ask(COMMAND_TIMEOUT, &message).await {
                Ok(answer) => return answer,
                // A desk that was just opened replays its journal first.
                Err(AskError::NotRunning { .. }) => {}
                Err(error) => return Err(busy(&error)),
            }
            tokio::select! {
                () = &mut deadline => return Err(ActivateRefusal::Busy),
                () = tokio::time::sleep(Duration::from_millis(10)) => {}
            }
        }
    }
}

fn storage_child(
    stage: &Arc<Stage>,
    parts: &TroupeParts,
    (journal, recorder): (&Address<JournalMessage>, &Address<RecorderMessage>),
    office: &Address<OfficeMessage>,
) -> Supervised {
    let office = office.clone();
    let (database, batch_max) = (parts.database.clone(), parts.journal_batch_max);
    let backoff = Backoff::new(parts.supervision.backoff_min, parts.supervision.backoff_max, 3);
    let journal = supervised(stage, journal, move || Journal {
        database: database.clone(),
        batch_max,
        backoff: backoff.clone(),
        office: office.clone(),
    });
    let database = parts.database.clone();
    let recorder = supervised(stage, recorder, move || Recorder { database: database.clone() });
    let policy = (SupervisorStrategy::OneForOne, Restart::Permanent);
    group(stage, "storage", policy, vec![journal, recorder])
}

async fn start_root(
    stage: &Arc<Stage>,
    child_specs: Vec<Supervised>,
) -> Result<(ActorRef<SupervisorMsg>, watch::Receiver<bool>), StartError> {
    let options = SupervisorOptions {
        strategy: SupervisorStrategy::OneForOne,
        max_restarts: usize::try_from(stage.policy.max_restarts).unwrap_or(usize::MAX),
        max_window: stage.policy.window,
        reset_after: Some(stage.policy.window),
    };
    let arguments = SupervisorArguments { child_specs, options };
    let (root, handle) = Supervisor::spawn(stage.registered("root"), arguments).await?;
    let (sender, ended) = watch::channel(false);
    #[expect(clippy::disallowed_methods, reason = "it ends with the root it watches")]
    tokio::spawn(async move {
        if let Err(error) = handle.await {
            tracing::error!("the root of the actors failed: {error}");
        }
        sender.send_replace(true);
    });
    Ok((root, ended))
}

fn busy(error: &AskError) -> ActivateRefusal {
    tracing::warn!("a command was not answered: {error}");
    ActivateRefusal::Busy
}

/// Cash and holdings of every book at the newest prices; none while a price is missing.
fn equity(accounts: &[AccountView], prices: &BTreeMap<Ticker, Price>) -> Option<Decimal> {
    let mut sum = Decimal::ZERO;
    for book in accounts.iter().flat_map(|account| &account.books) {
        sum = sum.checked_add(book.cash)?;
        for holding in &book.holdings {
            let price = prices.get(&holding.ticker)?;
            sum = sum.checked_add(price.amount().checked_mul(holding.quantity)?)?;
        }
    }
    Some(sum)
}
