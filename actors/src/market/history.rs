//! History: bars that the stream did not bring, and the list of assets.
//!
//! Owns: the asset list, the connections to the history API.
//! In: questions for bars and assets.
//! Out: answers, each from a task of its own, a few at a time.
//! When it dies: who asked gets no answer and asks again.

use crate::alpaca::{DataClient, Endpoints, Keys};
use crate::market::{KnownTicker, MarketSettings, StrategyMessage};
use crate::stage::{Address, Cue, Fault, Message, Role, Running, Work};
use engine::bar::Bar;
use engine::{Asset, Ticker, Timestamp};
use ractor::RpcReplyPort;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Requests on the wire at once: history must not crowd out orders.
const REQUESTS_MAX: usize = 4;

/// Pause between two looks at the asset list.
const ASSETS_REFRESH: Duration = Duration::from_hours(1);

/// What a strategy wants to know.
pub(crate) struct BarsWanted {
    pub(crate) asset: Asset,
    pub(crate) seconds: u32,
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) reply: Address<StrategyMessage>,
}

/// What history is told.
pub(crate) enum HistoryMessage {
    /// Command: read these bars; the answer is `StrategyMessage::History`. Reading twice is harmless.
    Bars(Box<BarsWanted>),
    /// Command: what is known of this ticker?
    Known { ticker: Ticker, reply: RpcReplyPort<KnownTicker> },
    /// Fact: the asset list was read, or could not be.
    Assets(Result<Vec<Asset>, String>),
}

/// The role.
pub(crate) struct History {
    pub(crate) endpoints: Endpoints,
    pub(crate) keys: Keys,
    pub(crate) settings: MarketSettings,
}

/// Its state.
pub(crate) struct HistoryState {
    client: DataClient,
    permits: Arc<Semaphore>,
    assets: Option<BTreeMap<Ticker, Asset>>,
    running: Vec<Running>,
    last_error: Option<String>,
    _refresh: Running,
}

impl Message for HistoryMessage {
    fn name(&self) -> &'static str {
        match self {
            Self::Bars(_) => "bars",
            Self::Known { .. } => "known",
            Self::Assets(_) => "assets",
        }
    }
}

impl Role for History {
    type Message = HistoryMessage;
    type State = HistoryState;

    const KIND: &'static str = "history";

    async fn begin(&self, cue: &Cue<HistoryMessage>) -> Result<HistoryState, Fault> {
        let client = DataClient::new(&self.endpoints, self.keys.clone())?;
        let refresh = refresh_assets(client.clone(), cue.me.clone(), self.settings.clone());
        Ok(HistoryState {
            client,
            permits: Arc::new(Semaphore::new(REQUESTS_MAX)),
            assets: None,
            running: Vec::new(),
            last_error: None,
            _refresh: Running::start(refresh),
        })
    }

    async fn handle(
        &self,
        cue: &Cue<HistoryMessage>,
        message: HistoryMessage,
        state: &mut HistoryState,
    ) -> Result<(), Fault> {
        match message {
            HistoryMessage::Bars(wanted) => read_bars(state, *wanted, cue.stage.work()),
            HistoryMessage::Known { ticker, reply } => {
                let known = match &state.assets {
                    None => KnownTicker::Unavailable,
                    Some(assets) => assets
                        .get(&ticker)
                        .map_or(KnownTicker::Unknown, |asset| KnownTicker::Listed(asset.clone())),
                };
                // Who asked may have given up waiting.
                drop(reply.send(known));
            }
            HistoryMessage::Assets(Ok(assets)) => {
                let assets: BTreeMap<_, _> =
                    assets.into_iter().map(|asset| (asset.ticker.clone(), asset)).collect();
                tracing::info!(assets = assets.len(), "the venue lists {} assets", assets.len());
                state.assets = Some(assets);
                state.last_error = None;
            }
            HistoryMessage::Assets(Err(reason)) => {
                tracing::warn!("the asset list could not be read: {reason}; trying again");
                state.last_error = Some(reason);
            }
        }
        Ok(())
    }

    fn observe(&self, state: &HistoryState) -> Value {
        json!({
            "assets": state.assets.as_ref().map(BTreeMap::len),
            "requests": REQUESTS_MAX - state.permits.available_permits(),
            "last_error": state.last_error,
        })
    }
}

fn read_bars(state: &mut HistoryState, wanted: BarsWanted, work: Work) {
    state.running.retain(|task| !task.is_over());
    let (client, permits) = (state.client.clone(), Arc::clone(&state.permits));
    state.running.push(Running::start(async move {
        let answer = read(&client, &permits, &wanted).await;
        let answer = answer.map_err(|reason| format!("{}: {reason}", wanted.asset.ticker));
        // A strategy between two lives asks again when it begins.
        drop(wanted.reply.tell(StrategyMessage::History(answer)));
        drop(work);
    }));
}

async fn read(
    client: &DataClient,
    permits: &Semaphore,
    wanted: &BarsWanted,
) -> Result<Vec<Bar>, String> {
    let _permit = permits.acquire().await.map_err(|error| error.to_string())?;
    let range = (wanted.from, wanted.until);
    client.bars(&wanted.asset, wanted.seconds, range).await.map_err(|error| error.to_string())
}

async fn refresh_assets(client: DataClient, me: Address<HistoryMessage>, settings: MarketSettings) {
    let mut backoff = crate::alpaca::Backoff::new(settings.backoff_min, settings.backoff_max, 1);
    loop {
        let assets = client.assets().await.map_err(|error| error.to_string());
        let pause = if assets.is_ok() { ASSETS_REFRESH } else { backoff.pause() };
        drop(me.tell(HistoryMessage::Assets(assets)));
        tokio::time::sleep(pause).await;
    }
}
