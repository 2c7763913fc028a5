//! What the benches drive: the real actors, with probes where their neighbours would be.
//!
//! Built with the feature `bench` only. A [`MarketBench`] is feed → tickers → strategies, with
//! accounts that only tell of each signal; a [`DeskBench`] is account → journal → broker, with the
//! venue wherever its endpoints point. Nothing here looks at a clock: the benches do.

mod desk;
mod market;

pub use desk::{DeskBench, DeskBenchParts, Journalling};
pub use market::{Busy, Events, FrameReader, MarketBench, MarketBenchParts};

use crate::alpaca::Keys;
use crate::market::{HistoryMessage, KnownTicker, StrategyMessage};
use crate::stage::{
    Address, Cue, Fault, Message, Role, Stage, Supervised, SupervisionPolicy, supervised,
};
use crate::troupe::StartError;
use engine::instance::Signal;
use ractor::ActorRef;
use ractor_supervisor::{
    Supervisor, SupervisorArguments, SupervisorMsg, SupervisorOptions, SupervisorStrategy,
};
use serde_json::Value;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// No pause ends within a bench.
const NEVER: Duration = Duration::from_hours(24);

/// How long the actors may take to start.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// How long the actors may take to end.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// Looks at the actors in a row before a short sleep.
const IDLE_LOOKS: u32 = 500;

/// Why a bench did not start.
#[derive(Debug, Error)]
pub enum BenchError {
    /// The root could not be started.
    #[error(transparent)]
    Root(#[from] StartError),
    /// Some actors failed before they were at work.
    #[error("only {alive} of {actors} actors are at work; the log says why")]
    NotStarted {
        /// How many are.
        alive: usize,
        /// How many should be.
        actors: usize,
    },
}

/// Hears of signals where an account would.
pub trait SignalProbe: Send + Sync + fmt::Debug {
    /// The account of this subscriber was given a signal.
    fn told(&self, subscriber: usize, signal: &Signal);
}

/// A stage and the root of its actors.
#[derive(Debug)]
struct Ground {
    stage: Arc<Stage>,
    root: ActorRef<SupervisorMsg>,
}

/// Takes every message and does nothing with it.
struct Sink<M>(PhantomData<fn(M)>);

/// A history in which nothing ever happened.
struct NoHistory;

impl Ground {
    /// Starts the children and waits until they are so many actors at work.
    async fn start(
        stage: Arc<Stage>,
        child_specs: Vec<Supervised>,
        actors: usize,
    ) -> Result<Self, BenchError> {
        let options = SupervisorOptions {
            strategy: SupervisorStrategy::OneForOne,
            max_restarts: 0,
            max_window: NEVER,
            reset_after: None,
        };
        let arguments = SupervisorArguments { child_specs, options };
        let spawned = Supervisor::spawn(stage.registered("root"), arguments).await;
        let (root, _ended) = spawned.map_err(StartError::Root)?;
        let started = tokio::time::timeout(START_TIMEOUT, async {
            while stage.alive() < actors {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        match started.await {
            Ok(()) => Ok(Self { stage, root }),
            Err(_elapsed) => Err(BenchError::NotStarted { alive: stage.alive(), actors }),
        }
    }

    async fn settled(&self) {
        loop {
            for _ in 0..IDLE_LOOKS {
                if self.stage.is_idle() {
                    return;
                }
                tokio::task::yield_now().await;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn stop(self) {
        if let Err(error) = self.root.stop_and_wait(None, Some(STOP_TIMEOUT)).await {
            tracing::warn!("the actors did not end in time: {error}");
        }
    }
}

impl<M: Message> Role for Sink<M> {
    type Message = M;
    type State = ();

    const KIND: &'static str = "sink";

    async fn begin(&self, _cue: &Cue<M>) -> Result<(), Fault> {
        Ok(())
    }

    async fn handle(&self, _cue: &Cue<M>, _message: M, (): &mut ()) -> Result<(), Fault> {
        Ok(())
    }

    fn observe(&self, (): &()) -> Value {
        Value::Null
    }
}

impl Role for NoHistory {
    type Message = HistoryMessage;
    type State = ();

    const KIND: &'static str = "history";

    async fn begin(&self, _cue: &Cue<HistoryMessage>) -> Result<(), Fault> {
        Ok(())
    }

    async fn handle(
        &self,
        _cue: &Cue<HistoryMessage>,
        message: HistoryMessage,
        (): &mut (),
    ) -> Result<(), Fault> {
        match message {
            HistoryMessage::Bars(wanted) => {
                wanted.reply.tell(StrategyMessage::History(Ok(Vec::new())))?;
            }
            HistoryMessage::Known { reply, .. } => drop(reply.send(KnownTicker::Unavailable)),
            HistoryMessage::Assets(_) => {}
        }
        Ok(())
    }

    fn observe(&self, (): &()) -> Value {
        Value::Null
    }
}

/// A neighbour at `path` that nobody waits for.
fn sink<M: Message>(stage: &Arc<Stage>, path: &str, children: &mut Vec<Supervised>) -> Address<M> {
    let address = stage.address(path, Sink::<M>::KIND);
    children.push(supervised(stage, &address, || Sink(PhantomData)));
    address
}

/// A bench in which an actor fails measures nothing: none is started again.
fn policy() -> SupervisionPolicy {
    SupervisionPolicy { max_restarts: 0, window: NEVER, backoff_min: NEVER, backoff_max: NEVER }
}

fn no_keys() -> Keys {
    Keys { key_id: String::new(), secret: String::new().into() }
}
