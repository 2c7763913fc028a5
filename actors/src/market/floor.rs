//! The floor: which tickers and strategy instances there are, and for whom.
//!
//! Owns: the list of instances with their subscribers.
//! In: what each account wants watched; news of tickers and instances that began.
//! Out: new tickers and instances to their pools, subscribers to instances.
//! When it dies: it asks every account, through the office, to say again what it wants.

use super::history::HistoryMessage;
use super::wiring::{
    INSTANCES, MarketParts, TICKERS, instance_address, instance_path, ticker_address, ticker_path,
};
use crate::desk::{AccountMessage, OfficeMessage};
use crate::market::{KnownTicker, StrategyMessage, Subscriber, TickerMessage};
use crate::stage::{Address, Cue, Fault, Message, Role, Running, is_supervised, living_pool};
use engine::instance::InstanceKey;
use engine::{Asset, ConfigId, InstanceId, Ticker, UserId};
use ractor_supervisor::DynamicSupervisorMsg;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long the asset list may take to answer.
const KNOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// Pause before an unanswered wish is looked at again.
const WISH_PAUSE: Duration = Duration::from_secs(1);

/// Wishes that may wait for the asset list.
const WISHES_MAX: usize = 10_000;

/// A wish of one config.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    pub(crate) key: InstanceKey,
    pub(crate) subscriber: Subscriber,
}

/// What the floor is told.
pub(crate) enum FloorMessage {
    /// Fact: this config runs this instance. Told again, it changes nothing.
    Watch(Box<Watch>),
    /// Fact: this config runs nothing any more.
    Unwatch { user: UserId, config: ConfigId },
    /// Fact: a feed lives anew and knows no ticker.
    FeedBegan,
    /// Fact: a ticker lives, for the first time or again.
    TickerBegan { ticker: Ticker },
    /// Fact: an instance lives, for the first time or again.
    InstanceBegan { instance: InstanceId },
    /// Command: look at the waiting wishes again.
    Retry,
}

/// The role.
pub(crate) struct Floor {
    pub(crate) parts: MarketParts,
    pub(crate) history: Address<HistoryMessage>,
    pub(crate) office: Address<OfficeMessage>,
}

/// Its state.
#[derive(Default)]
pub(crate) struct FloorState {
    tickers: BTreeMap<Ticker, Asset>,
    instances: BTreeMap<InstanceId, Watched>,
    wishes: Vec<Watch>,
    /// Paths whose actors were sent for and have not begun.
    starting: BTreeSet<String>,
    retry: Option<Running>,
}

struct Watched {
    key: InstanceKey,
    subscribers: BTreeMap<(UserId, ConfigId), Subscriber>,
}

impl Message for FloorMessage {
    fn name(&self) -> &'static str {
        match self {
            Self::Watch(_) => "watch",
            Self::Unwatch { .. } => "unwatch",
            Self::FeedBegan => "feed_began",
            Self::TickerBegan { .. } => "ticker_began",
            Self::InstanceBegan { .. } => "instance_began",
            Self::Retry => "retry",
        }
    }
}

impl Role for Floor {
    type Message = FloorMessage;
    type State = FloorState;

    const KIND: &'static str = "floor";

    async fn begin(&self, _cue: &Cue<FloorMessage>) -> Result<FloorState, Fault> {
        // On the very first start there is no office yet, and nobody to ask.
        drop(self.office.tell(OfficeMessage::FloorBegan));
        Ok(FloorState::default())
    }

    async fn handle(
        &self,
        cue: &Cue<FloorMessage>,
        message: FloorMessage,
        state: &mut FloorState,
    ) -> Result<(), Fault> {
        match message {
            FloorMessage::Watch(watch) => self.watch(cue, state, *watch).await?,
            FloorMessage::Unwatch { user, config } => unwatch(cue, state, (user, config)),
            FloorMessage::FeedBegan => {
                for ticker in state.tickers.keys() {
                    let at = ticker_address(&cue.stage, ticker);
                    drop(at.tell(TickerMessage::FeedBegan));
                }
            }
            FloorMessage::TickerBegan { ticker } => self.ticker_began(cue, state, &ticker)?,
            FloorMessage::InstanceBegan { instance } => instance_began(cue, state, &instance),
            FloorMessage::Retry => {
                for wish in std::mem::take(&mut state.wishes) {
                    self.watch(cue, state, wish).await?;
                }
            }
        }
        Ok(())
    }

    fn observe(&self, state: &FloorState) -> Value {
        let subscribers = state.instances.values().map(|watched| watched.subscribers.len());
        json!({
            "tickers": state.tickers.len(), "instances": state.instances.len(),
            "subscribers": subscribers.sum::<usize>(), "wishes": state.wishes.len(),
        })
    }
}

impl Floor {
    async fn watch(
        &self,
        cue: &Cue<FloorMessage>,
        state: &mut FloorState,
        watch: Watch,
    ) -> Result<(), Fault> {
        let ticker = watch.key.ticker.clone();
        let account = watch.subscriber.account.clone();
        let asset = match state.tickers.get(&ticker) {
            Some(asset) => asset.clone(),
            None => match self.known(&ticker).await {
                KnownTicker::Listed(asset) => asset,
                KnownTicker::Unknown => {
                    let config = watch.subscriber.config;
                    drop(account.tell(AccountMessage::Unlisted { config, ticker }));
                    return Ok(());
                }
                KnownTicker::Unavailable => {
                    wait(cue, state, watch);
                    return Ok(());
                }
            },
        };
        // Before any signal of it: what comes first is handled first.
        drop(account.tell(AccountMessage::Asset(asset.clone())));
        state.tickers.insert(ticker.clone(), asset.clone());
        let (id, key) = (watch.key.id(), watch.key.clone());
        let of = (watch.subscriber.user, watch.subscriber.config);
        let watched = state
            .instances
            .entry(id.clone())
            .or_insert_with(|| Watched { key, subscribers: BTreeMap::new() });
        watched.subscribers.insert(of, watch.subscriber.clone());
        if is_supervised(&cue.stage, &instance_path(&id)) {
            let at = instance_address(&cue.stage, &id);
            drop(at.tell(StrategyMessage::Subscribe(watch.subscriber)));
        } else if is_supervised(&cue.stage, &ticker_path(&ticker)) {
            self.start_instance(cue, state, &watch.key, &asset)?;
        } else {
            self.start_ticker(cue, state, &asset)?;
        }
        Ok(())
    }

