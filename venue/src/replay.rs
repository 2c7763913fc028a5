//! Plays the tape: in real time or faster, or step by step as fast as the clients follow.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::assets::Asset;
use crate::clock;
use crate::data_hub::{Audience, DataHub};
use crate::exchange::SharedExchange;
use crate::link;
use crate::market::{Bar, Happening, MarketEvent};
use crate::options::{Pacer, ReplayOptions, Speed};
use crate::recorded_history::RecordedHistory;
use crate::tape::{Counts, Step, Tape, TapeEvent};
use crate::tasks;
use crate::timeframe::Timeframe;

/// Steps that are read ahead.
const STEPS_AHEAD: usize = 16;
/// After the first subscription, the tape waits until subscriptions have been quiet for this long:
/// a client may need more than one connection.
const SUBSCRIPTIONS_QUIET: Duration = Duration::from_millis(250);
/// A longer gap between two recordings is not waited for, at any speed.
const GAP_MAX: TimeDelta = TimeDelta::days(4);
/// Rounds after which a step ends even though orders keep changing.
const ROUNDS_MAX: u32 = 1_000;

/// How far a replay has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplayProgress {
    /// Rows read from all files.
    pub rows: u64,
    /// Bars played.
    pub bars: u64,
    /// Recorded trades played.
    pub trades: u64,
    /// Recorded quotes played.
    pub quotes: u64,
    /// Lines that could not be read and were passed over.
    pub broken_lines: u64,
    /// Bars left out because single trades or quotes were recorded in their time.
    pub dropped_bars: u64,
    /// Steps played.
    pub steps: u64,
    /// The time that the tape stands at; `None` before the first step.
    pub position: Option<DateTime<Utc>>,
    /// Whether the tape has ended.
    pub done: bool,
}

/// Plays one tape.
#[derive(Debug)]
pub(crate) struct Replay {
    pub(crate) exchange: SharedExchange,
    pub(crate) hub: Arc<DataHub>,
    pub(crate) history: Arc<RecordedHistory>,
    pub(crate) options: ReplayOptions,
    pub(crate) pacer: Arc<dyn Pacer>,
    pub(crate) progress: Arc<Progress>,
}

/// Progress as it is shared with the venue's owner.
#[derive(Debug)]
pub(crate) struct Progress {
    now: Mutex<ReplayProgress>,
    done: watch::Sender<bool>,
}

/// Minutes that are being made from single trades.
type OpenMinutes = BTreeMap<String, (Arc<Asset>, Bar)>;

impl Progress {
    pub(crate) fn new() -> Self {
        Self { now: Mutex::default(), done: watch::Sender::new(false) }
    }

    pub(crate) fn read(&self) -> ReplayProgress {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Completes when the tape has ended.
    pub(crate) async fn finished(&self) {
        let mut done = self.done.subscribe();
        tasks::stopped(&mut done).await;
    }

    fn advance(&self, counts: Counts, position: DateTime<Utc>) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let Counts { rows, bars, trades, quotes, broken_lines, dropped_bars } = counts;
        let steps = now.steps + 1;
        let position = Some(position);
        *now = ReplayProgress {
            rows,
            bars,
            trades,
            quotes,
            broken_lines,
            dropped_bars,
            steps,
            position,
            done: false,
        };
    }

    fn end(&self) {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).done = true;
        self.done.send_replace(true);
    }
}

impl Replay {
    /// Runs until the tape ends or the venue stops.
    pub(crate) async fn run(self, tape: Tape, mut stop: watch::Receiver<bool>) {
        let (sender, steps) = mpsc::channel(STEPS_AHEAD);
        let reading = tokio::task::spawn_blocking(move || read_ahead(tape, &sender));
        tokio::select! {
            () = tasks::stopped(&mut stop) => return,
            () = self.play(steps) => {}
        }
        if let Err(error) = reading.await {
            tracing::error!(%error, "the tape could not be read to its end");
        }
        let played = self.progress.read();
        tracing::info!(
            rows = played.rows,
            bars = played.bars,
            trades = played.trades,
            quotes = played.quotes,
            broken_lines = played.broken_lines,
            dropped_bars = played.dropped_bars,
            "the replay has ended"
        );
        self.progress.end();
    }

    async fn play(&self, mut steps: mpsc::Receiver<Step>) {
        if self.options.wait_for_subscriber {
            self.wait_for_subscriber().await;
        }
        if self.options.speed == Speed::Max {
            // The clients may still be starting; nothing has happened yet.
            self.settle().await;
        }
        let mut minutes = OpenMinutes::new();
        let mut pace: Option<Pace> = None;
        while let Some(Step { events, counts }) = steps.recv().await {
            let Some(last_at) = events.last().map(|last| last.event.at) else { continue };
            match self.options.speed {
                Speed::Max => {
                    self.play_step(events, &mut minutes).await;
                    self.progress.advance(counts, last_at);
                    self.settle().await;
                }
                Speed::Times(times) => {
                    self.play_paced(events, times, &mut pace, &mut minutes).await;
                    self.progress.advance(counts, last_at);
                }
            }
        }
        // The end is reported once the clients have read it.
        self.settle().await;
    }

    /// Holds the tape until somebody has subscribed and subscriptions are quiet.
    async fn wait_for_subscriber(&self) {
        let mut changes = self.hub.follow();
        loop {
            changes.mark_unchanged();
            let quiet = tokio::time::timeout(SUBSCRIPTIONS_QUIET, changes.changed()).await.is_err();
            if quiet && self.hub.has_subscription() {
                return;
            }
        }
    }

