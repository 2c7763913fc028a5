//! Market data as it is written: one shape for the data API and the stream, JSON or msgpack.

use chrono::{DateTime, SecondsFormat, Utc};
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::assets::Asset;
use crate::ladder::Ladder;
use crate::market::{Bar, Happening, MarketEvent, Quote, Trade, TradingStatus};
use crate::number::{self, Number};

/// Where every trade and quote of this venue comes from: IEX, the exchange of the free feed.
pub(crate) const EXCHANGE: &str = "V";
/// The tape of the NASDAQ stocks; this venue prints all on it.
pub(crate) const TAPE: &str = "C";

/// How a stream's messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    Json,
    MessagePack,
}

/// Whether the message names its kind and symbol (the stream) or stands in a list of one symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    Named,
    Bare,
}

/// A time: RFC 3339 text in JSON, the timestamp extension in msgpack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    pub(crate) at: DateTime<Utc>,
    pub(crate) codec: Codec,
}

/// Msgpack's timestamp extension; the name is how `rmp_serde` knows an extension.
#[derive(Serialize)]
#[serde(rename = "_ExtStruct")]
struct Extension((i8, Bytes<8>));

struct Bytes<const LENGTH: usize>([u8; LENGTH]);

impl<const LENGTH: usize> Serialize for Bytes<LENGTH> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.codec {
            Codec::Json => {
                serializer.serialize_str(&self.at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
            }
            Codec::MessagePack => {
                let seconds = u64::try_from(self.at.timestamp()).unwrap_or(0);
                let nanos = u64::from(self.at.timestamp_subsec_nanos());
                let packed = (nanos << 34) | seconds;
                Extension((-1, Bytes(packed.to_be_bytes()))).serialize(serializer)
            }
        }
    }
}

/// A trade; the fields that only stocks or only coins have are left out of the other.
#[derive(Serialize)]
pub(crate) struct WireTrade<'a> {
    #[serde(rename = "T", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(rename = "S", skip_serializing_if = "Option::is_none")]
    symbol: Option<&'a str>,
    i: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<&'static str>,
    p: f64,
    s: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    c: Option<[&'static str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    z: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tks: Option<&'static str>,
    t: Stamp,
}

/// A quote.
#[derive(Serialize)]
pub(crate) struct WireQuote<'a> {
    #[serde(rename = "T", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(rename = "S", skip_serializing_if = "Option::is_none")]
    symbol: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ax: Option<&'static str>,
    ap: f64,
    #[serde(rename = "as")]
    ask_size: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    bx: Option<&'static str>,
    bp: f64,
    bs: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    c: Option<[&'static str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    z: Option<&'static str>,
    t: Stamp,
}

/// A change of a symbol's trading status.
#[derive(Serialize)]
struct WireStatus<'a> {
    #[serde(rename = "T")]
    kind: &'static str,
    #[serde(rename = "S")]
    symbol: &'a str,
    sc: &'static str,
    sm: &'static str,
    rc: &'static str,
    rm: &'static str,
    z: &'static str,
    t: Stamp,
}

/// A bar.
#[derive(Serialize)]
pub(crate) struct WireBar<'a> {
    #[serde(rename = "T", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(rename = "S", skip_serializing_if = "Option::is_none")]
    symbol: Option<&'a str>,
    o: f64,
    h: f64,
    l: f64,
    c: f64,
    v: Number,
    n: u64,
    vw: f64,
    t: Stamp,
}

/// A trade as it is written.
pub(crate) fn trade<'a>(
    asset: &'a Asset,
    trade: &Trade,
    naming: Naming,
    codec: Codec,
) -> WireTrade<'a> {
    let stock = !asset.is_crypto();
    WireTrade {
        kind: (naming == Naming::Named).then_some("t"),
        symbol: (naming == Naming::Named).then_some(&asset.symbol),
        i: trade.id,
        x: stock.then_some(EXCHANGE),
        p: number::real(trade.price),
        s: size(asset, trade.size),
        c: stock.then_some(["@"]),
        z: stock.then_some(TAPE),
        tks: (!stock).then_some(if trade.taker_buys { "B" } else { "S" }),
        t: Stamp { at: trade.at, codec },
    }
}

