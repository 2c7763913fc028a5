//! Feed → tickers → strategies, with accounts that only tell of each signal.

use super::{BenchError, Ground, NEVER, NoHistory, SignalProbe, no_keys, policy, sink};
use crate::alpaca::{DataStream, MarketEvent, StreamEvent};
use crate::counters::CountersView;
use crate::desk::AccountMessage;
use crate::hub::HubMessage;
use crate::market::{
    Feed, FeedMessage, FeedPart, FeedTime, FloorMessage, HistoryMessage, MarketSettings,
    StrategyMessage, StrategyRole, Subscriber, TickerMessage, TickerRole,
};
use crate::record::RecorderMessage;
use crate::stage::{Address, Cue, Fault, Message, Role, Stage, Supervised, supervised};
use engine::instance::InstanceKey;
use engine::market::Trade;
use engine::{Asset, Clock, ConfigId, IdSource, UserId};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// Name of the source in addresses and prices.
const SOURCE: &str = "bench";

/// What a market bench is made of.
#[derive(Clone, Debug)]
pub struct MarketBenchParts {
    /// What the actors take for the present; bars before it count as history.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub ids: Arc<dyn IdSource>,
    /// One instance each: what it watches and with which strategy.
    pub instances: Vec<(InstanceKey, Asset)>,
    /// Configs of different users that run every instance.
    pub subscribers: usize,
    /// Is told of every signal that reaches an account.
    pub probe: Arc<dyn SignalProbe>,
}

/// Feed, tickers and strategies, running.
#[derive(Debug)]
pub struct MarketBench {
    ground: Ground,
    feed: Address<FeedMessage>,
    tickers: Vec<Address<TickerMessage>>,
    strategies: Vec<Address<StrategyMessage>>,
}

/// The events of one frame, as the feed is handed them.
#[derive(Clone, Debug)]
pub struct Events(Vec<MarketEvent>);

/// Reads the frames of the market-data stream.
pub struct FrameReader(DataStream);

/// What a kind of actor has done since it was started.
#[derive(Clone, Copy, Debug, Default)]
pub struct Busy {
    /// Messages handled.
    pub handled: u64,
    /// Time spent handling them, microseconds.
    pub busy_us: u64,
}

impl MarketBench {
    /// Starts the actors; they are warm when this returns.
    pub async fn start(parts: &MarketBenchParts) -> Result<Self, BenchError> {
        let stage = Stage::new(Arc::clone(&parts.clock), &*parts.ids, policy());
        let feed = stage.address("market/feed", Feed::KIND);
        let settings = MarketSettings {
            warmup_bars: 0,
            time: FeedTime::Events,
            backoff_min: NEVER,
            backoff_max: NEVER,
        };
        let part = FeedPart { url: "ws://127.0.0.1:9".to_owned(), keys: no_keys(), source: SOURCE };
        let mut children = Vec::new();
        let floor: Address<FloorMessage> = sink(&stage, "market/floor", &mut children);
        children.push(supervised(&stage, &feed, {
            let (settings, floor) = (settings.clone(), floor.clone());
            move || Feed { part: part.clone(), settings: settings.clone(), floor: floor.clone() }
        }));
        let around = Around {
            hub: sink(&stage, "hub", &mut children),
            recorder: sink(&stage, "storage/recorder", &mut children),
            floor,
            history: stage.address("market/history", NoHistory::KIND),
            feed: feed.clone(),
            settings,
        };
        children.push(supervised(&stage, &around.history, || NoHistory));
        let mut tickers = Vec::new();
        let mut strategies = Vec::new();
        for (key, asset) in &parts.instances {
            let (ticker, strategy) = around.line(&stage, key, asset, &mut children);
            tickers.push(ticker);
            strategies.push(strategy);
        }
        let subscribers = subscribers(&stage, parts, &mut children);
        let actors = children.len();
        let ground = Ground::start(stage, children, actors).await?;
        for strategy in &strategies {
            for subscriber in &subscribers {
                drop(strategy.tell(StrategyMessage::Subscribe(subscriber.clone())));
            }
        }
        ground.settled().await;
        Ok(Self { ground, feed, tickers, strategies })
    }

    /// Hands a frame's events to the feed, as its stream does.
    pub fn feed(&self, events: Events) {
        let event = StreamEvent::Events { events: events.0, errors: 0 };
        drop(self.feed.tell(FeedMessage::Stream(event)));
    }

