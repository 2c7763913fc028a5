//! A strategy instance: one rule, its parameters, one ticker, one bar length, shared by every
//! config that runs it.
//!
//! Owns: the strategy's state and its stance.
//! In: closed bars (and prints), bars from history, subscribers.
//! Out: signals to each subscriber's account and to the recorder.
//! When it dies: a new life warms up from history and is given its subscribers again by the floor;
//! accounts know which signals they have decided.

use super::history::{BarsWanted, HistoryMessage};
use crate::alpaca::Backoff;
use crate::desk::AccountMessage;
use crate::market::{FloorMessage, MarketSettings, TickerMessage};
use crate::record::RecorderMessage;
use crate::stage::{Address, Cue, Fault, Message, Role, Running};
use chrono::TimeDelta;
use engine::bar::{Bar, interval_start};
use engine::instance::{Instance, InstanceKey, Signal};
use engine::market::Trade;
use engine::{Asset, ConfigId, Timestamp, UserId};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Bars that may wait while history is read.
const WAITING_MAX: usize = 10_000;

/// A config that runs an instance.
#[derive(Clone, Debug)]
pub(crate) struct Subscriber {
    pub(crate) user: UserId,
    pub(crate) config: ConfigId,
    pub(crate) account: Address<AccountMessage>,
}

/// What an instance is told.
pub(crate) enum StrategyMessage {
    /// Fact: a whole bar closed.
    Bar(Bar),
    /// Fact: a bar closed that the stream did not bring whole: read history up to `until`.
    Gap { until: Timestamp },
    /// Fact: a print, for strategies that want them.
    Trade(Trade),
    /// Fact: the bars that were asked for, or why there are none.
    History(Result<Vec<Bar>, String>),
    /// Command: read history again.
    Retry,
    /// Fact: this config runs the instance, and is told the standing signal. Told again, it
    /// changes nothing.
    Subscribe(Subscriber),
    /// Fact: the ticker lives anew and knows nobody.
    TickerBegan,
    /// Fact: this config does not any more.
    Unsubscribe { user: UserId, config: ConfigId },
    /// Command: fail, as a broken strategy would. Only tests can build it.
    #[cfg(test)]
    Panic,
}

/// The role.
pub(crate) struct StrategyRole {
    pub(crate) key: InstanceKey,
    pub(crate) asset: Asset,
    pub(crate) settings: MarketSettings,
    pub(crate) ticker: Address<TickerMessage>,
    pub(crate) history: Address<HistoryMessage>,
    pub(crate) recorder: Address<RecorderMessage>,
    pub(crate) floor: Address<FloorMessage>,
}

/// Its state.
pub(crate) struct StrategyState {
    instance: Instance,
    subscribers: BTreeMap<(UserId, ConfigId), Subscriber>,
    /// End of the last bar taken.
    until: Option<Timestamp>,
    reading: Option<Reading>,
    backoff: Backoff,
    retry: Option<Running>,
    signals: u64,
}

/// History is on its way; what closes meanwhile waits.
struct Reading {
    /// Whether its bars are old news, or the recovery of a gap whose signals count.
    warming: bool,
    /// Up to where it was asked for.
    asked_until: Timestamp,
    /// Up to where it is wanted by now.
    wanted_until: Timestamp,
    waiting: Vec<Bar>,
}

impl Message for StrategyMessage {
    fn name(&self) -> &'static str {
        match self {
            Self::Bar(_) => "bar",
            Self::Gap { .. } => "gap",
            Self::Trade(_) => "trade",
            Self::History(_) => "history",
            Self::Retry => "retry",
            Self::Subscribe(_) => "subscribe",
            Self::TickerBegan => "ticker_began",
            Self::Unsubscribe { .. } => "unsubscribe",
            #[cfg(test)]
            Self::Panic => "panic",
        }
    }
}

impl Role for StrategyRole {
    type Message = StrategyMessage;
    type State = StrategyState;

    const KIND: &'static str = "strategy";

