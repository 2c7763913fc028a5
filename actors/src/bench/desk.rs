//! Account → journal → broker, with the venue wherever the endpoints point.

use super::{BenchError, Ground, NoHistory, policy, sink};
use crate::alpaca::{Backoff, Endpoints, Keys};
use crate::counters::CountersView;
use crate::desk::{AccountMessage, DeskParts, DeskSettings, account_address, office_address};
use crate::record::{Journal, JournalMessage, JournalReply};
use crate::stage::{Address, Cue, Fault, Role, Stage, Supervised, supervised};
use engine::instance::Signal;
use engine::{Asset, Clock, ConfigId, IdSource, UserId};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use storage::Database;

/// How long the journal may take at a start.
const JOURNAL_TIMEOUT: Duration = Duration::from_secs(30);

/// How long an account may take to say how it stands.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// Pause between two such questions.
const LOOK_PAUSE: Duration = Duration::from_millis(5);

/// Whether an order waits for its commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Journalling {
    /// The real journal: committed in the database first, sent second.
    Committed,
    /// A journal that says "committed" at once and writes nothing.
    Skipped,
}

/// What a desk bench is made of.
#[derive(Clone, Debug)]
pub struct DeskBenchParts {
    /// The database, migrated; the users and their active configs are in it.
    pub database: Database,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub ids: Arc<dyn IdSource>,
    /// Where the broker is.
    pub endpoints: Endpoints,
    /// The broker's credentials.
    pub keys: Keys,
    /// Sizing, risk, the broker's line.
    pub desk: DeskSettings,
    /// Commits that share one transaction, at most.
    pub journal_batch_max: usize,
    /// Whether orders wait for their commit.
    pub journalling: Journalling,
    /// One desk each.
    pub users: Vec<UserId>,
    /// What the signals are about.
    pub asset: Asset,
}

/// Desks and their journal, running.
#[derive(Debug)]
pub struct DeskBench {
    ground: Ground,
    accounts: Vec<Address<AccountMessage>>,
}

impl DeskBench {
    /// Starts the desks; every account trades when this returns.
    pub async fn start(parts: &DeskBenchParts) -> Result<Self, BenchError> {
        // An error means that it is installed already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let stage = Stage::new(Arc::clone(&parts.clock), &*parts.ids, policy());
        let journal = stage.address("storage/journal", Journal::KIND);
        let mut children = vec![journal_child(&stage, parts, &journal)];
        let history = stage.address("market/history", NoHistory::KIND);
        children.push(supervised(&stage, &history, || NoHistory));
        let desk_parts = DeskParts {
            database: parts.database.clone(),
            journal,
            journal_timeout: JOURNAL_TIMEOUT,
            floor: sink(&stage, "market/floor", &mut children),
            history,
            settings: parts.desk.clone(),
            endpoints: parts.endpoints.clone(),
            keys: parts.keys.clone(),
        };
        children.extend(parts.users.iter().map(|user| desk_parts.desk(&stage, *user)));
        let accounts: Vec<_> =
            parts.users.iter().map(|user| account_address(&stage, *user)).collect();
        // A desk is an account and its broker.
        let actors = children.len() + parts.users.len();
        let ground = Ground::start(stage, children, actors).await?;
        for account in &accounts {
            drop(account.tell(AccountMessage::Asset(parts.asset.clone())));
            while !trades(account).await {
                tokio::time::sleep(LOOK_PAUSE).await;
            }
        }
        ground.settled().await;
        Ok(Self { ground, accounts })
    }

    /// Gives a signal to a user's account, as a strategy does.
    pub fn signal(&self, user_index: usize, config: ConfigId, signal: &Arc<Signal>) {
        if let Some(account) = self.accounts.get(user_index) {
            let signal = Arc::clone(signal);
            drop(account.tell(AccountMessage::Signal { config, signal }));
        }
    }

    /// Waits until nobody has anything to do.
    pub async fn settled(&self) {
        self.ground.settled().await;
    }

    /// Everything counted so far.
    pub fn counters(&self) -> CountersView {
        self.ground.stage.counters.view()
    }

    /// Ends the actors.
    pub async fn stop(self) {
        self.ground.stop().await;
    }
}

/// A journal that commits nothing and says so at once.
struct Prompt;

impl Role for Prompt {
    type Message = JournalMessage;
    type State = ();

    const KIND: &'static str = Journal::KIND;

    async fn begin(&self, _cue: &Cue<JournalMessage>) -> Result<(), Fault> {
        Ok(())
    }

    async fn handle(
        &self,
        _cue: &Cue<JournalMessage>,
        message: JournalMessage,
        (): &mut (),
    ) -> Result<(), Fault> {
        match message {
            JournalMessage::Write { commit, reply } => {
                let seq = commit.events.last().map_or(0, |event| event.seq);
                reply.tell(AccountMessage::Journal(JournalReply::Committed { seq }))?;
            }
            JournalMessage::Settle { reply } => drop(reply.send(())),
            JournalMessage::Done(_) | JournalMessage::Retrying { .. } => {}
        }
        Ok(())
    }

    fn observe(&self, (): &()) -> Value {
        Value::Null
    }
}

fn journal_child(
    stage: &Arc<Stage>,
    parts: &DeskBenchParts,
    at: &Address<JournalMessage>,
) -> Supervised {
    if parts.journalling == Journalling::Skipped {
        return supervised(stage, at, || Prompt);
    }
    let (database, batch_max) = (parts.database.clone(), parts.journal_batch_max);
    let backoff = Backoff::new(parts.desk.backoff_min, parts.desk.backoff_max, 3);
    // Nobody is there: the desks are opened by the bench.
    let office = office_address(stage);
    supervised(stage, at, move || Journal {
        database: database.clone(),
        batch_max,
        backoff: backoff.clone(),
        office: office.clone(),
    })
}

async fn trades(account: &Address<AccountMessage>) -> bool {
    let view = account.ask(LOOK_TIMEOUT, |reply| AccountMessage::View { reply }).await;
    view.is_ok_and(|view| view.not_trading.is_none())
}
