//! A ticker: everything about one symbol's price.
//!
//! Owns: the newest price, the bars in progress, who watches which bar length.
//! In: prints and quotes from the feed, the time, subscriptions.
//! Out: closed bars to strategies and the recorder, conflated prices to the hub.
//! When it dies: a new life starts with no bar in progress; strategies, told of the gap, read the
//! missing bars from history.

use crate::alpaca::MarketEvent;
use crate::hub::{HubMessage, PriceUpdate};
use crate::market::{FeedMessage, FeedTime, StrategyMessage};
use crate::record::RecorderMessage;
use crate::stage::{Address, Cue, Fault, Message, Role};
use chrono::TimeDelta;
use engine::bar::{Bar, BarBuilder, Step, interval_start};
use engine::market::{PricePoint, Trade};
use engine::{Asset, InstanceId, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A client sees a price at most this often; the newest wins.
const PRICE_INTERVAL_MS: i64 = 100;

/// What a ticker is told.
pub(crate) enum TickerMessage {
    /// Fact: prints and quotes, in order.
    Events(Vec<MarketEvent>),
    /// Quote: the venue's clock has reached this instant.
    Time(Timestamp),
    /// Fact: the feed lives anew and does not know this ticker.
    FeedBegan,
    /// Fact: the stream was interrupted; bars in progress are not whole.
    Gap,
    /// Fact: this instance wants bars of this length (and prints). Told again, it changes nothing.
    Subscribe { instance: InstanceId, seconds: u32, trades: bool, at: Address<StrategyMessage> },
    /// Fact: this instance wants nothing any more.
    Unsubscribe { instance: InstanceId },
}

/// The role.
pub(crate) struct TickerRole {
    pub(crate) asset: Asset,
    pub(crate) source: &'static str,
    pub(crate) time: FeedTime,
    pub(crate) feed: Address<FeedMessage>,
    pub(crate) hub: Address<HubMessage>,
    pub(crate) recorder: Address<RecorderMessage>,
    /// The floor tells the strategies of this ticker that it has begun again.
    pub(crate) floor: Address<crate::market::FloorMessage>,
}

/// Its state.
pub(crate) struct TickerState {
    newest: Option<PricePoint>,
    told: Option<PricePoint>,
    lengths: BTreeMap<u32, Length>,
    trade_watchers: BTreeMap<InstanceId, Address<StrategyMessage>>,
    events: u64,
}

/// One bar length and who watches it.
struct Length {
    builder: BarBuilder,
    /// Bars that start before this are not whole.
    whole_from: Option<Timestamp>,
    watchers: BTreeMap<InstanceId, Address<StrategyMessage>>,
}

impl Message for TickerMessage {
    fn name(&self) -> &'static str {
        match self {
            Self::Events(_) => "events",
            Self::Time(_) => "time",
            Self::FeedBegan => "feed_began",
            Self::Gap => "gap",
            Self::Subscribe { .. } => "subscribe",
            Self::Unsubscribe { .. } => "unsubscribe",
        }
    }
}

impl Role for TickerRole {
    type Message = TickerMessage;
    type State = TickerState;

    const KIND: &'static str = "ticker";

    async fn begin(&self, cue: &Cue<TickerMessage>) -> Result<TickerState, Fault> {
        let ticker = self.asset.ticker.clone();
        self.want(cue)?;
        self.floor.tell(crate::market::FloorMessage::TickerBegan { ticker })?;
        Ok(TickerState {
            newest: None,
            told: None,
            lengths: BTreeMap::new(),
            trade_watchers: BTreeMap::new(),
            events: 0,
        })
    }

    async fn handle(
        &self,
        cue: &Cue<TickerMessage>,
        message: TickerMessage,
        state: &mut TickerState,
    ) -> Result<(), Fault> {
        match message {
            TickerMessage::Events(events) => {
                for event in events {
                    self.take(cue, state, event);
                }
                self.tell_price(cue, state);
            }
            TickerMessage::Time(now) => self.close(cue, state, now),
            TickerMessage::FeedBegan => {
                self.want(cue)?;
                gap(cue, state);
            }
            TickerMessage::Gap => gap(cue, state),
            TickerMessage::Subscribe { instance, seconds, trades, at } => {
                self.subscribe(cue, state, (instance, seconds, trades), at);
            }
            TickerMessage::Unsubscribe { instance } => unsubscribe(state, &instance),
        }
        Ok(())
    }

    fn observe(&self, state: &TickerState) -> Value {
        json!({
            "ticker": self.asset.ticker, "events": state.events,
            "price": state.newest.map(|newest| newest.price),
            "price_at": state.newest.map(|newest| newest.at),
            "bar_seconds": state.lengths.keys().collect::<Vec<_>>(),
            "watchers": state.lengths.values().map(|length| length.watchers.len()).sum::<usize>(),
            "late": state.lengths.values().map(|length| length.builder.late()).sum::<u64>(),
        })
    }
}

