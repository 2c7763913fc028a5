//! Who is subscribed to which market data, and sending it to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::ws::{Message, Utf8Bytes};
use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::assets::Asset;
use crate::data_wire::{self, Codec};
use crate::link::Link;
use crate::market::{Happening, MarketEvent};

/// Symbols that one connection may name over all channels.
const SYMBOLS_MAX: usize = 10_000;

/// Which data stream a client is connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataFeed {
    Stocks,
    Crypto,
    /// The invented symbol that Alpaca offers for trying a client.
    Test,
}

/// A client of a data stream.
#[derive(Debug)]
pub(crate) struct Subscriber {
    pub(crate) feed: DataFeed,
    pub(crate) codec: Codec,
    pub(crate) link: Arc<Link>,
    channels: Mutex<Channels>,
}

/// What a client has asked for: symbols by channel, `*` among them for all.
type Channels = BTreeMap<&'static str, BTreeSet<String>>;

/// Everybody who is connected to a data stream and authenticated.
#[derive(Debug)]
pub(crate) struct DataHub {
    subscribers: Mutex<Vec<Arc<Subscriber>>>,
    /// Grows with each change of a subscription.
    changes: watch::Sender<u64>,
}

/// Too many symbols in one subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManySymbols;

/// Whether symbols are added to or taken from a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    Add,
    Remove,
}

impl DataFeed {
    fn carries(self, asset: &Asset) -> bool {
        match self {
            Self::Stocks => !asset.is_crypto() && !asset.test_only,
            Self::Crypto => asset.is_crypto(),
            Self::Test => asset.test_only,
        }
    }

    /// The channels that may be subscribed, in the order of the acknowledgement.
    fn channels(self) -> &'static [&'static str] {
        match self {
            Self::Stocks | Self::Test => {
                &["trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds"]
            }
            Self::Crypto => &["trades", "quotes", "orderbooks", "bars", "updatedBars", "dailyBars"],
        }
    }
}

impl Subscriber {
    pub(crate) fn new(feed: DataFeed, codec: Codec, link: Arc<Link>) -> Self {
        Self { feed, codec, link, channels: Mutex::default() }
    }

    /// Changes the subscription and returns the acknowledgement.
    pub(crate) fn edit(
        &self,
        request: &Map<String, Value>,
        edit: Edit,
    ) -> Result<Value, TooManySymbols> {
        let mut channels = self.lock();
        let mut edited = channels.clone();
        for name in self.feed.channels() {
            let symbols = request.get(*name).and_then(Value::as_array).into_iter().flatten();
            let channel = edited.entry(name).or_default();
            for symbol in symbols.filter_map(Value::as_str) {
                match edit {
                    Edit::Add => channel.insert(symbol.to_owned()),
                    Edit::Remove => channel.remove(symbol),
                };
            }
        }
        if edited.values().map(BTreeSet::len).sum::<usize>() > SYMBOLS_MAX {
            return Err(TooManySymbols);
        }
        *channels = edited;
        Ok(self.acknowledgement(&channels))
    }

    fn acknowledgement(&self, channels: &Channels) -> Value {
        let mut body = Map::new();
        body.insert("T".to_owned(), "subscription".into());
        let of = |name: &str| -> Value {
            channels.get(name).into_iter().flatten().cloned().collect::<Vec<_>>().into()
        };
        for name in self.feed.channels() {
            body.insert((*name).to_owned(), of(name));
        }
        if self.feed != DataFeed::Crypto {
            body.insert("corrections".to_owned(), of("trades"));
            body.insert("cancelErrors".to_owned(), of("trades"));
        }
        Value::Object(body)
    }

    fn wants(&self, event: &MarketEvent, channels: &Channels) -> bool {
        if !self.feed.carries(&event.asset) {
            return false;
        }
        let channel = match event.what {
            Happening::Trade(_) | Happening::OpenTrade(_) | Happening::PathTrade(_) => "trades",
            Happening::Quote(_) | Happening::BarOver(_) => "quotes",
            Happening::Minute(_) => "bars",
            Happening::Day(_) => "dailyBars",
            Happening::Status(_) => "statuses",
        };
        names(channels, channel, &event.asset.symbol)
    }

    fn lock(&self) -> MutexGuard<'_, Channels> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DataHub {
    pub(crate) fn new() -> Self {
        Self { subscribers: Mutex::default(), changes: watch::Sender::new(0) }
    }

    pub(crate) fn add(&self, subscriber: Arc<Subscriber>) {
        self.lock().push(subscriber);
    }

    pub(crate) fn remove(&self, link: &Arc<Link>) {
        self.lock().retain(|one| !Arc::ptr_eq(&one.link, link));
    }

    /// A subscription has changed.
    pub(crate) fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// Follows the changes of subscriptions.
    pub(crate) fn follow(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Whether anybody has subscribed to anything.
    pub(crate) fn has_subscription(&self) -> bool {
        self.lock().iter().any(|one| one.lock().values().any(|symbols| !symbols.is_empty()))
    }

    /// Whether anybody wants an asset's daily bars, which cost more to make.
    pub(crate) fn wants_daily_bars(&self, asset: &Asset) -> bool {
        self.lock()
            .iter()
            .any(|one| one.feed.carries(asset) && names(&one.lock(), "dailyBars", &asset.symbol))
    }

    /// The links of everybody who is connected.
    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        self.lock().iter().map(|one| Arc::clone(&one.link)).collect()
    }

    /// Sends each subscriber what it asked for, as one frame. Nobody is waited for: a client whose
    /// queue is full is let go.
    pub(crate) fn publish(&self, events: &[MarketEvent]) {
        let subscribers: Vec<Arc<Subscriber>> = self.lock().clone();
        let mut json: Vec<Option<Vec<u8>>> = vec![None; events.len()];
        let mut msgpack: Vec<Option<Vec<u8>>> = vec![None; events.len()];
        for subscriber in subscribers {
            let encoded = match subscriber.codec {
                Codec::Json => &mut json,
                Codec::MessagePack => &mut msgpack,
            };
            let wanted: Vec<usize> = {
                let channels = subscriber.lock();
                let wants = |index: &usize| {
                    events.get(*index).is_some_and(|event| subscriber.wants(event, &channels))
                };
                (0..events.len()).filter(wants).collect()
            };
            if wanted.is_empty() {
                continue;
            }
            for &index in &wanted {
                encoded[index]
                    .get_or_insert_with(|| data_wire::encode(&events[index], subscriber.codec));
            }
            let messages: Vec<&[u8]> =
                wanted.iter().filter_map(|&index| encoded[index].as_deref()).collect();
            let frame = frame(data_wire::array(&messages, subscriber.codec), subscriber.codec);
            if subscriber.link.send(frame).is_err() {
                tracing::warn!("a market data client is too slow, closing its connection");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Subscriber>>> {
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes as the frame that the codec asks for.
pub(crate) fn frame(bytes: Vec<u8>, codec: Codec) -> Message {
    match codec {
        Codec::MessagePack => Message::Binary(bytes.into()),
        Codec::Json => match Utf8Bytes::try_from(bytes) {
            Ok(text) => Message::Text(text),
            Err(error) => {
                tracing::error!(%error, "a market data frame is not text");
                Message::Text(Utf8Bytes::from_static("[]"))
            }
        },
    }
}

fn names(channels: &Channels, channel: &str, symbol: &str) -> bool {
    channels.get(channel).is_some_and(|symbols| symbols.contains(symbol) || symbols.contains("*"))
}
