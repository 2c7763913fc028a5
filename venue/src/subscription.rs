//! What a client of a data stream has asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::assets::Asset;
use crate::data_wire::Codec;
use crate::link::Link;
use crate::routes::is_night;

/// Symbols that one connection may name over all channels, whatever its plan.
const SYMBOLS_MAX: usize = 10_000;
/// Every symbol.
const ALL: &str = "*";
/// The channels that a plan counts.
const COUNTED_CHANNELS: [&str; 2] = ["trades", "quotes"];
/// Channels that come with trades and cannot be chosen: naming them is no mistake.
const FOLLOWING_CHANNELS: [&str; 2] = ["corrections", "cancelErrors"];
/// Every list that a subscription may hold, on any feed.
const KNOWN_CHANNELS: [&str; 12] = [
    "trades",
    "quotes",
    "bars",
    "updatedBars",
    "dailyBars",
    "statuses",
    "lulds",
    "imbalances",
    "orderbooks",
    "news",
    "corrections",
    "cancelErrors",
];

/// Which data stream a client is connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataFeed {
    Iex,
    Sip,
    /// Everything a quarter of an hour later.
    DelayedSip,
    /// What happens between 20:00 and 04:00 in New York.
    Boats,
    Overnight,
    Crypto,
    News,
    /// The invented symbol that Alpaca offers for trying a client.
    Test,
}

/// A client of a data stream.
#[derive(Debug)]
pub(crate) struct Subscriber {
    pub(crate) feed: DataFeed,
    pub(crate) codec: Codec,
    pub(crate) link: Arc<Link>,
    /// Whose connection it is, once that is known.
    account_id: OnceLock<Uuid>,
    wanted: Mutex<Wanted>,
}

/// Symbols by channel, and what goes with them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    channels: BTreeMap<&'static str, BTreeSet<String>>,
    /// Symbols whose whole order book the client has been sent: from then on it hears of changes.
    books: BTreeSet<String>,
}

/// Why a subscription was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// A list is no list of symbols.
    Syntax,
    TooManySymbols,
    /// The feed has no such channel.
    Channel,
}

/// Whether symbols are added to or taken from a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    Add,
    Remove,
}

impl DataFeed {
    /// Whether the feed has what happens to an asset at a time.
    pub(crate) fn carries(self, asset: &Asset, at: DateTime<Utc>) -> bool {
        let stock = !asset.is_crypto() && !asset.test_only;
        match self {
            Self::Iex | Self::Sip | Self::DelayedSip => stock,
            Self::Boats | Self::Overnight => stock && is_night(at),
            Self::Crypto => asset.is_crypto(),
            Self::Test => asset.test_only,
            Self::News => false,
        }
    }

    /// The channels that may be subscribed, in the order of the acknowledgement.
    fn channels(self) -> &'static [&'static str] {
        match self {
            Self::Crypto => &["trades", "quotes", "orderbooks", "bars", "updatedBars", "dailyBars"],
            Self::News => &["news"],
            Self::Iex
            | Self::Sip
            | Self::DelayedSip
            | Self::Boats
            | Self::Overnight
            | Self::Test => &[
                "trades",
                "quotes",
                "bars",
                "updatedBars",
                "dailyBars",
                "statuses",
                "lulds",
                "imbalances",
            ],
        }
    }

    /// Whether corrections and cancelations come with the trades.
    fn amends_trades(self) -> bool {
        !matches!(self, Self::Crypto | Self::News)
    }
}

impl Wanted {
    /// Whether a symbol of a channel was asked for.
    pub(crate) fn has(&self, channel: &str, symbol: &str) -> bool {
        self.channels
            .get(channel)
            .is_some_and(|symbols| symbols.contains(symbol) || symbols.contains(ALL))
    }

    /// Whether anything was.
    pub(crate) fn is_empty(&self) -> bool {
        self.channels.values().all(BTreeSet::is_empty)
    }

    /// Notes that the client gets a symbol's whole book now; false when it has had it before.
    pub(crate) fn first_book(&mut self, symbol: &str) -> bool {
        !self.books.contains(symbol) && self.books.insert(symbol.to_owned())
    }
}

impl Subscriber {
    pub(crate) fn new(feed: DataFeed, codec: Codec, link: Arc<Link>) -> Self {
        Self { feed, codec, link, account_id: OnceLock::new(), wanted: Mutex::default() }
    }

    /// Whose connection it is.
    pub(crate) fn account_id(&self) -> Option<Uuid> {
        self.account_id.get().copied()
    }

    /// Notes whose connection it is; the first answer stands.
    pub(crate) fn belongs_to(&self, account_id: Uuid) {
        self.account_id.get_or_init(|| account_id);
    }