    async fn begin(&self, cue: &Cue<StrategyMessage>) -> Result<StrategyState, Fault> {
        let strategy = strategies::build(&self.key.strategy, &self.key.params)?;
        let instance = Instance::new(self.key.clone(), strategy);
        let (min, max) = (self.settings.backoff_min, self.settings.backoff_max);
        let mut state = StrategyState {
            instance,
            subscribers: BTreeMap::new(),
            until: None,
            reading: None,
            backoff: Backoff::new(min, max, u64::from(self.key.seconds)),
            retry: None,
            signals: 0,
        };
        self.subscribe_to_ticker(cue, &state)?;
        self.read_history(cue, &mut state, cue.stage.clock.now())?;
        let instance = state.instance.id().clone();
        self.floor.tell(FloorMessage::InstanceBegan { instance })?;
        Ok(state)
    }

    async fn handle(
        &self,
        cue: &Cue<StrategyMessage>,
        message: StrategyMessage,
        state: &mut StrategyState,
    ) -> Result<(), Fault> {
        match message {
            StrategyMessage::Bar(bar) => self.bar(cue, state, bar)?,
            StrategyMessage::Gap { until } => self.gap(cue, state, until)?,
            StrategyMessage::Trade(trade) => {
                let signal = state.instance.on_trade(&trade);
                self.give(cue, state, signal);
            }
            StrategyMessage::History(Ok(bars)) => self.history(cue, state, &bars)?,
            StrategyMessage::History(Err(reason)) => no_history(cue, state, &reason),
            StrategyMessage::Retry => self.retry(cue, state)?,
            StrategyMessage::Subscribe(subscriber) => subscribe(state, subscriber),
            StrategyMessage::TickerBegan => self.subscribe_to_ticker(cue, state)?,
            StrategyMessage::Unsubscribe { user, config } => {
                state.subscribers.remove(&(user, config));
            }
            #[cfg(test)]
            StrategyMessage::Panic => panic!("a strategy divided by zero"),
        }
        Ok(())
    }

    fn observe(&self, state: &StrategyState) -> Value {
        json!({
            "instance": state.instance.id(), "bars": state.instance.bars(),
            "warm": state.reading.is_none(), "signals": state.signals,
            "stance": state.instance.standing().map(|signal| signal.stance),
            "subscribers": state.subscribers.len(), "until": state.until,
        })
    }
}

impl StrategyRole {
    fn subscribe_to_ticker(
        &self,
        cue: &Cue<StrategyMessage>,
        state: &StrategyState,
    ) -> Result<(), Fault> {
        Ok(self.ticker.tell(TickerMessage::Subscribe {
            instance: state.instance.id().clone(),
            seconds: self.key.seconds,
            trades: state.instance.wants_trades(),
            at: cue.me.clone(),
        })?)
    }

    /// Asks for the bars between the last one taken (or enough to warm up) and `until`.
    fn read_history(
        &self,
        cue: &Cue<StrategyMessage>,
        state: &mut StrategyState,
        until: Timestamp,
    ) -> Result<(), Fault> {
        let seconds = self.key.seconds;
        let until = interval_start(until, seconds);
        let from = state.until.unwrap_or_else(|| {
            let bars = self.settings.warmup_bars.max(state.instance.warmup_bars());
            let length = i64::from(bars) * i64::from(seconds);
            // Stocks sleep at night and over week-ends: look back far enough to find the bars.
            let sleep = if seconds >= 60 { 4 } else { 1 };
            until - TimeDelta::seconds(length.saturating_mul(sleep))
        });
        let waiting = state.reading.take().map(|reading| reading.waiting).unwrap_or_default();
        let warming = state.until.is_none();
        let (asked_until, wanted_until) = (until, until);
        state.reading = Some(Reading { warming, asked_until, wanted_until, waiting });
        let (asset, reply) = (self.asset.clone(), cue.me.clone());
        let wanted = BarsWanted { asset, seconds, from, until, reply };
        Ok(self.history.tell(HistoryMessage::Bars(Box::new(wanted)))?)
    }

    fn bar(
        &self,
        cue: &Cue<StrategyMessage>,
        state: &mut StrategyState,
        bar: Bar,
    ) -> Result<(), Fault> {
        if let Some(reading) = &mut state.reading {
            if reading.waiting.len() >= WAITING_MAX {
                return Err(format!("{WAITING_MAX} bars wait for history").into());
            }
            reading.waiting.push(bar);
            return Ok(());
        }
        if state.until.is_some_and(|until| bar.at < until) {
            return Ok(());
        }
        state.until = Some(bar.end());
        let signal = state.instance.on_bar(&bar);
        self.give(cue, state, signal);
        Ok(())
    }

