//! A feed: one data stream of one source.
//!
//! Owns: the connection, the set of subscribed tickers, the newest time seen.
//! In: frames of its stream, tickers to subscribe, the beat of the clock.
//! Out: prints, quotes and the time to each ticker, in order.
//! When it dies: a new life connects again and subscribes to what its tickers ask for anew.

use crate::alpaca::{Backoff, DataStream, Keys, MarketEvent, StreamEvent};
use crate::market::{FeedTime, FloorMessage, MarketSettings, TickerMessage};
use crate::stage::{Address, Cue, Fault, Message, Role, Running};
use chrono::TimeDelta;
use engine::{Ticker, Timestamp};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How often the wall clock is passed on.
const BEAT: Duration = Duration::from_millis(250);

/// Which endpoint a feed reads.
#[derive(Clone, Debug)]
pub(crate) struct FeedPart {
    pub(crate) url: String,
    pub(crate) keys: Keys,
    pub(crate) source: &'static str,
}

/// What a feed is told.
pub(crate) enum FeedMessage {
    /// Fact: this ticker's events are wanted, at this address. Told again, it changes nothing.
    Want { ticker: Ticker, at: Address<TickerMessage> },
    /// Fact: the stream is up, or brought a frame.
    Stream(StreamEvent),
    /// Fact: the connection ended; a new one is tried after a pause.
    Down { reason: String, pause: Duration },
    /// Quote: the wall clock moved.
    Beat,
}

/// The role.
pub(crate) struct Feed {
    pub(crate) part: FeedPart,
    pub(crate) settings: MarketSettings,
    /// The floor has the tickers ask a new life for their events.
    pub(crate) floor: Address<FloorMessage>,
}

/// Its state.
pub(crate) struct FeedState {
    tickers: BTreeMap<Ticker, Address<TickerMessage>>,
    more: mpsc::UnboundedSender<Ticker>,
    wanted: Arc<std::sync::Mutex<BTreeSet<Ticker>>>,
    newest: Option<Timestamp>,
    up: bool,
    last_error: Option<String>,
    tasks: [Running; 2],
}

impl Message for FeedMessage {
    fn name(&self) -> &'static str {
        match self {
            Self::Want { .. } => "want",
            Self::Stream(StreamEvent::Up) => "up",
            Self::Stream(StreamEvent::Events { .. }) => "events",
            Self::Down { .. } => "down",
            Self::Beat => "beat",
        }
    }
}

impl Role for Feed {
    type Message = FeedMessage;
    type State = FeedState;

    const KIND: &'static str = "feed";

    async fn begin(&self, cue: &Cue<FeedMessage>) -> Result<FeedState, Fault> {
        // On the very first start there is no floor yet, and no ticker.
        drop(self.floor.tell(FloorMessage::FeedBegan));
        let (more, wants) = mpsc::unbounded_channel();
        let wanted = Arc::default();
        let stream = Running::start(self.stream(cue, Arc::clone(&wanted), wants));
        let beat = Running::start(beat(cue.me.clone()));
        Ok(FeedState {
            tickers: BTreeMap::new(),
            more,
            wanted,
            newest: None,
            up: false,
            last_error: None,
            tasks: [stream, beat],
        })
    }

    async fn handle(
        &self,
        cue: &Cue<FeedMessage>,
        message: FeedMessage,
        state: &mut FeedState,
    ) -> Result<(), Fault> {
        match message {
            FeedMessage::Want { ticker, at } => want(state, ticker, at)?,
            FeedMessage::Stream(StreamEvent::Up) => self.up(state),
            FeedMessage::Stream(StreamEvent::Events { events, errors }) => {
                self.dispatch(cue, state, events, errors);
            }
            FeedMessage::Down { reason, pause } => self.down(cue, state, reason, pause),
            FeedMessage::Beat => self.beat(cue, state)?,
        }
        Ok(())
    }

    fn observe(&self, state: &FeedState) -> Value {
        json!({
            "source": self.part.source, "url": self.part.url, "connected": state.up,
            "tickers": state.tickers.len(), "newest_event": state.newest,
            "last_error": state.last_error,
        })
    }
}