impl TickerRole {
    fn want(&self, cue: &Cue<TickerMessage>) -> Result<(), Fault> {
        let (ticker, at) = (self.asset.ticker.clone(), cue.me.clone());
        Ok(self.feed.tell(FeedMessage::Want { ticker, at })?)
    }

    fn take(&self, cue: &Cue<TickerMessage>, state: &mut TickerState, event: MarketEvent) {
        state.events += 1;
        let newest = match &event {
            MarketEvent::Trade(trade) => PricePoint { price: trade.price, at: trade.at },
            // A quote without size is no offer: it only says that time has passed.
            MarketEvent::Quote(quote) if quote.bid_size + quote.ask_size <= 0.0 => return,
            MarketEvent::Quote(quote) => {
                PricePoint { price: f64::midpoint(quote.bid, quote.ask), at: quote.at }
            }
        };
        if state.newest.is_none_or(|known| newest.at >= known.at) {
            state.newest = Some(newest);
        }
        if let MarketEvent::Trade(trade) = event {
            self.take_trade(cue, state, &trade);
        }
    }

    fn take_trade(&self, cue: &Cue<TickerMessage>, state: &mut TickerState, trade: &Trade) {
        for length in state.lengths.values_mut() {
            match length.builder.on_trade(trade.at, trade.price, trade.size) {
                Step::Took => {}
                Step::Closed(bar) => self.closed(cue, length, bar),
                Step::Late => cue.stage.counters.late_trades.count(),
            }
        }
        for watcher in state.trade_watchers.values() {
            drop(watcher.tell(StrategyMessage::Trade(trade.clone())));
        }
    }

    fn close(&self, cue: &Cue<TickerMessage>, state: &mut TickerState, now: Timestamp) {
        for length in state.lengths.values_mut() {
            if let Some(bar) = length.builder.on_time(now) {
                self.closed(cue, length, bar);
            }
        }
        self.tell_price(cue, state);
    }

    fn closed(&self, cue: &Cue<TickerMessage>, length: &mut Length, bar: Bar) {
        let whole = length.whole_from.is_none_or(|from| bar.at >= from);
        if whole {
            cue.stage.counters.bars.count();
            let ticker = self.asset.ticker.clone();
            // Recorded bars can be read again; trading does not wait for the recorder.
            drop(self.recorder.tell(RecorderMessage::Bar { ticker, bar }));
        }
        for watcher in length.watchers.values() {
            let message = if whole {
                StrategyMessage::Bar(bar)
            } else {
                StrategyMessage::Gap { until: bar.end() }
            };
            // A strategy between two lives reads what it missed from history.
            drop(watcher.tell(message));
        }
    }

    fn subscribe(
        &self,
        cue: &Cue<TickerMessage>,
        state: &mut TickerState,
        (instance, seconds, trades): (InstanceId, u32, bool),
        at: Address<StrategyMessage>,
    ) {
        let now = cue.stage.clock.now();
        // At the start of a tape nothing was missed; anywhere else the present bar is half over.
        let nothing_missed = self.time == FeedTime::Events && state.events == 0;
        let length = state.lengths.entry(seconds).or_insert_with(|| {
            let mut builder = BarBuilder::new(seconds);
            if !nothing_missed {
                builder.close_history(interval_start(now, seconds));
            }
            let whole_from = (!nothing_missed).then(|| next_start(now, seconds));
            Length { builder, whole_from, watchers: BTreeMap::new() }
        });
        length.watchers.insert(instance.clone(), at.clone());
        if trades {
            state.trade_watchers.insert(instance, at);
        }
    }

    /// Tells the hub the newest price, unless it was told one a moment ago.
    fn tell_price(&self, cue: &Cue<TickerMessage>, state: &mut TickerState) {
        let Some(newest) = state.newest else { return };
        if state.told == Some(newest) {
            return;
        }
        let interval = TimeDelta::milliseconds(PRICE_INTERVAL_MS);
        if state.told.is_some_and(|told| newest.at - told.at < interval) {
            cue.stage.counters.prices_conflated.count();
            return;
        }
        state.told = Some(newest);
        let PricePoint { price, at } = newest;
        let update =
            PriceUpdate { ticker: self.asset.ticker.clone(), price, at, source: self.source };
        drop(self.hub.tell(HubMessage::Price(update)));
    }
}

fn gap(cue: &Cue<TickerMessage>, state: &mut TickerState) {
    let now = cue.stage.clock.now();
    for length in state.lengths.values_mut() {
        length.whole_from = Some(next_start(now, length.builder.seconds()));
    }
}

fn unsubscribe(state: &mut TickerState, instance: &InstanceId) {
    state.trade_watchers.remove(instance);
    for length in state.lengths.values_mut() {
        length.watchers.remove(instance);
    }
    state.lengths.retain(|_, length| !length.watchers.is_empty());
}

/// The first start of a bar at `now` or later.
fn next_start(now: Timestamp, seconds: u32) -> Timestamp {
    let start = interval_start(now, seconds);
    if start == now { start } else { start + TimeDelta::seconds(i64::from(seconds)) }
}