    fn gap(
        &self,
        cue: &Cue<StrategyMessage>,
        state: &mut StrategyState,
        until: Timestamp,
    ) -> Result<(), Fault> {
        match &mut state.reading {
            // The request on its way was made before this bar closed: read on once it is here.
            Some(reading) => {
                reading.wanted_until = reading.wanted_until.max(until);
                Ok(())
            }
            None => self.read_history(cue, state, until),
        }
    }

    fn history(
        &self,
        cue: &Cue<StrategyMessage>,
        state: &mut StrategyState,
        bars: &[Bar],
    ) -> Result<(), Fault> {
        state.backoff.reset();
        let Some(reading) = state.reading.take() else { return Ok(()) };
        for bar in bars {
            if state.until.is_some_and(|until| bar.at < until) {
                continue;
            }
            state.until = Some(bar.end());
            let signal = state.instance.on_bar(bar);
            if !reading.warming {
                cue.stage.counters.bars_recovered.count();
                self.give(cue, state, signal);
            }
        }
        state.until = state.until.max(Some(reading.asked_until));
        if reading.warming {
            let (instance, bars) = (state.instance.id(), state.instance.bars());
            tracing::debug!(strategy.instance = %instance, bars, "{instance} is warm after {bars} bars");
            for subscriber in state.subscribers.values() {
                tell_standing_to(state, subscriber);
            }
        }
        if reading.wanted_until > reading.asked_until {
            let wanted = reading.wanted_until;
            state.reading = Some(reading);
            return self.read_history(cue, state, wanted);
        }
        for bar in reading.waiting {
            self.bar(cue, state, bar)?;
        }
        Ok(())
    }

    fn retry(&self, cue: &Cue<StrategyMessage>, state: &mut StrategyState) -> Result<(), Fault> {
        let until = match &state.reading {
            Some(reading) if !reading.warming => reading.wanted_until,
            _ => cue.stage.clock.now(),
        };
        self.read_history(cue, state, until)
    }

    fn give(&self, cue: &Cue<StrategyMessage>, state: &mut StrategyState, signal: Option<Signal>) {
        let Some(signal) = signal else { return };
        state.signals += 1;
        cue.stage.counters.signals.count();
        let signal = Arc::new(signal);
        let (ticker, stance, by) = (&signal.ticker, signal.stance.code(), &signal.instance);
        tracing::info!(symbol = %ticker, stance, "signal {stance} {ticker} from {by}");
        drop(self.recorder.tell(RecorderMessage::Signal(Arc::clone(&signal))));
        for subscriber in state.subscribers.values() {
            tell(subscriber, &signal);
        }
    }
}

fn subscribe(state: &mut StrategyState, subscriber: Subscriber) {
    let warm = state.reading.as_ref().is_none_or(|reading| !reading.warming);
    if warm {
        tell_standing_to(state, &subscriber);
    }
    state.subscribers.insert((subscriber.user, subscriber.config), subscriber);
}

fn no_history(cue: &Cue<StrategyMessage>, state: &mut StrategyState, reason: &str) {
    let pause = state.backoff.pause();
    let (instance, pause_ms) = (state.instance.id(), pause.as_millis());
    tracing::warn!(
        strategy.instance = %instance,
        "{instance} waits for history ({reason}), next try in {pause_ms} ms"
    );
    state.retry = Some(Running::start(retry_after(cue.me.clone(), pause)));
}

fn tell_standing_to(state: &StrategyState, subscriber: &Subscriber) {
    if let Some(signal) = state.instance.standing() {
        tell(subscriber, &Arc::new(signal));
    }
}

/// An account between two lives asks for the standing signal when it begins: nothing is lost.
fn tell(subscriber: &Subscriber, signal: &Arc<Signal>) {
    let signal = Arc::clone(signal);
    drop(subscriber.account.tell(AccountMessage::Signal { config: subscriber.config, signal }));
}

async fn retry_after(me: Address<StrategyMessage>, pause: Duration) {
    tokio::time::sleep(pause).await;
    drop(me.tell(StrategyMessage::Retry));
}
