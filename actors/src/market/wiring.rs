//! How the market side is put together: who supervises whom, and at which path.

use super::feed::Feed;
use super::floor::Floor;
use super::history::{History, HistoryMessage};
use super::strategy::StrategyRole;
use super::ticker::TickerRole;
use crate::alpaca::{Endpoints, Keys};
use crate::desk::OfficeMessage;
use crate::hub::HubMessage;
use crate::market::{
    FeedMessage, FeedPart, FloorMessage, MarketSettings, StrategyMessage, TickerMessage,
};
use crate::record::RecorderMessage;
use crate::stage::{Address, Role as _, Stage, Supervised, group, pool, supervised};
use engine::instance::InstanceKey;
use engine::{Asset, AssetClass, InstanceId, Ticker};
use ractor_supervisor::{Restart, SupervisorStrategy};
use std::sync::Arc;

/// Pool of tickers.
pub(super) const TICKERS: &str = "market/ticker";

/// Pool of strategy instances.
pub(super) const INSTANCES: &str = "market/strategy";

/// Tickers that one engine follows.
const TICKERS_MAX: usize = 10_000;

/// Strategy instances that one engine runs.
const INSTANCES_MAX: usize = 100_000;

/// Where history is.
pub(crate) type HistoryAddress = Address<HistoryMessage>;

/// What the market side is made of.
#[derive(Clone)]
pub(crate) struct MarketParts {
    pub(crate) endpoints: Endpoints,
    pub(crate) keys: Keys,
    pub(crate) settings: MarketSettings,
    pub(crate) hub: Address<HubMessage>,
    pub(crate) recorder: Address<RecorderMessage>,
}

/// The market side from outside.
#[derive(Clone)]
pub(crate) struct Market {
    pub(crate) floor: Address<FloorMessage>,
    pub(crate) history: Address<HistoryMessage>,
    pub(crate) feeds: [Address<FeedMessage>; 2],
}

pub(super) fn ticker_path(ticker: &Ticker) -> String {
    format!("{TICKERS}/{}", segment(ticker.as_str()))
}

pub(super) fn instance_path(id: &InstanceId) -> String {
    format!("{INSTANCES}/{}", segment(id.as_str()))
}

/// A path's segments are separated by slashes, so one inside a name becomes a dash: BTC-USD.
fn segment(name: &str) -> String {
    name.replace('/', "-")
}

/// The market side as a child of the root.
pub(crate) fn market(
    stage: &Arc<Stage>,
    parts: &MarketParts,
    office: &Address<OfficeMessage>,
) -> (Market, Supervised) {
    let floor = stage.address("market/floor", Floor::KIND);
    let history = stage.address("market/history", History::KIND);
    let feeds = [AssetClass::UsEquity, AssetClass::Crypto].map(|class| parts.feed(stage, class));
    let mut children = vec![
        supervised(stage, &history, {
            let parts = parts.clone();
            move || History {
                endpoints: parts.endpoints.clone(),
                keys: parts.keys.clone(),
                settings: parts.settings.clone(),
            }
        }),
        pool(stage, TICKERS, TICKERS_MAX),
        pool(stage, INSTANCES, INSTANCES_MAX),
    ];
    for (feed, url) in
        feeds.iter().zip([&parts.endpoints.stock_stream_url, &parts.endpoints.crypto_stream_url])
    {
        let (settings, source) = (parts.settings.clone(), parts.endpoints.source);
        let part = FeedPart { url: url.clone(), keys: parts.keys.clone(), source };
        let floor = floor.clone();
        let make =
            move || Feed { part: part.clone(), settings: settings.clone(), floor: floor.clone() };
        children.push(supervised(stage, feed, make));
    }
    children.push(supervised(stage, &floor, {
        let (parts, history, office) = (parts.clone(), history.clone(), office.clone());
        move || Floor { parts: parts.clone(), history: history.clone(), office: office.clone() }
    }));
    let policy = (SupervisorStrategy::OneForOne, Restart::Permanent);
    let child = group(stage, "market", policy, children);
    (Market { floor, history, feeds }, child)
}

/// A ticker's address.
pub(super) fn ticker_address(stage: &Arc<Stage>, ticker: &Ticker) -> Address<TickerMessage> {
    stage.address(&ticker_path(ticker), TickerRole::KIND)
}

/// A strategy instance's address.
pub(super) fn instance_address(stage: &Arc<Stage>, id: &InstanceId) -> Address<StrategyMessage> {
    stage.address(&instance_path(id), StrategyRole::KIND)
}

impl MarketParts {
    fn feed(&self, stage: &Arc<Stage>, class: AssetClass) -> Address<FeedMessage> {
        let source = self.endpoints.source;
        let path = match class {
            AssetClass::UsEquity => format!("market/feed/{source}"),
            AssetClass::Crypto => format!("market/feed/{source}-crypto"),
        };
        stage.address(&path, Feed::KIND)
    }

    /// A ticker under a supervisor of its own: one that keeps failing takes nobody with it.
    pub(super) fn ticker_child(
        &self,
        stage: &Arc<Stage>,
        asset: &Asset,
        floor: &Address<FloorMessage>,
    ) -> Supervised {
        let at = ticker_address(stage, &asset.ticker);
        let feed = self.feed(stage, asset.class);
        let (parts, asset, floor) = (self.clone(), asset.clone(), floor.clone());
        let path = ticker_path(&asset.ticker);
        let child = supervised(stage, &at, move || TickerRole {
            asset: asset.clone(),
            source: parts.endpoints.source,
            time: parts.settings.time,
            feed: feed.clone(),
            hub: parts.hub.clone(),
            recorder: parts.recorder.clone(),
            floor: floor.clone(),
        });
        group(stage, &path, (SupervisorStrategy::OneForOne, Restart::Temporary), vec![child])
    }

    /// A strategy instance under a supervisor of its own.
    pub(super) fn instance_child(
        &self,
        stage: &Arc<Stage>,
        key: &InstanceKey,
        asset: &Asset,
        floor: &Address<FloorMessage>,
    ) -> Supervised {
        let id = key.id();
        let at = instance_address(stage, &id);
        let ticker = ticker_address(stage, &key.ticker);
        let history = stage.address("market/history", History::KIND);
        let (parts, key, asset, floor) = (self.clone(), key.clone(), asset.clone(), floor.clone());
        let child = supervised(stage, &at, move || StrategyRole {
            key: key.clone(),
            asset: asset.clone(),
            settings: parts.settings.clone(),
            ticker: ticker.clone(),
            history: history.clone(),
            recorder: parts.recorder.clone(),
            floor: floor.clone(),
        });
        let path = instance_path(&id);
        group(stage, &path, (SupervisorStrategy::OneForOne, Restart::Temporary), vec![child])
    }
}