    /// Publishes a step. An event that changes an order ends what is shown at once: the clients hear
    /// of an execution before any later price, whichever of their connections is faster, so that a
    /// run can be repeated.
    async fn play_step(&self, events: Vec<TapeEvent>, minutes: &mut OpenMinutes) {
        let mut shown = Vec::with_capacity(events.len());
        for event in events {
            let before = self.exchange.version();
            let happened = self.pass(self.take_in(event, minutes));
            self.exchange.on_events(&happened);
            shown.extend(happened);
            if self.exchange.version() != before {
                self.hub.publish(&shown, Audience::Live);
                shown.clear();
                self.settle().await;
            }
        }
        self.hub.publish(&shown, Audience::Live);
    }

    /// Publishes events at their times.
    async fn play_paced(
        &self,
        events: Vec<TapeEvent>,
        times: f64,
        pace: &mut Option<Pace>,
        minutes: &mut OpenMinutes,
    ) {
        let mut due: Vec<TapeEvent> = Vec::new();
        for next in events {
            let at = next.event.at;
            let pace = pace.get_or_insert_with(|| Pace::starting(at));
            let wait = pace.wait_until(at, times);
            if !wait.is_zero() {
                self.publish(std::mem::take(&mut due), minutes);
                tokio::time::sleep(wait).await;
            }
            due.push(next);
        }
        self.publish(due, minutes);
    }

    /// Lets events meet the orders, then shows them.
    fn publish(&self, events: Vec<TapeEvent>, minutes: &mut OpenMinutes) {
        let happened: Vec<MarketEvent> =
            events.into_iter().flat_map(|event| self.take_in(event, minutes)).collect();
        let happened = self.pass(happened);
        self.exchange.on_events(&happened);
        self.hub.publish(&happened, Audience::Live);
    }

    /// What the armed faults leave of events.
    fn pass(&self, events: Vec<MarketEvent>) -> Vec<MarketEvent> {
        let Some(now) = events.last().map(|event| event.at) else { return events };
        self.exchange.faults.pass(&self.exchange.assets, events, now)
    }

    /// Notes an event for the history; the answer is the event and the minutes that it ends.
    fn take_in(&self, event: TapeEvent, minutes: &mut OpenMinutes) -> Vec<MarketEvent> {
        let TapeEvent { event, bar } = event;
        let mut happened = finished_minutes(minutes, event.at);
        if let Some(bar) = bar {
            self.history.see_bar(&event.asset.symbol, bar);
        } else if let Happening::Trade(trade) = &event.what {
            let minute = Timeframe::MINUTE.start_of(trade.at);
            let symbol = event.asset.symbol.clone();
            minutes
                .entry(symbol)
                .and_modify(|(_, bar)| bar.add(trade))
                .or_insert_with(|| (Arc::clone(&event.asset), Bar::of_trade(minute, trade)));
        }
        happened.push(event);
        self.history.see(&happened);
        happened
    }

    /// Waits until the clients have dealt with everything: each has read all that was sent, the
    /// engine is idle, and a whole round of this has changed no order.
    async fn settle(&self) {
        for round in 0..ROUNDS_MAX {
            let before = self.exchange.version();
            let mut links = self.hub.links();
            links.extend(self.exchange.trade_hub.links());
            link::barrier(links).await;
            self.pacer.settled().await;
            if self.exchange.version() == before {
                return;
            }
            if round + 1 == ROUNDS_MAX {
                tracing::warn!(rounds = ROUNDS_MAX, "orders keep changing, the replay goes on");
            }
        }
    }
}

/// Reads steps ahead, away from the connections; ends early when nobody plays them any more.
fn read_ahead(tape: Tape, steps: &mpsc::Sender<Step>) {
    for step in tape {
        if steps.blocking_send(step).is_err() {
            return;
        }
    }
}

/// The minutes that are over at a time.
fn finished_minutes(minutes: &mut OpenMinutes, now: DateTime<Utc>) -> Vec<MarketEvent> {
    let is_over = |bar: &Bar| Timeframe::MINUTE.next(bar.at) <= now;
    let over: Vec<String> = minutes
        .iter()
        .filter(|(_, (_, bar))| is_over(bar))
        .map(|(symbol, _)| symbol.clone())
        .collect();
    over.into_iter()
        .filter_map(|symbol| minutes.remove(&symbol))
        .map(|(asset, bar)| MarketEvent { asset, at: now, what: Happening::Minute(bar) })
        .collect()
}

/// Where tape time and real time stand towards each other.
struct Pace {
    tape: DateTime<Utc>,
    real: Instant,
    last: DateTime<Utc>,
}

impl Pace {
    fn starting(at: DateTime<Utc>) -> Self {
        Self { tape: at, real: Instant::from_std(clock::steady_now()), last: at }
    }

    /// How long to wait before an event is due.
    fn wait_until(&mut self, at: DateTime<Utc>, times: f64) -> Duration {
        if at - self.last > GAP_MAX {
            tracing::info!(from = %self.last, to = %at, "passed over a gap between recordings");
            *self = Self::starting(at);
        }
        self.last = at;
        let passed = (at - self.tape).to_std().unwrap_or_default();
        let due = self.real + passed.div_f64(times);
        due.saturating_duration_since(Instant::from_std(clock::steady_now()))
    }
}