    async fn known(&self, ticker: &Ticker) -> KnownTicker {
        let question = |reply| HistoryMessage::Known { ticker: ticker.clone(), reply };
        self.history.ask(KNOWN_TIMEOUT, question).await.unwrap_or(KnownTicker::Unavailable)
    }

    fn ticker_began(
        &self,
        cue: &Cue<FloorMessage>,
        state: &mut FloorState,
        ticker: &Ticker,
    ) -> Result<(), Fault> {
        state.starting.remove(&ticker_path(ticker));
        let Some(asset) = state.tickers.get(ticker).cloned() else { return Ok(()) };
        let watched = state.instances.values().filter(|watched| &watched.key.ticker == ticker);
        let keys: Vec<_> = watched.map(|watched| watched.key.clone()).collect();
        for key in keys {
            if is_supervised(&cue.stage, &instance_path(&key.id())) {
                drop(instance_address(&cue.stage, &key.id()).tell(StrategyMessage::TickerBegan));
            } else {
                self.start_instance(cue, state, &key, &asset)?;
            }
        }
        Ok(())
    }

    fn start_ticker(
        &self,
        cue: &Cue<FloorMessage>,
        state: &mut FloorState,
        asset: &Asset,
    ) -> Result<(), Fault> {
        if !state.starting.insert(ticker_path(&asset.ticker)) {
            return Ok(());
        }
        let spec = self.parts.ticker_child(&cue.stage, asset, &cue.me);
        start(cue, TICKERS, spec)
    }

    fn start_instance(
        &self,
        cue: &Cue<FloorMessage>,
        state: &mut FloorState,
        key: &InstanceKey,
        asset: &Asset,
    ) -> Result<(), Fault> {
        if !state.starting.insert(instance_path(&key.id())) {
            return Ok(());
        }
        let spec = self.parts.instance_child(&cue.stage, key, asset, &cue.me);
        start(cue, INSTANCES, spec)
    }
}

/// Nobody runs it any more: it leaves.
fn end_instance(cue: &Cue<FloorMessage>, state: &mut FloorState, id: &InstanceId) {
    let Some(watched) = state.instances.remove(id) else { return };
    let ticker = ticker_address(&cue.stage, &watched.key.ticker);
    drop(ticker.tell(TickerMessage::Unsubscribe { instance: id.clone() }));
    let path = instance_path(id);
    if let Some(pool) = living_pool(&cue.stage, INSTANCES) {
        let child_id = cue.stage.registered(&format!("{path}/supervisor"));
        let end = DynamicSupervisorMsg::TerminateChild { child_id, reply: None };
        if let Err(error) = pool.send_message(end) {
            tracing::warn!("the pool of strategies did not take the end of {id}: {error}");
        }
    }
    cue.stage.forget(&path);
}

fn instance_began(cue: &Cue<FloorMessage>, state: &mut FloorState, id: &InstanceId) {
    state.starting.remove(&instance_path(id));
    let Some(watched) = state.instances.get(id) else { return };
    let at = instance_address(&cue.stage, id);
    for subscriber in watched.subscribers.values() {
        drop(at.tell(StrategyMessage::Subscribe(subscriber.clone())));
    }
}

fn unwatch(cue: &Cue<FloorMessage>, state: &mut FloorState, of: (UserId, ConfigId)) {
    let (user, config) = of;
    state.wishes.retain(|wish| (wish.subscriber.user, wish.subscriber.config) != of);
    for (id, watched) in &mut state.instances {
        if watched.subscribers.remove(&of).is_some() {
            let at = instance_address(&cue.stage, id);
            drop(at.tell(StrategyMessage::Unsubscribe { user, config }));
        }
    }
    let idle = |(_, watched): &(&InstanceId, &mut Watched)| watched.subscribers.is_empty();
    let ended: Vec<_> = state.instances.iter_mut().filter(idle).map(|(id, _)| id.clone()).collect();
    for id in ended {
        end_instance(cue, state, &id);
    }
}

fn start(
    cue: &Cue<FloorMessage>,
    pool: &str,
    spec: ractor_supervisor::ChildSpec,
) -> Result<(), Fault> {
    let pool = living_pool(&cue.stage, pool).ok_or_else(|| format!("{pool} is not running"))?;
    Ok(pool.send_message(DynamicSupervisorMsg::SpawnChild { spec, reply: None })?)
}

fn wait(cue: &Cue<FloorMessage>, state: &mut FloorState, wish: Watch) {
    if state.wishes.len() < WISHES_MAX {
        state.wishes.push(wish);
    }
    let me = cue.me.clone();
    state.retry = Some(Running::start(async move {
        tokio::time::sleep(WISH_PAUSE).await;
        drop(me.tell(FloorMessage::Retry));
    }));
}