/// A quote as it is written.
pub(crate) fn quote<'a>(
    asset: &'a Asset,
    quote: &Quote,
    naming: Naming,
    codec: Codec,
) -> WireQuote<'a> {
    let stock = !asset.is_crypto();
    WireQuote {
        kind: (naming == Naming::Named).then_some("q"),
        symbol: (naming == Naming::Named).then_some(&asset.symbol),
        ax: stock.then_some(EXCHANGE),
        ap: number::real(quote.ask),
        ask_size: size(asset, quote.ask_size),
        bx: stock.then_some(EXCHANGE),
        bp: number::real(quote.bid),
        bs: size(asset, quote.bid_size),
        c: stock.then_some(["R"]),
        z: stock.then_some(TAPE),
        t: Stamp { at: quote.at, codec },
    }
}

/// A bar as it is written; `kind` is `b` or `d` on the stream.
pub(crate) fn bar<'a>(
    asset: &'a Asset,
    bar: &Bar,
    kind: Option<&'static str>,
    codec: Codec,
) -> WireBar<'a> {
    WireBar {
        kind,
        symbol: kind.map(|_| asset.symbol.as_str()),
        o: number::real(bar.open),
        h: number::real(bar.high),
        l: number::real(bar.low),
        c: number::real(bar.close),
        v: size(asset, bar.volume),
        n: bar.trades,
        vw: number::real(bar.weighted_price()),
        t: Stamp { at: bar.at, codec },
    }
}

/// A halt or a resumption, in the words of Nasdaq's tape.
fn status(asset: &Asset, status: TradingStatus, at: DateTime<Utc>, codec: Codec) -> WireStatus<'_> {
    let (sc, sm, rc, rm) = match status {
        TradingStatus::Halted => ("H", "Trading Halt", "T1", "Halt News Pending"),
        TradingStatus::Resumed => ("T", "Trading Resumption", "", ""),
    };
    WireStatus { kind: "s", symbol: &asset.symbol, sc, sm, rc, rm, z: TAPE, t: Stamp { at, codec } }
}

/// A level of an order book.
#[derive(Serialize)]
struct WireLevel {
    p: f64,
    s: f64,
}

/// An order book, or the levels of it that changed.
#[derive(Serialize)]
pub(crate) struct WireBook<'a> {
    #[serde(rename = "T", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(rename = "S", skip_serializing_if = "Option::is_none")]
    symbol: Option<&'a str>,
    t: Stamp,
    b: Vec<WireLevel>,
    a: Vec<WireLevel>,
    /// True: this is the whole book.
    #[serde(skip_serializing_if = "Option::is_none")]
    r: Option<bool>,
}

/// An order book as it is written, best prices first.
pub(crate) fn book<'a>(ladder: &Ladder, codec: Codec) -> WireBook<'a> {
    let level = |(price, size): (&Decimal, &Decimal)| WireLevel {
        p: number::real(*price),
        s: number::real(*size),
    };
    WireBook {
        kind: None,
        symbol: None,
        t: Stamp { at: ladder.at, codec },
        b: ladder.bids.iter().rev().map(level).collect(),
        a: ladder.asks.iter().map(level).collect(),
        r: None,
    }
}

/// An order book, or what changed of it, as a stream message.
pub(crate) fn book_message<'a>(
    asset: &'a Asset,
    ladder: &Ladder,
    reset: bool,
    codec: Codec,
) -> WireBook<'a> {
    WireBook {
        kind: Some("o"),
        symbol: Some(&asset.symbol),
        r: reset.then_some(true),
        ..book(ladder, codec)
    }
}

/// The print of an auction.
pub(crate) fn auction_print(trade: &Trade, condition: &str) -> Value {
    json!({
        "t": Stamp { at: trade.at, codec: Codec::Json },
        "x": EXCHANGE,
        "p": number::real(trade.price),
        "s": Number::of(trade.size.round()),
        "c": condition,
    })
}

