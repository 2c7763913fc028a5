//! What the streams tell beside trades, quotes and bars: nobody's order meets any of it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::assets::Asset;
use crate::data_wire::{self, Codec, EXCHANGE, Stamp, TAPE};
use crate::ladder::Ladder;
use crate::market::{Bar, Trade};
use crate::number::{self, Number};

/// Something to tell about an asset.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub(crate) asset: Arc<Asset>,
    pub(crate) at: DateTime<Utc>,
    pub(crate) what: Told,
}

/// What is told.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    /// A minute's bar, again: a trade of it was reported late.
    Updated(Bar),
    /// Prices between which the symbol may trade.
    Band { up: Decimal, down: Decimal },
    /// A trade was not as it was told.
    Correction { original: Trade, corrected: Trade },
    /// A trade did not happen.
    Cancel(Trade),
    /// More wants to trade on one side of the coming auction than on the other.
    Imbalance { price: Decimal },
    /// A coin's order book: whole for who sees it first, else what changed.
    Book { whole: Ladder, changes: Ladder },
}

/// Which of the two ways of telling a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    Changes,
    Whole,
}

impl Told {
    /// The channel that it is told on.
    pub(crate) fn channel(&self) -> &'static str {
        match self {
            Self::Updated(_) => "updatedBars",
            Self::Band { .. } => "lulds",
            // Both follow the trades.
            Self::Correction { .. } | Self::Cancel(_) => "trades",
            Self::Imbalance { .. } => "imbalances",
            Self::Book { .. } => "orderbooks",
        }
    }
}

#[derive(Serialize)]
struct WireBand<'a> {
    #[serde(rename = "T")]
    kind: &'static str,
    #[serde(rename = "S")]
    symbol: &'a str,
    u: f64,
    d: f64,
    i: &'static str,
    t: Stamp,
    z: &'static str,
}

#[derive(Serialize)]
struct WireCorrection<'a> {
    #[serde(rename = "T")]
    kind: &'static str,
    #[serde(rename = "S")]
    symbol: &'a str,
    x: &'static str,
    oi: u64,
    op: f64,
    os: Number,
    oc: [&'static str; 1],
    ci: u64,
    cp: f64,
    cs: Number,
    cc: [&'static str; 1],
    t: Stamp,
    z: &'static str,
}

#[derive(Serialize)]
struct WireCancel<'a> {
    #[serde(rename = "T")]
    kind: &'static str,
    #[serde(rename = "S")]
    symbol: &'a str,
    i: u64,
    x: &'static str,
    p: f64,
    s: Number,
    a: &'static str,
    t: Stamp,
    z: &'static str,
}

#[derive(Serialize)]
struct WireImbalance<'a> {
    #[serde(rename = "T")]
    kind: &'static str,
    #[serde(rename = "S")]
    symbol: &'a str,
    p: f64,
    z: &'static str,
    t: Stamp,
}

impl Notice {
    /// One stream message, without the array around it.
    pub(crate) fn encode(&self, codec: Codec, extent: Extent) -> Vec<u8> {
        let asset = &*self.asset;
        let (symbol, t) = (asset.symbol.as_str(), Stamp { at: self.at, codec });
        match &self.what {
            Told::Updated(bar) => {
                data_wire::bytes(&data_wire::bar(asset, bar, Some("u"), codec), codec)
            }
            Told::Band { up, down } => {
                let (u, d) = (number::real(*up), number::real(*down));
                data_wire::bytes(&WireBand { kind: "l", symbol, u, d, i: "B", t, z: TAPE }, codec)
            }
            Told::Correction { original, corrected } => {
                let message = WireCorrection {
                    kind: "c",
                    symbol,
                    x: EXCHANGE,
                    oi: original.id,
                    op: number::real(original.price),
                    os: data_wire::size(asset, original.size),
                    oc: ["@"],
                    ci: corrected.id,
                    cp: number::real(corrected.price),
                    cs: data_wire::size(asset, corrected.size),
                    cc: ["@"],
                    t,
                    z: TAPE,
                };
                data_wire::bytes(&message, codec)
            }
            Told::Cancel(trade) => {
                let message = WireCancel {
                    kind: "x",
                    symbol,
                    i: trade.id,
                    x: EXCHANGE,
                    p: number::real(trade.price),
                    s: data_wire::size(asset, trade.size),
                    a: "C",
                    t,
                    z: TAPE,
                };
                data_wire::bytes(&message, codec)
            }
            Told::Imbalance { price } => {
                let p = number::real(*price);
                data_wire::bytes(&WireImbalance { kind: "i", symbol, p, z: TAPE, t }, codec)
            }
            Told::Book { whole, changes } => {
                let (ladder, reset) = match extent {
                    Extent::Whole => (whole, true),
                    Extent::Changes => (changes, false),
                };
                data_wire::bytes(&data_wire::book_message(asset, ladder, reset, codec), codec)
            }
        }
    }
}
