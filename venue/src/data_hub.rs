//! Who is connected to which data stream, and sending everybody what they asked for.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::ws::{Message, Utf8Bytes};
use chrono::{DateTime, Utc};
use tokio::sync::watch;

use crate::assets::Asset;
use crate::data_wire::{self, Codec};
use crate::ladder::Ladder;
use crate::link::Link;
use crate::market::{Happening, MarketEvent};
use crate::news::Article;
use crate::notices::{Extent, Notice, Told};
use crate::subscription::{DataFeed, Subscriber};

/// Everybody who is connected to a data stream and authenticated.
#[derive(Debug)]
pub(crate) struct DataHub {
    subscribers: Mutex<Vec<Arc<Subscriber>>>,
    /// Grows with each change of a subscription.
    changes: watch::Sender<u64>,
    /// The newest order book of every coin that somebody watches.
    ladders: Mutex<HashMap<String, Ladder>>,
    /// Whether the delayed feed is played by itself; a tape shows it as it shows the others.
    delays: AtomicBool,
}

/// The account has as many connections to this stream as its plan allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyConnections;

/// One message for whoever wants it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Item<'a> {
    Event(&'a MarketEvent),
    Notice(&'a Notice),
    News(&'a Article),
}

/// For whom a frame is: who sees the market as it happens, or a quarter of an hour later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    Live,
    Delayed,
}

impl DataHub {
    pub(crate) fn new() -> Self {
        Self {
            subscribers: Mutex::default(),
            changes: watch::Sender::new(0),
            ladders: Mutex::default(),
            delays: AtomicBool::new(false),
        }
    }

    /// Lets the delayed feed lag behind: from now on somebody publishes for it on its own.
    pub(crate) fn delay(&self) {
        self.delays.store(true, Ordering::Release);
    }

    /// Takes a client in, unless its account has too many connections to the stream already.
    pub(crate) fn add(
        &self,
        subscriber: Arc<Subscriber>,
        connections_max: usize,
    ) -> Result<(), TooManyConnections> {
        let mut subscribers = self.lock();
        let same = |one: &&Arc<Subscriber>| {
            one.feed == subscriber.feed && one.account_id() == subscriber.account_id()
        };
        if subscribers.iter().filter(same).count() >= connections_max {
            return Err(TooManyConnections);
        }
        subscribers.push(subscriber);
        Ok(())
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
        self.lock().iter().any(|one| !one.wanted().is_empty())
    }

    /// Whether anybody is connected to the delayed feed.
    pub(crate) fn has_delayed(&self) -> bool {
        self.lock().iter().any(|one| one.feed == DataFeed::DelayedSip)
    }

    /// Whether anybody wants an asset on a channel: some cost more to make.
    pub(crate) fn wants(&self, channel: &str, asset: &Asset, at: DateTime<Utc>) -> bool {
        self.lock()
            .iter()
            .any(|one| one.feed.carries(asset, at) && one.wanted().has(channel, &asset.symbol))
    }

    /// The links of everybody who is connected.
    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        self.lock().iter().map(|one| Arc::clone(&one.link)).collect()
    }

    /// Sends each subscriber what it asked for of the market's events, as one frame, and with
    /// coins' quotes the order books that follow from them.
    pub(crate) fn publish(&self, events: &[MarketEvent], audience: Audience) {
        let books = self.books(events);
        let mut books = books.iter().peekable();
        let mut items = Vec::with_capacity(events.len());
        for (index, event) in events.iter().enumerate() {
            items.push(Item::Event(event));
            while let Some((_, notice)) = books.next_if(|(of, _)| *of == index) {
                items.push(Item::Notice(notice));
            }
        }
        self.publish_items(&items, audience);
    }

    /// Sends each subscriber what it asked for, as one frame. Nobody is waited for: a client whose
    /// queue is full is let go.
    pub(crate) fn publish_items(&self, items: &[Item<'_>], audience: Audience) {
        if items.is_empty() {
            return;
        }
        let subscribers: Vec<Arc<Subscriber>> = self.lock().clone();
        let mut written = Written::default();
        for subscriber in subscribers {
            if !self.is_for(&subscriber, audience) {
                continue;
            }
            let chosen = chosen(&subscriber, items);
            if chosen.is_empty() {
                continue;
            }
            let frame = written.frame(items, &chosen, subscriber.codec);
            if subscriber.link.send(frame).is_err() {
                tracing::warn!("a market data client is too slow, closing its connection");
            }
        }
    }

    fn is_for(&self, subscriber: &Subscriber, audience: Audience) -> bool {
        let lags = subscriber.feed == DataFeed::DelayedSip && self.delays.load(Ordering::Acquire);
        match audience {
            Audience::Live => !lags,
            Audience::Delayed => lags,
        }
    }

    /// The order books after the quotes that somebody follows, each with its event's place.
    fn books(&self, events: &[MarketEvent]) -> Vec<(usize, Notice)> {
        let mut found = Vec::new();
        let mut ladders = self.ladders.lock().unwrap_or_else(PoisonError::into_inner);
        for (index, event) in events.iter().enumerate() {
            let Happening::Quote(quote) = &event.what else { continue };
            let asset = &event.asset;
            if !asset.is_crypto() || !self.wants("orderbooks", asset, event.at) {
                continue;
            }
            let whole = Ladder::of(asset, quote);
            let before = ladders.insert(asset.symbol.clone(), whole.clone());
            let changes = before.map_or_else(|| whole.clone(), |one| whole.changes_since(&one));
            let what = Told::Book { whole, changes };
            found.push((index, Notice { asset: Arc::clone(asset), at: event.at, what }));
        }
        found
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Subscriber>>> {
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Item<'_> {
    fn encode(&self, codec: Codec, extent: Extent) -> Vec<u8> {
        match self {
            Self::Event(event) => data_wire::encode(event, codec),
            Self::Notice(notice) => notice.encode(codec, extent),
            Self::News(article) => article.encode(codec),
        }
    }
}

/// The items that a subscriber gets, and how much of each.
fn chosen(subscriber: &Subscriber, items: &[Item<'_>]) -> Vec<(usize, Extent)> {
    let feed = subscriber.feed;
    let mut wanted = subscriber.wanted();
    let mut chosen = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let is_wanted = match item {
            Item::Event(event) => {
                feed.carries(&event.asset, event.at)
                    && wanted.has(channel(&event.what), &event.asset.symbol)
            }
            Item::Notice(notice) => {
                feed.carries(&notice.asset, notice.at)
                    && wanted.has(notice.what.channel(), &notice.asset.symbol)
            }
            Item::News(article) => {
                feed == DataFeed::News
                    && article.symbols.iter().any(|symbol| wanted.has("news", symbol))
            }
        };
        if !is_wanted {
            continue;
        }
        let extent = match item {
            Item::Notice(Notice { asset, what: Told::Book { .. }, .. })
                if wanted.first_book(&asset.symbol) =>
            {
                Extent::Whole
            }
            _ => Extent::Changes,
        };
        chosen.push((index, extent));
    }
    chosen
}

fn channel(what: &Happening) -> &'static str {
    match what {
        Happening::Trade(_) | Happening::OpenTrade(_) | Happening::PathTrade(_) => "trades",
        Happening::Quote(_) | Happening::BarOver(_) => "quotes",
        Happening::Minute(_) => "bars",
        Happening::Day(_) => "dailyBars",
        Happening::Status(_) => "statuses",
    }
}

/// Messages that were written once and are sent to many.
#[derive(Default)]
struct Written {
    json: HashMap<(usize, bool), Vec<u8>>,
    msgpack: HashMap<(usize, bool), Vec<u8>>,
}

impl Written {
    fn frame(&mut self, items: &[Item<'_>], chosen: &[(usize, Extent)], codec: Codec) -> Message {
        let written = match codec {
            Codec::Json => &mut self.json,
            Codec::MessagePack => &mut self.msgpack,
        };
        let key = |index: usize, extent: Extent| (index, extent == Extent::Whole);
        for &(index, extent) in chosen {
            written.entry(key(index, extent)).or_insert_with(|| items[index].encode(codec, extent));
        }
        let messages: Vec<&[u8]> = chosen
            .iter()
            .filter_map(|&(index, extent)| written.get(&key(index, extent)).map(Vec::as_slice))
            .collect();
        frame(data_wire::array(&messages, codec), codec)
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