/// One stream message, without the array around it.
pub(crate) fn encode(event: &MarketEvent, codec: Codec) -> Vec<u8> {
    let asset = &*event.asset;
    match &event.what {
        Happening::Trade(one) | Happening::OpenTrade(one) | Happening::PathTrade(one) => {
            bytes(&trade(asset, one, Naming::Named, codec), codec)
        }
        Happening::Quote(one) | Happening::BarOver(one) => {
            bytes(&quote(asset, one, Naming::Named, codec), codec)
        }
        Happening::Minute(one) => bytes(&bar(asset, one, Some("b"), codec), codec),
        Happening::Day(one) => bytes(&bar(asset, one, Some("d"), codec), codec),
        Happening::Status(one) => bytes(&status(asset, *one, event.at, codec), codec),
    }
}

/// Messages as one array: each stream frame is one.
pub(crate) fn array(messages: &[&[u8]], codec: Codec) -> Vec<u8> {
    let length: usize = messages.iter().map(|message| message.len() + 1).sum();
    let mut frame = Vec::with_capacity(length + 5);
    match codec {
        Codec::Json => {
            frame.push(b'[');
            for (index, message) in messages.iter().enumerate() {
                if index > 0 {
                    frame.push(b',');
                }
                frame.extend_from_slice(message);
            }
            frame.push(b']');
        }
        Codec::MessagePack => {
            // The header of an array of up to 2^32 elements.
            frame.push(0xdd);
            let count = u32::try_from(messages.len()).unwrap_or(u32::MAX);
            frame.extend_from_slice(&count.to_be_bytes());
            for message in messages {
                frame.extend_from_slice(message);
            }
        }
    }
    frame
}

/// A value in either codec.
pub(crate) fn bytes(value: &impl Serialize, codec: Codec) -> Vec<u8> {
    let written = match codec {
        Codec::Json => serde_json::to_vec(value).map_err(|error| error.to_string()),
        Codec::MessagePack => rmp_serde::to_vec_named(value).map_err(|error| error.to_string()),
    };
    written.unwrap_or_else(|error| {
        tracing::error!(%error, "a market data message cannot be written");
        Vec::new()
    })
}

/// Stock sizes are whole on the wire: clients read them as integers.
pub(crate) fn size(asset: &Asset, value: Decimal) -> Number {
    if asset.is_crypto() { Number::of(value) } else { Number::of(value.round()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::AssetTable;
    use crate::universe;

    #[test]
    fn a_msgpack_time_is_the_timestamp_extension() {
        let at = DateTime::from_timestamp(1_772_461_867, 120_334_501).unwrap();
        let written = bytes(&Stamp { at, codec: Codec::MessagePack }, Codec::MessagePack);
        let packed = (120_334_501_u64 << 34) + 1_772_461_867;
        assert_eq!(&written[..2], &[0xd7, 0xff]);
        assert_eq!(&written[2..], &packed.to_be_bytes());
    }

    #[test]
    fn stock_volumes_have_no_decimal_point_and_coins_may() {
        let table = AssetTable::new(universe::assets());
        let stock = table.find("AAPL").unwrap();
        let trade_of = |size: &str| Trade {
            at: DateTime::UNIX_EPOCH,
            price: "187.25".parse().unwrap(),
            size: size.parse().unwrap(),
            id: 1,
            taker_buys: true,
        };
        let text = |asset: &Asset, size: &str| {
            let message = trade(asset, &trade_of(size), Naming::Bare, Codec::Json);
            String::from_utf8(bytes(&message, Codec::Json)).unwrap()
        };
        assert!(text(stock, "100.0").contains(r#""s":100,"#));
        let coin = text(table.find("BTC/USD").unwrap(), "0.25");
        assert!(coin.contains(r#""s":0.25,"tks":"B""#), "{coin}");
    }
}
