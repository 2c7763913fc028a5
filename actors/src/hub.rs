//! The hub: the newest price of every ticker, for any number of clients.
//!
//! Owns: the price board and its version numbers.
//! In: conflated prices from tickers; questions of sessions.
//! Out: what changed since a version. Sessions pull, so nothing ever queues for a slow one.
//! When it dies: the next prices fill the board again; versions go on from the clock.

use crate::stage::{Cue, Fault, Message, Role};
use engine::{Ticker, Timestamp};
use ractor::RpcReplyPort;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Tickers on the board.
const PRICES_MAX: usize = 20_000;

/// A ticker's newest price.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PriceUpdate {
    /// The ticker.
    pub ticker: Ticker,
    /// US dollars.
    pub price: f64,
    /// When the venue says it was so.
    pub at: Timestamp,
    /// Which source said so.
    pub source: &'static str,
}

/// What changed on the board.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PriceChanges {
    /// Version of the board; ask for what follows it next time.
    pub version: u64,
    /// The newest price of each ticker that changed, by ticker.
    pub prices: Vec<PriceUpdate>,
}

/// What the hub is told.
pub(crate) enum HubMessage {
    /// Quote: a price; it replaces the one before.
    Price(PriceUpdate),
    /// Command: what changed since this version? Zero: everything.
    Changes { since: u64, reply: RpcReplyPort<PriceChanges> },
}

/// The role.
pub(crate) struct Hub;

/// Its state.
pub(crate) struct HubState {
    version: u64,
    prices: BTreeMap<Ticker, (u64, PriceUpdate)>,
}

impl Message for HubMessage {
    fn name(&self) -> &'static str {
        match self {
            Self::Price(_) => "price",
            Self::Changes { .. } => "changes",
        }
    }
}

impl Role for Hub {
    type Message = HubMessage;
    type State = HubState;

    const KIND: &'static str = "hub";

    async fn begin(&self, cue: &Cue<HubMessage>) -> Result<HubState, Fault> {
        // Later than any version of an earlier life, so that no client misses a change.
        let now = cue.stage.clock.now().timestamp_micros();
        Ok(HubState { version: u64::try_from(now).unwrap_or(0), prices: BTreeMap::new() })
    }

    async fn handle(
        &self,
        _cue: &Cue<HubMessage>,
        message: HubMessage,
        state: &mut HubState,
    ) -> Result<(), Fault> {
        match message {
            HubMessage::Price(update) => put(state, update),
            // Who asked may be gone.
            HubMessage::Changes { since, reply } => drop(reply.send(changes(state, since))),
        }
        Ok(())
    }

    fn observe(&self, state: &HubState) -> Value {
        json!({ "prices": state.prices.len(), "version": state.version })
    }
}

fn put(state: &mut HubState, update: PriceUpdate) {
    if state.prices.len() >= PRICES_MAX && !state.prices.contains_key(&update.ticker) {
        return;
    }
    state.version += 1;
    state.prices.insert(update.ticker.clone(), (state.version, update));
}

fn changes(state: &HubState, since: u64) -> PriceChanges {
    let changed = state.prices.values().filter(|(version, _)| *version > since);
    let prices = changed.map(|(_, update)| update.clone()).collect();
    PriceChanges { version: state.version, prices }
}
