//! The recorder: closed bars and signals into the database, in batches.
//!
//! Owns: what is not written yet.
//! In: bars and signals.
//! Out: rows.
//! When it dies: what was not written is lost; bars can be read from the venue again, and orders
//! carry their signal's numbers in the journal.

use crate::stage::{Cue, Fault, Message, Role, Running};
use engine::Ticker;
use engine::bar::Bar;
use engine::instance::Signal;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use storage::Database;
use storage::bars::BarRecord;
use storage::signals::SignalRecord;

/// How often a batch is written.
const INTERVAL: Duration = Duration::from_millis(500);

/// Rows of one batch.
const BATCH_MAX: usize = 1_000;

/// Rows that may wait while the database is away; beyond, the oldest go.
const WAITING_MAX: usize = 50_000;

/// What the recorder is told.
pub(crate) enum RecorderMessage {
    /// Fact: a bar closed.
    Bar { ticker: Ticker, bar: Bar },
    /// Fact: a strategy changed its mind.
    Signal(Arc<Signal>),
    /// Command: write what is there.
    Flush,
    /// Fact: a batch was written, or comes back.
    Written(Result<(), (Batch, String)>),
    /// Command: answer once everything is written, or could not be.
    Settle { reply: ractor::RpcReplyPort<()> },
}

/// Rows to write.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    bars: Vec<BarRecord>,
    signals: Vec<SignalRecord>,
}

/// The role.
pub(crate) struct Recorder {
    pub(crate) database: Database,
}

/// Its state.
pub(crate) struct RecorderState {
    waiting: Batch,
    writing: Option<Running>,
    settling: Vec<ractor::RpcReplyPort<()>>,
    written: u64,
    last_error: Option<String>,
    _beat: Running,
}

impl Message for RecorderMessage {
    fn name(&self) -> &'static str {
        match self {
            Self::Bar { .. } => "bar",
            Self::Signal(_) => "signal",
            Self::Flush => "flush",
            Self::Written(_) => "written",
            Self::Settle { .. } => "settle",
        }
    }
}

impl Role for Recorder {
    type Message = RecorderMessage;
    type State = RecorderState;

    const KIND: &'static str = "recorder";

    async fn begin(&self, cue: &Cue<RecorderMessage>) -> Result<RecorderState, Fault> {
        let me = cue.me.clone();
        let beat = Running::start(async move {
            let mut interval = tokio::time::interval(INTERVAL);
            loop {
                interval.tick().await;
                drop(me.tell(RecorderMessage::Flush));
            }
        });
        Ok(RecorderState {
            waiting: Batch::default(),
            writing: None,
            settling: Vec::new(),
            written: 0,
            last_error: None,
            _beat: beat,
        })
    }

    async fn handle(
        &self,
        cue: &Cue<RecorderMessage>,
        message: RecorderMessage,
        state: &mut RecorderState,
    ) -> Result<(), Fault> {
        match message {
            RecorderMessage::Bar { ticker, bar } => {
                state.waiting.bars.push(bar_record(&ticker, &bar));
                if state.waiting.len() >= BATCH_MAX {
                    self.flush(cue, state);
                }
            }
            RecorderMessage::Signal(signal) => {
                state.waiting.signals.push(signal_record(&signal)?);
            }
            RecorderMessage::Flush => self.flush(cue, state),
            RecorderMessage::Settle { reply } => {
                state.settling.push(reply);
                self.flush(cue, state);
            }
            RecorderMessage::Written(outcome) => self.written(cue, state, outcome),
        }
        cue.stage.counters.recorder_dropped.add(state.waiting.shed());
        Ok(())
    }

    fn observe(&self, state: &RecorderState) -> Value {
        json!({
            "waiting": state.waiting.len(), "written": state.written,
            "last_error": state.last_error,
        })
    }
}

impl Recorder {
    fn flush(&self, cue: &Cue<RecorderMessage>, state: &mut RecorderState) {
        if state.writing.is_some() {
            return;
        }
        if state.waiting.len() == 0 {
            for port in state.settling.drain(..) {
                drop(port.send(()));
            }
            return;
        }
        let batch = state.waiting.take(BATCH_MAX);
        // Counted as work: a replay at full speed waits for its bars to be written.
        let (database, me, work) = (self.database.clone(), cue.me.clone(), cue.stage.work());
        state.writing = Some(Running::start(async move {
            let outcome = write(&database, &batch).await;
            let outcome = outcome.map_err(|error| (batch, error.to_string()));
            drop(me.tell(RecorderMessage::Written(outcome)));
            drop(work);
        }));
    }

    fn written(
        &self,
        cue: &Cue<RecorderMessage>,
        state: &mut RecorderState,
        outcome: Result<(), (Batch, String)>,
    ) {
        state.writing = None;
        match outcome {
            Ok(()) => {
                state.written += 1;
                state.last_error = None;
                if state.waiting.len() >= BATCH_MAX || !state.settling.is_empty() {
                    self.flush(cue, state);
                }
            }
            Err((mut batch, reason)) => {
                tracing::warn!("bars and signals wait for the database: {reason}");
                state.last_error = Some(reason);
                batch.append(&mut state.waiting);
                state.waiting = batch;
                // Nobody waits for a database that is away.
                for port in state.settling.drain(..) {
                    drop(port.send(()));
                }
            }
        }
    }
}

impl Batch {
    fn len(&self) -> usize {
        self.bars.len() + self.signals.len()
    }

    fn take(&mut self, rows: usize) -> Self {
        let bars = self.bars.drain(..self.bars.len().min(rows)).collect();
        let signals = self.signals.drain(..self.signals.len().min(rows)).collect();
        Self { bars, signals }
    }

    fn append(&mut self, later: &mut Self) {
        self.bars.append(&mut later.bars);
        self.signals.append(&mut later.signals);
    }

    /// Gives up the oldest rows beyond the limit, and says how many.
    fn shed(&mut self) -> u64 {
        let bars = self.bars.len().saturating_sub(WAITING_MAX);
        let signals = self.signals.len().saturating_sub(WAITING_MAX);
        self.bars.drain(..bars);
        self.signals.drain(..signals);
        u64::try_from(bars + signals).unwrap_or(u64::MAX)
    }
}

async fn write(database: &Database, batch: &Batch) -> Result<(), storage::StorageError> {
    let mut connection = database.pool().acquire().await?;
    storage::bars::upsert(&mut connection, &batch.bars).await?;
    storage::signals::insert_new(&mut connection, &batch.signals).await?;
    Ok(())
}

fn bar_record(ticker: &Ticker, bar: &Bar) -> BarRecord {
    BarRecord {
        ticker: ticker.as_str().to_owned(),
        seconds: i32::try_from(bar.seconds).unwrap_or(i32::MAX),
        at: bar.at,
        open: bar.open,
        high: bar.high,
        low: bar.low,
        close: bar.close,
        volume: bar.volume,
        trades: i64::try_from(bar.trades).unwrap_or(i64::MAX),
    }
}

fn signal_record(signal: &Signal) -> Result<SignalRecord, serde_json::Error> {
    Ok(SignalRecord {
        id: signal.id.as_uuid(),
        instance: signal.instance.as_str().to_owned(),
        strategy_name: signal.strategy.clone(),
        ticker: signal.ticker.as_str().to_owned(),
        bar_seconds: i32::try_from(signal.seconds).unwrap_or(i32::MAX),
        stance: signal.stance.code().to_owned(),
        at: signal.at,
        price: signal.reference.price,
        indicators: serde_json::to_value(&signal.indicators)?,
    })
}
