//! The newest prices of assets: bars, trades, quotes, order books and snapshots.

use std::sync::Arc;

use chrono::DateTime;
use serde_json::{Map, Value, json};

use super::data_query::{DELAY, Feed};
use super::on_a_core;
use crate::assets::Asset;
use crate::data_wire::{self, Codec, Naming};
use crate::history::{Direction, Range};
use crate::ladder::Ladder;
use crate::refusal::Refusal;
use crate::server::Server;
use crate::timeframe::Timeframe;

/// How far back the newest bar, trade or quote is looked for, in portions of history.
const SEARCH_MAX: usize = 5_000;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Newest {
    Bar,
    Trade,
    Quote,
    OrderBook,
    Snapshot,
}

/// Each asset's newest item.
pub(super) async fn newest(
    server: &Arc<Server>,
    what: Newest,
    assets: Vec<Arc<Asset>>,
    feed: Feed,
) -> Result<Map<String, Value>, Refusal> {
    let worker = Arc::clone(server);
    on_a_core(server, move || {
        let mut found = Map::new();
        for asset in assets {
            let look = Look { server: &worker, asset: &asset, feed };
            let item = match what {
                Newest::Bar => look.bars(native(&asset), 1).into_iter().next(),
                Newest::Trade => look.trade(),
                Newest::Quote => look.quote(),
                Newest::OrderBook => look.order_book(),
                Newest::Snapshot => Some(look.snapshot()),
            };
            if let Some(item) = item {
                found.insert(asset.symbol.clone(), item);
            }
        }
        found
    })
    .await
}

/// Looks at one asset through one feed.
struct Look<'a> {
    server: &'a Server,
    asset: &'a Asset,
    feed: Feed,
}

impl Look<'_> {
    fn snapshot(&self) -> Value {
        let minute = self.bars(native(self.asset), 1).into_iter().next();
        let mut days = self.bars(Timeframe::DAY, 2).into_iter();
        json!({
            "latestTrade": self.trade(),
            "latestQuote": self.quote(),
            "minuteBar": minute,
            "dailyBar": days.next(),
            "prevDailyBar": days.next(),
        })
    }

    /// The newest bars first.
    fn bars(&self, timeframe: Timeframe, count: usize) -> Vec<Value> {
        let range = self.range();
        let portions = self.server.history.bars(self.asset, timeframe, range, range.until);
        portions
            .take(SEARCH_MAX)
            .flat_map(|portion| portion.items)
            .filter(|bar| timeframe >= Timeframe::DAY || self.feed.shows(bar.at))
            .take(count)
            .map(|bar| json!(data_wire::bar(self.asset, &bar, None, Codec::Json)))
            .collect()
    }

    fn trade(&self) -> Option<Value> {
        let write =
            |trade: &_| json!(data_wire::trade(self.asset, trade, Naming::Bare, Codec::Json));
        if self.feed == Feed::DelayedSip {
            let range = self.range();
            let portions = self.server.history.trades(self.asset, range, range.until);
            return portions.take(SEARCH_MAX).find_map(|portion| portion.items.first().map(write));
        }
        self.server.exchange.read(|inner| {
            let trade = inner.market.newest(&self.asset.symbol)?.trade.as_ref()?;
            self.feed.shows(trade.at).then(|| write(trade))
        })
    }

    fn quote(&self) -> Option<Value> {
        let write =
            |quote: &_| json!(data_wire::quote(self.asset, quote, Naming::Bare, Codec::Json));
        if self.feed == Feed::DelayedSip {
            let range = self.range();
            let portions = self.server.history.quotes(self.asset, range, range.until);
            return portions.take(SEARCH_MAX).find_map(|portion| portion.items.first().map(write));
        }
        self.server.exchange.read(|inner| {
            let quote = inner.market.newest(&self.asset.symbol)?.quote.as_ref()?;
            self.feed.shows(quote.at).then(|| write(quote))
        })
    }

    fn order_book(&self) -> Option<Value> {
        let quote = self
            .server
            .exchange
            .read(|inner| inner.market.newest(&self.asset.symbol)?.quote.clone())?;
        Some(json!(data_wire::book(&Ladder::of(self.asset, &quote), Codec::Json)))
    }

    /// Everything up to now, as the feed has it; the newest first.
    fn range(&self) -> Range {
        let now = self.server.exchange.clock.now();
        let until = if self.feed == Feed::DelayedSip { now - DELAY } else { now };
        Range { from: DateTime::UNIX_EPOCH, until, direction: Direction::Descending }
    }
}

/// A minute, or the length of the recorded bars where that is longer.
fn native(asset: &Asset) -> Timeframe {
    match asset.bar_seconds {
        Some(seconds) if seconds >= 86_400 => Timeframe::DAY,
        Some(seconds) => Timeframe::Seconds(i64::from(seconds).max(60)),
        None => Timeframe::MINUTE,
    }
}