impl Feed {
    /// Connects, and again after each end, until the feed drops the task.
    fn stream(
        &self,
        cue: &Cue<FeedMessage>,
        wanted: Arc<std::sync::Mutex<BTreeSet<Ticker>>>,
        mut wants: mpsc::UnboundedReceiver<Ticker>,
    ) -> impl Future<Output = ()> + Send + 'static {
        let stream = DataStream {
            url: self.part.url.clone(),
            keys: self.part.keys.clone(),
            clock: Arc::clone(&cue.stage.clock),
        };
        let me = cue.me.clone();
        let seed = u64::try_from(self.part.url.len()).unwrap_or(0);
        let mut backoff = Backoff::new(self.settings.backoff_min, self.settings.backoff_max, seed);
        async move {
            let mut was_up = false;
            loop {
                let now = wanted.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
                // What was queued for the old connection is in `now`.
                while wants.try_recv().is_ok() {}
                let up = std::sync::atomic::AtomicBool::new(false);
                let ended = stream
                    .run(now, &mut wants, |event| {
                        if matches!(event, StreamEvent::Up) {
                            up.store(true, std::sync::atomic::Ordering::Relaxed);
                        }
                        // A feed that is no more has dropped this task, too.
                        drop(me.tell(FeedMessage::Stream(event)));
                    })
                    .await;
                was_up = up.into_inner() || was_up;
                if was_up {
                    backoff.reset();
                    was_up = false;
                }
                let reason = ended.err().map_or_else(String::new, |error| error.to_string());
                let pause = backoff.pause();
                drop(me.tell(FeedMessage::Down { reason, pause }));
                tokio::time::sleep(pause).await;
            }
        }
    }

    fn up(&self, state: &mut FeedState) {
        state.up = true;
        state.last_error = None;
        let (source, tickers) = (self.part.source, state.tickers.len());
        tracing::info!(feed = source, tickers, "feed {source} is up with {tickers} tickers");
    }

    fn down(&self, cue: &Cue<FeedMessage>, state: &mut FeedState, reason: String, pause: Duration) {
        if state.up {
            cue.stage.counters.feed_disconnects.count();
            // Prints were missed: the bars in progress are not whole.
            for ticker in state.tickers.values() {
                drop(ticker.tell(TickerMessage::Gap));
            }
        }
        state.up = false;
        let (source, pause_ms) = (self.part.source, pause.as_millis());
        tracing::warn!(
            feed = source,
            pause_ms,
            "feed {source} is down ({reason}), next try in {pause_ms} ms"
        );
        state.last_error = Some(reason);
    }

    /// Passes the events on, each ticker's in one message, and the time before the first event of
    /// each new second, so that a bar closes before a print that follows it.
    fn dispatch(
        &self,
        cue: &Cue<FeedMessage>,
        state: &mut FeedState,
        events: Vec<MarketEvent>,
        errors: u64,
    ) {
        let counters = &cue.stage.counters;
        counters.feed_errors.add(errors);
        let mut batches: BTreeMap<Ticker, Vec<MarketEvent>> = BTreeMap::new();
        for event in events {
            match &event {
                MarketEvent::Trade(_) => counters.trades.count(),
                MarketEvent::Quote(_) => counters.quotes.count(),
            }
            let at = event.at();
            let new_second = state
                .newest
                .is_none_or(|newest| at > newest && at.timestamp() != newest.timestamp());
            if new_second && self.settings.time == FeedTime::Events {
                send(state, std::mem::take(&mut batches));
                tell_time(state, at);
            }
            state.newest = state.newest.max(Some(at));
            batches.entry(event.ticker().clone()).or_default().push(event);
        }
        send(state, batches);
    }

    fn beat(&self, cue: &Cue<FeedMessage>, state: &FeedState) -> Result<(), Fault> {
        if state.tasks.iter().any(Running::is_over) {
            return Err("the task of the stream has ended".into());
        }
        if let FeedTime::Wall { grace } = self.settings.time {
            let grace = TimeDelta::from_std(grace).unwrap_or_default();
            tell_time(state, cue.stage.clock.now() - grace);
        }
        Ok(())
    }
}

fn want(state: &mut FeedState, ticker: Ticker, at: Address<TickerMessage>) -> Result<(), Fault> {
    if state.tickers.insert(ticker.clone(), at).is_none() {
        state
            .wanted
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .insert(ticker.clone());
        state.more.send(ticker).map_err(|_closed| "the stream's task has ended")?;
    }
    Ok(())
}

fn send(state: &FeedState, batches: BTreeMap<Ticker, Vec<MarketEvent>>) {
    for (ticker, events) in batches {
        if let Some(at) = state.tickers.get(&ticker) {
            // A ticker between two lives counts what it missed and reads it from history.
            drop(at.tell(TickerMessage::Events(events)));
        }
    }
}

fn tell_time(state: &FeedState, now: Timestamp) {
    for ticker in state.tickers.values() {
        drop(ticker.tell(TickerMessage::Time(now)));
    }
}

async fn beat(me: Address<FeedMessage>) {
    let mut interval = tokio::time::interval(BEAT);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        interval.tick().await;
        drop(me.tell(FeedMessage::Beat));
    }
}
