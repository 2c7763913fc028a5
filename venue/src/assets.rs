//! What can be traded here, and how clients may name it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The kind of a thing that is traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssetClass {
    /// A stock or fund listed in the USA.
    UsEquity,
    /// A coin or currency pair, traded round the clock.
    Crypto,
}

impl AssetClass {
    /// Alpaca's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UsEquity => "us_equity",
            Self::Crypto => "crypto",
        }
    }
}

/// What a program in the same process sees of something tradable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// The symbol, as orders and the data stream name it.
    pub symbol: String,
    /// A readable name.
    pub name: String,
    /// Stock or crypto; it decides which data stream carries the symbol.
    pub class: AssetClass,
    /// The length of the recorded bars; `None` when the source has single trades.
    pub bar_seconds: Option<u32>,
    /// Limit prices are multiples of this, in USD.
    pub price_increment: Decimal,
    /// Quantities are multiples of this.
    pub quantity_increment: Decimal,
    /// Whether parts of a share may be traded.
    pub fractionable: bool,
}

/// Something tradable.
#[derive(Clone, Debug)]
pub(crate) struct Asset {
    pub(crate) id: Uuid,
    pub(crate) class: AssetClass,
    pub(crate) exchange: &'static str,
    pub(crate) symbol: String,
    pub(crate) name: String,
    pub(crate) price_increment: Decimal,
    pub(crate) quantity_increment: Decimal,
    pub(crate) order_size_min: Decimal,
    pub(crate) bar_seconds: Option<u32>,
    /// Seen on `/v2/test` only, and not tradable.
    pub(crate) test_only: bool,
    /// Where recorded prices have more digits than the rule of two allows, the data decides.
    pub(crate) recorded: bool,
}

impl Asset {
    pub(crate) fn id_of(symbol: &str) -> Uuid {
        Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("troupe-venue/asset/{symbol}").as_bytes())
    }

    pub(crate) fn is_crypto(&self) -> bool {
        self.class == AssetClass::Crypto
    }

    /// What sizes in the market are multiples of: whole shares, parts of a coin.
    pub(crate) fn lot(&self) -> Decimal {
        if self.is_crypto() { self.quantity_increment } else { Decimal::ONE }
    }

    /// The symbol in the positions API, which drops the slash.
    pub(crate) fn position_symbol(&self) -> String {
        self.symbol.replace('/', "")
    }

    /// The coin of a pair: `BTC` of `BTC/USD`.
    pub(crate) fn base(&self) -> &str {
        let symbol = self.symbol.as_str();
        symbol
            .split_once('/')
            .map(|(base, _)| base)
            .or_else(|| {
                ["USDT", "USDC", "USD", "PERP"].iter().find_map(|end| symbol.strip_suffix(end))
            })
            .unwrap_or(symbol)
    }

    pub(crate) fn instrument(&self) -> Instrument {
        Instrument {
            symbol: self.symbol.clone(),
            name: self.name.clone(),
            class: self.class,
            bar_seconds: self.bar_seconds,
            price_increment: self.price_increment,
            quantity_increment: self.quantity_increment,
            fractionable: true,
        }
    }
}

/// Every asset of the venue, by symbol and by id.
#[derive(Debug, Default)]
pub(crate) struct AssetTable {
    by_symbol: BTreeMap<String, Arc<Asset>>,
    by_id: HashMap<Uuid, Arc<Asset>>,
    /// `BTCUSD` for `BTC/USD`.
    without_slash: HashMap<String, Arc<Asset>>,
}

impl AssetTable {
    pub(crate) fn new(assets: impl IntoIterator<Item = Asset>) -> Self {
        let mut table = Self::default();
        for asset in assets {
            let asset = Arc::new(asset);
            table.by_id.insert(asset.id, Arc::clone(&asset));
            if asset.symbol.contains('/') {
                table.without_slash.insert(asset.position_symbol(), Arc::clone(&asset));
            }
            table.by_symbol.insert(asset.symbol.clone(), asset);
        }
        table
    }

    /// Finds an asset by what clients send: `AAPL`, `BTC/USD`, `BTCUSD`, `AAPL:NASDAQ` or an id.
    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Asset>> {
        if let Some(asset) = self.by_symbol.get(name) {
            return Some(asset);
        }
        if let Some(asset) = self.without_slash.get(name) {
            return Some(asset);
        }
        if let Ok(id) = Uuid::parse_str(name) {
            return self.by_id.get(&id);
        }
        let (symbol, _exchange) = name.split_once(':')?;
        self.by_symbol.get(symbol)
    }

    /// Every asset in the order of its symbol.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Asset>> {
        self.by_symbol.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::universe;

    #[test]
    fn an_asset_answers_to_every_name_that_the_clients_use() {
        let table = AssetTable::new(universe::assets());
        let bitcoin = table.find("BTC/USD").unwrap();
        assert_eq!(table.find("BTCUSD").unwrap().id, bitcoin.id);
        assert_eq!(table.find(&bitcoin.id.simple().to_string()).unwrap().id, bitcoin.id);
        assert_eq!(table.find("AAPL:NASDAQ").unwrap().symbol, "AAPL");
        assert!(table.find("NOPE").is_none());
        assert_eq!(bitcoin.base(), "BTC");
    }
}