    /// What the client has asked for.
    pub(crate) fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the subscription and returns the acknowledgement.
    pub(crate) fn edit(
        &self,
        request: &Map<String, Value>,
        edit: Edit,
        counted_max: usize,
    ) -> Result<Value, Misfit> {
        let mut wanted = self.wanted();
        let mut edited = wanted.clone();
        for name in KNOWN_CHANNELS {
            let symbols = symbols(request.get(name))?;
            let Some(known) = self.feed.channels().iter().find(|known| **known == name) else {
                let follows = self.feed.amends_trades() && FOLLOWING_CHANNELS.contains(&name);
                if !symbols.is_empty() && !follows {
                    return Err(Misfit::Channel);
                }
                continue;
            };
            let channel = edited.channels.entry(known).or_default();
            for symbol in symbols {
                match edit {
                    Edit::Add => {
                        channel.insert(symbol.to_owned());
                    }
                    Edit::Remove => {
                        channel.remove(symbol);
                    }
                }
                if name == "orderbooks" {
                    edited.books.remove(symbol);
                }
            }
        }
        if edit == Edit::Add && !edited.fits(counted_max) {
            return Err(Misfit::TooManySymbols);
        }
        *wanted = edited;
        Ok(self.acknowledgement(&wanted))
    }

    fn acknowledgement(&self, wanted: &Wanted) -> Value {
        let mut body = Map::new();
        body.insert("T".to_owned(), "subscription".into());
        let of = |name: &str| -> Value {
            wanted.channels.get(name).into_iter().flatten().cloned().collect::<Vec<_>>().into()
        };
        for name in self.feed.channels() {
            let symbols = of(name);
            // Few clients know this channel: who did not ask for it does not hear of it.
            if *name == "imbalances" && symbols.as_array().is_none_or(Vec::is_empty) {
                continue;
            }
            body.insert((*name).to_owned(), symbols);
        }
        if self.feed.amends_trades() {
            for name in FOLLOWING_CHANNELS {
                body.insert(name.to_owned(), of("trades"));
            }
        }
        Value::Object(body)
    }
}

impl Wanted {
    fn fits(&self, counted_max: usize) -> bool {
        let counted = COUNTED_CHANNELS.iter().filter_map(|name| self.channels.get(name));
        let count: usize = counted
            .map(|symbols| if symbols.contains(ALL) { usize::MAX } else { symbols.len() })
            .fold(0, usize::saturating_add);
        let all: usize = self.channels.values().map(BTreeSet::len).sum();
        count <= counted_max && all <= SYMBOLS_MAX
    }
}

/// The symbols of one list; a list that is not there is empty.
fn symbols(list: Option<&Value>) -> Result<Vec<&str>, Misfit> {
    match list {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => {
            items.iter().map(|item| item.as_str().ok_or(Misfit::Syntax)).collect()
        }
        Some(_) => Err(Misfit::Syntax),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn subscriber(feed: DataFeed) -> Subscriber {
        Subscriber::new(feed, Codec::Json, Arc::new(Link::new().0))
    }

    fn edit(one: &Subscriber, edit: Edit, request: &Value, max: usize) -> Result<Value, Misfit> {
        one.edit(request.as_object().unwrap(), edit, max)
    }

    #[test]
    fn a_subscription_grows_and_shrinks_and_what_follows_trades_follows() {
        let one = subscriber(DataFeed::Iex);
        let request = json!({"trades": ["AAPL", "MSFT"], "bars": ["*"], "quotes": null});
        edit(&one, Edit::Add, &request, 100).unwrap();
        let left = edit(&one, Edit::Remove, &json!({"trades": ["AAPL"]}), 100).unwrap();
        assert_eq!(left["trades"], json!(["MSFT"]));
        assert_eq!(
            (&left["corrections"], &left["cancelErrors"]),
            (&left["trades"], &left["trades"])
        );
        assert_eq!(left["bars"], json!(["*"]));
        assert!(one.wanted().has("bars", "ANY") && !one.wanted().has("trades", "AAPL"));
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let one = subscriber(DataFeed::Crypto);
        for (request, expected) in [
            (json!({"statuses": ["BTC/USD"]}), Misfit::Channel),
            (json!({"news": ["*"]}), Misfit::Channel),
            (json!({"trades": "BTC/USD"}), Misfit::Syntax),
            (json!({"trades": [1]}), Misfit::Syntax),
            (json!({"trades": ["A", "B"], "quotes": ["A"]}), Misfit::TooManySymbols),
            (json!({"trades": ["*"]}), Misfit::TooManySymbols),
        ] {
            assert_eq!(edit(&one, Edit::Add, &request, 2), Err(expected), "{request}");
        }
        assert!(one.wanted().is_empty());
        assert!(edit(&one, Edit::Add, &json!({"bars": ["*"], "trades": ["A"]}), 2).is_ok());
        assert!(edit(&one, Edit::Add, &json!({"statuses": [], "lulds": []}), 2).is_ok());
    }
}