    /// Hands prints of one ticker to it, as the feed does.
    pub fn ticker(&self, index: usize, events: Events) {
        if let Some(ticker) = self.tickers.get(index) {
            drop(ticker.tell(TickerMessage::Events(events.0)));
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

    /// What the feed has done.
    pub fn feed_busy(&self) -> Busy {
        busy([&self.feed])
    }

    /// What the tickers have done.
    pub fn tickers_busy(&self) -> Busy {
        busy(&self.tickers)
    }

    /// What the strategies have done.
    pub fn strategies_busy(&self) -> Busy {
        busy(&self.strategies)
    }

    /// Ends the actors.
    pub async fn stop(self) {
        self.ground.stop().await;
    }
}

impl Events {
    /// Prints as the stream brings them.
    pub fn of(trades: impl IntoIterator<Item = Trade>) -> Self {
        Self(trades.into_iter().map(MarketEvent::Trade).collect())
    }
}

impl FrameReader {
    /// A reader that stamps what it reads with this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(DataStream { url: String::new(), keys: no_keys(), clock })
    }

    /// The events of a frame; `None` when it is no frame, or an element of it makes no sense.
    pub fn read(&self, frame: &[u8]) -> Option<Events> {
        let (events, errors) = self.0.parse(frame).ok()?;
        (errors == 0).then_some(Events(events))
    }
}

impl fmt::Debug for FrameReader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FrameReader").finish_non_exhaustive()
    }
}

/// The neighbours of a ticker and its strategy.
struct Around {
    hub: Address<HubMessage>,
    recorder: Address<RecorderMessage>,
    floor: Address<FloorMessage>,
    history: Address<HistoryMessage>,
    feed: Address<FeedMessage>,
    settings: MarketSettings,
}

/// An account that only tells of the signals it is given.
struct ProbeAccount {
    index: usize,
    probe: Arc<dyn SignalProbe>,
}

impl Around {
    /// A ticker and the strategy that watches it.
    fn line(
        &self,
        stage: &Arc<Stage>,
        key: &InstanceKey,
        asset: &Asset,
        children: &mut Vec<Supervised>,
    ) -> (Address<TickerMessage>, Address<StrategyMessage>) {
        let ticker = stage.address(&format!("market/ticker/{}", asset.ticker), TickerRole::KIND);
        let strategy = stage.address(&format!("market/strategy/{}", key.id()), StrategyRole::KIND);
        let (hub, recorder) = (self.hub.clone(), self.recorder.clone());
        let (feed, floor) = (self.feed.clone(), self.floor.clone());
        children.push(supervised(stage, &ticker, {
            let (asset, recorder, floor) = (asset.clone(), recorder.clone(), floor.clone());
            move || TickerRole {
                asset: asset.clone(),
                source: SOURCE,
                time: FeedTime::Events,
                feed: feed.clone(),
                hub: hub.clone(),
                recorder: recorder.clone(),
                floor: floor.clone(),
            }
        }));
        let (key, asset, settings) = (key.clone(), asset.clone(), self.settings.clone());
        let (at, history) = (ticker.clone(), self.history.clone());
        children.push(supervised(stage, &strategy, move || StrategyRole {
            key: key.clone(),
            asset: asset.clone(),
            settings: settings.clone(),
            ticker: at.clone(),
            history: history.clone(),
            recorder: recorder.clone(),
            floor: floor.clone(),
        }));
        (ticker, strategy)
    }
}

impl Role for ProbeAccount {
    type Message = AccountMessage;
    type State = ();

    const KIND: &'static str = "probe";

    async fn begin(&self, _cue: &Cue<AccountMessage>) -> Result<(), Fault> {
        Ok(())
    }

    async fn handle(
        &self,
        _cue: &Cue<AccountMessage>,
        message: AccountMessage,
        (): &mut (),
    ) -> Result<(), Fault> {
        if let AccountMessage::Signal { signal, .. } = message {
            self.probe.told(self.index, &signal);
        }
        Ok(())
    }

    fn observe(&self, (): &()) -> Value {
        Value::Null
    }
}

/// A user, a config and an account for each subscriber.
fn subscribers(
    stage: &Arc<Stage>,
    parts: &MarketBenchParts,
    children: &mut Vec<Supervised>,
) -> Vec<Subscriber> {
    let subscribers = (0..parts.subscribers).map(|index| {
        let account = stage.address(&format!("desk/{index}/account"), ProbeAccount::KIND);
        let probe = Arc::clone(&parts.probe);
        children.push(supervised(stage, &account, move || ProbeAccount {
            index,
            probe: Arc::clone(&probe),
        }));
        let (user, config) = (UserId::new(parts.ids.uuid()), ConfigId::new(parts.ids.uuid()));
        Subscriber { user, config, account }
    });
    subscribers.collect()
}

fn busy<'a, M: Message>(actors: impl IntoIterator<Item = &'a Address<M>>) -> Busy {
    let views = actors.into_iter().map(|actor| actor.vitals().view(Value::Null));
    views.fold(Busy::default(), |sum, view| Busy {
        handled: sum.handled + view.handled,
        busy_us: sum.busy_us + view.busy_us,
    })
}
